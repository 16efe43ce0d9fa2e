//! `blockscope show`: a run and its analysis as text.

use std::io::Write;
use std::process::ExitCode;

use super::Failure;
use super::args::{Common, ShowArgs, ShowFormat};
use crate::report;
use crate::runs::RunStore;

pub fn run(common: &Common, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let run = store.load(&store.resolve(&args.run)?)?;
    let text = match args.format {
        ShowFormat::Table => report::table(&run),
        ShowFormat::Json => report::json(&run)?,
        ShowFormat::Csv => report::csv(&run)?,
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
