//! Screens that hold nothing but words.

use ratatui::buffer::Buffer;

use crate::app::explorer::Explorer;
use crate::app::layout::{Area, ExplorerLayout, MIN_SIZE};
use crate::app::{Action, App};
use crate::runs::RunId;
use crate::theme::Role;

use super::super::Skin;
use super::super::pen::Pen;

/// The terminal has too few cells.
pub fn too_small((w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let lines =
        [format!("{w}x{h} is too small"), format!("{}x{} is enough", MIN_SIZE.0, MIN_SIZE.1)];
    let top = h.saturating_sub(2) / 2;
    for (i, line) in lines.iter().enumerate() {
        let x = w.saturating_sub(line.len() as u16) / 2;
        let area = Area::new(x, top + i as u16, w.saturating_sub(x), 1);
        let role = if i == 0 { Role::Warning } else { Role::Muted };
        Pen::new(buffer, area, 0).put(line, skin.style(role));
    }
}

/// A run is being read.
pub fn opening(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let name = match &app.loading {
        Some(RunId::Embedded(name)) => name.clone(),
        Some(RunId::Disk(path)) => {
            path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
        }
        None => return,
    };
    Pen::new(buffer, area, 1)
        .put("opening ", skin.style(Role::Muted))
        .fit(&name, skin.style(Role::Text));
}

/// A run without an analysis: which command makes one.
pub fn no_analysis(
    app: &App,
    explorer: &Explorer,
    places: ExplorerLayout,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let manifest = &explorer.run().manifest;
    let (text, muted, accent) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Accent));
    let x = places.map.x.min(4);
    let area = Area::new(x, places.map.y, places.top.w.saturating_sub(x + 1), places.map.h);
    let data = match manifest.data.source.as_str() {
        "shapes" => "shapes".to_string(),
        source => format!("{source}:PATH"),
    };
    let command = format!("blockscope analyze {} --data {data}", manifest.name);
    Pen::new(buffer, area, 1)
        .fit("This run has no analysis yet, so there is no map to show.", text);
    Pen::new(buffer, area, 3).fit("Compute the similarity of all its layers with", muted);
    Pen::new(buffer, area, 4).skip(2).fit(&command, accent);
    let back = app.keymap.way_to(Action::Back);
    let then = format!("then open it again from the list of runs ({back}).");
    Pen::new(buffer, area, 6).fit(&then, muted);
}
