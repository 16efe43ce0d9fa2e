//! Embeds the shipped runs: writes `embedded_runs.rs`, a table of every file of
//! `saved_runs/`, into the build's output folder.
//!
//! A run is a folder with a `run.ron`, a comparison of two runs one below
//! `comparisons/` with a `cka/map.ron` (`comparison.ron` before format 2). If `saved_runs/shipped.txt` exists,
//! only what it names (one a line, `RUN` or `comparisons/PAIR`) is embedded, so
//! that a developer's own runs in the same folder stay out of the binary. Checkpoints, hidden files and
//! links are left out.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("saved_runs");
    println!("cargo:rerun-if-changed=build.rs");
    let list = root.join("shipped.txt");
    let runs: Vec<String> = if list.is_file() {
        println!("cargo:rerun-if-changed={}", list.display());
        let text = fs::read_to_string(&list)?;
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect()
    } else {
        println!("cargo:rerun-if-changed={}", root.display());
        let pairs = entries(&root.join("comparisons"))?;
        entries(&root)?
            .into_iter()
            .chain(pairs.into_iter().map(|name| format!("comparisons/{name}")))
            .filter(|name| records(name).iter().any(|file| root.join(name).join(file).is_file()))
            .collect()
    };

    let mut table = String::from("pub static FILES: &[(&str, &[u8])] = &[\n");
    for run in &runs {
        let folder = root.join(run);
        if !records(run).iter().any(|file| folder.join(file).is_file()) {
            let record = records(run)[0];
            return Err(format!("{} names {run:?}, which has no {record}", list.display()).into());
        }
        println!("cargo:rerun-if-changed={}", folder.display());
        embed(&folder, run, &mut table)?;
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("embedded_runs.rs"), table)?;
    Ok(())
}

/// The files one of which makes a folder a run or a comparison.
fn records(name: &str) -> &'static [&'static str] {
    match name.starts_with("comparisons/") {
        true => &["cka/map.ron", "comparison.ron"],
        false => &["run.ron"],
    }
}

/// Adds every file below `folder` under the name `prefix/FILE`.
fn embed(folder: &Path, prefix: &str, table: &mut String) -> Result<(), Box<dyn Error>> {
    for name in entries(folder)? {
        let path = folder.join(&name);
        let kind = fs::symlink_metadata(&path)?.file_type();
        let key = format!("{prefix}/{name}");
        if kind.is_dir() && name != "checkpoints" {
            embed(&path, &key, table)?;
        } else if kind.is_file() {
            let path = path.to_str().ok_or("the path of the repository is not UTF-8")?;
            writeln!(table, "    ({key:?}, include_bytes!({path:?})),")?;
        }
    }
    Ok(())
}

/// The names in a folder, sorted, without hidden ones; none if it is missing.
fn entries(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
