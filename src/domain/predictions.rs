//! What networks predict, example by example: agreement of networks, and two
//! groups of seeds against each other (Nguyen et al., ICLR 2021, section 6;
//! science notes §1.9). Knows neither networks nor files.

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
