//! The one forward path: an interpreter that goes through a network's nodes in order and
//! offers every layer to a tap. Passes without a tap, passes that start in the middle and
//! passes without some blocks ([`Net::without`]) are the same code.
//!
//! Nothing is computed before it is needed: in evaluation mode a convolution whose output
//! nobody looks at, and a norm that nobody wants to see, wait for what comes behind them
//! ([`Value`]), so that convolution, norm, sum and ReLU become one pass over memory. This
//! is a rule about neighbouring nodes; no order of layers is spelled here.

use std::convert::Infallible;

use burn::tensor::{Tensor, s};

use super::net::{Affine, Conv, Mode, Net, Norm, Slot};
use crate::domain::ResidualBlock;
use crate::domain::network::{BlockSpan, Node, NodeId, Op};
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

/// The value of a node, or what it will be made of.
enum Value<'a> {
    /// A map.
    Map(Tensor<4>),
    /// A vector.
    Vector(Tensor<2>),
    /// A convolution that was not run yet.
    Conv(Box<WaitingConv<'a>>),
    /// A map that was offered with the norm behind it.
    Offered(Box<WaitingNorm>),
    /// A map with a norm that was not run yet.
    Normed(Box<WaitingNorm>),
}

/// A convolution of `x`, and what came behind it.
struct WaitingConv<'a> {
    conv: &'a Conv,
    x: Tensor<4>,
    norm: Option<&'a Norm>,
    /// What is to be added.
    skip: Option<Tensor<4>>,
}

/// A map and the norm behind it.
struct WaitingNorm {
    map: Tensor<4>,
    affine: Affine,
    /// What is to be added.
    skip: Option<Tensor<4>>,
    /// How much of what follows somebody wants to see.
    wanted: Wanted,
}

/// One pass.
struct Pass<'a, T> {
    net: &'a Net,
    mode: Mode,
    /// Offers a layer by its index; `None` where nobody looks at anything.
    tap: Option<T>,
    values: Vec<Option<Value<'a>>>,
    /// How often each node's value is still needed.
    users: Vec<usize>,
}

/// A tap's type where there is none.
type NoTap<E> = fn(usize, Activation<'_>) -> Result<Wanted, E>;

impl Net {
    /// Runs a batch `[n, channels, height, width]` and returns the logits
    /// `[n, classes]`.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        let pass = Pass::<NoTap<Infallible>>::new(self, mode, None);
        never(pass.run(NodeId::INPUT, x, |_, _| Ok(())))
    }

    /// Runs a batch and offers every layer's output to `tap`, with the layer's index in
    /// the full layer list, in order.
    ///
    /// # Errors
    /// The tap's first error, which ends the pass.
    pub fn forward_tapped<E>(
        &self,
        x: Tensor<4>,
        mode: Mode,
        tap: impl FnMut(usize, Activation<'_>) -> Result<Wanted, E>,
    ) -> Result<Tensor<2>, E> {
        Pass::new(self, mode, Some(tap)).run(NodeId::INPUT, x, |_, _| Ok(()))
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
        Pass::<NoTap<E>>::new(self, Mode::Evaluate, None).run(NodeId::INPUT, x, each)
    }

    /// Runs the network in evaluation mode from behind the node `from`, whose value `x`
    /// is, and returns the logits. Everything behind it has to come from it alone.
    pub fn forward_from(&self, from: NodeId, x: Tensor<4>) -> Tensor<2> {
        let pass = Pass::<NoTap<Infallible>>::new(self, Mode::Evaluate, None);
        never(pass.run(from, x, |_, _| Ok(())))
    }
}

fn never<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

impl<'a, E, T: FnMut(usize, Activation<'_>) -> Result<Wanted, E>> Pass<'a, T> {
    fn new(net: &'a Net, mode: Mode, tap: Option<T>) -> Pass<'a, T> {
        let values = net.network().nodes().iter().map(|_| None).collect();
        Pass { net, mode, tap, values, users: net.network().users() }
    }

    /// Runs what is behind `from`, whose value is `x`.
    fn run(
        mut self,
        from: NodeId,
        x: Tensor<4>,
        mut each: impl FnMut(ResidualBlock, &Tensor<4>) -> Result<(), E>,
    ) -> Result<Tensor<2>, E> {
        let network = self.net.network();
        self.values[from.index()] = Some(Value::Map(x));
        let spans = network.blocks();
        let mut blocks = spans.iter().peekable();
        for (id, node) in network.each().skip(from.index() + 1) {
            if let Some(span) = blocks.next_if(|span| span.first == id) {
                self.show(span, &mut each)?;
            }
            let value = self.step(id, node)?;
            self.values[id.index()] = Some(value);
        }
        match self.take(network.output()) {
            Value::Vector(logits) => Ok(logits),
            other => Ok(other.map().flatten(1, 3)),
        }
    }

    /// Shows a block's input.
    fn show(
        &mut self,
        span: &BlockSpan,
        each: &mut impl FnMut(ResidualBlock, &Tensor<4>) -> Result<(), E>,
    ) -> Result<(), E> {
        let value = &mut self.values[span.input.index()];
        if let Some(waiting) = value.take() {
            let map = waiting.map();
            each(span.block, &map)?;
            *value = Some(Value::Map(map));
        }
        Ok(())
    }

    /// The value of a node, which is let go of when nobody needs it any more.
    fn take(&mut self, id: NodeId) -> Value<'a> {
        let (value, users) = (&mut self.values[id.index()], &mut self.users[id.index()]);
        *users = users.saturating_sub(1);
        match (value.take(), *users) {
            (Some(last), 0) => last,
            (Some(Value::Vector(x)), _) => {
                *value = Some(Value::Vector(x.clone()));
                Value::Vector(x)
            }
            // what several nodes read is computed once
            (Some(shared), _) => {
                let map = shared.map();
                *value = Some(Value::Map(map.clone()));
                Value::Map(map)
            }
            (None, _) => unreachable!("nodes come in topological order"),
        }
    }

    fn offer(&mut self, node: &Node, activation: Activation<'_>) -> Result<(), E> {
        if let (Some(tap), Some(layer)) = (&mut self.tap, node.layer) {
            tap(layer, activation)?;
        }
        Ok(())
    }

    /// Offers a map that was computed.
    fn seen(&mut self, node: &Node, map: Tensor<4>) -> Result<Value<'a>, E> {
        self.offer(node, Activation::Map(&map))?;
        Ok(Value::Map(map))
    }

    /// The norm that alone reads a node, with its place in the layer list.
    fn norm_behind(&self, id: NodeId) -> Option<(&'a Norm, usize)> {
        let reader = self.net.route.only_readers[id.index()]?;
        let index = self.net.network().node(reader).layer?;
        match self.net.route.slots[reader.index()] {
            Slot::Norm(at) => Some((&self.net.norms[at], index)),
            _ => None,
        }
    }

    fn step(&mut self, id: NodeId, node: &Node) -> Result<Value<'a>, E> {
        let input = |at: usize| node.inputs.get(at).copied().unwrap_or(NodeId::INPUT);
        let evaluates = self.mode == Mode::Evaluate;
        let net = self.net;
        match net.route.slots[id.index()] {
            Slot::Conv(at) => {
                let x = self.take(input(0)).map();
                let conv = &net.convs[at];
                let norm = self.norm_behind(id).filter(|_| evaluates);
                let Some((norm, index)) = norm else {
                    return self.seen(node, conv.forward(x));
                };
                let (Some(tap), Some(layer)) = (&mut self.tap, node.layer) else {
                    let waiting = WaitingConv { conv, x, norm: None, skip: None };
                    return Ok(Value::Conv(Box::new(waiting)));
                };
                let (map, affine) = (conv.forward(x), norm.affine());
                let Affine { scale, shift } = &affine;
                let shown = Activation::BeforeNorm { map: &map, scale, shift, norm: index };
                let wanted = tap(layer, shown)?;
                Ok(Value::Offered(Box::new(WaitingNorm { map, affine, skip: None, wanted })))
            }
            Slot::Norm(at) => {
                let norm = &net.norms[at];
                match self.take(input(0)) {
                    Value::Conv(mut waiting) if waiting.norm.is_none() => {
                        waiting.norm = Some(norm);
                        Ok(Value::Conv(waiting))
                    }
                    Value::Offered(waiting) if waiting.wanted == Wanted::All => {
                        let WaitingNorm { map, affine: Affine { scale, shift }, .. } = *waiting;
                        self.seen(node, kernels::affine_channels(map, scale, shift))
                    }
                    Value::Offered(waiting) => Ok(Value::Normed(waiting)),
                    other if evaluates => {
                        let Affine { scale, shift } = norm.affine();
                        let y = kernels::affine_channels(other.map(), scale, shift);
                        self.seen(node, y)
                    }
                    other => {
                        let y = norm.forward_train(other.map());
                        self.seen(node, y)
                    }
                }
            }
            Slot::Linear(at) => {
                let x = match self.take(input(0)) {
                    Value::Vector(x) => x,
                    other => other.map().flatten(1, 3),
                };
                let y = net.linears[at].forward(x);
                self.offer(node, Activation::Vector(&y))?;
                Ok(Value::Vector(y))
            }
            Slot::None => self.plain(node, input),
        }
    }

    /// A node without parameters.
    fn plain(&mut self, node: &Node, input: impl Fn(usize) -> NodeId) -> Result<Value<'a>, E> {
        match node.op {
            Op::Add => {
                let (a, b) = (self.take(input(0)), self.take(input(1)));
                // one of the two may wait for the sum; the other is computed
                let (branch, skip) = if a.takes_a_skip() { (a, b) } else { (b, a) };
                let skip = skip.map();
                match branch {
                    Value::Conv(mut waiting) if waiting.skip.is_none() => {
                        waiting.skip = Some(skip);
                        Ok(Value::Conv(waiting))
                    }
                    Value::Normed(mut waiting) if waiting.skip.is_none() => {
                        waiting.skip = Some(skip);
                        match waiting.wanted {
                            Wanted::NextRelu => Ok(Value::Normed(waiting)),
                            _ => self.seen(node, Value::Normed(waiting).map()),
                        }
                    }
                    other => self.seen(node, kernels::add(other.map(), skip)),
                }
            }
            Op::Relu => {
                let y = match self.take(input(0)) {
                    Value::Conv(waiting) => match *waiting {
                        WaitingConv { conv, x, norm: Some(norm), skip } => {
                            conv.forward_relu(x, norm.affine(), skip)
                        }
                        other => kernels::relu(Value::Conv(Box::new(other)).map()),
                    },
                    Value::Normed(waiting) => {
                        let WaitingNorm { map, affine: Affine { scale, shift }, skip, .. } =
                            *waiting;
                        kernels::affine_channels_then(map, scale, shift, skip, true)
                    }
                    other => kernels::relu(other.map()),
                };
                self.seen(node, y)
            }
            Op::Pad { stride } => {
                let x = self.take(input(0)).map();
                self.seen(node, pad(x, stride, &node.shape))
            }
            Op::GlobalPool => {
                let x = self.take(input(0)).map();
                let [n, channels, _, _] = x.dims();
                let pooled: Tensor<2> = x.mean_dim(3).mean_dim(2).reshape([n, channels]);
                self.offer(node, Activation::Vector(&pooled))?;
                Ok(Value::Vector(pooled))
            }
            Op::Input | Op::Conv { .. } | Op::Norm { .. } | Op::Linear => {
                unreachable!("{} is the input or has parameters", node.name)
            }
        }
    }
}

impl Value<'_> {
    /// The value itself, as a map; a vector is one of one pixel.
    fn map(self) -> Tensor<4> {
        match self {
            Value::Map(map) => map,
            Value::Offered(waiting) => waiting.map,
            Value::Vector(x) => {
                let [n, features] = x.dims();
                x.reshape([n, features, 1, 1])
            }
            Value::Conv(waiting) => {
                let WaitingConv { conv, x, norm, skip } = *waiting;
                let y = match norm {
                    Some(norm) => conv.forward_affine(x, norm.affine()),
                    None => conv.forward(x),
                };
                match skip {
                    Some(skip) => kernels::add(y, skip),
                    None => y,
                }
            }
            Value::Normed(waiting) => {
                let WaitingNorm { map, affine: Affine { scale, shift }, skip, .. } = *waiting;
                match skip {
                    None => kernels::affine_channels(map, scale, shift),
                    skip => kernels::affine_channels_then(map, scale, shift, skip, false),
                }
            }
        }
    }

    /// True if it waits, and a sum can be part of what it waits for.
    fn takes_a_skip(&self) -> bool {
        match self {
            Value::Conv(waiting) => waiting.skip.is_none(),
            Value::Normed(waiting) => waiting.skip.is_none(),
            _ => false,
        }
    }
}

/// Every `stride`-th pixel, zero channels on both sides up to `shape`.
fn pad(x: Tensor<4>, stride: usize, shape: &[usize]) -> Tensor<4> {
    let [n, from, _, _] = x.dims();
    let device = x.device();
    let stride = stride as isize;
    let kept = x.slice(s![.., .., 0..;stride, 0..;stride]);
    let [_, _, h, w] = kept.dims();
    let more = shape.first().map_or(0, |to| to.saturating_sub(from));
    let before = more / 2;
    let zeros = |channels| Tensor::<4>::zeros([n, channels, h, w], &device);
    Tensor::cat(vec![zeros(before), kept, zeros(more - before)], 1)
}

#[cfg(test)]
mod tests;
