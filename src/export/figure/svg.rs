//! A page as SVG: real text, millimetres outside and points inside. Knows no layout.
//!
//! The font's name is that of the figures' own font, then those of equal widths, so that
//! texts stand where the layout put them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::page::{Anchor, Area, Item, POINTS_PER_MM, Page, Picture, Text};
use super::png;
use crate::export::{ExportError, Format};

const FONTS: &str = "Arimo, 'Liberation Sans', Arial, Helvetica, sans-serif";

/// The page as a document.
///
/// # Errors
/// [`ExportError::Encode`] if an embedded picture cannot be made.
pub(super) fn encode(page: &Page) -> Result<String, ExportError> {
    let mut pictures = Vec::new();
    for item in &page.items {
        if let Item::Image(_, picture) = item {
            pictures.push(data(picture)?);
        }
    }
    let mut out = String::new();
    write(&mut out, page, pictures).map_err(|e| ExportError::encode(Format::Svg, e))?;
    Ok(out)
}

/// The picture as a data URI.
fn data(picture: &Picture) -> Result<String, ExportError> {
    let png = png::of_picture(&picture.enlarged())?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png)))
}

fn write(out: &mut String, page: &Page, pictures: Vec<String>) -> std::fmt::Result {
    let (width, height) = (page.width, page.height);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}mm\" height=\"{}mm\" \
         viewBox=\"0 0 {} {}\" font-family=\"{FONTS}\" role=\"img\">",
        number(width / POINTS_PER_MM),
        number(height / POINTS_PER_MM),
        number(width),
        number(height)
    )?;
    writeln!(out, "<title>{}</title>", escape(&page.title))?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>")?;
    let mut pictures = pictures.into_iter();
    for item in &page.items {
        match item {
            Item::Fill(area, colour) => {
                writeln!(out, "<rect {} fill=\"{colour}\"/>", place(area))?;
            }
            Item::Image(area, _) => writeln!(
                out,
                "<image {} preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
                 href=\"{}\"/>",
                place(area),
                pictures.next().unwrap_or_default()
            )?,
            Item::Lines { paths, closed, colour, width, dash } => {
                let dashes = match *dash > 0.0 {
                    true => format!(" stroke-dasharray=\"{}\"", number(*dash)),
                    false => String::new(),
                };
                writeln!(
                    out,
                    "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"{dashes} \
                     stroke-linejoin=\"miter\"/>",
                    path(paths, *closed),
                    number(*width)
                )?;
            }
            Item::Disc((x, y), r, colour) => writeln!(
                out,
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{colour}\"/>",
                number(*x),
                number(*y),
                number(*r)
            )?,
            Item::Text(text) => write_text(out, text)?,
        }
    }
    writeln!(out, "</svg>")
}

fn write_text(out: &mut String, text: &Text) -> std::fmt::Result {
    let (x, y) = (number(text.at.0), number(text.at.1));
    let place = match text.turned {
        true => format!("transform=\"translate({x} {y}) rotate(-90)\""),
        false => format!("x=\"{x}\" y=\"{y}\""),
    };
    let anchor = match text.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    writeln!(
        out,
        "<text {place}{anchor} font-size=\"{}\" fill=\"{}\">{}</text>",
        number(text.size),
        text.colour,
        escape(&text.words)
    )
}

fn path(paths: &[Vec<(f64, f64)>], closed: bool) -> String {
    let mut out = String::new();
    for points in paths {
        for (at, (x, y)) in points.iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            // a String takes everything
            let _ = write!(out, "{command}{} {}", number(*x), number(*y));
        }
        if closed {
            out.push('Z');
        }
    }
    out
}

fn place(area: &Area) -> String {
    format!(
        "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        number(area.x),
        number(area.y),
        number(area.width),
        number(area.height)
    )
}

/// At most three decimals, no trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { String::from("0") } else { short.to_string() }
}

/// Text as XML content; characters that XML forbids become spaces.
fn escape(text: &str) -> String {
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
    use super::*;

    #[test]
    fn control_characters_leave_no_trace() {
        assert_eq!(escape("a\u{1b}[1m\n'b'\u{ffff}"), "a [1m 'b' ");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, -0.0001, 0.25, 1234.5678].map(number), ["1", "0", "0.25", "1234.568"]);
    }

    #[test]
    fn texts_keep_every_character_and_places_are_in_points() {
        let mut page = Page::new(72.0, "a & b");
        page.height = 36.0;
        page.turned("層 <\u{e000}>", (10.0, 20.5), 7.0, Anchor::End);
        let svg = encode(&page).unwrap();
        assert!(svg.contains("width=\"25.4mm\" height=\"12.7mm\" viewBox=\"0 0 72 36\""), "{svg}");
        assert!(svg.contains("<title>a &amp; b</title>"));
        assert!(svg.contains("translate(10 20.5) rotate(-90)\" text-anchor=\"end\""));
        assert!(svg.contains(">層 &lt;\u{e000}&gt;</text>"));
    }
}
