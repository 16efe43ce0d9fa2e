//! Weights on the host: named f32 tensors under PyTorch names, what a model
//! description expects of them, and how the two differ.
//!
//! Knows no device and no file format.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::ModelSpec;

/// A dense f32 tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Extent of every axis.
    pub shape: Vec<usize>,
    /// Values, last axis fastest.
    pub data: Vec<f32>,
}

/// Named tensors under PyTorch's module paths (`layer2.0.conv1.weight`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateDict {
    /// The tensors by name.
    pub tensors: BTreeMap<String, HostTensor>,
}

/// How a state dict differs from what a model expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch {
    /// The model that was expected, in words.
    pub model: String,
    /// Expected names that are not there.
    pub missing: Vec<String>,
    /// Names that the model does not have.
    pub unexpected: Vec<String>,
    /// `name: found [..], expected [..]`.
    pub misshapen: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}", self.model)?;
        for (what, names) in [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("wrongly shaped", &self.misshapen),
        ] {
            if !names.is_empty() {
                let shown: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
                write!(f, "; {} {what}: {}", names.len(), shown.join(", "))?;
                if names.len() > shown.len() {
                    f.write_str(", ...")?;
                }
            }
        }
        Ok(())
    }
}

/// Names and shapes of all tensors of a model, trainable and running, in layer
/// order.
pub fn expected(spec: &ModelSpec) -> Vec<(String, Vec<usize>)> {
    let mut list = Vec::new();
    let mut conv = |name: &str, out: usize, input: usize, side: usize| {
        list.push((format!("{name}.weight"), vec![out, input, side, side]));
        if spec.conv_bias {
            list.push((format!("{name}.bias"), vec![out]));
        }
    };
    // Convolutions and norms interleave; collect convolutions with their norms.
    let mut norms = Vec::new();
    let stem = spec.channels(1);
    conv("conv1", stem, spec.image[0], 3);
    norms.push(("bn1".to_string(), stem));
    let mut input = stem;
    for stage in 1..=3 {
        let out = spec.channels(stage);
        for block in 0..spec.blocks_in(stage) {
            let base = format!("layer{stage}.{block}");
            conv(&format!("{base}.conv1"), out, input, 3);
            norms.push((format!("{base}.bn1"), out));
            conv(&format!("{base}.conv2"), out, out, 3);
            norms.push((format!("{base}.bn2"), out));
            if spec.has_projection(stage, block) {
                conv(&format!("{base}.shortcut"), out, input, 1);
            }
            input = out;
        }
    }
    for (name, channels) in norms {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            list.push((format!("{name}.{part}"), vec![channels]));
        }
    }
    list.push(("linear.weight".into(), vec![spec.classes, spec.channels(3)]));
    list.push(("linear.bias".into(), vec![spec.classes]));
    list
}

/// Number of trainable parameters (running statistics not counted).
pub fn parameters(spec: &ModelSpec) -> usize {
    expected(spec)
        .iter()
        .filter(|(name, _)| !name.contains(".running_"))
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum()
}

impl StateDict {
    /// Compares names and shapes with what `spec` expects.
    ///
    /// # Errors
    /// [`Mismatch`] listing missing, unexpected and wrongly shaped tensors.
    pub fn check(&self, spec: &ModelSpec) -> Result<(), Mismatch> {
        let expected: BTreeMap<String, Vec<usize>> = expected(spec).into_iter().collect();
        let mut mismatch = Mismatch {
            model: spec.title(),
            missing: Vec::new(),
            unexpected: Vec::new(),
            misshapen: Vec::new(),
        };
        for (name, shape) in &expected {
            match self.tensors.get(name) {
                None => mismatch.missing.push(name.clone()),
                Some(t) if t.shape != *shape => {
                    let text = format!("{name}: found {:?}, expected {shape:?}", t.shape);
                    mismatch.misshapen.push(text);
                }
                Some(_) => {}
            }
        }
        let unexpected = self.tensors.keys().filter(|name| !expected.contains_key(*name));
        mismatch.unexpected.extend(unexpected.cloned());
        let fits = mismatch.missing.is_empty()
            && mismatch.unexpected.is_empty()
            && mismatch.misshapen.is_empty();
        if fits { Ok(()) } else { Err(mismatch) }
    }

    /// True if every value of every tensor is finite.
    pub fn is_finite(&self) -> bool {
        self.tensors.values().all(|t| t.data.iter().all(|v| v.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Preset, Shortcut};

    #[test]
    fn parameter_counts_match_the_published_ones() {
        let he = |depth| ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap();
        assert_eq!(parameters(&he(20)), 269_722);
        assert_eq!(parameters(&he(56)), 853_018);
        assert_eq!(expected(&he(20)).len(), 97);
    }

    #[test]
    fn mismatch_lists_all_three_kinds() {
        let mut spec = ModelSpec::new(Preset::He, 8, 0.25, 10, [3, 8, 8]).unwrap();
        let mut state = StateDict::default();
        for (name, shape) in expected(&spec) {
            let data = vec![0.0; shape.iter().product()];
            state.tensors.insert(name, HostTensor { shape, data });
        }
        assert_eq!(state.check(&spec), Ok(()));
        spec.shortcut = Shortcut::Projection;
        state.tensors.remove("bn1.bias");
        let extra = HostTensor { shape: vec![1], data: vec![0.0] };
        state.tensors.insert("fc.bias".into(), extra.clone());
        state.tensors.insert("linear.bias".into(), extra);
        let text = state.check(&spec).unwrap_err().to_string();
        assert!(text.contains("3 missing: bn1.bias, layer2.0.shortcut.weight"), "{text}");
        assert!(text.contains("1 unexpected: fc.bias"), "{text}");
        assert!(text.contains("linear.bias: found [1], expected [10]"), "{text}");
        assert!(!text.contains('\n'));
    }
}
