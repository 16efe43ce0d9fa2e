//! The map with its rulers: the screen that matters.
//!
//! ```text
//!  blockscope   run   model · data · test · seed                  device
//!  (a curve over the columns, if it is on)
//!            ┌── stage 1 ──────┴ stage 2 ──────┴ stage 3 ────   inspector
//!   stage 1  │▀▄▀▄▀▄▀▄▀▄▀▄▀▄
//!            ┤▀▄▀▄▀▄▀▄▀▄▀▄▀▄
//!   stage 2 ▸│▀▄▀▄▀▄▀▄▀▄▀▄▀▄
//!                    ▴
//!  row × column   CKA 0.981 ± 0.003
//!  keys
//! ```

mod find;
mod inspector;
pub mod overview;
mod readout;
mod strip;

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::explorer::Explorer;
use crate::app::key::print_sequence;
use crate::app::layout::{Area, MapPlaces};
use crate::app::viewport::Scale;
use crate::domain::Pooling;
use crate::theme::Role;

use super::map::MapView;
use super::{bars, prompt};
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect, width};
use crate::ui::pixel_map;
use crate::ui::widgets::heatmap::UNDEFINED;
use crate::ui::widgets::{Legend, Outline};

/// Draws the explorer.
pub fn draw(app: &App, explorer: &Explorer, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = explorer.places(size);
    let manifest = &explorer.run().manifest;
    bars::top(app, places.top, &manifest.name, &bars::facts(manifest), skin, buffer);
    let frame = places.frame();
    if let Some(view) = view(explorer, skin) {
        view.map(&frame, skin, buffer);
        outline(explorer, places.map, skin, buffer);
        if skin.pixel_maps() {
            pixel_map::draw(explorer, places.map, skin, buffer);
        }
        view.rulers(true, &frame, skin, buffer);
        overview::draw(explorer, places.map, skin, buffer);
    }
    match &places.strip {
        Some(places) => strip::draw(explorer, places, skin, buffer),
        // where a row is free above the map
        None if places.columns.y > places.top.h => {
            let line = Area::new(1, places.top.h, size.0.saturating_sub(2), 1);
            Pen::new(buffer, line, 0).fit(&explorer.verdict(), skin.style(Role::Muted));
        }
        None => {}
    }
    deleted(explorer, &places.frame(), skin, buffer);
    mark(explorer, &places.frame(), skin, buffer);
    if let Some(area) = places.legend {
        legend(explorer, app, area, skin, buffer);
    }
    if let Some(area) = places.pane {
        inspector::draw(app, explorer, area, skin, buffer);
    }
    if let Some(search) = app.overlay.find() {
        find::draw(search, explorer.len(), &places, skin, buffer);
    } else if !prompt::asked(app, places.readout, skin, buffer)
        && !bars::toast(app, places.readout, skin, buffer)
    {
        let count =
            app.count.map(|n| n.to_string()).unwrap_or_default() + &print_sequence(&app.pending);
        readout::draw(explorer, &count, places.readout, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

/// The explorer's map as the panel draws it.
fn view<'a>(explorer: &'a Explorer, skin: &'a Skin) -> Option<MapView<'a>> {
    Some(MapView {
        values: explorer.pooled()?,
        window: explorer.viewport(),
        position: explorer.position(),
        stages: [explorer.stages(), explorer.stages()],
        range: explorer.range(),
        lut: skin.lut(),
    })
}

/// The block structures as pixels of the window along both axes.
fn outline(explorer: &Explorer, area: Area, skin: &Skin, buffer: &mut Buffer) {
    if !explorer.outlined() {
        return;
    }
    let window = explorer.viewport();
    let (pixels, origin) = (window.scale().pixels() as isize, window.origin());
    let pixel = |unit: usize, origin: usize| (unit as isize - origin as isize) * pixels;
    // a unit that shows a part of a structure is inside
    let frames: Vec<_> = explorer
        .structures()
        .found
        .iter()
        .map(|structure| {
            let (first, end) = (*structure.span.start(), structure.span.end() + 1);
            let (left, top) = (window.col_unit(first), window.row_unit(first));
            let (right, bottom) = (window.col_edge(end), window.row_edge(end));
            (
                pixel(left, origin.1),
                pixel(top, origin.0),
                pixel(right, origin.1),
                pixel(bottom, origin.0),
            )
        })
        .collect();
    let style = skin.style(Role::Accent);
    let area = rect(area);
    Outline { frames: &frames, lut: skin.lut(), style }.render(area, buffer);
}

/// Marks the rows and columns of deleted residual blocks beside and below the map.
pub fn deleted(explorer: &Explorer, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
    let bypass = explorer.pruning.deleted();
    if bypass.is_empty() {
        return;
    }
    let gone = |at: &usize| explorer.layer(*at).is_some_and(|layer| bypass.contains_layer(layer));
    for at in (0..explorer.len()).filter(gone) {
        sign(explorer, (at, at), 0, ("×", Role::Bad), places, skin, buffer);
    }
}

/// The marked cell's row and column.
fn mark(explorer: &Explorer, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
    if let Some(at) = explorer.mark() {
        sign(explorer, at, middle_of(explorer), ("◆", Role::RulerMark), places, skin, buffer);
    }
}

/// A sign at a layer's row, on the edge of the ruler beside it, and at another one's
/// column, in the line below the map: there it covers no name.
fn sign(
    explorer: &Explorer,
    (row, col): (usize, usize),
    middle: usize,
    (text, role): (&str, Role),
    places: &MapPlaces,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let (viewport, style) = (explorer.viewport(), skin.style(role));
    let (rows, marks) = (places.rows, places.marks);
    let y = viewport.row_pixel(row).map(|y| (y + middle) / 2);
    if let Some(y) = y.filter(|y| rows.w > 0 && *y < usize::from(rows.h)) {
        let at = Area::new(rows.x + rows.w - 1, rows.y + y as u16, 1, 1);
        Pen::new(buffer, at, 0).put(text, style);
    }
    let x = viewport.col_pixel(col).map(|x| x + middle);
    // the cursor's own mark stays
    let cursor = viewport.col_pixel(explorer.position().1).map(|x| x + middle_of(explorer));
    if let Some(x) = x.filter(|x| *x < usize::from(marks.w) && Some(*x) != cursor) {
        // right below the map, which may be smaller than its area
        let below = viewport.extent().1.div_ceil(2) as u16;
        let at = Area::new(marks.x + x as u16, places.map.y + below, 1, 1);
        Pen::new(buffer, at, 0).put(text, style);
    }
}

/// Pixels from the start of a unit to its middle.
fn middle_of(explorer: &Explorer) -> usize {
    (explorer.viewport().scale().pixels() - 1) / 2
}

/// `all layers · 2x2 mean`, and which rows, if not all are in sight.
pub fn status(explorer: &Explorer) -> String {
    let zoom = match explorer.viewport().scale() {
        Scale::Out(1) => "1:1".to_string(),
        Scale::Out(k) => match explorer.pooling() {
            Pooling::Mean => format!("{k}x{k} mean"),
            Pooling::Max => format!("{k}x{k} max"),
        },
        Scale::In(k) => format!("{k}x"),
        Scale::Fill(_) => "resampled".to_string(),
    };
    let viewport = explorer.viewport();
    let ((row, _), (rows, _)) = (viewport.origin(), viewport.visible());
    let first = viewport.row_layers(row).start;
    let end = viewport.row_layers((row + rows).saturating_sub(1)).end;
    let window = match end - first < explorer.len() {
        true => format!(" · rows {} to {end} of {}", first + 1, explorer.len()),
        false => String::new(),
    };
    format!("{} · {zoom}{window}", explorer.view().name())
}

/// The scale and what the map shows, in one line.
fn legend(explorer: &Explorer, app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let scale = Legend { lut: skin.lut(), range: explorer.range(), text: skin.style(Role::Text) };
    let columns = scale.columns(12).min(usize::from(area.w)) as u16;
    scale.render(rect(Area { w: columns, ..area }), buffer);
    let muted = skin.style(Role::Muted);
    let rest = Area::new(area.x + columns, area.y, area.w - columns, 1);
    let mut pen = Pen::new(buffer, rest, 0);
    pen.skip(2).put(explorer.mode().name(), skin.style(Role::Text)).put(" · ", muted);
    pen.fit(&status(explorer), muted);
    let extra = if explorer.auto_range() {
        "scaled to data".to_string()
    } else {
        app.look.colormap().to_string()
    };
    if width(&extra) + 3 <= pen.left() {
        pen.put(" · ", muted).put(&extra, muted);
    }
    if explorer.has_undefined() && pen.left() >= 14 {
        pen.skip(2).put(UNDEFINED, skin.style(Role::Undefined)).put(" undefined", muted);
    }
}
