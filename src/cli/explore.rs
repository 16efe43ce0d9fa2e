//! `blockscope [PATH]`: the explorer, with the rest of the program as its
//! services.

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::Common;
use super::services::Program;
use super::{Failure, USAGE};
use crate::app::{App, ColourDepth, Look};
use crate::data::DataSource;
use crate::runs::{FIRST_RUN, RunStore};
use crate::terminal::{self, Options};
use crate::theme::ThemeSet;

pub fn run(
    common: &Common,
    path: Option<&str>,
    data: Option<DataSource>,
    no_animation: bool,
) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let open = match path {
        Some(path) => Some(store.resolve(path)?),
        // The run that shows the phenomenon, if it is there; else the list.
        None => store.resolve(FIRST_RUN).ok(),
    };
    let chosen = depth(&common.color)?;
    let (themes, problems) = themes();
    for problem in problems? {
        tracing::warn!("{problem}");
    }
    let found = terminal::depth::detect(chosen);
    let app = App::new(Look::new(&themes, None, found.depth), open);
    let services = Program::new(store, themes.clone(), common.device, data);
    // Drivers write to standard error; without a log it goes nowhere.
    let nowhere = cfg!(unix).then(|| PathBuf::from("/dev/null"));
    let options = Options {
        log: common.log_file.clone().or(nowhere),
        ask_colours: found.ask,
        remote: std::env::var_os("SSH_CONNECTION").is_some_and(|value| !value.is_empty()),
        no_animation,
    };
    match terminal::run(app, themes, Box::new(services), options) {
        Ok(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(super::FAILURE))),
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            Err(Failure { message: error.to_string(), code: USAGE })
        }
        Err(error) => Err(error.into()),
    }
}

/// The built-in themes with the user's over them, and what is wrong with those.
fn themes() -> (ThemeSet, Result<Vec<String>, Failure>) {
    match ThemeSet::builtin() {
        Err(error) => (ThemeSet::default(), Err(error.into())),
        Ok(builtin) => {
            let (set, problems) = builtin.with_user_dir(&theme_folder());
            (set, Ok(problems.iter().map(ToString::to_string).collect()))
        }
    }
}

/// The folder of the user's themes.
pub(super) fn theme_folder() -> PathBuf {
    directories::ProjectDirs::from("", "", "blockscope")
        .map_or_else(|| PathBuf::from("themes"), |dirs| dirs.config_dir().join("themes"))
}

/// The colour depth that `--color` asks for; `None` to detect it.
pub(super) fn depth(text: &str) -> Result<Option<ColourDepth>, Failure> {
    if text == "auto" {
        return Ok(None);
    }
    let found = ColourDepth::ALL.into_iter().find(|depth| depth.name() == text);
    found.map(Some).ok_or_else(|| {
        Failure::usage(format!("--color {text:?}: use auto, truecolor, 256, 16 or mono"))
    })
}
