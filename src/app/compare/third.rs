//! The third map: CKA between the runs, or the difference of their maps; what it
//! is called, and writing it to files.

use std::path::PathBuf;

use ndarray::Array2;

use crate::app::explorer::Explorer;
use crate::app::message::{ExportRequest, safe_stem};
use crate::app::mode::MapMode;
use crate::app::pooling::{pool_by, spread};
use crate::app::viewport::Viewport;
use crate::domain::{Layer, Pooling, SimilarityMatrix};
use crate::theme::diverging;

use super::{Compare, Derived, ThirdMap};

impl Compare {
    /// How many of the `count` images that dominate the inspected layers are
    /// the same; `None` unless both runs have components over the same images.
    pub fn shared_dominant(&self, count: usize) -> Option<usize> {
        let [a, b] = &self.sides;
        let [first, second] = self.inspected();
        let (mine, other) = (a.components()?, b.components()?);
        if mine.images != other.images {
            return None;
        }
        let mine = mine.dominant(first?.index, count);
        let other = other.dominant(second?.index, count);
        let full = mine.len() == count && other.len() == count;
        full.then(|| mine.iter().filter(|image| other.contains(image)).count())
    }

    /// Everything needed to write the third map.
    pub(in crate::app) fn export_request(&self, colormap: &str) -> Option<ExportRequest> {
        let matrix = self.matrix()?.clone();
        let [a, b] = &self.sides;
        let layers = |side: &Explorer| -> Vec<Layer> { side.shown().cloned().collect() };
        let (first, second) = (&a.run().manifest.name, &b.run().manifest.name);
        let stem = match self.third {
            ThirdMap::Cross => "cross-cka",
            ThirdMap::Difference => "difference",
        };
        let errors = match self.third {
            ThirdMap::Cross if self.third_name() == "CKA, A x B" => {
                let errors = self.cross().and_then(|pair| pair.cka.error.as_ref());
                errors.map(|errors| errors.select(a.indices(), b.indices()))
            }
            _ => None,
        };
        Some(ExportRequest {
            stem: safe_stem(&format!("{first}--{second}-{}-{stem}", a.view().name())),
            directory: PathBuf::from("."),
            title: format!("{first} (rows) and {second} (columns) · {}", a.view().name()),
            matrix,
            errors,
            rows: layers(a),
            cols: layers(b),
            quantity: self.third_name().to_string(),
            axes: [first, second].map(|name| format!("layer of {name}")),
            outlines: None,
            range: self.range(),
            colormap: match self.third {
                ThirdMap::Cross => colormap.to_string(),
                ThirdMap::Difference => diverging().name,
            },
        })
    }

    /// The third map of all layers in the present mode.
    fn source(&self) -> Option<SimilarityMatrix> {
        let [a, b] = &self.sides;
        match self.third {
            ThirdMap::Cross => {
                let pair = self.cross()?;
                match a.mode().is_error() {
                    true => pair.cka.error.clone(),
                    false => {
                        let map = pair.find(a.mode().without()).unwrap_or(&pair.cka);
                        Some(map.values.clone())
                    }
                }
            }
            ThirdMap::Difference => Some(difference(a.full_map()?, b.full_map()?)),
        }
    }

    /// What the third map is called.
    pub fn third_name(&self) -> &'static str {
        let mode = self.sides[0].mode();
        let without_pc1 = || self.cross().is_some_and(|pair| pair.without_pc1().is_some());
        match self.third {
            ThirdMap::Difference => "A minus B",
            ThirdMap::Cross if mode == MapMode::STANDARD_ERROR => "standard error, A x B",
            ThirdMap::Cross if mode == MapMode::WITHOUT_PC1 && without_pc1() => {
                "CKA without PC1, A x B"
            }
            ThirdMap::Cross => "CKA, A x B",
        }
    }

    pub(super) fn derive(&mut self) {
        let [a, b] = &self.sides;
        let key = (self.third, a.view(), a.mode(), a.pooling(), self.window.grid());
        if self.derived.as_ref().is_some_and(|d| d.key == key) {
            return;
        }
        self.derived = self.source().map(|source| {
            let matrix = source.select(a.indices(), b.indices());
            let pooled = pool(&matrix, &self.window, a.pooling(), self.third);
            let (spread, undefined) = spread(&matrix, (0.0, 1.0));
            Derived { key, matrix, pooled, spread, undefined }
        });
    }
}

/// `a - b`, undefined where one of them is.
fn difference(a: &SimilarityMatrix, b: &SimilarityMatrix) -> SimilarityMatrix {
    let shape = (a.rows().min(b.rows()), a.cols().min(b.cols()));
    let cell = |(i, j)| match (a.get(i, j), b.get(i, j)) {
        (Some(x), Some(y)) => x - y,
        _ => f64::NAN,
    };
    SimilarityMatrix::new(Array2::from_shape_fn(shape, cell))
}

/// Pools by mean, or by the extreme: the largest value, or for a difference the
/// one farthest from 0, whatever its sign.
fn pool(
    matrix: &SimilarityMatrix,
    window: &Viewport,
    how: Pooling,
    third: ThirdMap,
) -> SimilarityMatrix {
    if (matrix.rows(), matrix.cols()) == window.units() {
        return matrix.clone();
    }
    pool_by(matrix, window, how, |cell| match (third, how, cell.range) {
        (ThirdMap::Difference, Pooling::Max, Some((low, high))) if -low > high => Some(low),
        _ => cell.value,
    })
}
