//! A folder of pictures: `train/CLASS/*.png|jpg|jpeg`, and `test/` or `val/`
//! alike.
//!
//! Classes are the sorted folder names and images the sorted file names, so
//! that labels and order do not depend on the file system. Hidden entries and
//! files of other types are skipped. Images are decoded to RGB and must all be
//! of one size: nothing is resized silently.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::{ImageReader, Limits, RgbImage};
use rayon::prelude::*;

use super::error::one_line;
use super::{DataError, DataSource, Dataset, ImageSet, files};

/// Largest width and height that is decoded.
const MAX_SIDE: u32 = 1024;
/// Most bytes that a decoder may allocate for one image.
const MAX_ALLOC: u64 = 64 << 20;
/// Images decoded in parallel before they are added.
const CHUNK: usize = 256;

/// Reads a folder; without its training images unless `train`.
///
/// The training folder may be absent when only the test split is read; when it
/// is there, its classes must be those of the test folder in either case.
pub(super) fn load(path: &Path, source: &DataSource, train: bool) -> Result<Dataset, DataError> {
    let missing = |file: &str, remedy: &str| DataError::Missing {
        file: file.to_string(),
        looked: path.display().to_string(),
        remedy: remedy.to_string(),
    };
    let train_folder = path.join("train");
    let test_folder = ["test", "val"].map(|name| path.join(name)).into_iter().find(|f| f.is_dir());
    let test_folder = test_folder.ok_or_else(|| {
        missing("test or val", "put the test images in test/CLASS/ or val/CLASS/")
    })?;
    let classes = class_names(&test_folder)?;
    if train_folder.is_dir() {
        same_classes(&train_folder, &class_names(&train_folder)?, &test_folder, &classes)?;
    } else if train {
        return Err(missing("train", "put the training images in train/CLASS/"));
    }
    // The label is a u16: 65,536 classes at most.
    let labels: Option<Vec<u16>> = (0..classes.len()).map(|at| u16::try_from(at).ok()).collect();
    let Some(labels) = labels.filter(|labels| labels.len() >= 2) else {
        return Err(DataError::Classes { folder: test_folder, found: classes.len() });
    };
    let mut first = None;
    let mut read = |folder: &Path| read_split(folder, &classes, &labels, &mut first);
    let train = if train { Some(read(&train_folder)?) } else { None };
    let test = read(&test_folder)?;
    Ok(Dataset::new(source.clone(), classes, train, test))
}

/// The sorted names of a folder's entries that are not hidden.
fn entries(folder: &Path) -> Result<Vec<String>, DataError> {
    let failed = |error| DataError::read(folder, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        // A name that is not Unicode would not survive in a run's file.
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn class_names(split: &Path) -> Result<Vec<String>, DataError> {
    let mut names = entries(split)?;
    names.retain(|name| split.join(name).is_dir());
    Ok(names)
}

fn same_classes(
    train_folder: &Path,
    train: &[String],
    test_folder: &Path,
    test: &[String],
) -> Result<(), DataError> {
    for (has, has_names, lacks, lacks_names) in
        [(train_folder, train, test_folder, test), (test_folder, test, train_folder, train)]
    {
        if let Some(class) = has_names.iter().find(|name| !lacks_names.contains(name)) {
            return Err(DataError::ClassMismatch {
                class: class.clone(),
                has: has.to_path_buf(),
                lacks: lacks.to_path_buf(),
            });
        }
    }
    Ok(())
}

/// The first image read, with its size, to which all others must conform.
type First = Option<(PathBuf, (u32, u32))>;

fn read_split(
    folder: &Path,
    classes: &[String],
    labels: &[u16],
    first: &mut First,
) -> Result<ImageSet, DataError> {
    let mut set: Option<ImageSet> = None;
    for (class, &label) in classes.iter().zip(labels) {
        let folder = folder.join(class);
        let mut paths: Vec<PathBuf> =
            entries(&folder)?.into_iter().map(|name| folder.join(name)).collect();
        paths.retain(|path| is_picture(path) && path.is_file());
        if paths.is_empty() {
            return Err(DataError::EmptyClass(folder));
        }
        for paths in paths.chunks(CHUNK) {
            let decoded: Vec<_> = paths.par_iter().map(|path| decode(path)).collect();
            for (path, image) in paths.iter().zip(decoded) {
                let image = image?;
                let size = conform(first, path, image.dimensions())?;
                let set =
                    set.get_or_insert_with(|| ImageSet::new([3, size.1 as usize, size.0 as usize]));
                set.push(&planar(&image), label);
            }
        }
    }
    set.ok_or_else(|| DataError::NoImages(folder.display().to_string()))
}

/// Checks a size against the first image's, or makes it the first.
fn conform(first: &mut First, path: &Path, size: (u32, u32)) -> Result<(u32, u32), DataError> {
    let (first, first_size) = first.get_or_insert_with(|| (path.to_path_buf(), size));
    if *first_size == size {
        return Ok(size);
    }
    Err(DataError::Sizes {
        first: first.clone(),
        first_size: *first_size,
        other: path.to_path_buf(),
        other_size: size,
    })
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Decodes one file; its format is told by its content, not by its name.
fn decode(path: &Path) -> Result<RgbImage, DataError> {
    let undecodable = |reason: String| DataError::Undecodable {
        file: path.to_path_buf(),
        reason: one_line(&reason),
        max: MAX_SIDE,
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    let mut reader = ImageReader::new(BufReader::new(files::open(path)?))
        .with_guessed_format()
        .map_err(|error| DataError::read(path, error))?;
    reader.limits(limits);
    let image = reader.decode().map_err(|error| undecodable(error.to_string()))?.into_rgb8();
    match image.dimensions() {
        (1..=MAX_SIDE, 1..=MAX_SIDE) => Ok(image),
        (width, height) => Err(undecodable(format!("{width}x{height} pixels"))),
    }
}

/// Interleaved RGB to planes.
fn planar(image: &RgbImage) -> Vec<u8> {
    let pixels = image.as_raw();
    (0..3).flat_map(|channel| pixels.iter().copied().skip(channel).step_by(3)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{load, load_test};
    use image::Rgb;
    use tempfile::TempDir;

    fn picture(value: u8, width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([value, (x * 10) as u8, (y * 20) as u8]))
    }

    fn save(root: &Path, name: &str, image: &RgbImage) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    }

    /// Two classes, 6x5 pixels, `test` in a folder of the given name.
    fn small(test: &str) -> TempDir {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        save(root, "train/dog/b.png", &picture(2, 6, 5));
        save(root, "train/dog/a.PNG", &picture(1, 6, 5));
        save(root, "train/cat/z.jpg", &picture(200, 6, 5));
        save(root, &format!("{test}/cat/1.png"), &picture(4, 6, 5));
        save(root, &format!("{test}/dog/1.jpeg"), &picture(90, 6, 5));
        // All of this is skipped.
        save(root, "train/dog/.hidden.png", &picture(0, 9, 9));
        save(root, "train/.cache/a.png", &picture(0, 9, 9));
        fs::write(root.join("train/dog/notes.txt"), "no picture").unwrap();
        fs::write(root.join("train/list.csv"), "no class").unwrap();
        dir
    }

    fn refusal(dir: &TempDir) -> String {
        let message = load(&DataSource::Folder(dir.path().into())).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message
    }

    #[test]
    fn classes_and_files_are_sorted_and_pixels_are_planar() {
        let dir = small("test");
        let source = DataSource::Folder(dir.path().into());
        let data = load(&source).unwrap();
        assert_eq!(data.classes, ["cat", "dog"]);
        assert_eq!(data.train.labels(), [0, 1, 1]);
        assert_eq!(data.test.labels(), [0, 1]);
        assert_eq!(data.train.shape(), [3, 5, 6]);
        let dog = data.train.image(1);
        assert_eq!(&dog[..30], [1; 30]);
        assert_eq!(&dog[30..36], [0, 10, 20, 30, 40, 50]);
        assert_eq!(&dog[60 + 24..], [80; 6]);
        assert_eq!(data.train.image(2)[0], 2);
        // JPEG is lossy: near the value that was saved.
        assert!(data.train.image(0)[..30].iter().all(|&v| v.abs_diff(200) < 12));
        let val = small("val");
        assert_eq!(load(&DataSource::Folder(val.path().into())).unwrap().test, data.test);
        let test = load_test(&source).unwrap();
        assert_eq!((test.test.clone(), test.train.len()), (data.test, 0));
        assert_eq!(test.fingerprint, data.fingerprint);
        fs::remove_dir_all(dir.path().join("train")).unwrap();
        assert_eq!(load_test(&source).unwrap().fingerprint, data.fingerprint);
        assert!(refusal(&dir).starts_with("train not found in "));
    }

    #[test]
    fn empty_classes_missing_classes_and_too_few_classes_are_named() {
        let dir = small("test");
        fs::remove_file(dir.path().join("test/dog/1.jpeg")).unwrap();
        let message = refusal(&dir);
        assert!(message.contains("dog holds no png, jpg or jpeg"), "{message}");
        fs::remove_dir(dir.path().join("test/dog")).unwrap();
        let message = refusal(&dir);
        assert!(message.starts_with("class \"dog\" is in ") && message.contains("train"));
        fs::remove_dir_all(dir.path().join("train/dog")).unwrap();
        assert!(refusal(&dir).contains("test has 1 class folders; at least 2"));
        save(dir.path(), "test/bird/1.png", &picture(4, 6, 5));
        assert!(refusal(&dir).starts_with("class \"bird\" is in "));
        fs::remove_dir_all(dir.path().join("test")).unwrap();
        assert!(refusal(&dir).starts_with("test or val not found in "));
    }

    #[test]
    fn unequal_sizes_name_the_first_two_images_also_across_splits() {
        let dir = small("test");
        save(dir.path(), "test/dog/2.png", &picture(4, 5, 6));
        let message = refusal(&dir);
        assert!(message.contains("z.jpg is 6x5 and ") && message.contains("2.png is 5x6; resize"));
    }

    #[test]
    fn undecodable_and_huge_images_are_named() {
        let dir = small("test");
        let bad = dir.path().join("train/cat/a.png");
        let mut cut = fs::read(dir.path().join("train/dog/b.png")).unwrap();
        cut.truncate(50);
        for bytes in [&b"GIF89a, or so it says"[..], &[], &cut] {
            fs::write(&bad, bytes).unwrap();
            let message = refusal(&dir);
            assert!(
                message.starts_with("cannot decode ") && message.contains("a.png"),
                "{message}"
            );
        }
        picture(0, MAX_SIDE + 1, 1).save(&bad).unwrap();
        assert!(refusal(&dir).contains("up to 1024x1024"));
    }
}
