//! The pair under the cursor in one line:
//! `layer3.2.relu2 × layer3.4.add   CKA 0.981 ± 0.003`.

use ratatui::buffer::Buffer;

use crate::app::MapMode;
use crate::app::explorer::Explorer;
use crate::app::layout::Area;
use crate::domain::Absent;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::{Pen, fit_end, width};

/// The pointed pair's value in words.
pub fn value(explorer: &Explorer) -> Result<String, String> {
    let (Some(map), (row, col)) = (explorer.full_map(), explorer.pointed()) else {
        return Err("no analysis".into());
    };
    let (Some(a), Some(b)) = (explorer.layer(row), explorer.layer(col)) else {
        return Err("no layers".into());
    };
    let Some(value) = map.get(a.index, b.index) else {
        let gone = explorer.pruning.map().filter(|_| explorer.mode() == MapMode::PRUNED);
        if let Some(layer) =
            gone.and_then(|(d, _)| [a, b].into_iter().find(|l| d.contains_layer(l)))
        {
            return Err(format!("deleted: {} {}", layer.name, Absent::NotComputed.clause()));
        }
        // the diagonal of a layer without variance is undefined too
        let dead = [a, b].into_iter().find(|l| map.get(l.index, l.index).is_none());
        return Err(match dead {
            Some(layer) => {
                let own = explorer.run().cka().and_then(|map| map.absent(layer.index));
                format!("undefined: {} {}", layer.name, own.unwrap_or(Absent::NoVariance).clause())
            }
            None => "undefined".into(),
        });
    };
    let name = explorer.mode().name();
    Ok(match explorer.full_errors().and_then(|se| se.get(a.index, b.index)) {
        Some(se) => format!("{name} {value:.3} ± {se:.3}"),
        None => format!("{name} {value:.3}"),
    })
}

/// The marked cell's value, and how far that of the cursor's lies above it.
fn marked(explorer: &Explorer) -> Option<String> {
    let (map, mark) = (explorer.matrix()?, explorer.mark()?);
    let (row, col) = explorer.pointed();
    Some(match (map.get(mark.0, mark.1), map.get(row, col)) {
        (Some(there), Some(here)) => format!("mark {there:.3}, {:+.3}", here - there),
        (Some(there), None) => format!("mark {there:.3}"),
        (None, _) => "mark undefined".to_string(),
    })
}

/// Least and greatest value of the pixel under the cursor, when it is pooled.
pub fn under(explorer: &Explorer) -> Option<String> {
    let window = explorer.viewport();
    let (row, col) = window.unit(explorer.pointed());
    let (rows, cols) = (window.row_layers(row), window.col_layers(col));
    if rows.len() < 2 && cols.len() < 2 {
        return None;
    }
    let sides = format!("{}x{}", rows.len(), cols.len());
    let (low, high) = explorer.matrix()?.pooled_over(rows, cols, explorer.pooling()).range?;
    Some(format!("{low:.2} to {high:.2} in {sides}"))
}

/// Draws the line.
pub fn draw(explorer: &Explorer, count: &str, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (row, col) = explorer.pointed();
    let name = |p| explorer.layer(p).map_or("", |l| l.name.as_str());
    let (text, role) = match value(explorer) {
        Ok(text) => (text, Role::Accent),
        Err(text) => (text, Role::Undefined),
    };
    let muted = skin.style(Role::Muted);
    let mut pen = Pen::new(buffer, area, 0);
    // names give way first: the value must be read. Fields are as wide as the
    // longest name, so that nothing moves with the cursor.
    let longest = (0..explorer.len())
        .filter_map(|p| explorer.layer(p))
        .map(|l| width(&l.name))
        .max()
        .unwrap_or(0);
    let room = (pen.left().saturating_sub(width(&text) + 3 + 3) / 2).min(longest);
    let style = skin.style(Role::Text);
    pen.field(&fit_end(name(row), room), room, style).put(" × ", muted);
    pen.field(&fit_end(name(col), room), room, style).skip(3);
    pen.fit(&text, skin.style(role)).skip(3);
    for extra in [marked(explorer), under(explorer)].into_iter().flatten() {
        if width(&extra) <= pen.left() {
            pen.put(&extra, muted).skip(3);
        }
    }
    if explorer.hovered().is_some() {
        pen.right("pointer", muted);
    }
    if !count.is_empty() {
        pen.skip(2).right(count, skin.style(Role::Key));
    }
}
