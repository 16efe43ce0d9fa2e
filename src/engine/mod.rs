//! Jobs on one long-lived compute thread: analyse, evaluate, train.
//!
//! A [`Task`] goes in and a [`Job`] comes out, typed by what the task gives. There is one thread because
//! every thread that touches a GPU runtime keeps a stream and a memory pool of
//! its own. A panic in a job ends the job, not the program. Knows burn through
//! `model`; knows nothing of run folders, screens or commands.

pub mod analyze;
pub mod compare;
pub mod components;
pub mod deletion;
pub mod device;
pub mod evaluate;
pub mod memory;
pub mod probes;
pub mod train;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::domain::Network;
use crate::domain::deletion::DeletionRow;
use crate::domain::plan::Unfit;
use crate::model::capture::CaptureError;
use crate::model::state::Mismatch;
use crate::model::{Net, StateDict};
pub use analyze::{AnalyzeRequest, Measured};
pub use compare::{CompareRequest, Compared, ComparedModel, ComparedPair};
pub use components::{ComponentsRequest, MeasuredComponents};
pub use deletion::{Deleted, DeletionRequest, Variant};
pub use device::{DeviceChoice, DeviceError, OpenDevice};
pub use evaluate::{EvaluateRequest, Predicted};
pub use probes::{ProbeRecipe, ProbeRequest, Probed};
pub use train::{EpochReport, TrainRequest, TrainState, Trained};

/// Stops a job between two units of work.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<Arc<AtomicBool>> for CancelToken {
    /// What is cancelled when the flag goes up.
    fn from(flag: Arc<AtomicBool>) -> CancelToken {
        CancelToken(flag)
    }
}

/// Something that the compute thread can do, typed by what it gives. Every request of
/// this module is one.
pub trait Task: Send + 'static {
    /// What it gives.
    type Output: Send + 'static;

    /// Does it, inside the thread pool.
    ///
    /// # Errors
    /// [`EngineError`] if the request makes no sense, the device fails or the job was
    /// cancelled.
    fn run(self, context: &Context<'_>) -> Result<Self::Output, EngineError>;
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Units of work done.
    pub done: usize,
    /// Units of work in all.
    pub total: usize,
    /// What a unit is: `layers`, `images`, `steps`, `batches through layers`.
    pub unit: &'static str,
}

/// What a running job reports.
#[derive(Debug)]
pub enum Event {
    /// The device is open; its label.
    Device(String),
    /// Work was done.
    Progress(Progress),
    /// A training epoch ended; the state is there when a checkpoint is due.
    Epoch(Box<EpochReport>),
    /// All that a training needs to go on from here. The epochs before it were reported.
    Snapshot(Box<TrainState>),
    /// First estimates of a [`DeletionRequest`].
    Deletion(Vec<DeletionRow>),
}

/// Why a job fails.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Weights do not fit the model.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A layer could not be captured.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The request makes no sense.
    #[error("{0}")]
    Request(String),
    /// A number of the request cannot be carried out.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The device gave no result back.
    #[error("the device failed: {0}; restart, or compute on the CPU")]
    Lost(String),
    /// Training left the finite numbers.
    #[error(
        "training diverged in epoch {epoch}, step {step}: the loss is not finite; use a smaller learning rate"
    )]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// The first step whose loss or weights are not finite, from 1 over all epochs.
        step: usize,
    },
    /// It takes more memory than there is.
    #[error("{what} takes at least {} of memory, and {} are free", memory::words(*.needed), memory::words(*.free))]
    Memory {
        /// What takes it, with the number that decides.
        what: String,
        /// Bytes that are certain.
        needed: u64,
        /// Bytes that there are.
        free: u64,
    },
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A job panicked; a bug.
    #[error("the computation failed unexpectedly: {0}; restart, or compute on the CPU")]
    Panic(String),
}

/// A running job that gives a `T`.
#[derive(Debug)]
pub struct Job<T> {
    /// What it reports; closed when it ends.
    pub events: Receiver<Event>,
    /// Stops it.
    pub cancel: CancelToken,
    result: Receiver<Result<T, EngineError>>,
}

impl<T> Job<T> {
    /// Hands every event to `on` and returns what the job gives. It is cancelled if `on`
    /// fails.
    ///
    /// # Errors
    /// Those of the job and those of `on`.
    pub fn follow<E: From<EngineError>>(
        self,
        mut on: impl FnMut(Event) -> Result<(), E>,
    ) -> Result<T, E> {
        for event in &self.events {
            if let Err(error) = on(event) {
                self.cancel.cancel();
                return Err(error);
            }
        }
        let gone = |_| Err(EngineError::Panic("the compute thread ended".into()));
        Ok(self.result.recv().unwrap_or_else(gone)?)
    }

    /// What the job gives, without listening to it.
    ///
    /// # Errors
    /// Those of the job.
    pub fn wait(self) -> Result<T, EngineError> {
        self.follow(|_| Ok(()))
    }
}

/// Starts the threads that share all computations, `count` or as many as the machine has
/// cores; nothing is done where they run.
///
/// # Errors
/// What the system said where it starts no more threads.
pub fn start_threads(count: Option<usize>) -> std::io::Result<()> {
    let built = rayon::ThreadPoolBuilder::new().num_threads(count.unwrap_or(0)).build_global();
    match built {
        // that they run already has no cause below it
        Err(error) => match std::error::Error::source(&error) {
            Some(cause) => Err(std::io::Error::other(format!(
                "cannot start the threads that compute: {cause}"
            ))),
            None => Ok(()),
        },
        Ok(()) => Ok(()),
    }
}

/// A job on its way to the compute thread.
type Work = Box<dyn FnOnce(Result<&Opened, DeviceError>) + Send>;

/// The compute thread's front end.
#[derive(Debug)]
pub struct Engine {
    work: Sender<Work>,
}

impl Engine {
    /// Starts the thread; it opens the device when the first job arrives.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(choice: DeviceChoice) -> std::io::Result<Engine> {
        start_threads(None)?;
        let (work, inbox) = unbounded();
        std::thread::Builder::new()
            .name("compute".into())
            .spawn(move || compute_thread(choice, &inbox))
            .map_err(|cause| std::io::Error::other(format!("cannot start a thread: {cause}")))?;
        Ok(Engine { work })
    }

    /// Queues a job.
    pub fn submit<T: Task>(&self, task: T) -> Job<T::Output> {
        self.submit_with(task, CancelToken::default())
    }

    /// Queues a job that `cancel` stops.
    pub fn submit_with<T: Task>(&self, task: T, cancel: CancelToken) -> Job<T::Output> {
        let (events, receiver) = unbounded();
        let (answer, result) = bounded(1);
        let token = cancel.clone();
        let work: Work = Box::new(move |opened| {
            let done = opened.map_err(EngineError::from).and_then(|opened| {
                let _ = events.send(Event::Device(opened.device.label.clone()));
                let Opened { device, network } = opened;
                let context = Context { device, network, events: &events, cancel: &token };
                // In the pool: a driver outside it would sleep and be woken around
                // every parallel part.
                let run = || rayon::scope(|_| task.run(&context));
                catch_unwind(AssertUnwindSafe(run))
                    .unwrap_or_else(|panic| Err(EngineError::Panic(panic_text(panic.as_ref()))))
            });
            // The result is there before the events end.
            let _ = answer.send(done);
        });
        // A thread that is gone drops the senders, and the job ends.
        let _ = self.work.send(work);
        Job { events: receiver, cancel, result }
    }
}

/// An open device and what stays on it between jobs.
struct Opened {
    device: OpenDevice,
    network: Mutex<Option<Built>>,
}

/// The network that was built last: the next job is often about the same one.
struct Built {
    state: Weak<StateDict>,
    net: Arc<Net>,
}

/// What maps count: every batch passes through every layer.
pub(crate) const PASSES: &str = "batches through layers";

/// What a job needs of its surroundings.
pub struct Context<'a> {
    pub(crate) device: &'a OpenDevice,
    pub(crate) events: &'a Sender<Event>,
    pub(crate) cancel: &'a CancelToken,
    network: &'a Mutex<Option<Built>>,
}

impl Context<'_> {
    pub(crate) fn progress(&self, done: usize, total: usize, unit: &'static str) {
        let _ = self.events.send(Event::Progress(Progress { done, total, unit }));
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), EngineError> {
        match self.cancel.is_cancelled() {
            true => Err(EngineError::Cancelled),
            false => Ok(()),
        }
    }

    /// Checks that there is room for what a network certainly takes, before any is taken.
    /// A graphics card has memory of its own, which its driver watches over.
    pub(crate) fn check_room(
        &self,
        bytes: u64,
        what: impl FnOnce() -> String,
    ) -> Result<(), EngineError> {
        match memory::check(bytes) {
            Err(free) if self.device.cpu => {
                Err(EngineError::Memory { what: what(), needed: bytes, free })
            }
            _ => Ok(()),
        }
    }

    /// The network of `state`, for evaluation. That of the job before is used again if
    /// it was made of the same tensors: the very same, not equal ones.
    pub(crate) fn network(
        &self,
        network: &Arc<Network>,
        state: &Arc<StateDict>,
    ) -> Result<Arc<Net>, EngineError> {
        let mut built = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |built: &&Built| {
            built.state.upgrade().is_some_and(|known| Arc::ptr_eq(&known, state))
                && built.net.network() == network
        };
        if let Some(known) = built.as_ref().filter(same) {
            return Ok(Arc::clone(&known.net));
        }
        let net = Arc::new(Net::from_state(network, state, &self.device.device)?);
        *built = Some(Built { state: Arc::downgrade(state), net: Arc::clone(&net) });
        Ok(net)
    }
}

fn compute_thread(choice: DeviceChoice, inbox: &Receiver<Work>) {
    let mut opened: Option<Opened> = None;
    for work in inbox {
        match &opened {
            Some(opened) => work(Ok(opened)),
            None => match device::open(choice) {
                Ok(device) => work(Ok(opened.insert(Opened { device, network: Mutex::default() }))),
                Err(error) => work(Err(error)),
            },
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string());
    text.lines().next().unwrap_or_default().to_string()
}
