//! Accuracy and loss of a network over images, in evaluation mode.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::{Context, EngineError, Task};
use crate::data::{ImageSet, batch_f32};
use crate::domain::Network;
use crate::domain::predictions::Predictions;
use crate::domain::record::Evaluation;
use crate::model::{Mode, Net, StateDict};

/// Images per forward pass.
pub(crate) const BATCH: usize = 256;

/// A request to run `state` over all `images`.
#[derive(Debug)]
pub struct EvaluateRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
}

/// Accuracy, loss and every prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// Accuracy and loss.
    pub test: Evaluation,
    /// What is predicted for every image.
    pub predictions: Predictions,
    /// The device, in words.
    pub device: String,
}

impl Task for EvaluateRequest {
    type Output = Predicted;

    fn run(self, context: &Context<'_>) -> Result<Predicted, EngineError> {
        fits(&self.network, &self.images)?;
        let net = context.network(&self.network, &self.state)?;
        let (test, predictions) = predicted(&net, &self.images, context)?;
        Ok(Predicted { test, predictions, device: context.device.label.clone() })
    }
}

/// Refuses images that the network cannot take.
pub(crate) fn fits(network: &Network, images: &ImageSet) -> Result<(), EngineError> {
    if images.shape() != network.input().shape {
        return Err(EngineError::Request(format!(
            "the images are {:?} (channels, height, width), the network takes {:?}; give the data it was made for",
            images.shape(),
            network.input().shape
        )));
    }
    let labels = (0..images.len()).map(|i| usize::from(images.label(i)));
    match labels.max() {
        None => Err(EngineError::Request("there are no images to run".into())),
        Some(label) if label >= network.classes() => Err(EngineError::Request(format!(
            "the images have label {label}, the network only {} classes; give the data it was made for",
            network.classes()
        ))),
        Some(_) => Ok(()),
    }
}

/// A batch of images as a tensor `[n, channels, height, width]`, preprocessed.
pub(crate) fn upload(
    network: &Network,
    images: &ImageSet,
    indices: &[u32],
    device: &Device,
) -> Tensor<4> {
    let mut pixels = Vec::new();
    batch_f32(images, indices, network.input().mean, network.input().std, &mut pixels);
    let [c, h, w] = images.shape();
    Tensor::from_data(TensorData::new(pixels, [indices.len(), c, h, w]), device)
}

/// Evaluates the first `limit` images and reports no progress.
pub(crate) fn evaluate(
    net: &Net,
    images: &ImageSet,
    limit: usize,
    context: &Context<'_>,
) -> Result<Evaluation, EngineError> {
    each_logits(net, images, limit, context, false, |_, _, _| {})
}

/// Evaluates all images and keeps what is predicted for each.
pub(crate) fn predicted(
    net: &Net,
    images: &ImageSet,
    context: &Context<'_>,
) -> Result<(Evaluation, Predictions), EngineError> {
    let mut found = Predictions::default();
    let test = each_logits(net, images, images.len(), context, true, |index, label, logits| {
        let (best, confidence) = choice(logits);
        found.images.push(index);
        found.labels.push(label as u16);
        found.predicted.push(best as u16);
        found.confidence.push(confidence as f32);
    })?;
    Ok((test, found))
}

/// Evaluates the first `limit` images and hands on every image's index, label
/// and logits.
fn each_logits(
    net: &Net,
    images: &ImageSet,
    limit: usize,
    context: &Context<'_>,
    report: bool,
    mut on: impl FnMut(u32, usize, &[f32]),
) -> Result<Evaluation, EngineError> {
    let total = limit.min(images.len());
    let all: Vec<u32> = (0..total as u32).collect();
    let mut correct = 0;
    let mut loss = 0.0f64;
    for (at, indices) in all.chunks(BATCH).enumerate() {
        context.check_cancelled()?;
        let device = context.device.device.clone();
        let x = upload(net.network(), images, indices, &device);
        let logits = net.forward(x, Mode::Evaluate);
        let data = logits.try_into_data().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
        let rows = data.try_into_vec::<f32>().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
        for (row, index) in rows.chunks_exact(net.network().classes()).zip(indices) {
            let label = usize::from(images.label(*index as usize));
            on(*index, label, row);
            let (hit, nats) = score(row, label);
            correct += usize::from(hit);
            loss += nats;
        }
        if report {
            context.progress((at * BATCH + indices.len()).min(total), total, "images");
        }
    }
    Ok(Evaluation { examples: total, correct, loss: loss / total.max(1) as f64 })
}

/// Place of the largest logit, the first of equals.
fn largest(logits: &[f32]) -> usize {
    let mut best = 0;
    for (at, v) in logits.iter().enumerate() {
        if *v > logits[best] {
            best = at;
        }
    }
    best
}

/// Place of the largest logit (the first of equals) and its softmax
/// probability, in f64. Logits that are no numbers give no confidence: 0.
fn choice(logits: &[f32]) -> (usize, f64) {
    let best = largest(logits);
    let top = f64::from(logits[best]);
    let sum: f64 = logits.iter().map(|v| (f64::from(*v) - top).exp()).sum();
    let confidence = 1.0 / sum;
    (best, if confidence.is_finite() { confidence.min(1.0) } else { 0.0 })
}

/// Whether the largest logit (the first of equals) is the label, and the
/// cross-entropy in nats, in f64.
pub(super) fn score(logits: &[f32], label: usize) -> (bool, f64) {
    let best = largest(logits);
    let top = f64::from(logits[best]);
    let sum: f64 = logits.iter().map(|v| (f64::from(*v) - top).exp()).sum();
    // what is no number is no answer, whatever its place
    let answered = !logits.iter().any(|v| v.is_nan());
    (answered && best == label, sum.ln() + top - f64::from(logits[label]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_the_largest_logit_with_its_probability() {
        let (best, confidence) = choice(&[0.0, 2f32.ln(), 0.0]);
        assert!(best == 1 && (confidence - 0.5).abs() < 1e-7);
        assert_eq!(choice(&[3.0, 3.0]), (0, 0.5));
        assert_eq!(choice(&[f32::NAN, 1.0]).1, 0.0);
        let (best, confidence) = choice(&[-1e30, 1e30]);
        assert!(best == 1 && confidence == 1.0);
    }

    #[test]
    fn scores_are_log_softmax() {
        let (hit, loss) = score(&[0.0, 0.0], 0);
        assert!(hit && (loss - 2f64.ln()).abs() < 1e-12);
        let (hit, loss) = score(&[1000.0, 0.0, 3.0], 2);
        assert!(!hit && (loss - 997.0).abs() < 1e-9);
        // a network whose activations overflow is right about nothing
        let (hit, loss) = score(&[f32::NAN, f32::NAN], 0);
        assert!(!hit && loss.is_nan());
    }
}
