//! Which images an experiment means for a run, and that they are the right ones.

use std::sync::Arc;

use super::{Lab, LabError, lock};
use crate::data::{self, DataSource, Dataset};
use crate::runs::RunManifest;

/// The images that a user named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Where they are.
    pub source: Option<DataSource>,
    /// They are named once for all runs (by a variable of the environment), so a run
    /// that brings its own does not mean them.
    pub for_all: bool,
}

impl Given {
    /// The source to read for a run: the one given, else the built-in figures for a run
    /// that was made of them.
    ///
    /// # Errors
    /// [`LabError::NoImages`] if there is neither.
    pub fn source(&self, manifest: &RunManifest) -> Result<DataSource, LabError> {
        let built_in = manifest.data.source == DataSource::Shapes.kind();
        match &self.source {
            Some(_) if built_in && self.for_all => Ok(DataSource::Shapes),
            Some(source) => Ok(source.clone()),
            None if built_in => Ok(DataSource::Shapes),
            None => Err(LabError::NoImages {
                run: manifest.name.clone(),
                title: manifest.data.title(),
                kind: manifest.data.source.clone(),
            }),
        }
    }
}

/// Refuses images that are not those of the run.
///
/// # Errors
/// One line that names both.
fn same(manifest: &RunManifest, images: &Dataset) -> Result<(), LabError> {
    let digest = |hash: &str| hash.chars().take(8).collect::<String>();
    if images.fingerprint == manifest.data.fingerprint {
        return Ok(());
    }
    Err(LabError::refused(format!(
        "{} was made with other images ({} {}) than {} ({}); results would not belong together",
        manifest.name,
        manifest.data.source,
        digest(&manifest.data.fingerprint),
        images.source,
        digest(&images.fingerprint)
    )))
}

impl Lab {
    /// The images to analyse a run with, whichever they are; with `training`, those to
    /// train on too.
    ///
    /// # Errors
    /// If none are given or they cannot be read.
    pub fn images_for(
        &self,
        manifest: &RunManifest,
        training: bool,
    ) -> Result<Arc<Dataset>, LabError> {
        self.images_at(&self.given.source(manifest)?, training)
    }

    /// The test images of a run.
    ///
    /// # Errors
    /// If none are given, they cannot be read, or they are not the run's.
    pub fn test_images(&self, manifest: &RunManifest) -> Result<Arc<Dataset>, LabError> {
        let images = self.images_for(manifest, false)?;
        same(manifest, &images)?;
        Ok(images)
    }

    /// The test images with the given fingerprint, read once.
    ///
    /// # Errors
    /// If none are given, they cannot be read, or they are others.
    pub fn images_of(
        &self,
        manifest: &RunManifest,
        fingerprint: &str,
    ) -> Result<Arc<Dataset>, LabError> {
        // held while they are read, so that who comes second reads nothing
        let mut images = lock(&self.images);
        if let Some(known) = images.as_ref().filter(|known| known.fingerprint == fingerprint) {
            return Ok(Arc::clone(known));
        }
        let source = self.given.source(manifest)?;
        let read = data::load_test(&source)?;
        if read.fingerprint != fingerprint {
            return Err(LabError::refused(format!(
                "{source} holds other images than this run was analysed with"
            )));
        }
        Ok(Arc::clone(images.insert(Arc::new(read))))
    }

    /// The images of a source; with `training`, those to train on too. They stay open.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn images_at(&self, source: &DataSource, training: bool) -> Result<Arc<Dataset>, LabError> {
        let mut images = lock(&self.images);
        let read = if training { data::load(source)? } else { data::load_test(source)? };
        Ok(Arc::clone(images.insert(Arc::new(read))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DeviceChoice;
    use crate::runs::fixtures;

    #[test]
    fn a_run_without_its_images_says_so() {
        let mut manifest = fixtures::manifest("a");
        let given =
            |source: Option<&DataSource>, for_all| Given { source: source.cloned(), for_all };
        let text = given(None, false).source(&manifest).unwrap_err().to_string();
        assert!(text.contains("CIFAR-10") && !text.contains('\n'), "{text}");
        manifest.data.source = "shapes".into();
        assert_eq!(given(None, false).source(&manifest).ok(), Some(DataSource::Shapes));
        let cifar: DataSource = "cifar10:x".parse().unwrap();
        let named = given(Some(&cifar), false).source(&manifest);
        assert_eq!(named.ok(), Some(cifar.clone()));
        let by_variable = given(Some(&cifar), true).source(&manifest);
        assert_eq!(by_variable.ok(), Some(DataSource::Shapes));
        let (_dir, store) = fixtures::store();
        let lab = Lab::new(store, DeviceChoice::Cpu, given(Some(&DataSource::Shapes), false));
        let text = lab.test_images(&manifest).unwrap_err().to_string();
        assert!(text.contains("other images"), "{text}");
    }
}
