//! The runs inside the program: a table of files that the build script makes
//! from `saved_runs/`, so that an installed binary has something to show.

#[allow(missing_docs)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/embedded_runs.rs"));
}

/// A table of embedded files; each name is `RUN/FILE` or
/// `comparisons/PAIR/FILE`.
#[derive(Clone, Copy)]
pub struct Embedded(&'static [(&'static str, &'static [u8])]);

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Embedded {
    /// The runs that this program was built with.
    pub const SHIPPED: Embedded = Embedded(generated::FILES);

    /// A table of one's own.
    pub const fn new(files: &'static [(&'static str, &'static [u8])]) -> Embedded {
        Embedded(files)
    }

    /// The names of the runs, in the table's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|(name, _)| {
            let (run, file) = name.split_once('/')?;
            (file == "run.ron").then_some(run)
        })
    }

    /// The names of the comparisons, in the table's order.
    pub fn comparisons(self) -> impl Iterator<Item = &'static str> {
        self.files(super::layout::COMPARISONS).filter_map(|(name, _)| {
            let (pair, file) = name.split_once('/')?;
            super::layout::is_comparison(file).then_some(pair)
        })
    }

    /// The contents of `file` (a path within the run, with `/`).
    pub fn file(self, run: &str, file: &str) -> Option<&'static [u8]> {
        self.files(run).find(|(name, _)| *name == file).map(|(_, bytes)| bytes)
    }

    /// Every file of a run: its path within the run, and its contents.
    pub fn files(self, run: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        self.0.iter().filter_map(move |(name, bytes)| {
            let (of, file) = name.split_once('/')?;
            (of == run).then_some((file, *bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_folders_with_a_manifest() {
        let table = Embedded::new(&[
            ("a/run.ron", b"1"),
            ("a/analysis/cka.npy", b"2"),
            ("ab/run.ron", b"3"),
            ("c/weights.safetensors", b"4"),
            ("comparisons/a--ab-1/cka/map.ron", b"5"),
            ("comparisons/a--ab-0/comparison.ron", b"5"),
            ("comparisons/a--c-2/cka.npy", b"6"),
        ]);
        assert_eq!(table.comparisons().collect::<Vec<_>>(), ["a--ab-1", "a--ab-0"]);
        assert_eq!(table.file("comparisons", "a--c-2/cka.npy"), Some(&b"6"[..]));
        assert_eq!(table.names().collect::<Vec<_>>(), ["a", "ab"]);
        assert_eq!(table.file("a", "analysis/cka.npy"), Some(&b"2"[..]));
        assert_eq!(table.file("a", "cka.npy"), None);
        assert_eq!(table.files("a").count(), 2);
    }

    #[test]
    fn shipped_files_hold_no_checkpoints() {
        assert!(Embedded::SHIPPED.0.iter().all(|(name, _)| !name.contains("checkpoints")));
    }
}
