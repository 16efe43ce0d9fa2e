//! From a theme's styles to the terminal's, under a colour depth. The only
//! place where the interface meets colours; it knows no panels and no app
//! state beyond the look.

pub mod lut;
pub mod reduce;

use ratatui::style::{Color, Modifier, Style};

use crate::app::ColourDepth;
use crate::theme::{ColourSpec, Rgb, StyleSpec, xterm};

pub use lut::Lut;
pub use reduce::{to_ansi16, to_indexed};

/// A theme's colour under a depth; `None` where the depth has no colours.
pub fn colour(spec: ColourSpec, depth: ColourDepth) -> Option<Color> {
    match (spec, depth) {
        (_, ColourDepth::Mono) => None,
        (ColourSpec::Default, _) => Some(Color::Reset),
        (ColourSpec::Ansi(n), _) => Some(ansi(n)),
        (ColourSpec::Indexed(n), ColourDepth::Ansi16) => Some(ansi(to_ansi16(xterm(n)))),
        (ColourSpec::Indexed(n), _) => Some(Color::Indexed(n)),
        (ColourSpec::Rgb(rgb), ColourDepth::Truecolor) => Some(truecolour(rgb)),
        (ColourSpec::Rgb(rgb), ColourDepth::Indexed256) => Some(Color::Indexed(to_indexed(rgb))),
        (ColourSpec::Rgb(rgb), ColourDepth::Ansi16) => Some(ansi(to_ansi16(rgb))),
    }
}

/// A colour of 24 bits.
pub fn truecolour(Rgb(r, g, b): Rgb) -> Color {
    Color::Rgb(r, g, b)
}

/// One of the terminal's own sixteen, by its usual number.
fn ansi(n: u8) -> Color {
    const NAMES: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    NAMES.get(usize::from(n)).copied().unwrap_or(Color::Reset)
}

/// A mark on text that has a style. Where the text has a ground of its own, its colours
/// stay and the mark gives weight alone: it was chosen for the terminal's ground.
pub fn marked(text: Style, mark: Style) -> Style {
    match text.bg {
        Some(ground) if ground != Color::Reset => text.add_modifier(mark.add_modifier),
        _ => text.patch(mark),
    }
}

/// A theme's style under a depth. Without colours a background becomes
/// reverse, so that nothing is told by colour alone.
pub fn style(spec: StyleSpec, depth: ColourDepth) -> Style {
    let mut style = Style::new();
    style.fg = spec.fg.and_then(|c| colour(c, depth));
    style.bg = spec.bg.and_then(|c| colour(c, depth));
    let filled = matches!(spec.bg, Some(bg) if bg != ColourSpec::Default);
    let modifiers = [
        (spec.bold, Modifier::BOLD),
        (spec.dim, Modifier::DIM),
        (spec.italic, Modifier::ITALIC),
        (spec.underline, Modifier::UNDERLINED),
        (spec.reverse || depth == ColourDepth::Mono && filled, Modifier::REVERSED),
    ];
    for (on, modifier) in modifiers {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_reduce_colours_and_mono_keeps_attributes() {
        let spec = StyleSpec {
            fg: Some(ColourSpec::Rgb(Rgb(255, 0, 0))),
            bg: Some(ColourSpec::Rgb(Rgb(0, 0, 95))),
            bold: true,
            ..StyleSpec::default()
        };
        assert_eq!(style(spec, ColourDepth::Truecolor).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(style(spec, ColourDepth::Indexed256).fg, Some(Color::Indexed(196)));
        assert_eq!(style(spec, ColourDepth::Indexed256).bg, Some(Color::Indexed(17)));
        assert_eq!(style(spec, ColourDepth::Ansi16).fg, Some(Color::LightRed));
        let mono = style(spec, ColourDepth::Mono);
        assert_eq!((mono.fg, mono.bg), (None, None));
        assert_eq!(mono.add_modifier, Modifier::BOLD | Modifier::REVERSED);
    }
}
