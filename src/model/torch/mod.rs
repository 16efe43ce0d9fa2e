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

    /// Values that all its storages could give: four times what is needed where none is
    /// shared.
    pub fn capacity(&self) -> u64 {
        self.storages.values().map(Place::capacity).sum()
    }

    /// The values of a tensor, or the name of its type if they are not floats.
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
