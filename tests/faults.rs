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
    let data = scratch.cifar_option();
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
    let data = scratch.cifar_option();
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
    let data = scratch.cifar_option();
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
    let data = scratch.cifar_option();
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
    let data = scratch.cifar_option();
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
    let data = scratch.cifar_option();
    let args = ["train", "--data", &data, "--epochs", "1", "--depth", "8", "--width", "0.25"];
    let small = ["--batch", "8", "--fraction", "0.2", "--name", "it's a"];
    let text = scratch.ok(&[&args[..], &small].concat());
    assert!(text.contains(r"next: blockscope analyze 'it'\''s a' --data "), "{text}");
}

/// A training that is stopped by a signal once it has left checkpoints.
fn stopped(scratch: &Scratch, data: &str, signal: &str, wrap: &[&str]) -> Output {
    let train = scratch.train(data, "100000");
    let mut command = match wrap {
        [] => train,
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(train.get_program()).args(train.get_args());
            command.current_dir(scratch.folder()).stdin(Stdio::null());
            command.envs(train.get_envs().filter_map(|(k, v)| Some((k, v?))));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        }
    };
    let child = command.spawn().unwrap();
    let run = scratch.path("runs/a");
    until("a checkpoint", || run.join("checkpoints/epoch-0002.safetensors").is_file());
    let pid = child.id().to_string();
    for signal in signal.split(' ') {
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success()
        );
        sleep(Duration::from_millis(300));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_stops_a_command_where_what_it_wrote_is_whole() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let scratch = Scratch::empty();
        let data = scratch.cifar_option();
        let output = stopped(&scratch, &data, signal, &[]);
        assert_eq!(output.status.code(), Some(code), "{}", error(&output));
        let said = format!("blockscope: stopped by SIG{signal}; what was written before");
        assert!(error(&output).contains(&said), "{}", error(&output));
        let hidden = fs::read_dir(scratch.path("runs/a")).unwrap().map(|e| e.unwrap().file_name());
        let hidden: Vec<_> = hidden.filter(|n| n.to_string_lossy().starts_with('.')).collect();
        assert!(hidden.is_empty(), "{hidden:?}");
        assert!(scratch.ok(&["show", "a"]).contains("training has not ended: checkpoint of epoch"));
    }
}

#[test]
fn a_hang_up_that_nohup_ignores_stays_ignored() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    // it is the second one that ends it
    let output = stopped(&scratch, &data, "HUP INT", &["nohup"]);
    assert_eq!(output.status.code(), Some(130), "{}", error(&output));
}

#[test]
fn a_run_whose_training_has_not_ended_is_looked_at_in_its_newest_checkpoint_and_says_so() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let child = scratch.train(&data, "100000").spawn().unwrap();
    let run = scratch.path("runs/a");
    until("a checkpoint", || run.join("checkpoints/epoch-0003.safetensors").is_file());
    killed(child);
    let analyze = ["analyze", "a", "--data", &data, "--batch", "10", "--pc-examples", "0"];
    let output = scratch.run(&analyze);
    assert!(output.status.success(), "{}", error(&output));
    assert!(error(&output).contains("training of a has not ended: its checkpoint of epoch"));
    let map = fs::read_to_string(run.join("analysis/maps/cka/map.ron")).unwrap();
    let epoch = map.split("checkpoint: Some(").nth(1).unwrap().split(')').next().unwrap();
    let file =
        run.join(format!("checkpoints/epoch-{:04}.safetensors", epoch.parse::<u32>().unwrap()));
    let hash = blockscope::runs::hash::sha256_hex(&fs::read(file).unwrap());
    assert!(map.contains(&hash), "the map is of that checkpoint: {map}");
    for (args, file) in [
        (&["prune", "a", "--data", &data, "--lesions"][..], "deletion.ron"),
        (&["analyze", "a", "--data", &data, "--skip-cka"], "predictions.ron"),
    ] {
        let output = scratch.run(args);
        assert!(output.status.success(), "{}", error(&output));
        let record = fs::read_to_string(run.join("analysis").join(file)).unwrap();
        assert!(record.contains(&format!("checkpoint: Some({epoch})")), "{record}");
    }
    let shown = scratch.ok(&["show", "a"]);
    assert!(shown.contains(&format!("of the checkpoint of epoch {epoch}")), "{shown}");
    let json = scratch.ok(&["show", "a", "--format", "json"]);
    assert!(json.contains(&format!("\"checkpoint\":{epoch}")));
    // without one there is nothing to look at but initial weights
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    scratch.fails(&analyze, 1, &["is not trained", "has left no checkpoint"]);
}

#[test]
fn a_file_that_may_not_grow_further_is_an_error_in_one_line() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let program = scratch.train(&data, "1");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(program.get_args()).current_dir(scratch.folder());
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = error(&output);
    assert!(text.contains("blockscope: cannot write") && text.contains("too large"), "{text}");
    assert!(!text.contains(".new-"), "{text}");
    assert!(scratch.names().is_empty(), "{:?}", scratch.names());
}

#[test]
fn a_network_that_no_memory_holds_is_refused_before_any_is_taken() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let train = ["train", "--data", &data, "--name", "b", "--width", "1000", "--batch", "8"];
    let train = [&train[..], &["--depth", "8", "--fraction", "0.2"]].concat();
    scratch.fails(
        &train,
        1,
        &["training ResNet-8 x1000 takes at least", "are free; use a smaller"],
    );
    // and one that a limit of its own does not hold, which is found out later
    let program = scratch.command(&["train", "--data", &data, "--name", "b", "--width", "40"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 700000; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(program.get_args()).args(["--batch", "40"]).current_dir(scratch.folder());
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(error(&output).contains("of memory"), "{output:?}");
    assert!(scratch.names().is_empty());
}

#[test]
fn pairs_of_commands_at_once_leave_what_one_of_them_has_written() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    done(scratch.train(&data, "1"));
    let analyze = ["analyze", "a", "--data", &data, "--pc-examples", "20", "--batch"];
    let ten = [&analyze[..], &["10"]].concat();
    let twenty = [&analyze[..], &["20"]].concat();
    let prune = ["prune", "a", "--data", &data, "--lesions"];
    let map = ["prune", "a", "--data", &data, "--residual-blocks", "1.0", "--map"];
    let compare = ["compare", "a", "c", "--data", &data, "--batch", "10"];
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8_legacy.pth");
    let import = ["import", weights.to_str().unwrap(), "--preset", "he", "--data", &data];
    let import = [&import[..], &["--name", "b", "--force"]].concat();
    let other = ["train", "--data", &data, "--epochs", "1", "--depth", "8", "--width", "0.25"];
    let other = [&other[..], &["--batch", "8", "--fraction", "0.2", "--name", "c"]].concat();
    done(scratch.command(&other));
    done(scratch.command(&ten));
    let pairs: [(&str, &[&str], &[&str]); 7] = [
        ("two maps", &ten, &twenty),
        ("map and deletions", &ten, &prune),
        ("deletions and a map without blocks", &prune, &map),
        ("two deletions", &prune, &prune),
        ("two comparisons", &compare, &compare),
        ("two imports", &import, &import),
        ("map and comparison", &twenty, &compare),
    ];
    for (what, first, second) in pairs {
        for round in 0..2 {
            let children = [first, second].map(|args| scratch.command(args).spawn().unwrap());
            let mut done = 0;
            for child in children {
                let output = child.wait_with_output().unwrap();
                let text = error(&output);
                match output.status.code() {
                    Some(0) => done += 1,
                    // the other one had it
                    Some(1) => assert!(text.contains("in use by process"), "{what}: {text}"),
                    code => panic!("{what}: {code:?} {text}"),
                }
            }
            assert!(done > 0, "{what}: nobody came to an end");
            let shown = scratch.ok(&["show", "a"]);
            assert!(!shown.contains("warning"), "{what}, round {round}: {shown}");
        }
    }
    assert_eq!(scratch.names(), ["a", "b", "c", "comparisons"]);
}

#[test]
fn few_images_get_a_map_without_what_nobody_asked_for() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    done(scratch.train(&data, "1"));
    let folder = scratch.path("few/cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(scratch.path("cifar-10-batches-bin")).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        fs::write(folder.join(entry.file_name()), &bytes[..12 * 3073]).unwrap();
    }
    let few = format!("cifar10:{}", scratch.path("few").display());
    let output = scratch.run(&["analyze", "a", "--data", &few, "--batch", "6"]);
    assert!(output.status.success(), "{}", error(&output));
    assert!(error(&output).contains("12 images are too few"), "{}", error(&output));
    // asked for by name, it is refused by that name
    let args = ["analyze", "a", "--data", &few, "--batch", "6", "--pc-examples", "12"];
    scratch.fails(&args, 2, &["--pc-examples 12 is too few"]);
}

#[test]
fn a_damaged_map_is_set_aside_and_made_anew() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    done(scratch.train(&data, "1"));
    let analyze = ["analyze", "a", "--data", &data, "--batch", "10"];
    for (file, bytes) in [("map.ron", &b"("[..]), ("values.npy", b"x"), ("se.npy", b"")] {
        scratch.ok(&analyze);
        let path = scratch.path("runs/a/analysis/maps/cka").join(file);
        fs::write(&path, bytes).unwrap();
        let shown = scratch.ok(&["show", "a"]);
        assert!(shown.contains("warning") && shown.contains(file), "{shown}");
        scratch.ok(&analyze);
        assert!(!scratch.ok(&["show", "a"]).contains("warning"));
    }
    let kept = fs::read(scratch.path("runs/a/aside/cka-1/map.ron")).unwrap();
    assert_eq!(kept, b"(");
    // files of two results that each fit are told apart too
    let values = scratch.path("runs/a/analysis/maps/cka/values.npy");
    let old = fs::read(&values).unwrap();
    scratch.ok(&["analyze", "a", "--data", &data, "--batch", "20"]);
    fs::write(&values, old).unwrap();
    let shown = scratch.ok(&["show", "a"]);
    assert!(shown.contains("not the file that was written with map.ron"), "{shown}");
}
