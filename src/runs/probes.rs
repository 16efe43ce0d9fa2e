//! The files of linear probes: `probes.ron` and `probes.csv`.

use std::path::Path;

use super::error::RunError;
use super::manifest::{ProbesAnalysis, ProbesRecord};
use super::parts::Parts;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, table, write};
use crate::domain::probes::Probe;

const RECORD: &str = "probes.ron";
const TABLE: &str = "probes.csv";

/// The files, within the run.
pub(super) fn files() -> Vec<String> {
    [RECORD, TABLE].map(|file| format!("analysis/{file}")).to_vec()
}

/// Writes the probes, in one step for every reader.
pub(super) fn write(folder: &Path, analysis: &ProbesAnalysis) -> Result<(), RunError> {
    let dir = folder.join("analysis");
    let path = dir.join(RECORD);
    let layers = &analysis.record.layers;
    let header = [
        "index",
        "name",
        "post_residual",
        "learning_rate",
        "epoch",
        "held_out_accuracy",
        "test_accuracy",
    ];
    let rows = analysis.probes.iter().filter_map(|probe| {
        let layer = layers.get(probe.layer)?;
        Some(vec![
            probe.layer.to_string(),
            layer.name.clone(),
            layer.post_residual.to_string(),
            probe.learning_rate.to_string(),
            probe.epoch.to_string(),
            probe.held_out_accuracy.to_string(),
            probe.test_accuracy.to_string(),
        ])
    });
    let bytes = table::write(header.map(String::from).to_vec(), rows)
        .map_err(|e| RunError::damaged(&path, e))?;
    let files = vec![(TABLE, bytes)];
    let record = ProbesRecord { parts: Parts::of(&files), ..analysis.record.clone() };
    let text = write::checked_ron(&path, &record, check::probes(&record))?;
    write::group(&dir, (RECORD, text), files)
}

/// Reads the probes; `None` if the run has none.
pub(super) fn read(source: Source<'_>) -> Result<Option<ProbesAnalysis>, RunError> {
    source.steady(&format!("analysis/{RECORD}"), || once(source))
}

fn once(source: Source<'_>) -> Result<Option<ProbesAnalysis>, RunError> {
    let (record_file, table_file) = (format!("analysis/{RECORD}"), format!("analysis/{TABLE}"));
    let Some(bytes) = source.bytes(&record_file, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&record_file);
    let mut record: ProbesRecord = versioned(&bytes, &path)?;
    check::probes(&record).map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |e: String| {
        let again = "run `blockscope analyze --probes` again";
        RunError::damaged(&source.path(&table_file), format!("{e}; {again}"))
    };
    let bytes = source.bytes(&table_file, ARRAY_LIMIT)?;
    let bytes = bytes.ok_or_else(|| damaged("missing".into()))?;
    let mut probes = Vec::new();
    for row in table::read_any(&bytes).map_err(damaged)? {
        let share = |column: &str| match row.needed(column) {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
            Ok(value) => Err(row.bad(column, &value.to_string())),
            Err(e) => Err(e),
        };
        let probe = || -> Result<Probe, String> {
            let layer: usize = row.whole("index")?;
            if layer >= record.layers.len() {
                return Err(row.bad("index", &layer.to_string()));
            }
            Ok(Probe {
                layer,
                learning_rate: row.needed("learning_rate")?,
                epoch: row.whole("epoch")?,
                held_out_accuracy: share("held_out_accuracy")?,
                test_accuracy: share("test_accuracy")?,
            })
        };
        probes.push(probe().map_err(damaged)?);
    }
    record.parts.check(RECORD, TABLE, &bytes).map_err(damaged)?;
    record.parts = Parts::default();
    probes.sort_by_key(|probe| probe.layer);
    Ok(Some(ProbesAnalysis { record, probes }))
}
