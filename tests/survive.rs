//! Trainings that are killed, stopped, or run out of room, and go on: what they come to is
//! that of one that was never disturbed, bit for bit.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use blockscope::runs::journal::{Entry, epochs};
use blockscope::runs::{Happened, MetricsRow, read_journal};
use common::scratch::Scratch;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const NET: [&str; 8] = ["--depth", "8", "--width", "0.25", "--batch", "8", "--fraction", "0.05"];

/// The program in the scratch folder.
fn command(scratch: &Scratch, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockscope"));
    command.args(args).arg("--runs").arg(scratch.path("runs")).args(["--device", "cpu"]);
    command.current_dir(scratch.folder());
    command.env("BLOCKSCOPE_CONFIG", scratch.path("config"));
    command.env("XDG_STATE_HOME", scratch.path("state"));
    command.env_remove("BLOCKSCOPE_DATA");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A training on figures, of 30 steps an epoch.
fn train(scratch: &Scratch, name: &str, epochs: &str, more: &[&str]) -> Command {
    let args = ["train", "--data", "shapes", "--name", name, "--epochs", epochs];
    command(scratch, &[&args[..], &NET, more].concat())
}

fn resume(scratch: &Scratch, name: &str) -> Command {
    command(scratch, &["train", "--resume", name])
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", error(&output));
}

/// Waits for something, a minute at most.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        sleep(Duration::from_millis(2));
    }
}

fn run(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.path("runs").join(name)
}

fn journal(folder: &Path) -> Vec<Entry> {
    read_journal(folder).unwrap()
}

/// Rows without the time they took.
fn timeless(rows: Vec<MetricsRow>) -> Vec<MetricsRow> {
    rows.into_iter().map(|row| MetricsRow { seconds: 0.0, ..row }).collect()
}

fn metrics(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("metrics.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let at = reader.headers().unwrap().iter().position(|name| name == "seconds").unwrap();
    let mut last = 0.0;
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let seconds: f64 = row[at].parse().unwrap();
        assert!(seconds >= last, "time goes on: {text}");
        last = seconds;
        let others = row.iter().enumerate().filter(|(column, _)| *column != at);
        others.map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(",")
    });
    rows.collect()
}

/// That two complete runs are the same but for time and place.
fn same(one: &Path, other: &Path) {
    let mut files = vec!["weights.safetensors".to_string(), "analysis/predictions.csv".into()];
    let kept = |folder: &Path| {
        let entries = fs::read_dir(folder.join("checkpoints")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("epoch-"));
        names.sort();
        names
    };
    assert_eq!(kept(one), kept(other));
    files.extend(kept(one).into_iter().map(|name| format!("checkpoints/{name}")));
    for file in files {
        assert!(
            fs::read(one.join(&file)).unwrap() == fs::read(other.join(&file)).unwrap(),
            "{file}"
        );
    }
    assert_eq!(metrics(one), metrics(other));
    let rows = |folder: &Path| timeless(epochs(&journal(folder)));
    assert_eq!(rows(one), rows(other));
    assert!(!other.join("checkpoints/newest").exists());
}

/// As many kills as `BLOCKSCOPE_KILLS` says.
fn kills() -> usize {
    std::env::var("BLOCKSCOPE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

#[test]
fn a_training_that_is_killed_at_random_moments_comes_to_the_same_end() {
    let scratch = Scratch::empty();
    let more = ["--checkpoint-every", "2", "--checkpoint-minutes", "0.0005"];
    let start = Instant::now();
    done(train(&scratch, "whole", "4", &more));
    let whole = start.elapsed();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut killed, mut trained, mut behind) = (0, 0, 0);
    while killed < kills() {
        let name = format!("cut{trained}");
        let folder = run(&scratch, &name);
        loop {
            // one that was killed before its folder was there begins anew
            let mut command = match folder.join("run.ron").is_file() {
                true => resume(&scratch, &name),
                false => train(&scratch, &name, "4", &more),
            };
            let mut child = command.spawn().unwrap();
            sleep(whole.mul_f64(rng.random_range(0.0..0.9)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                break;
            }
            // killed when it was complete and nothing was left but to say so
            if error(&output).contains("is complete: nothing is left to train") {
                break;
            }
            // it was killed, or had come to its end: anything else is a fault
            assert_eq!(output.status.code(), None, "{}", error(&output));
            killed += 1;
            behind += usize::from(folder.join("checkpoints/newest/state.ron").is_file());
        }
        same(&run(&scratch, "whole"), &folder);
        trained += 1;
    }
    println!("{killed} kills of {trained} trainings, {behind} with a checkpoint behind them");
    let hidden = fs::read_dir(scratch.path("runs")).unwrap().map(|e| e.unwrap().file_name());
    let hidden = hidden.filter(|name| name.to_string_lossy().starts_with('.')).count();
    assert!(hidden <= 1, "what the killed have left is swept by the next");
}

/// A training that is stopped by a signal in the middle of an epoch.
fn stopped(scratch: &Scratch, name: &str, signal: &str) -> Output {
    // no checkpoint but that of the signal
    let more = ["--checkpoint-every", "0", "--checkpoint-minutes", "0"];
    let child: Child = train(scratch, name, "12", &more).spawn().unwrap();
    let folder = run(scratch, name);
    until("an epoch", || epochs(&journal(&folder)).len() > 1);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_leaves_a_checkpoint_from_which_training_goes_on_exactly() {
    let scratch = Scratch::empty();
    done(train(&scratch, "whole", "12", &["--checkpoint-every", "0"]));
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let output = stopped(&scratch, signal, signal);
        assert_eq!(output.status.code(), Some(code), "{}", error(&output));
        let says = format!("`blockscope train --resume {signal} --runs ");
        assert!(error(&output).contains(&says), "{}", error(&output));
        let folder = run(&scratch, signal);
        let entries = journal(&folder);
        let [.., checkpoint, last] = &entries[..] else { panic!("{entries:?}") };
        assert!(matches!(checkpoint.happened, Happened::Checkpoint { .. }), "{checkpoint:?}");
        let name = Some(format!("SIG{signal}"));
        assert_eq!(last.happened, Happened::Stopped { signal: name });
        // what a process that was killed while it wrote has left
        let torn = [fs::read(folder.join("journal.jsonl")).unwrap(), b"{\"time\":\"".to_vec()];
        fs::write(folder.join("journal.jsonl"), torn.concat()).unwrap();
        let torn = [fs::read(folder.join("metrics.csv")).unwrap(), b"9,9,0.".to_vec()].concat();
        fs::write(folder.join("metrics.csv"), torn).unwrap();
        done(resume(&scratch, signal));
        same(&run(&scratch, "whole"), &folder);
        let output = resume(&scratch, signal).output().unwrap();
        assert!(error(&output).contains(" is complete: nothing is left to train"));
    }
}

#[test]
fn what_does_not_fit_a_run_is_refused_in_one_line() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let small = ["--depth", "8", "--width", "0.25", "--batch", "8", "--epochs", "100000"];
    let args = ["train", "--data", &data, "--name", "a", "--checkpoint-every", "1"];
    let child = command(&scratch, &[&args[..], &small].concat()).spawn().unwrap();
    let folder = run(&scratch, "a");
    until("a checkpoint", || folder.join("checkpoints/newest/state.ron").is_file());
    // somebody trains it
    let says = format!("in use by process {} on ", child.id());
    scratch.fails(&["train", "--resume", "a"], 1, &[&says]);
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
    let other = ["train", "--resume", "a", "--lr", "0.1", "--epochs", "100000", "--seed", "4"];
    scratch.fails(&other, 2, &["but for --seed (it has 0), --lr (it has 0.01);"]);
    scratch.fails(&["train", "--resume", "none"], 1, &["no run \"none\""]);
    // its images are others now, and then gone
    scratch.put_cifar10(scratch.folder(), 31);
    scratch.fails(&["train", "--resume", "a"], 2, &["holds other images than those that a is"]);
    fs::remove_dir_all(scratch.path("cifar-10-batches-bin")).unwrap();
    scratch.fails(&["train", "--resume", "a"], 1, &["; --data says where they are now"]);
    scratch.put_cifar10(&scratch.path("moved"), 7919);
    let moved = format!("cifar10:{}", scratch.path("moved").display());
    // a checkpoint that is not whole
    let tensors = folder.join("checkpoints/newest/tensors.safetensors");
    fs::write(&tensors, "x").unwrap();
    let args = ["train", "--resume", "a", "--data", &moved];
    scratch.fails(&args, 1, &["tensors.safetensors: not the file that was written with state.ron"]);
}

#[test]
fn a_training_that_finds_no_room_stops_and_goes_on_when_there_is_some() {
    let scratch = Scratch::empty();
    let more = ["--checkpoint-every", "3", "--checkpoint-minutes", "0"];
    done(train(&scratch, "whole", "5", &more));
    // the weights are smaller than that, a checkpoint with velocities is not
    let program = train(&scratch, "full", "5", &more);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 60; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(program.get_args()).current_dir(scratch.folder());
    command.envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = error(&output);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("blockscope: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("checkpoints/newest/"), "{text}");
    assert!(lines[0].contains("too large"), "{text}");
    let folder = run(&scratch, "full");
    let last = journal(&folder).pop().unwrap().happened;
    assert!(matches!(last, Happened::Failed { .. }), "{last:?}");
    done(resume(&scratch, "full"));
    same(&run(&scratch, "whole"), &folder);
}

#[test]
fn a_training_that_diverges_ends_with_its_step_and_keeps_its_last_checkpoint() {
    let scratch = Scratch::empty();
    let more = ["--lr", "1e30", "--checkpoint-minutes", "0.0001"];
    let output = train(&scratch, "wild", "3", &more).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("training diverged in epoch 1, step "), "{}", error(&output));
}

#[test]
fn one_that_is_to_replace_a_run_goes_on_and_replaces_it() {
    let scratch = Scratch::empty();
    done(train(&scratch, "a", "1", &[]));
    done(train(&scratch, "whole", "6", &["--checkpoint-every", "1"]));
    let more = ["--checkpoint-every", "1", "--force"];
    let mut child = train(&scratch, "a", "6", &more).spawn().unwrap();
    until("an epoch", || run(&scratch, "a.new").join("checkpoints/newest/state.ron").is_file());
    child.kill().unwrap();
    child.wait().unwrap();
    done(resume(&scratch, "a"));
    same(&run(&scratch, "whole"), &run(&scratch, "a"));
    assert_eq!(scratch.names(), ["a", "whole"]);
}

#[test]
fn who_attaches_is_told_every_epoch_and_how_it_ended() {
    let scratch = Scratch::empty();
    let mut child = train(&scratch, "a", "100000", &["--checkpoint-every", "1"]).spawn().unwrap();
    let folder = run(&scratch, "a");
    until("a checkpoint", || folder.join("checkpoints/newest/state.ron").is_file());
    let watcher = command(&scratch, &["attach", "a"]).spawn().unwrap();
    sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    let output = watcher.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", error(&output));
    let says = format!("process {} on ", child.id());
    let line = error(&output);
    assert!(line.contains(&says) && line.contains("which trained a, has ended; `blockscope train"));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("epoch ")).count();
    assert_eq!(lines, epochs(&journal(&folder)).len(), "{text}");
    done(train(&scratch, "b", "2", &[]));
    let text = scratch.ok(&["attach", "b"]);
    assert!(text.contains("epoch   2/2  ") && text.contains("b is complete after "), "{text}");
    scratch.fails(&["attach", "resnet14-shapes-s0"], 1, &["nobody trains it"]);
}
