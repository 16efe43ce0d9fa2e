//! The table of a colour map under a depth: few levels, so that cells of nearly
//! equal value are equal on the wire.

use ratatui::style::Color;

use crate::app::ColourDepth;
use crate::theme::{Colormap, Rgb, xterm};

use super::truecolour;

/// Levels in truecolor.
pub const LEVELS: usize = 32;

/// Glyphs that stand for values where there are not enough colours.
pub const RAMP: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// The same for values around 0: how far below, and how far above.
pub const SIGNED: [&str; 5] = ["=", "-", " ", "+", "#"];

/// The luminance from which on black stands out more than white (WCAG 2).
const MIDDLE: f64 = 0.179;

/// A colour map as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Lut {
    colours: Vec<Color>,
    glyphs: [&'static str; 5],
    /// Whether black is easier to see on a level than white.
    light: Vec<bool>,
    ramp: bool,
}

impl Lut {
    /// The table of `map` under `depth`; without a map (or without enough
    /// colours) values become glyphs.
    pub fn new(map: Option<&Colormap>, depth: ColourDepth) -> Lut {
        Lut::of(map, depth, LEVELS, RAMP)
    }

    /// A table whose middle level is neither below nor above.
    pub fn diverging(map: &Colormap, depth: ColourDepth) -> Lut {
        Lut::of(Some(map), depth, LEVELS + 1, SIGNED)
    }

    fn of(
        map: Option<&Colormap>,
        depth: ColourDepth,
        levels: usize,
        glyphs: [&'static str; 5],
    ) -> Lut {
        let position = |i: usize| i as f64 / (levels - 1) as f64;
        let (colours, rgbs): (Vec<Color>, Vec<Rgb>) = match (depth, map) {
            (ColourDepth::Truecolor, Some(m)) => {
                m.quantised(levels).into_iter().map(|c| (truecolour(c), c)).unzip()
            }
            (ColourDepth::Indexed256, Some(m)) => {
                let index = |i| m.ansi256(position(i));
                (0..levels).map(|i| (Color::Indexed(index(i)), xterm(index(i)))).unzip()
            }
            _ => (Vec::new(), Vec::new()),
        };
        let light = rgbs.iter().map(|rgb| luminance(*rgb) > MIDDLE).collect();
        Lut { ramp: colours.is_empty(), colours, glyphs, light }
    }

    /// True if values are glyphs.
    pub fn is_ramp(&self) -> bool {
        self.ramp
    }

    /// The level of a position on the scale, 0 to 1 (clamped).
    pub fn level(&self, t: f64) -> usize {
        let last = if self.ramp { self.glyphs.len() } else { self.colours.len() } - 1;
        (t.clamp(0.0, 1.0) * last as f64).round() as usize
    }

    /// The colour at a position on the scale, 0 to 1 (clamped), where there are colours.
    pub fn rgb(&self, t: f64) -> Option<Rgb> {
        match self.colours.get(self.level(t))? {
            Color::Rgb(r, g, b) => Some(Rgb(*r, *g, *b)),
            Color::Indexed(index) => Some(xterm(*index)),
            _ => None,
        }
    }

    /// The colour of a level.
    pub fn colour(&self, level: usize) -> Color {
        self.colours.get(level).copied().unwrap_or(Color::Reset)
    }

    /// A colour that stands out from a level's.
    pub fn contrast(&self, level: usize) -> Color {
        match (self.light.get(level), self.colours.first()) {
            (Some(true), Some(Color::Rgb(..))) => Color::Rgb(0, 0, 0),
            (_, Some(Color::Rgb(..))) => Color::Rgb(255, 255, 255),
            (Some(true), _) => Color::Indexed(16),
            _ => Color::Indexed(231),
        }
    }

    /// A colour that stands out from one of the table's.
    pub fn contrast_to(&self, colour: Color) -> Color {
        self.contrast(self.colours.iter().position(|c| *c == colour).unwrap_or(0))
    }

    /// The glyph of a level of the ramp.
    pub fn glyph(&self, level: usize) -> &'static str {
        self.glyphs.get(level).copied().unwrap_or("█")
    }
}

/// Relative luminance (WCAG), 0 to 1.
fn luminance(Rgb(r, g, b): Rgb) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{ThemeSet, diverging};

    #[test]
    fn high_similarities_are_told_apart_with_256_colours() {
        for map in ThemeSet::builtin().unwrap().colormaps() {
            let lut = Lut::new(Some(map), ColourDepth::Indexed256);
            let shown = |t: f64| lut.colour(lut.level(t));
            let mut distinct: Vec<Color> =
                (0..=5).map(|i| shown(0.9 + 0.02 * f64::from(i))).collect();
            distinct.dedup();
            assert!(distinct.len() >= 4, "{}: {distinct:?}", map.name);
            // no colour comes again; that they lighten is checked with the themes
            let mut all: Vec<Color> = (0..=1000).map(|i| shown(f64::from(i) / 1000.0)).collect();
            all.dedup();
            let unique: std::collections::HashSet<_> = all.iter().collect();
            assert_eq!(unique.len(), all.len(), "{}: {all:?}", map.name);
        }
    }

    #[test]
    fn large_differences_are_told_apart_with_256_colours() {
        let lut = Lut::diverging(&diverging(), ColourDepth::Indexed256);
        for side in [1.0, -1.0] {
            let shown = |d: f64| lut.colour(lut.level((1.0 + side * d) / 2.0));
            let mut distinct: Vec<Color> = [0.8, 0.9, 0.95, 1.0].map(shown).to_vec();
            distinct.dedup();
            assert!(distinct.len() >= 3, "{side}: {distinct:?}");
        }
    }
}
