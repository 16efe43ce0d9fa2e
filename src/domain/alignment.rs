//! Which layer of one network corresponds to which of another: the same layer
//! where both have the same list, else the one of the same name or at the same
//! relative position. Knows lists of layers and nothing else.

use std::collections::BTreeSet;

use super::layers::{Layer, Role};

/// How layers of two networks are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alignment {
    /// By relative position within the stage (stem and head count as stages),
    /// the nearest layer that computes the same.
    #[default]
    Position,
    /// By name; a layer whose name the other network does not have goes with the
    /// last one before it that has.
    Name,
}

impl Alignment {
    /// The other one.
    pub fn next(self) -> Alignment {
        match self {
            Alignment::Position => Alignment::Name,
            Alignment::Name => Alignment::Position,
        }
    }
}

/// The counterpart of every layer of two networks, both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correspondence {
    there: Vec<usize>,
    back: Vec<usize>,
    same: bool,
    how: Alignment,
}

impl Correspondence {
    /// Matches the layers of `a` and `b` (full lists).
    pub fn new(a: &[Layer], b: &[Layer], how: Alignment) -> Correspondence {
        let same = same_layers(a, b);
        let all = |from: &[Layer], to: &[Layer]| -> Vec<usize> {
            match (same, how) {
                (true, _) => (0..from.len()).collect(),
                (_, Alignment::Position) => by_position(from, to),
                (_, Alignment::Name) => by_name(from, to),
            }
        };
        Correspondence { there: all(a, b), back: all(b, a), same, how }
    }

    /// The second network's layer that goes with layer `index` of the first.
    pub fn there(&self, index: usize) -> usize {
        self.there.get(index).copied().unwrap_or(0)
    }

    /// The first network's layer that goes with layer `index` of the second.
    pub fn back(&self, index: usize) -> usize {
        self.back.get(index).copied().unwrap_or(0)
    }

    /// True if both networks have the same layers (names and shapes).
    pub fn is_identity(&self) -> bool {
        self.same
    }

    /// The same with the networks exchanged.
    pub fn reversed(self) -> Correspondence {
        Correspondence { there: self.back, back: self.there, ..self }
    }

    /// How layers are matched, in words.
    pub fn words(&self) -> &'static str {
        match (self.same, self.how) {
            (true, _) => "same layers",
            (_, Alignment::Position) => "by relative position",
            (_, Alignment::Name) => "by name",
        }
    }
}

/// True if two networks have the same layers: names and shapes.
pub fn same_layers(a: &[Layer], b: &[Layer]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.name == y.name && x.shape == y.shape)
}

/// A part of a network whose layers match those of the same part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Stem,
    Stage(usize),
    Head,
}

fn section(layer: &Layer) -> Section {
    match (layer.stage, layer.role) {
        (Some(stage), _) => Section::Stage(stage),
        (None, Role::Head) => Section::Head,
        (None, _) => Section::Stem,
    }
}

/// For every layer of `from`, the layer of `to` at the same relative position of
/// the same section, or rather the nearest to it that computes the same.
fn by_position(from: &[Layer], to: &[Layer]) -> Vec<usize> {
    let members = |of: &[Layer], wanted: Section| -> Vec<usize> {
        (0..of.len()).filter(|i| section(&of[*i]) == wanted).collect()
    };
    let sections: BTreeSet<Section> = from.iter().map(section).collect();
    let mut all = vec![0; from.len()];
    for section in sections {
        let (mine, mut other) = (members(from, section), members(to, section));
        let mut step = (other.len().max(1) - 1) as f64 / (mine.len().max(2) - 1) as f64;
        let missing = other.is_empty();
        if missing {
            // a stage that the other network does not have: by position in all of it
            other = (0..to.len()).collect();
            step = (to.len().max(1) - 1) as f64 / (from.len().max(2) - 1) as f64;
        }
        for (place, index) in mine.iter().enumerate() {
            let at = if missing { *index } else { place };
            let layer = &from[*index];
            let alike = |l: &Layer| l.kind == layer.kind && l.post_residual == layer.post_residual;
            let nearest = |only_alike: bool| {
                let distance = |place: usize| (place as f64 - at as f64 * step).abs();
                other
                    .iter()
                    .enumerate()
                    .filter(|(_, i)| !only_alike || alike(&to[**i]))
                    .min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)))
                    .map(|(_, i)| *i)
            };
            all[*index] = nearest(true).or_else(|| nearest(false)).unwrap_or(0);
        }
    }
    all
}

fn by_name(from: &[Layer], to: &[Layer]) -> Vec<usize> {
    let mut last = 0;
    from.iter()
        .map(|layer| {
            last = to.iter().position(|l| l.name == layer.name).unwrap_or(last);
            last
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ModelSpec, Preset, Shortcut};

    fn layers(depth: usize) -> Vec<Layer> {
        let spec = ModelSpec {
            depth,
            width: 1.0,
            residual: true,
            shortcut: Shortcut::Pad,
            preset: Preset::He,
            conv_bias: false,
            norm_epsilon: 1e-5,
            norm_momentum: 0.9,
            classes: 10,
            image: [3, 32, 32],
            mean: [0.0; 3],
            std: [1.0; 3],
            blocks: None,
        };
        spec.layers()
    }

    #[test]
    fn equal_networks_match_layer_by_layer() {
        let a = layers(20);
        for how in [Alignment::Position, Alignment::Name] {
            let c = Correspondence::new(&a, &a, how);
            assert!(c.is_identity());
            assert!((0..a.len()).all(|i| c.there(i) == i && c.back(i) == i));
        }
    }

    #[test]
    fn positions_keep_stage_kind_order_and_ends() {
        let (a, b) = (layers(20), layers(56));
        let c = Correspondence::new(&a, &b, Alignment::Position);
        assert!(!c.is_identity());
        for l in &a {
            let other = &b[c.there(l.index)];
            assert_eq!(
                (l.stage, l.kind, l.post_residual),
                (other.stage, other.kind, other.post_residual)
            );
        }
        let at = |list: &[Layer], name: &str| list.iter().position(|l| l.name == name).unwrap();
        assert_eq!(b[c.there(at(&a, "conv1"))].name, "conv1");
        assert_eq!(b[c.there(at(&a, "layer1.2.relu2"))].name, "layer1.8.relu2");
        assert_eq!(b[c.there(at(&a, "layer3.0.conv1"))].name, "layer3.0.conv1");
        assert_eq!(b[c.there(at(&a, "linear"))].name, "linear");
        let middle = &b[c.there(at(&a, "layer2.1.add"))].name;
        assert!(["layer2.3.add", "layer2.4.add", "layer2.5.add"].contains(&middle.as_str()));
        // the shallow network's layers come back to themselves
        for l in a.iter().filter(|l| l.stage.is_none()) {
            assert_eq!(c.back(c.there(l.index)), l.index);
        }
    }

    #[test]
    fn names_go_to_the_same_name_or_the_last_one_before() {
        let (a, b) = (layers(56), layers(20));
        let c = Correspondence::new(&a, &b, Alignment::Name);
        let at = |name: &str| a.iter().position(|l| l.name == name).unwrap();
        assert_eq!(b[c.there(at("layer2.1.conv2"))].name, "layer2.1.conv2");
        assert_eq!(b[c.there(at("layer2.7.conv1"))].name, "layer2.2.relu2");
        assert_eq!(b[c.there(at("layer3.0.conv1"))].name, "layer3.0.conv1");
        assert_eq!(c.words(), "by name");
        let r = c.clone().reversed();
        assert_eq!((r.there(5), r.back(9)), (c.back(5), c.there(9)));
    }
}
