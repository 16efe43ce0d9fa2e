//! Commands that are killed at each of their changes of the disk, as the kernel sees them:
//! `strace` ends the process instead of the n-th call of each kind. Whatever a run holds is
//! then the old or the new, the run opens without a warning, and the same command completes.
//!
//! Skipped, with the reason printed, where `strace` is not there or may not trace.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::scratch::Scratch;
use serde_json::Value;

/// Calls that change what lies on the disk, or make it last.
const CALLS: [&str; 9] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "ftruncate",
    "fsync",
];
/// More calls of one kind than any of these commands makes.
const MOST: usize = 200;

/// Why it cannot be tried, or nothing.
fn cannot() -> Option<String> {
    let trace = ["-f", "-e", "inject=rename:signal=KILL:when=1", "true"];
    match Command::new("strace").args(trace).stderr(Stdio::null()).status() {
        Err(error) => Some(format!("strace: {error}")),
        Ok(status) if !status.success() => Some("strace may not trace here".into()),
        Ok(_) => None,
    }
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

/// Without what differs between two computations of the same.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["created", "seconds", "made"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// The parts of a report, down to those that are written as one.
fn sections(path: &str, value: &Value, depth: usize, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if depth > 0 => {
            fields.iter().for_each(|(name, value)| {
                // beside its own values it shows those of the maps that were made with it
                let more = usize::from(name == "components");
                sections(&format!("{path}: {name}"), value, depth - 1 + more, found);
            });
        }
        // lists of maps: each is written by itself
        Value::Array(items) if items.iter().all(|item| item.get("id").is_some()) => {
            items.iter().for_each(|item| {
                found.insert(format!("{path}: {}", item["id"]), item.to_string());
            });
        }
        value => drop(found.insert(path.to_string(), value.to_string())),
    }
}

/// What is known of a run, by section; and of each comparison.
fn held(scratch: &Scratch) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let names = scratch.names();
    let own = |name: &&String| *name != "comparisons" && !name.starts_with('.');
    for name in names.iter().filter(own) {
        let table = scratch.ok(&["show", name]);
        // a conversion on its way says how it goes on
        let mut warnings = table.lines().filter(|line| line.starts_with("warning"));
        assert!(warnings.all(|line| line.contains("`blockscope migrate`")), "{name}: {table}");
        let mut value: Value =
            serde_json::from_str(&scratch.ok(&["show", name, "--format", "json"])).unwrap();
        plain(&mut value);
        sections(name, &value, 2, &mut found);
        found.retain(|section, _| !section.ends_with(": problems"));
    }
    let pairs = scratch.path("runs/comparisons");
    let pairs = fs::read_dir(pairs).into_iter().flatten().flatten();
    for pair in pairs.filter(|pair| !pair.file_name().to_string_lossy().starts_with('.')) {
        // it has all of its parts
        let map = fs::read_to_string(pair.path().join("cka/map.ron")).unwrap();
        let values = fs::read(pair.path().join("cka/values.npy")).unwrap();
        assert!(map.contains(blake3::hash(&values).to_hex().as_str()));
        found.insert(format!("{:?}", pair.file_name()), String::new());
    }
    found
}

/// The command of the program, with what goes before it.
fn command(scratch: &Scratch, before: &[String], args: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_blockscope").to_string();
    let all: Vec<&String> = before.iter().chain([&program]).collect();
    let mut command = Command::new(all[0]);
    command.args(&all[1..]).args(args).arg("--runs").arg(scratch.path("runs"));
    command.args(["--device", "cpu", "--threads", "1"]).current_dir(scratch.folder());
    command.env("BLOCKSCOPE_CONFIG", scratch.path("config"));
    command.env("XDG_STATE_HOME", scratch.path("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn a_command_that_is_killed_at_any_change_of_the_disk_leaves_old_results_or_new_ones() {
    if let Some(why) = cannot() {
        // past the harness's capture
        let _ = writeln!(std::io::stderr(), "test of kills skipped: {why}");
        return;
    }
    let base = Scratch::empty();
    let data = base.cifar_option();
    let small = ["--depth", "14", "--width", "0.25", "--batch", "8", "--fraction", "0.2"];
    let train = ["train", "--data", &data, "--epochs", "1", "--name", "a"];
    base.ok(&[&train[..], &small].concat());
    base.ok(&[&train[..5], &["--name", "c"], &small].concat());
    base.ok(&["analyze", "a", "--data", &data, "--batch", "10"]);
    base.ok(&["prune", "a", "--data", &data, "--residual-blocks", "1.1"]);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format1"), &base.path("old"));
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8_legacy.pth");
    let weights = weights.to_str().unwrap();
    let again = ["--seed", "1", "--checkpoint-every", "1", "--force"];
    let again = [&train[..], &small, &again].concat();
    let commands: [(&str, Vec<&str>); 6] = [
        ("analyze", vec!["analyze", "a", "--data", &data, "--batch", "20", "--pc-examples", "20"]),
        ("prune", vec!["prune", "a", "--data", &data, "--residual-blocks", "2.1", "--map"]),
        (
            "import",
            vec!["import", weights, "--preset", "he", "--data", &data, "--name", "a", "--force"],
        ),
        ("train", again),
        ("compare", vec!["compare", "a", "c", "--data", &data, "--batch", "10"]),
        ("migrate", vec!["migrate", "tiny"]),
    ];
    let mut report = String::new();
    for (name, args) in commands {
        let fresh = || {
            let scratch = Scratch::empty();
            copy(&base.path("runs"), &scratch.path("runs"));
            copy(&base.path("cifar-10-batches-bin"), &scratch.path("cifar-10-batches-bin"));
            if name == "migrate" {
                copy(&base.path("old/tiny"), &scratch.path("runs/tiny"));
            }
            scratch
        };
        let scratch = fresh();
        let old = held(&scratch);
        let output = command(&scratch, &[], &args).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        let new = held(&scratch);
        let (mut kills, mut olds, mut news) = (0, 0, 0);
        for call in CALLS {
            for at in 1..=MOST {
                let scratch = fresh();
                let inject = format!("inject={call}:signal=KILL:when={at}");
                let words = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", &inject];
                let before = words.map(String::from);
                let output = command(&scratch, &before, &args).output().unwrap();
                if output.status.success() {
                    break;
                }
                assert_eq!(output.status.signal(), Some(9), "{name}, {call} {at}: {output:?}");
                kills += 1;
                let found = held(&scratch);
                for (section, value) in &found {
                    let (was, is) = (old.get(section), new.get(section));
                    // a training on its way lies beside, with a state of its own
                    let beside = section.starts_with("a.new: ");
                    let one = Some(value) == was || Some(value) == is || beside;
                    assert!(one, "{name}, {call} {at}: {section} is {value}");
                    olds += usize::from(was != is && Some(value) == was);
                    news += usize::from(was != is && Some(value) == is);
                }
                for section in old.keys() {
                    let lost = !found.contains_key(section) && new.contains_key(section);
                    assert!(!lost, "{name}, {call} {at}: {section} is lost");
                }
                let output = command(&scratch, &[], &args).output().unwrap();
                assert!(output.status.success(), "{name} after {call} {at}: {output:?}");
                let found = held(&scratch);
                let keys = found.keys().chain(new.keys());
                let other: Vec<&String> = keys.filter(|k| found.get(*k) != new.get(*k)).collect();
                assert!(other.is_empty(), "{name} after {call} {at}: {other:?}");
            }
        }
        report.push_str(&format!("{name}: {kills} kills, {olds} sections old, {news} new\n"));
        assert!(kills > 3, "{report}");
    }
    println!("{report}");
}
