//! Where an experiment happens: opens its subject once, checks its plan, runs it on the
//! engine, writes what it found with one [`Provenance`], and reports in one [`Event`]
//! type, which the command line prints and the explorer shows.
//!
//! - [`Lab`]: a session: runs, images, device; subjects and images stay open in it
//! - [`Subject`]: a run with its weights; [`images`]: which images it means
//! - [`plan`]: what is wanted, and the same checked
//! - [`analyze`], [`probes`], [`deletion`], [`pruned`], [`compare`], [`import`],
//!   [`train`]: the experiments; [`ask`]: those that a screen asks for
//! - [`records`]: what is written about a result, built in this one place
//!
//! Knows engine and run folders; knows no command line, no screen and no text that is
//! printed. `burn` is below it.

pub mod analyze;
pub mod ask;
pub mod compare;
pub mod deletion;
mod error;
mod event;
pub mod images;
pub mod import;
pub mod plan;
pub mod probes;
mod provenance;
pub mod pruned;
pub mod records;
mod subject;
pub mod train;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::data::Dataset;
use crate::domain::Map;
use crate::domain::deletion::DeletionTable;
use crate::engine::{self, DeviceChoice, Engine, Job, Task};
use crate::runs::{RunId, RunStore};

pub use ask::JobKind;
pub use deletion::NewRun;
pub use error::{LabError, no_own_map};
pub use event::{Event, MapOrigin, Watch};
pub use images::Given;
pub use provenance::Provenance;
pub use subject::Subject;

/// A session: where runs are, which images were given, which device computes. The engine
/// starts with the first job; subjects and images that were read stay open.
pub struct Lab {
    store: RunStore,
    device: DeviceChoice,
    given: Given,
    engine: Mutex<Option<Arc<Engine>>>,
    /// Least recently used first.
    subjects: Mutex<Vec<Arc<Subject>>>,
    /// The images that were read last; reading them anew takes seconds.
    images: Mutex<Option<Arc<Dataset>>>,
    /// What could not be written to a run's folder, by run and hash of its weights.
    unkept: Mutex<HashMap<(RunId, String), DeletionTable>>,
    /// The last map of a pruned network that could not be written, and whose it is.
    unkept_map: Mutex<Option<(RunId, Map)>>,
}

impl Lab {
    /// A session over `store`; `given` are the images that the user named.
    pub fn new(store: RunStore, device: DeviceChoice, given: Given) -> Lab {
        Lab {
            store,
            device,
            given,
            engine: Mutex::default(),
            subjects: Mutex::default(),
            images: Mutex::default(),
            unkept: Mutex::default(),
            unkept_map: Mutex::default(),
        }
    }

    /// The runs.
    pub fn store(&self) -> &RunStore {
        &self.store
    }

    /// The device that was chosen.
    pub fn device(&self) -> DeviceChoice {
        self.device
    }

    /// The images that were given for the session.
    pub fn given(&self) -> &Given {
        &self.given
    }

    fn engine(&self) -> Result<Arc<Engine>, LabError> {
        let mut engine = lock(&self.engine);
        if let Some(engine) = engine.as_ref() {
            return Ok(Arc::clone(engine));
        }
        let new = Engine::start(self.device).map_err(LabError::Thread)?;
        Ok(Arc::clone(engine.insert(Arc::new(new))))
    }

    /// Gives a task to the engine. What it is called, `label`, is told first.
    fn submit<T: Task>(
        &self,
        label: &'static str,
        task: T,
        watch: &mut Watch<'_>,
    ) -> Result<Job<T::Output>, LabError> {
        let job = self.engine()?.submit_with(task, watch.cancel().clone());
        watch.tell(Event::Working(label));
        Ok(job)
    }

    /// Runs a task to its end and tells what it reports.
    fn run<T: Task>(
        &self,
        label: &'static str,
        task: T,
        watch: &mut Watch<'_>,
    ) -> Result<T::Output, LabError> {
        self.submit(label, task, watch)?.follow(|event| {
            watch.tell(Event::from(event));
            Ok(())
        })
    }

    /// True if the next result copies this run into the runs folder.
    fn not_copied_yet(&self, id: &RunId) -> bool {
        matches!(id, RunId::Embedded(_)) && self.store.copy_of(id).is_none()
    }

    /// Tells that a result has copied this run into the runs folder.
    fn tell_copied(&self, subject: &Subject, watch: &mut Watch<'_>) {
        subject.copied(&self.store);
        let root = self.store.root().display();
        watch.tell(Event::Note(format!("kept: this shipped run is copied to {root}")));
    }
}

impl From<engine::Event> for Event {
    fn from(event: engine::Event) -> Event {
        match event {
            engine::Event::Device(label) => Event::Device(label),
            engine::Event::Progress(engine::Progress { done, total, unit }) => {
                Event::Progress { done, total, unit }
            }
            engine::Event::Deletion(rows) => Event::Rows(rows),
            engine::Event::Epoch(report) => Event::Epoch(report),
            engine::Event::Snapshot(state) => Event::Checkpoint(state.at),
        }
    }
}

/// A lock whose holder panicked still holds sound data here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
