//! The visible part of a map as a table that a spreadsheet reads. Text only; how it
//! gets to the clipboard is the terminal's business. Knows no screen.

use crate::domain::SimilarityMatrix;

use super::room::Clip;
use super::viewport::Viewport;

/// What a window shows of a pooled map, tab separated: the names of the layers of
/// its columns above and of its rows in front, undefined cells empty. Zoomed out, a
/// name is that of the first of the layers that share a cell.
pub(super) fn table<'a>(
    quantity: &str,
    pooled: &SimilarityMatrix,
    viewport: &Viewport,
    [row_name, col_name]: [&dyn Fn(usize) -> &'a str; 2],
) -> Clip {
    let ((row0, col0), (rows, cols)) = (viewport.origin(), viewport.visible());
    let group = viewport.scale().group();
    let mut text = quantity.to_string();
    for col in col0..col0 + cols {
        text.push('\t');
        text.push_str(col_name(col * group));
    }
    text.push('\n');
    for row in row0..row0 + rows {
        text.push_str(row_name(row * group));
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
