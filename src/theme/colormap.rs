//! Colour maps: a similarity from 0 to 1 becomes a colour.

use super::colour::Rgb;

/// A sequential colour map, dark to light: colour stops at equal distances, and
/// a ramp of the 256-colour palette that stands in where there are fewer colours. A
/// colour of the ramp may stand for several steps of value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colormap {
    /// Its name, `viridis`.
    pub name: String,
    stops: Vec<Rgb>,
    ansi256: Vec<u8>,
}

impl Colormap {
    /// A map from stops at equal distances (at least 2) and a ramp of palette
    /// indices of at least 16 (at least 2).
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn new(name: &str, stops: Vec<Rgb>, ansi256: Vec<u8>) -> Result<Colormap, String> {
        if stops.len() < 2 || ansi256.len() < 2 {
            return Err(format!(
                "colour map {name:?} needs at least 2 stops and 2 palette indices"
            ));
        }
        if let Some(index) = ansi256.iter().find(|index| **index < 16) {
            return Err(format!(
                "colour map {name:?}: palette index {index} is the user's own colour; use 16 to 255"
            ));
        }
        Ok(Colormap { name: name.to_string(), stops, ansi256 })
    }

    /// The colour at `t`, interpolated linearly in sRGB between stops; `t` is
    /// clamped to 0..1 and NaN counts as 0.
    pub fn rgb(&self, t: f64) -> Rgb {
        let at = unit(t) * (self.stops.len() - 1) as f64;
        let low = (at.floor() as usize).min(self.stops.len() - 2);
        let part = at - low as f64;
        let (a, b) = (self.stops[low], self.stops[low + 1]);
        let mix =
            |x: u8, y: u8| (f64::from(x) + (f64::from(y) - f64::from(x)) * part).round() as u8;
        Rgb(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }

    /// The palette index at `t`; the ramp's entries cover equal shares of 0..1.
    pub fn ansi256(&self, t: f64) -> u8 {
        self.ansi256[bin(t, self.ansi256.len())]
    }

    /// The colours of `levels` equal shares of 0..1, each that of its share's
    /// place between the ends (the first is the map's start, the last its end).
    pub fn quantised(&self, levels: usize) -> Vec<Rgb> {
        let last = levels.saturating_sub(1).max(1) as f64;
        (0..levels).map(|i| self.rgb(i as f64 / last)).collect()
    }

    /// The 256-colour ramp, dark to light.
    pub fn ramp(&self) -> &[u8] {
        &self.ansi256
    }
}

/// The map of differences: blue below the middle, white in it, red above; safe
/// for the common colour-vision deficiencies, and as light on one side as on the
/// other.
pub fn diverging() -> Colormap {
    let stops = [
        (5, 48, 97),
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (247, 247, 247),
        (253, 219, 199),
        (244, 165, 130),
        (214, 96, 77),
        (178, 24, 43),
        (103, 0, 31),
    ];
    Colormap {
        name: "blue-red".into(),
        stops: stops.map(|(r, g, b)| Rgb(r, g, b)).to_vec(),
        ansi256: vec![
            18, 24, 25, 25, 31, 31, 67, 67, 74, 74, 110, 110, 153, 153, 189, 189, 255, 224, 224,
            217, 217, 210, 210, 203, 203, 167, 167, 160, 160, 124, 124, 88, 52,
        ],
    }
}

fn unit(t: f64) -> f64 {
    if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) }
}

/// Which of `bins` equal shares of 0..1 holds `t`.
fn bin(t: f64, bins: usize) -> usize {
    ((unit(t) * bins as f64) as usize).min(bins - 1)
}
