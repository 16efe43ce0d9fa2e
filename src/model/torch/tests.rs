//! Small files of every format and protocol, and damaged ones.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use super::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickles").join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(File::open(fixture(name)).unwrap()).unwrap()
}

type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn values(mut checkpoint: Checkpoint) -> Values {
    let tensors = checkpoint.tensors().unwrap();
    let value = |(name, tensor): (String, Result<Tensor, String>)| {
        let tensor = tensor.unwrap();
        let data = checkpoint.read(&tensor).unwrap();
        (name, (tensor.shape().to_vec(), data))
    };
    tensors.into_iter().map(value).collect()
}

fn expected(values: &[(&str, &[usize], &[u8])]) -> Values {
    let floats = |data: &[u8]| data.iter().map(|v| f32::from(*v)).collect();
    values
        .iter()
        .map(|(name, shape, data)| (name.to_string(), (shape.to_vec(), floats(data))))
        .collect()
}

const VALUES: &[(&str, &[usize], &[u8])] = &[
    ("whole", &[3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ("turned", &[4, 3], &[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
    ("tail", &[2], &[10, 11]),
    ("column", &[3], &[1, 5, 9]),
    ("spread", &[2, 2], &[0, 1, 0, 1]),
    ("single", &[], &[5]),
    ("none", &[0, 3], &[]),
    ("parameter", &[2, 2], &[0, 1, 2, 3]),
    ("nested.half", &[4], &[0, 1, 2, 3]),
    ("nested.brain", &[4], &[0, 1, 2, 3]),
    ("nested.double", &[2, 2], &[0, 1, 2, 3]),
    ("listed.0", &[1], &[3]),
    ("listed.1.0", &[1], &[4]),
    ("step", &[], &[1]),
    ("3.0", &[1], &[6]),
];

#[test]
fn tensors_come_back_from_every_protocol_whatever_lies_beside_them() {
    for name in ["p1.pt", "p2.pt", "p3.pt", "p4.pt", "p5.pt", "deflated.pt"] {
        assert_eq!(values(open(name)), expected(VALUES), "{name}");
    }
    assert_eq!(values(open("p0.pt")), Values::new());
}

#[test]
fn formats_before_zip_files_and_their_views() {
    let whole: (&str, &[usize], &[u8]) = ("whole", &[2, 3], &[0, 1, 2, 3, 4, 5]);
    let part: &[u8] = &[3, 4];
    for name in ["legacy.pt", "tar.pt"] {
        assert_eq!(values(open(name)), expected(&[whole, ("part", &[2], part)]), "{name}");
    }
}

#[test]
fn a_pickled_module_gives_its_state() {
    let found = values(open("module.pt"));
    let one: [(&str, &[usize], &[u8]); 5] = [
        ("net.one.weight", &[2], &[0, 1]),
        ("net.one.running_mean", &[2], &[2, 3]),
        ("net.twin.weight", &[2], &[0, 1]),
        ("net.twin.running_mean", &[2], &[2, 3]),
        ("net.kept", &[1], &[4]),
    ];
    assert_eq!(found, expected(&one));
}

#[test]
fn cut_and_changed_files_are_refused_or_read_but_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut checkpoint = Checkpoint::open(File::open(&path).unwrap())?;
        for tensor in checkpoint.tensors()?.into_values().flatten() {
            if tensor.count().is_some_and(|count| count < 1 << 20) {
                checkpoint.read(&tensor)?;
            }
        }
        Ok::<_, String>(())
    };
    for name in ["p2.pt", "p4.pt", "deflated.pt", "legacy.pt", "tar.pt", "module.pt"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for cut in (0..whole.len()).step_by(97) {
            let _ = read(&whole[..cut]);
        }
        for at in (0..whole.len()).step_by(19) {
            for value in [0, 0xff, whole[at] ^ 1] {
                let mut changed = whole.clone();
                changed[at] = value;
                let _ = read(&changed);
            }
        }
    }
    let whole = std::fs::read(fixture("p2.pt")).unwrap();
    for cut in [100, whole.len() - 1] {
        let text = read(&whole[..cut]).unwrap_err();
        assert!(text.contains("cut off"), "{text}");
    }
}

#[test]
fn files_that_are_taken_for_checkpoints_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other");
    for (bytes, what) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid"[..], "Git LFS"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0", "HDF5"),
        (b"hello, this is text", "neither"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let text = Checkpoint::open(File::open(&path).unwrap()).unwrap_err();
        assert!(text.contains(what), "{text}");
    }
}

/// A zip file as PyTorch writes one: paddings in local headers, sizes behind the
/// content, a zip64 end record before the end.
fn zip_of(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let offset = out.len() as u32;
        let padding = vec![b'Z'; (64 - (out.len() + 34 + name.len()) % 64) % 64];
        let sizes = |size: usize| (size as u32).to_le_bytes();
        let header = |signature: &[u8], behind: bool| {
            let mut bytes = signature.to_vec();
            bytes.extend([0, 0, 8, 8, 0, 0, 0, 0, 0, 0]);
            bytes.extend([0; 4]);
            let size = if behind { 0 } else { content.len() };
            bytes.extend([sizes(size), sizes(size)].concat());
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes
        };
        let local = header(b"PK\x03\x04", true);
        let central = header(b"PK\x01\x02\0\0", false);
        out.extend(local);
        out.extend((padding.len() as u16 + 4).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(b"FB");
        out.extend((padding.len() as u16).to_le_bytes());
        out.extend(padding);
        out.extend(content);
        out.extend(
            [&b"PK\x07\x08\0\0\0\0"[..], &sizes(content.len()), &sizes(content.len())].concat(),
        );
        table.extend(central);
        table.extend([0; 12]);
        table.extend(offset.to_le_bytes());
        table.extend(name.as_bytes());
    }
    let (start, size) = (out.len() as u64, table.len() as u64);
    out.extend(table);
    let end_64 = out.len() as u64;
    out.extend(b"PK\x06\x06");
    out.extend(44u64.to_le_bytes());
    out.extend([0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let count = entries.len() as u64;
    for number in [count, count, size, start] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(end_64.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(count as u16).to_le_bytes(), (count as u16).to_le_bytes()].concat());
    out.extend([(size as u32).to_le_bytes(), (start as u32).to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

#[test]
fn a_zip_file_of_any_root_name_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("any.pt");
    let pickle = b"\x80\x02}q\x00X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(\
        (X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ\
        K\x00K\x02\x85K\x01\x85\x89}tRs.";
    let bytes: Vec<u8> = [1.5f32, -2.5].iter().flat_map(|v| v.to_le_bytes()).collect();
    for length in 0..200 {
        let root = "PK\u{e9}n./".chars().cycle().take(length).collect::<String>();
        let entries = [("data.pkl", pickle.to_vec()), ("data/0", bytes.clone())];
        let entries = entries.map(|(name, content)| (format!("{root}/{name}"), content));
        std::fs::File::create(&path).unwrap().write_all(&zip_of(&entries)).unwrap();
        let found = values(Checkpoint::open(File::open(&path).unwrap()).unwrap());
        assert_eq!(found["w"], (vec![2], vec![1.5, -2.5]), "{root}");
    }
}
