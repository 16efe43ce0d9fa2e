//! The explorer's map in real pixels: every pair of layers that its cells pool, as a
//! picture under the same cells. Cursor and outlines stay cells of text.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use ratatui::buffer::Buffer;

use crate::app::explorer::Explorer;
use crate::app::jobs::Picture;
use crate::app::layout::Area;
use crate::theme::Rgb;

use super::Skin;
use super::pixels::{MOST, Part};

/// Pictures of maps have serial numbers with this bit, by their content.
const OF_MAPS: u32 = 0x0080_0000;
/// Pixels of a cell's width that are aimed for: terminals smooth what they enlarge.
const CELL: usize = 8;
/// A pair of layers without a value.
const UNDEFINED: Rgb = Rgb(128, 128, 128);

/// Puts the picture in the place of the cells of a drawn map that show nothing else.
pub fn draw(explorer: &Explorer, map: Area, skin: &Skin, buffer: &mut Buffer) {
    let Some(places) = places(explorer, map) else { return };
    let Some(picture) = picture(explorer, skin) else { return };
    let window = explorer.viewport();
    let ((row, col), pixels) = (explorer.position(), window.scale().pixels());
    let cursor = |start: Option<usize>, per: usize| {
        start.map_or(0..0, |start| start / per..(start + pixels).div_ceil(per))
    };
    let (rows, cols) = (cursor(window.row_pixel(row), 2), cursor(window.col_pixel(col), 1));
    for (y, x) in (0..places.1).flat_map(|y| (0..places.0).map(move |x| (y, x))) {
        if rows.contains(&usize::from(y)) && cols.contains(&usize::from(x)) {
            continue;
        }
        let at = (map.x + u16::from(x), map.y + u16::from(y));
        let cell = buffer.cell_mut(at).filter(|cell| ["▀", " "].contains(&cell.symbol()));
        if let Some(cell) = cell {
            Part { serial: picture.serial, size: places, at: (x, y) }.put(cell);
        }
    }
}

/// Columns and rows of cells that a picture can stand for: a half row at the end stays text.
fn places(explorer: &Explorer, map: Area) -> Option<(u8, u8)> {
    let (w, h) = explorer.viewport().extent();
    let (w, h) = (w.min(map.w.into()), (h / 2).min(map.h.into()));
    let fits = |n: usize| u8::try_from(n).ok().filter(|n| *n > 0 && u16::from(*n) <= MOST);
    Some((fits(w)?, fits(h)?))
}

/// The part of the map in sight as a picture, one colour for each pair of layers.
pub fn picture(explorer: &Explorer, skin: &Skin) -> Option<Picture> {
    let window = explorer.viewport();
    let matrix = explorer.matrix()?;
    let (low, high) = explorer.range();
    let ((row, col), (rows, cols)) = (window.origin(), window.visible());
    let (w, h) = window.extent();
    // whole rows of cells
    let rows = rows.min((h & !1).div_ceil(window.scale().pixels()));
    let layers = |range: Range<usize>, of: &dyn Fn(usize) -> Range<usize>| {
        let units: Vec<Range<usize>> = range.map(of).collect();
        let most = units.iter().map(Range::len).max().unwrap_or(1).max(1);
        // units of one layer less are stretched
        let spread =
            move |unit: Range<usize>| (0..most).map(move |j| unit.start + j * unit.len() / most);
        units.into_iter().flat_map(spread).collect::<Vec<usize>>()
    };
    let down = layers(row..row + rows, &|unit| window.row_layers(unit));
    let across = layers(col..col + cols, &|unit| window.col_layers(unit));
    let scale = (CELL * w).div_ceil(across.len().max(1)).clamp(1, 16);
    let mut hasher = DefaultHasher::new();
    (w, h, scale).hash(&mut hasher);
    let mut rgb = Vec::with_capacity(3 * down.len() * across.len() * scale * scale);
    for i in &down {
        let start = rgb.len();
        for j in &across {
            let Rgb(r, g, b) = match matrix.get(*i, *j) {
                Some(value) => skin.lut().rgb((value - low) / (high - low))?,
                None => UNDEFINED,
            };
            (0..scale).for_each(|_| rgb.extend([r, g, b]));
        }
        let line = rgb[start..].to_vec();
        line.hash(&mut hasher);
        (1..scale).for_each(|_| rgb.extend(&line));
    }
    let serial = OF_MAPS | (hasher.finish() as u32 & (OF_MAPS - 1));
    Some(Picture { serial, width: across.len() * scale, height: down.len() * scale, rgb })
}
