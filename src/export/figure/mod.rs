//! Figures for print: maps, grids of maps, curves along layers and costs of cuts. A layout
//! puts a page together once ([`page`]), in points and with the measures of one font, and
//! every kind of file is written from that page: PNG, SVG and PDF differ in nothing but
//! their means. Knows neither files nor a terminal.

pub mod axis;
pub mod costs;
pub mod curves;
mod font;
pub mod grid;
mod head;
pub mod map;
pub mod page;
mod pdf;
pub mod png;
mod scale;
mod svg;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use super::{ExportError, Format};
use page::{POINTS_PER_MM, Page};

/// How large a figure is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Width in millimetres.
    pub width_mm: f64,
    /// Height in millimetres where it is free; by default what suits.
    pub height_mm: Option<f64>,
    /// Pixels per inch of a PNG.
    pub dpi: f64,
    /// Size of the font in points: that of the title; what is less important is smaller.
    pub font_size: f64,
}

impl Default for Style {
    /// A column of a paper.
    fn default() -> Style {
        Style { width_mm: 85.0, height_mm: None, dpi: 300.0, font_size: 7.0 }
    }
}

impl Style {
    /// Widths that a figure can have, in millimetres.
    pub const WIDTHS: RangeInclusive<f64> = 40.0..=500.0;
    /// Heights that a figure can have, in millimetres.
    pub const HEIGHTS: RangeInclusive<f64> = 20.0..=500.0;
    /// Resolutions that a PNG can have.
    pub const RESOLUTIONS: RangeInclusive<f64> = 30.0..=2400.0;
    /// Sizes that the font can have, in points.
    pub const FONT_SIZES: RangeInclusive<f64> = 4.0..=24.0;

    /// Width in points.
    fn width(&self) -> f64 {
        self.width_mm * POINTS_PER_MM
    }

    /// Height in points, if it was asked for.
    fn height(&self) -> Option<f64> {
        self.height_mm.map(|mm| mm * POINTS_PER_MM)
    }

    /// Size of ticks, names and captions.
    fn small(&self) -> f64 {
        0.86 * self.font_size
    }

    /// Space around everything.
    fn margin(&self) -> f64 {
        0.4 * self.font_size
    }

    /// Space between a thing and its label.
    fn gap(&self) -> f64 {
        0.35 * self.font_size
    }

    /// Width of thin lines.
    fn thin(&self) -> f64 {
        (0.06 * self.font_size).clamp(0.3, 1.0)
    }

    /// Whether there is `room` points of it for `what`.
    fn room(&self, what: &'static str, room: f64, least: f64) -> Result<(), ExportError> {
        match room.is_finite() && room >= least {
            true => Ok(()),
            false => {
                Err(ExportError::Room { what, width: self.width_mm, font_size: self.font_size })
            }
        }
    }
}

/// The page as a file.
///
/// # Errors
/// [`ExportError::NoFigure`] for formats that are tables, [`ExportError::Pixels`] for a PNG
/// that would be too large, and [`ExportError::Encode`].
pub fn encode(page: &Page, format: Format, style: &Style) -> Result<Vec<u8>, ExportError> {
    match format {
        Format::Png => png::encode(page, style.dpi),
        Format::Svg => svg::encode(page).map(String::into_bytes),
        Format::Pdf => pdf::encode(page),
        Format::Csv | Format::Npy => Err(ExportError::NoFigure(format)),
    }
}
