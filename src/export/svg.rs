//! The map as a figure: title, layer names on both axes (thinned where they
//! would touch), stage brackets, colour bar, and a note on undefined cells.
//!
//! The cells are one embedded PNG, which keeps the figure of a ResNet-110
//! (383 layers) below 500 kB; all else is text and lines.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{ExportError, Format, MapExport, png, scale_label, stages};
use crate::text::width;
use crate::theme::Colormap;

/// Side of the map in user units.
const SIDE: f64 = 720.0;
/// Font size of layer names; a name needs this much room.
const NAME: f64 = 9.0;
/// Width of a character as a share of the font's size, at most.
const ASPECT: f64 = 0.62;
/// Steps of the colour bar.
const BAR_STEPS: usize = 96;

/// The figure as an SVG document.
///
/// # Errors
/// [`ExportError::Encode`] if the embedded picture cannot be made.
pub fn encode(map: &MapExport) -> Result<String, ExportError> {
    let mut out = String::new();
    write_figure(&mut out, map, &picture(map)?).map_err(|e| ExportError::encode(Format::Svg, e))?;
    Ok(out)
}

/// The cells as a data URI. Several pixels a cell, so that a viewer that ignores
/// `image-rendering` blurs no more than the edges.
pub(super) fn picture(map: &MapExport) -> Result<String, ExportError> {
    let cell = (1024 / map.most()).clamp(1, 8);
    let png = png::to_png(&png::cells(map, cell))?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png)))
}

fn write_figure(out: &mut String, map: &MapExport, picture: &str) -> std::fmt::Result {
    let both = map.rows.iter().chain(map.cols);
    let longest = both.map(|l| width(&l.name)).max().unwrap_or(0);
    let names = 12.0 + longest as f64 * NAME * ASPECT;
    let (left, top) = (names + 8.0, 84.0);
    let pitch = SIDE / map.most() as f64;
    let (wide, tall) = (map.cols.len() as f64 * pitch, map.rows.len() as f64 * pitch);
    let (right, bottom) = (left + wide, top + tall);
    let (width, height) = (right + 90.0, bottom + names + 34.0);
    head(out, (width.round() as u32, height.round() as u32), &map.title)?;
    writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"28\" font-size=\"17\" font-weight=\"bold\">{}</text>",
        escape(&map.title)
    )?;
    writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"47\" font-size=\"11\" fill=\"#666\">{}</text>",
        escape(&map.subtitle)
    )?;
    writeln!(
        out,
        "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{picture}\"/>"
    )?;
    write_names(out, map, pitch, (left, top))?;
    write_stages(out, map, pitch, (left, top))?;
    write_bar(out, map.colormap, map.range, (right + 22.0, top, tall))?;
    if map.has_undefined() {
        undefined_note(out, left, height - 12.0)?;
    }
    writeln!(out, "</svg>")
}

/// The start of a document of a size, on white paper.
pub(super) fn head(out: &mut String, (width, height): (u32, u32), title: &str) -> std::fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" \
         fill=\"#333\" role=\"img\">"
    )?;
    writeln!(out, "<title>{}</title>", escape(title))?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>")
}

/// What hatched cells mean.
pub(super) fn undefined_note(out: &mut String, x: f64, y: f64) -> std::fmt::Result {
    writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"#666\">\
         hatched grey: undefined (no variance, not finite or not computed)</text>"
    )
}

/// Names left of the rows and below the columns, every k-th so that none touch.
fn write_names(
    out: &mut String,
    map: &MapExport,
    pitch: f64,
    (left, top): (f64, f64),
) -> std::fmt::Result {
    let every = (NAME / pitch).ceil().max(1.0) as usize;
    let bottom = top + map.rows.len() as f64 * pitch;
    writeln!(out, "<g font-size=\"{NAME}\" text-anchor=\"end\">")?;
    let middle = |at: usize| (at as f64 + 0.5) * pitch + NAME * 0.35;
    for (at, layer) in map.rows.iter().enumerate().step_by(every) {
        let (x, y) = (left - 5.0, top + middle(at));
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(&layer.name))?;
    }
    for (at, layer) in map.cols.iter().enumerate().step_by(every) {
        let (x, y, name) = (left + middle(at), bottom + 6.0, escape(&layer.name));
        writeln!(out, "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{name}</text>")?;
    }
    writeln!(out, "</g>")
}

/// Brackets above the columns and right of the rows, with the stage's number.
fn write_stages(
    out: &mut String,
    map: &MapExport,
    pitch: f64,
    (left, top): (f64, f64),
) -> std::fmt::Result {
    writeln!(out, "<g font-size=\"11\" text-anchor=\"middle\" stroke-width=\"1.5\">")?;
    let ends = |start: usize, end: usize| (start as f64 * pitch + 1.0, end as f64 * pitch - 1.0);
    for (stage, start, end) in stages(map.cols) {
        let (from, to) = ends(start, end);
        let (x1, x2, y) = (left + from, left + to, top - 6.0);
        writeln!(out, "<path d=\"M{x1:.1} {y:.1}H{x2:.1}\" stroke=\"#333\"/>")?;
        let middle = left + (from + to) / 2.0;
        writeln!(out, "<text x=\"{middle:.1}\" y=\"{:.1}\">stage {stage}</text>", top - 12.0)?;
    }
    let x = left + map.cols.len() as f64 * pitch + 6.0;
    for (_, start, end) in stages(map.rows) {
        let (from, to) = ends(start, end);
        let (y1, y2) = (top + from, top + to);
        writeln!(out, "<path d=\"M{x:.1} {y1:.1}V{y2:.1}\" stroke=\"#333\"/>")?;
    }
    writeln!(out, "</g>")
}

/// A colour bar at `(x, top, height)` with its ends and its middle.
pub(super) fn write_bar(
    out: &mut String,
    colormap: &Colormap,
    (low, high): (f64, f64),
    (x, top, length): (f64, f64, f64),
) -> std::fmt::Result {
    let step = length / BAR_STEPS as f64;
    for (at, colour) in colormap.quantised(BAR_STEPS).into_iter().rev().enumerate() {
        // Half a unit of overlap hides the seams of anti-aliasing.
        let (y, height) =
            (top + at as f64 * step, step + if at + 1 < BAR_STEPS { 0.5 } else { 0.0 });
        writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"16\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        )?;
    }
    for (share, value) in [(0.0, high), (0.5, (low + high) / 2.0), (1.0, low)] {
        let (x, y) = (x + 21.0, top + share * length + 4.0);
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\">{}</text>",
            scale_label(value)
        )?;
    }
    Ok(())
}

/// Text as XML content; characters that XML forbids become spaces.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_map;
    use super::*;

    #[test]
    fn the_figure_names_layers_stages_scale_and_undefined_cells() {
        let text = with_map(28, |map| encode(map).unwrap());
        assert!(text.contains("ResNet-8 x1 &lt;&quot;a&quot; &amp; b&gt;</title>"));
        assert_eq!(text.matches(">layer2.0.conv1</text>").count(), 2);
        for part in [
            ">stage 1<",
            ">stage 3<",
            ">0.5<",
            "hatched grey: undefined",
            "data:image/png;base64,iVBOR",
        ] {
            assert!(text.contains(part), "{part}");
        }
        let opened =
            text.matches('<').count() - text.matches("</").count() - text.matches("/>").count();
        assert_eq!(opened, text.matches("</").count(), "every element is closed");
        let grey = Colormap::new("g", vec![crate::theme::Rgb(0, 0, 0); 2], vec![16, 17]).unwrap();
        with_map(1, |map| {
            let text = encode(&super::MapExport { colormap: &grey, ..map.clone() }).unwrap();
            assert!(!text.contains("hatched"));
        });
    }

    #[test]
    fn names_are_thinned_where_they_would_touch() {
        let layers =
            crate::domain::ModelSpec::new(crate::domain::Preset::He, 110, 1.0, 10, [3, 32, 32])
                .unwrap()
                .layers();
        with_map(2, |map| {
            let wide = MapExport { rows: &layers[..2], cols: &layers, ..map.clone() };
            let mut out = String::new();
            write_names(&mut out, &wide, SIDE / layers.len() as f64, (100.0, 80.0)).unwrap();
            let shown = out.matches("rotate(-90)").count();
            assert_eq!(shown, layers.len().div_ceil(5), "{} layers", layers.len());
            assert_eq!(out.matches("<text x=").count(), 1);
        });
    }

    #[test]
    fn control_characters_leave_no_trace() {
        assert_eq!(escape("a\u{1b}[1m\n'b'\u{ffff}"), "a [1m 'b' ");
    }
}
