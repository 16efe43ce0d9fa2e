//! How many colours the terminal has, from what the environment says. An
//! unknown terminal is never taken for truecolor.

use std::collections::HashMap;
use std::io::IsTerminal;

use termprofile::{DetectorSettings, TermProfile, TermVars};

use crate::app::ColourDepth;

/// The depth to use: the user's choice first, then `NO_COLOR` and its kin, then
/// `COLORTERM`, terminfo and `TERM`.
pub fn detect(chosen: Option<ColourDepth>) -> ColourDepth {
    chosen.unwrap_or_else(|| {
        let out = std::io::stdout();
        depth(TermProfile::detect(&out, DetectorSettings::default()))
    })
}

/// The depth that a given environment means on an output.
pub fn detect_from<T: IsTerminal>(variables: &HashMap<&str, &str>, out: &T) -> ColourDepth {
    let settings = DetectorSettings::default().enable_terminfo(false).enable_tmux_info(false);
    depth(TermProfile::detect_with_vars(TermVars::from_source(variables, out, settings)))
}

fn depth(profile: TermProfile) -> ColourDepth {
    match profile {
        TermProfile::TrueColor => ColourDepth::Truecolor,
        TermProfile::Ansi256 => ColourDepth::Indexed256,
        TermProfile::Ansi16 => ColourDepth::Ansi16,
        TermProfile::NoColor | TermProfile::NoTty => ColourDepth::Mono,
    }
}
