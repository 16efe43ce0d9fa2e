//! Deletion as a rewrite, blocks found by their places, and networks of other designs
//! than the one family that there is.

use super::*;
use crate::domain::bypass::{Bypass, ResidualBlock};
use crate::domain::{ModelSpec, Preset, Shortcut};

fn spec(shortcut: Shortcut) -> ModelSpec {
    let mut spec = ModelSpec::new(Preset::He, 20, 1.0, 10, [3, 32, 32]).unwrap();
    spec.shortcut = shortcut;
    spec
}

fn deleted(text: &str) -> Bypass {
    text.parse().unwrap()
}

fn names(network: &Network) -> Vec<&str> {
    network.nodes().iter().map(|node| node.name.as_str()).collect()
}

#[test]
fn only_blocks_with_an_identity_can_go() {
    let mut spec = spec(Shortcut::Pad);
    let network = spec.network();
    let all: Vec<String> = network.deletable().iter().map(ResidualBlock::to_string).collect();
    assert_eq!(all, ["1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
    let text = |t: &str, n: &Network| n.check_deleted(&deleted(t)).unwrap_err().to_string();
    assert!(text("2.0", &network).contains("16x32x32 to 32x16x16"));
    assert!(text("2.3", &network).contains("blocks 2.0 to 2.2"));
    assert!(text("4.0", &network).contains("stages are 1, 2 and 3"));
    assert!(text("0.0", &network).contains("stages are"));
    spec.residual = false;
    assert!(text("1.1", &spec.network()).contains("no residual"));
}

#[test]
fn a_block_between_equal_shapes_with_a_projection_stays() {
    // as many channels before as after, yet no identity around the branch
    let input = Input { shape: [4, 8, 8], mean: [0.0; 3], std: [1.0; 3] };
    let mut build = Builder::new("odd".into(), input);
    let x = NodeId::INPUT;
    build.stage("only");
    build.block(0);
    let conv = |kernel| Op::Conv { kernel, stride: 1, padding: kernel / 2, bias: false };
    let branch = build.push("conv".into(), Role::BeforeAdd, conv(3), 4, &[x]);
    let skip = build.push("around".into(), Role::Shortcut, conv(1), 4, &[x]);
    build.push("add".into(), Role::Sum, Op::Add, 0, &[branch, skip]);
    let network = build.finish();
    assert!(network.deletable().is_empty());
    assert!(network.without(&deleted("1.0")).is_err());
}

#[test]
fn what_is_left_keeps_its_indices_and_reads_what_the_block_read() {
    for shortcut in [Shortcut::Pad, Shortcut::Projection] {
        let whole = spec(shortcut).network();
        let cut = whole.without(&deleted("1.2,2.1,2.2,3.2")).unwrap();
        let gone = |node: &Node| {
            let place = node.place.map(|p| (p.stage, p.block));
            place.is_some_and(|p| [(1, 2), (2, 1), (2, 2), (3, 2)].contains(&p))
        };
        let kept: Vec<&Node> = whole.nodes().iter().filter(|node| !gone(node)).collect();
        assert_eq!(cut.nodes().len(), kept.len());
        for (a, b) in kept.iter().zip(cut.nodes()) {
            assert_eq!((&a.name, a.layer, &a.shape), (&b.name, b.layer, &b.shape));
            assert!(
                b.inputs
                    .iter()
                    .all(|id| cut.node(*id).shape.len() == b.shape.len().max(3)
                        || b.op == Op::Linear)
            );
        }
        let reads = |name: &str| {
            let node = cut.node(cut.find(name).unwrap());
            node.inputs.iter().map(|id| cut.node(*id).name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(reads("layer2.0.conv1"), ["layer1.1.relu2"]);
        assert_eq!(reads("layer3.0.conv1"), ["layer2.0.relu2"]);
        assert_eq!(reads("layer3.0.add")[1], "layer3.0.shortcut");
        assert_eq!(reads("avgpool"), ["layer3.1.relu2"]);
        // each node still reads only what is before it
        for (id, node) in cut.each() {
            assert!(node.inputs.iter().all(|input| *input < id));
        }
        let layers: Vec<usize> = cut.layers().iter().map(|layer| layer.index).collect();
        let all = whole.layers();
        let expected = all.iter().filter(|l| !deleted("1.2,2.1,2.2,3.2").contains_layer(l));
        assert_eq!(layers, expected.map(|layer| layer.index).collect::<Vec<_>>());
        assert_eq!(whole.without(&Bypass::none()).unwrap(), whole);
    }
}

/// A pre-activation network: nothing behind its sums.
fn preactivated() -> Network {
    let input = Input { shape: [3, 8, 8], mean: [0.0; 3], std: [1.0; 3] };
    let mut build = Builder::new("pre".into(), input);
    let conv = Op::Conv { kernel: 3, stride: 1, padding: 1, bias: false };
    let mut x = NodeId::INPUT;
    x = build.push("stem".into(), Role::Stem, conv, 4, &[x]);
    build.stage("low");
    for block in 0..2 {
        build.block(block);
        let skip = x;
        let name = |part: &str| format!("{block}.{part}");
        let norm = Op::Norm { epsilon: 1e-5, momentum: 0.9 };
        let y = build.push(name("norm"), Role::Branch, norm, 0, &[skip]);
        let y = build.push(name("relu"), Role::Branch, Op::Relu, 0, &[y]);
        let y = build.push(name("conv"), Role::BeforeAdd, conv, 4, &[y]);
        x = build.push(name("add"), Role::Sum, Op::Add, 0, &[y, skip]);
    }
    build.outside();
    let x = build.push("relu".into(), Role::Head, Op::Relu, 0, &[x]);
    let x = build.push("pool".into(), Role::Head, Op::GlobalPool, 0, &[x]);
    build.push("fc".into(), Role::Head, Op::Linear, 5, &[x]);
    build.finish()
}

#[test]
fn blocks_that_end_in_their_sum_can_go_too() {
    let network = preactivated();
    assert_eq!(network.deletable().len(), 2);
    let cut = network.without(&deleted("1.0,1.1")).unwrap();
    assert_eq!(names(&cut), ["input", "stem", "relu", "pool", "fc"]);
    assert_eq!(cut.node(cut.output()).shape, [5]);
    assert_eq!(network.stages()[0].label, "low");
    let cut = network.without(&deleted("1.0")).unwrap();
    let add = cut.node(cut.find("1.add").unwrap());
    assert_eq!(cut.node(add.inputs[1]).name, "stem");
}

#[test]
fn a_relu_stays_where_what_the_block_read_may_be_negative() {
    // conv (no ReLU), then a block that ends in one
    let input = Input { shape: [3, 8, 8], mean: [0.0; 3], std: [1.0; 3] };
    let mut build = Builder::new("bare".into(), input);
    let conv = Op::Conv { kernel: 3, stride: 1, padding: 1, bias: false };
    let stem = build.push("stem".into(), Role::Stem, conv, 4, &[NodeId::INPUT]);
    build.stage("one");
    build.block(0);
    let y = build.push("conv".into(), Role::BeforeAdd, conv, 4, &[stem]);
    let y = build.push("add".into(), Role::Sum, Op::Add, 0, &[y, stem]);
    build.push("relu".into(), Role::BlockOutput, Op::Relu, 0, &[y]);
    build.outside();
    let x = build.last();
    build.push("pool".into(), Role::Head, Op::GlobalPool, 0, &[x]);
    let network = build.finish();
    let cut = network.without(&deleted("1.0")).unwrap();
    assert_eq!(names(&cut), ["input", "stem", "relu", "pool"]);
    assert_eq!(cut.node(NodeId(2)).layer, None, "it is no layer of its own any more");
}

#[test]
fn roles_are_those_that_old_lists_told_by_names() {
    for (shortcut, residual) in
        [(Shortcut::Pad, true), (Shortcut::Projection, true), (Shortcut::Pad, false)]
    {
        let mut spec = spec(shortcut);
        spec.residual = residual;
        for layer in spec.layers() {
            let text = ron::to_string(&layer).unwrap();
            assert_eq!(ron::from_str::<Layer>(&text).unwrap(), layer);
            let (old, _) = text.split_once(",role:").unwrap();
            assert_eq!(ron::from_str::<Layer>(&format!("{old})")).unwrap(), layer, "{text}");
        }
    }
}

#[test]
fn stages_may_be_any_number() {
    let four = {
        let input = Input { shape: [3, 16, 16], mean: [0.0; 3], std: [1.0; 3] };
        let mut build = Builder::new("four".into(), input);
        let mut x = NodeId::INPUT;
        for stage in 1..=4 {
            build.stage(format!("s{stage}"));
            build.block(0);
            let conv = Op::Conv { kernel: 3, stride: 2, padding: 1, bias: true };
            x = build.push(format!("s{stage}.conv"), Role::BeforeAdd, conv, 4 << stage, &[x]);
            x = build.push(format!("s{stage}.relu"), Role::BlockOutput, Op::Relu, 0, &[x]);
        }
        build.outside();
        x = build.push("pool".into(), Role::Head, Op::GlobalPool, 0, &[x]);
        build.push("fc".into(), Role::Head, Op::Linear, 3, &[x]);
        build.finish()
    };
    let layers = four.layers();
    assert_eq!(layers.iter().filter_map(|l| l.stage).max(), Some(4));
    assert_eq!(layers[7].shape, [64, 1, 1]);
    let text = four.check_deleted(&deleted("5.0")).unwrap_err().to_string();
    assert!(text.contains("stages are 1, 2, 3 and 4"), "{text}");
    let text = four.check_deleted(&deleted("4.0")).unwrap_err().to_string();
    assert!(text.contains("no residual connections"), "{text}");
}
