//! What must hold of a run's records beyond their syntax. Checked on reading,
//! because a run may come from anywhere, and on writing, so that this program
//! writes nothing that it would refuse to read.

use super::error::RunError;
use super::manifest::{
    ComponentsRecord, DeletionRecord, PredictionsRecord, ProbesRecord, RunManifest,
};
use crate::domain::record::DataRecord;
use crate::domain::{Layer, MapKey, MapRecord, ModelSpec, Of};

/// More layers than the deepest supported network has (761).
const MAX_LAYERS: usize = 4096;

/// Checks a run's name: one folder name that means the same on every system.
///
/// # Errors
/// What is wrong with it.
pub(super) fn name(name: &str) -> Result<(), &'static str> {
    if name == super::layout::COMPARISONS {
        return Err("that folder holds comparisons of runs");
    }
    crate::files::name(name)
}

/// Refuses a name that cannot be a run's on every system.
///
/// # Errors
/// [`RunError::Name`] saying what is wrong with it.
pub fn check_name(name: &str) -> Result<(), RunError> {
    self::name(name).map_err(|why| RunError::Name { name: name.to_string(), why })
}

/// Checks a run manifest.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn manifest(manifest: &RunManifest) -> Result<(), String> {
    manifest.model.check().map_err(|e| format!("model: {e}"))?;
    let [channels, ..] = manifest.model.image;
    if !(1..=64).contains(&channels) {
        return Err(format!("model: {channels} input channels are not supported"));
    }
    if manifest.model.mean.iter().any(|m| !m.is_finite()) {
        return Err("model: mean must be finite".into());
    }
    if manifest.model.std.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err("model: std must be positive".into());
    }
    data(&manifest.data)?;
    if let Some(test) = &manifest.test
        && test.correct > test.examples
    {
        return Err(format!("test: {} of {} images correct", test.correct, test.examples));
    }
    text("name", &manifest.name)?;
    text("program", &manifest.program)?;
    text("created", &manifest.created)?;
    text("device", &manifest.device)?;
    text("source", manifest.source.as_deref().unwrap_or_default())?;
    text("weights_hash", manifest.weights_hash.as_deref().unwrap_or_default())?;
    if let Some(training) = &manifest.training {
        text("training.source", &training.source)?;
        text("training.fingerprint", &training.fingerprint)?;
        if !(training.checkpoint_minutes >= 0.0 && training.checkpoint_minutes.is_finite()) {
            return Err(format!("training: {} minutes", training.checkpoint_minutes));
        }
    }
    text("augmentation", manifest.recipe.as_ref().map_or("", |r| &r.augmentation))
}

/// Checks a map's key and record; `model` is the network of the run that holds it, if it
/// is one of a run.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn map(
    key: &MapKey,
    record: &MapRecord,
    model: Option<&ModelSpec>,
) -> Result<(), String> {
    key.check()?;
    match (model, key.of) {
        (Some(_), Of::Run) | (None, Of::Between) => {}
        (Some(_), Of::Between) => return Err("it is a map between two runs".into()),
        (None, Of::Run) => return Err("it is a map of one run".into()),
    }
    if let (Some(blocks), Some(model)) = (key.blocks(), model) {
        model.network().check_deleted(blocks).map_err(|e| format!("deleted: {e}"))?;
    }
    data(&record.data)?;
    for (name, value) in [
        ("program", &record.provenance.program),
        ("created", &record.provenance.created),
        ("device", &record.provenance.device),
        ("weighting", &record.weighting),
        ("estimator", &record.estimator.name),
        ("estimator", record.estimator.words.as_ref().unwrap_or(&String::new())),
    ] {
        text(name, value)?;
    }
    if record.cols.is_some() != (key.of == Of::Between) {
        return Err("rows and columns are not those of its kind".into());
    }
    let cols = record.cols.iter().map(|side| ("cols", side));
    for (name, side) in std::iter::once(("rows", &record.rows)).chain(cols) {
        text(name, &side.run)?;
        text(name, side.weights_hash.as_deref().unwrap_or_default())?;
        if let Some(model) = &side.model {
            model.check().map_err(|e| format!("{name}: {e}"))?;
        }
        if key.of == Of::Between && (side.model.is_none() || side.weights_hash.is_none()) {
            return Err(format!("{name}: its network or the hash of its weights is missing"));
        }
        layers(&side.layers).map_err(|e| format!("{name}: {e}"))?;
    }
    if let Some(share) = record.left_out
        && !(0.0..1.0).contains(&share)
    {
        return Err(format!("left_out {share} is not in [0, 1)"));
    }
    match record.difference {
        Some(value) if !(value.is_finite() && value >= 0.0) => {
            Err(format!("difference {value} is no mean of absolute values"))
        }
        _ => Ok(()),
    }
}

/// Checks the record of a first-component suite.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn components(record: &ComponentsRecord) -> Result<(), String> {
    data(&record.data)?;
    text("program", &record.program)?;
    text("created", &record.created)?;
    text("device", &record.device)?;
    text("estimator", &record.estimator)?;
    text("weights_hash", record.weights_hash.as_deref().unwrap_or_default())?;
    if !(record.dominant_share >= 0.0 && record.dominant_share < 1.0) {
        return Err(format!("dominant_share {} is not in [0, 1)", record.dominant_share));
    }
    if !(1..=1024).contains(&record.components) {
        return Err(format!("{} components; expected 1 to 1024", record.components));
    }
    layers(&record.layers)
}

/// Checks the record of linear probes.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn probes(record: &ProbesRecord) -> Result<(), String> {
    data(&record.data)?;
    text("program", &record.program)?;
    text("created", &record.created)?;
    text("device", &record.device)?;
    text("recipe", &record.recipe)?;
    text("weights_hash", record.weights_hash.as_deref().unwrap_or_default())?;
    layers(&record.layers)
}

/// Checks the record of deletions.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn deletion(record: &DeletionRecord) -> Result<(), String> {
    data(&record.data)?;
    text("program", &record.program)?;
    text("created", &record.created)?;
    text("device", &record.device)?;
    text("weights_hash", record.weights_hash.as_deref().unwrap_or_default())
}

/// Checks the record of predictions.
///
/// # Errors
/// The first thing that is wrong, in words.
pub(super) fn predictions(record: &PredictionsRecord) -> Result<(), String> {
    data(&record.data)?;
    text("program", &record.program)?;
    text("created", &record.created)?;
    text("device", &record.device)?;
    text("weights_hash", record.weights_hash.as_deref().unwrap_or_default())
}

fn layers(layers: &[Layer]) -> Result<(), String> {
    if layers.is_empty() || layers.len() > MAX_LAYERS {
        return Err(format!("{} layers; expected 1 to {MAX_LAYERS}", layers.len()));
    }
    for (at, layer) in layers.iter().enumerate() {
        text("layers", &layer.name)?;
        if layer.index != at {
            return Err(format!("layer {at} ({:?}) says it is number {}", layer.name, layer.index));
        }
        let features = layer.shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side));
        if features.is_none_or(|n| n == 0) {
            return Err(format!("layer {at} ({:?}) has an impossible shape", layer.name));
        }
    }
    Ok(())
}

fn data(data: &DataRecord) -> Result<(), String> {
    if !(data.fraction > 0.0 && data.fraction <= 1.0) {
        return Err(format!("data: fraction {} is not in (0, 1]", data.fraction));
    }
    text("data.source", &data.source)?;
    text("data.fingerprint", &data.fingerprint)?;
    data.classes.iter().try_for_each(|class| text("data.classes", class))
}

/// Control characters could steer the terminal that shows them.
fn text(field: &str, value: &str) -> Result<(), String> {
    if value.chars().any(char::is_control) {
        Err(format!("{field}: {value:?} contains a control character"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn names_that_leave_the_folder_or_hide_are_refused() {
        for bad in ["", "comparisons", "..", "a/b"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name("resnet38-w2-cifar10-64th-s0").is_ok());
    }

    #[test]
    fn records_that_make_no_sense_are_refused() {
        let good = fixtures::manifest("a");
        assert_eq!(manifest(&good), Ok(()));
        let refused = |change: fn(&mut RunManifest)| {
            let mut m = good.clone();
            change(&mut m);
            manifest(&m).unwrap_err()
        };
        assert!(refused(|m| m.model.depth = 21).contains("21"));
        assert!(refused(|m| m.data.fraction = 0.0).contains("fraction"));
        assert!(refused(|m| m.data.fraction = f64::NAN).contains("fraction"));
        assert!(refused(|m| m.model.std[1] = 0.0).contains("std"));
        assert!(refused(|m| m.name = "a\u{1b}[2J".into()).contains("control"));
        assert!(refused(|m| m.data.classes[0] = "\n".into()).contains("control"));
        assert!(refused(|m| m.test.as_mut().unwrap().correct = 10_000).contains("10000 of"));
    }

    #[test]
    fn layer_lists_that_make_no_sense_are_refused() {
        let good = fixtures::analysis(4).record;
        let model = fixtures::manifest("a").model;
        let record = |record: &MapRecord| map(&MapKey::cka(), record, Some(&model));
        assert_eq!(record(&good), Ok(()));
        let mut swapped = good.clone();
        swapped.rows.layers.swap(0, 1);
        assert!(record(&swapped).unwrap_err().contains("layer 0"));
        let mut huge = good.clone();
        huge.rows.layers[2].shape = vec![usize::MAX, 2];
        assert!(record(&huge).unwrap_err().contains("shape"));
        let mut empty = good.clone();
        empty.rows.layers.clear();
        assert!(record(&empty).unwrap_err().contains("0 layers"));
        let mut words = good.clone();
        words.estimator.words = Some("by hand\u{1b}[2J".into());
        assert!(record(&words).unwrap_err().contains("control character"));
        let between = MapKey { of: Of::Between, ..MapKey::cka() };
        assert!(map(&between, &good, Some(&model)).unwrap_err().contains("between two runs"));
        assert!(map(&between, &good, None).unwrap_err().contains("rows and columns"));
        assert!(map(&MapKey::cka(), &good, None).unwrap_err().contains("of one run"));
    }
}
