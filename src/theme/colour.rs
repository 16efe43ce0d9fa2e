//! Colours and styles as a theme file writes them, parsed without panics.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A colour of 8 bits per channel in sRGB.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The names of the terminal's sixteen own colours, by palette index.
pub(super) const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// Why a text is no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no colour{}; use \"#rrggbb\", a number from 16 to 255, \"default\" or a name such as \"bright-blue\"",
    hint(.near)
)]
pub struct ColourError {
    text: String,
    near: Option<&'static str>,
}

fn hint(near: &Option<&'static str>) -> String {
    near.map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}

impl ColourError {
    fn new(text: &str) -> ColourError {
        let names = ANSI_NAMES.iter().copied().chain(["default"]);
        let shown: String = text.chars().take(40).collect();
        ColourError { near: super::error::nearest(&shown, names), text: shown }
    }
}

impl FromStr for Rgb {
    type Err = ColourError;

    /// Parses `#rrggbb`; anything else is refused.
    fn from_str(text: &str) -> Result<Rgb, ColourError> {
        let digits: Option<Vec<u8>> = text
            .strip_prefix('#')
            .filter(|hex| hex.len() == 6)
            .and_then(|hex| hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect());
        match digits.as_deref() {
            Some(&[a, b, c, d, e, f]) => Ok(Rgb(a << 4 | b, c << 4 | d, e << 4 | f)),
            _ => Err(ColourError::new(text)),
        }
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A colour as a theme names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ColourSpec {
    /// The terminal's own foreground or background.
    Default,
    /// One of the terminal's sixteen own colours, 0 to 15.
    Ansi(u8),
    /// A fixed colour of the 256-colour palette, 16 to 255.
    Indexed(u8),
    /// An exact colour; shown as its nearest where the terminal has fewer.
    Rgb(Rgb),
}

impl FromStr for ColourSpec {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<ColourSpec, ColourError> {
        if text == "default" {
            return Ok(ColourSpec::Default);
        }
        if let Some(at) = ANSI_NAMES.iter().position(|name| *name == text) {
            return Ok(ColourSpec::Ansi(at as u8));
        }
        if text.starts_with('#') {
            return text.parse().map(ColourSpec::Rgb);
        }
        match text.parse::<u8>() {
            Ok(index @ 16..) => Ok(ColourSpec::Indexed(index)),
            _ => Err(ColourError::new(text)),
        }
    }
}

impl fmt::Display for ColourSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColourSpec::Default => f.write_str("default"),
            ColourSpec::Ansi(index) => {
                f.write_str(ANSI_NAMES.get(usize::from(*index)).unwrap_or(&"default"))
            }
            ColourSpec::Indexed(index) => write!(f, "{index}"),
            ColourSpec::Rgb(rgb) => rgb.fmt(f),
        }
    }
}

fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ColourError>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for Rgb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rgb, D::Error> {
        from_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for ColourSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ColourSpec, D::Error> {
        from_text(deserializer)
    }
}

/// How text of one role looks. The default leaves everything to the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StyleSpec {
    /// Foreground; `None` keeps what is underneath.
    pub fg: Option<ColourSpec>,
    /// Background; `None` keeps what is underneath.
    pub bg: Option<ColourSpec>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_are_exact_named_or_refused() {
        assert_eq!("#1aB2c3".parse(), Ok(Rgb(0x1a, 0xb2, 0xc3)));
        for bad in ["", "#", "#12345", "#1234567", "123456", "#12345g", "#ééé", "#+12345"] {
            assert!(bad.parse::<Rgb>().is_err(), "{bad:?}");
        }
        assert_eq!("default".parse(), Ok(ColourSpec::Default));
        assert_eq!("bright-blue".parse(), Ok(ColourSpec::Ansi(12)));
        assert_eq!("208".parse(), Ok(ColourSpec::Indexed(208)));
        for bad in ["15", "256", "-1", "purple", "#12", "Red"] {
            assert!(bad.parse::<ColourSpec>().is_err(), "{bad:?}");
        }
        let text = "bright-bleu".parse::<ColourSpec>().unwrap_err().to_string();
        assert!(text.contains("did you mean \"bright-blue\"?"), "{text}");
        let long = "\n".repeat(5000).parse::<ColourSpec>().unwrap_err().to_string();
        assert!(long.len() < 300 && !long.contains('\n'));
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in ".{0,20}", hex in "#.{0,8}") {
            for text in [text, hex] {
                let _ = text.parse::<Rgb>();
                if let Ok(colour) = text.parse::<ColourSpec>() {
                    prop_assert_eq!(colour.to_string().parse(), Ok(colour));
                }
            }
        }

        #[test]
        fn what_is_shown_can_be_read(r: u8, g: u8, b: u8, index in 16u8.., ansi in 0u8..16) {
            for colour in [ColourSpec::Rgb(Rgb(r, g, b)), ColourSpec::Indexed(index), ColourSpec::Ansi(ansi)] {
                prop_assert_eq!(colour.to_string().parse(), Ok(colour));
            }
        }
    }
}
