//! A data set in memory: classes, splits, fingerprints and balanced subsets.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{DataError, DataSource, ImageSet};
use crate::domain::record::DataRecord;

/// Labelled training and test images.
///
/// # Fingerprints
/// There are two, one per split, so that a program that needs only the test
/// images need not read the others. [`Dataset::fingerprint`] is what runs and
/// analyses record: it covers the class names and the **test** images.
/// [`Dataset::train_fingerprint`] covers the class names and the training
/// images. Each is the SHA-256, in hexadecimal, of: the bytes
/// `blockscope-images-1`, the number of classes, each name as length and UTF-8,
/// the shape, the number of images, all labels, all pixels; numbers are
/// little-endian, labels of 2 bytes and the others of 8.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Where it came from.
    pub source: DataSource,
    /// Class names by label.
    pub classes: Vec<String>,
    /// Training images; empty if only the test split was read. Shared with whoever
    /// computes on them.
    pub train: Arc<ImageSet>,
    /// Test images, shared alike.
    pub test: Arc<ImageSet>,
    /// Of the class names and the test images.
    pub fingerprint: String,
    /// Of the class names and the training images; `None` if they were not read.
    pub train_fingerprint: Option<String>,
}

impl Dataset {
    /// A data set with its fingerprints; `train` is `None` if it was not read.
    pub(super) fn new(
        source: DataSource,
        classes: Vec<String>,
        train: Option<ImageSet>,
        test: ImageSet,
    ) -> Self {
        Self {
            fingerprint: fingerprint(&classes, &test),
            train_fingerprint: train.as_ref().map(|train| fingerprint(&classes, train)),
            train: Arc::new(train.unwrap_or_else(|| ImageSet::new(test.shape()))),
            source,
            classes,
            test: Arc::new(test),
        }
    }

    /// The first `round(n * fraction)` training images, and at least one, of
    /// each class of `n` images, as indices in file order.
    ///
    /// Deterministic and nested: a smaller fraction is a subset of a larger one.
    ///
    /// # Errors
    /// [`DataError::Fraction`] unless `fraction` is in (0, 1], and
    /// [`DataError::NoTraining`] if only the test split was read.
    pub fn balanced_subset(&self, fraction: f64) -> Result<Vec<u32>, DataError> {
        if !(fraction > 0.0 && fraction <= 1.0) {
            return Err(DataError::Fraction(fraction));
        }
        if self.train.is_empty() {
            return Err(DataError::NoTraining(self.source.to_string()));
        }
        let mut left = self.quotas(fraction);
        let mut take = |label: u16| match left.get_mut(usize::from(label)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        let chosen = (0u32..).zip(self.train.labels()).filter(|&(_, &label)| take(label));
        Ok(chosen.map(|(index, _)| index).collect())
    }

    /// What a run or an analysis records about these images when it uses the
    /// given fraction of the training split.
    ///
    /// `fraction` is one that [`Dataset::balanced_subset`] accepts;
    /// `train_examples` is 0 if only the test split was read.
    pub fn record(&self, fraction: f64) -> DataRecord {
        DataRecord {
            source: self.source.kind().to_string(),
            classes: self.classes.clone(),
            train_examples: self.quotas(fraction).iter().sum(),
            test_examples: self.test.len(),
            fraction,
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// Training images to take of each class.
    fn quotas(&self, fraction: f64) -> Vec<usize> {
        let mut counts = vec![0usize; self.classes.len()];
        for &label in self.train.labels() {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        let quota = |count: usize| ((count as f64 * fraction).round() as usize).max(1).min(count);
        counts.into_iter().map(quota).collect()
    }
}

/// SHA-256 over class names, shape, labels and pixels; see [`Dataset`].
fn fingerprint(classes: &[String], images: &ImageSet) -> String {
    let mut hash = Sha256::new();
    let number = |hash: &mut Sha256, value: usize| hash.update((value as u64).to_le_bytes());
    hash.update(b"blockscope-images-1");
    number(&mut hash, classes.len());
    for class in classes {
        number(&mut hash, class.len());
        hash.update(class.as_bytes());
    }
    for side in images.shape() {
        number(&mut hash, side);
    }
    number(&mut hash, images.len());
    for label in images.labels() {
        hash.update(label.to_le_bytes());
    }
    hash.update(images.pixels());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(labels: &[u16]) -> Dataset {
        let mut set = ImageSet::new([1, 1, 2]);
        for (value, &label) in (0u8..).zip(labels) {
            set.push(&[value, 7], label);
        }
        let classes = vec!["a".to_string(), "b".to_string()];
        Dataset::new(DataSource::Shapes, classes, Some(set.clone()), set)
    }

    fn rebuilt(of: &Dataset, change: impl Fn(&mut Vec<Vec<u8>>, &mut Vec<u16>)) -> Dataset {
        let mut images: Vec<_> = (0..of.test.len()).map(|i| of.test.image(i).to_vec()).collect();
        let mut labels = of.test.labels().to_vec();
        change(&mut images, &mut labels);
        let mut set = ImageSet::new(of.test.shape());
        images.iter().zip(labels).for_each(|(image, label)| set.push(image, label));
        Dataset::new(of.source.clone(), of.classes.clone(), None, set)
    }

    #[test]
    fn the_fingerprint_notices_a_pixel_a_label_the_order_and_a_name() {
        let base = dataset(&[0, 1, 0]);
        let same = rebuilt(&base, |_, _| {});
        assert_eq!(same.fingerprint, base.fingerprint);
        assert_eq!(base.train_fingerprint.as_ref(), Some(&base.fingerprint));
        assert_eq!(same.train_fingerprint, None);
        assert_eq!(base.fingerprint.len(), 64);
        let renamed = vec!["a".to_string(), "c".to_string()];
        let moved = vec!["ab".to_string(), String::new()];
        let others = [
            rebuilt(&base, |images, _| images[2][1] ^= 1).fingerprint,
            rebuilt(&base, |_, labels| labels[0] = 1).fingerprint,
            rebuilt(&base, |images, _| images.swap(0, 2)).fingerprint,
            rebuilt(&base, |images, labels| {
                images.pop();
                labels.pop();
            })
            .fingerprint,
            fingerprint(&renamed, &base.test),
            fingerprint(&moved, &base.test),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(other, &base.fingerprint);
            assert!(!others[..at].contains(other));
        }
    }

    #[test]
    fn subsets_are_balanced_nested_and_in_file_order() {
        // Eight of class 0, four of class 1.
        let data = dataset(&[0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]);
        assert_eq!(data.balanced_subset(1.0).unwrap(), (0..12).collect::<Vec<_>>());
        assert_eq!(data.balanced_subset(0.5).unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(data.balanced_subset(0.25).unwrap(), [0, 1, 2]);
        assert_eq!(data.balanced_subset(1e-9).unwrap(), [0, 2]);
        // 8 * 0.3125 = 2.5 rounds up, 4 * 0.3125 = 1.25 rounds down.
        assert_eq!(data.balanced_subset(0.3125).unwrap(), [0, 1, 2, 3]);
        for fraction in [1.0, 0.5, 0.3125, 1e-9] {
            let record = data.record(fraction);
            assert_eq!(record.train_examples, data.balanced_subset(fraction).unwrap().len());
            assert_eq!((record.test_examples, record.source.as_str()), (12, "shapes"));
        }
    }

    #[test]
    fn bad_fractions_and_missing_training_images_are_refused() {
        let data = dataset(&[0, 1]);
        for fraction in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(data.balanced_subset(fraction), Err(DataError::Fraction(_))));
        }
        let only_test = rebuilt(&data, |_, _| {});
        assert!(matches!(only_test.balanced_subset(1.0), Err(DataError::NoTraining(_))));
        assert_eq!(only_test.record(1.0).train_examples, 0);
    }
}
