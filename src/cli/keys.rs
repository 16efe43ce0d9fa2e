//! `blockscope keys`: the keys of all commands, and what is wrong with the user's.

use super::options::{KeysArgs, KeysFormat};
use super::{ExitCode, FAILURE, Failure, explore};
use crate::app::Keymap;
use crate::config::{self, Problem, key_table};

pub fn run(args: &KeysArgs) -> Result<ExitCode, Failure> {
    if let Some(file) = &args.check {
        return check(file.clone());
    }
    match args.format {
        KeysFormat::Md => super::output::print(&key_table::markdown(&Keymap::default()))?,
        KeysFormat::Text => {
            let (map, problems) = explore::keymap();
            super::output::print(&key_table::text(&map))?;
            tell(&problems);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(file: Option<std::path::PathBuf>) -> Result<ExitCode, Failure> {
    let named = file.is_some();
    let path = file.unwrap_or_else(config::paths::keys);
    let text = match config::read(&path)? {
        Some(text) => text,
        None if named => {
            return Err(Failure::usage(format!("{}: there is no such file", path.display())));
        }
        None => {
            say!("{} is not there: all keys are the default ones", path.display());
            return Ok(ExitCode::SUCCESS);
        }
    };
    let (map, problems) = config::keys::keymap(&text, &path);
    tell(&problems);
    if problems.is_empty() {
        let changed = if map == Keymap::default() { "the default keys" } else { "in order" };
        say!("{}: {changed}", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(FAILURE))
}

/// One line for each fault, all of them.
fn tell(problems: &[Problem]) {
    for problem in problems {
        super::output::aside(&format!("blockscope: {problem}"));
    }
}
