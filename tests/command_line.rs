//! The command line as one writes it: options on both sides of a command, names with
//! typing errors, the line that says what comes next, help, and what probes cost.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::scratch::Scratch;

const PROGRAM: &str = env!("CARGO_BIN_EXE_blockscope");

/// Runs a program in the folder, with nothing of the user's own.
fn run_in(scratch: &Scratch, program: &str, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(scratch.folder()).stdin(Stdio::null());
    for name in ["RUNS", "DEVICE", "DATA", "THEME", "COLORMAP"] {
        command.env_remove(format!("BLOCKSCOPE_{name}"));
    }
    for name in ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "STY"] {
        command.env_remove(name);
    }
    command.env("BLOCKSCOPE_CONFIG", scratch.path("config"));
    command.env("XDG_STATE_HOME", scratch.path("state"));
    command.envs(variables.iter().copied()).output().unwrap()
}

/// What the program prints, which must not fail.
fn ok(scratch: &Scratch, args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run_in(scratch, PROGRAM, args, variables);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says about a command line that it refuses.
fn refused(scratch: &Scratch, args: &[&str]) -> String {
    let output = run_in(scratch, PROGRAM, args, &[]);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn weights() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resnet8_legacy.pth");
    path.to_str().unwrap().to_string()
}

#[test]
fn names_with_typing_errors_are_named_with_the_nearest() {
    let scratch = Scratch::empty();
    fs::create_dir(scratch.path("config")).unwrap();
    let settings = "(theme: \"drak\", colormap: \"virids\", data: \"cifar10:nowhere\")";
    fs::write(scratch.path("config/config.ron"), settings).unwrap();
    let text = ok(&scratch, &["doctor", "--device", "cpu"], &[]);
    for part in [
        "config.ron (3 faults, see below)",
        "no theme \"drak\"; did you mean \"dark\"?",
        "no colour map \"virids\"; did you mean \"viridis\"?",
        "data: nowhere is not there",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    fs::write(scratch.path("config/config.ron"), "(theme: \"dark\")").unwrap();
    for (args, variables) in [
        (&["--theme", "lihgt", "doctor", "--device", "cpu"][..], &[][..]),
        (&["doctor", "--device", "cpu"], &[("BLOCKSCOPE_THEME", "lihgt")]),
    ] {
        let text = ok(&scratch, args, variables);
        assert!(text.contains("config.ron (in order)"), "{text}");
        assert!(text.contains("--theme: no theme \"lihgt\"; did you mean \"light\"?"), "{text}");
    }
    for (args, near) in [
        (["doctor", "--color", "truecolour"], "did you mean \"truecolor\"?"),
        (["doctor", "--device", "gpo"], "did you mean \"gpu\"?"),
        (["doctor", "--log-level", "wran"], "did you mean \"warn\"?"),
        (["themes", "--dump", "drak"], "did you mean \"dark\"?"),
    ] {
        let output = run_in(&scratch, PROGRAM, &args, &[]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(near), "{args:?}: {text}");
    }
}

#[test]
fn what_hides_colours_is_named_by_doctor() {
    let scratch = Scratch::empty();
    let hidden = |term, tmux| {
        let variables = [("TERM", term), ("TMUX", tmux), ("COLORTERM", "")];
        ok(&scratch, &["doctor", "--device", "cpu"], &variables).contains("tmux hides colours")
    };
    assert!(hidden("tmux-256color", "/nowhere/tmux,1,0") && hidden("screen-256color", ""));
    assert!(!hidden("xterm-256color", ""));
}

#[test]
fn what_comes_next_can_be_pasted_and_does_it() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let weights = weights();
    let import = [
        "--runs",
        "my runs",
        "import",
        &weights,
        "--data",
        &data,
        "--name",
        "tiny",
        "--device=cpu",
    ];
    let mut text = ok(&scratch, &import, &[]);
    let line = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("next: ")).unwrap();
        line.to_string()
    };
    assert_eq!(
        line(&text),
        format!("blockscope analyze tiny --data {data} --runs 'my runs' --device cpu")
    );
    // what the first line makes, the second shows, with what the first was given
    let pasted = format!("{} --batch 10", line(&text).replacen("blockscope", PROGRAM, 1));
    let output = run_in(&scratch, "sh", &["-c", &pasted], &[]);
    text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(line(&text), format!("blockscope tiny --data {data} --runs 'my runs' --device cpu"));
    let cut = ["prune", "tiny", "--runs", "my runs", "--data", &data, "--residual-blocks", "1.0"];
    let text = ok(&scratch, &[&cut[..], &["--out", "cut", "--log-level", "off"]].concat(), &[]);
    assert_eq!(line(&text), format!("blockscope analyze cut --data {data} --runs 'my runs'"));
    // a variable holds for the next command too
    let runs = [("BLOCKSCOPE_RUNS", "my runs"), ("BLOCKSCOPE_DATA", &data)];
    let text = ok(&scratch, &["analyze", "cut", "--batch", "10"], &runs);
    assert_eq!(line(&text), "blockscope cut");
}

#[test]
fn options_of_every_command_stand_on_both_sides_of_it() {
    let scratch = Scratch::empty();
    let run = "resnet14-shapes-s0";
    let args = ["show", run, "--format", "plain"];
    let plain = ok(&scratch, &args, &[]);
    let before = ["--runs", "r", "--device", "cpu", "--no-animation", "--color", "16"];
    assert_eq!(ok(&scratch, &[&before[..], &args].concat(), &[]), plain);
    assert_eq!(ok(&scratch, &[&args[..], &before].concat(), &[]), plain);
    let text = ok(&scratch, &["--runs", "elsewhere", "doctor", "--device", "cpu"], &[]);
    assert!(text.contains("elsewhere, not there yet"), "{text}");
    let both = ["--color", "256", "doctor", "--device", "cpu", "--color", "16"];
    assert!(ok(&scratch, &both, &[]).contains("16 (--color)"), "the last one counts");
    // those of the explorer do not go with a command
    let text = refused(&scratch, &["--theme", "dark", "show", run]);
    assert!(text.contains("--theme before `show` is an option of the explorer"), "{text}");
    let text = refused(&scratch, &["--data", "shapes", "analyze", run]);
    assert!(text.contains("--data before `analyze`"), "{text}");
    let text = refused(&scratch, &[run, "show", run]);
    assert!(text.contains("a run before `show`"), "{text}");
}

#[test]
fn help_has_a_commands_own_options_first_and_only_what_matters() {
    let scratch = Scratch::empty();
    for (command, own, global, never) in [
        ("analyze", "--probe-epochs", "--device", "--color"),
        ("show", "--layer", "--runs", "--threads"),
        ("keys", "--check", "--log-file", "--runs"),
        ("doctor", "--help", "--color", "--no-animation"),
    ] {
        let text = ok(&scratch, &[command, "--help"], &[]);
        let (first, last) = text.split_once("Global options:").unwrap();
        assert!(first.contains(own) && !first.contains(global), "{text}");
        assert!(last.contains(global) && !text.contains(never), "{text}");
        assert!(last.contains("Examples:"), "{text}");
    }
    let text = ok(&scratch, &["--help"], &[]);
    let (first, last) = text.split_once("Global options:").unwrap();
    assert!(first.contains("--theme") && last.contains("--threads"), "{text}");
}

#[test]
fn probes_are_quick_unless_told_otherwise_and_say_what_they_are() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    scratch.ok(&["import", &weights(), "--data", &data, "--name", "r"]);
    let analyze = |more: &[&str]| {
        let args = ["analyze", "r", "--data", &data, "--batch", "20", "--skip-cka"];
        let output = scratch.run(&[&args[..], &["--pc-examples", "0"], more].concat());
        let (text, error) = (output.stdout, String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{error}");
        (String::from_utf8(text).unwrap(), error)
    };
    for (more, words) in [
        (&["--probes"][..], "quick recipe: 6 epochs of all 200 training images"),
        (&["--probes=full"], "full recipe: 30 epochs of all 200 training images"),
        (
            &["--probes=full", "--probe-train", "60", "--probe-epochs", "2"],
            "own recipe: 2 epochs of 60 of 200 training images",
        ),
        (
            &["--probes", "--probe-train", "all", "--probe-epochs", "30"],
            "full recipe: 30 epochs of all 200 training images",
        ),
    ] {
        let (text, error) = analyze(more);
        assert!(text.contains(words), "{text}");
        // before it starts, and what follows from it
        let at = error.find(words).unwrap_or_else(|| panic!("{error}"));
        assert!(error[at..].contains("how long"), "{error}");
        assert_eq!(text.contains("--probes=full trains on all"), words.starts_with("quick"));
        // kept with it, and told wherever it is shown
        let record = fs::read_to_string(scratch.path("runs/r/analysis/probes.ron")).unwrap();
        assert!(record.contains(words), "{record}");
        assert!(scratch.ok(&["show", "r"]).contains(words));
        let layer = scratch.ok(&["show", "r", "--layer", "layer1.0.add"]);
        assert!(layer.contains(words), "{layer}");
        let json: serde_json::Value =
            serde_json::from_str(&scratch.ok(&["show", "r", "--format", "json"])).unwrap();
        assert_eq!(json["analyses"]["probes_recipe"], words);
    }
}
