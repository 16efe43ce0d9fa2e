//! Maps of pruned networks for the explorer: taken from the run's folder where one
//! fits, else computed and kept there.

use super::super::pruned;
use super::{Inner, lock};
use crate::app::jobs::{JobUpdate, MapOrigin};
use crate::domain::{Bypass, Map, MapKey};
use crate::engine::Measured;
use crate::runs::{LoadedRun, RunId};
use crate::terminal::JobNews;

/// A map that could not be written, and whose it is.
pub(super) type Unkept = (RunId, Map);

impl Inner {
    /// Tells the map without `deleted` if it was computed before from weights of the
    /// given hash, by the plan of the run's own map. `None` if it must be computed.
    pub(super) fn known_map(
        &self,
        run: &LoadedRun,
        deleted: &Bypass,
        weights: &str,
        news: &JobNews,
    ) -> Option<Result<JobUpdate, String>> {
        let whole = &run.cka()?.record;
        let fits = |map: &Map| map.record.fits(whole, Some(weights));
        let waiting = lock(&self.unkept_map).clone();
        let waiting = waiting
            .filter(|(id, map)| *id == run.id && map.key.blocks() == Some(deleted) && fits(map));
        if let Some((_, map)) = waiting {
            return Some(self.keep_map(run, map, news));
        }
        match self.store.map(&run.id, &MapKey::pruned(deleted.clone())) {
            Ok(found) => {
                let map = found.filter(fits)?;
                let origin = MapOrigin::RunFolder;
                news.send(JobUpdate::Map(deleted.clone(), Box::new(map), origin));
                Some(Ok(JobUpdate::Done))
            }
            Err(error) => {
                // the new one takes its place
                tracing::warn!("{error}");
                news.send(JobUpdate::Note(format!("computing the map anew: {error}")));
                None
            }
        }
    }

    /// Tells a map that was measured, and keeps it.
    pub(super) fn new_map(
        &self,
        run: &LoadedRun,
        deleted: &Bypass,
        weights: &str,
        measured: Measured,
        news: &JobNews,
    ) -> Result<JobUpdate, String> {
        let map = pruned::map(run, deleted, weights, measured).ok_or("this run has no map yet")?;
        self.keep_map(run, map, news)
    }

    /// Shows a map even if it cannot be written; it then stays in memory until it is
    /// asked for again, and is not computed twice.
    fn keep_map(&self, run: &LoadedRun, map: Map, news: &JobNews) -> Result<JobUpdate, String> {
        let deleted = map.key.blocks().cloned().unwrap_or_default();
        news.send(JobUpdate::Map(deleted, Box::new(map.clone()), MapOrigin::Computed));
        let shipped = self.not_copied_yet(&run.id);
        let mut waiting = lock(&self.unkept_map);
        match self.store.write_map(&run.id, &map) {
            Ok(_) => {
                waiting.take_if(|(id, old)| *id == run.id && old.key == map.key);
                if shipped {
                    news.send(JobUpdate::Note(self.copied()));
                }
                Ok(JobUpdate::Done)
            }
            Err(error) => {
                *waiting = Some((run.id.clone(), map));
                Err(format!("the map was not kept: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Program;
    use super::*;
    use crate::app::jobs::{JobKind, JobRequest};
    use crate::engine::DeviceChoice;
    use crate::runs::{RunStore, fixtures};
    use crate::terminal::Services;
    use crate::theme::ThemeSet;

    const SHIPPED: &str = "resnet14-shapes-s0";

    fn program(store: &RunStore) -> Program {
        Program::new(store.clone(), ThemeSet::builtin().unwrap(), DeviceChoice::Cpu, None)
    }

    /// What a job about the map without 2.1 tells, but for progress.
    fn told(program: &Program, run: &RunId) -> Vec<JobUpdate> {
        let (news, updates) = JobNews::collected(1);
        let kind = JobKind::Map("2.1".parse().unwrap());
        program.start(JobRequest { id: 1, run: run.clone(), kind }, news);
        updates.filter(|update| !matches!(update, JobUpdate::Progress { .. })).collect()
    }

    fn origin(update: &JobUpdate) -> Option<MapOrigin> {
        match update {
            JobUpdate::Map(_, _, origin) => Some(*origin),
            _ => None,
        }
    }

    #[test]
    fn a_map_is_computed_once_and_then_taken_from_the_run_folder() {
        let dir = tempfile::tempdir().unwrap();
        let store = RunStore::new(dir.path().join("runs"));
        let id = RunId::Disk(store.writable(&RunId::Embedded(SHIPPED.into())).unwrap());
        let mut whole = store.map(&id, &MapKey::cka()).unwrap().unwrap();
        let plan = &mut whole.record.plan;
        (plan.examples, plan.batch, plan.passes) = (32, 16, 1);
        store.write_map(&id, &whole).unwrap();
        let program = program(&store);
        let first = told(&program, &id);
        assert_eq!(first.len(), 2, "{first:?}");
        let (JobUpdate::Map(_, computed, MapOrigin::Computed), JobUpdate::Done) =
            (&first[0], &first[1])
        else {
            panic!("{first:?}");
        };
        assert_eq!((computed.record.plan.batches, computed.record.plan.examples), (2, 32));
        assert_eq!(computed.record.rows.weights_hash, store.manifest(&id).unwrap().weights_hash);
        let gone = computed.layers().iter().find(|l| l.name == "layer2.1.conv1").unwrap();
        assert_eq!(computed.values.get(gone.index, gone.index), None);
        let again = told(&program, &id);
        let JobUpdate::Map(_, kept, MapOrigin::RunFolder) = &again[0] else { panic!("{again:?}") };
        assert_eq!(again.len(), 2);
        assert_eq!(format!("{kept:?}"), format!("{computed:?}"), "the same map");
        // a new map of the whole network by another plan, or a damaged file: once more
        let file = dir
            .path()
            .join("runs")
            .join(SHIPPED)
            .join("analysis/maps/cka-without-blocks-2.1/values.npy");
        fs::write(&file, "nonsense").unwrap();
        let anew = told(&program, &id);
        assert!(
            matches!(&anew[0], JobUpdate::Note(line) if line.contains("values.npy")),
            "{anew:?}"
        );
        assert_eq!(origin(&anew[1]), Some(MapOrigin::Computed));
        whole.record.plan.batch = 8;
        store.write_map(&id, &whole).unwrap();
        assert_eq!(origin(&told(&program, &id)[0]), Some(MapOrigin::Computed));
        assert_eq!(origin(&told(&program, &id)[0]), Some(MapOrigin::RunFolder));
    }

    #[test]
    fn the_map_of_a_shipped_run_goes_to_a_copy_or_waits_until_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("runs");
        let store = RunStore::new(root.clone());
        let id = RunId::Embedded(SHIPPED.into());
        let run = store.load(&id).unwrap();
        let program = program(&store);
        let keep = |map: Map| {
            let (news, updates) = JobNews::collected(1);
            let end = program.inner.keep_map(&run, map, &news);
            drop(news);
            (end, updates.collect::<Vec<_>>())
        };
        // a file where the folder would be
        fs::write(&root, "x").unwrap();
        let (end, updates) = keep(fixtures::pruned(&run, "2.1"));
        let why = end.unwrap_err();
        assert!(why.starts_with("the map was not kept: ") && !why.contains('\n'), "{why}");
        assert_eq!(updates.iter().map(origin).collect::<Vec<_>>(), [Some(MapOrigin::Computed)]);
        // asked for again, it is not computed again (and now there is room)
        fs::remove_file(&root).unwrap();
        let told_now = told(&program, &id);
        assert_eq!(origin(&told_now[0]), Some(MapOrigin::Computed));
        let line = format!("kept: this shipped run is copied to {}", root.display());
        assert_eq!(told_now[1..], [JobUpdate::Note(line), JobUpdate::Done]);
        assert!(root.join(SHIPPED).join("analysis/maps/cka-without-blocks-2.1/map.ron").is_file());
        assert!(lock(&program.inner.unkept_map).is_none());
        // both names lead to the copy, which is not made twice
        for id in [&id, &RunId::Disk(root.join(SHIPPED))] {
            assert_eq!(origin(&told(&program, id)[0]), Some(MapOrigin::RunFolder));
        }
        let (end, updates) = keep(fixtures::pruned(&run, "3.1"));
        assert_eq!((end, updates.len()), (Ok(JobUpdate::Done), 1));
        assert_eq!(store.load(&id).unwrap().maps.pruned().count(), 2);
    }
}
