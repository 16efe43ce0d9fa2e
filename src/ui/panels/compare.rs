//! Two runs side by side: their maps, the one between them, and the layers under
//! the cursor. On a small screen one map at a time.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::compare::{Compare, CompareLayout, Pane, Same, ThirdMap};
use crate::app::explorer::{Explorer, SHOWN_IMAGES};
use crate::app::layout::{Area, MapPlaces};
use crate::app::{App, MapMode};
use crate::domain::Layer;
use crate::theme::Role;

use super::bars;
use super::bars::percent;
use super::explorer::{deleted, status};
use super::map::MapView;
use crate::ui::Skin;
use crate::ui::pen::{Pen, fit, fit_end, rect, width};
use crate::ui::widgets::heatmap::UNDEFINED;
use crate::ui::widgets::{Legend, Profile, Thumbnail};

/// Images of which the shared ones are counted.
const TOP: usize = 10;
/// Columns of a picture, large and small.
const SIDES: [u16; 3] = [32, 16, 8];

/// Draws the screen.
pub fn draw(app: &App, compare: &Compare, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = CompareLayout::new(size);
    let [a, _] = compare.sides();
    let names = format!("{}  |  {}", compare.name(Pane::A), compare.name(Pane::B));
    bars::top(app, places.top, &names, &bars::facts(&a.run().manifest), skin, buffer);
    for pane in Pane::ALL {
        if !places.single || pane == compare.focus() {
            draw_pane(compare, pane, &places.panes[pane as usize], skin, buffer);
        }
    }
    match compare.shows_differing().then(|| compare.same_layers()).flatten() {
        Some(same) => differing(compare, &same, places.layers, skin, buffer),
        None => {
            for (at, area) in places.layers.into_iter().enumerate() {
                layer(compare, at, area, skin, buffer);
            }
        }
    }
    legend(compare, places.legend, skin, buffer);
    if !bars::toast(app, places.readout, skin, buffer) {
        cell(compare, places.readout, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

/// The map of a pane; `None` if there is none.
fn view<'a>(compare: &'a Compare, pane: Pane, skin: &'a Skin) -> Option<MapView<'a>> {
    let [a, b] = compare.sides();
    if pane == Pane::Third {
        return Some(MapView {
            values: compare.pooled()?,
            window: compare.window(),
            position: compare.position(pane),
            stages: [a.stages(), b.stages()],
            range: compare.range(),
            lut: match compare.third() {
                ThirdMap::Cross => skin.lut(),
                ThirdMap::Difference => skin.diverging(),
            },
        });
    }
    let side = compare.side(pane);
    Some(MapView {
        values: side.pooled()?,
        window: side.viewport(),
        position: side.position(),
        stages: [side.stages(), side.stages()],
        range: side.range(),
        lut: skin.lut(),
    })
}

fn draw_pane(compare: &Compare, pane: Pane, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
    let title = match pane {
        Pane::A => format!("A  {}", side_title(compare, pane)),
        Pane::B => format!("B  {}", side_title(compare, pane)),
        Pane::Third => compare.third_name().to_string(),
    };
    let mut pen = Pen::new(buffer, places.title, 0);
    // a sign tells it where colours do not
    match pane == compare.focus() {
        true => pen.put("▸ ", skin.style(Role::Accent)).fit(&title, skin.style(Role::Title)),
        false => pen.skip(2).fit(&title, skin.style(Role::Muted)),
    };
    match view(compare, pane, skin) {
        Some(view) => {
            view.map(places, skin, buffer);
            // marks on three rulers would cost a slow link more than they say
            view.rulers(pane == compare.focus(), places, skin, buffer);
            if pane != Pane::Third {
                deleted(compare.side(pane), places, skin, buffer);
            }
        }
        None => missing(places.map, skin, buffer),
    }
}

/// A side's name; beside a pruned network also how well both do, on the same images.
fn side_title(compare: &Compare, pane: Pane) -> String {
    let (name, side) = (compare.name(pane), compare.side(pane));
    let pruned = [Pane::A, Pane::B].map(|pane| &compare.side(pane).pruning);
    let Some(pruned) = pruned.into_iter().find(|pruning| !pruning.deleted().is_empty()) else {
        return name;
    };
    let without = pruned.table().of(pruned.deleted());
    let cost = pruned.cost(pruned.deleted());
    match side.pruning.deleted().is_empty() {
        false => match without {
            Some(row) => format!("{name} · {}", percent(row.accuracy())),
            None => name,
        },
        // the top line has its name
        true => match (without, cost) {
            (Some(row), Some(cost)) => {
                format!("whole · {}", percent(row.accuracy() - cost.change))
            }
            _ => "whole".to_string(),
        },
    }
}

/// In place of a map that was never computed.
fn missing(area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let lines = ["no CKA between these runs yet:", "x computes it"];
    for (row, line) in lines.iter().enumerate() {
        let row = (area.h / 2).saturating_sub(1) + row as u16;
        let left = usize::from(area.w).saturating_sub(width(line)) / 2;
        if row < area.h {
            Pen::new(buffer, area, row).skip(left).fit(line, muted);
        }
    }
}

/// Corresponding layers of both runs as a curve along A's, and the extremes by name.
fn differing(
    compare: &Compare,
    same: &[Option<Same>],
    [left, right]: [Area; 2],
    skin: &Skin,
    buffer: &mut Buffer,
) {
    // one below the other where the layers are, side by side elsewhere
    let beside = left.y == right.y;
    let area = match beside {
        true => Area { w: right.x + right.w - left.x, ..left },
        false => Area { h: right.y + right.h - left.y, ..left },
    };
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let values: Vec<Option<f64>> = same.iter().map(|same| same.map(|same| same.cka)).collect();
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    if area.h < 3 || known.is_empty() {
        return;
    }
    let name = |same: &Same| {
        let layer = compare.side(Pane::A).layer(same.position);
        let error = same.error.map_or_else(String::new, |se| format!(" ± {se:.3}"));
        (layer.map_or("", |layer| layer.name.as_str()), format!("{:.3}{error}", same.cka))
    };
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let heading = format!("CKA of corresponding layers, mean {mean:.3}, {} to 1", low(&known));
    Pen::new(buffer, area, 0).fit(&heading, muted);
    let least = compare.least_alike();
    let listed = if beside { 2 } else { usize::from(area.h / 2).min(least.len()) };
    let bars = area.h - 1 - (listed as u16).min(area.h - 2);
    let curve = Area { y: area.y + 1, h: bars.min(10), ..area };
    Profile {
        values: &values,
        range: (low(&known), 1.0),
        mark: Some(compare.side(Pane::A).position().0),
        bars: skin.style(Role::Accent),
        undefined: skin.style(Role::Undefined),
        mark_style: skin.style(Role::RulerMark),
    }
    .render(rect(curve), buffer);
    let below = Area { y: curve.y + curve.h, h: area.h - 1 - curve.h, ..area };
    if beside {
        let mut pen = Pen::new(buffer, below, 0);
        pen.put("least alike ", muted);
        for same in &least {
            let (layer, value) = name(same);
            if width(layer) + width(&value) + 4 > pen.left() {
                break;
            }
            pen.put(layer, text).skip(1).put(&value, muted).skip(3);
        }
        if let Some(most) = compare.most_alike() {
            let (layer, value) = name(&most);
            Pen::new(buffer, below, 1)
                .put("most alike  ", muted)
                .put(layer, text)
                .skip(1)
                .fit(&value, muted);
        }
        return;
    }
    for (row, same) in least.iter().take(listed).enumerate() {
        let (layer, value) = name(same);
        let mut pen = Pen::new(buffer, below, row as u16);
        let room = pen.left().saturating_sub(width(&value) + 1);
        pen.put(&fit_end(layer, room), text).skip(1).put(&value, muted);
    }
}

/// The tenth at or below the least value, so that differences can be seen.
fn low(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(1.0, f64::min);
    ((least * 10.0).floor() / 10.0).min(0.9)
}

/// The layer under the cursor of side `at`.
fn layer(compare: &Compare, at: usize, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let side = &compare.sides()[at];
    let (Some(layer), true) = (compare.inspected()[at], area.w >= 16) else { return };
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let mut row = 0;
    let mut next = || {
        row += 1;
        row - 1
    };
    let letter = ["A", "B"][at];
    let mut pen = Pen::new(buffer, area, next());
    pen.put(letter, skin.style(Role::Accent)).skip(1);
    pen.put(&fit_end(&layer.name, pen.left()), skin.style(Role::Title));
    if let (Some(stage), Some(block)) = (layer.stage, layer.block) {
        pen.skip(2).fit(&format!("block {stage}.{block}, {}", layer.shape_text()), muted);
    } else {
        pen.skip(2).fit(&layer.shape_text(), muted);
    }
    if compare.lacks(side, layer) && area.h > 1 {
        let style = skin.style(Role::Bad);
        Pen::new(buffer, area, next()).fit("deleted: its block passes its input on", style);
        return;
    }
    if let Some(share) = side.components().and_then(|c| c.share(layer.index))
        && area.h > 1
    {
        let mut pen = Pen::new(buffer, area, next());
        pen.put("first component", muted).skip(1).number(&percent(share), 7, text).skip(1);
        let cells = pen.left().min(40);
        let full = (share * cells as f64).round() as usize;
        pen.put(&"█".repeat(full), skin.style(Role::Accent));
        pen.put(&"░".repeat(cells.saturating_sub(full)), muted);
    }
    if let Some((accuracy, place)) = probe(side, layer)
        && area.h > 2
    {
        let mut pen = Pen::new(buffer, area, next());
        pen.put("linear probe", muted).skip(4).number(&percent(accuracy), 7, text).skip(1);
        pen.fit(&place, muted);
    }
    pictures(
        compare,
        at,
        layer,
        Area { y: area.y + row, h: area.h.saturating_sub(row), ..area },
        skin,
        buffer,
    );
}

/// The accuracy of the probe at the layer, or at the nearest one before it.
fn probe(side: &Explorer, layer: &Layer) -> Option<(f64, String)> {
    let probes =
        side.run().probes.as_ref().filter(|p| p.record.layers.len() == side.layers().len())?;
    let probe = probes.probes.iter().filter(|p| p.layer <= layer.index).max_by_key(|p| p.layer)?;
    let place = match probe.layer == layer.index {
        true => String::new(),
        false => format!("at {}", side.layers().get(probe.layer)?.name),
    };
    // other recipes than the full one may reach less
    let recipe = match probes.record.effort_name() {
        "full" => String::new(),
        name => format!("{name} recipe "),
    };
    Some((probe.test_accuracy, recipe + &place))
}

/// The images that dominate the layer.
fn pictures(
    compare: &Compare,
    at: usize,
    layer: &Layer,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let side = &compare.sides()[at];
    let Some(components) = side.components() else { return };
    let muted = skin.style(Role::Muted);
    if area.h == 0 {
        return;
    }
    let mut heading = "images that drive it".to_string();
    if at == 1
        && let Some(shared) = compare.shared_dominant(TOP)
    {
        heading.push_str(&format!(" · {shared} of the top {TOP} are A's too"));
    }
    Pen::new(buffer, area, 0).fit(&heading, muted);
    let (y, left) = (area.y + 1, area.h - 1);
    let shown = components.dominant(layer.index, SHOWN_IMAGES);
    let label = |example: usize| {
        let class = components.labels[example];
        let names = side.run().components.as_ref().map(|c| &c.record.data.classes);
        let name = names.and_then(|names| names.get(usize::from(class))).cloned();
        name.unwrap_or_else(|| class.to_string())
    };
    let pictured = side.album.problem().is_none();
    let fits = |s: &u16| left > s / 2 && area.w > 2 * s;
    match SIDES.into_iter().find(fits).filter(|_| pictured) {
        Some(size) => {
            let across = ((area.w + 1) / (size + 1)).max(1);
            for (n, example) in shown.iter().take(usize::from(across)).enumerate() {
                let x = area.x + n as u16 * (size + 1);
                let place = Area::new(x, y, size, size / 2);
                let picture = side.album.get(components.images[*example]);
                Thumbnail { picture, skin, waiting: muted }.render(rect(place), buffer);
                let caption = Area::new(x, y + size / 2, size, 1);
                let name = fit(&label(*example), usize::from(size));
                Pen::new(buffer, caption, 0).put(&name, skin.style(Role::Text));
            }
        }
        None if left > 0 => {
            let words: Vec<String> =
                shown.iter().map(|e| format!("#{} {}", components.images[*e], label(*e))).collect();
            Pen::new(buffer, Area { y, h: 1, ..area }, 0)
                .fit(&words.join(" · "), skin.style(Role::Text));
        }
        None => {}
    }
}

/// The scale of the pane in focus and how the maps hang together.
fn legend(compare: &Compare, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let third = compare.focus() == Pane::Third;
    let signed = third && compare.third() == ThirdMap::Difference;
    let side = compare.side(compare.focus());
    let scale = Legend {
        lut: if signed { skin.diverging() } else { skin.lut() },
        range: if third { compare.range() } else { side.range() },
        text,
    };
    let columns = scale.columns(12).min(usize::from(area.w)) as u16;
    scale.render(rect(Area { w: columns, ..area }), buffer);
    let rest = Area { x: area.x + columns, w: area.w - columns, ..area };
    let mut pen = Pen::new(buffer, rest, 0);
    let name = if third { compare.third_name() } else { side.mode().name() };
    pen.skip(2).put(name, text).put(" · ", muted);
    pen.put(&status(side), muted);
    let link = match compare.linked() {
        true => format!("linked: {}", compare.correspondence().words()),
        false => "not linked".to_string(),
    };
    pen.put(" · ", muted).fit(&link, muted);
    let undefined = if third { compare.has_undefined() } else { side.has_undefined() };
    if undefined && pen.left() >= 14 {
        pen.skip(2).put(UNDEFINED, skin.style(Role::Undefined)).put(" undefined", muted);
    }
    if side.auto_range() && pen.left() >= 17 {
        pen.put(" · ", muted).put("scaled to data", muted);
    }
}

/// `0.931`, or a dash.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_string(), |v| format!("{v:.3}"))
}

/// The cell under the cursor in all three maps.
fn cell(compare: &Compare, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text, title) =
        (skin.style(Role::Muted), skin.style(Role::Text), skin.style(Role::Title));
    let [a, b] = compare.sides();
    let focus = compare.focus();
    let (row, col) = compare.position(focus);
    let pair = match focus {
        Pane::A => [a.layer(row), a.layer(col)],
        Pane::B => [b.layer(row), b.layer(col)],
        Pane::Third => [a.layer(row), b.layer(col)],
    };
    let mut pen = Pen::new(buffer, area, 0);
    let [Some(first), Some(second)] = pair else { return };
    let room = usize::from(area.w).saturating_sub(46) / 2;
    pen.put(&fit_end(&first.name, room.max(8)), title).put(" × ", muted);
    pen.put(&fit_end(&second.name, room.max(8)), title).skip(3);
    let value = |side: &Explorer| {
        let (row, col) = side.cursor();
        side.full_map().and_then(|map| map.get(row, col))
    };
    let known = |side: &Explorer| {
        let (row, col) = side.cursor();
        let gone = |i: usize| side.layers().get(i).is_some_and(|l| compare.lacks(side, l));
        match gone(row) || gone(col) {
            true => "deleted".to_string(),
            false => number(value(side)),
        }
    };
    pen.put("A ", muted).put(&known(a), text).skip(2);
    pen.put("B ", muted).put(&known(b), text).skip(2);
    match compare.third() {
        ThirdMap::Difference => {
            let both = value(a).zip(value(b)).map(|(x, y)| x - y);
            let sign = both.map_or_else(|| "–".to_string(), |v| format!("{v:+.3}"));
            pen.put("A-B ", muted).put(&sign, text);
        }
        ThirdMap::Cross => {
            if let Some((value, error)) = compare.cross_value() {
                pen.put("A×B ", muted).put(&number(value), text);
                if let Some(error) = error.filter(|_| a.mode() == MapMode::CKA) {
                    pen.put(&format!(" ± {error:.3}"), text);
                }
            }
        }
    }
}
