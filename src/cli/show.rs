//! `blockscope show`: a run and its analysis as text.

use super::args::{Common, ShowArgs, ShowFormat};
use super::options::TableArg;
use super::{ExitCode, Failure};
use crate::report::{self, Table};
use crate::runs::RunStore;

pub fn run(common: &Common, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let run = store.load(&store.resolve(&args.run)?)?;
    // the table and the lines for people tell them where they belong
    if matches!(args.format, ShowFormat::Json | ShowFormat::Csv) || args.table.is_some() {
        run.problems
            .iter()
            .for_each(|problem| super::output::aside(&format!("warning: {problem}")));
    }
    let text = match (args.table, &args.layer, args.format) {
        (Some(table), ..) => report::csv_table(&run, kind(table))?,
        (None, Some(_), ShowFormat::Json | ShowFormat::Csv) => {
            return Err(Failure::usage("--layer prints lines for people: use --format plain"));
        }
        (None, Some(name), _) => report::layer(&run, name)?,
        (None, None, ShowFormat::Table) => report::table(&run),
        (None, None, ShowFormat::Plain) => report::plain(&run),
        (None, None, ShowFormat::Json) => report::json(&run)?,
        (None, None, ShowFormat::Csv) => report::csv(&run)?,
    };
    super::output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn kind(table: TableArg) -> Table {
    match table {
        TableArg::Cka => Table::Cka,
        TableArg::Pc => Table::Components,
        TableArg::Probes => Table::Probes,
        TableArg::Deletion => Table::Deletion,
        TableArg::Structures => Table::Structures,
    }
}
