//! The network's tensors among those of a file, whatever the file's format: masks of
//! pruning tools are applied, and a normaliser inside the file is found.

use std::collections::BTreeSet;

use super::{Statistics, Weights, WeightsError};
use crate::model::select;
use crate::model::state::{HostTensor, StateDict};

/// The tensors of a file that are the network's.
pub(super) struct Chosen<'a> {
    origin: &'a str,
    names: BTreeSet<String>,
    /// What stands before their names.
    prefix: String,
    /// Those that a pruning tool keeps as values and a mask.
    masked: BTreeSet<String>,
}

impl<'a> Chosen<'a> {
    /// Those of the network that `key` names, or of the only one; `same` as in
    /// [`select::prefix`].
    pub(super) fn new(
        mut names: BTreeSet<String>,
        origin: &'a str,
        key: Option<&str>,
        same: impl Fn(&str, &str) -> bool,
    ) -> Result<Chosen<'a>, WeightsError> {
        let whole = |name: &String| {
            let base = name.strip_suffix("_orig")?;
            names.contains(&format!("{base}_mask")).then(|| base.to_string())
        };
        let masked: BTreeSet<String> = names.iter().filter_map(whole).collect();
        for base in &masked {
            names.remove(&format!("{base}_orig"));
            names.remove(&format!("{base}_mask"));
            names.insert(base.clone());
        }
        let same = |a: &str, b: &str| !masked.contains(a) && !masked.contains(b) && same(a, b);
        let prefix = select::prefix(&names, key, same);
        let prefix =
            prefix.map_err(|source| WeightsError::Select { origin: origin.to_string(), source })?;
        Ok(Chosen { origin, names, prefix, masked })
    }

    /// Reads them by `read`, which is told whether a tensor of any type will do, and gives
    /// nothing for what is no parameter.
    pub(super) fn read(
        self,
        mut read: impl FnMut(&str, bool) -> Result<Option<HostTensor>, WeightsError>,
    ) -> Result<Weights, WeightsError> {
        let statistics_names = select::statistics(&self.names, &self.prefix);
        let mut three = |name: &str| -> Result<Option<[f32; 3]>, WeightsError> {
            Ok(read(name, false)?.and_then(|tensor| tensor.data.try_into().ok()))
        };
        let mut statistics = None;
        if let Some((mean, std)) = &statistics_names
            && let (Some(mean), Some(std)) = (three(mean)?, three(std)?)
        {
            statistics = Some(Statistics { mean, std });
        }
        let taken = |name: &String| {
            let own = |(mean, std): &(String, String)| name == mean || name == std;
            statistics.is_some() && statistics_names.as_ref().is_some_and(own)
        };
        let mut state = StateDict::default();
        for name in &self.names {
            let Some(short) = name.strip_prefix(&self.prefix) else { continue };
            if short.ends_with("num_batches_tracked") || taken(name) {
                continue;
            }
            let tensor = match self.masked.contains(name) {
                false => read(name, false)?,
                true => self.masked(name, &mut read)?,
            };
            let Some(tensor) = tensor else { continue };
            if tensor.data.iter().any(|v| !v.is_finite()) {
                let (origin, tensor) = (self.origin.to_string(), short.to_string());
                return Err(WeightsError::NotFinite { origin, tensor });
            }
            state.tensors.insert(short.to_string(), tensor);
        }
        Ok(Weights { state, spec: None, statistics })
    }

    fn masked(
        &self,
        name: &str,
        read: &mut impl FnMut(&str, bool) -> Result<Option<HostTensor>, WeightsError>,
    ) -> Result<Option<HostTensor>, WeightsError> {
        let values = read(&format!("{name}_orig"), false)?;
        let mask = read(&format!("{name}_mask"), true)?;
        let Some((mut values, mask)) = values.zip(mask) else { return Ok(None) };
        if values.shape != mask.shape {
            let reason = format!("tensor {name} and its mask differ in shape");
            return Err(WeightsError::Format { origin: self.origin.to_string(), reason });
        }
        values.data.iter_mut().zip(&mask.data).for_each(|(value, mask)| *value *= mask);
        Ok(Some(values))
    }
}
