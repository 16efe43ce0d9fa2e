//! Text that is not ours: every string of every file of a run, names in checkpoints,
//! folders, settings and on the command line, each in turn replaced by one that would steer a
//! terminal. Whatever the command says of it, nothing of that reaches its output.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;

use blockscope::text::is_hidden;
use common::scratch::Scratch;

/// Colour, title, bell, carriage return, a control of the second set, a mark of direction,
/// a blank of no width, a letter that is not seen.
const HOSTILE: &str = "x\u{1b}[31m\u{1b}]0;t\u{7}\r\u{9b}2J\u{202e}\u{200b}\u{e0041}y";

/// Where a text has fields.
type Places = fn(&str) -> Vec<std::ops::Range<usize>>;

/// Asserts that nothing of an output steers a terminal.
fn assert_safe(output: &std::process::Output, about: &str) {
    for (name, bytes) in [("output", &output.stdout), ("error", &output.stderr)] {
        let text =
            std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{about}: {name} is no text"));
        let bad = text.chars().find(|c| *c != '\n' && is_hidden(*c));
        assert!(bad.is_none(), "{about}: {bad:?} in {name}: {text:?}");
    }
    assert!(output.status.code().is_some_and(|code| code < 100), "{about}: {output:?}");
}

/// The places of strings in RON, without their quotes.
fn strings(text: &str) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut start) = (Vec::new(), None);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'"' && (at == 0 || bytes[at - 1] != b'\\') {
            match start.take() {
                None => start = Some(at + 1),
                Some(from) => found.push(from..at),
            }
        }
    }
    found
}

/// Where fields of a CSV file are: those of its header and of its first row.
fn fields(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.lines().take(2) {
        let mut from = at;
        for field in line.split(',') {
            found.push(from..from + field.len());
            from += field.len() + 1;
        }
        at += line.len() + 1;
    }
    found
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_text_of_a_run_reaches_a_terminal_as_it_is() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let train = ["train", "--data", &data, "--epochs", "1", "--depth", "8", "--width", "0.25"];
    scratch.ok(&[&train[..], &["--batch", "8", "--fraction", "0.2", "--name", "a"]].concat());
    scratch.ok(&[
        "analyze",
        "a",
        "--data",
        &data,
        "--batch",
        "10",
        "--probes",
        "--probe-epochs",
        "1",
    ]);
    scratch.ok(&["prune", "a", "--data", &data, "--lesions"]);
    scratch.ok(&["prune", "a", "--data", &data, "--residual-blocks", "1.0", "--map"]);
    let mut files = Vec::new();
    files_below(&scratch.path("runs/a"), &mut files);
    let quoted = HOSTILE.escape_unicode().to_string();
    let mut tried = 0;
    for path in &files {
        let (places, put): (Places, &str) = match path.extension().and_then(|end| end.to_str()) {
            Some("ron") => (strings, &quoted),
            Some("csv") => (fields, HOSTILE),
            _ => continue,
        };
        let good = fs::read_to_string(path).unwrap();
        let places = places(&good);
        // lists of layers and classes are long and all alike
        let few = places.len().div_ceil(24);
        for place in places.into_iter().step_by(few) {
            let mut bad = good.clone();
            bad.replace_range(place.clone(), put);
            fs::write(path, bad).unwrap();
            let about = format!("{} at {}", path.display(), place.start);
            for format in ["table", "json", "csv", "plain"] {
                assert_safe(&scratch.run(&["show", "a", "--format", format]), &about);
            }
            assert_safe(&scratch.run(&["export", "a", "--out", "map.csv", "--force"]), &about);
            tried += 1;
        }
        fs::write(path, good).unwrap();
    }
    println!("{tried} fields of {} files", files.len());
    assert!(tried > 60, "{tried}");
    // and once with all of the data's names, in what is computed
    let meta = scratch.path("runs/a/run.ron");
    let text = fs::read_to_string(&meta).unwrap();
    fs::write(&meta, text.replace("cifar10", &quoted)).unwrap();
    assert_safe(&scratch.run(&["analyze", "a", "--data", &data, "--batch", "10"]), "analyze");
    assert_safe(&scratch.run(&["compare", "a", "a", "--data", &data]), "compare");
}

#[test]
fn no_name_in_a_checkpoint_a_folder_or_a_setting_reaches_a_terminal_as_it_is() {
    let scratch = Scratch::empty();
    let data = scratch.cifar_option();
    let import = |file: &Path, about: &str| {
        let file = file.to_str().unwrap();
        let args = ["import", file, "--preset", "he", "--data", &data, "--name", "b"];
        assert_safe(&scratch.run(&args), about);
    };
    // safetensors: names of tensors, types, metadata
    for header in [
        format!(r#"{{"{HOSTILE}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#),
        format!(r#"{{"w":{{"dtype":"{HOSTILE}","shape":[1],"data_offsets":[0,4]}}}}"#),
        format!(
            r#"{{"__metadata__":{{"{HOSTILE}":"{HOSTILE}"}},"w":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#
        ),
    ] {
        // escaped as JSON has it
        let header: String = header
            .chars()
            .flat_map(|c| match is_hidden(c) {
                true => c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect(),
                false => vec![c.to_string()],
            })
            .collect();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 4]);
        let path = scratch.path("a.safetensors");
        fs::write(&path, bytes).unwrap();
        import(&path, "safetensors");
    }
    // pickles: classes, functions, keys
    for pickle in [
        format!("c{HOSTILE}\n{HOSTILE}\n."),
        format!("}}(V{}\nK\x01u.", HOSTILE.replace(['\r', '\n'], " ")),
        format!("X{}\n.", HOSTILE),
    ] {
        let mut bytes = b"\x80\x02".to_vec();
        bytes.extend(pickle.replace('\r', "").as_bytes());
        let path = scratch.path("a.pkl");
        fs::write(&path, bytes).unwrap();
        import(&path, "pickle");
    }
    // what a file is called, and what it is
    let named = scratch.path(&format!("{HOSTILE}.pth"));
    for bytes in [&b"<html>"[..], b"version https://git-lfs", b"PK\x03\x04", b"", b"\x80\x02."] {
        fs::write(&named, bytes).unwrap();
        import(&named, "the file's name");
    }
    // class folders and pictures
    let images = scratch.path("images");
    for split in ["train", "test"] {
        let class = images.join(split).join(HOSTILE);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join(format!("{HOSTILE}.png")), "no picture").unwrap();
        fs::write(class.join(format!("{HOSTILE}.txt")), "no picture").unwrap();
    }
    let folder = format!("folder:{}", images.display());
    let train = ["train", "--data", &folder, "--depth", "8", "--epochs", "1", "--name", "c"];
    assert_safe(&scratch.run(&train), "class folders");
    // settings, keys, themes
    let config = scratch.path("config");
    fs::create_dir_all(config.join("themes")).unwrap();
    for (file, text) in [
        ("config.ron", format!("({HOSTILE}: 1)")),
        ("config.ron", format!("(theme: Some(\"{}\"))", HOSTILE.escape_unicode())),
        ("keys.ron", format!("{{ \"{}\": [\"{0}\"] }}", HOSTILE.escape_unicode())),
        ("themes/x.ron", format!("(name: \"{}\")", HOSTILE.escape_unicode())),
    ] {
        fs::write(config.join(file), text).unwrap();
        for args in [&["show", "resnet14-shapes-s0"][..], &["keys", "--check"], &["doctor"]] {
            assert_safe(&scratch.run(args), file);
        }
        let themes = scratch.run(&["themes"]);
        // its samples of colours are ours
        assert!(!String::from_utf8_lossy(&themes.stdout).contains("]0;"), "{file}");
        assert_safe(&std::process::Output { stdout: Vec::new(), ..themes }, file);
        fs::remove_file(config.join(file)).unwrap();
    }
    // runs with such names, and words on the command line
    fs::create_dir_all(scratch.path("runs").join(HOSTILE)).unwrap();
    fs::write(scratch.path("runs").join(HOSTILE).join("run.ron"), "(").unwrap();
    for args in [
        &["doctor"][..],
        &["show", "nothing"],
        &["show", HOSTILE],
        &[HOSTILE, "x"],
        &["export", "resnet14-shapes-s0", "--out", HOSTILE],
        &["prune", "resnet14-shapes-s0", "--residual-blocks", HOSTILE],
        &["train", "--data", HOSTILE],
        &["train", "--data", "shapes", "--name", HOSTILE],
        &["migrate", HOSTILE],
        &["compare", "resnet14-shapes-s0", HOSTILE],
        &["show", "resnet14-shapes-s0", "--layer", HOSTILE],
        &["themes", "--check", HOSTILE],
    ] {
        assert_safe(&scratch.run(args), &format!("{args:?}"));
    }
}
