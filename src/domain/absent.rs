//! Why a value is not there: three states, each with a word of its own wherever it is told.
//! Knows maps and components, no screen.

use super::components::Components;
use super::map::Map;

/// Why a layer has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The layer gives the same for all images (or, by the unbiased estimator, no more than
    /// noise): its HSIC with itself is not positive.
    NoVariance,
    /// Its activations, or what is summed of them, are not finite numbers.
    NotFinite,
    /// It belongs to a deleted residual block, so that nothing was computed.
    NotComputed,
}

impl Absent {
    /// The word.
    pub fn words(self) -> &'static str {
        match self {
            Absent::NoVariance => "no variance",
            Absent::NotFinite => "not finite",
            Absent::NotComputed => "not computed",
        }
    }

    /// The word, said of a layer: `conv1 has no variance`.
    pub fn clause(self) -> &'static str {
        match self {
            Absent::NoVariance => "has no variance",
            Absent::NotFinite => "is not finite",
            Absent::NotComputed => "was not computed",
        }
    }
}

impl Map {
    /// Why a layer of the rows has no value at all; `None` if it has some.
    pub fn absent(&self, layer: usize) -> Option<Absent> {
        let there = match self.record.cols {
            None => self.values.get(layer, layer).is_some(),
            Some(_) => (0..self.values.cols()).any(|col| self.values.get(layer, col).is_some()),
        };
        if there {
            return None;
        }
        let deleted = self.key.blocks().zip(self.layers().get(layer));
        Some(if deleted.is_some_and(|(blocks, layer)| blocks.contains_layer(layer)) {
            Absent::NotComputed
        } else if self.record.rows.not_finite.contains(&layer) {
            Absent::NotFinite
        } else {
            Absent::NoVariance
        })
    }
}

impl Components {
    /// Why a layer has no components; `None` if it has some.
    pub fn absent(&self, layer: usize) -> Option<Absent> {
        if self.share(layer).is_some() {
            return None;
        }
        let finite = |norms: ndarray::ArrayView1<'_, f32>| norms.iter().all(|v| v.is_finite());
        let sound = layer < self.norms.nrows() && finite(self.norms.row(layer));
        Some(if sound { Absent::NoVariance } else { Absent::NotFinite })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MapKey;
    use crate::fixtures::demo::synthetic_run;

    #[test]
    fn three_states_have_three_words() {
        let run = synthetic_run(8);
        let mut map = run.cka().unwrap().clone();
        assert_eq!(map.absent(2), None);
        let mut values = map.values.view().to_owned();
        for layer in [2, 3] {
            values.row_mut(layer).fill(f64::NAN);
            values.column_mut(layer).fill(f64::NAN);
        }
        map.values = crate::domain::SimilarityMatrix::new(values);
        map.record.rows.not_finite = vec![3];
        let words = |map: &Map, layer| map.absent(layer).map(Absent::words);
        assert_eq!(words(&map, 2), Some("no variance"));
        assert_eq!(words(&map, 3), Some("not finite"));
        let inside = map.layers().iter().find(|layer| layer.block == Some(1));
        let inside = inside.map(|layer| (layer.index, layer.stage));
        if let Some((at, Some(stage))) = inside {
            let mut values = map.values.view().to_owned();
            values.row_mut(at).fill(f64::NAN);
            map.values = crate::domain::SimilarityMatrix::new(values);
            map.key = MapKey::pruned(format!("{stage}.1").parse().unwrap());
            assert_eq!(words(&map, at), Some("not computed"));
        }
    }
}
