//! The files of a first-component suite that are no maps: `components.ron` and the
//! arrays and tables that it speaks of; and the records of the maps that are made with
//! them.

use std::ops::Range;
use std::path::Path;

use ndarray::Array2;

use super::error::RunError;
use super::manifest::{ComponentsAnalysis, ComponentsRecord};
use super::parts::Parts;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, maps, table, write};
use crate::domain::components::Components;
use crate::domain::measure::{self, Adds, CKA, PC1_SIMILARITY, WithoutKind};
use crate::domain::record::{Provenance, Seconds};
use crate::domain::suite::{self, SuiteMaps};
use crate::domain::{EstimatorId, Layer, Map, MapKey, MapPlan, MapRecord, Side};
use crate::files::npy;

const RECORD: &str = "components.ron";
const SHARES: &str = "pc_share.csv";
const EXAMPLES: &str = "pc_examples.csv";
const SCORES: &str = "pc_scores.npy";
const NORMS: &str = "activation_norms.npy";
const AGAIN: &str = "run `blockscope analyze` again";

/// The maps that were made with a suite of the run of that name.
pub fn suite_maps(record: &ComponentsRecord, run: &str, found: SuiteMaps) -> [Map; 3] {
    let [similarity, first, dominant] = maps::of_suite();
    let map = |key: MapKey, values| {
        let record = suite_record(record, run, &key);
        Map { key, values, error: None, record }
    };
    [
        map(similarity, found.similarity),
        map(first, found.without_pc1),
        map(dominant, found.without_dominant),
    ]
}

/// How a map of a suite was made.
pub(super) fn suite_record(record: &ComponentsRecord, run: &str, key: &MapKey) -> MapRecord {
    let n = record.examples;
    let (measure, known, left_out) = match key.without.kind() {
        WithoutKind::FirstComponent => (&CKA, measure::CKA_WITHOUT_PC1, None),
        WithoutKind::Dominant => (&CKA, measure::CKA_WITHOUT_DOMINANT, Some(record.dominant_share)),
        _ => (&PC1_SIMILARITY, measure::PC1_COSINE, None),
    };
    let present = record.estimator == suite::ESTIMATOR;
    let estimator = match present {
        true => known.id(),
        // an older one is known by its sentence alone
        false => EstimatorId { version: 0, words: Some(record.estimator.clone()), ..known.id() },
    };
    let batches = suite::batches(n);
    let (batch, count, dropped) = match measure.adds == Adds::RatioOfSums && present {
        true => (suite::BATCH, batches.len(), n - batches.iter().map(Range::len).sum::<usize>()),
        false => (n, 1, 0),
    };
    MapRecord {
        provenance: Provenance {
            program: record.program.clone(),
            created: record.created.clone(),
            device: record.device.clone(),
        },
        data: record.data.clone(),
        rows: Side {
            run: run.to_string(),
            weights_hash: record.weights_hash.clone(),
            checkpoint: record.checkpoint,
            model: None,
            layers: record.layers.clone(),
            not_finite: Vec::new(),
        },
        cols: None,
        plan: MapPlan {
            examples: n,
            dropped,
            batch,
            batches: count,
            passes: 1,
            sample: record.sample,
            seed: record.seed,
        },
        weighting: measure.adds.name().into(),
        seconds: Seconds { total: record.seconds, ..Seconds::default() },
        estimator,
        left_out,
        difference: None,
    }
}

/// The files, within the run.
pub(super) fn files() -> Vec<String> {
    [RECORD, SHARES, EXAMPLES, SCORES, NORMS].map(|file| format!("analysis/{file}")).to_vec()
}

/// Writes the suite, in one step for every reader.
pub(super) fn write(folder: &Path, analysis: &ComponentsAnalysis) -> Result<(), RunError> {
    let dir = folder.join("analysis");
    let path = dir.join(RECORD);
    let (record, found) = (&analysis.record, &analysis.components);
    fits(record, found).map_err(|e| RunError::damaged(&path, format!("not written: {e}")))?;
    let failed = |e: String| RunError::damaged(&path, e);
    let files = vec![
        (SHARES, shares_csv(&record.layers, found).map_err(failed)?),
        (EXAMPLES, examples_csv(found).map_err(failed)?),
        (SCORES, npy::encode_f32(&found.scores).map_err(failed)?),
        (NORMS, npy::encode_f32(&found.norms).map_err(failed)?),
    ];
    let record = ComponentsRecord { parts: Parts::of(&files), ..record.clone() };
    let text = write::checked_ron(&path, &record, check::components(&record))?;
    write::group(&dir, (RECORD, text), files)
}

/// Checks that all parts speak of the same layers and examples.
fn fits(record: &ComponentsRecord, found: &Components) -> Result<(), String> {
    let (l, n) = (record.layers.len(), record.examples);
    let same = found.shares.dim() == (l, record.components)
        && [found.scores.dim(), found.norms.dim()] == [(l, n); 2]
        && [found.images.len(), found.labels.len(), found.predictions.len()] == [n; 3]
        && found.zeros.len() == l;
    match same {
        true => Ok(()),
        false => Err(format!("its parts are not those of {l} layers and {n} examples")),
    }
}

fn shares_csv(layers: &[Layer], found: &Components) -> Result<Vec<u8>, String> {
    let k = found.shares.ncols();
    let header = ["index", "name", "kind"].map(String::from).into_iter();
    let header = header.chain((1..=k).map(|i| format!("share{i}"))).chain(["zeros".to_string()]);
    let rows = layers.iter().enumerate().map(|(l, layer)| {
        let shares = found.shares.row(l).to_vec().into_iter().map(|v| table::number(Some(v)));
        let start = [l.to_string(), layer.name.clone(), layer.kind.name().to_string()];
        start.into_iter().chain(shares).chain([table::number(found.zeros[l])]).collect()
    });
    table::write(header.collect(), rows)
}

fn examples_csv(found: &Components) -> Result<Vec<u8>, String> {
    let header = ["image", "label", "prediction"].map(String::from).to_vec();
    let rows = found.images.iter().zip(&found.labels).zip(&found.predictions);
    table::write(
        header,
        rows.map(|((image, label), guess)| {
            vec![image.to_string(), label.to_string(), guess.to_string()]
        }),
    )
}

/// Reads the suite's record; `None` if the run has none.
pub(super) fn record(source: Source<'_>) -> Result<Option<ComponentsRecord>, RunError> {
    let file = format!("analysis/{RECORD}");
    let Some(bytes) = source.bytes(&file, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&file);
    let record: ComponentsRecord = versioned(&bytes, &path)?;
    check::components(&record).map_err(|e| RunError::damaged(&path, e))?;
    Ok(Some(record))
}

/// Reads the suite; `None` if the run has none.
pub(super) fn read(source: Source<'_>) -> Result<Option<ComponentsAnalysis>, RunError> {
    source.steady(&format!("analysis/{RECORD}"), || once(source))
}

fn once(source: Source<'_>) -> Result<Option<ComponentsAnalysis>, RunError> {
    let file = |name: &str| format!("analysis/{name}");
    let Some(mut record) = record(source)? else { return Ok(None) };
    let damaged = |name: &str, e: String| {
        RunError::damaged(&source.path(&file(name)), format!("{e}; {AGAIN}"))
    };
    let bytes = |name: &str| {
        let bytes = source.bytes(&file(name), ARRAY_LIMIT)?;
        bytes.ok_or_else(|| damaged(name, "missing".into()))
    };
    let (l, n) = (record.layers.len(), record.examples);
    let own = |name: &str, bytes: &[u8]| {
        record.parts.check(RECORD, name, bytes).map_err(|e| damaged(name, e))
    };
    let array = |name: &str| {
        let bytes = bytes(name)?;
        let found = npy::decode_f32(&bytes).map_err(|e| damaged(name, e))?;
        match found.dim() == (l, n) {
            true => own(name, &bytes).map(|()| found),
            false => {
                let (rows, cols) = found.dim();
                let text = format!("{rows}x{cols} values for {l} layers and {n} examples");
                Err(damaged(name, text))
            }
        }
    };
    let table = bytes(SHARES)?;
    let rows = table::read(&table, l).map_err(|e| damaged(SHARES, e))?;
    let mut shares = Array2::from_elem((l, record.components), f64::NAN);
    let mut zeros = Vec::with_capacity(l);
    for (at, row) in rows.iter().enumerate() {
        for (i, share) in shares.row_mut(at).iter_mut().enumerate() {
            let value = row.number(&format!("share{}", i + 1)).map_err(|e| damaged(SHARES, e))?;
            *share = value.unwrap_or(f64::NAN);
        }
        zeros.push(row.number("zeros").map_err(|e| damaged(SHARES, e))?);
    }
    own(SHARES, &table)?;
    let table = bytes(EXAMPLES)?;
    let rows = table::read(&table, n).map_err(|e| damaged(EXAMPLES, e))?;
    let column = |name: &str| -> Result<Vec<u32>, RunError> {
        let whole = rows.iter().map(|row| row.whole(name));
        whole.collect::<Result<_, _>>().map_err(|e| damaged(EXAMPLES, e))
    };
    let short = |name: &str| -> Result<Vec<u16>, RunError> {
        let fits = column(name)?.into_iter().map(u16::try_from);
        fits.collect::<Result<_, _>>()
            .map_err(|_| damaged(EXAMPLES, format!("a {name} above 65535")))
    };
    let components = Components {
        images: column("image")?,
        labels: short("label")?,
        predictions: short("prediction")?,
        shares,
        scores: array(SCORES)?,
        norms: array(NORMS)?,
        zeros,
    };
    own(EXAMPLES, &table)?;
    record.parts = Parts::default();
    Ok(Some(ComponentsAnalysis { record, components }))
}
