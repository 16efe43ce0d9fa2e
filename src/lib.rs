//! blockscope: a terminal explorer for what neural networks learn, layer by
//! layer.
//!
//! The layers of the crate, each of which knows only those above it in this
//! list (see `docs/ARCHITECTURE.md`):
//!
//! - [`domain`]: the science and its results
//! - [`runs`]: the run folder

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod domain;
pub mod runs;
