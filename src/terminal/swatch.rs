//! Text in a colour outside the interface: what the command line prints. Knows no
//! screen.

use crossterm::style::{Color, ContentStyle, Stylize, force_color_output};

use crate::app::ColourDepth;
use crate::theme::{ColourSpec, Rgb};
use crate::ui::colour::{to_ansi16, to_indexed};

/// The text in a colour, whatever `NO_COLOR` says: the depth was chosen by it.
pub fn painted(text: &str, spec: ColourSpec, depth: ColourDepth) -> String {
    force_color_output(true);
    ContentStyle::new().with(shown(spec, depth)).apply(text).to_string()
}

fn shown(spec: ColourSpec, depth: ColourDepth) -> Color {
    match spec {
        ColourSpec::Default => Color::Reset,
        ColourSpec::Ansi(n) | ColourSpec::Indexed(n) => Color::AnsiValue(n),
        ColourSpec::Rgb(rgb @ Rgb(r, g, b)) => match depth {
            ColourDepth::Truecolor => Color::Rgb { r, g, b },
            ColourDepth::Indexed256 => Color::AnsiValue(to_indexed(rgb)),
            ColourDepth::Ansi16 | ColourDepth::Mono => Color::AnsiValue(to_ansi16(rgb)),
        },
    }
}
