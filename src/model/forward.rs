//! The one forward path. It offers every layer of [`ModelSpec::layers`] to a tap,
//! in order; passes without a tap, passes that start at a block and passes with
//! deleted blocks are the same code.
//!
//! A deleted block computes `relu(x)` (science notes §1.6). Its input comes from
//! a ReLU, so that is `x` itself, and nothing is computed. Its layers are not
//! offered; the others keep their indices.
//!
//! [`ModelSpec::layers`]: crate::domain::ModelSpec::layers

use std::convert::Infallible;

use burn::tensor::Tensor;

use super::resnet::{Affine, Block, Mode, ResNet};
use crate::domain::{Bypass, ResidualBlock, Shortcut};
use crate::kernels;

/// A layer's output as the tap sees it.
#[derive(Debug, Clone, Copy)]
pub enum Activation<'a> {
    /// `[batch, channels, height, width]`.
    Map(&'a Tensor<4>),
    /// The same, of a layer that a batch norm in evaluation mode takes up: layer
    /// number `norm` is this one times `scale` (`[channels]`) and shifted.
    BeforeNorm {
        /// `[batch, channels, height, width]`.
        map: &'a Tensor<4>,
        /// What the norm multiplies each channel by.
        scale: &'a Tensor<1>,
        /// What it then adds to each channel.
        shift: &'a Tensor<1>,
        /// The norm's index in the layer list.
        norm: usize,
    },
    /// `[batch, features]`.
    Vector(&'a Tensor<2>),
}

/// What a tap still wants to see after [`Activation::BeforeNorm`]. What it does
/// not want is fused into one pass over memory. Other layers' answers change
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Every layer.
    All,
    /// Every layer but the norm.
    NotTheNorm,
    /// Nothing before the next ReLU.
    NextRelu,
}

/// Offers layers to a tap with their indices.
struct Offers<T> {
    index: usize,
    tap: T,
    /// Nobody looks: convolutions, norms, sums and ReLUs may be one pass.
    unseen: bool,
}

impl<E, T: FnMut(usize, Activation<'_>) -> Result<Wanted, E>> Offers<T> {
    fn offer(&mut self, activation: Activation<'_>) -> Result<(), E> {
        self.index += 1;
        (self.tap)(self.index - 1, activation).map(|_| ())
    }

    /// The layer `behind` this one is its norm.
    fn before_norm(
        &mut self,
        map: &Tensor<4>,
        affine: Option<&Affine>,
        behind: usize,
    ) -> Result<Wanted, E> {
        let Some(Affine { scale, shift }) = affine else {
            return self.offer(Activation::Map(map)).map(|()| Wanted::All);
        };
        self.index += 1;
        let at = self.index - 1;
        (self.tap)(at, Activation::BeforeNorm { map, scale, shift, norm: at + behind })
    }

    fn skip(&mut self, layers: usize) {
        self.index += layers;
    }
}

/// Offers to nobody.
fn unseen<E>() -> Offers<impl FnMut(usize, Activation<'_>) -> Result<Wanted, E>> {
    Offers { index: 0, tap: |_: usize, _: Activation<'_>| Ok(Wanted::NextRelu), unseen: true }
}

impl ResNet {
    /// Runs a batch `[n, channels, height, width]` and returns the logits
    /// `[n, classes]`.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.forward_without(x, mode, &Bypass::none())
    }

    /// The same without some blocks.
    pub fn forward_without(&self, x: Tensor<4>, mode: Mode, bypass: &Bypass) -> Tensor<2> {
        let mut offers = unseen::<Infallible>();
        let run = |_: ResidualBlock, _: &Tensor<4>| Ok(());
        let logits = self
            .stem(x, mode, &mut offers)
            .and_then(|x| self.rest(x, None, mode, bypass, &mut offers, run));
        match logits {
            Ok(logits) => logits,
            Err(never) => match never {},
        }
    }

    /// Runs a batch without the blocks of `bypass` and offers every other layer's
    /// output to `tap`, with the layer's index in the full layer list, in order.
    ///
    /// # Errors
    /// The tap's first error, which ends the pass.
    pub fn forward_tapped<E>(
        &self,
        x: Tensor<4>,
        mode: Mode,
        bypass: &Bypass,
        tap: impl FnMut(usize, Activation<'_>) -> Result<Wanted, E>,
    ) -> Result<Tensor<2>, E> {
        let mut offers = Offers { index: 0, tap, unseen: false };
        let x = self.stem(x, mode, &mut offers)?;
        self.rest(x, None, mode, bypass, &mut offers, |_, _| Ok(()))
    }

    /// Runs a batch in evaluation mode and shows the input of every block to
    /// `each`, before the block runs.
    ///
    /// # Errors
    /// The first error of `each`, which ends the pass.
    pub fn forward_by_blocks<E>(
        &self,
        x: Tensor<4>,
        each: impl FnMut(ResidualBlock, &Tensor<4>) -> Result<(), E>,
    ) -> Result<Tensor<2>, E> {
        let mut offers = unseen::<E>();
        let x = self.stem(x, Mode::Evaluate, &mut offers)?;
        self.rest(x, None, Mode::Evaluate, &Bypass::none(), &mut offers, each)
    }

    /// Runs the network from `block` on, of which `x` is the input, in evaluation
    /// mode, and returns the logits.
    pub fn forward_from(&self, block: ResidualBlock, x: Tensor<4>, bypass: &Bypass) -> Tensor<2> {
        let mut offers = unseen::<Infallible>();
        let each = |_: ResidualBlock, _: &Tensor<4>| Ok(());
        match self.rest(x, Some(block), Mode::Evaluate, bypass, &mut offers, each) {
            Ok(logits) => logits,
            Err(never) => match never {},
        }
    }

    fn stem<E, T>(&self, x: Tensor<4>, mode: Mode, offers: &mut Offers<T>) -> Result<Tensor<4>, E>
    where
        T: FnMut(usize, Activation<'_>) -> Result<Wanted, E>,
    {
        if offers.unseen && mode == Mode::Evaluate {
            offers.skip(3);
            return Ok(self.conv1.forward_fused(x, self.bn1.affine(), None));
        }
        let x = self.conv1.forward(x);
        let affine = self.bn1.prepare(mode);
        let wanted = offers.before_norm(&x, affine.as_ref(), 1)?;
        let x = match (affine, wanted) {
            (Some(affine), Wanted::NotTheNorm | Wanted::NextRelu) => {
                offers.skip(1);
                kernels::affine_channels_then(x, affine.scale, affine.shift, None, true)
            }
            (affine, _) => {
                let y = self.bn1.forward(x, affine);
                offers.offer(Activation::Map(&y))?;
                kernels::relu(y)
            }
        };
        offers.offer(Activation::Map(&x))?;
        Ok(x)
    }

    /// Everything behind the stem, or behind the blocks before `from`.
    fn rest<E, T>(
        &self,
        mut x: Tensor<4>,
        from: Option<ResidualBlock>,
        mode: Mode,
        bypass: &Bypass,
        offers: &mut Offers<T>,
        mut each: impl FnMut(ResidualBlock, &Tensor<4>) -> Result<(), E>,
    ) -> Result<Tensor<2>, E>
    where
        T: FnMut(usize, Activation<'_>) -> Result<Wanted, E>,
    {
        for (id, block) in self.blocks().filter(|(id, _)| from.is_none_or(|from| *id >= from)) {
            each(id, &x)?;
            x = match bypass.contains(id) {
                true => {
                    offers.skip(block.layers(self.spec.residual));
                    x
                }
                false => self.run_block(block, x, mode, offers)?,
            };
        }
        let [n, channels, _, _] = x.dims();
        let pooled: Tensor<2> = x.mean_dim(3).mean_dim(2).reshape([n, channels]);
        offers.offer(Activation::Vector(&pooled))?;
        let weight = self.linear.weight.val().transpose();
        let logits = pooled.matmul(weight) + self.linear.bias.val().unsqueeze();
        offers.offer(Activation::Vector(&logits))?;
        Ok(logits)
    }

    fn run_block<E, T>(
        &self,
        block: &Block,
        x: Tensor<4>,
        mode: Mode,
        offers: &mut Offers<T>,
    ) -> Result<Tensor<4>, E>
    where
        T: FnMut(usize, Activation<'_>) -> Result<Wanted, E>,
    {
        if offers.unseen && mode == Mode::Evaluate {
            offers.skip(block.layers(self.spec.residual));
            return Ok(self.run_unseen(block, x));
        }
        let mut y = block.conv1.forward(x.clone());
        let affine = block.bn1.prepare(mode);
        let wanted = offers.before_norm(&y, affine.as_ref(), 1)?;
        y = match (affine, wanted) {
            (Some(affine), Wanted::NotTheNorm | Wanted::NextRelu) => {
                offers.skip(1);
                kernels::affine_channels_then(y, affine.scale, affine.shift, None, true)
            }
            (affine, _) => {
                let y = block.bn1.forward(y, affine);
                offers.offer(Activation::Map(&y))?;
                kernels::relu(y)
            }
        };
        offers.offer(Activation::Map(&y))?;
        y = block.conv2.forward(y);
        let affine = block.bn2.prepare(mode);
        let residual = self.spec.residual;
        let projects = residual && block.shortcut.is_some();
        let wanted = offers.before_norm(&y, affine.as_ref(), 1 + usize::from(projects))?;
        let skip = match (&block.shortcut, residual) {
            (_, false) => None,
            (None, true) => Some(self.pad_shortcut(x, &y)),
            (Some(shortcut), true) => {
                let projected = shortcut.forward(x);
                offers.offer(Activation::Map(&projected))?;
                Some(projected)
            }
        };
        match (affine, wanted) {
            (Some(Affine { scale, shift }), Wanted::NextRelu) => {
                offers.skip(1 + usize::from(residual));
                y = kernels::affine_channels_then(y, scale, shift, skip, true);
            }
            (Some(Affine { scale, shift }), Wanted::NotTheNorm) => {
                offers.skip(1);
                y = kernels::affine_channels_then(y, scale, shift, skip, !residual);
                if residual {
                    offers.offer(Activation::Map(&y))?;
                    y = kernels::relu(y);
                }
            }
            (affine, _) => {
                y = block.bn2.forward(y, affine);
                offers.offer(Activation::Map(&y))?;
                if let Some(skip) = skip {
                    y = kernels::add(y, skip);
                    offers.offer(Activation::Map(&y))?;
                }
                y = kernels::relu(y);
            }
        }
        offers.offer(Activation::Map(&y))?;
        Ok(y)
    }

    /// A block in evaluation mode whose layers nobody looks at.
    fn run_unseen(&self, block: &Block, x: Tensor<4>) -> Tensor<4> {
        let y = block.conv1.forward_fused(x.clone(), block.bn1.affine(), None);
        let skip = match (&block.shortcut, self.spec.residual) {
            (_, false) => None,
            (None, true) => Some(self.pad_shortcut(x, &y)),
            (Some(shortcut), true) => Some(shortcut.forward(x)),
        };
        block.conv2.forward_fused(y, block.bn2.affine(), skip)
    }

    /// He et al.'s option A: every second pixel, zero channels on both sides.
    /// The identity where shapes agree.
    fn pad_shortcut(&self, x: Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
        let [n, from, _, _] = x.dims();
        let [_, to, h, w] = like.dims();
        if from == to || self.spec.shortcut == Shortcut::Projection {
            return x;
        }
        let device = x.device();
        let kept = x.slice(burn::tensor::s![.., .., 0..;2, 0..;2]);
        let before = (to - from) / 2;
        let zeros = |channels| Tensor::<4>::zeros([n, channels, h, w], &device);
        Tensor::cat(vec![zeros(before), kept, zeros(to - from - before)], 1)
    }
}

impl Block {
    /// How many layers of the list it has.
    fn layers(&self, residual: bool) -> usize {
        6 + usize::from(residual) + usize::from(residual && self.shortcut.is_some())
    }
}
