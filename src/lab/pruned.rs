//! Maps of networks without some blocks: taken from the run's folder where one fits, else
//! computed and kept there. The plan is that of the run's own map, so that the two can be
//! laid beside each other.

use std::path::PathBuf;
use std::sync::Arc;

use super::plan::like;
use super::{Event, Lab, LabError, MapOrigin, Provenance, Subject, Watch, lock, records};
use crate::domain::{Bypass, Map, MapKey, MapRecord};
use crate::engine::AnalyzeRequest;

/// A map that is in the run's folder now.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMap {
    /// What it is known by.
    pub key: MapKey,
    /// How it was made.
    pub record: MapRecord,
    /// Its folder, if it was written now; `None` if it was there.
    pub written: Option<PathBuf>,
}

impl Lab {
    /// The map of a run without `deleted`, whose own map is `whole`. It is told before it
    /// is written.
    ///
    /// # Errors
    /// If it cannot be computed. [`LabError::NotKept`] if it cannot be written: the last
    /// one then stays in memory until it is asked for again, and is not computed twice.
    pub fn pruned_map(
        &self,
        subject: &Subject,
        whole: &Map,
        deleted: &Bypass,
        watch: &mut Watch<'_>,
    ) -> Result<KeptMap, LabError> {
        let hash = &*subject.weights_hash;
        let fits = |map: &Map| map.record.fits(&whole.record, Some(hash));
        let waiting = lock(&self.unkept_map).clone();
        let waiting = waiting.filter(|(id, map)| {
            *id == subject.id && map.key.blocks() == Some(deleted) && fits(map)
        });
        if let Some((_, map)) = waiting {
            return self.keep_map(subject, map, watch);
        }
        match self.store.map(&subject.id, &MapKey::pruned(deleted.clone())) {
            Ok(Some(map)) if fits(&map) => {
                let (key, record) = (map.key.clone(), map.record.clone());
                watch.tell(Event::Map(deleted.clone(), Box::new(map), MapOrigin::RunFolder));
                return Ok(KeptMap { key, record, written: None });
            }
            Ok(_) => {}
            Err(error) => {
                // the new one takes its place
                tracing::warn!("{error}");
                watch.tell(Event::Note(format!("computing the map anew: {error}")));
            }
        }
        let dataset = self.images_of(&subject.manifest, &whole.record.data.fingerprint)?;
        let plan = like(&whole.record);
        let request = AnalyzeRequest {
            network: Arc::clone(&subject.network),
            state: Arc::clone(&subject.state),
            images: Arc::clone(&dataset.test),
            plan,
            bypass: deleted.clone(),
            suite: None,
        };
        subject.tell_note(watch);
        let measured = self.run("CKA", request, watch)?;
        let from = Provenance::of(subject, &*measured.device, whole.record.data.clone());
        let map = records::pruned(from, &plan, (subject, whole), deleted, measured);
        self.keep_map(subject, map, watch)
    }

    fn keep_map(
        &self,
        subject: &Subject,
        map: Map,
        watch: &mut Watch<'_>,
    ) -> Result<KeptMap, LabError> {
        let deleted = map.key.blocks().cloned().unwrap_or_default();
        watch.tell(Event::Map(deleted, Box::new(map.clone()), MapOrigin::Computed));
        let id = &subject.id;
        let shipped = self.not_copied_yet(id);
        let mut waiting = lock(&self.unkept_map);
        match self.store.write_map(id, &map) {
            Ok(folder) => {
                waiting.take_if(|(of, old)| of == id && old.key == map.key);
                if shipped {
                    self.tell_copied(subject, watch);
                }
                Ok(KeptMap { key: map.key, record: map.record, written: Some(folder) })
            }
            Err(why) => {
                *waiting = Some((id.clone(), map));
                Err(LabError::NotKept { what: "the map was ", why })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Given, JobKind};
    use super::*;
    use crate::engine::{CancelToken, DeviceChoice};
    use crate::runs::{RunId, RunStore, fixtures};

    const SHIPPED: &str = "resnet14-shapes-s0";

    fn lab(store: &RunStore) -> Lab {
        Lab::new(store.clone(), DeviceChoice::Cpu, Given::default())
    }

    /// What a job about the map without 2.1 tells of its result, and how it ends.
    fn told(lab: &Lab, run: &RunId) -> Vec<Event> {
        let mut told = Vec::new();
        let mut on = |event| {
            if matches!(event, Event::Map(..) | Event::Note(_)) {
                told.push(event);
            }
        };
        let kind = JobKind::Map("2.1".parse().unwrap());
        lab.answer(run, &kind, &mut Watch::new(&mut on, CancelToken::default())).unwrap();
        told
    }

    fn origin(event: &Event) -> Option<MapOrigin> {
        match event {
            Event::Map(_, _, origin) => Some(*origin),
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
        let lab = lab(&store);
        let first = told(&lab, &id);
        assert_eq!(first.len(), 1, "{first:?}");
        let Event::Map(_, computed, MapOrigin::Computed) = &first[0] else {
            panic!("{first:?}");
        };
        assert_eq!((computed.record.plan.batches, computed.record.plan.examples), (2, 32));
        assert_eq!(computed.record.rows.weights_hash, store.manifest(&id).unwrap().weights_hash);
        let gone = computed.layers().iter().find(|l| l.name == "layer2.1.conv1").unwrap();
        assert_eq!(computed.values.get(gone.index, gone.index), None);
        let again = told(&lab, &id);
        let Event::Map(_, kept, MapOrigin::RunFolder) = &again[0] else { panic!("{again:?}") };
        assert_eq!(again.len(), 1);
        assert_eq!(format!("{kept:?}"), format!("{computed:?}"), "the same map");
        // a new map of the whole network by another plan, or a damaged file: once more
        let file = dir
            .path()
            .join("runs")
            .join(SHIPPED)
            .join("analysis/maps/cka-without-blocks-2.1/values.npy");
        fs::write(&file, "nonsense").unwrap();
        let anew = told(&lab, &id);
        assert!(matches!(&anew[0], Event::Note(line) if line.contains("values.npy")), "{anew:?}");
        assert_eq!(origin(&anew[1]), Some(MapOrigin::Computed));
        whole.record.plan.batch = 8;
        store.write_map(&id, &whole).unwrap();
        assert_eq!(origin(&told(&lab, &id)[0]), Some(MapOrigin::Computed));
        assert_eq!(origin(&told(&lab, &id)[0]), Some(MapOrigin::RunFolder));
    }

    #[test]
    fn the_map_of_a_shipped_run_goes_to_a_copy_or_waits_until_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("runs");
        let store = RunStore::new(root.clone());
        let id = RunId::Embedded(SHIPPED.into());
        let run = store.load(&id).unwrap();
        let lab = lab(&store);
        let keep = |map: Map| {
            let mut told = Vec::new();
            let mut on = |event| told.push(event);
            let mut watch = Watch::new(&mut on, CancelToken::default());
            let end = lab.keep_map(&lab.subject(&id).unwrap(), map, &mut watch);
            (end, told)
        };
        // a file where the folder would be
        fs::write(&root, "x").unwrap();
        let (end, events) = keep(fixtures::pruned(&run, "2.1"));
        let why = end.unwrap_err().to_string();
        assert!(why.starts_with("the map was not kept: ") && !why.contains('\n'), "{why}");
        assert_eq!(events.iter().map(origin).collect::<Vec<_>>(), [Some(MapOrigin::Computed)]);
        // asked for again, it is not computed again (and now there is room)
        fs::remove_file(&root).unwrap();
        let told_now = told(&lab, &id);
        assert_eq!(origin(&told_now[0]), Some(MapOrigin::Computed));
        let line = format!("kept: this shipped run is copied to {}", root.display());
        assert_eq!(told_now[1..], [Event::Note(line)]);
        assert!(root.join(SHIPPED).join("analysis/maps/cka-without-blocks-2.1/map.ron").is_file());
        assert!(lock(&lab.unkept_map).is_none());
        // both names lead to the copy, which is not made twice
        for id in [&id, &RunId::Disk(root.join(SHIPPED))] {
            assert_eq!(origin(&told(&lab, id)[0]), Some(MapOrigin::RunFolder));
        }
        let (end, events) = keep(fixtures::pruned(&run, "3.1"));
        assert!(end.is_ok() && events.len() == 1);
        assert_eq!(store.load(&id).unwrap().maps.pruned().count(), 2);
    }
}
