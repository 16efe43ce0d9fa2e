//! The map and the first-component suite from one stream: what each of them gives
//! when it is taken alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use blockscope::data::ImageSet;
use blockscope::domain::plan::{SamplePlan, SuitePlan};
use blockscope::domain::record::Sample;
use blockscope::domain::{Bypass, ModelSpec, Preset};
use blockscope::engine::{AnalyzeRequest, ComponentsRequest, Measured, MeasuredComponents};
use blockscope::model::StateDict;

const SEED: u64 = 7;

struct Subject {
    spec: ModelSpec,
    state: Arc<StateDict>,
    images: Arc<ImageSet>,
}

fn subject(preset: Preset, width: f64) -> Subject {
    let (spec, state) = common::small_net(preset, width, 8, 3);
    Subject { spec, state: Arc::new(state), images: common::noise_images(900, 8, 5) }
}

fn suite(examples: usize) -> SuitePlan {
    SuitePlan { examples, components: 5, dominant_share: 0.01 }
}

fn analyze(
    subject: &Subject,
    examples: usize,
    suite: Option<SuitePlan>,
    bypass: Bypass,
) -> Result<Measured, String> {
    let job = common::engine("cpu").submit(AnalyzeRequest {
        network: Arc::new(subject.spec.network()),
        state: Arc::clone(&subject.state),
        images: Arc::clone(&subject.images),
        plan: SamplePlan {
            examples: Some(examples),
            batch: 256,
            passes: 2,
            sample: Sample::Random,
            seed: SEED,
        },
        bypass,
        suite,
    });
    common::finish(job)
}

fn alone(subject: &Subject, plan: SuitePlan) -> MeasuredComponents {
    let job = common::engine("cpu").submit(ComponentsRequest {
        network: Arc::new(subject.spec.network()),
        state: Arc::clone(&subject.state),
        images: Arc::clone(&subject.images),
        sample: Sample::Random,
        seed: SEED,
        plan,
    });
    common::finish(job).unwrap()
}

#[test]
fn one_stream_gives_what_both_give_alone() {
    // norms whose matrix comes from the convolution's product, and others
    for (preset, width) in [(Preset::He, 1.0), (Preset::Paper, 1.0), (Preset::Paper, 0.3)] {
        let subject = subject(preset, width);
        let plan = suite(512);
        let map = analyze(&subject, 900, None, Bypass::none()).unwrap();
        assert!(map.suite.is_none());
        let both = analyze(&subject, 900, Some(plan), Bypass::none()).unwrap();
        assert_eq!((both.examples, both.dropped), (map.examples, map.dropped));
        assert_eq!(both.estimate.batches, map.estimate.batches);
        assert!(common::worst(&both.estimate.cka, &map.estimate.cka) < 1e-6);
        assert!(common::worst(&both.estimate.se, &map.estimate.se) < 1e-6);
        let found = both.suite.unwrap();
        assert!(found.seconds > 0.0 && both.seconds.total > 0.0);
        // to the bit: the same pass
        let alone = alone(&subject, plan);
        assert_eq!((found.components, found.maps), (alone.components, alone.maps));
    }
}

#[test]
fn where_batches_differ_the_suite_is_left_to_a_pass_of_its_own() {
    let subject = subject(Preset::He, 0.25);
    let map = analyze(&subject, 900, None, Bypass::none()).unwrap();
    let both = analyze(&subject, 900, Some(suite(300)), Bypass::none()).unwrap();
    assert_eq!(both.estimate, map.estimate);
    assert!(both.suite.is_none());
}

#[test]
fn what_cannot_be_had_is_refused_before_anything_is_computed() {
    let subject = subject(Preset::He, 0.25);
    let refused = |examples, bypass| {
        analyze(&subject, 512, Some(suite(examples)), bypass).map(|_| ()).unwrap_err()
    };
    assert!(
        refused(901, Bypass::none()).contains("first-component examples 901: there are only 900")
    );
    assert!(refused(3, Bypass::none()).contains("first-component examples 3 is too few"));
    let deleted = "1.0".parse().unwrap();
    let text = refused(512, deleted);
    assert!(text.contains("whole network"), "{text}");
}
