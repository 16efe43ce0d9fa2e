//! The pretrained ResNet-20 against float64 references: accuracy and the whole
//! CKA map. Needs BLOCKSCOPE_WEIGHTS (a folder with `resnet20-12fca82f.th`),
//! BLOCKSCOPE_CIFAR10 (a folder with the published binary files) and
//! BLOCKSCOPE_REFERENCE (a folder with `cka.npy`); says what is missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use blockscope::data::{self, DataSource};
use blockscope::domain::record::Sample;
use blockscope::domain::{Bypass, ModelSpec, Preset};
use blockscope::engine::deletion::lesions;
use blockscope::engine::{
    AnalyzeRequest, ComponentsRequest, DeletionRequest, EvaluateRequest, Outcome, Request,
    SamplePlan, SuitePlan,
};
use blockscope::model::weights::model_of;
use blockscope::model::{Overrides, StateDict, read_weights};
use ndarray::{Array1, Array2};

struct Pretrained {
    spec: ModelSpec,
    state: Arc<StateDict>,
    images: Arc<data::ImageSet>,
}

fn pretrained(test: &str) -> Option<Pretrained> {
    let weights = common::path_from_env(test, "BLOCKSCOPE_WEIGHTS")?;
    let cifar = common::path_from_env(test, "BLOCKSCOPE_CIFAR10")?;
    let path = weights.join("resnet20-12fca82f.th");
    let weights = read_weights(&path).unwrap();
    let data = data::load_test(&DataSource::Cifar10(cifar)).unwrap();
    let spec = model_of(
        &weights,
        &path.display().to_string(),
        Preset::He,
        &Overrides::default(),
        data.test.shape(),
    )
    .unwrap();
    Some(Pretrained { spec, state: Arc::new(weights.state), images: Arc::new(data.test) })
}

#[test]
fn accuracy_is_the_reference() {
    let Some(net) = pretrained("accuracy_is_the_reference") else { return };
    assert_eq!((net.spec.depth, net.spec.width), (20, 1.0));
    let job = common::engine("cpu").submit(Request::Evaluate(EvaluateRequest {
        network: Arc::new(net.spec.network()),
        state: net.state,
        images: net.images,
    }));
    let Outcome::Evaluated(test) = common::finish(job).unwrap() else { panic!() };
    assert_eq!(test.examples, 10_000);
    assert!((test.accuracy() - 0.8103).abs() <= 0.0005, "{}", test.accuracy());
}

#[test]
fn every_cell_of_the_map_is_the_reference() {
    let test = "every_cell_of_the_map_is_the_reference";
    let Some(net) = pretrained(test) else { return };
    let Some(reference) = common::path_from_env(test, "BLOCKSCOPE_REFERENCE") else { return };
    let reference: Array2<f64> = ndarray_npy::read_npy(reference.join("cka.npy")).unwrap();
    let layers = net.spec.layers();
    let plan =
        SamplePlan { examples: Some(1024), batch: 256, passes: 1, sample: Sample::First, seed: 0 };
    let job = common::engine("cpu").submit(Request::Analyze(AnalyzeRequest {
        network: Arc::new(net.spec.network()),
        state: net.state,
        images: net.images,
        plan,
        bypass: Bypass::none(),
        suite: None,
    }));
    let Outcome::Measured(measured) = common::finish(job).unwrap() else { panic!() };
    assert_eq!(reference.dim(), (68, 68));
    let mut worst = 0.0f64;
    for i in 0..68 {
        for j in 0..68 {
            let found = measured.estimate.cka.get(i, j).unwrap();
            let error = (found - reference[(i, j)]).abs();
            worst = worst.max(error);
            assert!(error < 2e-4, "{} x {}: {error:e}", layers[i].name, layers[j].name);
        }
    }
    println!("worst difference {worst:e}");
}

#[test]
fn deleting_each_block_gives_the_reference_accuracies() {
    let test = "deleting_each_block_gives_the_reference_accuracies";
    let Some(net) = pretrained(test) else { return };
    let Some(reference) = common::path_from_env(test, "BLOCKSCOPE_REFERENCE") else { return };
    let job = common::engine("cpu").submit(Request::Delete(DeletionRequest {
        variants: lesions(&net.spec.network()),
        network: Arc::new(net.spec.network()),
        state: net.state,
        images: net.images,
        examples: None,
        quick: false,
    }));
    let Outcome::Deleted(rows) = common::finish(job).unwrap() else { panic!() };
    let mut compared = 0;
    for row in rows {
        // the reference leaves out block 1.0
        let file = reference.join(format!("drop_{}.npy", row.deleted));
        let Ok(expected) = ndarray_npy::read_npy::<_, Array1<f64>>(&file) else { continue };
        let found = row.accuracy();
        assert!((found - expected[0]).abs() <= 0.001, "{}: {found}", row.deleted);
        compared += 1;
    }
    assert_eq!(compared, 6, "drop_*.npy in {}", reference.display());
}

#[test]
fn shares_of_variance_are_the_reference() {
    let test = "shares_of_variance_are_the_reference";
    let Some(net) = pretrained(test) else { return };
    let Some(reference) = common::path_from_env(test, "BLOCKSCOPE_REFERENCE") else { return };
    let expected: Array1<f64> = ndarray_npy::read_npy(reference.join("pc1.npy")).unwrap();
    let layers = net.spec.layers();
    let job = common::engine("cpu").submit(Request::Components(ComponentsRequest {
        network: Arc::new(net.spec.network()),
        state: net.state,
        images: net.images,
        sample: Sample::First,
        seed: 0,
        plan: SuitePlan { examples: 256, components: 5, dominant_share: 0.01 },
    }));
    let Outcome::Components(found) = common::finish(job).unwrap() else { panic!() };
    assert_eq!(expected.len(), layers.len());
    for (layer, expected) in layers.iter().zip(&expected) {
        let share = found.components.share(layer.index).unwrap();
        assert!((share - expected).abs() < 1e-3, "{}: {share} {expected}", layer.name);
    }
}
