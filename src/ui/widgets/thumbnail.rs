//! A small picture in pixels where the terminal shows them, else in half blocks; in
//! glyphs where there are no colours.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::ColourDepth;
use crate::app::jobs::Picture;
use crate::theme::Rgb;

use super::super::Skin;
use super::super::colour::lut::RAMP;
use super::super::colour::{to_indexed, truecolour};
use super::super::pixels::{MOST, Part};
use ratatui::style::Color;

/// A picture, shrunk to the area by averaging.
#[derive(Debug, Clone, Copy)]
pub struct Thumbnail<'a> {
    /// The picture; dots until it has come.
    pub picture: Option<&'a Picture>,
    /// Which colours there are.
    pub skin: &'a Skin,
    /// The dots.
    pub waiting: Style,
}

/// The mean colour of the part of the picture that pixel `(x, y)` of `w x h`
/// stands for.
pub fn mean_pixel(picture: &Picture, (x, y): (usize, usize), (w, h): (usize, usize)) -> Rgb {
    let range = |at: usize, of: usize, len: usize| {
        let start = at * len / of.max(1);
        start..((at + 1) * len / of.max(1)).max(start + 1).min(len)
    };
    let mut sum = [0u32; 3];
    let mut count = 0u32;
    for row in range(y, h, picture.height) {
        for col in range(x, w, picture.width) {
            let at = 3 * (row * picture.width + col);
            if let Some(rgb) = picture.rgb.get(at..at + 3) {
                sum.iter_mut().zip(rgb).for_each(|(sum, v)| *sum += u32::from(*v));
                count += 1;
            }
        }
    }
    let [r, g, b] = sum.map(|sum| (sum / count.max(1)) as u8);
    Rgb(r, g, b)
}

impl Widget for Thumbnail<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let size = (usize::from(area.width), 2 * usize::from(area.height));
        for y in 0..area.height {
            for x in 0..area.width {
                let Some(cell) = buf.cell_mut((area.x + x, area.y + y)) else { continue };
                let Some(picture) = self.picture else {
                    cell.set_symbol("·").set_style(self.waiting);
                    continue;
                };
                if self.skin.pixels() && area.width.max(area.height) <= MOST {
                    let size = (area.width as u8, area.height as u8);
                    Part { serial: picture.serial, size, at: (x as u8, y as u8) }.put(cell);
                    continue;
                }
                let at = |dy: usize| {
                    mean_pixel(picture, (usize::from(x), 2 * usize::from(y) + dy), size)
                };
                let (upper, lower) = (at(0), at(1));
                let colour: fn(Rgb) -> Color = match self.skin.depth() {
                    ColourDepth::Truecolor => truecolour,
                    ColourDepth::Indexed256 => |rgb| Color::Indexed(to_indexed(rgb)),
                    _ => {
                        let grey = |Rgb(r, g, b): Rgb| {
                            (2 * u32::from(r) + 5 * u32::from(g) + u32::from(b)) / 8
                        };
                        let level = (grey(upper) + grey(lower)) as usize * RAMP.len() / 512;
                        cell.set_symbol(RAMP[level.min(RAMP.len() - 1)]);
                        continue;
                    }
                };
                cell.set_symbol("▀").set_fg(colour(upper)).set_bg(colour(lower));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_averages() {
        let picture = Picture::new(2, 2, vec![0, 0, 0, 200, 0, 0, 100, 0, 0, 100, 0, 40]);
        assert_eq!(mean_pixel(&picture, (0, 0), (1, 1)), Rgb(100, 0, 10));
        assert_eq!(mean_pixel(&picture, (1, 0), (2, 2)), Rgb(200, 0, 0));
        // larger than the picture, and a picture that is too short
        assert_eq!(mean_pixel(&picture, (3, 3), (4, 4)), Rgb(100, 0, 40));
        let broken = Picture::new(9, 9, vec![1]);
        assert_eq!(mean_pixel(&broken, (0, 0), (1, 1)), Rgb(0, 0, 0));
    }
}
