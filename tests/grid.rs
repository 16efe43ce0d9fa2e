//! `blockscope export`: figures of many runs, and maps of one, as a user makes them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A runs folder with copies of a shipped run under other seeds and shares.
struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Scratch {
        let scratch = Scratch { dir: tempfile::tempdir().unwrap() };
        for (name, seed, fraction, width) in
            [("a", 0, "1.0", "1.0"), ("b", 7, "1.0", "1.0"), ("c", 0, "0.25", "1.0")]
        {
            scratch.copy(name, seed, fraction, width);
        }
        scratch
    }

    fn copy(&self, name: &str, seed: u64, fraction: &str, width: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("saved_runs/resnet14-shapes-s0");
        let to = self.path("runs").join(name);
        fs::create_dir_all(to.join("analysis/maps/cka")).unwrap();
        let text = fs::read_to_string(from.join("run.ron")).unwrap();
        let text = text
            .replace("name: \"resnet14-shapes-s0\"", &format!("name: \"{name}\""))
            .replace("seed: Some(0)", &format!("seed: Some({seed})"))
            .replace("fraction: 1.0", &format!("fraction: {fraction}"))
            .replace("width: 1.0", &format!("width: {width}"));
        fs::write(to.join("run.ron"), text).unwrap();
        for file in ["map.ron", "values.npy", "se.npy"] {
            let file = format!("analysis/maps/cka/{file}");
            fs::copy(from.join(&file), to.join(&file)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_blockscope"))
            .arg("export")
            .args(args)
            .arg("--runs")
            .arg(self.path("runs"))
            .current_dir(self.dir.path())
            .env_remove("BLOCKSCOPE_RUNS")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Standard output and standard error of a command that succeeds.
    fn ok(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {error}");
        (String::from_utf8(output.stdout).unwrap(), error)
    }

    /// A command that fails with `code` and one line that has `parts`.
    fn fails(&self, args: &[&str], code: i32, parts: &[&str]) {
        let output = self.run(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("blockscope: ")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        for part in parts {
            assert!(lines[0].contains(part), "{part:?} is not in {text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
}

#[test]
fn a_grid_becomes_a_figure_with_labelled_axes() {
    let scratch = Scratch::new();
    let grid = ["--grid", "fraction,seed", "--where", "data=shapes", "--where", "depth=14"];
    let (out, error) = scratch.ok(&[&grid[..], &["--out", "f.svg"]].concat());
    assert_eq!((out.trim(), error.as_str()), ("wrote f.svg", ""));
    let svg = fs::read_to_string(scratch.path("f.svg")).unwrap();
    for part in [
        ">data 1/4<",
        ">data all<",
        ">seed 0<",
        ">seed 7<",
        ">no run<",
        "CKA of all layers by fraction and seed",
    ] {
        assert!(svg.contains(part), "{part}");
    }
    // the run inside the program has seed 0 and all data too
    assert!(svg.contains(">49 layers · 1 of 2 · test 96.0 %<"), "{svg:.600}");
    assert_eq!(svg.matches("<image ").count(), 4, "three maps and the colours");
    scratch.ok(&[&grid[..], &["--out", "f.png", "--view", "block-outputs"]].concat());
    let picture = image::open(scratch.path("f.png")).unwrap().to_rgb8();
    assert!(picture.width() > 700 && picture.height() > 700, "{:?}", picture.dimensions());
    // a second time replaces the file
    scratch.ok(&[&grid[..], &["--out", "f.png", "--colormap", "magma"]].concat());
}

#[test]
fn runs_without_a_place_are_named() {
    let scratch = Scratch::new();
    fs::remove_dir_all(scratch.path("runs/b/analysis")).unwrap();
    fs::write(scratch.path("runs/c/run.ron"), "(").unwrap();
    let (_, error) = scratch.ok(&["--grid", "depth,width", "--out", "f.png"]);
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines.contains(&"left out b: without analysis"), "{error}");
    assert!(lines.contains(&"left out c: unreadable"), "{error}");
    // no copy has first components
    let grid = ["--grid", "depth,seed", "--where", "seed=7", "--mode", "without-pc1"];
    let scratch = Scratch::new();
    let args = [&grid[..], &["--out", "g.png"]].concat();
    scratch.fails(&args, 1, &["b has no first components", "blockscope analyze b"]);
}

#[test]
fn one_map_is_written_in_every_format() {
    let scratch = Scratch::new();
    for (file, start) in [
        ("m.png", &b"\x89PNG"[..]),
        ("m.svg", b"<svg"),
        ("m.pdf", b"%PDF"),
        ("m.csv", b"row,"),
        ("m.npy", b"\x93NUM"),
    ] {
        scratch.ok(&["a", "--out", file]);
        assert!(fs::read(scratch.path(file)).unwrap().starts_with(start), "{file}");
    }
    let lines = |file: &str| fs::read_to_string(scratch.path(file)).unwrap().lines().count();
    assert_eq!(lines("m.csv"), 1 + 49 * 49);
    scratch.ok(&["a", "--out", "b.csv", "--view", "block-outputs"]);
    assert_eq!(lines("b.csv"), 1 + 7 * 7, "the stem's ReLU and six blocks");
    scratch.ok(&["resnet14-shapes-s0", "--out", "p.npy", "--mode", "pc1-similarity"]);
    let cka = fs::read(scratch.path("m.npy")).unwrap();
    assert_ne!(fs::read(scratch.path("p.npy")).unwrap(), cka);
    scratch.ok(&["a", "--out", "se.npy", "--mode", "se"]);
}

#[test]
fn figures_have_the_size_that_was_asked_for() {
    let scratch = Scratch::new();
    let wide = ["--width-mm", "120", "--dpi", "150", "--font-size", "9", "--threshold", "0.8"];
    scratch.ok(&[&["a", "--out", "w.png", "--title", "Mine"], &wide[..]].concat());
    assert_eq!(image::open(scratch.path("w.png")).unwrap().width(), 709);
    scratch.ok(&[&["a", "--out", "w.svg", "--title", "Mine"], &wide[..]].concat());
    let svg = fs::read_to_string(scratch.path("w.svg")).unwrap();
    for part in ["width=\"120mm\"", ">Mine<", "mean CKA of at least 0.80"] {
        assert!(svg.contains(part), "{part}");
    }
    let run = "resnet14-shapes-s0";
    scratch.ok(&[run, "--out", "c.pdf", "--figure", "components", "--height-mm", "50"]);
    scratch.ok(&[run, "--out", "d.pdf", "--figure", "deletions"]);
    assert!(fs::read(scratch.path("d.pdf")).unwrap().starts_with(b"%PDF-1."));
    let with = |more: &[&'static str]| [&["a", "--out", "f.png"][..], more].concat();
    scratch.fails(&with(&["--figure", "probes"]), 1, &["blockscope analyze a", "--probes"]);
    scratch.fails(&with(&["--height-mm", "50"]), 2, &["--width-mm"]);
    scratch.fails(&with(&["--width-mm", "40", "--font-size", "24"]), 1, &["--font-size"]);
    scratch.fails(&with(&["--width-mm", "500", "--dpi", "2400"]), 1, &["--dpi", "pdf or svg"]);
    scratch.fails(&with(&["--figure", "components", "--outlines"]), 2, &["for a map"]);
    for (option, value) in [("--dpi", "NaN"), ("--width-mm", "3"), ("--font-size", "-1")] {
        let output = scratch.run(&with(&[option, value].map(|s| s)));
        assert_eq!(output.status.code(), Some(2), "{option}");
    }
    assert!(!scratch.path("f.png").exists());
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let scratch = Scratch::new();
    let grid = |axes: &'static str, out: &'static str| ["--grid", axes, "--out", out];
    scratch.fails(&grid("dept,width", "f.png"), 2, &["did you mean \"depth\"?"]);
    scratch.fails(&grid("depth", "f.png"), 2, &["two axes", "depth,width"]);
    scratch.fails(&grid("seed,seed", "f.png"), 2, &["different axes"]);
    scratch.fails(&grid("depth,width", "f.bmp"), 2, &["png, svg, pdf, csv or npy"]);
    scratch.fails(&grid("depth,width", "f.csv"), 2, &["png, svg or pdf, not csv"]);
    scratch.fails(&grid("depth,width", "no/such/f.png"), 1, &["no/such/f.png"]);
    let with = |more: [&'static str; 2]| [&grid("depth,width", "f.png")[..], &more].concat();
    scratch.fails(&with(["--where", "width"]), 2, &["KEY=VALUE"]);
    scratch.fails(&with(["--where", "wdth=1"]), 2, &["did you mean \"width\"?"]);
    scratch.fails(&with(["--where", "width=64"]), 1, &["no run", "depth and width"]);
    scratch.fails(&with(["--colormap", "jet"]), 2, &["viridis"]);
    scratch.fails(&["aa", "--out", "f.png"], 1, &["no run \"aa\"", "did you mean \"a\""]);
    scratch.fails(
        &["a", "--out", "f.png", "--mode", "without-dominant"],
        1,
        &["blockscope analyze a"],
    );
    fs::remove_dir_all(scratch.path("runs/a/analysis")).unwrap();
    scratch.fails(&["a", "--out", "f.png"], 1, &["a has no map yet", "blockscope analyze a"]);
    assert!(!scratch.path("f.png").exists(), "nothing is left behind");
    assert_eq!(scratch.run(&["--out", "f.png"]).status.code(), Some(2));
    assert_eq!(
        scratch.run(&["a", "--grid", "depth,width", "--out", "f.png"]).status.code(),
        Some(2)
    );
}
