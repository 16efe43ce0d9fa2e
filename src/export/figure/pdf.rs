//! A page as PDF 1.7: text as text in the figures' own font, of which the file holds the
//! letters that it uses, lines and areas as such, pictures without smoothing. Knows no layout.
//! The same page gives the same bytes.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use super::font;
use super::page::{Item, Page, Picture, Text};
use crate::export::{ExportError, Format};
use crate::theme::Rgb;

const FONT: Name = Name(b"F");
const SYSTEM: SystemInfo =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// How far a circle's control points lie from its corners, as a share of the radius.
const ROUND: f64 = 0.552_284_749_8;
/// Longest side of a page in PDF 1.7, in points.
const MAX_SIDE: f64 = 14_400.0;

/// Numbers of the file's objects.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const FONT_OBJECTS: [Ref; 5] = [Ref::new(6), Ref::new(7), Ref::new(8), Ref::new(9), Ref::new(10)];
const FIRST_IMAGE: i32 = 11;

/// The page as a file.
///
/// # Errors
/// [`ExportError::Encode`] if the page is longer than a PDF may be, or if the font or a
/// stream cannot be made.
pub(super) fn encode(page: &Page) -> Result<Vec<u8>, ExportError> {
    if page.width.max(page.height) > MAX_SIDE {
        return Err(ExportError::encode(
            Format::Pdf,
            "a page of more than 5 metres; use a smaller --width-mm",
        ));
    }
    let mut letters = Letters::default();
    page.texts().for_each(|text| letters.take(&text.words));
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    pdf.document_info(INFO).title(TextStr(&page.title)).creator(TextStr("blockscope"));
    let pictures: Vec<&Picture> = page
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Image(_, picture) => Some(picture),
            _ => None,
        })
        .collect();
    let images: Vec<Ref> =
        (0..pictures.len()).map(|at| Ref::new(FIRST_IMAGE + at as i32)).collect();
    let mut written = pdf.page(PAGE);
    written.media_box(Rect::new(0.0, 0.0, page.width as f32, page.height as f32));
    written.parent(PAGES).contents(CONTENT);
    let mut resources = written.resources();
    resources.fonts().pair(FONT, FONT_OBJECTS[0]);
    let mut objects = resources.x_objects();
    for (at, id) in images.iter().enumerate() {
        objects.pair(Name(image_name(at).as_bytes()), *id);
    }
    objects.finish();
    resources.finish();
    written.finish();
    let content = squeezed(&content(page, &letters).finish())?;
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    letters.write(&mut pdf)?;
    for (picture, id) in pictures.into_iter().zip(images) {
        let picture = picture.enlarged();
        let bytes: Vec<u8> = picture.pixels.iter().flat_map(|Rgb(r, g, b)| [*r, *g, *b]).collect();
        let bytes = squeezed(&bytes)?;
        let mut image = pdf.image_xobject(id, &bytes);
        image.filter(Filter::FlateDecode);
        image.width(picture.width as i32).height(picture.height as i32);
        image.color_space().device_rgb();
        image.bits_per_component(8).interpolate(false);
    }
    Ok(pdf.finish())
}

fn squeezed(bytes: &[u8]) -> Result<Vec<u8>, ExportError> {
    let failed = |e: std::io::Error| ExportError::encode(Format::Pdf, e);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

fn image_name(at: usize) -> String {
    format!("I{at}")
}

fn content(page: &Page, letters: &Letters) -> Content {
    let mut out = Content::new();
    let up = |y: f64| (page.height - y) as f32;
    let mut image = 0;
    for item in &page.items {
        match item {
            Item::Fill(area, colour) => {
                fill(&mut out, *colour);
                let (width, height) = (area.width as f32, area.height as f32);
                out.rect(area.x as f32, up(area.bottom()), width, height).fill_nonzero();
            }
            Item::Image(area, _) => {
                let (width, height) = (area.width as f32, area.height as f32);
                out.save_state();
                out.transform([width, 0.0, 0.0, height, area.x as f32, up(area.bottom())]);
                out.x_object(Name(image_name(image).as_bytes()));
                out.restore_state();
                image += 1;
            }
            Item::Lines { paths, closed, colour, width, dash } => {
                let [r, g, b] = parts(*colour);
                out.set_stroke_rgb(r, g, b).set_line_width(*width as f32);
                match *dash > 0.0 {
                    true => out.set_dash_pattern([*dash as f32, *dash as f32], 0.0),
                    false => out.set_dash_pattern([], 0.0),
                };
                for points in paths {
                    for (at, (x, y)) in points.iter().enumerate() {
                        match at {
                            0 => out.move_to(*x as f32, up(*y)),
                            _ => out.line_to(*x as f32, up(*y)),
                        };
                    }
                    if *closed {
                        out.close_path();
                    }
                }
                out.stroke();
            }
            Item::Disc((x, y), r, colour) => {
                fill(&mut out, *colour);
                disc(&mut out, (*x, page.height - y), *r);
            }
            Item::Text(text) => write_text(&mut out, text, page.height, letters),
        }
    }
    out
}

fn parts(Rgb(r, g, b): Rgb) -> [f32; 3] {
    [r, g, b].map(|part| f32::from(part) / 255.0)
}

fn fill(out: &mut Content, colour: Rgb) {
    let [r, g, b] = parts(colour);
    out.set_fill_rgb(r, g, b);
}

/// A circle of four curves.
fn disc(out: &mut Content, (x, y): (f64, f64), r: f64) {
    let at = |dx: f64, dy: f64| ((x + dx * r) as f32, (y + dy * r) as f32);
    let start = at(1.0, 0.0);
    out.move_to(start.0, start.1);
    for ((ax, ay), (bx, by)) in [
        ((1.0, 0.0), (0.0, 1.0)),
        ((0.0, 1.0), (-1.0, 0.0)),
        ((-1.0, 0.0), (0.0, -1.0)),
        ((0.0, -1.0), (1.0, 0.0)),
    ] {
        let first = at(ax + ROUND * bx, ay + ROUND * by);
        let second = at(bx + ROUND * ax, by + ROUND * ay);
        let end = at(bx, by);
        out.cubic_to(first.0, first.1, second.0, second.1, end.0, end.1);
    }
    out.close_path().fill_nonzero();
}

fn write_text(out: &mut Content, text: &Text, height: f64, letters: &Letters) {
    let (x, y, lead) = (text.at.0, height - text.at.1, text.lead());
    fill(out, text.colour);
    out.begin_text().set_font(FONT, text.size as f32);
    match text.turned {
        true => out.set_text_matrix([0.0, 1.0, -1.0, 0.0, x as f32, (y - lead) as f32]),
        false => out.set_text_matrix([1.0, 0.0, 0.0, 1.0, (x - lead) as f32, y as f32]),
    };
    let mut parts = out.show_positioned();
    let mut items = parts.items();
    let mut run: Vec<u8> = Vec::new();
    for glyph in font::glyphs(&text.words) {
        let Some(letter) = letters.known.get(&glyph.character) else { continue };
        run.extend(letter.id.to_be_bytes());
        // a hollow box may take more room than its glyph
        let more = 1000.0 * glyph.advance - f64::from(letter.width);
        if more > 0.5 {
            items.show(Str(&run));
            items.adjust(-more as f32);
            run.clear();
        }
    }
    if !run.is_empty() {
        items.show(Str(&run));
    }
    items.finish();
    parts.finish();
    out.end_text();
}

/// A character in the file's font.
#[derive(Debug, Clone, Copy)]
struct Letter {
    /// Its number there.
    id: u16,
    /// Its number in the whole font.
    glyph: u16,
    /// Its width in thousandths of the size.
    width: f32,
}

/// The characters of a page.
#[derive(Default)]
struct Letters {
    known: BTreeMap<char, Letter>,
    remapper: GlyphRemapper,
}

impl Letters {
    fn take(&mut self, words: &str) {
        let units = font::units() as f32;
        for glyph in font::glyphs(words) {
            let id = self.remapper.remap(glyph.id);
            let wide = |face: &ttf_parser::Face| {
                face.glyph_hor_advance(ttf_parser::GlyphId(glyph.id)).unwrap_or(0)
            };
            let width = 1000.0 * font::face().map_or(0.0, |face| f32::from(wide(face))) / units;
            self.known.insert(glyph.character, Letter { id, glyph: glyph.id, width });
        }
    }

    /// Writes the font.
    fn write(&self, pdf: &mut Pdf) -> Result<(), ExportError> {
        let [font, cid, descriptor, to_unicode, file] = FONT_OBJECTS;
        let failed = |e: &dyn std::fmt::Display| ExportError::encode(Format::Pdf, e);
        let bytes = subsetter::subset(font::FILE, 0, &self.remapper).map_err(|e| failed(&e))?;
        let bounds = font::face().map(|face| face.global_bounding_box());
        let thousandth = |units: i16| f32::from(units) * 1000.0 / font::units() as f32;
        // six letters say that the file holds a part of the font
        let name = Name(b"FIGURE+Arimo");
        let mut written = pdf.type0_font(font);
        written.base_font(name).encoding_predefined(Name(b"Identity-H"));
        written.descendant_font(cid).to_unicode(to_unicode);
        written.finish();
        let mut written = pdf.cid_font(cid);
        written.subtype(CidFontType::Type2).base_font(name).system_info(SYSTEM);
        written.font_descriptor(descriptor).default_width(0.0);
        written.cid_to_gid_map_predefined(Name(b"Identity"));
        let widths: BTreeMap<u16, f32> = self.known.values().map(|l| (l.id, l.width)).collect();
        let mut list = written.widths();
        for (id, width) in widths {
            list.consecutive(id, [width]);
        }
        list.finish();
        written.finish();
        let mut written = pdf.font_descriptor(descriptor);
        written.name(name).flags(FontFlags::SYMBOLIC);
        if let Some(b) = bounds {
            let [x0, y0, x1, y1] = [b.x_min, b.y_min, b.x_max, b.y_max].map(thousandth);
            written.bbox(Rect::new(x0, y0, x1, y1));
        }
        written.italic_angle(0.0).ascent(905.0).descent(-212.0).cap_height(716.0).stem_v(88.0);
        written.font_file2(file);
        written.finish();
        let mut cmap = UnicodeCmap::new(Name(b"Figure"), SYSTEM);
        for (character, letter) in &self.known {
            // all that the font lacks are one glyph, which can stand for one character only
            let character =
                if letter.glyph == 0 { char::REPLACEMENT_CHARACTER } else { *character };
            cmap.pair(letter.id, character);
        }
        let cmap = squeezed(&cmap.finish())?;
        pdf.stream(to_unicode, &cmap).filter(Filter::FlateDecode);
        let squeezed = squeezed(&bytes)?;
        let mut stream = pdf.stream(file, &squeezed);
        stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), bytes.len() as i32);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
