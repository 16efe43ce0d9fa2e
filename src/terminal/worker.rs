//! The thread that serves the app: reading runs, writing exports, asking for
//! the device. One at a time and in order; a panic becomes a message.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use crate::app::complete::PathRequest;
use crate::app::jobs::{JobId, JobRequest, JobUpdate};
use crate::app::port::{JobNews, Port};
use crate::app::{Effect, ExportRequest, GridRequest, Input, MapMode};
use crate::runs::RunId;

use super::{Event, provoke};

/// What to do.
#[derive(Debug)]
pub enum Request {
    /// Read the list of runs.
    List,
    /// Read a run.
    Load(RunId),
    /// Read two runs and what is known between them.
    Pair(RunId, RunId),
    /// Read the predictions of runs.
    Predictions(Vec<RunId>),
    /// Write the current map.
    Export(Box<ExportRequest>),
    /// Read one map of a run.
    Map(RunId, MapMode),
    /// Write the grid.
    ExportGrid(Box<GridRequest>),
    /// Say which device computes.
    Device,
    /// Start a computation.
    Start(JobRequest),
    /// Stop a computation.
    Cancel(JobId),
    /// Find out what could stand in a field.
    Complete(PathRequest),
    /// Read pictures of test images.
    Pictures(RunId, Vec<u32>),
}

impl Request {
    /// What an effect asks of this thread, if anything.
    pub fn of(effect: Effect) -> Option<Request> {
        Some(match effect {
            Effect::ListRuns => Request::List,
            Effect::LoadRun(id) => Request::Load(id),
            Effect::LoadPair(a, b) => Request::Pair(a, b),
            Effect::LoadPredictions(ids) => Request::Predictions(ids),
            Effect::LoadMap(id, mode) => Request::Map(id, mode),
            Effect::ExportGrid(request) => Request::ExportGrid(request),
            Effect::Export(request) => Request::Export(request),
            Effect::StartJob(request) => Request::Start(request),
            Effect::CancelJob(id) => Request::Cancel(id),
            Effect::Complete(request) => Request::Complete(request),
            Effect::LoadPictures(run, images) => Request::Pictures(run, images),
            _ => return None,
        })
    }
}

/// Starts the thread; it ends when the returned sender is dropped.
pub fn spawn(port: Box<dyn Port + Send>, events: Sender<Event>) -> io::Result<Sender<Request>> {
    let (requests, inbox) = unbounded();
    thread::Builder::new().name("services".into()).spawn(move || {
        for request in inbox {
            let answer = serve(port.as_ref(), &request, &events);
            if answer.is_some_and(|answer| events.send(Event::Input(answer)).is_err()) {
                return;
            }
        }
    })?;
    Ok(requests)
}

/// Answers a request; computations answer later, to `events`.
pub(super) fn serve(port: &dyn Port, request: &Request, events: &Sender<Event>) -> Option<Input> {
    let work = || match request {
        Request::List => Some(Input::RunsListed(port.list())),
        Request::Load(id) => Some(Input::RunLoaded(port.load(id).map(Box::new))),
        Request::Predictions(ids) => Some(Input::PredictionsLoaded(port.predictions(ids))),
        Request::Pair(a, b) => Some(Input::PairLoaded(port.pair(a, b).map(Box::new))),
        Request::Export(export) => {
            provoke::panic_at("worker");
            Some(Input::Exported(port.export(export)))
        }
        Request::Map(id, mode) => {
            Some(Input::MapLoaded(id.clone(), *mode, port.map(id, *mode).map(Box::new)))
        }
        Request::ExportGrid(grid) => Some(Input::Exported(port.export_grid(grid))),
        Request::Device => Some(Input::Device(port.device())),
        Request::Pictures(run, images) => {
            Some(Input::Pictures(run.clone(), port.pictures(run, images)))
        }
        Request::Start(job) => {
            let (id, events) = (job.id, events.clone());
            let news = JobNews::new(move |update| {
                let _ = events.send(Event::Input(Input::Job(id, update)));
            });
            port.start(job.clone(), news);
            None
        }
        Request::Complete(request) => {
            let events = events.clone();
            let answer = move |request, found| {
                let _ = events.send(Event::Input(Input::Completed(request, found)));
            };
            port.complete(request.clone(), Box::new(answer));
            None
        }
        Request::Cancel(id) => {
            port.cancel(*id);
            None
        }
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = text(panic.as_ref());
        let doing = match request {
            Request::List => "reading the list of runs",
            Request::Load(_) => "reading the run",
            Request::Pair(..) => "reading the runs",
            Request::Predictions(_) => "reading predictions",
            Request::Export(_) | Request::ExportGrid(_) => "exporting",
            Request::Map(id, mode) => {
                let why = format!("reading its map failed unexpectedly: {reason}");
                return Some(Input::MapLoaded(id.clone(), *mode, Err(why)));
            }
            Request::Device => "asking for the device",
            Request::Pictures(..) => "reading pictures",
            Request::Complete(_) => "looking into a folder",
            Request::Cancel(_) => "cancelling",
            Request::Start(job) => {
                let why = format!("starting it failed unexpectedly: {reason}");
                return Some(Input::Job(job.id, JobUpdate::Failed(why)));
            }
        };
        Some(Input::Failed(format!("{doing} failed unexpectedly: {reason}")))
    })
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").lines().next().unwrap_or_default().to_string()
}
