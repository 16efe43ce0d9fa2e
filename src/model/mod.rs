//! Burn networks: construction from host tensors, the one forward path that
//! offers every layer to a tap, activation capture, and weights in and out.
//!
//! Beside `kernels` and `engine` the only part that knows burn. Knows nothing of
//! runs, screens or commands.

mod build;
pub mod capture;
pub mod components;
mod forward;
pub mod infer;
pub mod init;
pub mod net;
pub mod prune;
mod select;
pub mod snapshot;
pub mod state;
mod torch;
pub mod weights;

pub use capture::GramTap;
pub use components::{ComponentTap, Spent};
pub use forward::{Activation, Wanted};
pub use infer::{Overrides, infer};
pub use net::{Mode, Net};
pub use snapshot::{Snapshot, read_snapshot, write_snapshot};
pub use state::{HostTensor, Mismatch, StateDict};
pub use weights::{WeightsError, read_weights, write_safetensors};
