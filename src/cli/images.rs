//! Which images a command means for a run, and that they are the right ones.

use super::Failure;
use crate::data::{self, DataSource, Dataset};
use crate::runs::RunManifest;

/// The source to read for a run: the one given, else the built-in figures for a
/// run that was made of them.
///
/// # Errors
/// A usage error with the remedy if there is neither.
pub fn source(manifest: &RunManifest, given: Option<&DataSource>) -> Result<DataSource, Failure> {
    let variable = std::env::var("BLOCKSCOPE_DATA").ok();
    choose(manifest, given, variable.as_deref())
}

fn choose(
    manifest: &RunManifest,
    given: Option<&DataSource>,
    variable: Option<&str>,
) -> Result<DataSource, Failure> {
    let built_in = manifest.data.source == DataSource::Shapes.kind();
    match given {
        // the variable is for runs that need images; this one brings its own
        Some(source) if built_in && variable == Some(source.to_string().as_str()) => {
            Ok(DataSource::Shapes)
        }
        Some(source) => Ok(source.clone()),
        None if built_in => Ok(DataSource::Shapes),
        None => Err(Failure::usage(format!(
            "{} was made from {} images, which it does not contain; give --data {}:PATH (or set BLOCKSCOPE_DATA)",
            manifest.name,
            manifest.data.title(),
            manifest.data.source
        ))),
    }
}

/// Refuses images that are not those of the run.
///
/// # Errors
/// A usage error that names both.
pub fn same(manifest: &RunManifest, images: &Dataset) -> Result<(), Failure> {
    let digest = |hash: &str| hash.chars().take(8).collect::<String>();
    if images.fingerprint == manifest.data.fingerprint {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} was made with other images ({} {}) than {} ({}); results would not belong together",
        manifest.name,
        manifest.data.source,
        digest(&manifest.data.fingerprint),
        images.source,
        digest(&images.fingerprint)
    )))
}

/// Reads the test images of a run.
///
/// # Errors
/// If none are given, they cannot be read, or they are not the run's.
pub fn test_images(manifest: &RunManifest, given: Option<&DataSource>) -> Result<Dataset, Failure> {
    let images = data::load_test(&source(manifest, given)?)?;
    same(manifest, &images)?;
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::fixtures;

    #[test]
    fn a_run_without_its_images_says_how_to_give_them() {
        let mut manifest = fixtures::manifest("a");
        let source = |m: &RunManifest, given: Option<&DataSource>| choose(m, given, None);
        let text = source(&manifest, None).unwrap_err().message;
        assert!(text.contains("--data cifar10:PATH") && !text.contains('\n'), "{text}");
        manifest.data.source = "shapes".into();
        assert_eq!(source(&manifest, None).ok(), Some(DataSource::Shapes));
        let cifar: DataSource = "cifar10:x".parse().unwrap();
        assert_eq!(source(&manifest, Some(&cifar)).ok(), Some(cifar.clone()));
        let by_variable = choose(&manifest, Some(&cifar), Some("cifar10:x"));
        assert_eq!(by_variable.ok(), Some(DataSource::Shapes));
        let text = test_images(&manifest, Some(&DataSource::Shapes)).unwrap_err().message;
        assert!(text.contains("other images"), "{text}");
    }
}
