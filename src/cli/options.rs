//! Options of the explorer and of the commands about the program itself, and the
//! values of switches.

use std::num::NonZeroIsize;
use std::path::PathBuf;

use crate::app::columns::Columns;
use clap::{ArgAction, Args, ValueEnum};

use crate::app::Pictures;

/// How the explorer looks and listens.
#[derive(Debug, Clone, Args)]
pub struct ScreenArgs {
    /// Theme: blockscope, dark, light, high-contrast, colour-blind, mono, or one of yours [default: blockscope]
    #[arg(long, value_name = "NAME", env = "BLOCKSCOPE_THEME")]
    pub theme: Option<String>,
    /// Colour map: viridis, magma, inferno, cividis, grey, or one of yours [default: the theme's]
    #[arg(long, value_name = "NAME", env = "BLOCKSCOPE_COLORMAP")]
    pub colormap: Option<String>,
    /// Pictures as pixels, in terminals with kitty's graphics: auto, pixels or blocks
    #[arg(long, value_name = "HOW", env = "BLOCKSCOPE_PICTURES", default_value = "auto")]
    pub pictures: Pictures,
    /// Columns of the list of runs, from the left: names of model, depth, width, data, fraction, seed, epochs, test, loss, state, made, from and map
    #[arg(
        long,
        value_name = "NAMES",
        env = "BLOCKSCOPE_COLUMNS",
        default_value = "model,data,test,made,map"
    )]
    pub columns: Columns,
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

/// The most threads that may be asked for: more than a machine's cores, fewer than its limit.
const MOST_THREADS: isize = 1024;

/// The number of `--threads`.
pub fn thread_count(text: &str) -> Result<NonZeroIsize, String> {
    let count = text.parse().ok().filter(|n: &NonZeroIsize| n.get() <= MOST_THREADS);
    count.ok_or_else(|| {
        format!("use a number of threads up to {MOST_THREADS}, or -1 for all cores but one")
    })
}

/// Threads of `--threads N` on a machine with `cores`: N, or all but -N, at least one.
pub fn threads(n: NonZeroIsize, cores: usize) -> usize {
    match n.get() {
        n @ 1.. => n.unsigned_abs(),
        n => cores.saturating_sub(n.unsigned_abs()).max(1),
    }
}

/// The value of `--table`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TableArg {
    /// CKA of every pair of layers
    Cka,
    /// First components of every layer
    Pc,
    /// Linear probes
    Probes,
    /// Deleted residual blocks
    Deletion,
    /// Detected block structures
    #[value(alias = "blocks")]
    Structures,
}

/// The value of `--format` of `keys`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KeysFormat {
    /// The keys as they are now
    Text,
    /// The page docs/KEYS.md: all commands with their default keys
    Md,
}

/// `keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    pub format: KeysFormat,
    /// Print what is wrong with your keys.ron (or FILE) and nothing else
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub check: Option<Option<PathBuf>>,
}

/// `themes`.
#[derive(Debug, Args)]
pub struct ThemesArgs {
    /// Print what is wrong with a theme file and nothing else
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Print a theme's file, as a start for one of your own
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    pub dump: Option<String>,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh or fish
    #[arg(value_enum)]
    pub shell: ShellArg,
}

/// Shells with completions.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)] // their names say it
pub enum ShellArg {
    Bash,
    Zsh,
    Fish,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for the program and one for each subcommand into DIR
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
