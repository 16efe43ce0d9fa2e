//! `blockscope doctor`: version, devices, colours and paths, for bug reports
//! and for finding out why something is not as expected.

use std::path::Path;

use super::args::Cli;
use super::explore::{self, depth};
use super::{ExitCode, Failure, words};
use crate::config::{self, Config, paths};
use crate::data::DataSource;
use crate::engine::device;
use crate::runs::RunStore;
use crate::terminal;
use crate::theme::ThemeSet;

pub fn run(cli: &Cli, settings: &Config) -> Result<ExitCode, Failure> {
    let common = &cli.common;
    let line = |name: &str, value: String| say!("{name:<14} {value}");
    line("version", env!("CARGO_PKG_VERSION").to_string());
    line("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line("threads", rayon::current_num_threads().to_string());
    let chosen = device::preview(common.device).unwrap_or_else(|e| words::of_device(&e));
    line("chosen device", format!("{chosen} (--device {})", common.device));
    let adapters = device::adapters();
    for (at, adapter) in adapters.iter().enumerate() {
        let note = if adapter.is_software() { ", used only with --device gpu" } else { "" };
        line(&format!("gpu:{at}"), format!("{adapter}{note}, driver {}", adapter.driver));
    }
    if adapters.is_empty() {
        line("gpu", "no adapter (looked for Vulkan, Metal, DX12 and OpenGL)".to_string());
    }
    let chosen = depth(&common.color)?;
    let found = terminal::depth::detect_and_ask(chosen);
    let decided = found.steps.iter().find(|step| step.depth.is_some());
    let why = decided.map_or("nothing says more", |step| step.name);
    line("colours", format!("{} ({why})", found.depth.name()));
    for step in &found.steps {
        let depth = step.depth.map(|depth| format!(" -> {}", depth.name())).unwrap_or_default();
        line(&format!("  {}", step.name), format!("{}{depth}", step.found));
    }
    if let Some(hint) = found.hint {
        line("hint", hint.to_string());
    }
    let copies = match terminal::clipboard::route_here() {
        terminal::clipboard::Route::Terminal => "the terminal (OSC 52)".to_string(),
        terminal::clipboard::Route::Tool(tool) => tool.program.to_string(),
    };
    line("copies through", copies);
    let store = RunStore::locate(common.runs.clone());
    let runs = store.list();
    line(
        "runs folder",
        format!(
            "{}{} ({} runs, shipped ones included)",
            store.root().display(),
            if store.root().is_dir() { "" } else { ", not there yet" },
            runs.len()
        ),
    );
    for run in runs {
        if let Err(error) = run.manifest {
            line("damaged run", error);
        }
    }
    if let Some(data) = &cli.data {
        line("images", data.to_string());
    }
    let problems = own_files(cli, settings, &line)?;
    let log = match common.log_file.clone().or_else(paths::log) {
        _ if common.log_level == "off" => "off".to_string(),
        None => "nowhere: there is no home folder".to_string(),
        Some(path) => {
            let size = std::fs::metadata(&path).map(|meta| format!("{} bytes", meta.len()));
            let size = size.unwrap_or_else(|_| "not there yet".into());
            format!("{} ({size}, level {})", path.display(), common.log_level)
        }
    };
    line("log", log);
    for problem in problems {
        line("fault", problem);
    }
    Ok(ExitCode::SUCCESS)
}

/// The user's settings, keys and themes: where they are and whether they can be
/// read. Returns what is wrong with them.
fn own_files(
    cli: &Cli,
    settings: &Config,
    line: &impl Fn(&str, String),
) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    let mut state = |name: &str, path: &Path, faults: Vec<String>| {
        let state = match (faults.len(), path.exists()) {
            (0, true) => "in order".to_string(),
            (0, false) => "not there".to_string(),
            (1, _) => "1 fault, see below".to_string(),
            (n, _) => format!("{n} faults, see below"),
        };
        line(name, format!("{} ({state})", path.display()));
        problems.extend(faults);
    };
    let path = paths::settings();
    let read = config::read(&path);
    let parsed =
        read.and_then(|text| text.map_or(Ok(()), |t| Config::parse(&t, &path).map(|_| ())));
    let (themes, theme_faults) = explore::themes()?;
    let named = faults_of_names(&themes, [settings.theme(), settings.colormap()], settings.data());
    let faults = parsed.err().map(|error| error.to_string()).into_iter();
    let of_settings = named.iter().map(|fault| format!("{}: {fault}", path.display()));
    state("settings", &path, faults.chain(of_settings).collect());
    let faults = explore::keymap().1;
    state("keys", &paths::keys(), faults.iter().map(ToString::to_string).collect());
    let faults = theme_faults.iter().map(ToString::to_string).collect();
    state("user themes", &paths::themes(), faults);
    // what an option or a variable says instead of the settings
    let screen = &cli.screen;
    let chosen = [screen.theme.as_deref(), screen.colormap.as_deref()];
    let mut faults = faults_of_names(&themes, chosen, cli.data.as_ref());
    faults.retain(|fault| !named.contains(fault));
    problems.extend(faults.into_iter().map(|fault| format!("--{fault}")));
    Ok(problems)
}

/// What is wrong with the names of a theme and a colour map and with the place of images.
fn faults_of_names(
    themes: &ThemeSet,
    [theme, colormap]: [Option<&str>; 2],
    data: Option<&DataSource>,
) -> Vec<String> {
    let theme = theme.and_then(|name| themes.find(name).err());
    let colormap = colormap.and_then(|name| themes.find_colormap(name).err());
    let place = data.and_then(DataSource::path);
    let place = place.map(|path| config::paths::expand(&path.to_string_lossy()));
    let missing = place.filter(|path| !path.exists());
    let names = theme.into_iter().chain(colormap).map(|error| error.to_string());
    names.chain(missing.map(|path| format!("data: {} is not there", path.display()))).collect()
}
