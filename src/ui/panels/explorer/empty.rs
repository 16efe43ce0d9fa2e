//! In place of a map: the run has no analysis, and which command makes one.

use ratatui::buffer::Buffer;

use crate::app::explorer::{Explorer, ExplorerLayout};
use crate::app::layout::Area;
use crate::app::{Action, App};
use crate::theme::Role;
use crate::ui::Skin;
use crate::ui::pen::Pen;

/// A run without an analysis: which command makes one.
pub fn draw(
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
