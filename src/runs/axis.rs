//! Properties of runs as axes of a grid: names, typed values, conditions. Pure;
//! opens no files.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::manifest::{RunManifest, RunState};
use super::store::RunSummary;
use crate::text::{edit_distance, one_line};

/// A property of runs along which a grid is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// Depth of the network.
    Depth,
    /// Channel multiplier.
    Width,
    /// Share of the training images.
    Fraction,
    /// Seed of initial weights and data order.
    Seed,
    /// Epochs trained.
    Epoch,
}

impl Axis {
    /// All axes in the order in which keys cycle through them.
    pub const ALL: [Axis; 5] = [Axis::Depth, Axis::Width, Axis::Fraction, Axis::Seed, Axis::Epoch];

    /// The name on screen and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Axis::Depth => "depth",
            Axis::Width => "width",
            Axis::Fraction => "fraction",
            Axis::Seed => "seed",
            Axis::Epoch => "epoch",
        }
    }

    /// The axis after this one that is not `other`.
    pub fn next(self, other: Axis) -> Axis {
        let at = Axis::ALL.iter().position(|axis| *axis == self).unwrap_or(0);
        let mut after = Axis::ALL.iter().cycle().skip(at + 1).take(Axis::ALL.len());
        after.find(|axis| **axis != other).copied().unwrap_or(self)
    }

    /// Where a run lies on this axis; `None` if it does not say (imported
    /// weights have no seed and no epochs).
    pub fn value(self, manifest: &RunManifest) -> Option<AxisValue> {
        Some(match self {
            Axis::Depth => AxisValue::Depth(manifest.model.depth),
            Axis::Width => AxisValue::Width(manifest.model.width),
            Axis::Fraction => AxisValue::Fraction(manifest.data.fraction),
            Axis::Seed => AxisValue::Seed(manifest.seed?),
            Axis::Epoch => AxisValue::Epoch(match manifest.state {
                RunState::Training { epoch, .. } => epoch,
                RunState::Complete => manifest.recipe.as_ref()?.epochs,
            }),
        })
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is no axis; {}", one_line(.0), meant(.0))]
pub struct AxisError(String);

fn meant(text: &str) -> String {
    let names = Axis::ALL.map(Axis::name);
    let near = names.iter().min_by_key(|name| edit_distance(&text.to_lowercase(), name));
    match near {
        Some(name) if edit_distance(&text.to_lowercase(), name) <= 2 => {
            format!("did you mean {name:?}?")
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

impl FromStr for Axis {
    type Err = AxisError;

    fn from_str(text: &str) -> Result<Axis, AxisError> {
        let wanted = text.trim().to_lowercase();
        Axis::ALL
            .into_iter()
            .find(|axis| axis.name() == wanted)
            .ok_or_else(|| AxisError(text.trim().to_string()))
    }
}

/// A condition on runs: `depth=38`, `fraction=1/64`, `data=cifar10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// `None` is the kind of images.
    axis: Option<Axis>,
    value: String,
}

impl RunFilter {
    /// True if a run fulfils it.
    pub fn keeps(&self, run: &RunSummary) -> bool {
        let Ok(manifest) = &run.manifest else { return false };
        match self.axis {
            None => manifest.data.source == self.value,
            Some(axis) => axis.value(manifest).is_some_and(|value| {
                value.text() == self.value || self.value.parse().is_ok_and(|v| value.is(v))
            }),
        }
    }
}

impl FromStr for RunFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<RunFilter, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err("a condition is KEY=VALUE, as depth=38 or data=cifar10".into());
        };
        let value = value.trim().to_string();
        match key.trim() {
            "data" => Ok(RunFilter { axis: None, value }),
            key => match key.parse() {
                Ok(axis) => Ok(RunFilter { axis: Some(axis), value }),
                Err(error) => Err(format!("{error}; or data")),
            },
        }
    }
}

/// A place on an axis. Real numbers are compared to nine decimals, so that the
/// same share written twice is one place.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // each is the axis of that name
pub enum AxisValue {
    Depth(usize),
    Width(f64),
    Fraction(f64),
    Seed(u64),
    Epoch(usize),
}

impl AxisValue {
    /// Its axis.
    pub fn axis(self) -> Axis {
        match self {
            AxisValue::Depth(_) => Axis::Depth,
            AxisValue::Width(_) => Axis::Width,
            AxisValue::Fraction(_) => Axis::Fraction,
            AxisValue::Seed(_) => Axis::Seed,
            AxisValue::Epoch(_) => Axis::Epoch,
        }
    }

    /// True if it is that number.
    fn is(self, number: f64) -> bool {
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n as f64 == number,
            AxisValue::Seed(n) => n as f64 == number,
            AxisValue::Width(v) | AxisValue::Fraction(v) => (v - number).abs() < 5e-10,
        }
    }

    fn key(self) -> i128 {
        let real = |v: f64| (v * 1e9).round() as i128;
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n as i128,
            AxisValue::Width(v) | AxisValue::Fraction(v) => real(v),
            AxisValue::Seed(n) => i128::from(n),
        }
    }

    /// The value alone: `38`, `0.25`, `1/64`, `all`.
    pub fn text(self) -> String {
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n.to_string(),
            AxisValue::Seed(n) => n.to_string(),
            AxisValue::Width(v) => short(v),
            AxisValue::Fraction(v) if v >= 1.0 => "all".into(),
            AxisValue::Fraction(v) => {
                let inverse = 1.0 / v;
                match (inverse - inverse.round()).abs() < 1e-6 {
                    true => format!("1/{inverse:.0}"),
                    false => short(v),
                }
            }
        }
    }

    /// With its name: `depth 38`, `data 1/64`.
    pub fn label(self) -> String {
        match self {
            AxisValue::Fraction(_) => format!("data {}", self.text()),
            _ => format!("{} {}", self.axis().name(), self.text()),
        }
    }
}

/// At most three decimals, no trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl PartialEq for AxisValue {
    fn eq(&self, other: &AxisValue) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for AxisValue {}

impl PartialOrd for AxisValue {
    fn partial_cmp(&self, other: &AxisValue) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AxisValue {
    fn cmp(&self, other: &AxisValue) -> Ordering {
        (self.axis(), self.key()).cmp(&(other.axis(), other.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RunId, fixtures};
    use super::*;

    #[test]
    fn names_parse_and_typing_errors_are_answered_with_a_guess() {
        assert_eq!(" Depth".parse(), Ok(Axis::Depth));
        let error = |text: &str| text.parse::<Axis>().unwrap_err().to_string();
        assert_eq!(error("dept"), "\"dept\" is no axis; did you mean \"depth\"?");
        assert_eq!(error("epochs"), "\"epochs\" is no axis; did you mean \"epoch\"?");
        let far = error("colour\n");
        assert_eq!(far, "\"colour\" is no axis; there are depth, width, fraction, seed, epoch");
    }

    #[test]
    fn values_print_as_people_write_them() {
        let text = |v: AxisValue| v.label();
        assert_eq!(text(AxisValue::Fraction(1.0 / 64.0)), "data 1/64");
        assert_eq!(text(AxisValue::Fraction(1.0)), "data all");
        assert_eq!(text(AxisValue::Fraction(0.3)), "data 0.3");
        assert_eq!(text(AxisValue::Width(0.25)), "width 0.25");
        assert_eq!(text(AxisValue::Epoch(300)), "epoch 300");
        let mut manifest = fixtures::manifest("a");
        assert_eq!(Axis::Epoch.value(&manifest), Some(AxisValue::Epoch(100)));
        manifest.state = RunState::Training { epoch: 7, epochs: 100 };
        assert_eq!(Axis::Epoch.value(&manifest), Some(AxisValue::Epoch(7)));
        assert_eq!(AxisValue::Fraction(0.1 + 0.2), AxisValue::Fraction(0.3));
        assert_ne!(AxisValue::Seed(u64::MAX), AxisValue::Seed(u64::MAX - 1));
    }

    #[test]
    fn filters_compare_numbers_and_names() {
        let mut manifest = fixtures::manifest("a");
        (manifest.model.depth, manifest.model.width) = (38, 0.5);
        manifest.seed = Some(3);
        let mut half = RunSummary {
            id: RunId::Embedded("a".into()),
            name: "a".into(),
            manifest: Ok(manifest),
            analysis: true,
            analysis_error: None,
            preview: None,
        };
        let keeps = |text: &str| text.parse::<RunFilter>().unwrap().keeps(&half);
        for text in ["depth=38", "width=0.50", "fraction=1/64", "fraction=0.015625", "seed = 3"] {
            assert!(keeps(text), "{text}");
        }
        for text in ["depth=3", "width=1", "fraction=all", "seed=x", "data=shapes", "epoch="] {
            assert!(!keeps(text), "{text}");
        }
        assert!(keeps("data=cifar10"));
        let error = |text: &str| text.parse::<RunFilter>().unwrap_err();
        assert!(error("depth").contains("KEY=VALUE"));
        assert!(error("widht=2").contains("did you mean \"width\"?"), "{}", error("widht=2"));
        half.manifest = Err("broken".into());
        assert!(!"depth=38".parse::<RunFilter>().unwrap().keeps(&half));
    }
}
