//! Labelled images of one size in memory.

/// Labelled images of one size: bytes, planar (all of one channel, then the
/// next), row by row, as CIFAR stores them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSet {
    pixels: Vec<u8>,
    labels: Vec<u16>,
    shape: [usize; 3],
}

impl ImageSet {
    /// An empty set of images of a shape `[channels, height, width]`.
    pub fn new(shape: [usize; 3]) -> Self {
        Self { pixels: Vec::new(), labels: Vec::new(), shape }
    }

    /// A set of `n x C x H x W` bytes and `n` labels.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub(super) fn from_parts(pixels: Vec<u8>, labels: Vec<u16>, shape: [usize; 3]) -> Self {
        assert_eq!(pixels.len(), labels.len() * shape.iter().product::<usize>(), "bytes per label");
        Self { pixels, labels, shape }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// `[channels, height, width]` of every image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Bytes per image.
    pub fn image_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of image `index`, `C x H x W`.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`], as a slice does.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.image_len();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The label of image `index`.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`], as a slice does.
    pub fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }

    /// All labels, in order.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// All bytes, `n x C x H x W`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Adds one image.
    ///
    /// # Panics
    /// If `image` is not of the set's shape (a reader's mistake, never a
    /// file's).
    pub fn push(&mut self, image: &[u8], label: u16) {
        assert_eq!(image.len(), self.image_len(), "an image of another shape");
        self.pixels.extend_from_slice(image);
        self.labels.push(label);
    }

    /// Adds all images of a set of the same shape behind those that are there.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn append(&mut self, mut other: ImageSet) {
        assert_eq!(other.shape, self.shape, "images of another shape");
        if self.is_empty() {
            *self = other;
        } else {
            self.pixels.append(&mut other.pixels);
            self.labels.append(&mut other.labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_labels_keep_their_order_through_push_and_append() {
        let mut set = ImageSet::new([1, 1, 2]);
        assert!(set.is_empty());
        set.push(&[1, 2], 3);
        let mut more = ImageSet::new([1, 1, 2]);
        more.push(&[4, 5], 6);
        set.append(more);
        assert_eq!((set.len(), set.image_len(), set.shape()), (2, 2, [1, 1, 2]));
        assert_eq!((set.image(0), set.label(0)), (&[1, 2][..], 3));
        assert_eq!((set.image(1), set.label(1)), (&[4, 5][..], 6));
        assert_eq!((set.pixels(), set.labels()), (&[1, 2, 4, 5][..], &[3, 6][..]));
    }
}
