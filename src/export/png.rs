//! The map as a picture of about 1000 pixels: whole pixels per cell, stages
//! marked in the margins, a colour bar with its ends.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb as Pixel, RgbImage};

use super::{ExportError, Format, MapExport, font, scale_label, stages};
use crate::theme::{Colormap, Rgb};

/// Side of the map that is aimed for, in pixels.
const SIDE: usize = 1000;
/// Largest cell, in pixels.
const MAX_CELL: usize = 120;
/// Space left and above, for stage marks.
const MARGIN: u32 = 56;
/// Space below.
const BOTTOM: u32 = 24;
/// Space between the map, the colour bar and its labels.
const GAP: u32 = 12;
/// Width of the colour bar.
const BAR: u32 = 28;
/// Pixels per dot of the font.
const DOT: u32 = 3;

pub(super) const PAPER: Pixel<u8> = Pixel([255, 255, 255]);
pub(super) const INK: Pixel<u8> = Pixel([60, 60, 60]);
/// The two greys of an undefined cell's hatching, of which no shipped map but
/// grey has any, and that one no stripes.
pub(super) const HATCH: [Rgb; 2] = [Rgb(222, 222, 222), Rgb(140, 140, 140)];

/// The picture as a PNG file.
///
/// # Errors
/// [`ExportError::Encode`] if the encoder fails.
pub fn encode(map: &MapExport) -> Result<Vec<u8>, ExportError> {
    to_png(&draw(map))
}

/// A picture as a PNG file.
pub(super) fn to_png(picture: &RgbImage) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|e| ExportError::encode(Format::Png, e))?;
    Ok(bytes)
}

/// The cells alone, `cell` pixels each.
pub(super) fn cells(map: &MapExport, cell: usize) -> RgbImage {
    let cell = cell.max(1);
    let size = (map.values.cols() * cell, map.values.rows() * cell);
    picture(map, (size.0 as u32, size.1 as u32))
}

/// The cells of a square map alone, `side` pixels in all; whole pixels per cell if
/// that is a multiple of the rows.
pub(super) fn scaled(map: &MapExport, side: u32) -> RgbImage {
    picture(map, (side, side))
}

fn picture(map: &MapExport, (width, height): (u32, u32)) -> RgbImage {
    let at = |pixel: u32, cells: usize, of: u32| {
        (u64::from(pixel) * cells as u64 / u64::from(of.max(1))) as usize
    };
    let (rows, cols) = (map.values.rows(), map.values.cols());
    RgbImage::from_fn(width, height, |x, y| {
        pixel(match map.values.get(at(y, rows, height), at(x, cols, width)) {
            Some(value) => map.colormap.rgb(map.place(value)),
            None => HATCH[usize::from((x + y) % 4 == 0)],
        })
    })
}

pub(super) fn pixel(Rgb(r, g, b): Rgb) -> Pixel<u8> {
    Pixel([r, g, b])
}

/// A colour bar, the last colour on top.
pub(super) fn bar(
    out: &mut RgbImage,
    colormap: &Colormap,
    (x, y): (u32, u32),
    (width, height): (u32, u32),
) {
    for row in 0..height {
        let t = 1.0 - f64::from(row) / f64::from(height.saturating_sub(1).max(1));
        fill(out, x, y + row, width, 1, pixel(colormap.rgb(t)));
    }
}

fn draw(map: &MapExport) -> RgbImage {
    let cell = (SIDE / map.most()).clamp(1, MAX_CELL);
    let inner = cells(map, cell);
    let (wide, tall) = inner.dimensions();
    let (low, high) = (scale_label(map.range.0), scale_label(map.range.1));
    let right = 4 * GAP + BAR + text_width(&low, DOT).max(text_width(&high, DOT));
    let mut out = RgbImage::from_pixel(MARGIN + wide + right, MARGIN + tall + BOTTOM, PAPER);
    image::imageops::replace(&mut out, &inner, MARGIN.into(), MARGIN.into());

    for (layers, above) in [(map.cols, true), (map.rows, false)] {
        for (stage, start, end) in stages(layers) {
            let (start, end) = ((start * cell) as u32, (end * cell) as u32);
            // A bracket: a line along the stage, with gaps between stages.
            let (from, length) = (MARGIN + start + 1, (end - start).saturating_sub(2).max(1));
            let (label, middle) = (stage.to_string(), MARGIN + (start + end) / 2);
            let (w, h) = (text_width(&label, DOT), font::HEIGHT as u32 * DOT);
            if above {
                fill(&mut out, from, MARGIN - 14, length, 3, INK);
                text(&mut out, middle.saturating_sub(w / 2), MARGIN - 20 - h, &label, DOT);
            } else {
                fill(&mut out, MARGIN - 14, from, 3, length, INK);
                let x = MARGIN - 20 - w.min(MARGIN - 20);
                text(&mut out, x, middle.saturating_sub(h / 2), &label, DOT);
            }
        }
    }

    let left = MARGIN + wide + 2 * GAP;
    bar(&mut out, map.colormap, (left, MARGIN), (BAR, tall));
    let labels = left + BAR + GAP;
    text(&mut out, labels, MARGIN, &high, DOT);
    text(&mut out, labels, (MARGIN + tall).saturating_sub(font::HEIGHT as u32 * DOT), &low, DOT);
    out
}

/// Fills a rectangle, or the part of it that lies in the picture.
pub(super) fn fill(out: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, colour: Pixel<u8>) {
    for y in y..y.saturating_add(height).min(out.height()) {
        for x in x..x.saturating_add(width).min(out.width()) {
            out.put_pixel(x, y, colour);
        }
    }
}

/// Columns of a text whose dots are `dot` pixels.
pub(super) fn text_width(text: &str, dot: u32) -> u32 {
    let glyphs = text.chars().count() as u32;
    (glyphs * (font::WIDTH as u32 + 1)).saturating_sub(1) * dot
}

/// Writes a text whose dots are `dot` pixels; `(x, y)` is its top left.
pub(super) fn text(out: &mut RgbImage, x: u32, y: u32, text: &str, dot: u32) {
    for (at, c) in text.chars().enumerate() {
        let left = x + at as u32 * (font::WIDTH as u32 + 1) * dot;
        for (row, bits) in font::glyph(c).into_iter().enumerate() {
            for column in 0..font::WIDTH {
                if bits >> (font::WIDTH - 1 - column) & 1 == 1 {
                    fill(out, left + column as u32 * dot, y + row as u32 * dot, dot, dot, INK);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_map;
    use super::*;

    fn decode(bytes: &[u8]) -> RgbImage {
        image::load_from_memory(bytes).unwrap().to_rgb8()
    }

    #[test]
    fn cells_have_whole_pixels_and_the_maps_colours() {
        with_map(28, |map| {
            let picture = decode(&encode(map).unwrap());
            let cell = 1000 / 28;
            assert_eq!(picture.height(), MARGIN + 28 * cell + BOTTOM);
            let at = |row: u32, col: u32, dx: u32| {
                *picture.get_pixel(MARGIN + col * cell + dx, MARGIN + row * cell + cell / 2)
            };
            let colour = |value: f64| pixel(map.colormap.rgb(value));
            assert_eq!(at(3, 3, 0), colour(1.0));
            assert_eq!(at(3, 3, cell - 1), colour(1.0));
            assert_eq!(at(3, 17, 5), colour(0.5));
            assert_eq!(at(0, 2, 5), colour(0.0), "negative values take the first colour");
            let hatched: Vec<_> = (0..8).map(|dx| at(1, 5, dx)).collect();
            assert!(hatched.contains(&pixel(HATCH[0])) && hatched.contains(&pixel(HATCH[1])));
        });
    }

    #[test]
    fn the_bar_runs_from_the_last_colour_to_the_first() {
        with_map(10, |map| {
            let picture = decode(&encode(map).unwrap());
            let x = MARGIN + 1000 + 2 * GAP + BAR / 2;
            assert_eq!(*picture.get_pixel(x, MARGIN), pixel(map.colormap.rgb(1.0)));
            assert_eq!(*picture.get_pixel(x, MARGIN + 999), pixel(map.colormap.rgb(0.0)));
            // The label beside it and the bracket of the first stage are there.
            assert!((0..40).any(|dx| *picture.get_pixel(x + BAR / 2 + dx, MARGIN + 10) == INK));
            assert_eq!(*picture.get_pixel(MARGIN + 350, MARGIN - 13), INK);
            assert_eq!(*picture.get_pixel(MARGIN + 150, MARGIN - 13), PAPER);
        });
    }

    #[test]
    fn long_labels_fit() {
        with_map(3, |map| {
            let wide = MapExport { range: (-0.125, 1.0), ..map.clone() };
            let picture = draw(&wide);
            let column = |x: u32| (0..picture.height()).any(|y| *picture.get_pixel(x, y) == INK);
            let last = (0..picture.width()).rev().find(|x| column(*x)).unwrap();
            assert_eq!(last, picture.width() - GAP - 1);
        });
    }

    #[test]
    fn every_size_draws() {
        for n in [1, 2, 3, 27] {
            with_map(n, |map| assert!(draw(map).width() > MARGIN + n as u32));
        }
    }
}
