//! What is chosen by keys, and how a run was left: both are handed on to the next run.

use crate::app::mode::MapMode;
use crate::domain::block_structure::StructureRule;
use crate::domain::{Pooling, View};
use crate::runs::RunId;

use super::strip::Strip;
use super::{Explorer, Tab};

/// What is chosen by keys and handed on to the next run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    pub(super) view: View,
    pub(super) mode: MapMode,
    pub(super) pooling: Pooling,
    /// Whether the scale follows the data.
    pub(super) auto_range: bool,
    /// The open tab of the inspector.
    pub(super) tab: Tab,
    /// The curve above the map.
    pub(super) strip: Strip,
    /// Whether detected blocks are outlined.
    pub(super) outlined: bool,
    /// The threshold of a detected block.
    pub(super) tau: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            view: View::default(),
            mode: MapMode::default(),
            pooling: Pooling::default(),
            auto_range: false,
            tab: Tab::default(),
            strip: Strip::default(),
            outlined: false,
            tau: StructureRule::of(View::All).tau,
        }
    }
}

/// How a run was left, for the next one.
#[derive(Debug, Clone)]
pub struct ExplorerMemory {
    pub(super) run: RunId,
    pub(super) settings: Settings,
    pub(super) cursor: (usize, usize),
    pub(super) mark: Option<(usize, usize)>,
}

impl ExplorerMemory {
    /// The run that was left.
    pub(in crate::app) fn run(&self) -> &RunId {
        &self.run
    }
}

impl Explorer {
    /// What the next run shall be like.
    pub(in crate::app) fn memory(&self) -> ExplorerMemory {
        ExplorerMemory {
            run: self.run.id.clone(),
            settings: self.settings,
            cursor: self.cursor,
            mark: self.mark,
        }
    }
}
