//! A comparison of runs as text and files: a table for people, JSON with
//! everything, one CSV line per pair of layers, and arrays for a folder. Returns
//! text and bytes; prints nothing, reads nothing, computes no map.

mod files;
mod json;
mod table;

pub use files::files;
pub use json::json;
pub use table::table;

use std::collections::BTreeSet;

use super::ReportError;
use crate::domain::ModelSpec;
use crate::domain::SimilarityMatrix;
use crate::domain::contrast::Contrast;
use crate::domain::group::{self, GroupError, GroupStatistics};
use crate::domain::pairing::{PairSummary, summary};
use crate::export::{ExportError, Format};
use crate::runs::{ComparedImages, PairKey, PairMaps};

/// One of the compared runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name, as the user knows it.
    pub name: String,
    /// The network.
    pub model: ModelSpec,
    /// Number of its layers.
    pub layers: usize,
    /// SHA-256 of its weights file.
    pub weights_hash: String,
    /// Share of test images that its predictions get right, if there are some.
    pub accuracy: Option<f64>,
}

/// The map of two members.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The members, rows first; the same twice is a member's own map.
    pub members: (usize, usize),
    /// The map.
    pub analysis: PairMaps,
    /// In a few numbers.
    pub summary: PairSummary,
    /// True if it was there already.
    pub reused: bool,
}

impl Pair {
    /// A pair with its summary.
    pub fn new(members: (usize, usize), analysis: PairMaps, reused: bool) -> Pair {
        let (rows, cols) = (&analysis.rows().layers, &analysis.cols().layers);
        let summary = summary(rows, cols, &analysis.cka.values);
        Pair { members, analysis, summary, reused }
    }
}

/// A group of seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// `A`, `B`, or `all` for runs that were given without groups.
    pub name: &'static str,
    /// Its members.
    pub members: Vec<usize>,
    /// Its statistics, or in one line why it has none.
    pub statistics: Result<GroupStatistics, String>,
}

/// Everything that was compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The runs.
    pub members: Vec<Member>,
    /// The images that all saw.
    pub data: ComparedImages,
    /// Which images, in which batches; its hashes are those of the first pair.
    pub plan: PairKey,
    /// Every pair of runs and every run with itself.
    pub pairs: Vec<Pair>,
    /// Groups of seeds.
    pub groups: Vec<Group>,
    /// Shares of images on which two runs predict the same.
    pub agreement: Option<SimilarityMatrix>,
    /// Group A against group B.
    pub contrast: Option<Contrast>,
    /// Class names by label.
    pub classes: Vec<String>,
    /// What a reader should know, one line each.
    pub notes: Vec<String>,
}

impl Comparison {
    /// The map of two members, whichever is in the rows.
    fn pair(&self, a: usize, b: usize) -> Option<&PairMaps> {
        let found = self.pairs.iter().find(|p| p.members == (a, b) || p.members == (b, a));
        found.map(|pair| &pair.analysis)
    }

    /// The stages of all rows, ascending, then `None` for stem and head.
    fn stages(&self) -> Vec<Option<usize>> {
        let layers = self.pairs.iter().flat_map(|pair| &pair.analysis.rows().layers);
        let staged: BTreeSet<usize> = layers.filter_map(|layer| layer.stage).collect();
        staged.into_iter().map(Some).chain([None]).collect()
    }

    /// Statistics of some members.
    ///
    /// # Errors
    /// [`GroupError`] if they are too few or not of one architecture.
    pub fn statistics(&self, members: &[usize]) -> Result<GroupStatistics, GroupError> {
        let own: Vec<&PairMaps> = members.iter().filter_map(|at| self.pair(*at, *at)).collect();
        let listed: Vec<_> = members
            .iter()
            .zip(&own)
            .map(|(at, own)| {
                let member = &self.members[*at];
                (member.name.as_str(), &member.model, own.rows().layers.as_slice())
            })
            .collect();
        group::one_architecture(&listed)?;
        let mut between = Vec::new();
        for (at, a) in members.iter().enumerate() {
            between.extend(members[at + 1..].iter().filter_map(|b| self.pair(*a, *b)));
        }
        let within: Vec<&SimilarityMatrix> = own.iter().map(|pair| &pair.cka.values).collect();
        let maps: Vec<&SimilarityMatrix> = between.iter().map(|pair| &pair.cka.values).collect();
        let without: Option<Vec<&SimilarityMatrix>> =
            between.iter().map(|pair| pair.without_pc1()).collect();
        group::statistics(&within, &maps, without.as_deref())
    }

    /// A class by name, or its number.
    fn class(&self, label: u16) -> String {
        let name = self.classes.get(usize::from(label));
        name.map_or_else(|| label.to_string(), |name| crate::text::one_line(name))
    }
}

/// One line per pair of layers of every pair of runs.
///
/// # Errors
/// [`ReportError::Csv`] if a row cannot be encoded.
pub fn csv(comparison: &Comparison) -> Result<String, ReportError> {
    let header = [
        "rows_run",
        "cols_run",
        "row",
        "col",
        "row_layer",
        "col_layer",
        "cka",
        "se",
        "cka_without_pc1",
    ];
    let rows = comparison.pairs.iter().flat_map(|pair| {
        let analysis = &pair.analysis;
        let names = [pair.members.0, pair.members.1].map(|at| &comparison.members[at].name);
        let (rows, cols) = (&analysis.rows().layers, &analysis.cols().layers);
        rows.iter().flat_map(move |row| {
            cols.iter().map(move |col| {
                let (i, j) = (row.index, col.index);
                let without = analysis.without_pc1().and_then(|map| map.get(i, j));
                vec![
                    names[0].clone(),
                    names[1].clone(),
                    i.to_string(),
                    j.to_string(),
                    row.name.clone(),
                    col.name.clone(),
                    number(analysis.cka.values.get(i, j)),
                    number(analysis.cka.error_at(i, j)),
                    number(without),
                ]
            })
        })
    });
    encode(&header, rows)
}

/// A number with as many digits as it needs to come back, or an empty field.
fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

fn encode(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, ReportError> {
    let failed = |e: csv::Error| ExportError::encode(Format::Csv, e);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|e| ExportError::encode(Format::Csv, e))?;
    Ok(String::from_utf8(bytes).map_err(|e| ExportError::encode(Format::Csv, e))?)
}

#[cfg(test)]
mod tests;
