//! The loop of a training, from wherever it stands. Between two steps all of it can be told
//! as a [`TrainState`], and one that goes on from that takes the same steps.

use std::time::Instant;

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::super::evaluate::{evaluate, fits, predicted};
use super::super::{Context, EngineError, Event};
use super::sgd::Sgd;
use super::{EpochReport, QUICK_TEST, TrainRequest, TrainState, Trained, cosine, unfilled};
use crate::data::Normaliser;
use crate::data::augment::crop_flip;
use crate::domain::record::{Evaluation, Keep};
use crate::domain::training::{Best, Position};
use crate::model::init::initial_state;
use crate::model::{Mode, Net, Snapshot, StateDict};

/// The stream of orders and augmentations, which do not depend on the network.
const STREAM: u64 = 1;

pub(super) fn run(
    mut request: TrainRequest,
    context: &Context<'_>,
) -> Result<Trained, EngineError> {
    let from = request.from.take();
    let TrainRequest { network, data, recipe, .. } = &request;
    fits(network, &data.train)?;
    fits(network, &data.test)?;
    if recipe.batch == 0 || request.subset.len() < recipe.batch {
        return Err(unfilled(recipe.batch, request.subset.len()).into());
    }
    context.check_room(network.training_bytes(recipe.batch), || {
        format!("training {} in batches of {}", network.title(), recipe.batch)
    })?;
    let mut session = Session::open(&request, from, context)?;
    let trained = session.train();
    // what asks a training to stop asks it to be able to go on
    if matches!(trained, Err(EngineError::Cancelled)) {
        session.tell()?;
    }
    trained
}

struct Session<'a> {
    request: &'a TrainRequest,
    context: &'a Context<'a>,
    plain: Device,
    device: Device,
    /// `None` only while a step replaces it.
    net: Option<Net>,
    sgd: Sgd,
    loss: CrossEntropyLoss,
    rng: ChaCha8Rng,
    normaliser: Normaliser,
    order: Vec<u32>,
    /// Steps of an epoch.
    steps: usize,
    /// Epoch, step and best are kept up to date; the rest by [`Session::snapshot`].
    at: Position,
    best: StateDict,
    loss_sum: Tensor<1>,
    hits: Tensor<1, Int>,
    /// Losses of this epoch's steps, of which the first was number `.0`.
    losses: (usize, Vec<Tensor<1>>),
    started: Instant,
    told: (Instant, (usize, usize)),
}

fn lost(error: impl std::fmt::Debug) -> EngineError {
    EngineError::Lost(format!("{error:?}"))
}

impl<'a> Session<'a> {
    /// A session at the start, or where `from` stands.
    fn open(
        request: &'a TrainRequest,
        from: Option<Box<TrainState>>,
        context: &'a Context<'a>,
    ) -> Result<Session<'a>, EngineError> {
        let TrainRequest { network, recipe, subset, .. } = request;
        let plain = context.device.device.clone();
        let device = plain.clone().autodiff();
        let steps = subset.len() / recipe.batch;
        let fresh = || TrainState {
            at: Position::default(),
            tensors: Snapshot {
                weights: initial_state(network, request.seed),
                order: subset.clone(),
                ..Snapshot::default()
            },
        };
        let resumed = from.is_some();
        let TrainState { at, tensors } = from.map_or_else(fresh, |from| *from);
        let wrong = |what: String| EngineError::Request(format!("the checkpoint has {what}"));
        let mut sorted = [tensors.order.clone(), subset.clone()];
        sorted.iter_mut().for_each(|indices| indices.sort_unstable());
        if sorted[0] != sorted[1] {
            return Err(wrong("an order of other images".into()));
        }
        if at.epoch > recipe.epochs || at.step > steps {
            return Err(wrong(format!("{} epochs and {} steps", at.epoch, at.step)));
        }
        let net = Net::from_state(network, &tensors.weights, &device)?;
        let mut sgd = Sgd::new(&net, recipe);
        if resumed {
            sgd.restore(&net, &tensors.velocity, &plain).map_err(wrong)?;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
        rng.set_stream(STREAM);
        rng.set_word_pos(u128::from(at.drawn));
        let now = Instant::now();
        Ok(Session {
            loss: CrossEntropyLossConfig::new().init(&device),
            normaliser: Normaliser::new(network.input().mean, network.input().std),
            loss_sum: Tensor::from_data(TensorData::new(vec![at.loss_sum], [1]), &plain),
            hits: Tensor::from_data(TensorData::new(vec![at.hits], [1]), &plain),
            losses: (at.step, Vec::new()),
            started: now,
            told: (now, (at.epoch, at.step)),
            order: tensors.order,
            best: tensors.best,
            net: Some(net),
            request,
            context,
            plain,
            device,
            sgd,
            rng,
            steps,
            at,
        })
    }

    fn net(&self) -> Result<&Net, EngineError> {
        self.net.as_ref().ok_or_else(|| EngineError::Panic("a step has failed before".into()))
    }

    fn train(&mut self) -> Result<Trained, EngineError> {
        while self.at.epoch < self.request.recipe.epochs {
            self.epoch()?;
        }
        let (request, context) = (self.request, self.context);
        let mut state = match request.recipe.keep {
            Keep::Best if self.at.best.is_some() => self.best.clone(),
            _ => self.state()?,
        };
        request.precision.round(&mut state);
        let net = Net::from_state(&request.network, &state, &self.plain)?;
        let (test, predictions) = predicted(&net, &request.data.test, context)?;
        let device = context.device.label.clone();
        let (best, seconds) = (self.at.best, self.seconds());
        Ok(Trained { state, best, test, predictions, device, seconds })
    }

    /// What is left of the present epoch.
    fn epoch(&mut self) -> Result<(), EngineError> {
        // nothing may end it between the draw of its order and its first step
        self.context.check_cancelled()?;
        let recipe = &self.request.recipe;
        let rate = cosine(recipe.learning_rate, self.at.epoch, recipe.epochs);
        if self.at.step == 0 {
            self.order.shuffle(&mut self.rng);
        }
        let total = recipe.epochs * self.steps;
        while self.at.step < self.steps {
            self.step(rate)?;
            self.at.step += 1;
            self.context.progress(self.at.epoch * self.steps + self.at.step, total, "steps");
            if self.snapshot_due() {
                self.tell()?;
            }
            self.context.check_cancelled()?;
        }
        let due = self.report(rate)?;
        self.at = Position { epoch: self.at.epoch + 1, step: 0, ..self.at };
        self.loss_sum = Tensor::zeros([1], &self.plain);
        self.hits = Tensor::zeros([1], &self.plain);
        self.losses = (0, Vec::new());
        match due || self.snapshot_due() {
            true => self.tell(),
            false => Ok(()),
        }
    }

    /// The next batch of the order.
    fn step(&mut self, rate: f64) -> Result<(), EngineError> {
        let TrainRequest { network, data, recipe, labels, .. } = self.request;
        let shape @ [c, h, w] = network.input().shape;
        let first = self.at.step * recipe.batch;
        let indices = &self.order[first..first + recipe.batch];
        let mut crop = vec![0u8; c * h * w];
        let mut pixels = Vec::with_capacity(indices.len() * crop.len());
        for index in indices {
            let image = data.train.image(*index as usize);
            match recipe.augments() {
                true => crop_flip(image, shape, &mut self.rng, &mut crop),
                false => crop.copy_from_slice(image),
            }
            self.normaliser.push(&crop, h * w, &mut pixels);
        }
        let x = TensorData::new(pixels, [indices.len(), c, h, w]);
        let x = Tensor::<4>::from_data(x, &self.device);
        let labels: Vec<i32> = indices.iter().map(|i| i32::from(labels[*i as usize])).collect();
        let labels = TensorData::new(labels, [indices.len()]);
        let targets = Tensor::<1, Int>::from_data(labels.clone(), &self.device);
        let logits = self.net()?.forward(x, Mode::Train);
        let value = self.loss.forward(logits.clone(), targets);
        self.loss_sum = self.loss_sum.clone() + value.clone().inner();
        self.losses.1.push(value.clone().inner());
        let best = logits.inner().argmax(1).flatten::<1>(0, 1);
        let labels = Tensor::<1, Int>::from_data(labels, &self.plain);
        self.hits = self.hits.clone() + best.equal(labels).int().sum();
        if let Some(net) = self.net.take() {
            let gradients = GradientsParams::from_grads(value.backward(), &net);
            self.net = Some(self.sgd.step(rate, net, gradients));
        }
        Ok(())
    }

    /// Tells what the epoch did; true if a checkpoint of it is due.
    fn report(&mut self, rate: f64) -> Result<bool, EngineError> {
        let TrainRequest { network, data, recipe, held_out, report_every, .. } = self.request;
        let (loss_sum, hits) = self.sums()?;
        let epoch = self.at.epoch + 1;
        let last = epoch == recipe.epochs;
        let due = *report_every > 0 && epoch.is_multiple_of(*report_every);
        let mut report = EpochReport {
            epoch,
            learning_rate: rate,
            train_loss: f64::from(loss_sum) / self.steps as f64,
            train_accuracy: hits as f64 / (self.steps * recipe.batch) as f64,
            test: None,
            validation: None,
            step: epoch * self.steps,
            seconds: self.seconds(),
            state: None,
        };
        if due || last || held_out.is_some() {
            let state = self.state()?;
            let tested = Net::from_state(network, &state, &self.plain)?;
            if due || last {
                report.test = Some(evaluate(&tested, &data.test, QUICK_TEST, self.context)?);
            }
            if let Some(images) = held_out {
                let found = evaluate(&tested, images, images.len(), self.context)?;
                report.validation = Some(found);
                self.choose(epoch, &found, &state);
            }
            report.state = due.then_some(state);
        }
        let _ = self.context.events.send(Event::Epoch(Box::new(report)));
        Ok(due || last)
    }

    /// Keeps the weights of an epoch if they are the best so far.
    fn choose(&mut self, epoch: usize, found: &Evaluation, state: &StateDict) {
        let better = self.at.best.is_none_or(|best| found.correct > best.correct);
        if self.request.recipe.keep == Keep::Best && better {
            self.at.best = Some(Best { epoch, correct: found.correct });
            self.best = state.clone();
        }
    }

    /// Sum of losses and hits of this epoch so far.
    fn sums(&self) -> Result<(f32, i64), EngineError> {
        let loss_sum = self.loss_sum.clone().try_into_scalar::<f32>().map_err(lost)?;
        let hits = self.hits.clone().try_into_scalar::<i64>().map_err(lost)?;
        match loss_sum.is_finite() {
            true => Ok((loss_sum, hits)),
            false => Err(self.diverged(self.first_bad()?)),
        }
    }

    /// The first step of this epoch whose loss is not finite, from 1; the last one where
    /// only their sum is not.
    fn first_bad(&self) -> Result<usize, EngineError> {
        let (first, losses) = &self.losses;
        for (at, loss) in losses.iter().enumerate() {
            if !loss.clone().try_into_scalar::<f32>().map_err(lost)?.is_finite() {
                return Ok(first + at + 1);
            }
        }
        Ok(self.at.step)
    }

    fn diverged(&self, step: usize) -> EngineError {
        let Position { epoch, .. } = self.at;
        // what is found at an epoch's end is of its last step
        let (epoch, step) = match (epoch, step) {
            (1.., 0) => (epoch, epoch * self.steps),
            _ => (epoch + 1, epoch * self.steps + step),
        };
        EngineError::Diverged { epoch, step }
    }

    /// The weights, which are finite.
    fn state(&self) -> Result<StateDict, EngineError> {
        let state = self.net()?.to_state().map_err(EngineError::Lost)?;
        match state.is_finite() {
            true => Ok(state),
            false => Err(self.diverged(self.at.step)),
        }
    }

    fn seconds(&self) -> f64 {
        self.at.seconds + self.started.elapsed().as_secs_f64()
    }

    fn snapshot_due(&self) -> bool {
        self.request.snapshot_every.is_some_and(|every| self.told.0.elapsed() >= every)
    }

    /// Tells where it stands, unless that is known.
    fn tell(&mut self) -> Result<(), EngineError> {
        let here = (self.at.epoch, self.at.step);
        if self.told.1 != here {
            let state = self.snapshot()?;
            self.told = (Instant::now(), here);
            let _ = self.context.events.send(Event::Snapshot(Box::new(state)));
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<TrainState, EngineError> {
        let (loss_sum, hits) = self.sums()?;
        let drawn = u64::try_from(self.rng.get_word_pos()).map_err(lost)?;
        let at = Position { drawn, loss_sum, hits, seconds: self.seconds(), ..self.at };
        let weights = self.state()?;
        let velocity = self.sgd.velocities(self.net()?).map_err(EngineError::Lost)?;
        if !velocity.is_finite() {
            return Err(self.diverged(self.at.step));
        }
        let (best, order) = (self.best.clone(), self.order.clone());
        Ok(TrainState { at, tensors: Snapshot { weights, velocity, best, order } })
    }
}
