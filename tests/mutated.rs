//! Damaged files of every format, made from sound ones by a fixed seed: readers neither
//! panic, nor hang, nor take memory out of proportion to the file.
//!
//! `BLOCKSCOPE_MUTATIONS=N` makes N of each file instead of a few; `BLOCKSCOPE_MUTATION_SEED`
//! makes others.

#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use blockscope::config::Config;
use blockscope::config::keys::keymap;
use blockscope::data::{self, DataSource};
use blockscope::model::weights::read_network;
use blockscope::report;
use blockscope::runs::embedded::Embedded;
use blockscope::runs::{RunId, RunStore};
use blockscope::theme::ThemeSet;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bytes that a reader may hold beside its file: decoders have tables of their own.
const OWN: usize = 48 << 20;
/// Bytes per byte of the file: text becomes numbers, compressed text becomes longer.
const TIMES: usize = 64;
/// No file takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The system's allocator, counted.
struct Counted;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTED: Counted = Counted;

/// A sound file, and what reads it where it lies.
struct Format {
    name: &'static str,
    file: PathBuf,
    read: Box<dyn Fn(&Path) + Send>,
}

/// One of the ways in which files are damaged.
fn damaged(bytes: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..4) {
        let len = bytes.len();
        if len < 8 {
            bytes.extend([0x80, 0x02]);
            continue;
        }
        let at = random.random_range(0..len);
        let run = random.random_range(1..=(len - at).min(64));
        match random.random_range(0..9) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes[at..at + run.min(8)].fill([0x00, 0x7f, 0x80, 0xff][run % 4]),
            3 => drop(bytes.drain(at..at + run)),
            4 => {
                let part = bytes[at..at + run].to_vec();
                let to = random.random_range(0..len);
                bytes.splice(to..to, part);
            }
            5 => {
                let noise: Vec<u8> = (0..run).map(|_| random.random()).collect();
                bytes.splice(at..at, noise);
            }
            6 => number(&mut bytes, at, random),
            7 => {
                let nest = [b'(', b'[', b'{', b'"'][run % 4];
                bytes.splice(at..at, std::iter::repeat_n(nest, 100 * run));
            }
            // a length somewhere, as large as its kind allows
            _ => {
                let large = [u64::MAX, 1 << 31, 1 << 40, u64::from(u32::MAX)][run % 4];
                let to = (at + 8).min(len);
                bytes[at..to].copy_from_slice(&large.to_le_bytes()[..to - at]);
            }
        }
    }
    bytes
}

/// Puts another number in the place of the first one from `at` on.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut ChaCha8Rng) {
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|start| at + start)
    else {
        return;
    };
    let end = bytes[start..].iter().position(|b| !b.is_ascii_digit());
    let end = end.map_or(bytes.len(), |end| start + end);
    let all =
        ["99999999999999999999", "-1", "1e308", "NaN", "4294967296", "0", "18446744073709551615"];
    let new = all[random.random_range(0..all.len())];
    bytes.splice(start..end, new.bytes());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

/// Opens a run as screens and commands do.
fn open(root: &Path, folder: &Path) {
    let store = RunStore::new(root.to_path_buf()).with_embedded(Embedded::new(&[]));
    drop(store.list());
    let Ok(run) = store.load(&RunId::Disk(folder.to_path_buf())) else { return };
    let _ = (report::table(&run), report::plain(&run), report::csv(&run));
    let _ = report::json(&run);
    let _ = store.weights(&run.id);
}

/// CIFAR-10 files of ten images each.
fn cifar(folder: &Path) {
    let cifar = folder.join("cifar-10-batches-bin");
    fs::create_dir_all(&cifar).unwrap();
    let record: Vec<u8> = (0..10u8)
        .flat_map(|i| std::iter::once(i).chain((0..3072).map(move |p| (p as u8) ^ i)))
        .collect();
    for file in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        fs::write(cifar.join(format!("{file}.bin")), &record).unwrap();
    }
    fs::write(cifar.join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n").unwrap();
}

fn formats(dir: &Path) -> Vec<Format> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut formats: Vec<Format> = Vec::new();
    let mut add = |name: &'static str, file: PathBuf, read: Box<dyn Fn(&Path) + Send>| {
        formats.push(Format { name, file, read });
    };
    // checkpoints of every kind
    let fixtures = here.join("tests/fixtures");
    let mut checkpoints = ["resnet8.pt", "resnet8.safetensors", "resnet8_legacy.pth"]
        .map(|file| fixtures.join(file))
        .to_vec();
    below(&fixtures.join("pickles"), &mut checkpoints);
    checkpoints.retain(|path| path.extension().is_some_and(|end| end != "md" && end != "json"));
    for from in checkpoints {
        let file = dir.join("checkpoints").join(from.file_name().unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(&from, &file).unwrap();
        add("checkpoint", file, Box::new(|path| drop(read_network(path, None))));
    }
    // a run of each format, with all that it may hold
    for (name, from) in [
        ("run", here.join("saved_runs/resnet14-shapes-s0")),
        ("old run", fixtures.join("format1/tiny")),
    ] {
        let folder = dir.join(name).join("a");
        copy(&from, &folder);
        let mut files = Vec::new();
        below(&folder, &mut files);
        for file in files {
            let (root, folder) = (dir.join(name), folder.clone());
            add(name, file, Box::new(move |_| open(&root, &folder)));
        }
    }
    // images
    cifar(dir);
    for file in ["test_batch.bin", "batches.meta.txt"] {
        let source: DataSource = format!("cifar10:{}", dir.display()).parse().unwrap();
        add(
            "CIFAR-10",
            dir.join("cifar-10-batches-bin").join(file),
            Box::new(move |_| drop(data::load(&source))),
        );
    }
    let archive = dir.join("cifar.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(["-czf"])
        .arg(&archive)
        .arg("-C")
        .arg(dir)
        .arg("cifar-10-batches-bin")
        .status();
    if packed.is_ok_and(|status| status.success()) {
        let source: DataSource = format!("cifar10:{}", archive.display()).parse().unwrap();
        add("archive", archive, Box::new(move |_| drop(data::load(&source))));
    }
    for (kind, bytes) in pictures() {
        let folder = dir.join(kind);
        for split in ["train", "test"] {
            for class in ["a", "b"] {
                fs::create_dir_all(folder.join(split).join(class)).unwrap();
                fs::write(folder.join(split).join(class).join(format!("x.{kind}")), &bytes)
                    .unwrap();
            }
        }
        let source: DataSource = format!("folder:{}", folder.display()).parse().unwrap();
        add(
            kind,
            folder.join("test/b").join(format!("x.{kind}")),
            Box::new(move |_| drop(data::load(&source))),
        );
    }
    // what a user writes
    let theme = dir.join("theme.ron");
    fs::write(&theme, ThemeSet::builtin_source("dark").unwrap()).unwrap();
    add("theme", theme, Box::new(|path| drop(ThemeSet::builtin().unwrap().check(path))));
    let keys = dir.join("keys.ron");
    fs::write(&keys, "{ \"quit\": [\"q\", \"C-c\"], \"help\": [\"?\"], \"down\": [] }").unwrap();
    add(
        "keys",
        keys,
        Box::new(|path| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            drop(keymap(&text, path));
        }),
    );
    let config = dir.join("config.ron");
    fs::write(&config, "(theme: Some(\"dark\"), device: Some(\"cpu\"), threads: Some(2))").unwrap();
    add(
        "settings",
        config,
        Box::new(|path| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            drop(Config::parse(&text, path));
        }),
    );
    formats
}

/// Small pictures of each kind that is read.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let image = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 77]));
    [("png", image::ImageFormat::Png), ("jpg", image::ImageFormat::Jpeg)]
        .map(|(name, format)| {
            let mut bytes = std::io::Cursor::new(Vec::new());
            image.write_to(&mut bytes, format).unwrap();
            (name, bytes.into_inner())
        })
        .to_vec()
}

#[test]
fn damaged_files_of_every_format_are_refused_or_read_within_bounds() {
    let setting = |name: &str, usual: u64| {
        std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
    };
    let (each, seed) =
        (setting("BLOCKSCOPE_MUTATIONS", 12), setting("BLOCKSCOPE_MUTATION_SEED", 0));
    let dir = tempfile::tempdir().unwrap();
    let formats = formats(dir.path());
    let (done, alive) = mpsc::channel::<String>();
    // one that hangs is told by name
    let watch = std::thread::spawn(move || {
        let mut last = String::new();
        loop {
            match alive.recv_timeout(PATIENCE) {
                Ok(next) => last = next,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    eprintln!("{last} takes longer than {PATIENCE:?}");
                    std::process::abort();
                }
            }
        }
    });
    std::panic::set_hook(Box::new(|_| {}));
    let (mut tried, mut faults, mut largest) = (0, Vec::new(), 0);
    for format in &formats {
        let good = fs::read(&format.file).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for at in 0..each {
            let bad = damaged(&good, &mut random);
            let about =
                format!("{} {}, number {at} of seed {seed}", format.name, format.file.display());
            done.send(about.clone()).unwrap();
            fs::write(&format.file, &bad).unwrap();
            let before = HELD.load(Ordering::Relaxed);
            MOST.store(before, Ordering::Relaxed);
            let whole = catch_unwind(AssertUnwindSafe(|| (format.read)(&format.file)));
            let taken = MOST.load(Ordering::Relaxed).saturating_sub(before);
            largest = largest.max(taken);
            tried += 1;
            if whole.is_err() {
                faults.push(format!("{about} panics"));
            }
            if taken > OWN + TIMES * bad.len() {
                faults.push(format!("{about}: {} bytes take {taken}", bad.len()));
            }
        }
        fs::write(&format.file, good).unwrap();
    }
    // a table whose header is wide and whose rows are many
    let table = formats.iter().find(|format| format.file.ends_with("analysis/deletion.csv"));
    let table = table.expect("a run with deletions");
    let wide = "experiment,".repeat(80_000) + "\n" + &"x\n".repeat(400_000);
    fs::write(&table.file, &wide).unwrap();
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    (table.read)(&table.file);
    let taken = MOST.load(Ordering::Relaxed).saturating_sub(before);
    assert!(taken < OWN + TIMES * wide.len(), "{} bytes take {taken}", wide.len());
    let _ = std::panic::take_hook();
    drop(done);
    watch.join().unwrap();
    println!("{tried} damaged files of {} formats; at most {largest} bytes held", formats.len());
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried >= 12 * 30);
}
