//! What must stay bit for bit as it is: the arrays of the shipped runs, whatever format
//! they lie in, and the initial weights of a seed, with which training begins.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

use blockscope::domain::{ModelSpec, Preset};
use blockscope::model::init::initial_state;
use sha2::{Digest, Sha256};

fn digest(parts: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(&part));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Digests of the arrays as they were written in format 1.
const SHIPPED: [(&str, &str); 18] = [
    ("resnet14-shapes-s0/analysis/maps/cka/values.npy", "845020e9b1858ba2"),
    ("resnet14-shapes-s0/analysis/maps/cka/se.npy", "f61fb073173284c4"),
    ("resnet14-shapes-s0/analysis/maps/pc1-similarity/values.npy", "6ba0b3cca01f9437"),
    ("resnet14-shapes-s0/analysis/maps/cka-without-pc1/values.npy", "6032c64cbdc1f0dc"),
    ("resnet14-shapes-s0/analysis/maps/cka-without-dominant/values.npy", "706e11b15148218e"),
    ("resnet38-w2-cifar10-64th-s0/analysis/maps/cka/values.npy", "2149829c8aee976d"),
    ("resnet38-w2-cifar10-64th-s0/analysis/maps/cka/se.npy", "bfcc8abf92eb4bad"),
    ("resnet38-w2-cifar10-64th-s0/analysis/maps/pc1-similarity/values.npy", "e03f0eeaaf9ee578"),
    ("resnet38-w2-cifar10-64th-s0/analysis/maps/cka-without-pc1/values.npy", "725d8cbd84466fa5"),
    (
        "resnet38-w2-cifar10-64th-s0/analysis/maps/cka-without-dominant/values.npy",
        "818910f358c213f8",
    ),
    ("resnet38-w2-cifar10-64th-s1/analysis/maps/cka/values.npy", "2c637594807ea078"),
    ("resnet38-w2-cifar10-64th-s1/analysis/maps/cka/se.npy", "87f759a9231d9ac8"),
    ("resnet38-w2-cifar10-64th-s1/analysis/maps/pc1-similarity/values.npy", "a5ae9c41703edffc"),
    ("resnet38-w2-cifar10-64th-s1/analysis/maps/cka-without-pc1/values.npy", "bcac9666d69bebd6"),
    (
        "resnet38-w2-cifar10-64th-s1/analysis/maps/cka-without-dominant/values.npy",
        "be4a366dec55b6a3",
    ),
    ("comparisons/PAIR/cka/values.npy", "e292d98fe0e4b113"),
    ("comparisons/PAIR/cka/se.npy", "66584a27342282db"),
    ("comparisons/PAIR/cka-without-pc1/values.npy", "46294927d7478760"),
];

#[test]
fn the_shipped_maps_are_those_of_format_1() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("saved_runs");
    let pair = "resnet38-w2-cifar10-64th-s0--resnet38-w2-cifar10-64th-s1-7837825f7014dc8a";
    for (file, expected) in SHIPPED {
        let bytes = fs::read(root.join(file.replace("PAIR", pair))).unwrap();
        assert_eq!(digest([bytes]), expected, "{file}");
    }
}

#[test]
fn a_seed_gives_the_same_initial_weights_as_ever() {
    for (preset, depth, width, expected) in
        [(Preset::Paper, 14, 0.5, "3da004d53afedd57"), (Preset::He, 20, 1.0, "8da8f4ec4fadfec9")]
    {
        let spec = ModelSpec::new(preset, depth, width, 10, [3, 32, 32]).unwrap();
        let state = initial_state(&spec.network(), 3);
        let parts = state.tensors.iter().flat_map(|(name, tensor)| {
            let values = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
            [name.clone().into_bytes(), values]
        });
        assert_eq!(digest(parts), expected, "{preset:?} {depth}");
    }
}
