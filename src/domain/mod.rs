//! The science and its results: layer lists, similarity matrices, estimators.
//!
//! Knows neither burn nor ratatui and opens no files. Everything here is plain
//! data and arithmetic, so it compiles in seconds and is tested without a
//! device or a terminal.

pub mod absent;
pub mod alignment;
pub mod block_structure;
pub mod bypass;
pub mod cka;
pub mod components;
pub mod contrast;
pub mod cross;
pub mod deletion;
pub mod eigen;
pub mod flips;
pub mod grams;
pub mod group;
pub mod krylov;
pub mod layers;
pub mod map;
pub mod matrix;
pub mod measure;
pub mod network;
pub mod paired;
pub mod pairing;
pub mod pca;
pub mod plan;
pub mod predictions;
pub mod probes;
pub mod product;
pub mod record;
pub mod softmax;
pub mod spec;
pub mod suite;
pub mod sweep;
pub mod training;
pub mod welch;

pub use absent::Absent;
pub use bypass::{Bypass, BypassError, ResidualBlock};
pub use layers::{Layer, LayerKind, Role, View};
pub use map::{Map, MapHead, MapKey, MapPlan, MapRecord, Of, Side, Without};
pub use matrix::{PooledCell, Pooling, SimilarityMatrix};
pub use measure::{EstimatorId, Measure, MeasureId};
pub use network::Network;
pub use spec::{ModelSpec, Preset, Shortcut, SpecError};
