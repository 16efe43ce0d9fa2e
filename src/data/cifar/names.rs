//! Class names: the optional file beside the images, and those of the published
//! files where it is absent.

use std::io::{self, Read};

use crate::data::DataError;

/// Most bytes of a file of names that are read; the published ones have under 2,000.
const LIMIT: u64 = 1 << 16;

/// Reads one name per line, skipping blank lines; there must be `wanted`.
pub(super) fn read(
    shown: &str,
    reader: &mut dyn Read,
    wanted: usize,
    failed: &dyn Fn(io::Error) -> DataError,
) -> Result<Vec<String>, DataError> {
    let mut bytes = Vec::new();
    reader.take(LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let names: Vec<String> = lines.map(ToString::to_string).collect();
    if names.len() == wanted {
        Ok(names)
    } else {
        Err(DataError::ClassNames { file: shown.to_string(), found: names.len(), wanted })
    }
}

/// CIFAR-10 by label, as in `batches.meta.txt`.
pub(super) const CIFAR10_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// CIFAR-100 by fine label, as in `fine_label_names.txt`.
#[rustfmt::skip]
pub(super) const CIFAR100_NAMES: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver",
    "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly",
    "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach",
    "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard",
    "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum",
    "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew",
    "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table",
    "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe",
    "whale", "willow_tree", "wolf", "woman", "worm",
];
