//! Conversion of the store's runs and comparisons to the present format.

use super::{RunId, RunStore};
use crate::runs::check::check_name;
use crate::runs::error::RunError;
use crate::runs::format1::migrate::{Damage, Migrated, pair, run};
use crate::runs::layout::COMPARISONS;
use crate::runs::locks;

impl RunStore {
    /// Converts a run of format 1 in place; one inside the program is copied into the
    /// runs folder first.
    ///
    /// # Errors
    /// [`RunError`] naming the damaged file, with nothing changed; or the file that could
    /// not be written.
    pub fn migrate(&self, id: &RunId) -> Result<Migrated, RunError> {
        let folder = match self.place(id).into_owned() {
            RunId::Disk(folder) => folder,
            RunId::Embedded(_) if self.manifest(id)?.format != 1 => return Ok(Migrated::Nothing),
            RunId::Embedded(_) => self.copy(id)?,
        };
        let _held = locks::merge(&folder)?;
        run(&folder, Damage::Refused)
    }

    /// Converts a comparison of the runs folder in place.
    ///
    /// # Errors
    /// [`RunError`] as [`RunStore::migrate`]; also if there is no such comparison.
    pub fn migrate_comparison(&self, name: &str) -> Result<Migrated, RunError> {
        check_name(name)?;
        pair(&self.root().join(COMPARISONS), name)
    }
}
