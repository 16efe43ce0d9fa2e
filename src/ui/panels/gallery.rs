//! The images that drive a layer, as a screen of pictures: class, a cross with what it
//! was taken for, and the coordinate on the layer's first component.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::explorer::Explorer;
use crate::app::explorer::gallery::{CAPTION, Driver};
use crate::app::layout::Area;
use crate::text::wrapped;
use crate::theme::Role;

use super::bars::{self, percent, thousands};
use super::prompt;
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect};
use crate::ui::widgets::Thumbnail;

/// What stands below and beside the pictures.
const LEGEND: &str = "scores: coordinates on the layer's first component; ✗ wrongly classified";

/// Draws the screen.
pub fn draw(app: &App, explorer: &Explorer, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = explorer.gallery_places(size);
    let manifest = &explorer.run().manifest;
    bars::top(app, places.top, &manifest.name, &bars::facts(manifest), skin, buffer);
    let (first, shown) = explorer.page_of_drivers(size);
    header(explorer, first..first + shown.len(), places.header, skin, buffer);
    let selected = explorer.gallery_selected();
    for (at, driver) in shown.iter().enumerate() {
        let tile = places.tile(at);
        if explorer.album.problem().is_none() {
            let picture = explorer.album.get(driver.image);
            let waiting = skin.style(Role::Muted);
            Thumbnail { picture, skin, waiting }.render(rect(tile), buffer);
        }
        let below = Area { y: tile.y + tile.h, h: CAPTION, ..tile };
        caption(driver, first + at == selected, below, skin, buffer);
    }
    // in the place of the first pictures, whole, as it says what to do
    let room = Area { h: places.side / 2, ..places.tiles };
    let why = explorer.album.problem().unwrap_or_default();
    for (y, line) in wrapped(why, usize::from(room.w)).iter().take(room.h.into()).enumerate() {
        Pen::new(buffer, room, y as u16).put(line, skin.style(Role::Text));
    }
    if !prompt::asked(app, places.message, skin, buffer)
        && !bars::toast(app, places.message, skin, buffer)
    {
        let here = selected.checked_sub(first).and_then(|at| shown.get(at));
        message(here, places.message, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

fn header(
    explorer: &Explorer,
    shown: std::ops::Range<usize>,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let (muted, title) = (skin.style(Role::Muted), skin.style(Role::Title));
    let Some(layer) = explorer.layer(explorer.position().0) else { return };
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(&layer.name, title);
    if let Some(share) = explorer.components().and_then(|c| c.share(layer.index)) {
        pen.put(&format!("  first component {} of variance", percent(share)), muted);
    }
    let of = thousands(explorer.drivers_known());
    let which = match shown.is_empty() {
        true => String::from("no images"),
        false => format!("images {} to {} of {of}", shown.start + 1, shown.end),
    };
    pen.skip(2).right(&which, muted);
}

fn caption(driver: &Driver, here: bool, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, bad) = (skin.style(Role::Muted), skin.style(Role::Bad));
    let text = if here { skin.style(Role::Selection) } else { skin.style(Role::Text) };
    let mut pen = Pen::new(buffer, area, 0);
    if driver.wrong.is_some() {
        pen.put("✗", bad);
    }
    pen.fit(&driver.label, text);
    let mut pen = Pen::new(buffer, area, 1);
    let score = format!("{:+.1}", driver.score);
    let id = format!("#{}", driver.image);
    match score.len() + id.len() < usize::from(area.w) {
        true => drop(pen.put(&id, muted).right(&score, muted)),
        false => drop(pen.fit(&score, muted)),
    }
}

/// What the selected image is.
fn message(driver: Option<&Driver>, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text, bad) =
        (skin.style(Role::Muted), skin.style(Role::Text), skin.style(Role::Bad));
    let mut pen = Pen::new(buffer, area, 0);
    let Some(driver) = driver else { return };
    pen.put(&format!("#{} {}", driver.image, driver.label), text);
    if let Some(wrong) = &driver.wrong {
        pen.put(&format!(", taken for {wrong}"), bad);
    }
    pen.put(&format!(", score {:+.2}, norm {:.1}x", driver.score, driver.norm), text);
    pen.skip(2).fit(LEGEND, muted);
}
