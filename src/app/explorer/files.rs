//! What leaves the explorer as text or files: the pair under the cursor, the visible
//! map as a table, a layer, and everything that writing the map takes.

use std::path::PathBuf;

use crate::app::action::Action;
use crate::app::copy::table;
use crate::app::message::{ExportRequest, safe_stem};
use crate::app::room::Clip;
use crate::domain::Layer;
use crate::export::Outlines;

use super::Explorer;

impl Explorer {
    /// What a command to copy takes.
    pub(in crate::app) fn copy_of(&self, action: Action) -> Option<Clip> {
        match action {
            Action::CopyMap => self.copied_map(),
            Action::CopyLayer => self.copied_layer(),
            _ => self.copied_cell(),
        }
    }

    /// `layer3.2.relu2 × layer3.4.add  CKA 0.981234 ± 0.003012`.
    fn copied_cell(&self) -> Option<Clip> {
        let (row, col) = self.position();
        let (a, b) = (self.layer(row)?, self.layer(col)?);
        let number = match self.full_map()?.get(a.index, b.index) {
            Some(value) => format!("{value:.6}"),
            None => "undefined".to_string(),
        };
        let se = self.full_errors().and_then(|se| se.get(a.index, b.index));
        let se = se.map(|se| format!(" ± {se:.6}")).unwrap_or_default();
        let text = format!("{} × {}  {} {number}{se}", a.name, b.name, self.mode().name());
        Some((text, "the pair under the cursor".into()))
    }

    /// The row's layer: `layer3.2.relu2  relu  64x8x8  block 3.2`.
    fn copied_layer(&self) -> Option<Clip> {
        let layer = self.layer(self.position().0)?;
        let mut text = format!("{}  {}  {}", layer.name, layer.kind.name(), layer.shape_text());
        if let (Some(stage), Some(block)) = (layer.stage, layer.block) {
            text.push_str(&format!("  block {stage}.{block}"));
        }
        Some((text, format!("the row's layer, {}", layer.name)))
    }

    /// The visible part of the map, pooled as it is on screen.
    fn copied_map(&self) -> Option<Clip> {
        let window = (&self.viewport, self.pooling());
        let name = |p| self.layer(p).map_or("", |l| l.name.as_str());
        Some(table(self.mode().name(), self.pooled()?, window, [&name, &name]))
    }

    /// Everything needed to write the current map.
    pub(in crate::app) fn export_request(&self, colormap: &str) -> Option<ExportRequest> {
        let matrix = self.matrix()?.clone();
        let layers: Vec<Layer> = self.shown().cloned().collect();
        let manifest = &self.run.manifest;
        let view = self.view().name();
        let stem = format!("{}-{}-{}", manifest.name, view, self.mode().stem());
        Some(ExportRequest {
            stem: safe_stem(&stem),
            directory: PathBuf::from("."),
            title: format!(
                "{} · {} · {} · {} · {view}",
                manifest.name,
                manifest.model.title(),
                manifest.data.title(),
                self.mode().name(),
            ),
            matrix,
            errors: self.errors(),
            rows: layers.clone(),
            cols: layers,
            quantity: self.mode().name().to_string(),
            axes: ["layer", "layer"].map(String::from),
            outlines: self.outlined().then(|| Outlines {
                spans: self.structures().found.iter().map(|found| found.span.clone()).collect(),
                rule: self.rule(),
            }),
            range: self.range(),
            colormap: colormap.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::app::{App, ColourDepth, Effect, Input, Key, Look, Scope, demo, update};
    use crate::theme::ThemeSet;

    fn app() -> App {
        let themes = ThemeSet::builtin().unwrap();
        demo::app(Look::new(&themes, None, ColourDepth::Truecolor), 38, (120, 40))
    }

    fn press(app: &mut App, keys: &str) -> Vec<Effect> {
        let mut last = Vec::new();
        for c in keys.chars() {
            last = update(app, Input::Key(Key::char(c)));
        }
        last
    }

    fn copied(effects: &[Effect]) -> (&str, &str) {
        match effects {
            [Effect::Copy(text, what)] => (text, what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pair_is_copied_with_names_value_and_error() {
        let mut app = app();
        let effects = press(&mut app, "jjlllly");
        let (text, what) = copied(&effects);
        let e = app.explorer().unwrap();
        let (row, col) = e.position();
        let (a, b) = (e.layer(row).unwrap(), e.layer(col).unwrap());
        let value = e.full_map().unwrap().get(a.index, b.index).unwrap();
        let se = e.full_errors().unwrap().get(a.index, b.index).unwrap();
        assert_eq!(text, format!("{} × {}  CKA {value:.6} ± {se:.6}", a.name, b.name));
        assert_eq!(what, "the pair under the cursor");
    }

    #[test]
    fn the_visible_map_is_a_table_that_reads_back() {
        let mut app = app();
        for keys in ["Y", "++++GY"] {
            let effects = press(&mut app, keys);
            let (text, _) = copied(&effects);
            let e = app.explorer().unwrap();
            let (rows, cols) = e.viewport().visible();
            let (row0, col0) = e.viewport().origin();
            let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
            assert_eq!(lines.len(), rows + 1);
            assert!(lines.iter().all(|line| line.len() == cols + 1));
            let name = |p: usize| e.layer(p).unwrap().name.clone();
            let shared = e.viewport().row_layers(row0);
            match shared.len() {
                1 => assert_eq!((lines[0][0], lines[1][0]), ("CKA", &*name(row0))),
                k => {
                    let both = format!("{} to {}", name(shared.start), name(shared.end - 1));
                    assert_eq!(lines[1][0], both);
                    assert_eq!(lines[0][0], format!("CKA, mean of {k}x{k}"));
                }
            }
            for i in 0..rows {
                for j in 0..cols {
                    let want = e.pooled().unwrap().get(row0 + i, col0 + j);
                    let have: Option<f64> = lines[i + 1][j + 1].parse().ok();
                    assert_eq!(have.is_some(), want.is_some());
                    let near = have.zip(want).is_none_or(|(h, w)| (h - w).abs() < 1e-4);
                    assert!(near, "{i},{j}");
                }
            }
        }
    }

    #[test]
    fn layers_and_runs_have_names_to_copy() {
        let mut app = app();
        press(&mut app, "jjj");
        let effects = update(&mut app, Input::Key("A-y".parse().unwrap()));
        let e = app.explorer().unwrap();
        let name = e.layer(e.position().0).unwrap().name.clone();
        assert!(copied(&effects).0.starts_with(&name));
        update(&mut app, Input::Key(Key::plain(crate::app::KeyCode::Esc)));
        assert_eq!(app.scope(), Scope::Home);
        let name = app.home.selection().unwrap().name.clone();
        assert_eq!(copied(&press(&mut app, "y")).0, name);
        app.home.runs = None;
        assert!(press(&mut app, "y").is_empty() && app.toast.unwrap().error);
    }
}
