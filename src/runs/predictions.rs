//! The files of a run's predictions: `predictions.ron` and `predictions.csv`.

use std::path::Path;

use super::error::RunError;
use super::manifest::{PredictionsAnalysis, PredictionsRecord};
use super::parts::Parts;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, table, write};
use crate::domain::predictions::Predictions;

const RECORD: &str = "predictions.ron";
const TABLE: &str = "predictions.csv";
const COLUMNS: [&str; 4] = ["image", "label", "prediction", "confidence"];
/// More rows than any test split has.
const MAX_ROWS: usize = 1 << 22;

/// The files, within the run.
pub(super) fn files() -> Vec<String> {
    [RECORD, TABLE].map(|file| format!("analysis/{file}")).to_vec()
}

/// Writes the table, in one step for every reader.
pub(super) fn write(folder: &Path, analysis: &PredictionsAnalysis) -> Result<(), RunError> {
    let dir = folder.join("analysis");
    let path = dir.join(RECORD);
    let found = &analysis.predictions;
    if !found.is_consistent() || found.len() != analysis.record.examples {
        let text = format!("not written: columns are not {} long", analysis.record.examples);
        return Err(RunError::damaged(&path, text));
    }
    let rows = (0..found.len()).map(|at| {
        vec![
            found.images[at].to_string(),
            found.labels[at].to_string(),
            found.predicted[at].to_string(),
            found.confidence[at].to_string(),
        ]
    });
    let bytes = table::write(COLUMNS.map(String::from).to_vec(), rows)
        .map_err(|e| RunError::damaged(&path, e))?;
    let files = vec![(TABLE, bytes)];
    let record = PredictionsRecord { parts: Parts::of(&files), ..analysis.record.clone() };
    let text = write::checked_ron(&path, &record, check::predictions(&record))?;
    write::group(&dir, (RECORD, text), files)
}

/// Reads the predictions; `None` if the run has none.
pub(super) fn read(source: Source<'_>) -> Result<Option<PredictionsAnalysis>, RunError> {
    source.steady(&format!("analysis/{RECORD}"), || once(source))
}

fn once(source: Source<'_>) -> Result<Option<PredictionsAnalysis>, RunError> {
    let (record_file, table_file) = (format!("analysis/{RECORD}"), format!("analysis/{TABLE}"));
    let Some(bytes) = source.bytes(&record_file, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&record_file);
    let mut record: PredictionsRecord = versioned(&bytes, &path)?;
    check::predictions(&record).map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |e: String| {
        let again = "run `blockscope analyze` again";
        RunError::damaged(&source.path(&table_file), format!("{e}; {again}"))
    };
    let bytes = source.bytes(&table_file, ARRAY_LIMIT)?;
    let bytes = bytes.ok_or_else(|| damaged("missing".into()))?;
    let predictions = parse(&bytes).map_err(damaged)?;
    if predictions.len() != record.examples {
        return Err(damaged(format!("{} rows; expected {}", predictions.len(), record.examples)));
    }
    record.parts.check(RECORD, TABLE, &bytes).map_err(damaged)?;
    record.parts = Parts::default();
    Ok(Some(PredictionsAnalysis { record, predictions }))
}

/// Reads the rows. A table of ten thousand lines belongs to every run that is
/// opened, so its fields are parsed in place.
fn parse(bytes: &[u8]) -> Result<Predictions, String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let words = |e: csv::Error| crate::text::one_line(&e.to_string());
    let header = reader.headers().map_err(words)?.clone();
    let mut places = [0usize; 4];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let at = header.iter().position(|name| name == column);
        *place = at.ok_or_else(|| format!("there is no column {column:?}"))?;
    }
    let mut found = Predictions::default();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(words)? {
        if found.len() == MAX_ROWS {
            return Err(format!("more than {MAX_ROWS} rows"));
        }
        let field = |k: usize| row.get(places[k]).unwrap_or_default();
        let bad = |k: usize| {
            let line = row.position().map_or(0, csv::Position::line);
            format!("line {line}: {} {:?} is not what belongs there", COLUMNS[k], field(k))
        };
        let whole = |k: usize| field(k).parse::<u16>().map_err(|_| bad(k));
        found.images.push(field(0).parse().map_err(|_| bad(0))?);
        found.labels.push(whole(1)?);
        found.predicted.push(whole(2)?);
        let confidence: f32 = field(3).parse().map_err(|_| bad(3))?;
        if !(0.0..=1.0).contains(&confidence) {
            return Err(bad(3));
        }
        found.confidence.push(confidence);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::{RunId, fixtures};

    #[test]
    fn predictions_come_back_and_damage_is_named() {
        let (_dir, store) = fixtures::store();
        let folder = store.create("a", &fixtures::manifest("a"), b"w", false).unwrap();
        let id = RunId::Disk(folder.clone());
        assert_eq!(store.load(&id).unwrap().predictions, None);
        store.write_predictions(&id, &fixtures::predictions()).unwrap();
        assert_eq!(store.load(&id).unwrap().predictions, Some(fixtures::predictions()));
        let path = folder.join("analysis/predictions.csv");
        let good = std::fs::read_to_string(&path).unwrap();
        for (from, to, part) in [
            ("0.75", "1.75", "line 2: confidence \"1.75\""),
            ("0.75", "NaN", "confidence"),
            ("1,0,1,", "1,x,1,", "line 3: label \"x\""),
            ("label", "lable", "no column \"label\""),
            ("2,1,1,1\n", "", "2 rows; expected 3"),
            ("2,1,1,1\n", "2,1\n", "record"),
        ] {
            std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let run = store.load(&id).unwrap();
            assert_eq!(run.predictions, None);
            let problem = run.problems.join(" ");
            assert!(problem.contains(part) && problem.contains("predictions.csv"), "{problem}");
        }
        let mut short = fixtures::predictions();
        short.predictions.labels.pop();
        assert!(store.write_predictions(&id, &short).is_err());
    }
}
