//! Many maps as one figure, as the paper shows them: rows and columns are values
//! of two axes, ticks mark where stages begin and end, and one colour bar serves
//! all. A picture (PNG) and a figure (SVG) share one layout in pixels.

use std::fmt::Write as _;

use image::RgbImage;
use ndarray::Array2;

use super::{ExportError, Format, MapExport, font, png, stages, svg};
use crate::domain::{Layer, Pooling, SimilarityMatrix};
use crate::theme::Colormap;

/// Side of a map that is aimed for, and the largest one.
const SIDE: (usize, usize) = (360, 768);
/// A side of the figure, at most, but for its margins.
const LONGEST: usize = 10_000;
/// Space around everything.
const MARGIN: u32 = 28;
/// Space between maps; below them is a caption too.
const GAP: u32 = 34;
/// Length of a tick at a stage's boundary, and its distance from the map.
const TICK: (u32, u32) = (7, 3);
/// Width of the colour bar.
const BAR: u32 = 24;
/// Pixels per dot of the title, and of all other text.
const DOTS: (u32, u32) = (3, 2);

/// One map of a figure.
#[derive(Debug, Clone)]
pub struct Multiple {
    /// The layers of its rows and columns.
    pub layers: Vec<Layer>,
    /// Its values.
    pub values: SimilarityMatrix,
    /// A line below it: as many parts as fit, the most important first.
    pub caption: Vec<String>,
}

/// A figure of many maps.
#[derive(Debug, Clone)]
pub struct GridExport<'a> {
    /// First line.
    pub title: String,
    /// Second line.
    pub subtitle: String,
    /// Labels of the rows.
    pub rows: Vec<String>,
    /// Labels of the columns.
    pub cols: Vec<String>,
    /// The maps, row by row; `None` where there is no run.
    pub cells: Vec<Option<Multiple>>,
    /// The colours.
    pub colormap: &'a Colormap,
    /// The values that take the first and the last colour, of all maps.
    pub range: (f64, f64),
}

/// Where things are, in pixels.
#[derive(Debug)]
struct Places {
    side: u32,
    left: u32,
    top: u32,
    bar: u32,
    size: (u32, u32),
}

impl GridExport<'_> {
    fn check(&self) -> Result<(), ExportError> {
        let found = (self.rows.len(), self.cols.len());
        if self.cells.is_empty() || found.0 * found.1 != self.cells.len() {
            return Err(ExportError::Shape { found, layers: (self.cells.len(), 1) });
        }
        self.cells.iter().flatten().try_for_each(|m| self.map(m).check())
    }

    fn map<'a>(&'a self, multiple: &'a Multiple) -> MapExport<'a> {
        MapExport {
            title: String::new(),
            subtitle: String::new(),
            rows: &multiple.layers,
            cols: &multiple.layers,
            values: &multiple.values,
            se: None,
            colormap: self.colormap,
            range: self.range,
        }
    }

    fn places(&self) -> Places {
        let most = self.cells.iter().flatten().map(|m| m.layers.len()).max().unwrap_or(1).max(1);
        // whole pixels per cell for the largest map
        let side = (most * ((SIDE.0 + most / 2) / most).max(1)).min(SIDE.1);
        let side = side.min(LONGEST / self.rows.len().max(self.cols.len()).max(1)).max(48) as u32;
        let widest =
            |texts: &[String]| texts.iter().map(|t| png::text_width(t, DOTS.1)).max().unwrap_or(0);
        let line = |dot: u32| font::HEIGHT as u32 * dot;
        let top = MARGIN + line(DOTS.0) + 12 + line(DOTS.1) + 30 + line(DOTS.1) + 16;
        let left = MARGIN + widest(&self.rows) + 20;
        let (rows, cols) = (self.rows.len() as u32, self.cols.len() as u32);
        let bar = left + cols * (side + GAP) + 4;
        let (low, high) = self.ends();
        let labels = png::text_width(&low, DOTS.1).max(png::text_width(&high, DOTS.1));
        let right = bar + BAR + 10 + labels + MARGIN;
        let titles =
            png::text_width(&self.title, DOTS.0).max(png::text_width(&self.subtitle, DOTS.1));
        let width = right.max(MARGIN + titles + MARGIN);
        let height = top + rows * (side + Self::below()) - Self::below() + 24 + MARGIN;
        Places { side, left, top, bar, size: (width, height) }
    }

    /// Space below a map: its caption, and air.
    fn below() -> u32 {
        8 + font::HEIGHT as u32 * DOTS.1 + GAP
    }

    fn ends(&self) -> (String, String) {
        (super::scale_label(self.range.0), super::scale_label(self.range.1))
    }

    /// Every place with its top left corner.
    fn corners<'a>(
        &'a self,
        at: &Places,
    ) -> impl Iterator<Item = (u32, u32, Option<&'a Multiple>)> + use<'a> {
        let (cols, side, left, top) = (self.cols.len().max(1), at.side, at.left, at.top);
        self.cells.iter().enumerate().map(move |(i, cell)| {
            let (row, col) = ((i / cols) as u32, (i % cols) as u32);
            (left + col * (side + GAP), top + row * (side + Self::below()), cell.as_ref())
        })
    }

    /// Pixels from the map's start at which stages begin or end.
    fn ticks(multiple: &Multiple, side: u32) -> Vec<u32> {
        let n = multiple.layers.len().max(1) as u64;
        let at = |layer: usize| (layer as u64 * u64::from(side) / n) as u32;
        let mut ticks: Vec<u32> =
            stages(&multiple.layers).iter().flat_map(|(_, a, b)| [at(*a), at(*b)]).collect();
        ticks.dedup();
        ticks
    }
}

/// The figure's file.
///
/// # Errors
/// [`ExportError::NoFigure`] for formats that hold one map only, and
/// [`ExportError::Shape`] if labels and maps do not belong together.
pub fn encode(grid: &GridExport, format: Format) -> Result<Vec<u8>, ExportError> {
    grid.check()?;
    match format {
        Format::Png => png::to_png(&draw(grid)),
        Format::Svg => figure(grid).map(String::into_bytes),
        Format::Csv | Format::Npy => Err(ExportError::NoFigure(format)),
    }
}

fn draw(grid: &GridExport) -> RgbImage {
    let at = grid.places();
    let mut out = RgbImage::from_pixel(at.size.0, at.size.1, png::PAPER);
    let high = |dot: u32| font::HEIGHT as u32 * dot;
    png::text(&mut out, MARGIN, MARGIN, &grid.title, DOTS.0);
    png::text(&mut out, MARGIN, MARGIN + high(DOTS.0) + 12, &grid.subtitle, DOTS.1);
    let middle = |start: u32, text: &str| {
        (start + at.side / 2).saturating_sub(png::text_width(text, DOTS.1) / 2)
    };
    for (i, label) in grid.cols.iter().enumerate() {
        let x = middle(at.left + i as u32 * (at.side + GAP), label);
        png::text(&mut out, x, at.top - 16 - high(DOTS.1), label, DOTS.1);
    }
    for (i, label) in grid.rows.iter().enumerate() {
        let x = (at.left - 20).saturating_sub(png::text_width(label, DOTS.1));
        let y = at.top + i as u32 * (at.side + GridExport::below()) + at.side / 2;
        png::text(&mut out, x, y - high(DOTS.1) / 2, label, DOTS.1);
    }
    for (x, y, cell) in grid.corners(&at) {
        let Some(multiple) = cell else {
            let text = "no run";
            let middle_y = y + at.side / 2 - high(DOTS.1) / 2;
            png::text(&mut out, middle(x, text), middle_y, text, DOTS.1);
            continue;
        };
        let pooled = fitted(&multiple.values, at.side as usize);
        let map = MapExport { values: &pooled, ..grid.map(multiple) };
        image::imageops::replace(&mut out, &png::scaled(&map, at.side), x.into(), y.into());
        for tick in GridExport::ticks(multiple, at.side) {
            let from = TICK.0 + TICK.1;
            png::fill(&mut out, x + tick, y - from, 2, TICK.0, png::INK);
            png::fill(&mut out, x - from, y + tick, TICK.0, 2, png::INK);
        }
        let group = multiple.values.rows().div_ceil(at.side as usize);
        let pooled = (group > 1).then(|| format!("{group}x{group} mean"));
        let parts: Vec<String> = pooled.into_iter().chain(multiple.caption.clone()).collect();
        let caption = joined(&parts, at.side + GAP - 8);
        png::text(&mut out, x, y + at.side + 8, &caption, DOTS.1);
    }
    let length = bar_length(&at);
    png::bar(&mut out, grid.colormap, (at.bar, at.top), (BAR, length));
    let (low, top) = grid.ends();
    png::text(&mut out, at.bar + BAR + 10, at.top, &top, DOTS.1);
    png::text(&mut out, at.bar + BAR + 10, at.top + length - high(DOTS.1), &low, DOTS.1);
    out
}

/// The values, pooled by a whole factor if there are more than pixels.
fn fitted(values: &SimilarityMatrix, side: usize) -> SimilarityMatrix {
    let group = values.rows().div_ceil(side.max(1)).max(1);
    if group == 1 {
        return values.clone();
    }
    let n = values.rows().div_ceil(group);
    SimilarityMatrix::new(Array2::from_shape_fn((n, n), |(i, j)| {
        values.pooled(i, j, group, Pooling::Mean).value.unwrap_or(f64::NAN)
    }))
}

/// As many of the parts as fit in `room` pixels.
fn joined(parts: &[String], room: u32) -> String {
    let fits = |n: &usize| png::text_width(&parts[..*n].join(" · "), DOTS.1) <= room;
    let most = (0..=parts.len()).rev().find(fits).unwrap_or(0);
    parts[..most].join(" · ")
}

/// Height of the colour bar: that of the maps, but no tower.
fn bar_length(at: &Places) -> u32 {
    (at.size.1 - at.top - 24 - MARGIN).min(900)
}

fn figure(grid: &GridExport) -> Result<String, ExportError> {
    let mut pictures = Vec::with_capacity(grid.cells.len());
    for cell in &grid.cells {
        pictures.push(cell.as_ref().map(|m| svg::picture(&grid.map(m))).transpose()?);
    }
    let mut out = String::new();
    write_figure(&mut out, grid, &pictures).map_err(|e| ExportError::encode(Format::Svg, e))?;
    Ok(out)
}

fn write_figure(
    out: &mut String,
    grid: &GridExport,
    pictures: &[Option<String>],
) -> std::fmt::Result {
    let at = grid.places();
    svg::head(out, at.size, &grid.title)?;
    let title = MARGIN + 20;
    writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{title}\" font-size=\"26\" font-weight=\"bold\">{}</text>",
        svg::escape(&grid.title)
    )?;
    writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"17\" fill=\"#666\">{}</text>",
        title + 26,
        svg::escape(&grid.subtitle)
    )?;
    writeln!(out, "<g font-size=\"20\" text-anchor=\"middle\">")?;
    for (i, label) in grid.cols.iter().enumerate() {
        let x = at.left + i as u32 * (at.side + GAP) + at.side / 2;
        writeln!(out, "<text x=\"{x}\" y=\"{}\">{}</text>", at.top - 16, svg::escape(label))?;
    }
    writeln!(out, "</g>\n<g font-size=\"20\" text-anchor=\"end\">")?;
    for (i, label) in grid.rows.iter().enumerate() {
        let y = at.top + i as u32 * (at.side + GridExport::below()) + at.side / 2 + 5;
        writeln!(out, "<text x=\"{}\" y=\"{y}\">{}</text>", at.left - 20, svg::escape(label))?;
    }
    writeln!(out, "</g>\n<g font-size=\"16\" fill=\"#666\">")?;
    for ((x, y, cell), picture) in grid.corners(&at).zip(pictures) {
        let side = at.side;
        let (Some(multiple), Some(picture)) = (cell, picture) else {
            let (x, y) = (x + side / 2, y + side / 2);
            writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">no run</text>")?;
            continue;
        };
        writeln!(
            out,
            "<image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" \
             preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{picture}\"/>"
        )?;
        let mut path = String::new();
        for tick in GridExport::ticks(multiple, side) {
            let (from, to) = (TICK.0 + TICK.1, TICK.1);
            write!(path, "M{} {}V{}", x + tick, y - from, y - to)?;
            write!(path, "M{} {}H{}", x - from, y + tick, x - to)?;
        }
        writeln!(out, "<path d=\"{path}\" stroke=\"#333\" stroke-width=\"1.5\"/>")?;
        let below = y + side + 21;
        let caption = joined(&multiple.caption, (side + GAP) * 3 / 2);
        writeln!(out, "<text x=\"{x}\" y=\"{below}\">{}</text>", svg::escape(&caption))?;
    }
    writeln!(out, "</g>")?;
    let length = bar_length(&at);
    let place = (f64::from(at.bar), f64::from(at.top), f64::from(length));
    svg::write_bar(out, grid.colormap, grid.range, place)?;
    if grid.cells.iter().flatten().any(|m| grid.map(m).has_undefined()) {
        svg::undefined_note(out, f64::from(at.left), f64::from(at.size.1) - 12.0)?;
    }
    writeln!(out, "</svg>")
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_map;
    use super::*;

    /// A grid of 2 rows and 3 columns whose last place is empty.
    fn with_grid<T>(test: impl FnOnce(&GridExport) -> T) -> T {
        with_map(28, |map| {
            let cell = |n: usize| {
                with_map(n, |map| Multiple {
                    layers: map.rows.to_vec(),
                    values: map.values.clone(),
                    caption: vec![format!("{n} layers"), "test 41.2 % & more".into()],
                })
            };
            let cells = [28, 9, 14, 3, 28].map(|n| Some(cell(n))).into_iter().chain([None]);
            test(&GridExport {
                title: "CKA of all layers by depth and width".into(),
                subtitle: "CIFAR-10 1/64 · 5 runs <>".into(),
                rows: vec!["depth 8".into(), "depth 14".into()],
                cols: vec!["width 0.25".into(), "width 1".into(), "width 10".into()],
                cells: cells.collect(),
                colormap: map.colormap,
                range: map.range,
            })
        })
    }

    #[test]
    fn maps_have_equal_sides_and_their_own_colours() {
        with_grid(|grid| {
            let bytes = encode(grid, Format::Png).unwrap();
            let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
            let at = grid.places();
            assert_eq!(at.side, 28 * 13);
            assert_eq!(picture.dimensions(), at.size);
            let colour = |v: f64| png::pixel(grid.colormap.rgb(v));
            for (x, y, cell) in grid.corners(&at) {
                let Some(multiple) = cell else {
                    assert_eq!(*picture.get_pixel(x + 2, y + 2), png::PAPER);
                    let row = (0..at.side)
                        .any(|dx| *picture.get_pixel(x + dx, y + at.side / 2) == png::INK);
                    assert!(row, "an empty place says so");
                    continue;
                };
                // the diagonal from end to end, and nothing beyond
                assert_eq!(*picture.get_pixel(x, y), colour(1.0));
                let last = at.side - 1;
                assert_eq!(*picture.get_pixel(x + last, y + last), colour(1.0));
                assert_eq!(*picture.get_pixel(x + last + 1, y + last), png::PAPER);
                for tick in GridExport::ticks(multiple, at.side) {
                    assert_eq!(*picture.get_pixel(x + tick, y - 5), png::INK);
                }
            }
            let bar = (at.bar + 3, at.top);
            assert_eq!(*picture.get_pixel(bar.0, bar.1), colour(1.0));
            let ticks = grid.cells[0].as_ref().map(|m| GridExport::ticks(m, at.side)).unwrap();
            assert_eq!(ticks, [3, 10, 18, 26].map(|layer| layer * 13));
        });
    }

    #[test]
    fn the_figure_names_axes_values_captions_and_empty_places() {
        let text = String::from_utf8(with_grid(|g| encode(g, Format::Svg).unwrap())).unwrap();
        assert_eq!(text.matches("<image ").count(), 5);
        for part in [
            ">depth 14<",
            ">width 0.25<",
            ">no run<",
            ">28 layers · test 41.2 % &amp; more<",
            "5 runs &lt;&gt;<",
            "hatched grey: undefined",
            ">0.5<",
        ] {
            assert!(text.contains(part), "{part}");
        }
        let opened =
            text.matches('<').count() - text.matches("</").count() - text.matches("/>").count();
        assert_eq!(opened, text.matches("</").count(), "every element is closed");
    }

    #[test]
    fn tables_and_shapes_that_do_not_fit_are_refused() {
        with_grid(|grid| {
            let error = encode(grid, Format::Csv).unwrap_err().to_string();
            assert_eq!(error, "a grid is a picture: use png or svg, not csv");
            let short = GridExport { cells: grid.cells[..5].to_vec(), ..grid.clone() };
            assert!(encode(&short, Format::Png).is_err());
        });
    }

    #[test]
    fn captions_leave_out_what_does_not_fit_and_large_maps_pooled() {
        let parts = ["abc", "de"].map(String::from);
        assert_eq!(
            [120, 94, 93, 34, 33].map(|room| joined(&parts, room)),
            ["abc · de", "abc · de", "abc", "abc", ""]
        );
        let large = SimilarityMatrix::new(Array2::from_elem((900, 900), 0.5));
        let small = fitted(&large, 768);
        assert_eq!((small.rows(), small.get(449, 0)), (450, Some(0.5)));
    }
}
