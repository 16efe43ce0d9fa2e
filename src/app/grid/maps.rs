//! The maps that a grid holds: asked for a few at a time, drawn once per view and
//! size, and let go of when they were not looked at for longest. Knows no places.

use std::collections::BTreeMap;

use crate::app::message::Effect;
use crate::app::mode::MapMode;
use crate::app::pooling::pool;
use crate::app::viewport::{Scale, Viewport};
use crate::domain::{Map, Pooling, SimilarityMatrix, View};
use crate::runs::RunId;

/// Maps asked for at a time, so that other requests need not wait for long.
const ASKED: usize = 4;
/// Cells of full maps that are kept (8 bytes each).
const KEPT_CELLS: usize = 8 << 20;
/// Maps that are kept as they were last drawn.
const KEPT_SHOWN: usize = 256;

/// Everything that a drawn map depends on, beside its run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key {
    pub(super) view: View,
    pub(super) pooling: Pooling,
    pub(super) side: u16,
}

/// A map as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// One value per unit.
    pub pooled: SimilarityMatrix,
    /// Its factor.
    pub scale: Scale,
    /// Layers in the view.
    pub layers: usize,
}

/// A map, or what is known instead.
#[derive(Debug, Clone, Default)]
struct Entry {
    asked: bool,
    failed: Option<String>,
    full: Option<Map>,
    shown: Option<(Key, Shown)>,
    /// When it was last on screen.
    used: u64,
}

/// What a place of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Multiple<'a> {
    /// There is no run.
    Missing,
    /// Its map is being read.
    Loading,
    /// Its map cannot be read, or it has none: one line.
    Failed(&'a str),
    /// Its map.
    Map(&'a Shown),
}

/// Maps by run and kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Maps {
    entries: BTreeMap<(RunId, MapMode), Entry>,
    clock: u64,
}

impl Maps {
    /// What is known of a map.
    pub(super) fn get(&self, id: &RunId, mode: MapMode, key: Key) -> Multiple<'_> {
        match self.entries.get(&(id.clone(), mode)) {
            Some(Entry { failed: Some(why), .. }) => Multiple::Failed(why),
            Some(Entry { shown: Some((have, shown)), .. }) if *have == key => Multiple::Map(shown),
            _ => Multiple::Loading,
        }
    }

    /// Lets go of maps of other runs, and of failures, which may be mended.
    pub(super) fn keep(&mut self, there: impl Fn(&RunId) -> bool) {
        self.entries.retain(|(id, _), entry| entry.failed.is_none() && there(id));
    }

    /// A map arrived, or in one line why there is none.
    pub(super) fn take(&mut self, id: RunId, mode: MapMode, result: Result<Box<Map>, String>) {
        // a run that is gone meanwhile
        let Some(entry) = self.entries.get_mut(&(id, mode)) else { return };
        entry.asked = false;
        match result {
            Ok(map) => entry.full = Some(*map),
            Err(why) => entry.failed = Some(why),
        }
    }

    /// Draws those on screen from the maps that are there, asks for others and
    /// lets go of what was not on screen for longest.
    pub(super) fn refresh(&mut self, wanted: Vec<RunId>, mode: MapMode, key: Key) -> Vec<Effect> {
        self.clock += 1;
        let mut asked = self.entries.values().filter(|entry| entry.asked).count();
        let mut effects = Vec::new();
        for id in wanted {
            let entry = self.entries.entry((id.clone(), mode)).or_default();
            entry.used = self.clock;
            if entry.shown.as_ref().is_some_and(|(have, _)| *have == key) {
                continue;
            }
            if let Some(full) = &entry.full {
                entry.shown = Some((key, show(full, key)));
            } else if !entry.asked && entry.failed.is_none() && asked < ASKED {
                entry.asked = true;
                asked += 1;
                effects.push(Effect::LoadMap(id, mode));
            }
        }
        self.forget();
        effects
    }

    /// Cells of the full maps that are held.
    pub(super) fn kept_cells(&self) -> usize {
        self.entries.values().filter_map(|e| e.full.as_ref()).map(|m| m.values.view().len()).sum()
    }

    /// Full maps go first: what is drawn of them stays.
    fn forget(&mut self) {
        let mut kept = self.kept_cells();
        while kept > KEPT_CELLS {
            let oldest = self.entries.values_mut().filter(|e| e.full.is_some());
            let Some(entry) = oldest.min_by_key(|e| e.used) else { break };
            kept -= entry.full.take().map_or(0, |m| m.values.view().len());
        }
        let clock = self.clock;
        while self.entries.len() > KEPT_SHOWN {
            let idle = self.entries.iter().filter(|(_, e)| !e.asked && e.used < clock);
            let Some(key) = idle.min_by_key(|(_, e)| e.used).map(|(key, _)| key.clone()) else {
                break;
            };
            self.entries.remove(&key);
        }
    }
}

/// A map in a view, resampled so that all multiples are of one size.
fn show(map: &Map, key: Key) -> Shown {
    let indices = key.view.select(map.layers());
    let n = indices.len();
    let mut window = Viewport::new(n, n, (key.side, key.side / 2));
    window.toggle_fill();
    let matrix = map.values.select(&indices, &indices);
    let pooled = match window.is_pooled() {
        true => pool(&matrix, &window, key.pooling),
        false => matrix,
    };
    Shown { pooled, scale: window.scale(), layers: n }
}
