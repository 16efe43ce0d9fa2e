//! Jobs on one long-lived compute thread: analyse, evaluate, train.
//!
//! Typed requests go in, typed events come out. There is one thread because
//! every thread that touches a GPU runtime keeps a stream and a memory pool of
//! its own. A panic in a job ends the job, not the program. Knows burn through
//! `model`; knows nothing of run folders, screens or commands.

pub mod analyze;
pub mod compare;
pub mod components;
pub mod deletion;
pub mod device;
pub mod evaluate;
pub mod probes;
pub mod train;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::model::capture::CaptureError;
use crate::model::state::Mismatch;
pub use analyze::{AnalyzeRequest, Measured, SamplePlan};
pub use compare::{CompareRequest, Compared, ComparedModel, ComparedPair};
pub use components::{ComponentsRequest, MeasuredComponents, SuitePlan};
pub use deletion::{DeletionRequest, Variant};
pub use device::{DeviceChoice, DeviceError, OpenDevice};
pub use evaluate::{EvaluateRequest, Predicted};
pub use probes::{ProbeRecipe, ProbeRequest, Probed};
pub use train::{EpochReport, TrainRequest, Trained};

use crate::domain::deletion::DeletionRow;
use crate::domain::record::Evaluation;

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

/// What the compute thread can be asked to do.
#[derive(Debug)]
pub enum Request {
    /// All-pairs CKA.
    Analyze(AnalyzeRequest),
    /// CKA between models.
    Compare(CompareRequest),
    /// The first-component suite.
    Components(ComponentsRequest),
    /// Accuracy without sets of blocks.
    Delete(DeletionRequest),
    /// Accuracy and loss.
    Evaluate(EvaluateRequest),
    /// The same, and what is predicted for every image.
    Predict(EvaluateRequest),
    /// Linear probes.
    Probe(ProbeRequest),
    /// Train from a seed.
    Train(TrainRequest),
}

/// What a finished job gives.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Request::Analyze`].
    Measured(Box<Measured>),
    /// Of [`Request::Compare`].
    Compared(Box<Compared>),
    /// Of [`Request::Components`].
    Components(Box<MeasuredComponents>),
    /// Of [`Request::Delete`]: a row for each set.
    Deleted(Vec<DeletionRow>),
    /// Of [`Request::Evaluate`].
    Evaluated(Evaluation),
    /// Of [`Request::Predict`].
    Predicted(Box<Predicted>),
    /// Of [`Request::Probe`].
    Probed(Box<Probed>),
    /// Of [`Request::Train`].
    Trained(Box<Trained>),
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Units of work done.
    pub done: usize,
    /// Units of work in all.
    pub total: usize,
    /// What a unit is: `layers`, `images`, `steps`.
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
    /// First estimates of a [`Request::Delete`].
    Deletion(Vec<DeletionRow>),
    /// The job ended.
    Finished(Result<Outcome, EngineError>),
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
    /// The device gave no result back.
    #[error("the device failed: {0}; restart, or use --device cpu")]
    Lost(String),
    /// Training left the finite numbers.
    #[error("training diverged in epoch {epoch}: the loss is not finite; use a smaller --lr")]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
    },
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A job panicked; a bug.
    #[error("the computation failed unexpectedly: {0}; restart, or use --device cpu")]
    Panic(String),
}

/// A running job.
#[derive(Debug)]
pub struct Job {
    /// What the job reports; ends with [`Event::Finished`].
    pub events: Receiver<Event>,
    /// Stops it.
    pub cancel: CancelToken,
}

struct Envelope {
    request: Request,
    events: Sender<Event>,
    cancel: CancelToken,
}

/// The compute thread's front end.
#[derive(Debug)]
pub struct Engine {
    requests: Sender<Envelope>,
}

impl Engine {
    /// Starts the thread; it opens the device when the first job arrives.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(choice: DeviceChoice) -> std::io::Result<Engine> {
        let (requests, inbox) = unbounded();
        std::thread::Builder::new()
            .name("compute".into())
            .spawn(move || compute_thread(choice, &inbox))?;
        Ok(Engine { requests })
    }

    /// Queues a job.
    pub fn submit(&self, request: Request) -> Job {
        let (events, receiver) = unbounded();
        let cancel = CancelToken::default();
        let envelope = Envelope { request, events, cancel: cancel.clone() };
        // A thread that is gone drops the sender, and the job's events end.
        let _ = self.requests.send(envelope);
        Job { events: receiver, cancel }
    }
}

/// What a job needs of its surroundings.
pub(crate) struct Context<'a> {
    pub(crate) device: &'a OpenDevice,
    pub(crate) events: &'a Sender<Event>,
    pub(crate) cancel: &'a CancelToken,
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
}

fn compute_thread(choice: DeviceChoice, inbox: &Receiver<Envelope>) {
    let mut opened: Option<OpenDevice> = None;
    for Envelope { request, events, cancel } in inbox {
        let device = match &opened {
            Some(device) => device,
            None => match device::open(choice) {
                Ok(device) => opened.insert(device),
                Err(error) => {
                    let _ = events.send(Event::Finished(Err(error.into())));
                    continue;
                }
            },
        };
        let _ = events.send(Event::Device(device.label.clone()));
        let context = Context { device, events: &events, cancel: &cancel };
        let run = std::panic::AssertUnwindSafe(|| match request {
            Request::Analyze(r) => {
                analyze::run(&r, &context).map(|m| Outcome::Measured(Box::new(m)))
            }
            Request::Compare(r) => {
                compare::run(&r, &context).map(|m| Outcome::Compared(Box::new(m)))
            }
            Request::Components(r) => {
                components::run(&r, &context).map(|m| Outcome::Components(Box::new(m)))
            }
            Request::Delete(r) => deletion::run(&r, &context).map(Outcome::Deleted),
            Request::Evaluate(r) => evaluate::run(&r, &context).map(Outcome::Evaluated),
            Request::Predict(r) => {
                evaluate::predict(&r, &context).map(|p| Outcome::Predicted(Box::new(p)))
            }
            Request::Probe(r) => probes::run(&r, &context).map(|p| Outcome::Probed(Box::new(p))),
            Request::Train(r) => train::run(&r, &context).map(|t| Outcome::Trained(Box::new(t))),
        });
        // In the pool: a driver outside it would sleep and be woken around every
        // parallel part.
        let result = std::panic::catch_unwind(|| rayon::scope(|_| run()))
            .unwrap_or_else(|panic| Err(EngineError::Panic(panic_text(panic.as_ref()))));
        let _ = events.send(Event::Finished(result));
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
