//! A folder to run the program in, from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder; gone with the test.
pub struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    /// An empty one.
    pub fn empty() -> Scratch {
        Scratch { dir: tempfile::tempdir().unwrap() }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Puts CIFAR-10 files of 40 noise images each, labels in turn, into a folder;
    /// other factors make other images.
    pub fn put_cifar10(&self, folder: &Path, factor: u32) {
        let cifar = folder.join("cifar-10-batches-bin");
        fs::create_dir_all(&cifar).unwrap();
        let mut record = Vec::new();
        for i in 0..40u32 {
            record.push((i % 10) as u8);
            let pixel = |p: u32| ((i * factor + p).wrapping_mul(2_654_435_761) >> 24) as u8;
            record.extend((0..3072).map(pixel));
        }
        for file in 1..=5 {
            fs::write(cifar.join(format!("data_batch_{file}.bin")), &record).unwrap();
        }
        fs::write(cifar.join("test_batch.bin"), &record).unwrap();
    }

    /// CIFAR-10 files in the folder, as an option's value.
    pub fn cifar_option(&self) -> String {
        self.put_cifar10(self.folder(), 7919);
        format!("cifar10:{}", self.folder().display())
    }

    /// Runs the program with its runs folder in the scratch folder.
    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_blockscope"))
            .args(args)
            .arg("--runs")
            .arg(self.path("runs"))
            .args(["--device", "cpu"])
            .current_dir(self.dir.path())
            // nothing of the user's own, and nothing left behind
            .env("BLOCKSCOPE_CONFIG", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("BLOCKSCOPE_RUNS")
            .env_remove("BLOCKSCOPE_DEVICE")
            .env_remove("BLOCKSCOPE_DATA")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command prints, which must not fail.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with `code` and one line that has `parts`.
    pub fn fails(&self, args: &[&str], code: i32, parts: &[&str]) {
        let output = self.run(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with("blockscope: ")).collect();
        assert_eq!(lines.len(), 1, "{text}");
        for part in parts {
            assert!(lines[0].contains(part), "{part:?} is not in {text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }

    /// What lies in the runs folder.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("runs")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
