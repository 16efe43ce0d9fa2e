//! Computations that the interface asks for and follows, as plain data. The
//! interface never waits for one: it sends `Effect::StartJob`, gets
//! `Input::Job` as news comes, and may send `Effect::CancelJob`.

use crate::runs::RunId;

pub use crate::lab::{Event as JobUpdate, JobKind, MapOrigin};

/// A job's number; the interface counts them up.
pub type JobId = u64;

/// A job to start.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    /// Its number.
    pub id: JobId,
    /// The run.
    pub run: RunId,
    /// What to compute.
    pub kind: JobKind,
}

/// A small picture: RGB, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `3 width height` bytes.
    pub rgb: Vec<u8>,
}
