//! Weights on the host: named f32 tensors under PyTorch names, what a model
//! description expects of them, and how the two differ.
//!
//! Knows no device and no file format.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::Network;

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

impl StateDict {
    /// Compares names and shapes with what `network` expects.
    ///
    /// # Errors
    /// [`Mismatch`] listing missing, unexpected and wrongly shaped tensors.
    pub fn check(&self, network: &Network) -> Result<(), Mismatch> {
        let expected: BTreeMap<String, Vec<usize>> =
            network.parameters().into_iter().map(|p| (p.name, p.shape)).collect();
        let mut mismatch = Mismatch {
            model: network.title().to_string(),
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
    use crate::domain::{ModelSpec, Preset, Shortcut};
    use crate::model::init::initial_state;

    #[test]
    fn mismatch_lists_all_three_kinds() {
        let mut spec = ModelSpec::new(Preset::He, 8, 0.25, 10, [3, 8, 8]).unwrap();
        let mut state = initial_state(&spec.network(), 0);
        assert_eq!(state.check(&spec.network()), Ok(()));
        spec.shortcut = Shortcut::Projection;
        state.tensors.remove("bn1.bias");
        let extra = HostTensor { shape: vec![1], data: vec![0.0] };
        state.tensors.insert("fc.bias".into(), extra.clone());
        state.tensors.insert("linear.bias".into(), extra);
        let text = state.check(&spec.network()).unwrap_err().to_string();
        assert!(text.contains("3 missing: bn1.bias, layer2.0.shortcut.weight"), "{text}");
        assert!(text.contains("1 unexpected: fc.bias"), "{text}");
        assert!(text.contains("linear.bias: found [1], expected [10]"), "{text}");
        assert!(!text.contains('\n'));
    }
}
