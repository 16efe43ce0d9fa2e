use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::data::{load, load_test};

/// `count` records whose pixels differ by file (`salt`), record and place.
fn records(layout: &Layout, count: usize, salt: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for record in 0..count {
        let class = (record * 3 + usize::from(salt)) % layout.classes.len();
        if layout.labels.len() == 2 {
            out.push((class / 5) as u8);
        }
        out.push(class as u8);
        out.extend((0..3072usize).map(|at| (at * 7 + record * 31) as u8 ^ salt));
    }
    out
}

/// The files of a small data set: name and bytes.
fn files_of(layout: &Layout) -> Vec<(String, Vec<u8>)> {
    let train = layout.train.iter().enumerate();
    let mut files: Vec<_> =
        train.map(|(at, name)| (name.to_string(), records(layout, 2 + at, at as u8))).collect();
    files.push((layout.test.to_string(), records(layout, 4, 99)));
    files.push((layout.names.to_string(), (layout.classes.join("\n") + "\n\n").into_bytes()));
    files
}

fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn packed(folder: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // By hand: the builder refuses `..`, a hostile archive does not.
        let path = format!("{folder}/{name}");
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// A small CIFAR-10 in the published folder of a temporary one.
fn small() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join(CIFAR10.folder);
    write_all(&folder, &files_of(&CIFAR10));
    (dir, folder)
}

fn refusal(path: &Path) -> String {
    let message = load(&DataSource::Cifar10(path.to_path_buf())).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn folder_parent_and_archive_give_the_same_images_in_file_order() {
    for (layout, new) in [
        (&CIFAR10, DataSource::Cifar10 as fn(PathBuf) -> DataSource),
        (&CIFAR100, DataSource::Cifar100),
    ] {
        let dir = TempDir::new().unwrap();
        let (parent, folder) = (dir.path().join("in"), dir.path().join("in").join(layout.folder));
        let mut files = files_of(layout);
        write_all(&folder, &files);
        // Archives are in another order, with other things in between.
        files.reverse();
        files.insert(1, ("readme.html".into(), vec![b'x'; 700]));
        files.insert(2, ("._test_batch.bin".into(), vec![1; 10]));
        let archive = dir.path().join("anything.tgz");
        fs::write(&archive, packed(layout.folder, &files)).unwrap();
        let beside = dir.path().join("beside");
        write_all(&beside, &[(layout.archive.into(), packed("../../x", &files))]);

        let first = load(&new(folder)).unwrap();
        for path in [parent, archive, beside] {
            let source = new(path);
            let other = load(&source).unwrap();
            assert_eq!(other.train, first.train);
            assert_eq!(other.test, first.test);
            assert_eq!(other.classes, first.classes);
            assert_eq!(other.fingerprint, first.fingerprint);
            assert_eq!(other.train_fingerprint, first.train_fingerprint);
            let test = load_test(&source).unwrap();
            assert_eq!(test.fingerprint, first.fingerprint);
            assert_eq!((&test.test, test.train.len()), (&first.test, 0));
            assert_eq!(test.train_fingerprint, None);
        }
        let expected: usize = (0..layout.train.len()).map(|at| 2 + at).sum();
        assert_eq!((first.train.len(), first.test.len()), (expected, 4));
        assert_eq!(first.train.shape(), [3, 32, 32]);
        let test = records(layout, 4, 99);
        let size = layout.labels.len() + 3072;
        assert_eq!(first.test.image(2), &test[2 * size + layout.labels.len()..3 * size]);
        assert_eq!(first.test.label(2), u16::from(test[2 * size + layout.labels.len() - 1]));
    }
}

#[test]
fn class_names_default_to_the_published_ones() {
    let (_dir, folder) = small();
    let with = load(&DataSource::Cifar10(folder.clone())).unwrap();
    fs::remove_file(folder.join(CIFAR10.names)).unwrap();
    let without = load(&DataSource::Cifar10(folder.clone())).unwrap();
    assert_eq!(with.fingerprint, without.fingerprint);
    assert_eq!(without.classes[9], "truck");
    fs::write(folder.join(CIFAR10.names), "cat\ndog\n").unwrap();
    let message = refusal(&folder);
    assert!(message.contains("batches.meta.txt: 2 class names where 10"), "{message}");
}

#[test]
fn the_fingerprint_follows_the_test_images_and_the_train_fingerprint_the_others() {
    let (_dir, folder) = small();
    let source = DataSource::Cifar10(folder.clone());
    let before = load(&source).unwrap();
    let flip = |name: &str, at: usize| {
        let mut bytes = fs::read(folder.join(name)).unwrap();
        bytes[at] ^= 1;
        fs::write(folder.join(name), bytes).unwrap();
        load(&source).unwrap()
    };
    let train = flip("data_batch_3.bin", 3073 + 500);
    assert_eq!(train.fingerprint, before.fingerprint);
    assert_ne!(train.train_fingerprint, before.train_fingerprint);
    let test = flip("test_batch.bin", 0);
    assert_ne!(test.fingerprint, before.fingerprint);
    assert_eq!(test.train_fingerprint, train.train_fingerprint);
}

#[test]
fn a_truncated_file_is_refused_with_its_length_and_record() {
    let (_dir, folder) = small();
    let file = folder.join("data_batch_4.bin");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let message = refusal(&folder);
    assert!(message.contains("data_batch_4.bin: 15364 bytes"), "{message}");
    assert!(message.contains("3073-byte") && message.contains("within record 4;"), "{message}");
    // The test split does not need that file.
    assert!(load_test(&DataSource::Cifar10(folder.clone())).is_ok());
    // No records at all is a whole number of them, in one file but not in all.
    fs::write(&file, []).unwrap();
    assert_eq!(load(&DataSource::Cifar10(folder.clone())).unwrap().train.len(), 15);
    fs::write(folder.join("test_batch.bin"), []).unwrap();
    assert!(refusal(&folder).contains("test_batch.bin in "));
}

#[test]
fn a_bad_label_is_refused_with_its_record_and_range() {
    let (_dir, folder) = small();
    let file = folder.join("data_batch_2.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes[2 * 3073] = 10;
    fs::write(&file, bytes).unwrap();
    let message = refusal(&folder);
    assert!(message.contains("data_batch_2.bin: record 2 has label 10, allowed are 0 to 9"));

    let dir = TempDir::new().unwrap();
    let mut files = files_of(&CIFAR100);
    files[1].1[3074 + 1] = 100;
    write_all(dir.path(), &files);
    let message = load(&DataSource::Cifar100(dir.path().into())).unwrap_err().to_string();
    assert!(message.contains("test.bin: record 1 has fine label 100, allowed are 0 to 99"));
    files[1].1[3074] = 20;
    write_all(dir.path(), &files);
    let message = load(&DataSource::Cifar100(dir.path().into())).unwrap_err().to_string();
    assert!(message.contains("test.bin: record 1 has coarse label 20, allowed are 0 to 19"));
}

#[test]
fn missing_files_are_named_with_the_place_and_the_remedy() {
    let (dir, folder) = small();
    fs::remove_file(folder.join("data_batch_5.bin")).unwrap();
    let message = refusal(dir.path());
    assert!(message.contains("data_batch_5.bin not found in "), "{message}");
    assert!(message.contains("cifar-10-binary.tar.gz"), "{message}");
    fs::remove_file(folder.join("test_batch.bin")).unwrap();
    let source = DataSource::Cifar10(dir.path().into());
    assert!(load_test(&source).unwrap_err().to_string().starts_with("test_batch.bin not found"));
    assert!(refusal(&dir.path().join("nowhere")).contains("nowhere, which does not exist"));
    let empty = TempDir::new().unwrap();
    assert!(refusal(empty.path()).contains("or its folder cifar-10-batches-bin"));
    let archive = empty.path().join("some.tar.gz");
    let mut files = files_of(&CIFAR10);
    files.remove(0);
    fs::write(&archive, packed("x", &files)).unwrap();
    let message = refusal(&archive);
    assert!(message.contains("data_batch_1.bin not found in "), "{message}");
    assert!(message.contains("some.tar.gz"), "{message}");
}

#[test]
fn damaged_and_hostile_archives_are_refused() {
    let dir = TempDir::new().unwrap();
    let archive = dir.path().join("a.tar.gz");
    let whole = packed("x", &files_of(&CIFAR10));
    for bytes in [&b"not a gzip file at all"[..], &[], &whole[..whole.len() / 2]] {
        fs::write(&archive, bytes).unwrap();
        let message = refusal(&archive);
        assert!(message.contains("a.tar.gz is not a readable .tar.gz"), "{message}");
    }
    // An entry that claims more bytes than any published file has.
    let mut header = tar::Header::new_gnu();
    header.set_path("x/test_batch.bin").unwrap();
    header.set_size(FILE_LIMIT + 1);
    header.set_cksum();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    fs::write(&archive, encoder.finish().unwrap()).unwrap();
    let message = refusal(&archive);
    assert!(message.contains("test_batch.bin unpacks to more than 268435456 bytes"), "{message}");
}

#[test]
fn a_file_longer_than_the_limit_is_refused_while_it_is_read() {
    let failed = |error| DataError::read(Path::new("x"), error);
    // A valid label and black pixels, for ever.
    let result = records::read(&CIFAR10, "endless.bin", &mut io::repeat(0), 1 << 20, &failed);
    assert!(matches!(result, Err(DataError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_bytes_are_read_or_refused_but_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..8_000),
        small_labels in any::<bool>(),
        gzip in any::<bool>(),
    ) {
        let failed = |error| DataError::read(Path::new("x"), error);
        let mut bytes = bytes;
        if small_labels {
            bytes.iter_mut().for_each(|byte| *byte %= 10);
        }
        for layout in [&CIFAR10, &CIFAR100] {
            let size = layout.labels.len() + 3072;
            let result = records::read(layout, "x", &mut &bytes[..], FILE_LIMIT, &failed);
            prop_assert!(!small_labels || (result.is_ok() == bytes.len().is_multiple_of(size)));
            if let Ok(images) = result {
                prop_assert_eq!(images.len() * size, bytes.len());
                prop_assert!(images.labels().iter().all(|&l| usize::from(l) < layout.classes.len()));
            }
        }
        let dir = TempDir::new().unwrap();
        let archive = dir.path().join("a.tar.gz");
        if gzip {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        fs::write(&archive, &bytes).unwrap();
        prop_assert!(load(&DataSource::Cifar10(archive)).is_err());
    }
}
