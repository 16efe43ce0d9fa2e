//! The command line: one file per subcommand, thin over the lab, the run folder and
//! the explorer.
//!
//! Turns arguments into plans, prints what the lab reports and maps errors to exit
//! codes. Holds no science and runs no experiment.

/// `println!` that does not mind a reader who has seen enough (`| head`) and keeps any
/// other fault for the end of the command.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::output::line(format_args!($($text)*)) };
}

mod analyze;
mod args;
mod attach;
mod command;
mod compare;
mod complete;
mod desk;
mod doctor;
mod explore;
mod export;
mod import;
mod keys;
mod manual;
mod maps;
mod migrate;
mod options;
mod output;
mod progress;
mod prune;
mod show;
mod stop;
mod themes;
mod train;
mod words;

use std::borrow::Cow;

use crate::config::{self, Config, Problem};
use crate::data::DataSource;
use crate::engine;
use crate::lab::{Event, Given, Lab, LabError, Watch};
use crate::runs::{RunError, RunStore};
use crate::text;
use args::Common;
pub use args::{Cli, Command};

/// The exit code of a command; unlike the standard library's it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// All went well.
    pub const SUCCESS: ExitCode = ExitCode(0);
}

impl From<u8> for ExitCode {
    fn from(code: u8) -> ExitCode {
        ExitCode(code)
    }
}

/// Exit code of a failure.
pub const FAILURE: u8 = 1;
/// Exit code of a usage error.
pub const USAGE: u8 = 2;
/// Longest message, in characters.
const MESSAGE: usize = 2000;

/// A command that failed: one line for standard error and an exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A usage error: the command cannot be carried out as written.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: USAGE }
    }
}

/// Errors that are told as they are; those of the lab are in `words`.
macro_rules! failures {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure { message: error.to_string(), code: FAILURE }
            }
        })*
    };
}

failures!(
    std::io::Error,
    Problem,
    crate::domain::predictions::PredictionsError,
    crate::export::ExportError,
    crate::files::FileError,
    crate::report::ReportError,
    crate::theme::ThemeError,
);

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        // a name that can be none is wrong as it was written
        let code = if matches!(error, RunError::Name { .. }) { USAGE } else { FAILURE };
        Failure { message: error.to_string(), code }
    }
}

/// Parses the arguments, runs the command and returns the exit code.
pub fn main() -> u8 {
    let (settings, problem) = settings();
    let cli = match command::parse(command::command(&settings), std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors of clap's that exit with 0.
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            let said = error.to_string();
            // what clap prints of a hostile or endless argument is printed by us
            let ours = said.len() > MESSAGE || matches!(text::lines(&said), Cow::Owned(_));
            if code != ExitCode::SUCCESS.0 && ours {
                output::aside(text::shortened(&said, MESSAGE).trim_end());
            } else if let Err(why) = error.print() {
                output::failed(why);
            }
            return told_all(code);
        }
    };
    match run(cli, &settings, problem) {
        Ok(code) => told_all(code.0),
        Err(failure) => told(&failure),
    }
}

/// A failure in one line, which does not echo a long input whole.
fn told(failure: &Failure) -> u8 {
    let line = text::one_line(&failure.message);
    output::aside(&format!("blockscope: {}", text::shortened(&line, MESSAGE)));
    failure.code
}

/// The code of a command that ended with `code`, unless its output was lost.
fn told_all(code: u8) -> u8 {
    match output::finish() {
        Err(error) if code == ExitCode::SUCCESS.0 => told(&error.into()),
        _ => code,
    }
}

/// The user's settings, or none and what is wrong with them.
fn settings() -> (Config, Option<Problem>) {
    let path = config::paths::settings();
    let parsed = config::read(&path)
        .and_then(|text| text.map_or(Ok(Config::default()), |text| Config::parse(&text, &path)));
    match parsed {
        Ok(config) => (config, None),
        Err(problem) => (Config::default(), Some(problem)),
    }
}

fn run(cli: Cli, settings: &Config, problem: Option<Problem>) -> Result<ExitCode, Failure> {
    let log = &cli.common;
    crate::log::start(log.log_file.as_deref(), config::paths::log(), &log.log_level)
        .map_err(|error| Failure::usage(error.to_string()))?;
    progress::use_lines(cli.common.no_animation);
    match &cli.command {
        // these say themselves what is wrong, or do not care
        None
        | Some(
            Command::Doctor
            | Command::Keys(_)
            | Command::Themes(_)
            | Command::Completions(_)
            | Command::Man(_),
        ) => {}
        // computing elsewhere or writing to another folder would be unkind
        Some(_) => problem.iter().try_for_each(|p| Err(Failure::usage(p.to_string())))?,
    }
    if let Some(threads) = cli.common.threads {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let started = engine::start_threads(Some(options::threads(threads, cores)));
        started.map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))?;
    }
    if cli.command.as_ref().is_some_and(Command::computes) {
        engine::start_threads(None).map_err(LabError::Thread)?;
    }
    let common = &cli.common;
    match &cli.command {
        None => explore::run(&cli, settings, problem),
        Some(Command::Import(args)) => import::run(common, args),
        Some(Command::Analyze(args)) => analyze::run(common, args),
        Some(Command::Compare(args)) => compare::run(common, args),
        Some(Command::Prune(args)) => prune::run(common, args),
        Some(Command::Train(args)) => train::run(common, args),
        Some(Command::Attach(args)) => attach::run(common, args),
        Some(Command::Show(args)) => show::run(common, args),
        Some(Command::Export(args)) => export::run(common, args),
        Some(Command::Migrate(args)) => migrate::run(common, args),
        Some(Command::Doctor) => doctor::run(&cli, settings),
        Some(Command::Keys(args)) => keys::run(args),
        Some(Command::Themes(args)) => themes::run(common, args),
        Some(Command::Completions(args)) => manual::completions(args),
        Some(Command::Man(args)) => manual::run(args),
    }
}

/// A session of the lab for a command; `data` are the images that it was given.
fn lab(common: &Common, data: Option<&DataSource>) -> Lab {
    let store = RunStore::locate(common.runs.clone());
    Lab::new(store, common.device, given(data))
}

/// The images that were given, and whether by the variable that names them for all runs.
fn given(data: Option<&DataSource>) -> Given {
    let variable = std::env::var("BLOCKSCOPE_DATA").ok();
    let for_all = data.is_some() && data.map(DataSource::to_string) == variable;
    Given { source: data.cloned(), for_all }
}

/// Runs an experiment with a progress meter; `print` hears all that it tells while the
/// meter is away.
fn watched<T>(
    work: impl FnOnce(&mut Watch<'_>) -> Result<T, LabError>,
    print: impl Fn(&Event),
) -> Result<T, Failure> {
    follow(work, |meter, event| match event {
        Event::Progress { .. } | Event::Working(_) | Event::Device(_) => {}
        Event::Note(line) => meter.line(line),
        event => {
            meter.finish();
            print(event);
        }
    })
}

/// Runs an experiment with a progress meter; `on` hears all that it tells.
fn follow<T>(
    work: impl FnOnce(&mut Watch<'_>) -> Result<T, LabError>,
    on: impl Fn(&progress::Meter, &Event),
) -> Result<T, Failure> {
    let mut meter = progress::Meter::new();
    let mut tell = |event| {
        meter.hear(&event);
        on(&meter, &event);
    };
    let outcome = work(&mut Watch::new(&mut tell, stop::token()).because(stop::signal));
    meter.finish();
    Ok(outcome?)
}
