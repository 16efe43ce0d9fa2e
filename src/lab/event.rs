//! What an experiment reports on its way, and who listens.

use std::path::PathBuf;

use crate::domain::deletion::DeletionRow;
use crate::domain::record::Evaluation;
use crate::domain::training::Position;
use crate::domain::{Bypass, Map};
use crate::engine::probes::ProbeSeconds;
use crate::engine::{CancelToken, EpochReport};
use crate::runs::{ComponentsAnalysis, PairMaps, ProbesAnalysis};

/// Where the map of a pruned network is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapOrigin {
    /// It was computed now.
    Computed,
    /// It was computed before and kept.
    RunFolder,
}

/// News of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A piece of work was given to the engine: what it is, in a word or two.
    Working(&'static str),
    /// The device that computes it, in words.
    Device(String),
    /// Work was done.
    Progress {
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
        /// `images`, `layers`, `steps` or `batches through layers`.
        unit: &'static str,
    },
    /// An epoch of training ended; a checkpoint that is due is written next.
    Epoch(Box<EpochReport>),
    /// A training stands here, and can go on from here.
    Checkpoint(Position),
    /// Accuracies, told before they are written; later rows of the same blocks replace
    /// earlier ones.
    Rows(Vec<DeletionRow>),
    /// The map of the whole network, as it was kept.
    Analysis(Box<Map>),
    /// Its first components, as they were kept.
    Components(Box<ComponentsAnalysis>),
    /// How many test images it gets right; what it predicts is kept.
    Predictions(Evaluation),
    /// Its linear probes, told before they are written, and where their time went.
    Probes(Box<ProbesAnalysis>, ProbeSeconds),
    /// A map without some blocks, told before it is written. Layers of deleted blocks are
    /// undefined in it.
    Map(Bypass, Box<Map>, MapOrigin),
    /// CKA between two runs, told before it is written.
    Cross(Box<PairMaps>),
    /// What was told before was written: the file or folder.
    Kept(PathBuf),
    /// A line worth telling.
    Note(String),
    /// The end: everything was reported. An experiment itself returns; it is whoever
    /// runs it for a screen, on a thread of its own, that tells one of these three.
    Done,
    /// The end: it was cancelled.
    Cancelled,
    /// The end: one line that says why.
    Failed(String),
}

/// Who listens to an experiment, and how it is stopped.
pub struct Watch<'a> {
    on: &'a mut dyn FnMut(Event),
    cancel: CancelToken,
    because: fn() -> Option<&'static str>,
}

impl<'a> Watch<'a> {
    /// Tells `on` everything; `cancel` stops what runs between two pieces of work.
    pub fn new(on: &'a mut dyn FnMut(Event), cancel: CancelToken) -> Watch<'a> {
        Watch { on, cancel, because: || None }
    }

    /// Tells what has cancelled it: the name of a signal.
    pub fn because(self, because: fn() -> Option<&'static str>) -> Watch<'a> {
        Watch { because, ..self }
    }

    /// What has cancelled it, if that is known.
    pub fn cancelled_by(&self) -> Option<&'static str> {
        (self.because)()
    }

    /// Reports.
    pub fn tell(&mut self, event: Event) {
        (self.on)(event);
    }

    /// What stops it.
    pub fn cancel(&self) -> &CancelToken {
        &self.cancel
    }
}
