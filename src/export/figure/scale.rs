//! Round numbers along a scale, as few as have room, and the colour bar.

use super::page::{Anchor, Area, INK, Item, Page, Picture};
use super::{Style, font};
use crate::theme::Colormap;

/// Colours of a bar.
const COLOURS: usize = 256;
/// Ticks of a scale, at most.
const TICKS: usize = 6;

/// Round values from `low` to `high`, at most `most` and at least two where there are as
/// many, and what they are called. Empty if the ends are no range.
pub(super) fn ticks((low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) || most == 0 {
        return Vec::new();
    }
    let start = (span / most as f64).log10().floor() as i32 - 1;
    let candidates =
        (start..start + 5).flat_map(|power| [1.0, 2.0, 2.5, 5.0].map(|factor| (factor, power)));
    for (factor, power) in candidates {
        let step = factor * 10f64.powi(power);
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let count = last - first + 1.0;
        if count > most as f64 {
            continue;
        }
        let decimals = (-power).max(0) as usize + usize::from(factor == 2.5 && power <= 0);
        let value = |at: usize| (first + at as f64) * step;
        return (0..count.max(0.0) as usize)
            .map(|at| (value(at), number(value(at), decimals)))
            .collect();
    }
    Vec::new()
}

/// A number with so many decimals and a true minus sign.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| "0.".contains(c)) => rest.to_string(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// The colours of a scale beside what they are used in.
pub(super) struct Bar<'a> {
    pub(super) colormap: &'a Colormap,
    pub(super) range: (f64, f64),
    /// What the values are; may be empty.
    pub(super) label: &'a str,
}

impl Bar<'_> {
    fn colours(style: &Style) -> f64 {
        style.font_size
    }

    fn ticks(&self, style: &Style, height: f64) -> Vec<(f64, String)> {
        let fit = (height / (2.0 * style.small())).floor().max(0.0) as usize;
        ticks(self.range, (fit + 1).min(TICKS))
    }

    /// Room that it takes, however tall it is: fewer numbers may have more digits.
    pub(super) fn width(&self, style: &Style) -> f64 {
        let numbers = (1..=TICKS).flat_map(|most| ticks(self.range, most));
        let numbers: Vec<String> = numbers.map(|(_, text)| text).collect();
        let numbers = font::widest(numbers.iter().map(String::as_str), style.small());
        let label = if self.label.is_empty() { 0.0 } else { font::LINE * style.small() };
        Self::colours(style) + 2.0 * style.gap() + numbers + label
    }

    /// Draws it, the last colour on top, from `(x, y)` over a height.
    pub(super) fn draw(&self, page: &mut Page, style: &Style, (x, y): (f64, f64), height: f64) {
        let area = Area::new((x, y), (Self::colours(style), height));
        let pixels = self.colormap.quantised(COLOURS).into_iter().rev().collect();
        page.items.push(Item::Image(area, Picture { width: 1, height: COLOURS, pixels }));
        page.frame(area, style.thin(), INK);
        let (small, (low, high)) = (style.small(), self.range);
        let (tick, middle) = (0.6 * style.gap(), font::MIDDLE * small);
        let mut numbers: f64 = 0.0;
        for (value, text) in self.ticks(style, height) {
            let at = y + height * (high - value) / (high - low);
            page.line((area.right(), at), (area.right() + tick, at), style.thin(), INK);
            // the numbers at the ends stay beside the bar
            let base = (at + middle)
                .max(y + font::ASCENT * small)
                .min(y + height - font::DESCENT * small + 1e-9)
                .max(y + font::ASCENT * small);
            page.text(&text, (area.right() + 2.0 * style.gap(), base), small, Anchor::Start);
            numbers = numbers.max(font::width(&text, small));
        }
        let label = font::fitted(self.label, small, height);
        let right = area.right() + 2.0 * style.gap() + numbers + font::LINE * small;
        let at = (right - font::DESCENT * small, y + height / 2.0);
        page.turned(&label, at, small, Anchor::Middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: (f64, f64), most: usize) -> Vec<String> {
        ticks(range, most).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_as_many_as_fit() {
        assert_eq!(texts((0.0, 1.0), 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts((0.0, 1.0), 5), ["0.00", "0.25", "0.50", "0.75", "1.00"]);
        assert_eq!(texts((0.0, 1.0), 3), ["0.0", "0.5", "1.0"]);
        assert_eq!(texts((0.0, 1.0), 2), ["0", "1"]);
        assert_eq!(texts((-1.0, 1.0), 5), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(texts((-2.3, 0.4), 4), ["−2", "−1", "0"]);
        assert_eq!(texts((0.0, 0.01), 3), ["0.000", "0.005", "0.010"]);
        assert_eq!(texts((37.0, 62.0), 6), ["40", "45", "50", "55", "60"]);
        assert_eq!(texts((0.0, 250.0), 6), ["0", "50", "100", "150", "200", "250"]);
        for range in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(ticks(range, 5).is_empty());
        }
        assert!(ticks((0.0, 1.0), 0).is_empty());
    }

    #[test]
    fn ticks_lie_in_every_range() {
        for (low, high) in [(1e-9, 3e-9), (-7.1, -7.0), (0.0, 1e12), (12.34, 98.76)] {
            for most in 2..8 {
                let found = ticks((low, high), most);
                assert!(found.len() <= most, "{low} {high} {most}");
                let slack = 1e-6 * (high - low);
                assert!(found.iter().all(|(v, _)| *v >= low - slack && *v <= high + slack));
            }
            assert!(ticks((low, high), 7).len() >= 2, "{low} {high}");
        }
    }
}
