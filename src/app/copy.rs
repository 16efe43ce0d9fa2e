//! The visible part of a map as a table that a spreadsheet reads. Text only; how it
//! gets to the clipboard is the terminal's business. Knows no screen.

use crate::domain::{Pooling, SimilarityMatrix};

use super::room::Clip;
use super::viewport::Viewport;

/// What a window shows of a pooled map, tab separated: the names of the layers of
/// its columns above and of its rows in front, undefined cells empty. Zoomed out, layers
/// share a cell: the first and the last of them are named, and how they were pooled.
pub(super) fn table<'a>(
    quantity: &str,
    pooled: &SimilarityMatrix,
    (viewport, pooling): (&Viewport, Pooling),
    [row_name, col_name]: [&dyn Fn(usize) -> &'a str; 2],
) -> Clip {
    let ((row0, col0), (rows, cols)) = (viewport.origin(), viewport.visible());
    let group = viewport.scale().group();
    let (layer_rows, layer_cols) = viewport.shape();
    let label = |name: &dyn Fn(usize) -> &'a str, unit: usize, layers: usize| {
        let (first, last) = (unit * group, ((unit + 1) * group).min(layers).saturating_sub(1));
        match last > first {
            true => format!("{} to {}", name(first), name(last)),
            false => name(first).to_string(),
        }
    };
    let mut text = quantity.to_string();
    if group > 1 {
        text.push_str(&format!(", {} of {group}x{group}", pooling.name()));
    }
    for col in col0..col0 + cols {
        text.push('\t');
        text.push_str(&label(col_name, col, layer_cols));
    }
    text.push('\n');
    for row in row0..row0 + rows {
        text.push_str(&label(row_name, row, layer_rows));
        for col in col0..col0 + cols {
            text.push('\t');
            if let Some(value) = pooled.get(row, col) {
                text.push_str(&format!("{value:.4}"));
            }
        }
        text.push('\n');
    }
    (text, format!("the visible map as a table of {rows} x {cols}"))
}
