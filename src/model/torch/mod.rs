//! PyTorch's checkpoints, read as data: zip files, the format before them, tar files, and
//! pickles alone. Nothing in them is executed.
//!
//! Opening one reads its pickles; tensors are read one by one, so that memory is bounded
//! by what is asked for. Knows nothing of networks.

mod formats;
mod pickle;
mod source;
mod tensor;
mod tree;
mod zip;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;

use pickle::Pickle;
use source::Place;
pub(super) use tensor::decode;
pub use tensor::{Element, Tensor};

/// An open checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    file: File,
    pickle: Pickle,
    /// Where the bytes of every storage lie, by its key.
    storages: HashMap<String, Place>,
    /// Tensors that the pickle names from outside, as tar files have them.
    tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    /// Opens a checkpoint of any of PyTorch's formats.
    ///
    /// # Errors
    /// What is wrong with it, without the name of the file.
    pub fn open(file: File) -> Result<Checkpoint, String> {
        formats::open(file)
    }

    /// Everything in it that is a tensor, under the names of the dicts, modules, lists and
    /// objects that hold it, joined by dots; a text where it is one that cannot be read.
    ///
    /// # Errors
    /// If its values hold each other too often.
    pub fn tensors(&self) -> Result<BTreeMap<String, Result<Tensor, String>>, String> {
        tree::tensors(self)
    }

    /// As many values as its storages have bytes: several times what is needed where none
    /// is shared. Entries that lie upon each other count once.
    pub fn capacity(&self) -> u64 {
        let length = self.file.metadata().map_or(0, |about| about.len());
        let sum = |deflated: bool| -> u64 {
            let places = self.storages.values().filter(|p| p.packed.is_some() == deflated);
            places.fold(0, |sum, place| sum.saturating_add(place.capacity()))
        };
        let deflated = length.saturating_mul(source::MOST_DEFLATED);
        sum(false).min(length).saturating_add(sum(true).min(deflated))
    }

    /// The values of a tensor; zeros and ones where they are not floats.
    ///
    /// # Errors
    /// What is wrong with it, without its name.
    pub fn read(&mut self, tensor: &Tensor) -> Result<Vec<f32>, String> {
        let place = self.storages.get(tensor.storage()).ok_or("its bytes are not in the file")?;
        tensor.read(&mut self.file, place)
    }
}

#[cfg(test)]
mod tests;
