//! Where a training stands between two steps, beside its tensors. Plain numbers that the
//! engine gives and takes and the run folder stores: add fields with `#[serde(default)]`.

use serde::{Deserialize, Serialize};

/// Where a training stands between two steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that have ended and were reported.
    pub epoch: usize,
    /// Steps done in the epoch after them. At 0 its order is not drawn yet; at all of them
    /// its report is what comes next.
    pub step: usize,
    /// 32-bit words that were drawn from the seed's stream of orders and augmentations.
    pub drawn: u64,
    /// Sum of the losses of those steps, in nats.
    pub loss_sum: f32,
    /// Images of those steps that were right.
    pub hits: i64,
    /// Seconds that were spent on the training so far, over all processes.
    pub seconds: f64,
    /// The epoch whose weights are the best so far, where the best are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

/// The best epoch so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Held-out images that it was right about.
    pub correct: usize,
}

impl Position {
    /// Checks what must hold whatever the training.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if !self.loss_sum.is_finite() {
            return Err(format!("a loss of {} is no number", self.loss_sum));
        }
        if self.hits < 0 {
            return Err(format!("{} hits", self.hits));
        }
        if !(self.seconds >= 0.0 && self.seconds.is_finite()) {
            return Err(format!("{} seconds", self.seconds));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_training_has_are_refused() {
        assert_eq!(Position::default().check(), Ok(()));
        for bad in [
            Position { loss_sum: f32::NAN, ..Position::default() },
            Position { hits: -1, ..Position::default() },
            Position { seconds: f64::INFINITY, ..Position::default() },
            Position { seconds: -1.0, ..Position::default() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
