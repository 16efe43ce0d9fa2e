//! The visible part of a map as a table that a spreadsheet reads. Text only; how it
//! gets to the clipboard is the terminal's business. Knows no screen.

use std::ops::Range;

use crate::domain::{Pooling, SimilarityMatrix};

use super::room::Clip;
use super::viewport::{Scale, Viewport};

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
    let label = |name: &dyn Fn(usize) -> &'a str, layers: Range<usize>| match layers.len() {
        0 | 1 => name(layers.start).to_string(),
        _ => format!("{} to {}", name(layers.start), name(layers.end - 1)),
    };
    let mut text = quantity.to_string();
    match viewport.scale() {
        Scale::Out(k) if k > 1 => text.push_str(&format!(", {} of {k}x{k}", pooling.name())),
        Scale::Fill(_) => text.push_str(&format!(", {}, resampled", pooling.name())),
        _ => {}
    }
    for col in col0..col0 + cols {
        text.push('\t');
        text.push_str(&label(col_name, viewport.col_layers(col)));
    }
    text.push('\n');
    for row in row0..row0 + rows {
        text.push_str(&label(row_name, viewport.row_layers(row)));
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
