//! The list of runs with the selected run's map beside it.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::columns::{Column, Fitting};
use crate::app::home::HomeLayout;
use crate::app::layout::Area;
use crate::app::list::RunOrder;
use crate::app::viewport::Viewport;
use crate::runs::RunSummary;
use crate::theme::Role;

use super::{bars, prompt};
use crate::ui::Skin;
use crate::ui::pen::{Pen, fit, rect};
use crate::ui::widgets::Heatmap;

/// Draws the home screen.
pub fn draw(app: &App, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = HomeLayout::new(size);
    bars::top(app, places.top, "runs", &[], skin, buffer);
    let muted = skin.style(Role::Muted);
    match &app.home.runs {
        None => {
            Pen::new(buffer, places.list, 0).put("reading the list of runs", muted);
        }
        Some(runs) if runs.is_empty() && app.home.all().is_empty() => empty(places, skin, buffer),
        Some(runs) if runs.is_empty() => {
            let text = format!("no run with `{}`; Esc shows all", app.home.filter());
            Pen::new(buffer, places.list, 0).fit(&text, muted);
        }
        Some(runs) => {
            header(app, places.header, skin, buffer);
            let shown = match app.home.filter() {
                "" => String::new(),
                words => format!("{} of {} with `{words}`", runs.len(), app.home.all().len()),
            };
            let mut above =
                Pen::new(buffer, Area { y: places.top.y + 1, h: 1, ..places.header }, 0);
            if places.header.y > places.top.y + 1 {
                above.skip(2).fit(&shown, muted);
            }
            let rows =
                runs.iter().enumerate().skip(app.home.offset).take(usize::from(places.list.h));
            for (row, (i, run)) in rows.enumerate() {
                let line = Area { y: places.list.y + row as u16, h: 1, ..places.list };
                let chosen = app.home.chosen.as_ref() == Some(&run.id);
                entry(app, run, (i == app.home.selected, chosen), line, skin, buffer);
            }
            if let (Some(area), Some(run)) = (places.preview, app.home.selection()) {
                preview(run, area, skin, buffer);
            }
        }
    }
    if !prompt::asked(app, places.message, skin, buffer)
        && !bars::toast(app, places.message, skin, buffer)
    {
        if let Some(why) = app
            .home
            .selection()
            .and_then(|r| r.manifest.as_ref().err().or(r.analysis_error.as_ref()))
        {
            Pen::new(buffer, places.message, 0)
                .put("✗ ", skin.style(Role::Error))
                .fit(why, skin.style(Role::Text));
        } else if app.opening().is_some() {
            Pen::new(buffer, places.message, 0).put("opening", muted);
        }
    }
    bars::bottom(app, skin, buffer);
}

/// Cells of the marks before a name.
const MARKS: usize = 2;

/// The name and the columns that fit into a list so wide.
pub(super) fn fitting(app: &App, width: u16) -> Fitting {
    app.home.columns.fitting(usize::from(width).saturating_sub(MARKS))
}

/// What keeps a text from its neighbour on the right.
fn gap(text: &str, columns: usize) -> String {
    fit(text, columns.saturating_sub(2))
}

/// Writes what a column says, behind another one.
fn cell(pen: &mut Pen<'_>, around: (Option<Column>, Column), text: &str, style: Style) {
    let (before, column) = around;
    let columns = column.width();
    // words behind a number would touch it
    let lead = if before.is_some_and(Column::is_right) { 2 } else { 0 };
    match column.is_right() {
        true => pen.number(text, columns, style),
        false => pen.skip(lead).field(&gap(text, columns - lead), columns - lead, style),
    };
}

fn header(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let Fitting { name, columns } = fitting(app, area.w);
    let mut pen = Pen::new(buffer, area, 0);
    let sorted = |by: RunOrder, title: &str| match by == app.home.order() {
        true => format!("{title}▾"),
        false => title.to_string(),
    };
    pen.skip(MARKS).field(&sorted(RunOrder::Name, "run"), name, muted);
    let mut before = None;
    for column in columns {
        let title = sorted(RunOrder::By(column), column.name());
        cell(&mut pen, (before, column), &title, muted);
        before = Some(column);
    }
}

fn entry(
    app: &App,
    run: &RunSummary,
    (selected, chosen): (bool, bool),
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let Fitting { name, columns } = fitting(app, area.w);
    if selected {
        buffer.set_style(rect(area), skin.style(Role::Selection));
    }
    let over = |role: Role| {
        if selected {
            skin.style(role).patch(skin.style(Role::Selection))
        } else {
            skin.style(role)
        }
    };
    let (text, muted) = (over(Role::Text), over(Role::Muted));
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(if selected { "▸" } else { " " }, over(Role::Accent));
    pen.put(if chosen { "•" } else { " " }, over(Role::Key));
    pen.field(&gap(&run.name, name), name, text);
    let Ok(manifest) = &run.manifest else {
        pen.put("✗ unreadable", over(Role::Error));
        return;
    };
    let mut before = None;
    for column in columns {
        let said = column.text(run, manifest);
        let style = match (column, run.analysis, &run.analysis_error) {
            (Column::Map, true, _) => over(Role::Good),
            (Column::Map, false, Some(_)) => over(Role::Error),
            (Column::Test, ..) => text,
            _ => muted,
        };
        cell(&mut pen, (before, column), &said, style);
        before = Some(column);
    }
}

/// The selected run's map, pooled by whoever listed it, and a line below.
fn preview(run: &RunSummary, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let mut below = 0;
    if let Some(map) = &run.preview {
        let room = area.h.saturating_sub(3);
        let viewport = Viewport::new(map.rows(), map.cols(), (area.w, room));
        let scale = viewport.scale();
        if !viewport.is_pooled() && room > 0 {
            let heatmap = Heatmap {
                values: map,
                origin: (0, 0),
                pixels: scale.pixels(),
                lut: skin.lut(),
                range: (0.0, 1.0),
                cursor: None,
                cursor_style: Style::new(),
                undefined: skin.style(Role::Undefined),
            };
            heatmap.render(rect(Area { h: room, ..area }), buffer);
            below = viewport.extent().1.div_ceil(2) as u16 + 1;
        }
    }
    let Ok(manifest) = &run.manifest else { return };
    let lines = [
        manifest.model.title(),
        manifest.data.title(),
        match (run.analysis, &run.analysis_error) {
            (true, _) => "CKA of all layers".to_string(),
            (false, None) => "no analysis yet".to_string(),
            (false, Some(_)) => "its analysis cannot be read".to_string(),
        },
    ];
    for (i, line) in lines.iter().enumerate() {
        Pen::new(buffer, area, below + i as u16).fit(line, muted);
    }
}

fn empty(places: HomeLayout, skin: &Skin, buffer: &mut Buffer) {
    let area = Area { x: 4, w: places.top.w.saturating_sub(5), ..places.list };
    let (text, muted, accent) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Accent));
    let lines = [
        ("No runs yet.", text, 0),
        ("", text, 0),
        ("Train a small network on built-in images (some minutes):", muted, 0),
        ("blockscope train --data shapes --depth 14 --epochs 10 --name first", accent, 2),
        ("", text, 0),
        ("or bring your own weights, with I or in the shell:", muted, 0),
        ("blockscope import WEIGHTS.pth --preset he --data cifar10:PATH --name mine", accent, 2),
        ("blockscope analyze mine --data cifar10:PATH", accent, 2),
    ];
    for (i, (line, style, indent)) in lines.iter().enumerate() {
        Pen::new(buffer, area, i as u16).skip(*indent).fit(line, *style);
    }
}
