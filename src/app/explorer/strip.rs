//! The strip above the map: a curve along the layers whose columns are the map's,
//! so that what rises and falls stands over the block that it belongs to. Pure
//! state: which curve, its values, and what stands under the cursor.

use crate::app::room::Context;
use crate::domain::probes::Probe;

use super::{Explorer, ExplorerLayout};

/// What the strip shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strip {
    /// There is none.
    #[default]
    Off,
    /// The first component's share of the variance of each layer.
    Share,
    /// Test accuracy of the probes after the residual sum.
    ProbeAfter,
    /// Test accuracy of the probes before it.
    ProbeBefore,
}

impl Strip {
    /// All of them in the order in which a key cycles through them.
    pub const ALL: [Strip; 4] = [Strip::Off, Strip::Share, Strip::ProbeAfter, Strip::ProbeBefore];

    /// What it shows, in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Strip::Off => "no curve",
            Strip::Share => "first component",
            Strip::ProbeAfter => "probe after sum",
            Strip::ProbeBefore => "probe before sum",
        }
    }
}

/// A column of the strip, which stands over a column of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column {
    /// Nothing is measured at its layers.
    Empty,
    /// Measured, and without a value (a layer without variance).
    Undefined,
    /// The mean over those of its layers that have a value, a share or an accuracy
    /// from 0 to 1.
    Value(f64),
}

/// A curve as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// One per unit of the map's window, from the left.
    pub columns: Vec<Column>,
    /// Ends of its scale.
    pub range: (f64, f64),
    /// Whether layers share a column.
    pub pooled: bool,
    /// The column under the cursor, if it is in sight.
    pub cursor: Option<usize>,
    /// What was measured nearest to the column's layer: that layer of the full
    /// list, and the value unless it is undefined.
    pub nearest: Option<(usize, Option<f64>)>,
}

impl Explorer {
    /// What the strip shows.
    pub fn strip(&self) -> Strip {
        self.settings.strip
    }

    /// Where things are on a screen of `size` cells, with the strip if it is on.
    pub fn places(&self, size: (u16, u16)) -> ExplorerLayout {
        match self.settings.strip {
            Strip::Off => ExplorerLayout::new(size),
            _ => ExplorerLayout::with_strip(size),
        }
    }

    /// The probes of one side of the residual sum, if they are of these layers.
    fn probes_beside(&self, after: bool) -> Option<impl Iterator<Item = &Probe>> {
        let probes = self.run().probes.as_ref()?;
        let layers = &probes.record.layers;
        (layers.len() == self.layers().len()).then(|| {
            let side = move |p: &&Probe| {
                layers.get(p.layer).is_some_and(|layer| layer.post_residual == after)
            };
            probes.probes.iter().filter(side)
        })
    }

    /// True if the run has what a strip shows.
    pub(super) fn has_strip(&self, strip: Strip) -> bool {
        match strip {
            Strip::Off => true,
            Strip::Share => self.components().is_some(),
            Strip::ProbeAfter => self.probes_beside(true).is_some_and(|mut p| p.next().is_some()),
            Strip::ProbeBefore => self.probes_beside(false).is_some_and(|mut p| p.next().is_some()),
        }
    }

    /// What was measured: layers of the full list, ascending, and their values.
    fn measured(&self) -> Vec<(usize, Option<f64>)> {
        let probes = |after| {
            let side = self.probes_beside(after).into_iter().flatten();
            side.map(|p| (p.layer, Some(p.test_accuracy))).collect()
        };
        match (self.settings.strip, self.components()) {
            (Strip::Share, Some(components)) => {
                self.indices.iter().map(|layer| (*layer, components.share(*layer))).collect()
            }
            (Strip::ProbeAfter, _) => probes(true),
            (Strip::ProbeBefore, _) => probes(false),
            _ => Vec::new(),
        }
    }

    /// Ends of the strip's scale, whatever part of it is seen: for shares from 0 to
    /// the fifth at or above the largest; for accuracies whole percents around the
    /// least and the largest on both sides of the sum, so that the two curves can be
    /// compared.
    fn strip_range(&self, measured: &[(usize, Option<f64>)]) -> (f64, f64) {
        if self.settings.strip == Strip::Share {
            let most = measured.iter().filter_map(|(_, v)| *v).fold(0.0, f64::max);
            return (0.0, ((most * 5.0).ceil() / 5.0).clamp(0.2, 1.0));
        }
        let both = [true, false].map(|after| self.probes_beside(after));
        let all = both.into_iter().flatten().flatten().map(|p| p.test_accuracy);
        let (least, most) = all.fold((1.0f64, 0.0f64), |(l, m), v| (l.min(v), m.max(v)));
        let low = (100.0 * (least - 0.1 * (most - least))).floor().max(0.0);
        (low / 100.0, (100.0 * most).ceil().max(low + 1.0) / 100.0)
    }

    /// The strip's curve over the map's window; `None` if it is off.
    pub fn curve(&self) -> Option<Curve> {
        if self.settings.strip == Strip::Off {
            return None;
        }
        let window = &self.viewport;
        let (first, shown) = (self.viewport.origin().1, self.viewport.visible().1);
        let measured = self.measured();
        // (sum, values, measurements)
        let mut sums = vec![(0.0, 0usize, 0usize); shown];
        for (layer, value) in &measured {
            let at = self.nearest(*layer);
            let unit = window.col_unit(at);
            // several where the map was resampled to more columns than layers
            let units = (unit..).take_while(|unit| window.col_layers(*unit).contains(&at));
            for unit in units.filter_map(|unit| unit.checked_sub(first)) {
                if let Some(sum) = sums.get_mut(unit) {
                    sum.0 += value.unwrap_or(0.0);
                    sum.1 += usize::from(value.is_some());
                    sum.2 += 1;
                }
            }
        }
        let column = |(sum, values, measurements): (f64, usize, usize)| match (values, measurements)
        {
            (_, 0) => Column::Empty,
            (0, _) => Column::Undefined,
            (n, _) => Column::Value(sum / n as f64),
        };
        let col = self.pointed().1;
        let layer = self.indices.get(col).copied().unwrap_or(0);
        Some(Curve {
            columns: sums.into_iter().map(column).collect(),
            range: self.strip_range(&measured),
            pooled: window.is_pooled(),
            cursor: window.col_unit(col).checked_sub(first).filter(|unit| *unit < shown),
            nearest: measured.into_iter().min_by_key(|(at, _)| at.abs_diff(layer)),
        })
    }
}

impl Explorer {
    /// Shows the next curve that the run has, or none; says why where it cannot.
    pub(super) fn next_strip(&mut self, cx: &mut Context<'_>) {
        let at = Strip::ALL.iter().position(|s| *s == self.settings.strip).unwrap_or(0);
        let mut after = Strip::ALL.iter().cycle().skip(at + 1).take(Strip::ALL.len());
        let next = after.find(|s| self.has_strip(**s)).copied().unwrap_or_default();
        if next == Strip::Off && self.settings.strip == Strip::Off {
            let why = "no curves yet: `blockscope analyze` computes first components, with --probes linear probes too";
            return cx.complain(why);
        }
        self.show_strip(next, cx.size);
        if next != Strip::Off && self.places(cx.size).strip.is_none() {
            cx.complain(format!("no room for the curve ({}) above the map here", next.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, Awaited, ColourDepth, Input, Key, Look, demo, update};
    use crate::domain::View;
    use crate::theme::ThemeSet;

    fn app(depth: usize, size: (u16, u16)) -> App {
        let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
        demo::full_app(look, depth, size)
    }

    fn press(app: &mut App, keys: &str) {
        for c in keys.chars() {
            update(app, Input::Key(Key::char(c)));
        }
    }

    fn explorer(app: &App) -> &Explorer {
        app.explorer().unwrap()
    }

    #[test]
    fn columns_are_those_of_the_map_at_any_zoom_scroll_and_view() {
        let mut app = app(38, (120, 40));
        press(&mut app, "i");
        for keys in ["", "f-", "+", "++G$", "0", "v", "+", "v", "f", "f", "vG$", "-"] {
            press(&mut app, keys);
            let e = explorer(&app);
            let (curve, pooled) = (e.curve().unwrap(), e.pooled().unwrap());
            let first = e.viewport().origin().1;
            assert_eq!(curve.columns.len(), e.viewport().visible().1, "{keys}");
            assert_eq!(curve.pooled, e.viewport().is_pooled());
            for (unit, column) in curve.columns.iter().enumerate() {
                // the mean over the very layers that the map's column pools
                let layers = e.viewport().col_layers(first + unit);
                let shares: Vec<f64> =
                    layers.filter_map(|p| e.components().unwrap().share(e.indices()[p])).collect();
                match column {
                    Column::Value(v) => {
                        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
                        assert!((v - mean).abs() < 1e-12, "{keys} {unit}");
                    }
                    Column::Undefined => assert!(shares.is_empty()),
                    Column::Empty => panic!("every layer has a share or is undefined"),
                }
                assert!(first + unit < pooled.cols());
            }
            let col = e.position().1;
            assert_eq!(curve.cursor, Some(e.viewport().col_unit(col) - first));
            assert_eq!(curve.nearest.unwrap().0, e.indices()[col]);
        }
    }

    #[test]
    fn probes_stand_at_their_layers_and_both_sides_share_a_scale() {
        let mut app = app(20, (200, 60));
        press(&mut app, "ii");
        assert_eq!(explorer(&app).strip(), Strip::ProbeAfter);
        let e = explorer(&app);
        assert!(!e.viewport().is_pooled());
        let after = e.curve().unwrap();
        for (p, column) in after.columns.iter().enumerate() {
            let probed = e.layer(p).unwrap().name.ends_with(".add");
            assert_eq!(matches!(column, Column::Value(_)), probed, "{p}");
        }
        press(&mut app, "i");
        let before = explorer(&app).curve().unwrap();
        assert_eq!(after.range, before.range);
        assert_ne!(after.columns, before.columns);
        let values = [&after, &before].into_iter().flat_map(|c| &c.columns);
        for column in values {
            if let Column::Value(v) = column {
                assert!(after.range.0 <= *v && *v <= after.range.1);
            }
        }
        // a view without the probed layers: at the nearest it has, one a block
        press(&mut app, "v");
        let e = explorer(&app);
        assert_eq!(e.view(), View::BlockOutputs);
        let filled = e.curve().unwrap();
        for (p, column) in filled.columns.iter().enumerate() {
            let block = e.layer(p).unwrap().block.is_some();
            assert_eq!(matches!(column, Column::Value(_)), block, "{p}");
        }
        press(&mut app, "i");
        assert_eq!((explorer(&app).strip(), explorer(&app).curve()), (Strip::Off, None));
    }

    #[test]
    fn the_map_keeps_its_factor_and_comes_back_as_it_was() {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let mut app = app(38, size);
            let before = explorer(&app).viewport().clone();
            press(&mut app, "i");
            let e = explorer(&app);
            assert_eq!(e.viewport().scale(), before.scale(), "{size:?}");
            assert_eq!(e.viewport().visible().1, before.visible().1, "every column");
            assert!(e.viewport().visible().0 * 4 >= before.visible().0 * 3);
            assert!(e.viewport().cell_of(e.position()).is_some());
            press(&mut app, "iii");
            assert_eq!(explorer(&app).viewport(), &before);
        }
    }

    #[test]
    fn without_room_or_without_curves_a_message_says_so() {
        let mut app = app(20, (80, 17));
        press(&mut app, "i");
        assert!(app.toast.as_ref().unwrap().text.contains("no room"));
        // it is on all the same, and there when the screen grows
        update(&mut app, Input::Resize(80, 30));
        assert!(explorer(&app).places(app.size).strip.is_some());
        let look = app.look.clone();
        let mut plain = demo::app(look, 20, (120, 40));
        press(&mut plain, "i");
        assert!(plain.toast.as_ref().unwrap().text.contains("blockscope analyze"));
        assert_eq!(explorer(&plain).strip(), Strip::Off);
        // the next run shows the same strip if it has one
        press(&mut app, "i");
        for (run, strip) in [
            (demo::with_findings(demo::synthetic_run(14)), Strip::ProbeAfter),
            (demo::synthetic_run(14), Strip::Off),
        ] {
            app.awaited = Awaited::Run(run.id.clone());
            update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
            assert_eq!(explorer(&app).strip(), strip);
        }
    }
}
