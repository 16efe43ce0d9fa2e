//! Which map is shown: one of the run's maps as the registry of measures names it, or
//! the standard errors of one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::domain::measure::{self, MEASURES, Measure, WithoutKind};
use crate::domain::{Map, SimilarityMatrix};
use crate::runs::LoadedRun;

use super::pruning::Pruning;

/// What the map shows.
#[derive(Clone, Copy)]
pub struct MapMode {
    measure: &'static Measure,
    without: WithoutKind,
    /// Its standard errors in the place of its values.
    error: bool,
}

impl MapMode {
    /// CKA of every pair of layers.
    pub const CKA: MapMode = MapMode::of(&measure::CKA, WithoutKind::Nothing);
    /// Squared cosine of the first principal components.
    pub const PC_SIMILARITY: MapMode = MapMode::of(&measure::PC1_SIMILARITY, WithoutKind::Nothing);
    /// CKA with the first components removed.
    pub const WITHOUT_PC1: MapMode = MapMode::of(&measure::CKA, WithoutKind::FirstComponent);
    /// CKA over the examples that are not dominant.
    pub const WITHOUT_DOMINANT: MapMode = MapMode::of(&measure::CKA, WithoutKind::Dominant);
    /// CKA of the network without the deleted blocks.
    pub const PRUNED: MapMode = MapMode::of(&measure::CKA, WithoutKind::Blocks);
    /// The standard error of CKA.
    pub const STANDARD_ERROR: MapMode = MapMode { error: true, ..MapMode::CKA };

    const fn of(measure: &'static Measure, without: WithoutKind) -> MapMode {
        MapMode { measure, without, error: false }
    }

    /// The maps of whole networks, whose values are similarities.
    pub fn of_whole_networks() -> Vec<MapMode> {
        let variants = MEASURES.iter().flat_map(|measure| {
            let whole = measure.maps.iter().filter(|map| map.without != WithoutKind::Blocks);
            whole.map(move |map| MapMode::of(measure, map.without))
        });
        let mut modes: Vec<MapMode> = variants.collect();
        modes.sort();
        modes
    }

    /// Everything that a run may show, whole or without blocks, in the order of the keys.
    pub fn all() -> Vec<MapMode> {
        let of = |measure: &'static Measure| {
            let maps = measure.maps.iter().map(move |map| MapMode::of(measure, map.without));
            let whole = MapMode::of(measure, WithoutKind::Nothing);
            let errors = measure.error.map(|_| MapMode { error: true, ..whole });
            maps.chain(errors)
        };
        let mut modes: Vec<MapMode> = MEASURES.iter().flat_map(of).collect();
        modes.sort();
        modes
    }

    /// The value of an option: the name in file names, which leaves out that it is CKA
    /// where it says more.
    pub fn option(self) -> &'static str {
        let stem = self.stem();
        stem.strip_prefix("cka-").unwrap_or(stem)
    }

    /// The mode of an option's value.
    pub fn from_option(value: &str) -> Option<MapMode> {
        MapMode::all().into_iter().find(|mode| mode.option() == value)
    }

    /// What a run can show, in the order in which a key cycles through it.
    pub fn available(run: &LoadedRun, pruning: &Pruning) -> Vec<MapMode> {
        let known = run
            .maps
            .read()
            .iter()
            .filter_map(|map| Some(MapMode::of(map.key.known()?, map.key.without.kind())));
        let errors = known.clone().filter(|mode| mode.without == WithoutKind::Nothing);
        let errors = errors.map(|mode| MapMode { error: true, ..mode });
        let pruned = std::iter::once(MapMode::PRUNED);
        let mut modes: Vec<MapMode> = known.clone().chain(errors).chain(pruned).collect();
        modes.retain(|mode| mode.map(run, pruning).is_some());
        modes.sort();
        modes.dedup();
        modes
    }

    /// What the map leaves out.
    pub fn without(self) -> WithoutKind {
        self.without
    }

    /// True if it shows standard errors.
    pub fn is_error(self) -> bool {
        self.error
    }

    /// The measure.
    pub fn measure(self) -> &'static Measure {
        self.measure
    }

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self.measure.error {
            Some(look) if self.error => look.name,
            _ => self.measure.variant(self.without).map_or(self.measure.id, |map| map.name),
        }
    }

    /// The name in file names.
    pub fn stem(self) -> &'static str {
        match self.measure.error {
            Some(look) if self.error => look.stem,
            _ => self.measure.variant(self.without).map_or(self.measure.id, |map| map.stem),
        }
    }

    /// The scale that makes runs comparable.
    pub fn fixed_range(self) -> (f64, f64) {
        match self.measure.error {
            Some(look) if self.error => look.range,
            _ => self.measure.range,
        }
    }

    /// What this shows of a map of its kind.
    pub fn of_map(self, map: &Map) -> Option<&SimilarityMatrix> {
        if self.error { map.error.as_ref() } else { Some(&map.values) }
    }

    /// The full map of a run in this mode, if there is one.
    pub fn map<'a>(self, run: &'a LoadedRun, pruning: &'a Pruning) -> Option<&'a SimilarityMatrix> {
        self.of_map(self.source(run, pruning)?)
    }

    /// The map that this shows of a run, if there is one of the main map's layers.
    pub fn source<'a>(self, run: &'a LoadedRun, pruning: &'a Pruning) -> Option<&'a Map> {
        let whole = run.cka()?;
        let map = match self.without {
            WithoutKind::Blocks => pruning.map().map(|(_, map)| map),
            without => run.maps.find(self.measure, without),
        };
        // one of another layer list cannot be shown beside the main map
        map.filter(|map| map.layers().len() == whole.layers().len())
    }

    fn order(self) -> (bool, WithoutKind, usize) {
        (self.error, self.without, self.measure.rank())
    }
}

impl Default for MapMode {
    fn default() -> MapMode {
        MapMode::CKA
    }
}

impl fmt::Debug for MapMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stem())
    }
}

impl PartialEq for MapMode {
    fn eq(&self, other: &MapMode) -> bool {
        self.order() == other.order()
    }
}

impl Eq for MapMode {}

impl Hash for MapMode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.order().hash(state);
    }
}

impl PartialOrd for MapMode {
    fn partial_cmp(&self, other: &MapMode) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MapMode {
    fn cmp(&self, other: &MapMode) -> Ordering {
        self.order().cmp(&other.order())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_every_map_of_the_registry_once() {
        let options: Vec<&str> = MapMode::all().iter().map(|mode| mode.option()).collect();
        let expected = ["cka", "pc1-similarity", "without-pc1", "without-dominant", "pruned", "se"];
        assert_eq!(options, expected);
        for mode in MapMode::all() {
            assert_eq!(MapMode::from_option(mode.option()), Some(mode));
        }
        assert_eq!(MapMode::from_option("kernel"), None);
    }
}
