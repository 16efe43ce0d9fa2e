//! blockscope: a terminal explorer for what neural networks learn, layer by
//! layer.
//!
//! It computes minibatch unbiased linear CKA between all pairs of layers of
//! CIFAR ResNets (Nguyen, Raghu, Kornblith: *Do Wide and Deep Networks Learn the
//! Same Things?*, ICLR 2021) and shows it as a map to walk over in a terminal.
//!
//! The layers of the crate, each of which knows only those above it in this
//! list (see `docs/ARCHITECTURE.md`):
//!
//! - [`domain`]: the science and its results
//! - [`files`] and [`text`]: helpers that know nothing of what they are used for
//! - [`runs`]: the run folder
//! - [`theme`]: themes and colour maps as data
//! - [`data`]: image sources
//! - [`export`] and [`report`]: maps and runs as files and text
//! - [`kernels`]: CPU operators as Burn extensions
//! - [`model`]: Burn networks, activation capture, weights
//! - [`engine`]: jobs on one compute thread
//! - [`lab`]: experiments: a subject opened, a plan checked, a result written
//! - [`app`], [`ui`], [`terminal`]: the explorer
//! - [`config`]: the user's own files: settings, keys, places
//! - [`cli`]: the command line
//!
//! The estimator stands on its own:
//!
//! ```
//! use blockscope::domain::cka::{CkaAccumulator, PackedGrams};
//!
//! // Two layers over a batch of eight examples: the second is the first, turned.
//! let first: Vec<f32> = (0..16).map(|i| ((i * 7) % 11) as f32).collect();
//! let second: Vec<f32> = first.chunks(2).flat_map(|xy| [-xy[1], xy[0]]).collect();
//! let mut grams = PackedGrams::new(2, 8)?;
//! grams.set_rows(0, &first)?;
//! grams.set_rows(1, &second)?;
//! let mut sums = CkaAccumulator::new(2);
//! sums.add(&grams)?;
//! let cka = sums.finish()?.cka;
//! assert!((cka.get(0, 1).unwrap_or(0.0) - 1.0).abs() < 1e-6);
//! # Ok::<(), blockscope::domain::cka::CkaError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod alloc;
pub mod app;
pub mod cli;
pub mod config;
pub mod data;
pub mod domain;
pub mod engine;
pub mod exit;
pub mod export;
pub mod files;
#[cfg(test)]
mod fixtures;
pub mod kernels;
pub mod lab;
pub mod log;
pub mod model;
pub mod quiet;
pub mod report;
pub mod runs;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod ui;
