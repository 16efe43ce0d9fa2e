//! Linear probes through the engine: which images train, choose and test, what
//! repeats, and that the shipped run's probes improve with depth.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use blockscope::data::{self, DataSource, ImageSet};
use blockscope::domain::probes::balanced;
use blockscope::domain::{LayerKind, ModelSpec, Preset};
use blockscope::engine::{EngineError, Event, ProbeRecipe, ProbeRequest, Probed, device};
use blockscope::model::StateDict;
use blockscope::model::weights::parse_safetensors;
use blockscope::runs::RunStore;

/// A small network and images whose label is in their brightness.
struct Bench {
    spec: ModelSpec,
    state: Arc<StateDict>,
    train: ImageSet,
    test: ImageSet,
    recipe: ProbeRecipe,
}

fn bright_images(n: usize, seed: u64) -> ImageSet {
    let noise = common::noise_images(n, 8, seed);
    let mut images = ImageSet::new(noise.shape());
    for at in 0..n {
        let label = noise.label(at) % 10;
        let pixels: Vec<u8> = noise.image(at).iter().map(|v| v / 3 + 15 * label as u8).collect();
        images.push(&pixels, label);
    }
    images
}

impl Bench {
    fn new() -> Bench {
        let (spec, state) = common::small_net(Preset::He, 0.25, 8, 3);
        let recipe = ProbeRecipe { epochs: 6, batch: 16, ..ProbeRecipe::default() };
        let (train, test) = (bright_images(120, 1), bright_images(70, 2));
        Bench { spec, state: Arc::new(state), train, test, recipe }
    }

    fn request(&self) -> ProbeRequest {
        ProbeRequest {
            network: Arc::new(self.spec.network()),
            state: self.state.clone(),
            train: Arc::new(self.train.clone()),
            subset: (0..100).collect(),
            test: Arc::new(self.test.clone()),
            recipe: self.recipe.clone(),
        }
    }

    fn probe(&self) -> Probed {
        probe(self.request()).unwrap()
    }
}

fn probe(request: ProbeRequest) -> Result<Probed, String> {
    probe_on("cpu", request)
}

fn probe_on(device: &str, request: ProbeRequest) -> Result<Probed, String> {
    common::finish(common::engine(device).submit(request))
}

/// The images with those at `indices` replaced by noise.
fn spoiled(images: &ImageSet, indices: &[u32]) -> ImageSet {
    let noise = common::noise_images(images.len(), images.shape()[1], 99);
    let mut out = ImageSet::new(images.shape());
    for at in 0..images.len() {
        let source = if indices.contains(&(at as u32)) { &*noise } else { images };
        out.push(source.image(at), images.label(at));
    }
    out
}

#[test]
fn probes_learn_and_choose_by_the_held_out_images() {
    let bench = Bench::new();
    let probed = bench.probe();
    assert_eq!((probed.split.train.len(), probed.split.held_out.len()), (90, 10));
    assert_eq!(probed.probes.len(), 6);
    let layers = bench.spec.layers();
    let rates = &bench.recipe.learning_rates;
    for (probe, curves) in probed.probes.iter().zip(probed.curves.chunks(rates.len())) {
        assert!(matches!(layers[probe.layer].kind, LayerKind::Norm | LayerKind::Add));
        let loss = |c: &blockscope::engine::probes::ProbeCurve| c.train_loss[5] < c.train_loss[0];
        assert!(curves.iter().all(|c| c.layer == probe.layer));
        // The largest rate is too large for features along one direction.
        assert!(loss(&curves[0]), "{curves:?}");
        // No epoch of any rate is better on the held-out images, and no earlier
        // epoch is as good.
        let mut best = (0.0, 0, 0.0);
        for epoch in 1..=bench.recipe.epochs {
            for curve in curves {
                if curve.held_out[epoch - 1] > best.0 {
                    best = (curve.held_out[epoch - 1], epoch, curve.learning_rate);
                }
            }
        }
        assert_eq!((probe.held_out_accuracy, probe.epoch, probe.learning_rate), best);
        assert!(probe.test_accuracy > 0.2, "{probe:?}");
    }
}

#[test]
fn test_images_choose_nothing() {
    let mut bench = Bench::new();
    let before = bench.probe();
    let all: Vec<u32> = (0..70).collect();
    bench.test = spoiled(&bench.test, &all);
    let after = bench.probe();
    assert_eq!(before.curves, after.curves);
    let choice = |probed: &Probed| -> Vec<(usize, usize, f64, f64)> {
        let of = probed.probes.iter();
        of.map(|p| (p.layer, p.epoch, p.learning_rate, p.held_out_accuracy)).collect()
    };
    assert_eq!(choice(&before), choice(&after));
    let accuracy = |probed: &Probed| probed.probes.iter().map(|p| p.test_accuracy).sum::<f64>();
    assert!(accuracy(&after) < accuracy(&before));
}

#[test]
fn held_out_images_and_images_outside_the_subset_never_train() {
    let mut bench = Bench::new();
    let before = bench.probe();
    let mut others = before.split.held_out.clone();
    others.extend(100..120);
    let clean = bench.train.clone();
    bench.train = spoiled(&clean, &others);
    let after = bench.probe();
    assert_eq!(before.split, after.split);
    for (a, b) in before.curves.iter().zip(&after.curves) {
        assert_eq!(a.train_loss, b.train_loss);
    }
    assert!(before.curves.iter().zip(&after.curves).any(|(a, b)| a.held_out != b.held_out));
    // The comparison can tell: an image that trains changes the losses.
    bench.train = spoiled(&clean, &before.split.train[..1]);
    assert_ne!(bench.probe().curves[0].train_loss, before.curves[0].train_loss);
}

#[test]
fn a_seed_repeats_and_another_seed_is_another_split() {
    let mut bench = Bench::new();
    let results = |probed: Probed| (probed.probes, probed.curves, probed.split);
    let first = results(bench.probe());
    assert_eq!(first, results(bench.probe()));
    bench.recipe.seed = 1;
    let other = results(bench.probe());
    assert_ne!(first.2, other.2);
    assert_ne!(first.1, other.1);
}

/// Activations read back from a GPU train the same probes.
#[test]
fn wgpu_agrees_with_flex() {
    if device::adapters().is_empty() {
        let why = "no graphics adapter (install a Vulkan driver, such as Mesa's)";
        common::skipped("wgpu_agrees_with_flex", why);
        return;
    }
    // With projections the CPU's activations are channels last throughout, as
    // those that are read back: initial weights meet the same features.
    let mut bench = Bench::new();
    let (spec, state) = common::small_net(Preset::Paper, 0.25, 8, 3);
    (bench.spec, bench.state) = (spec, Arc::new(state));
    let (gpu, cpu) = (probe_on("gpu", bench.request()).unwrap(), bench.probe());
    assert!(!gpu.device.starts_with("cpu"), "{}", gpu.device);
    for (gpu, cpu) in gpu.curves.iter().zip(&cpu.curves) {
        for (a, b) in gpu.train_loss.iter().zip(&cpu.train_loss) {
            assert!((a - b).abs() < 0.01, "layer {}: {a} against {b}", gpu.layer);
        }
    }
}

#[test]
fn a_plain_network_is_probed_at_its_last_norms() {
    let mut bench = Bench::new();
    bench.spec.residual = false;
    let probed = bench.probe();
    let layers = bench.spec.layers();
    let names: Vec<&str> = probed.probes.iter().map(|p| layers[p.layer].name.as_str()).collect();
    assert_eq!(names, ["layer1.0.bn2", "layer2.0.bn2", "layer3.0.bn2"]);
}

#[test]
fn a_request_that_makes_no_sense_gets_one_line() {
    let bench = Bench::new();
    let refused = |change: &dyn Fn(&mut ProbeRequest)| {
        let mut request = bench.request();
        change(&mut request);
        probe(request).unwrap_err()
    };
    let few = refused(&|r| r.subset = vec![0, 1, 2]);
    assert!(few.contains("3 training images are too few"), "{few}");
    for text in [
        refused(&|r| r.recipe.epochs = 0),
        refused(&|r| r.recipe.batch = 0),
        refused(&|r| r.recipe.learning_rates = vec![f64::NAN]),
        refused(&|r| r.test = Arc::new(ImageSet::new([3, 8, 8]))),
        refused(&|r| r.train = common::noise_images(100, 16, 1)),
        few,
    ] {
        assert!(!text.contains('\n') && !text.is_empty(), "{text}");
    }
    let mut state = (*bench.state).clone();
    state.tensors.get_mut("conv1.weight").unwrap().data[0] = f32::NAN;
    let text = refused(&|r| r.state = Arc::new(state.clone()));
    assert!(text.contains("layer1.0.bn2") && text.contains("not finite"), "{text}");
}

#[test]
fn a_cancelled_job_ends_between_two_steps() {
    let mut bench = Bench::new();
    bench.recipe.epochs = 1_000_000;
    let job = common::engine("cpu").submit(bench.request());
    let cancel = job.cancel.clone();
    let end = job.follow(|event| -> Result<(), EngineError> {
        if let Event::Progress(progress) = event {
            assert_eq!(progress.unit, "steps");
            if progress.done == 3 {
                cancel.cancel();
            }
        }
        Ok(())
    });
    assert_eq!(end.unwrap_err().to_string(), "cancelled");
}

#[test]
fn progress_counts_up_to_its_total() {
    let bench = Bench::new();
    let job = common::engine("cpu").submit(bench.request());
    let progress: Vec<(usize, usize)> = job
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Progress(p) => Some((p.done, p.total)),
            _ => None,
        })
        .collect();
    // 4 to measure, 6 epochs of 5 steps and a held-out batch, a test batch.
    let total = 4 + 6 * 6 + 1;
    assert_eq!(progress, (1..=total).map(|done| (done, total)).collect::<Vec<_>>());
}

#[test]
fn probes_of_the_shipped_run_improve_with_depth() {
    let empty = tempfile::tempdir().unwrap();
    let store = RunStore::new(empty.path().to_path_buf());
    let id = store.resolve("resnet14-shapes-s0").unwrap();
    let spec = store.load(&id).unwrap().manifest.model;
    let bytes = store.weights(&id).unwrap().bytes;
    let state = parse_safetensors(&bytes, "weights.safetensors").unwrap().state;
    let shapes = data::load(&DataSource::Shapes).unwrap();
    let all: Vec<u32> = (0..shapes.train.len() as u32).collect();
    let mut test = ImageSet::new(shapes.test.shape());
    (0..100).for_each(|at| test.push(shapes.test.image(at), shapes.test.label(at)));
    let probed = probe(ProbeRequest {
        network: Arc::new(spec.network()),
        state: Arc::new(state),
        subset: balanced(&all, shapes.train.labels(), 150),
        train: shapes.train,
        test: Arc::new(test),
        recipe: ProbeRecipe { epochs: 3, batch: 15, ..ProbeRecipe::default() },
    })
    .unwrap();
    let layers = spec.layers();
    let adds: Vec<f64> = probed
        .probes
        .iter()
        .filter(|p| layers[p.layer].kind == LayerKind::Add)
        .map(|p| p.test_accuracy)
        .collect();
    assert_eq!(adds.len(), 6);
    // By stage, because neighbours may be equal.
    assert!(adds[0] + 0.1 < adds[3] && adds[3] + 0.02 < adds[5], "{adds:?}");
    assert!(adds[0] < 0.5 && adds[5] > 0.85, "{adds:?}");
}

/// A folder with CIFAR-10 files of bright noise, 40 images in each, and an
/// imported ResNet-8 `r` over them.
fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let cifar = dir.path().join("cifar-10-batches-bin");
    fs::create_dir(&cifar).unwrap();
    for file in 0..=5 {
        let mut records = Vec::new();
        for at in 0..40u32 {
            records.push((at % 10) as u8);
            let noise =
                |p: u32| ((at * 7919 + p + file * 131).wrapping_mul(2_654_435_761) >> 25) as u8;
            records.extend((0..3072).map(|p| noise(p) + 10 * (at % 10) as u8));
        }
        let name =
            if file == 0 { "test_batch.bin".into() } else { format!("data_batch_{file}.bin") };
        fs::write(cifar.join(name), &records).unwrap();
    }
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8.safetensors");
    let weights = weights.to_str().unwrap();
    let output = command(&dir, &["import", weights, "--data", "cifar10:.", "--name", "r"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

fn command(dir: &tempfile::TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_blockscope"))
        .args(args)
        .args(["--runs", "runs", "--device", "cpu"])
        .current_dir(dir.path())
        .env_remove("BLOCKSCOPE_THREADS")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

const ANALYZE: [&str; 6] = ["analyze", "r", "--data", "cifar10:.", "--batch", "20"];

#[test]
fn the_command_probes_and_threads_change_nothing() {
    let dir = scratch();
    let tables = ["1", "3"].map(|threads| {
        let more = ["--probes", "--probe-epochs", "2", "--probe-train", "60"];
        let output = command(&dir, &[&ANALYZE[..], &more, &["--threads", threads]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            text.contains(
                "6 layers, own recipe: 2 epochs of 60 of 200 training images, 10 of them held out"
            ),
            "{text}"
        );
        let table: Vec<String> =
            text.lines().filter(|l| l.starts_with("layer")).map(String::from).collect();
        assert_eq!(table.len(), 3, "{text}");
        table
    });
    assert_eq!(tables[0], tables[1]);
}

#[test]
fn the_command_refuses_what_cannot_be_probed_before_it_computes() {
    let dir = scratch();
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        let output = command(&dir, args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.lines().count()), (Some(code), 1), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert!(output.stdout.is_empty());
        // The import left predictions; nothing is beside them.
        let files = fs::read_dir(dir.path().join("runs/r/analysis")).unwrap();
        let mut names = files.map(|f| f.unwrap().file_name().into_string().unwrap());
        assert!(names.all(|name| name.starts_with("predictions.")));
    };
    let with = |more: &[&'static str]| [&ANALYZE[..], &["--probes"], more].concat();
    refused(&with(&["--probe-train", "201"]), 2, &["--probe-train 201", "200"]);
    refused(&with(&["--probe-train", "19"]), 2, &["19 training images", "two of each"]);
    refused(&with(&["--probe-epochs", "0"]), 2, &["--probe-epochs 0"]);
    let other = ["analyze", "r", "--data", "shapes", "--probes"];
    refused(&other, 2, &["shapes: ", "not the images of r", "cifar10"]);
    fs::remove_file(dir.path().join("cifar-10-batches-bin/data_batch_3.bin")).unwrap();
    refused(&with(&[]), 1, &["data_batch_3.bin"]);
}
