//! What a user must not lose, and what must be told: several commands at once on one run,
//! processes that are killed, `--force`, full disks behind standard output, pipes.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use common::scratch::Scratch;

const SHIPPED: &str = "resnet14-shapes-s0";

impl Scratch {
    /// A command in the scratch folder, to be started by the test.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blockscope"));
        command
            .args(args)
            .arg("--runs")
            .arg(self.path("runs"))
            .args(["--device", "cpu"])
            .current_dir(self.folder())
            .env("BLOCKSCOPE_CONFIG", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// CIFAR-10 files, as an option's value.
    fn data(&self) -> String {
        self.put_cifar10(self.folder(), 7919);
        format!("cifar10:{}", self.folder().display())
    }

    /// A training that takes long, or one that does not.
    fn train(&self, data: &str, epochs: &str) -> Command {
        let net = ["--depth", "8", "--width", "0.25", "--batch", "8", "--fraction", "0.2"];
        let args = ["train", "--data", data, "--epochs", epochs, "--checkpoint-every", "1"];
        self.command(&[&args[..], &net[..], &["--name", "a", "--force"]].concat())
    }
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", error(&output));
}

/// Waits for something, two minutes at most.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what} did not come");
        sleep(Duration::from_millis(5));
    }
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn eight_prune_at_once_keep_the_rows_of_all() {
    let scratch = Scratch::empty();
    let sets = ["1.1", "2.1", "3.1", "1.1,2.1", "1.1,3.1", "2.1,3.1", "1.1,2.1,3.1", "1.0"];
    let args = |set| ["prune", SHIPPED, "--residual-blocks", set, "--examples", "16"];
    let children: Vec<Child> =
        sets.iter().map(|set| scratch.command(&args(set)).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
    }
    let table = scratch.path("runs").join(SHIPPED).join("analysis/deletion.csv");
    let table = fs::read_to_string(table).unwrap();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let column = reader.headers().unwrap().iter().position(|name| name == "blocks").unwrap();
    let found: BTreeSet<String> =
        reader.records().map(|row| row.unwrap()[column].to_string()).collect();
    for set in sets {
        assert!(found.contains(set), "{set} is not in {table}");
    }
    assert_eq!(scratch.names(), [SHIPPED]);
}

#[test]
fn a_finished_run_stays_until_the_one_that_replaces_it_is_complete() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    done(scratch.train(&data, "1"));
    let run = scratch.path("runs/a");
    let old = fs::read(run.join("weights.safetensors")).unwrap();
    fs::write(run.join("mine.txt"), "kept").unwrap();
    // killed on its way, it leaves the old one and what it has trained
    let child = scratch.train(&data, "100000").spawn().unwrap();
    let beside = scratch.path("runs/a.new");
    until("a checkpoint", || beside.join("checkpoints/epoch-0001.safetensors").is_file());
    // another one gives way, and says to whom
    let second = scratch.train(&data, "1").output().unwrap();
    let owner = format!("in use by process {}", child.id());
    assert!(!second.status.success() && error(&second).contains(&owner), "{}", error(&second));
    killed(child);
    assert_eq!(fs::read(run.join("weights.safetensors")).unwrap(), old);
    assert!(run.join("mine.txt").is_file());
    assert!(scratch.ok(&["show", "a"]).contains("ResNet-8"));
    // what it left gives way to the next one, which replaces the run
    done(scratch.train(&data, "1"));
    assert_eq!(scratch.names(), ["a"]);
    assert!(!run.join("mine.txt").exists());
    let hidden = fs::read_dir(&run).unwrap().map(|e| e.unwrap().file_name());
    let hidden: Vec<_> = hidden.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

#[test]
fn what_a_killed_process_left_is_swept_by_the_next_one() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    done(scratch.train(&data, "1"));
    let before = SystemTime::now() - Duration::from_secs(2 * 24 * 60 * 60);
    let left = ["runs/.new-abcdef", "runs/a/.new-abcdef", "runs/a/analysis/.new-abcdef"];
    let left = left.map(|path| scratch.path(path));
    for path in &left {
        fs::create_dir_all(path).unwrap();
        fs::File::open(path).unwrap().set_modified(before).unwrap();
    }
    // one of today may be somebody's
    let stays = scratch.path("runs/.new-ghijkl");
    fs::create_dir(&stays).unwrap();
    done(scratch.command(&["analyze", "a", "--data", &data, "--batch", "10", "--skip-cka"]));
    assert!(left.iter().all(|path| !path.exists()));
    assert!(stays.exists());
}

#[test]
fn only_a_run_is_replaced() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    let photos = scratch.path("runs/photos");
    fs::create_dir_all(&photos).unwrap();
    fs::write(photos.join("one.jpg"), "x").unwrap();
    fs::write(scratch.path("runs/file"), "x").unwrap();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8_legacy.pth");
    let weights = weights.to_str().unwrap();
    for name in ["photos", "file"] {
        let import = ["import", weights, "--preset", "he", "--data", &data, "--name", name];
        scratch.fails(&[&import[..], &["--force"]].concat(), 1, &["only a run is replaced"]);
        let train = ["train", "--data", &data, "--name", name, "--force", "--depth", "8"];
        scratch.fails(&train, 1, &["only a run is replaced"]);
    }
    assert_eq!(fs::read(photos.join("one.jpg")).unwrap(), b"x");
    assert_eq!(scratch.names(), ["file", "photos"]);
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    done(scratch.train(&data, "1"));
    let commands: &[&[&str]] = &[
        &["--help"],
        &["--version"],
        &["analyze", "--help"],
        &["doctor"],
        &["show", "a"],
        &["keys"],
        &["analyze", "a", "--data", &data, "--batch", "10", "--skip-cka"],
        &["prune", SHIPPED, "--residual-blocks", "2.1", "--examples", "16"],
    ];
    for args in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = scratch.command(args).stdout(full).output().unwrap();
        let text = error(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains("blockscope: cannot write to standard output: "), "{args:?}: {text}");
        let mut child = scratch.command(args).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", error(&output));
    }
}

#[test]
fn pipes_and_long_or_hostile_inputs_are_refused_at_once() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    let import = |weights: &str, code, parts: &[&str]| {
        let args = ["import", weights, "--preset", "he", "--data", &data, "--name", "b"];
        scratch.fails(&args, code, parts);
    };
    import(pipe, 2, &["pipe", "not a plain file"]);
    scratch.fails(&["doctor", "--log-file", pipe], 2, &["pipe that nobody reads"]);
    let long = "x".repeat(100_000);
    for args in [&["show", &*long][..], &["doctor", "--device", &long], &[&*long]] {
        let output = scratch.run(args);
        assert!(!output.status.success());
        assert!(output.stderr.len() < 10_000, "{} bytes", output.stderr.len());
    }
    // a name that could not be written is refused before the images are tested
    let weights = scratch.path("we\u{1b}[31mights.pth");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8_legacy.pth");
    fs::copy(fixture, &weights).unwrap();
    import(weights.to_str().unwrap(), 1, &["source", "not written"]);
    assert!(scratch.names().is_empty());
}

#[test]
fn the_next_command_can_be_pasted() {
    let scratch = Scratch::empty();
    let data = scratch.data();
    let args = ["train", "--data", &data, "--epochs", "1", "--depth", "8", "--width", "0.25"];
    let small = ["--batch", "8", "--fraction", "0.2", "--name", "it's a"];
    let text = scratch.ok(&[&args[..], &small].concat());
    assert!(text.contains(r"next: blockscope analyze 'it'\''s a' --data "), "{text}");
}
