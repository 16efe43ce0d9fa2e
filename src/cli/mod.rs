//! The command line: one file per subcommand, thin over `engine`, `runs` and
//! the explorer.
//!
//! Turns arguments into requests, shows progress and maps errors to exit codes.
//! Holds no science.

/// `println!` that does not mind a reader who has seen enough (`| head`).
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print_line(format_args!($($text)*)) };
}

mod analyze;
mod args;
mod command;
mod compare;
mod compare_maps;
mod doctor;
mod explore;
mod export;
mod images;
mod import;
mod keys;
mod manual;
mod maps;
mod migrate;
mod options;
mod probes;
mod progress;
mod prune;
mod pruned;
mod services;
mod show;
mod themes;
mod train;

use clap::FromArgMatches;

use crate::config::{self, Config, Problem};
use crate::engine::{EngineError, Event, Job, Outcome};
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

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure { message: error.to_string(), code: FAILURE }
    }
}

/// Parses the arguments, runs the command and returns the exit code.
pub fn main() -> u8 {
    let (settings, problem) = settings();
    let parsed = command::command(&settings)
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors of clap's that exit with 0.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(USAGE);
        }
    };
    match run(cli, &settings, problem) {
        Ok(code) => code.0,
        Err(failure) => {
            let line = failure.message.replace('\n', " ");
            eprintln!("blockscope: {line}");
            failure.code
        }
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
        rayon::ThreadPoolBuilder::new()
            .num_threads(options::threads(threads, cores))
            .build_global()
            .map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))?;
    }
    let common = &cli.common;
    match &cli.command {
        None => explore::run(&cli, settings, problem),
        Some(Command::Import(args)) => import::run(common, args),
        Some(Command::Analyze(args)) => analyze::run(common, args),
        Some(Command::Compare(args)) => compare::run(common, args),
        Some(Command::Prune(args)) => prune::run(common, args),
        Some(Command::Train(args)) => train::run(common, args),
        Some(Command::Show(args)) => show::run(common, args),
        Some(Command::Export(args)) => export::run(common, args),
        Some(Command::Migrate(args)) => migrate::run(common, args),
        Some(Command::Doctor) => doctor::run(common),
        Some(Command::Keys(args)) => keys::run(args),
        Some(Command::Themes(args)) => themes::run(common, args),
        Some(Command::Completions(args)) => manual::completions(args),
        Some(Command::Man(args)) => manual::run(args),
    }
}

/// Follows a job to its end, handing every event but the last to `on`.
fn follow(job: &Job, mut on: impl FnMut(Event) -> Result<(), Failure>) -> Result<Outcome, Failure> {
    for event in &job.events {
        match event {
            Event::Finished(result) => return result.map_err(Failure::from),
            other => on(other)?,
        }
    }
    Err(EngineError::Panic("the compute thread ended".into()).into())
}

/// Prints a line to standard output. A pipe that is closed is no failure, and
/// there is nobody left to tell of another.
fn print_line(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a text to standard output; a reader who has seen enough is no failure.
fn print(text: &str) -> std::io::Result<()> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Follows a job to its end with a progress meter; also returns the device, in
/// words.
fn follow_with_meter(job: &Job, name: &'static str) -> Result<(Outcome, String), Failure> {
    let mut meter = progress::Meter::new(name);
    let mut device = String::new();
    let outcome = follow(job, |event| {
        match event {
            Event::Device(label) => device = label,
            Event::Progress(progress) => meter.show(progress),
            _ => {}
        }
        Ok(())
    });
    meter.finish();
    Ok((outcome?, device))
}
