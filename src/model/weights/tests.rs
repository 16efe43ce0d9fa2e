//! Files of the fixtures, and files that are damaged.

use super::*;
use crate::domain::Preset;
use crate::model::infer::Overrides;
use crate::model::init::initial_state;

#[test]
fn our_file_round_trips_in_both_precisions() {
    let spec = ModelSpec::new(Preset::Paper, 8, 0.25, 10, [3, 8, 8]).unwrap();
    let mut state = initial_state(&spec.network(), 3);
    for precision in [Precision::F32, Precision::F16] {
        let bytes = write_safetensors(&state, &spec, precision).unwrap();
        let back = parse_safetensors(&bytes, "test").unwrap();
        precision.round(&mut state);
        assert_eq!(back.state, state);
        assert_eq!(back.spec.as_ref(), Some(&spec));
    }
}

#[test]
fn damaged_files_get_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty.pt", &b""[..]),
        ("short.pt", b"PK\x03"),
        ("zip.pt", b"PK\x03\x04 this is no archive at all"),
        ("pickle.pth", b"\x80\x02}q\x00(X\x05\x00\x00\x00hello"),
        ("big.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{\"a\":1}"),
        ("bad.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{\"a\":1}x"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let text = read_weights(&path).unwrap_err().to_string();
        assert!(text.contains(name) && !text.contains('\n'), "{text}");
    }
    assert!(read_weights(&dir.path().join("absent.pt")).is_err());
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn training(name: &str, key: Option<&str>) -> Result<Weights, WeightsError> {
    read_network(&fixture(&format!("pickles/training{name}.pt")), key)
}

fn spec(weights: &Weights, overrides: &Overrides) -> Result<ModelSpec, WeightsError> {
    model_of(weights, "file", Preset::He, overrides, [3, 32, 32])
}

#[test]
fn the_network_of_a_training_state_is_taken_and_nothing_else() {
    let plain = read_weights(&fixture("resnet8.safetensors")).unwrap().state;
    for name in ["", "_masks", "_prepared"] {
        assert_eq!(training(name, None).unwrap().state, plain, "{name}");
    }
    assert_eq!(training("_two", Some("net")).unwrap().state, plain);
    let average = training("_two", Some("ema")).unwrap().state;
    assert!(average.tensors.values().all(|t| t.data.iter().all(|v| *v == 0.0)));
    let text = training("_two", None).unwrap_err().to_string();
    assert!(text.ends_with("it holds 2 networks (ema, net)"), "{text}");
    let text = training("_two", Some("x")).unwrap_err().to_string();
    assert!(text.ends_with("it holds no network \"x\"; it holds ema, net"), "{text}");
}

#[test]
fn a_normaliser_inside_the_file_prepares_the_images() {
    let mut weights = training("_prepared", None).unwrap();
    let own = Overrides::default();
    let found = spec(&weights, &own).unwrap();
    assert_eq!((found.mean, found.std), ([0.5, 0.25, 0.125], [0.25, 0.5, 0.75]));
    let given = Overrides { mean: Some([0.0; 3]), ..Overrides::default() };
    assert_eq!(spec(&weights, &given).unwrap().mean, [0.0; 3]);
    weights.statistics = Some(Statistics { mean: [125.0; 3], std: [60.0; 3] });
    assert!(matches!(spec(&weights, &own), Err(WeightsError::Statistics { .. })));
}

#[test]
fn variances_that_epsilon_does_not_save_are_refused() {
    let with = |value| {
        let mut weights = training("", None).unwrap();
        weights.state.tensors.get_mut("bn1.running_var").unwrap().data.fill(value);
        spec(&weights, &Overrides::default())
    };
    let text = with(-2e-5).unwrap_err().to_string();
    assert!(text.contains("file: tensor bn1.running_var holds -2e-5"), "{text}");
    with(-9e-6).unwrap();
}

#[test]
fn a_tensor_larger_than_its_file_is_refused_before_it_is_read() {
    let text = read_weights(&fixture("pickles/spread.pt")).unwrap_err().to_string();
    let wanted = "tensor linear.bias: shape [268435456, 2] is more than the file holds";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn counters_beside_a_network_and_control_characters_in_names() {
    let tensor = |dtype, bytes: &'static [u8]| TensorView::new(dtype, vec![1], bytes).unwrap();
    let file = |views: Vec<(&str, TensorView<'_>)>| safetensors::serialize(views, None).unwrap();
    let float = || tensor(Dtype::F32, &[0; 4]);
    let step = || tensor(Dtype::I64, &[0; 8]);
    let bytes = file(vec![("net.conv1.weight", float()), ("step", step())]);
    let state = parse_safetensors(&bytes, "test").unwrap().state;
    assert_eq!(state.tensors.into_keys().collect::<Vec<_>>(), ["conv1.weight"]);
    let bytes = file(vec![("conv1.weight", step())]);
    let error = parse_safetensors(&bytes, "test").unwrap_err();
    assert!(matches!(error, WeightsError::Dtype { .. }), "{error}");
    let weights = parse_safetensors(&file(vec![("a\n\x1b[31m.weight", float())]), "test").unwrap();
    let text = spec(&weights, &Overrides::default()).unwrap_err().to_string();
    assert!(!text.contains(char::is_control), "{text}");
}
