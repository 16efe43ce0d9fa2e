//! How the interface looks: theme, colour map and colours of the terminal, as
//! names and choices. Knows no drawing.

use std::fmt;
use std::str::FromStr;

use crate::text::unknown;
use crate::theme::ThemeSet;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColourDepth {
    /// None: glyph ramps, bold and reverse.
    Mono,
    /// The sixteen of the terminal's own palette; the map is a glyph ramp.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// 24 bits.
    Truecolor,
}

impl ColourDepth {
    /// All depths in the order in which a key cycles through them.
    pub const ALL: [ColourDepth; 4] =
        [ColourDepth::Truecolor, ColourDepth::Indexed256, ColourDepth::Ansi16, ColourDepth::Mono];

    /// The name on screen and as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            ColourDepth::Mono => "mono",
            ColourDepth::Ansi16 => "16",
            ColourDepth::Indexed256 => "256",
            ColourDepth::Truecolor => "truecolor",
        }
    }

    /// The depth after this one.
    pub fn next(self) -> ColourDepth {
        let at = ColourDepth::ALL.iter().position(|d| *d == self).unwrap_or(0);
        ColourDepth::ALL[(at + 1) % ColourDepth::ALL.len()]
    }
}

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pictures {
    /// As pixels where the terminal says that it shows them.
    #[default]
    Auto,
    /// As pixels, whatever it says.
    Pixels,
    /// As half blocks.
    Blocks,
}

impl Pictures {
    /// Every way.
    pub const ALL: [Pictures; 3] = [Pictures::Auto, Pictures::Pixels, Pictures::Blocks];

    /// The name as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            Pictures::Auto => "auto",
            Pictures::Pixels => "pixels",
            Pictures::Blocks => "blocks",
        }
    }
}

impl fmt::Display for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Pictures {
    type Err = String;

    fn from_str(text: &str) -> Result<Pictures, String> {
        let known = Pictures::ALL.into_iter().find(|way| way.name() == text);
        known.ok_or_else(|| {
            unknown("way to draw pictures", text, &Pictures::ALL.map(Pictures::name))
        })
    }
}

/// How things look: names of the theme and the colour map, and the choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Theme names, each with the name of its own colour map.
    themes: Vec<(String, String)>,
    colormaps: Vec<String>,
    theme: usize,
    /// A map chosen by key; else the theme's own.
    colormap: Option<usize>,
    /// Colours of the terminal.
    pub depth: ColourDepth,
    /// Whether the terminal shows pictures as pixels.
    pub pixels: bool,
    /// Whether maps are pixels too.
    pub pixel_maps: bool,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether the read-out follows the pointer.
    pub hover: bool,
}

impl Look {
    /// The choices of a theme set, starting with the theme `name` (or the first).
    pub fn new(set: &ThemeSet, name: Option<&str>, depth: ColourDepth) -> Look {
        let themes: Vec<_> =
            set.themes().iter().map(|t| (t.name.clone(), t.colormap.clone())).collect();
        let theme = name.and_then(|n| themes.iter().position(|(t, _)| t == n)).unwrap_or(0);
        let colormaps = set.colormaps().iter().map(|m| m.name.clone()).collect();
        Look {
            themes,
            colormaps,
            theme,
            colormap: None,
            depth,
            pixels: false,
            pixel_maps: false,
            mouse: true,
            hover: false,
        }
    }

    /// The theme's name.
    pub fn theme(&self) -> &str {
        self.themes.get(self.theme).map_or("", |(name, _)| name)
    }

    /// The colour map's name.
    pub fn colormap(&self) -> &str {
        match self.colormap.and_then(|i| self.colormaps.get(i)) {
            Some(name) => name,
            None => self.themes.get(self.theme).map_or("", |(_, map)| map),
        }
    }

    /// The names of all themes.
    pub fn themes(&self) -> impl Iterator<Item = &str> {
        self.themes.iter().map(|(name, _)| name.as_str())
    }

    /// The names of all colour maps.
    pub fn colormaps(&self) -> impl Iterator<Item = &str> {
        self.colormaps.iter().map(String::as_str)
    }

    /// Takes the theme of that name, if there is one.
    pub fn with_theme(mut self, name: &str) -> Look {
        if let Some(at) = self.themes.iter().position(|(theme, _)| theme == name) {
            self.theme = at;
        }
        self
    }

    /// Takes the colour map of that name, if there is one.
    pub fn with_colormap(mut self, name: &str) -> Look {
        self.colormap = self.colormaps.iter().position(|map| map == name).or(self.colormap);
        self
    }

    /// The same look among the themes and maps of another set.
    pub(super) fn among(&self, set: &ThemeSet) -> Look {
        let mut look = Look::new(set, Some(self.theme()), self.depth);
        (look.pixels, look.pixel_maps) = (self.pixels, self.pixel_maps);
        (look.mouse, look.hover) = (self.mouse, self.hover);
        match self.colormap {
            Some(_) => look.with_colormap(self.colormap()),
            None => look,
        }
    }

    pub(super) fn next_theme(&mut self) {
        self.theme = (self.theme + 1) % self.themes.len().max(1);
    }

    pub(super) fn next_colormap(&mut self) {
        let at = self.colormaps.iter().position(|m| m == self.colormap()).map_or(0, |i| i + 1);
        self.colormap = Some(at % self.colormaps.len().max(1));
    }
}
