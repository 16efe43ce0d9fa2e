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
mod doctor;
mod explore;
mod images;
mod import;
mod probes;
mod progress;
mod prune;
mod services;
mod show;
mod train;

use std::process::ExitCode;

use clap::Parser;

use crate::engine::{EngineError, Event, Job, Outcome};
pub use args::{Cli, Command};

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
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors of clap's that exit with 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    let outcome = run(cli);
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            let line = failure.message.replace('\n', " ");
            eprintln!("blockscope: {line}");
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    crate::log::start(cli.common.log_file.as_deref())?;
    if let Some(threads) = cli.common.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
            .map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))?;
    }
    let common = &cli.common;
    match &cli.command {
        None => explore::run(common, cli.path.as_deref(), cli.data.clone(), cli.no_animation),
        Some(Command::Import(args)) => import::run(common, args),
        Some(Command::Analyze(args)) => analyze::run(common, args),
        Some(Command::Prune(args)) => prune::run(common, args),
        Some(Command::Train(args)) => train::run(common, args),
        Some(Command::Show(args)) => show::run(common, args),
        Some(Command::Doctor) => doctor::run(common),
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
