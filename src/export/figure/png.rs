//! A page as PNG of a resolution: smooth letters and lines, hard edges between the pixels
//! of pictures. Knows no layout.
//!
//! Where a picture has more pixels than it gets, each of the page's is the mean of those
//! that fall on it, as print and screens show it.

use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use super::font;
use super::page::{Area, Item, PAPER, Page, Picture, Text};
use crate::export::{ExportError, Format};
use crate::theme::Rgb;

/// Largest page, in pixels: 256 MB while it is drawn.
pub const MAX_PIXELS: u64 = 64_000_000;
/// Largest side, in pixels.
const MAX_SIDE: f64 = 32_000.0;

/// The page as a file with its resolution in it.
///
/// # Errors
/// [`ExportError::Pixels`] if there would be too many, and [`ExportError::Encode`] if the
/// encoder fails.
pub(super) fn encode(page: &Page, dpi: f64) -> Result<Vec<u8>, ExportError> {
    let picture = draw(page, dpi)?;
    let rows = picture.data().chunks_exact(4 * picture.width() as usize);
    let rows = rows.map(|row| row.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect());
    file((picture.width(), picture.height()), rows, Some(dpi))
}

/// A picture as a file.
pub(super) fn of_picture(picture: &Picture) -> Result<Vec<u8>, ExportError> {
    let rows = picture.pixels.chunks_exact(picture.width.max(1));
    let rows = rows.map(|row| row.iter().flat_map(|Rgb(r, g, b)| [*r, *g, *b]).collect());
    file((picture.width as u32, picture.height as u32), rows, None)
}

fn file(
    (width, height): (u32, u32),
    rows: impl Iterator<Item = Vec<u8>>,
    dpi: Option<f64>,
) -> Result<Vec<u8>, ExportError> {
    let failed = |e: png::EncodingError| ExportError::encode(Format::Png, e);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some(dpi) = dpi {
        let per_metre = (dpi / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: png::Unit::Meter,
        }));
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    let mut stream = writer.stream_writer().map_err(failed)?;
    for row in rows {
        std::io::Write::write_all(&mut stream, &row)
            .map_err(|e| ExportError::encode(Format::Png, e))?;
    }
    stream.finish().map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Pixels of a page at a resolution.
fn size(page: &Page, dpi: f64) -> Result<(u32, u32), ExportError> {
    let side = |points: f64| (points * dpi / 72.0).round().max(1.0);
    let (width, height) = (side(page.width), side(page.height));
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS as f64 {
        return Err(ExportError::Pixels { width, height });
    }
    Ok((width as u32, height as u32))
}

fn draw(page: &Page, dpi: f64) -> Result<Pixmap, ExportError> {
    let (width, height) = size(page, dpi)?;
    let scale = dpi / 72.0;
    let mut canvas =
        Pixmap::new(width, height).ok_or_else(|| ExportError::encode(Format::Png, "no memory"))?;
    canvas.fill(skia(PAPER));
    let scaled = Transform::from_scale(scale as f32, scale as f32);
    for item in &page.items {
        match item {
            Item::Fill(area, colour) => fill(&mut canvas, pixels(area, scale), |_, _| *colour),
            Item::Image(area, picture) => image(&mut canvas, pixels(area, scale), picture),
            Item::Lines { paths, closed, colour, width, dash } => {
                let Some(path) = outline(paths, *closed) else { continue };
                let dash = (*dash > 0.0)
                    .then(|| StrokeDash::new(vec![*dash as f32, *dash as f32], 0.0))
                    .flatten();
                let stroke = Stroke { width: *width as f32, dash, ..Stroke::default() };
                canvas.stroke_path(&path, &paint(*colour), &stroke, scaled, None);
            }
            Item::Disc((x, y), r, colour) => {
                let circle = PathBuilder::from_circle(*x as f32, *y as f32, *r as f32);
                if let Some(path) = circle {
                    canvas.fill_path(&path, &paint(*colour), FillRule::Winding, scaled, None);
                }
            }
            Item::Text(words) => text(&mut canvas, words, scaled),
        }
    }
    Ok(canvas)
}

fn skia(Rgb(r, g, b): Rgb) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(r, g, b, 255)
}

fn paint(colour: Rgb) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(colour));
    paint
}

/// Left, top, right and bottom of an area in whole pixels.
pub(super) fn pixels(area: &Area, scale: f64) -> [usize; 4] {
    let [left, top, right, bottom] = [area.x, area.y, area.right(), area.bottom()]
        .map(|edge| (edge * scale).round().max(0.0) as usize);
    // what is there is seen
    [left, top, right.max(left + 1), bottom.max(top + 1)]
}

/// Colours whole pixels; places are counted from the area's corner.
fn fill(
    canvas: &mut Pixmap,
    [left, top, right, bottom]: [usize; 4],
    colour: impl Fn(usize, usize) -> Rgb,
) {
    let (width, height) = (canvas.width() as usize, canvas.height() as usize);
    let data = canvas.data_mut();
    for y in top..bottom.min(height) {
        for x in left..right.min(width) {
            let Rgb(r, g, b) = colour(x - left, y - top);
            let at = 4 * (y * width + x);
            data[at..at + 4].copy_from_slice(&[r, g, b, 255]);
        }
    }
}

fn image(canvas: &mut Pixmap, area: [usize; 4], picture: &Picture) {
    let [left, top, right, bottom] = area;
    // columns or rows of the picture that a pixel shows
    let span = |at: usize, of: usize, cells: usize| match cells > of {
        true => at * cells / of..((at + 1) * cells).div_ceil(of),
        false => (2 * at + 1) * cells / (2 * of)..(2 * at + 1) * cells / (2 * of) + 1,
    };
    fill(canvas, area, |x, y| {
        let rows = span(y, bottom - top, picture.height);
        let mut sum = [0usize; 4];
        for row in rows {
            for col in span(x, right - left, picture.width) {
                let Rgb(r, g, b) =
                    picture.pixels.get(row * picture.width + col).copied().unwrap_or(PAPER);
                for (sum, part) in sum.iter_mut().zip([r, g, b, 1]) {
                    *sum += usize::from(part);
                }
            }
        }
        let [r, g, b, count] = sum;
        let mean = |part: usize| ((part + count / 2) / count.max(1)) as u8;
        Rgb(mean(r), mean(g), mean(b))
    });
}

fn outline(paths: &[Vec<(f64, f64)>], closed: bool) -> Option<tiny_skia::Path> {
    let mut builder = PathBuilder::new();
    for points in paths {
        for (at, (x, y)) in points.iter().enumerate() {
            match at {
                0 => builder.move_to(*x as f32, *y as f32),
                _ => builder.line_to(*x as f32, *y as f32),
            }
        }
        if closed {
            builder.close();
        }
    }
    builder.finish()
}

/// Puts outlines of the font together.
struct Outlines(PathBuilder);

impl ttf_parser::OutlineBuilder for Outlines {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

fn text(canvas: &mut Pixmap, text: &Text, scaled: Transform) {
    let scale = (text.size / font::units()) as f32;
    let (x, y) = (text.at.0 as f32, text.at.1 as f32);
    let turn = if text.turned { Transform::from_rotate(-90.0) } else { Transform::identity() };
    let start = turn.post_translate(x, y).post_concat(scaled);
    let mut along = -text.lead();
    for glyph in font::glyphs(&text.words) {
        let mut outlines = Outlines(PathBuilder::new());
        font::outline(glyph.id, &mut outlines);
        if let Some(path) = outlines.0.finish() {
            let place = Transform::from_row(scale, 0.0, 0.0, -scale, along as f32, 0.0);
            let place = place.post_concat(start);
            canvas.fill_path(&path, &paint(text.colour), FillRule::Winding, place, None);
        }
        along += glyph.advance * text.size;
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::Anchor;
    use super::*;

    fn page() -> Page {
        let mut page = Page::new(72.0, "t");
        page.height = 72.0;
        page
    }

    /// The file's pixels, read by another crate than the one that wrote it.
    fn decoded(page: &Page, dpi: f64) -> image::RgbImage {
        image::load_from_memory(&encode(page, dpi).unwrap()).unwrap().to_rgb8()
    }

    #[test]
    fn pictures_have_hard_edges_and_small_ones_are_means() {
        let mut page = page();
        let (a, b) = (Rgb(255, 0, 0), Rgb(0, 0, 255));
        let picture = Picture { width: 2, height: 1, pixels: vec![a, b] };
        let area = Area::new((10.0, 10.0), (20.0, 10.0));
        page.items.push(Item::Image(area, picture.clone()));
        page.items.push(Item::Image(Area::new((50.0, 50.0), (0.5, 0.5)), picture));
        let png = decoded(&page, 144.0);
        assert_eq!(png.dimensions(), (144, 144));
        let seen: Vec<[u8; 3]> = (18..62).map(|x| png.get_pixel(x, 25).0).collect();
        assert!(seen[..2].iter().chain(&seen[42..]).all(|p| *p == [255; 3]));
        assert!(seen[2..22].iter().all(|p| *p == [255, 0, 0]));
        assert!(seen[22..42].iter().all(|p| *p == [0, 0, 255]));
        assert_eq!(png.get_pixel(100, 100).0, [128, 0, 128]);
    }

    #[test]
    fn letters_are_where_their_bounds_say() {
        for turned in [false, true] {
            let mut page = page();
            page.items.push(Item::Text(Text {
                words: "Hgj\u{e000}".into(),
                at: (36.0, 36.0),
                size: 12.0,
                anchor: Anchor::Middle,
                turned,
                colour: Rgb(0, 0, 0),
            }));
            let png = decoded(&page, 720.0);
            let dark = png.enumerate_pixels().filter(|(.., p)| p.0[0] < 128);
            let (mut l, mut r, mut t, mut b) = (720u32, 0, 720u32, 0);
            for (x, y, _) in dark {
                (l, r, t, b) = (l.min(x), r.max(x), t.min(y), b.max(y));
            }
            let seen = Area::new(
                (f64::from(l) / 10.0, f64::from(t) / 10.0),
                (f64::from(r - l) / 10.0, f64::from(b - t) / 10.0),
            );
            let bounds = page.items[0].bounds().unwrap();
            assert!(bounds.holds(&seen), "{bounds:?} {seen:?}");
            assert!(seen.width > 0.85 * bounds.width && seen.height > 0.85 * bounds.height);
        }
    }

    #[test]
    fn the_resolution_is_in_the_file_and_too_many_pixels_are_refused() {
        let bytes = encode(&page(), 300.0).unwrap();
        let at = bytes.windows(4).position(|w| w == b"pHYs").unwrap() + 4;
        let words = [0, 4]
            .map(|from| u32::from_be_bytes(bytes[at + from..at + from + 4].try_into().unwrap()));
        assert_eq!((words, bytes[at + 8]), ([11_811, 11_811], 1));
        let error = encode(&page(), 9_000.0).unwrap_err().to_string();
        assert!(error.contains("9000 x 9000") && error.contains("--dpi"), "{error}");
    }
}
