//! The thread that serves the app: reading runs, writing exports, asking for
//! the device. One at a time and in order; a panic becomes a message.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use crate::app::{ExportRequest, Input};
use crate::runs::RunId;

use super::{Event, Services};

/// What to do.
#[derive(Debug)]
pub enum Request {
    /// Read the list of runs.
    List,
    /// Read a run.
    Load(RunId),
    /// Write the current map.
    Export(Box<ExportRequest>),
    /// Say which device computes.
    Device,
}

/// Starts the thread; it ends when the returned sender is dropped.
pub fn spawn(
    services: Box<dyn Services + Send>,
    events: Sender<Event>,
) -> io::Result<Sender<Request>> {
    let (requests, inbox) = unbounded();
    thread::Builder::new().name("services".into()).spawn(move || {
        for request in inbox {
            let answer = serve(services.as_ref(), &request);
            if events.send(Event::Input(answer)).is_err() {
                return;
            }
        }
    })?;
    Ok(requests)
}

/// Answers a request.
pub fn serve(services: &dyn Services, request: &Request) -> Input {
    let work = || match request {
        Request::List => Input::RunsListed(services.list()),
        Request::Load(id) => Input::RunLoaded(services.load(id).map(Box::new)),
        Request::Export(export) => Input::Exported(services.export(export)),
        Request::Device => Input::Device(services.device()),
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let doing = match request {
            Request::List => "reading the list of runs",
            Request::Load(_) => "reading the run",
            Request::Export(_) => "exporting",
            Request::Device => "asking for the device",
        };
        Input::Failed(format!("{doing} failed unexpectedly: {}", text(panic.as_ref())))
    })
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").lines().next().unwrap_or_default().to_string()
}
