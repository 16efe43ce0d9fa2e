//! `metrics.csv`: one row per recorded point of a training run.
//!
//! Append-only: a reader may look at any moment, and a line that is not yet
//! finished by its line break is left out. Knows nothing of training.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use crate::files;

/// Largest `metrics.csv` that is read: about 200,000 rows.
const LIMIT: u64 = 16 << 20;

/// The first line of the file.
const HEADER: &str = "epoch,step,lr,train_loss,train_accuracy,test_loss,test_accuracy,seconds,validation_loss,validation_accuracy\n";

/// One recorded point of a training run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// Optimiser steps done.
    pub step: usize,
    /// Learning rate of the epoch.
    pub lr: f64,
    /// Mean cross-entropy over the epoch's training batches, in nats.
    pub train_loss: f64,
    /// Accuracy over the epoch's training batches, 0 to 1.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the test images, where it was measured.
    pub test_loss: Option<f64>,
    /// Accuracy on the test images, where it was measured, 0 to 1.
    pub test_accuracy: Option<f64>,
    /// Seconds that training has taken, over all processes that it took.
    pub seconds: f64,
    /// Mean cross-entropy on held-out training images, where there are some.
    #[serde(default)]
    pub validation_loss: Option<f64>,
    /// Accuracy on held-out training images, where there are some, 0 to 1.
    #[serde(default)]
    pub validation_accuracy: Option<f64>,
}

/// Appends one row to `dir/metrics.csv`, with the header if the file is new.
///
/// A last line that a killed process left unfinished is cut off first, so that
/// the file stays readable.
///
/// # Errors
/// [`RunError::Io`] naming the file.
pub fn append_metrics(dir: &Path, row: &MetricsRow) -> Result<(), RunError> {
    let path = dir.join("metrics.csv");
    let line = encode(row).map_err(|e| RunError::damaged(&path, e))?;
    append(&path, &line).map_err(|e| RunError::io("write", &path, e))
}

fn encode(row: &MetricsRow) -> Result<String, String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(row).map_err(|e| e.to_string())?;
    let bytes = writer.into_inner().map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut old = Vec::new();
    (&mut file).take(LIMIT).read_to_end(&mut old)?;
    let whole = old.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    if whole < old.len() {
        file.set_len(whole as u64)?;
    }
    file.seek(SeekFrom::End(0))?;
    let text = if whole == 0 { format!("{HEADER}{line}") } else { line.to_string() };
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Cuts off the rows behind `epoch`, in one step, so that a training goes on from there
/// without gaps or doubles.
///
/// # Errors
/// [`RunError::Damaged`] if the rows before are not there; [`RunError::Io`] naming the file.
pub fn cut_metrics(dir: &Path, epoch: usize) -> Result<(), RunError> {
    let path = dir.join("metrics.csv");
    let bytes = match std::fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|e| RunError::io("read", &path, e))?,
    };
    let rows = parse_metrics(&bytes, &path)?;
    if rows.len() < epoch || rows.iter().take(epoch).map(|row| row.epoch).ne(1..=epoch) {
        let says = format!(
            "the rows of epochs 1 to {epoch}, behind which training would go on, are not in it"
        );
        return Err(RunError::damaged(&path, says));
    }
    // the header is a line too
    let mut ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    let whole = if epoch == 0 { 0 } else { ends.nth(epoch).unwrap_or(0) };
    match whole < bytes.len() {
        true => files::atomic(&path, &bytes[..whole]).map_err(RunError::of_file),
        false => Ok(()),
    }
}

/// Reads the rows of a `metrics.csv`; `path` is for messages.
///
/// # Errors
/// [`RunError::Damaged`] naming file and line.
pub fn parse_metrics(bytes: &[u8], path: &Path) -> Result<Vec<MetricsRow>, RunError> {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let mut reader = csv::Reader::from_reader(&bytes[..whole]);
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        rows.push(row.map_err(|e| {
            let line = e.position().map_or(1, csv::Position::line);
            RunError::damaged(path, format!("line {line}: {e}"))
        })?);
    }
    Ok(rows)
}

/// Largest `metrics.csv` that is read, in bytes.
pub(super) fn limit() -> u64 {
    LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize) -> MetricsRow {
        MetricsRow {
            epoch,
            step: epoch * 6,
            lr: 0.01,
            train_loss: 2.25,
            train_accuracy: 0.1 * epoch as f64,
            test_loss: (epoch.is_multiple_of(2)).then_some(2.5),
            test_accuracy: (epoch.is_multiple_of(2)).then_some(0.125),
            seconds: 1.5,
            validation_loss: None,
            validation_accuracy: (epoch == 3).then_some(0.5),
        }
    }

    #[test]
    fn rows_come_back_as_they_were_appended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        for epoch in 1..=3 {
            append_metrics(dir.path(), &row(epoch)).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(parse_metrics(&bytes, &path).unwrap(), [row(1), row(2), row(3)]);
        assert!(bytes.starts_with(HEADER.as_bytes()));
        assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 4);
    }

    #[test]
    fn a_line_that_a_killed_process_left_is_ignored_and_then_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        append_metrics(dir.path(), &row(1)).unwrap();
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend(b"2,12,0.0");
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(parse_metrics(&torn, &path).unwrap(), [row(1)]);
        append_metrics(dir.path(), &row(2)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(parse_metrics(&bytes, &path).unwrap(), [row(1), row(2)]);
        // A torn header is no header.
        std::fs::write(&path, "epoch,st").unwrap();
        append_metrics(dir.path(), &row(5)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(parse_metrics(&bytes, &path).unwrap(), [row(5)]);
    }

    #[test]
    fn rows_behind_a_checkpoint_are_cut_off_and_a_gap_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        cut_metrics(dir.path(), 0).unwrap();
        assert!(cut_metrics(dir.path(), 1).unwrap_err().to_string().contains("metrics.csv: "));
        (1..=3).for_each(|epoch| append_metrics(dir.path(), &row(epoch)).unwrap());
        let rows = || parse_metrics(&std::fs::read(&path).unwrap(), &path).unwrap();
        cut_metrics(dir.path(), 3).unwrap();
        assert_eq!(rows(), [row(1), row(2), row(3)]);
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend(b"4,12,0.0");
        std::fs::write(&path, &torn).unwrap();
        cut_metrics(dir.path(), 2).unwrap();
        append_metrics(dir.path(), &row(3)).unwrap();
        assert_eq!(rows(), [row(1), row(2), row(3)]);
        assert!(cut_metrics(dir.path(), 4).is_err());
        cut_metrics(dir.path(), 0).unwrap();
        append_metrics(dir.path(), &row(1)).unwrap();
        assert_eq!(rows(), [row(1)]);
    }

    #[test]
    fn damage_names_file_and_line() {
        let text = format!("{HEADER}1,6,0.01,2,0.1,,,1,,\n2,12,x,2,0.1,,,1,,\n");
        let error =
            parse_metrics(text.as_bytes(), Path::new("metrics.csv")).unwrap_err().to_string();
        assert!(error.starts_with("metrics.csv: line 3: ") && !error.contains('\n'), "{error}");
    }
}
