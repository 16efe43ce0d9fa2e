//! The backward passes of the operators. They are written in terms of
//! [`KernelOps`], so each backend differentiates with its own kernels.

use burn::backend::Autodiff;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary, unary};
use burn::backend::tensor::FloatTensor;

use super::ops::KernelOps;

/// Parents: input, weight.
#[derive(Debug)]
struct Conv;

/// Parents: input, weight, bias.
#[derive(Debug)]
struct ConvBias;

#[derive(Debug, Clone)]
struct ConvState {
    x: NodeId,
    weight: NodeId,
    stride: usize,
    padding: usize,
}

impl ConvState {
    /// Gradients of input and weight, where wanted.
    fn gradients<B: KernelOps>(
        &self,
        wanted: [bool; 2],
        dy: &FloatTensor<B>,
        checkpointer: &mut Checkpointer,
    ) -> [Option<FloatTensor<B>>; 2] {
        let x = checkpointer.retrieve_node_output::<FloatTensor<B>>(self.x);
        let weight = checkpointer.retrieve_node_output::<FloatTensor<B>>(self.weight);
        let (s, p) = (self.stride, self.padding);
        let dx = wanted[0]
            .then(|| B::direct_conv2d_input_grad(x.clone(), weight.clone(), dy.clone(), s, p));
        let dw = wanted[1].then(|| B::direct_conv2d_weight_grad(x, weight, dy.clone(), s, p));
        [dx, dw]
    }
}

impl<B: KernelOps> Backward<B, 2> for Conv {
    type State = ConvState;

    fn backward(
        self,
        ops: Ops<ConvState, 2>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = ops.state.gradients::<B>(wanted, &dy, checkpointer);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: KernelOps> Backward<B, 3> for ConvBias {
    type State = ConvState;

    fn backward(
        self,
        ops: Ops<ConvState, 3>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let [x, weight, bias] = ops.parents;
        let wanted = [x.is_some(), weight.is_some()];
        let [dx, dw] = ops.state.gradients::<B>(wanted, &dy, checkpointer);
        let db = bias.is_some().then(|| B::channel_sums(dy));
        for (parent, gradient) in [x, weight, bias].into_iter().zip([dx, dw, db]) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// The output is kept, not the input: the next convolution keeps it anyway.
#[derive(Debug)]
struct Relu;

impl<B: KernelOps> Backward<B, 1> for Relu {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<FloatTensor<B>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let y = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::ordered_relu_grad(y, dy));
    }
}

#[derive(Debug)]
struct Add;

impl<B: KernelOps> Backward<B, 2> for Add {
    type State = ();

    fn backward(self, ops: Ops<(), 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        binary::<B, _, _>(ops.parents, ops.node, grads, |dy| dy, |dy| dy);
    }
}

impl<B: KernelOps, C: CheckpointStrategy> KernelOps for Autodiff<B, C> {
    fn direct_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let state = ConvState { x: x.id(), weight: weight.id(), stride, padding };
        let run = |x: FloatTensor<Self>, weight: FloatTensor<Self>| {
            B::direct_conv2d(x.into_primitive(), weight.into_primitive(), stride, padding)
        };
        match Conv.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                prep.checkpoint(&x);
                prep.checkpoint(&weight);
                prep.finish(state, run(x, weight))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, weight)),
        }
    }

    fn direct_conv2d_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let state = ConvState { x: x.id(), weight: weight.id(), stride, padding };
        let nodes = [x.node(), weight.node(), bias.node()];
        let run = |x: FloatTensor<Self>, weight: FloatTensor<Self>| {
            let (x, weight, bias) =
                (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
            B::direct_conv2d_bias(x, weight, bias, stride, padding)
        };
        match ConvBias.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                prep.checkpoint(&x);
                prep.checkpoint(&weight);
                prep.finish(state, run(x, weight))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, weight)),
        }
    }

    fn ordered_relu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match Relu.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::ordered_relu(x.into_primitive());
                prep.finish(y.clone(), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::ordered_relu(x.into_primitive())),
        }
    }

    fn ordered_add(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let prep = Add.prepare::<C>([a.node(), b.node()]).compute_bound();
        prep.stateless(B::ordered_add(a.into_primitive(), b.into_primitive()))
    }
}
