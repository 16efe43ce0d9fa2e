//! Linear probes: how well a softmax regression on a frozen layer classifies
//! (Nguyen et al., ICLR 2021, section 4.4; science notes §1.5). Results, which
//! layers are probed and which images are held out; `engine` trains them.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Layer, Role};

/// How much goes into probes: a quick recipe, which draws the same curve, and the full
/// one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Effort {
    /// A few thousand training images, few epochs: seconds to minutes.
    #[default]
    Quick,
    /// All of the run's training images, 30 epochs: minutes to hours.
    Full,
}

impl Effort {
    /// Passes over the training images.
    pub fn epochs(self) -> usize {
        match self {
            Effort::Quick => 6,
            Effort::Full => 30,
        }
    }

    /// Training images, of so many that there are, balanced over the classes.
    pub fn images(self, available: usize) -> usize {
        match self {
            Effort::Quick => available.min(3000),
            Effort::Full => available,
        }
    }

    /// Its name, `quick`.
    pub fn name(self) -> &'static str {
        match self {
            Effort::Quick => "quick",
            Effort::Full => "full",
        }
    }

    /// The name of a recipe of so many epochs over so many of the available images, `own`
    /// if it is none of these.
    pub fn name_of(epochs: usize, images: usize, available: usize) -> &'static str {
        let is = |effort: &Effort| (effort.epochs(), effort.images(available)) == (epochs, images);
        [Effort::Full, Effort::Quick].into_iter().find(is).map_or("own", Effort::name)
    }

    /// The same in words: `quick recipe: 6 epochs of 3000 of 50000 training images`.
    pub fn words(epochs: usize, images: usize, available: usize) -> String {
        let name = Effort::name_of(epochs, images, available);
        let of = match images < available {
            true => format!("{images} of {available} training images"),
            false => format!("all {images} training images"),
        };
        let plural = if epochs == 1 { "" } else { "s" };
        format!("{name} recipe: {epochs} epoch{plural} of {of}")
    }
}

/// The best probe of one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Index of the layer in the run's layer list.
    pub layer: usize,
    /// The learning rate that won.
    pub learning_rate: f64,
    /// The epoch that won, from 1.
    pub epoch: usize,
    /// Accuracy on the held-out training images that chose both, 0 to 1.
    pub held_out_accuracy: f64,
    /// Accuracy on the test images, which chose nothing, 0 to 1.
    pub test_accuracy: f64,
}

/// The layers that are probed, as indices in the full list, ascending: the end of every
/// block's branch (before the residual connection) and, where there are residual
/// connections, every sum (after it, before its ReLU).
pub fn probed_layers(layers: &[Layer]) -> Vec<usize> {
    let probed = |layer: &&Layer| matches!(layer.role, Role::BeforeAdd | Role::Sum);
    layers.iter().filter(probed).map(|layer| layer.index).collect()
}

/// Training images for probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSplit {
    /// Images that train, ascending.
    pub train: Vec<u32>,
    /// Images that choose epoch and learning rate, ascending.
    pub held_out: Vec<u32>,
}

impl TrainingSplit {
    /// Splits `images`, whose labels in the whole training set are `labels`:
    /// `share` of each class, rounded, is held out, drawn by `rng`, at least one
    /// image of each class that has two.
    ///
    /// # Panics
    /// If an index is not below the number of labels.
    pub fn draw(images: &[u32], labels: &[u16], share: f64, rng: &mut ChaCha8Rng) -> TrainingSplit {
        let mut split = TrainingSplit { train: Vec::new(), held_out: Vec::new() };
        for mut class in by_class(images, labels) {
            class.shuffle(rng);
            let most = class.len().saturating_sub(1);
            let count = ((class.len() as f64 * share).round() as usize).max(1).min(most);
            split.held_out.extend(&class[..count]);
            split.train.extend(&class[count..]);
        }
        split.train.sort_unstable();
        split.held_out.sort_unstable();
        split
    }
}

/// `count` of `images`, as evenly over their classes as these allow, the first
/// of each class, ascending; all if there are no more than `count`.
///
/// # Panics
/// If an index is not below the number of labels.
pub fn balanced(images: &[u32], labels: &[u16], count: usize) -> Vec<u32> {
    let classes = by_class(images, labels);
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| classes.iter().filter_map(move |c| c.get(turn)));
    let mut taken: Vec<u32> = turns.take(count).copied().collect();
    taken.sort_unstable();
    taken
}

/// The images of each class, in order.
fn by_class(images: &[u32], labels: &[u16]) -> Vec<Vec<u32>> {
    let mut classes = Vec::new();
    for image in images {
        let label = usize::from(labels[*image as usize]);
        if classes.len() <= label {
            classes.resize_with(label + 1, Vec::new);
        }
        classes[label].push(*image);
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ModelSpec, Preset};
    use rand::SeedableRng;

    fn names(residual: bool) -> Vec<String> {
        let mut spec = ModelSpec::new(Preset::Paper, 14, 1.0, 10, [3, 32, 32]).unwrap();
        spec.residual = residual;
        let layers = spec.layers();
        probed_layers(&layers).into_iter().map(|at| layers[at].name.clone()).collect()
    }

    #[test]
    fn adds_and_the_norms_before_them_are_probed() {
        let with = names(true);
        assert_eq!(with.len(), 12);
        // The first block of stage 2 has a projection between.
        assert_eq!(&with[4..6], ["layer2.0.bn2", "layer2.0.add"]);
        let without = names(false);
        assert_eq!(without.len(), 6);
        assert!(without.iter().all(|name| name.ends_with(".bn2")));
    }

    #[test]
    fn a_recipe_is_named_by_its_numbers() {
        for (epochs, images, available, words) in [
            (6, 3000, 50_000, "quick recipe: 6 epochs of 3000 of 50000 training images"),
            (6, 800, 800, "quick recipe: 6 epochs of all 800 training images"),
            (30, 50_000, 50_000, "full recipe: 30 epochs of all 50000 training images"),
            (30, 3000, 50_000, "own recipe: 30 epochs of 3000 of 50000 training images"),
            (1, 10, 10, "own recipe: 1 epoch of all 10 training images"),
        ] {
            assert_eq!(Effort::words(epochs, images, available), words);
        }
    }

    #[test]
    fn held_out_images_are_balanced_disjoint_and_fixed_by_the_seed() {
        let labels: Vec<u16> = (0..300).map(|i| (i % 3) as u16).collect();
        let images: Vec<u32> = (0..240).collect();
        let draw =
            |seed| TrainingSplit::draw(&images, &labels, 0.1, &mut ChaCha8Rng::seed_from_u64(seed));
        let split = draw(1);
        assert_eq!((split.train.len(), split.held_out.len()), (216, 24));
        let mut all = [split.train.clone(), split.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, images);
        for class in 0..3 {
            let held = split.held_out.iter().filter(|i| labels[**i as usize] == class);
            assert_eq!(held.count(), 8);
        }
        assert_eq!(split, draw(1));
        assert_ne!(split, draw(2));
    }

    #[test]
    fn a_class_of_one_image_keeps_it_for_training() {
        let split =
            TrainingSplit::draw(&[0, 1, 2], &[0, 1, 1], 0.1, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!((split.train.len(), split.held_out.len()), (2, 1));
        assert_ne!(split.held_out, [0]);
    }

    #[test]
    fn a_balanced_choice_takes_the_classes_in_turn() {
        let labels = [0, 0, 0, 1, 2, 2];
        assert_eq!(balanced(&[0, 1, 2, 3, 4, 5], &labels, 3), [0, 3, 4]);
        assert_eq!(balanced(&[0, 1, 2, 3, 4, 5], &labels, 5), [0, 1, 3, 4, 5]);
        assert_eq!(balanced(&[1, 2, 5], &labels, 9), [1, 2, 5]);
    }
}
