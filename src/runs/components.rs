//! The files of a first-component suite: `components.ron` and the arrays and
//! tables that it speaks of.

use std::path::Path;

use ndarray::Array2;

use super::error::RunError;
use super::manifest::{ComponentsAnalysis, ComponentsRecord};
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, table, write};
use crate::domain::components::Components;
use crate::domain::{Layer, SimilarityMatrix};
use crate::files::npy;

const RECORD: &str = "components.ron";
const SHARES: &str = "pc_share.csv";
const EXAMPLES: &str = "pc_examples.csv";
const SCORES: &str = "pc_scores.npy";
const NORMS: &str = "activation_norms.npy";
const AGAIN: &str = "run `blockscope analyze` again";

/// Names of the matrices over pairs of layers.
const MAPS: [&str; 3] = ["pc_similarity.npy", "cka_without_pc1.npy", "cka_without_dominant.npy"];

fn maps(components: &Components) -> [&SimilarityMatrix; 3] {
    [&components.similarity, &components.cka_without_pc1, &components.cka_without_dominant]
}

/// Writes the suite, the record last.
pub(super) fn write(folder: &Path, analysis: &ComponentsAnalysis) -> Result<(), RunError> {
    let dir = folder.join("analysis");
    let path = dir.join(RECORD);
    let (record, found) = (&analysis.record, &analysis.components);
    fits(record, found).map_err(|e| RunError::damaged(&path, format!("not written: {e}")))?;
    let text = write::checked_ron(&path, record, check::components(record))?;
    let failed = |e: String| RunError::damaged(&path, e);
    let mut files = vec![
        (SHARES, shares_csv(&record.layers, found).map_err(failed)?),
        (EXAMPLES, examples_csv(found).map_err(failed)?),
        (SCORES, npy::encode_f32(&found.scores).map_err(failed)?),
        (NORMS, npy::encode_f32(&found.norms).map_err(failed)?),
    ];
    for (name, map) in MAPS.into_iter().zip(maps(found)) {
        files.push((name, npy::encode(map).map_err(failed)?));
    }
    write::group(&dir, (RECORD, text), files)
}

/// Checks that all parts speak of the same layers and examples.
fn fits(record: &ComponentsRecord, found: &Components) -> Result<(), String> {
    let (l, n) = (record.layers.len(), record.examples);
    let same = found.shares.dim() == (l, record.components)
        && [found.scores.dim(), found.norms.dim()] == [(l, n); 2]
        && [found.images.len(), found.labels.len(), found.predictions.len()] == [n; 3]
        && found.zeros.len() == l
        && maps(found).iter().all(|m| (m.rows(), m.cols()) == (l, l));
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

/// Reads the suite; `None` if the run has none.
pub(super) fn read(source: Source<'_>) -> Result<Option<ComponentsAnalysis>, RunError> {
    let file = |name: &str| format!("analysis/{name}");
    let Some(bytes) = source.bytes(&file(RECORD), RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&file(RECORD));
    let record: ComponentsRecord = versioned(&bytes, &path)?;
    check::components(&record).map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |name: &str, e: String| {
        RunError::damaged(&source.path(&file(name)), format!("{e}; {AGAIN}"))
    };
    let bytes = |name: &str| {
        let bytes = source.bytes(&file(name), ARRAY_LIMIT)?;
        bytes.ok_or_else(|| damaged(name, "missing".into()))
    };
    let (l, n) = (record.layers.len(), record.examples);
    let array = |name: &str| {
        let found = npy::decode_f32(&bytes(name)?).map_err(|e| damaged(name, e))?;
        match found.dim() == (l, n) {
            true => Ok(found),
            false => {
                let (rows, cols) = found.dim();
                let text = format!("{rows}x{cols} values for {l} layers and {n} examples");
                Err(damaged(name, text))
            }
        }
    };
    let map = |name: &str| {
        let found = npy::decode(&bytes(name)?).map_err(|e| damaged(name, e))?;
        let shape = (found.rows(), found.cols());
        match shape == (l, l) {
            true => Ok(found),
            false => {
                let path = source.path(&file(name));
                Err(RunError::Shape { path, found: shape, layers: l })
            }
        }
    };
    let rows = table::read(&bytes(SHARES)?, l).map_err(|e| damaged(SHARES, e))?;
    let mut shares = Array2::from_elem((l, record.components), f64::NAN);
    let mut zeros = Vec::with_capacity(l);
    for (at, row) in rows.iter().enumerate() {
        for (i, share) in shares.row_mut(at).iter_mut().enumerate() {
            let value = row.number(&format!("share{}", i + 1)).map_err(|e| damaged(SHARES, e))?;
            *share = value.unwrap_or(f64::NAN);
        }
        zeros.push(row.number("zeros").map_err(|e| damaged(SHARES, e))?);
    }
    let rows = table::read(&bytes(EXAMPLES)?, n).map_err(|e| damaged(EXAMPLES, e))?;
    let column = |name: &str| -> Result<Vec<u32>, RunError> {
        let whole = rows.iter().map(|row| row.whole(name));
        whole.collect::<Result<_, _>>().map_err(|e| damaged(EXAMPLES, e))
    };
    let short = |name: &str| -> Result<Vec<u16>, RunError> {
        let fits = column(name)?.into_iter().map(u16::try_from);
        fits.collect::<Result<_, _>>()
            .map_err(|_| damaged(EXAMPLES, format!("a {name} above 65535")))
    };
    let [similarity, without_pc1, without_dominant] = MAPS;
    let components = Components {
        images: column("image")?,
        labels: short("label")?,
        predictions: short("prediction")?,
        shares,
        scores: array(SCORES)?,
        norms: array(NORMS)?,
        zeros,
        similarity: map(similarity)?,
        cka_without_pc1: map(without_pc1)?,
        cka_without_dominant: map(without_dominant)?,
    };
    Ok(Some(ComponentsAnalysis { record, components }))
}
