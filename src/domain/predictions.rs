//! What networks predict, example by example: agreement of networks, and two
//! groups of seeds against each other (Nguyen et al., ICLR 2021, section 6;
//! science notes §1.9). Knows neither networks nor files.

use ndarray::Array2;

use super::matrix::SimilarityMatrix;

/// Why predictions cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredictionsError {
    /// There are none.
    #[error("there are no predictions to compare")]
    Empty,
    /// Two sets over other images, or with other labels.
    #[error(
        "predictions {0} and {1} are over different test images; evaluate both over the same ones"
    )]
    Images(usize, usize),
}

/// A network's predictions over test images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// Index in the test split of each image.
    pub images: Vec<u32>,
    /// Labels.
    pub labels: Vec<u16>,
    /// Places of the largest logits (the first of equals).
    pub predicted: Vec<u16>,
    /// The softmax probability of the predicted class, 0 to 1.
    pub confidence: Vec<f32>,
}

impl Predictions {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// True without images.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Whether the image at a position is right.
    pub fn is_right(&self, at: usize) -> bool {
        self.predicted.get(at).is_some_and(|p| self.labels.get(at) == Some(p))
    }

    /// Share of images that are right, 0 to 1; 0 without images.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.len()).filter(|at| self.is_right(*at)).count();
        right as f64 / self.len().max(1) as f64
    }

    /// True if the columns are of one length.
    pub fn is_consistent(&self) -> bool {
        let n = self.len();
        [self.labels.len(), self.predicted.len(), self.confidence.len()] == [n; 3]
    }
}

/// Checks that all are over the same images with the same labels.
///
/// # Errors
/// [`PredictionsError`] naming the first two (counted from 0) that differ.
pub fn same_images(sets: &[&Predictions]) -> Result<(), PredictionsError> {
    let first = sets.first().ok_or(PredictionsError::Empty)?;
    if first.is_empty() || !first.is_consistent() {
        return Err(PredictionsError::Empty);
    }
    let same =
        |p: &Predictions| p.is_consistent() && p.images == first.images && p.labels == first.labels;
    match sets.iter().position(|p| !same(p)) {
        None => Ok(()),
        Some(at) => Err(PredictionsError::Images(0, at)),
    }
}

/// The share of images on which two networks predict the same class, right or
/// wrong, for every pair; 1 on the diagonal.
///
/// # Errors
/// [`PredictionsError`] if they are not over the same images.
pub fn agreement(sets: &[&Predictions]) -> Result<SimilarityMatrix, PredictionsError> {
    same_images(sets)?;
    let share = |a: &Predictions, b: &Predictions| {
        let same = a.predicted.iter().zip(&b.predicted).filter(|(a, b)| a == b).count();
        same as f64 / a.len() as f64
    };
    let shape = (sets.len(), sets.len());
    Ok(SimilarityMatrix::new(Array2::from_shape_fn(shape, |(i, j)| share(sets[i], sets[j]))))
}

/// The share of the networks that are right, for every image, 0 to 1.
///
/// # Errors
/// [`PredictionsError`] if they are not over the same images.
pub fn share_right(sets: &[&Predictions]) -> Result<Vec<f64>, PredictionsError> {
    same_images(sets)?;
    let right = |at: usize| sets.iter().filter(|p| p.is_right(at)).count();
    Ok((0..sets[0].len()).map(|at| right(at) as f64 / sets.len() as f64).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Predictions over images 0, 1, ... of ten classes, label = image mod 10.
    pub(crate) fn predictions(predicted: &[u16]) -> Predictions {
        let n = predicted.len();
        Predictions {
            images: (0..n as u32).collect(),
            labels: (0..n).map(|i| (i % 10) as u16).collect(),
            predicted: predicted.to_vec(),
            confidence: vec![0.5; n],
        }
    }

    #[test]
    fn agreement_counts_wrong_answers_too() {
        let (a, b) = (predictions(&[0, 1, 9, 9]), predictions(&[0, 2, 9, 3]));
        let found = agreement(&[&a, &b]).unwrap();
        assert_eq!((found.get(0, 1), found.get(1, 0)), (Some(0.5), Some(0.5)));
        assert_eq!((found.get(0, 0), found.get(1, 1)), (Some(1.0), Some(1.0)));
        assert_eq!(share_right(&[&a, &b]).unwrap(), [1.0, 0.5, 0.0, 0.5]);
        assert_eq!((a.accuracy(), b.accuracy()), (0.5, 0.5));
    }

    #[test]
    fn other_images_are_refused() {
        let (a, mut b) = (predictions(&[0, 1]), predictions(&[0, 1]));
        b.images[1] = 7;
        assert_eq!(agreement(&[&a, &b]), Err(PredictionsError::Images(0, 1)));
        assert_eq!(agreement(&[]), Err(PredictionsError::Empty));
        assert_eq!(agreement(&[&predictions(&[])]), Err(PredictionsError::Empty));
    }
}
