//! `blockscope [PATH]`: the explorer, with the rest of the program behind its port.

use std::path::PathBuf;

use super::args::Cli;
use super::desk::Desk;
use super::{ExitCode, Failure, USAGE, given};
use crate::app::{App, ColourDepth, Keymap, Look};
use crate::config::{self, Config, Problem};
use crate::lab::Lab;
use crate::runs::{FIRST_RUN, RunStore};
use crate::terminal::{self, Options};
use crate::text::unknown;
use crate::theme::{ThemeError, ThemeSet};

pub fn run(cli: &Cli, settings: &Config, problem: Option<Problem>) -> Result<ExitCode, Failure> {
    let common = &cli.common;
    let store = RunStore::locate(common.runs.clone());
    let open = match cli.path.as_deref() {
        Some(path) => Some(store.resolve(path)?),
        // The run that shows the phenomenon, if it is there; else the list.
        None => store.resolve(FIRST_RUN).ok(),
    };
    let chosen = depth(&common.color)?;
    // What is wrong with the user's files is told on screen; the log has all of it.
    let mut notices = Vec::new();
    let mut note = |full: String, short: String| {
        tracing::warn!("{full}");
        notices.push(short);
    };
    if let Some(problem) = problem {
        note(problem.to_string(), problem.short());
    }
    let (keymap, problems) = keymap();
    for problem in problems {
        note(problem.to_string(), problem.short());
    }
    let (themes, problems) = themes()?;
    for problem in problems {
        note(problem.to_string(), problem.short());
    }
    let found = terminal::depth::detect(chosen);
    let mut look = Look::new(&themes, None, found.depth);
    (look.mouse, look.hover) = (cli.screen.mouse, cli.screen.hover);
    if let Some(name) = &cli.screen.theme {
        let found = themes.find(name).map(|theme| theme.name.clone());
        if let Some(name) = named(found, settings.theme() == Some(name), &mut note)? {
            look = look.with_theme(&name);
        }
    }
    if let Some(name) = &cli.screen.colormap {
        let found = themes.find_colormap(name).map(|map| map.name.clone());
        if let Some(name) = named(found, settings.colormap() == Some(name), &mut note)? {
            look = look.with_colormap(&name);
        }
    }
    let mut app = App::new(look, open);
    app.keymap = keymap;
    app.home.columns = cli.screen.columns.clone();
    app.notice(&notices, "blockscope doctor");
    let lab = Lab::new(store, common.device, given(cli.data.as_ref()));
    let desk = Desk::new(lab, themes.clone());
    // Drivers write to standard error; without a log it goes nowhere.
    let nowhere = cfg!(unix).then(|| PathBuf::from("/dev/null"));
    let options = Options {
        log: common.log_file.clone().or(nowhere),
        themes: Some(config::paths::themes()),
        ask_colours: found.ask,
        pictures: cli.screen.pictures,
        hint: found.hint,
        remote: std::env::var_os("SSH_CONNECTION").is_some_and(|value| !value.is_empty()),
        no_animation: common.no_animation,
    };
    match terminal::run(app, themes, Box::new(desk), options) {
        Ok(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(super::FAILURE))),
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
            Err(Failure { message: error.to_string(), code: USAGE })
        }
        Err(error) => Err(error.into()),
    }
}

/// A name of a theme or map: one that does not exist is a usage error, unless the
/// settings named it, which never stops the explorer.
fn named(
    found: Result<String, ThemeError>,
    from_settings: bool,
    note: &mut impl FnMut(String, String),
) -> Result<Option<String>, Failure> {
    match found {
        Ok(name) => Ok(Some(name)),
        Err(error) if from_settings => {
            let text = format!("config.ron: {error}");
            note(text.clone(), text);
            Ok(None)
        }
        Err(error) => Err(Failure::usage(format!("--{error}"))),
    }
}

/// The default keys with the user's over them, and what is wrong with those.
pub(super) fn keymap() -> (Keymap, Vec<Problem>) {
    let path = config::paths::keys();
    match config::read(&path) {
        Ok(None) => (Keymap::default(), Vec::new()),
        Ok(Some(text)) => config::keys::keymap(&text, &path),
        Err(problem) => (Keymap::default(), vec![problem]),
    }
}

/// The built-in themes with the user's over them, and what is wrong with those.
pub(super) fn themes() -> Result<(ThemeSet, Vec<ThemeError>), Failure> {
    Ok(ThemeSet::builtin()?.with_user_dir(&config::paths::themes()))
}

/// The colour depth that `--color` asks for; `None` to detect it.
pub(super) fn depth(text: &str) -> Result<Option<ColourDepth>, Failure> {
    if text == "auto" {
        return Ok(None);
    }
    let found = ColourDepth::ALL.into_iter().find(|depth| depth.name() == text);
    found.map(Some).ok_or_else(|| {
        let names: Vec<_> =
            std::iter::once("auto").chain(ColourDepth::ALL.map(ColourDepth::name)).collect();
        Failure::usage(format!("--color: {}", unknown("colour depth", text, &names)))
    })
}
