//! The pane beside the map: tabs for the layer under the cursor, first
//! components, linear probes, blocks and deletions, and how it was made. Each tab
//! is one function over a [`Pane`], which writes row by row while there is room.

mod about;
mod curves;
mod layer;
mod residual_blocks;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::explorer::{Explorer, Tab};
use crate::app::layout::Area;
use crate::theme::Role;

use super::status;
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect};
use crate::ui::widgets::heatmap::UNDEFINED;
use crate::ui::widgets::{Legend, Profile};

/// Columns of the names of facts.
const LABEL: usize = 10;
/// Rows of the scale at the foot.
const FOOT: u16 = 3;

/// Draws the pane.
pub fn draw(app: &App, explorer: &Explorer, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let tall = area.h >= 26;
    let foot = FOOT.min(area.h / 4);
    let body = Area { h: area.h - foot - u16::from(foot > 0), ..area };
    let mut pane = Pane { area: body, row: 0, skin, buffer };
    pane.tabs(explorer.tab());
    pane.gap(tall);
    match explorer.tab() {
        Tab::Layer => layer::draw(&mut pane, explorer, tall),
        Tab::Components => curves::components(&mut pane, explorer, tall),
        Tab::Probes => curves::probes(&mut pane, explorer, tall),
        Tab::Blocks => residual_blocks::draw(&mut pane, app, explorer),
        Tab::About => about::draw(&mut pane, explorer),
    }
    let below = Area { y: area.y + area.h - foot, h: foot, ..area };
    Pane { area: below, row: 0, skin, buffer }.scale(explorer, app);
}

/// Writes into the pane row by row.
struct Pane<'a> {
    area: Area,
    row: u16,
    skin: &'a Skin,
    buffer: &'a mut Buffer,
}

impl Pane<'_> {
    fn left(&self) -> u16 {
        self.area.h.saturating_sub(self.row)
    }

    fn width(&self) -> usize {
        usize::from(self.area.w)
    }

    fn style(&self, role: Role) -> Style {
        self.skin.style(role)
    }

    fn gap(&mut self, wanted: bool) {
        self.row += u16::from(wanted);
    }

    fn pen(&mut self) -> Pen<'_> {
        let pen = Pen::new(self.buffer, self.area, self.row);
        self.row += 1;
        pen
    }

    /// Takes `height` rows for a widget.
    fn take(&mut self, height: u16) -> Area {
        let height = height.min(self.left());
        let area = Area { y: self.area.y + self.row, h: height, ..self.area };
        self.row += height;
        area
    }

    fn fact(&mut self, name: &str, value: &str) {
        let (label, text) = (self.style(Role::Muted), self.style(Role::Text));
        self.pen().field(name, LABEL, label).fit(value, text);
    }

    fn heading(&mut self, text: &str) {
        let muted = self.style(Role::Muted);
        self.pen().fit(text, muted);
    }

    /// A remark that may take several rows.
    fn remark(&mut self, text: &str) {
        let style = self.style(Role::Muted);
        let width = self.width().max(1);
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && crate::ui::pen::width(&line) + 1 + word.len() > width {
                self.pen().put(&line, style);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.pen().fit(&line, style);
    }

    fn tabs(&mut self, open: Tab) {
        let (on, off) = (self.style(Role::Selection), self.style(Role::Muted));
        let mut pen = self.pen();
        for tab in Tab::ALL {
            // brackets tell it where colours do not
            match tab == open {
                true => pen.put(&format!("[{}]", tab.name()), on),
                false => pen.put(&format!(" {}", tab.name()), off),
            };
        }
    }

    /// Values along the layers of the view, with the cursor's place marked.
    fn curve(&mut self, values: &[Option<f64>], range: (f64, f64), mark: usize, height: u16) {
        let (bars, undefined, mark_style) =
            (self.style(Role::Accent), self.style(Role::Undefined), self.style(Role::RulerMark));
        let area = self.take(height);
        Profile { values, range, mark: Some(mark), bars, undefined, mark_style }
            .render(rect(area), self.buffer);
    }

    fn scale(&mut self, explorer: &Explorer, app: &App) {
        let (muted, text) = (self.skin.style(Role::Muted), self.skin.style(Role::Text));
        if self.left() == 0 {
            return;
        }
        let legend = Legend { lut: self.skin.lut(), range: explorer.range(), text };
        let area = self.take(1);
        let name = explorer.mode().name();
        let room = usize::from(area.w).saturating_sub(legend.columns(0) + name.len() + 2);
        let columns = legend.columns(room.min(24)).min(usize::from(area.w)) as u16;
        legend.render(rect(Area { w: columns, ..area }), self.buffer);
        let beside = Area { x: area.x + columns, w: area.w - columns, ..area };
        Pen::new(self.buffer, beside, 0).skip(2).put(name, text);
        let scaled = if explorer.auto_range() { "scaled to the data" } else { "fixed scale" };
        let undefined = self.skin.style(Role::Undefined);
        self.pen().fit(&status(explorer), muted);
        let mut pen = self.pen();
        pen.fit(&format!("{scaled} · {}", app.look.colormap()), muted);
        if explorer.has_undefined() {
            let word = if pen.left() >= 13 { " undefined" } else { " none" };
            pen.skip(2).put(UNDEFINED, undefined).put(word, muted);
        }
    }
}
