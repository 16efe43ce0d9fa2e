//! The comparisons of the store: found by weights, images and plan, written in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::RunStore;
use crate::runs::comparison::{self, PairKey, PairMaps, folder_name, weights_tag};
use crate::runs::error::RunError;
use crate::runs::layout::{COMPARISONS, MAP_RECORD, OLD_PAIR};
use crate::runs::read::Source;
use crate::runs::write::{self, Taken};
use crate::runs::{check, format1, maps};

impl RunStore {
    /// The comparison of two runs, known by the hashes of their weights, over
    /// the most examples (the newest of equals); `None` if there is none.
    ///
    /// # Errors
    /// [`RunError`] naming the file, if the only one there is is damaged.
    pub fn find_pair(&self, rows: &str, cols: &str) -> Result<Option<PairMaps>, RunError> {
        let tag = weights_tag(rows, cols);
        let named =
            |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end.starts_with(&tag));
        let found = self.pairs_named(named)?;
        let (mut best, mut error) = (None::<PairMaps>, None);
        for pair in found {
            let pair = match pair {
                Ok(pair) => pair.facing(rows, cols),
                Err(e) => {
                    error = Some(e);
                    continue;
                }
            };
            let rank = |p: &PairMaps| {
                let record = p.record();
                (record.plan.examples, record.plan.passes, record.provenance.created.clone())
            };
            if let Some(pair) = pair
                && best.as_ref().is_none_or(|best| rank(best) < rank(&pair))
            {
                best = Some(pair);
            }
        }
        match (best, error) {
            (None, Some(error)) => Err(error),
            (best, _) => Ok(best),
        }
    }

    /// The comparison of exactly these weights, images and plan.
    ///
    /// # Errors
    /// [`RunError`] naming the file, if it is damaged.
    pub fn find_exact_pair(&self, key: &PairKey) -> Result<Option<PairMaps>, RunError> {
        let tag = key.tag();
        let named = |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end == tag);
        for pair in self.pairs_named(named)? {
            if let Some(pair) = pair?.facing(&key.rows, &key.cols)
                && pair.key().tag() == tag
            {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    /// Writes a comparison, or replaces that of the same weights, images and
    /// plan; returns its folder, which appears in one step.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_pair(&self, pair: &PairMaps) -> Result<PathBuf, RunError> {
        let root = self.root().join(COMPARISONS);
        let tag = pair.key().tag();
        let there = self.pair_names()?.into_iter().find(|(name, on_disk)| {
            *on_disk && name.rsplit_once('-').is_some_and(|(_, end)| end == tag)
        });
        let name = there.map_or_else(|| folder_name(pair, &tag), |(name, _)| name);
        let place = root.join(&name);
        if !pair.is_of_one_pair() {
            return Err(RunError::damaged(&place, "not written: its maps are of other weights"));
        }
        let all = std::iter::once(&pair.cka).chain(&pair.others);
        let files = all.map(|map| {
            let id = map.key.id();
            Ok((maps::encoded(&place.join(&id), map, None)?, id))
        });
        let files = files.collect::<Result<Vec<_>, RunError>>()?;
        let taken = Taken::Replaced(format1::is_comparison);
        write::new_folder(&root, &name, &taken, |folder| {
            for ((record, arrays), id) in files {
                write::group(&folder.join(id), (MAP_RECORD, record), arrays)?;
            }
            Ok(())
        })
    }

    /// The names of the comparisons in the runs folder.
    ///
    /// # Errors
    /// [`RunError`] if the folder cannot be read.
    pub fn comparisons(&self) -> Result<Vec<String>, RunError> {
        let names = self.pair_names()?.into_iter();
        Ok(names.filter(|(_, on_disk)| *on_disk).map(|(name, _)| name).collect())
    }

    /// The folders of comparisons and whether they are on the disk; those on
    /// the disk hide those inside the program of the same name.
    fn pair_names(&self) -> Result<BTreeMap<String, bool>, RunError> {
        let root = self.root().join(COMPARISONS);
        let mut names: BTreeMap<String, bool> =
            self.embedded.comparisons().map(|name| (name.to_string(), false)).collect();
        let failed = |e| RunError::io("read", &root, e);
        let entries = match fs::read_dir(&root) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(names),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if let Ok(name) = name.into_string()
                && check::name(&name).is_ok()
                && format1::is_comparison(&root.join(&name))
            {
                names.insert(name, true);
            }
        }
        Ok(names)
    }

    fn pairs_named(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Result<PairMaps, RunError>>, RunError> {
        let root = self.root().join(COMPARISONS);
        let names = self.pair_names()?;
        let read = |(name, on_disk): (&String, &bool)| {
            let source = match on_disk {
                true => Source::Folder(&root),
                false => Source::Embedded(self.embedded, COMPARISONS),
            };
            read(source, name).transpose()
        };
        Ok(names.iter().filter(|(name, _)| wanted(name)).filter_map(read).collect())
    }
}

/// Reads the comparison `name` below `source`; `None` if it is not there. Files of
/// format 1 are the ones that count while they are there.
pub(in crate::runs) fn read(source: Source<'_>, name: &str) -> Result<Option<PairMaps>, RunError> {
    match source.has(&format!("{name}/{OLD_PAIR}")) {
        true => format1::pair(source, name),
        false => comparison::read(source, name),
    }
}
