//! Computations that the interface asks for and follows, as plain data. The
//! interface never waits for one: it sends `Effect::StartJob`, gets
//! `Input::Job` as news comes, and may send `Effect::CancelJob`.

use std::sync::atomic::{AtomicU32, Ordering};

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
    /// Tells it from every other picture of this process: 23 bits; maps that are drawn as
    /// pictures have one bit more.
    pub serial: u32,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `3 width height` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture with a serial number of its own.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Picture {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let serial = MADE.fetch_add(1, Ordering::Relaxed) & 0x007f_ffff;
        Picture { serial, width, height, rgb }
    }
}
