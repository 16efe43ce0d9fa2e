//! What a map between two models says in a few numbers: how alike layers of one
//! name are, and where each stage finds its best match. Knows no files.

use std::collections::BTreeSet;

use super::layers::Layer;
use super::matrix::SimilarityMatrix;

/// A layer of the rows and its counterpart among the columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correspondence {
    /// Index in the rows.
    pub row: usize,
    /// Index in the columns.
    pub col: usize,
    /// Their similarity.
    pub similarity: Option<f64>,
}

/// How well a stage of the rows is matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageMatch {
    /// The stage, from 1; `None` for stem and head.
    pub stage: Option<usize>,
    /// Layers of the stage that have a defined cell.
    pub layers: usize,
    /// Mean over them of the largest similarity to any layer of the columns.
    pub best: f64,
    /// Share of them whose best match lies in the same stage.
    pub same_stage: f64,
}

/// A map between two models in a few numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSummary {
    /// Layers of the same name, in the order of the rows.
    pub corresponding: Vec<Correspondence>,
    /// Mean of their defined similarities.
    pub mean_corresponding: Option<f64>,
    /// Mean of all defined cells.
    pub mean: Option<f64>,
    /// Stages of the rows, in order; stem and head together, last.
    pub stages: Vec<StageMatch>,
    /// True if both have the same layer list.
    pub same_layers: bool,
}

/// For every row, the column of its largest defined cell (the first of equals)
/// and the similarity there.
pub fn best_matches(map: &SimilarityMatrix) -> Vec<Option<(usize, f64)>> {
    let best = |row: usize| {
        let mut best: Option<(usize, f64)> = None;
        for col in 0..map.cols() {
            if let Some(value) = map.get(row, col)
                && best.is_none_or(|(_, most)| value > most)
            {
                best = Some((col, value));
            }
        }
        best
    };
    (0..map.rows()).map(best).collect()
}

/// Summarises a map whose rows and columns are the given layers.
pub fn summary(rows: &[Layer], cols: &[Layer], map: &SimilarityMatrix) -> PairSummary {
    let counterpart = |row: &Layer| {
        let col = cols.iter().find(|col| col.name == row.name)?;
        let similarity = map.get(row.index, col.index);
        Some(Correspondence { row: row.index, col: col.index, similarity })
    };
    let corresponding: Vec<Correspondence> = rows.iter().filter_map(counterpart).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
        (count > 0).then(|| sum / count as f64)
    };
    let matches = best_matches(map);
    let staged: BTreeSet<usize> = rows.iter().filter_map(|layer| layer.stage).collect();
    let stages = staged.into_iter().map(Some).chain([None]).filter_map(|stage| {
        let found: Vec<(usize, f64)> = rows
            .iter()
            .filter(|layer| layer.stage == stage)
            .filter_map(|layer| matches.get(layer.index).copied().flatten())
            .collect();
        let same = |(col, _): &&(usize, f64)| cols.get(*col).is_some_and(|c| c.stage == stage);
        Some(StageMatch {
            stage,
            layers: found.len(),
            best: mean(&mut found.iter().map(|(_, value)| *value))?,
            same_stage: found.iter().filter(same).count() as f64 / found.len() as f64,
        })
    });
    PairSummary {
        mean_corresponding: mean(&mut corresponding.iter().filter_map(|c| c.similarity)),
        mean: mean(&mut map.view().iter().copied().filter(|v| v.is_finite())),
        stages: stages.collect(),
        same_layers: rows == cols,
        corresponding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ModelSpec, Preset};
    use ndarray::Array2;

    #[test]
    fn layers_correspond_by_name_and_stages_find_their_best() {
        let layers =
            |depth| ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap().layers();
        let (a, b) = (layers(8), layers(14));
        // Every row is most like the last layer of the columns, which has no stage.
        let map = SimilarityMatrix::new(Array2::from_shape_fn((a.len(), b.len()), |(i, j)| {
            if i == 2 {
                f64::NAN
            } else if j + 1 == b.len() {
                0.9
            } else {
                0.1
            }
        }));
        let found = summary(&a, &b, &map);
        assert_eq!(found.corresponding.len(), a.len());
        assert!(!found.same_layers && summary(&a, &a, &map).same_layers);
        for c in &found.corresponding {
            assert_eq!(a[c.row].name, b[c.col].name);
        }
        assert_eq!(found.corresponding[2].similarity, None);
        let last = a.len() as f64;
        let expected = (0.1 * (last - 2.0) + 0.9) / (last - 1.0);
        assert!((found.mean_corresponding.unwrap() - expected).abs() < 1e-12);
        assert_eq!(found.stages.len(), 4);
        assert!(
            found.stages[..3].iter().all(|s| s.same_stage == 0.0 && (s.best - 0.9).abs() < 1e-12)
        );
        let outside = found.stages[3];
        assert_eq!((outside.stage, outside.layers, outside.same_stage), (None, 4, 1.0));
        assert_eq!(best_matches(&map)[2], None);
    }
}
