//! `blockscope themes`: the themes and colour maps there are, a theme's file, and
//! what is wrong with one.

use std::io::IsTerminal;
use std::path::Path;

use super::args::Common;
use super::options::ThemesArgs;
use super::{ExitCode, FAILURE, Failure, explore};
use crate::app::ColourDepth;
use crate::config::paths;
use crate::terminal::{self, painted};
use crate::text::padded;
use crate::theme::{Colormap, ColourSpec, Role, Theme, ThemeSet};

/// Cells of a swatch of a colour map.
const CELLS: usize = 24;

/// Roles whose colours tell themes apart.
const SHOWN: [Role; 6] =
    [Role::Accent, Role::Key, Role::RulerMark, Role::Good, Role::Bad, Role::Error];

pub fn run(common: &Common, args: &ThemesArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.check {
        return check(path);
    }
    if let Some(name) = &args.dump {
        super::output::print(&dump(name)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (set, problems) = explore::themes()?;
    let depth = match explore::depth(&common.color)? {
        Some(depth) => depth,
        None if std::io::stdout().is_terminal() => terminal::depth::detect(None).depth,
        None => ColourDepth::Mono,
    };
    super::output::print_bytes(list(&set, depth).as_bytes())?;
    for problem in &problems {
        super::output::aside(&format!("blockscope: {problem}"));
    }
    Ok(ExitCode::from(if problems.is_empty() { 0 } else { FAILURE }))
}

fn check(path: &Path) -> Result<ExitCode, Failure> {
    let (set, _) = explore::themes()?;
    let theme = set.check(path)?;
    let own = Role::ALL.into_iter().filter(|role| theme.has(*role)).count();
    say!(
        "{}: theme {:?} is in order; {own} of {} roles have a style, colour map {:?}",
        path.display(),
        theme.name,
        Role::ALL.len(),
        theme.colormap
    );
    Ok(ExitCode::SUCCESS)
}

/// The text of the file that a theme comes from.
fn dump(name: &str) -> Result<String, Failure> {
    let (set, _) = explore::themes()?;
    set.find(name)?;
    for stamp in crate::theme::UserThemes::new(&paths::themes()).stamps() {
        let mine = set.check(&stamp.0).is_ok_and(|theme| theme.name == name);
        if let (true, Ok(text)) = (mine, crate::files::user::read(&stamp.0)) {
            return Ok(text);
        }
    }
    let text = ThemeSet::builtin_source(name);
    text.map(String::from).ok_or_else(|| Failure::usage(format!("theme {name:?} has no file")))
}

/// All themes and maps, one a line; swatches where there are colours.
fn list(set: &ThemeSet, depth: ColourDepth) -> String {
    let mut out = String::from("themes\n");
    for theme in set.themes() {
        let swatch: String =
            SHOWN.iter().filter_map(|role| role_swatch(theme, *role, depth)).collect();
        let gap = if swatch.is_empty() { "" } else { "  " };
        let name = padded(&theme.name, 16);
        out.push_str(&format!("  {name} {swatch}{gap}map {}\n", theme.colormap));
    }
    out.push_str("colour maps\n");
    for map in set.colormaps() {
        let line = format!("  {} {}", padded(&map.name, 16), map_swatch(map, depth));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&format!("your own: {}\n", paths::themes().join("*.ron").display()));
    out
}

fn role_swatch(theme: &Theme, role: Role, depth: ColourDepth) -> Option<String> {
    if depth == ColourDepth::Mono {
        return None;
    }
    let spec = theme.style(role).fg.unwrap_or(ColourSpec::Default);
    Some(painted("██", spec, depth))
}

fn map_swatch(map: &Colormap, depth: ColourDepth) -> String {
    let at = |i: usize| i as f64 / (CELLS - 1) as f64;
    let cell = |i: usize| match depth {
        ColourDepth::Mono => String::new(),
        // the ramp of the map, not the nearest colours
        ColourDepth::Indexed256 => painted("█", ColourSpec::Indexed(map.ansi256(at(i))), depth),
        _ => painted("█", ColourSpec::Rgb(map.rgb(at(i))), depth),
    };
    (0..CELLS).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_are_listed_with_colours_only_where_there_are_some() {
        let set = ThemeSet::builtin().unwrap();
        let plain = list(&set, ColourDepth::Mono);
        assert!(!plain.contains('\x1b') && plain.lines().count() == 14, "{plain}");
        for theme in set.themes() {
            assert!(plain.contains(&format!("  {:<16} map {}\n", theme.name, theme.colormap)));
        }
        let full = list(&set, ColourDepth::Truecolor);
        assert!(full.contains("38;2;34;131;119"), "the accent of the default theme");
        assert!(full.contains("38;2;68;1;84") && full.contains("38;2;253;231;37"), "viridis");
        assert!(list(&set, ColourDepth::Indexed256).contains("38;5;53m"));
    }

    #[test]
    fn a_theme_inside_the_program_is_dumped_as_written() {
        assert_eq!(dump("dark").unwrap(), include_str!("../../themes/dark.ron"));
        assert!(dump("drak").unwrap_err().message.contains("did you mean \"dark\"?"));
    }
}
