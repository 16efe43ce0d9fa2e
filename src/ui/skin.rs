//! The look of a theme, a colour map and a colour depth, made once and used
//! until one of the three changes.

use ratatui::style::Style;

use crate::app::{ColourDepth, Look};
use crate::theme::{Role, ThemeSet, diverging};

use super::colour::{self, Lut};

/// Styles and colours ready for drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Skin {
    styles: [Style; Role::ALL.len()],
    lut: Lut,
    diverging: Lut,
    theme: String,
    colormap: String,
    depth: ColourDepth,
    pixels: bool,
    pixel_maps: bool,
}

impl Skin {
    /// The skin of a look.
    pub fn new(set: &ThemeSet, look: &Look) -> Skin {
        let theme = set.theme(look.theme());
        let style =
            |role| theme.map_or_else(Style::new, |t| colour::style(t.style(role), look.depth));
        Skin {
            styles: Role::ALL.map(style),
            lut: Lut::new(set.colormap(look.colormap()), look.depth),
            diverging: Lut::diverging(&diverging(), look.depth),
            theme: look.theme().to_string(),
            colormap: look.colormap().to_string(),
            depth: look.depth,
            pixels: look.pixels,
            pixel_maps: look.pixels && look.pixel_maps,
        }
    }

    /// True while the look is the one that the skin was made from.
    pub fn matches(&self, look: &Look) -> bool {
        self.theme == look.theme()
            && self.colormap == look.colormap()
            && (self.depth, self.pixels) == (look.depth, look.pixels)
            && self.pixel_maps == (look.pixels && look.pixel_maps)
    }

    /// How many colours there are.
    pub fn depth(&self) -> ColourDepth {
        self.depth
    }

    /// Whether the terminal shows pictures as pixels.
    pub fn pixels(&self) -> bool {
        self.pixels
    }

    /// Whether maps are pixels too.
    pub fn pixel_maps(&self) -> bool {
        self.pixel_maps
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let at = Role::ALL.iter().position(|r| *r == role).unwrap_or(0);
        self.styles[at]
    }

    /// The colours of differences, which lie on both sides of 0.
    pub fn diverging(&self) -> &Lut {
        &self.diverging
    }

    /// The colours of the data.
    pub fn lut(&self) -> &Lut {
        &self.lut
    }
}
