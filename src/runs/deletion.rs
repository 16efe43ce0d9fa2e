//! The files of deletions: `deletion.ron` and `deletion.csv`.

use std::path::Path;

use super::error::RunError;
use super::manifest::{DeletionAnalysis, DeletionRecord};
use super::parts::Parts;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, table, write};
use crate::domain::Bypass;
use crate::domain::deletion::{DeletionRow, DeletionTable, Experiment};
use crate::domain::flips::Flips;

const RECORD: &str = "deletion.ron";
const TABLE: &str = "deletion.csv";
const COLUMNS: [&str; 11] = [
    "experiment",
    "stage",
    "blocks",
    "accuracy",
    "examples",
    "correct",
    "loss",
    "interval_low",
    "interval_high",
    "lost",
    "won",
];

/// The files, within the run.
pub(super) fn files() -> Vec<String> {
    [RECORD, TABLE].map(|file| format!("analysis/{file}")).to_vec()
}

/// Writes the table, in one step for every reader.
pub(super) fn write(folder: &Path, analysis: &DeletionAnalysis) -> Result<(), RunError> {
    let dir = folder.join("analysis");
    let path = dir.join(RECORD);
    let rows = analysis.table.rows().iter().map(|row| {
        let (low, high) = row.interval();
        // empty where images were not paired
        let count = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
        vec![
            row.experiment.name().to_string(),
            row.deleted.first().map_or_else(String::new, |b| b.stage.to_string()),
            row.deleted.to_string(),
            row.accuracy().to_string(),
            row.examples.to_string(),
            row.correct.to_string(),
            // empty where it is not finite
            table::number(Some(row.loss)),
            low.to_string(),
            high.to_string(),
            count(row.flips.map(|flips| flips.lost)),
            count(row.flips.map(|flips| flips.won)),
        ]
    });
    let bytes = table::write(COLUMNS.map(String::from).to_vec(), rows)
        .map_err(|e| RunError::damaged(&path, e))?;
    let files = vec![(TABLE, bytes)];
    let record = DeletionRecord { parts: Parts::of(&files), ..analysis.record.clone() };
    let text = write::checked_ron(&path, &record, check::deletion(&record))?;
    write::group(&dir, (RECORD, text), files)
}

/// Reads the table; `None` if the run has none.
pub(super) fn read(source: Source<'_>) -> Result<Option<DeletionAnalysis>, RunError> {
    source.steady(&format!("analysis/{RECORD}"), || once(source))
}

fn once(source: Source<'_>) -> Result<Option<DeletionAnalysis>, RunError> {
    let (record_file, table_file) = (format!("analysis/{RECORD}"), format!("analysis/{TABLE}"));
    let Some(bytes) = source.bytes(&record_file, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&record_file);
    let mut record: DeletionRecord = versioned(&bytes, &path)?;
    check::deletion(&record).map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |e: String| {
        let again = "run `blockscope prune` again";
        RunError::damaged(&source.path(&table_file), format!("{e}; {again}"))
    };
    let bytes = source.bytes(&table_file, ARRAY_LIMIT)?;
    let bytes = bytes.ok_or_else(|| damaged("missing".into()))?;
    let mut table = DeletionTable::default();
    let rows: Result<Vec<DeletionRow>, String> =
        table::read_any(&bytes).map_err(damaged)?.iter().map(deletion_row).collect();
    table.merge(rows.map_err(damaged)?);
    record.parts.check(RECORD, TABLE, &bytes).map_err(damaged)?;
    record.parts = Parts::default();
    Ok(Some(DeletionAnalysis { record, table }))
}

fn deletion_row(row: &table::Row) -> Result<DeletionRow, String> {
    let name = row.text("experiment")?;
    let known = [Experiment::Baseline, Experiment::Lesion, Experiment::Sweep, Experiment::Chosen];
    let experiment = known.into_iter().find(|e| e.name() == name);
    let blocks = row.text("blocks")?;
    let deleted: Bypass = blocks.parse().map_err(|_| row.bad("blocks", blocks))?;
    let (examples, correct): (usize, usize) = (row.whole("examples")?, row.whole("correct")?);
    if correct > examples {
        return Err(row.bad("correct", &correct.to_string()));
    }
    Ok(DeletionRow {
        experiment: experiment.ok_or_else(|| row.bad("experiment", name))?,
        deleted,
        examples,
        correct,
        loss: row.number("loss")?.unwrap_or(f64::NAN),
        flips: flips(row, examples, correct)?,
    })
}

/// Images that change; tables of before this was counted have no such columns.
fn flips(row: &table::Row, examples: usize, correct: usize) -> Result<Option<Flips>, String> {
    let counted = |column| row.text(column).ok().filter(|text| !text.is_empty());
    if counted("lost").is_none() && counted("won").is_none() {
        return Ok(None);
    }
    let (lost, won): (usize, usize) = (row.whole("lost")?, row.whole("won")?);
    if lost > examples - correct {
        return Err(row.bad("lost", &lost.to_string()));
    }
    if won > correct {
        return Err(row.bad("won", &won.to_string()));
    }
    Ok(Some(Flips { lost, won }))
}
