//! Options of the explorer, and the values of switches.

use clap::{ArgAction, Args};

/// How the explorer looks and listens.
#[derive(Debug, Clone, Args)]
pub struct ScreenArgs {
    /// Theme: blockscope, dark, light, high-contrast, colour-blind, mono, or one of yours [default: blockscope]
    #[arg(long, value_name = "NAME", env = "BLOCKSCOPE_THEME")]
    pub theme: Option<String>,
    /// Colour map: viridis, magma, inferno, cividis, grey, or one of yours [default: the theme's]
    #[arg(long, value_name = "NAME", env = "BLOCKSCOPE_COLORMAP")]
    pub colormap: Option<String>,
    /// Whether clicks, drags and the wheel go to the explorer: on or off
    #[arg(
        long,
        value_name = "SWITCH",
        env = "BLOCKSCOPE_MOUSE",
        action = ArgAction::Set,
        value_parser = switch,
        default_value = "on"
    )]
    pub mouse: bool,
    /// Read out the cell under the pointer as it moves; many bytes over a slow line
    #[arg(
        long,
        value_name = "SWITCH",
        env = "BLOCKSCOPE_HOVER",
        action = ArgAction::Set,
        value_parser = switch,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        default_value = "off",
        hide_default_value = true
    )]
    pub hover: bool,
}

/// `on` or `off`, or what stands for them in variables.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("use on or off".to_string()),
    }
}
