//! What an analysis found as CSV, one table each. Numbers have as many digits as
//! they need to come back exactly; what is undefined is an empty field.

use super::ReportError;
use crate::domain::block_structure::{StructureRule, detect};
use crate::domain::{Layer, View};
use crate::runs::LoadedRun;
use crate::text::one_line;

/// A table of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// CKA of every pair of layers.
    Cka,
    /// First components of every layer.
    Components,
    /// Linear probes.
    Probes,
    /// Deleted residual blocks.
    Deletion,
    /// Detected block structures.
    Structures,
}

/// One table as CSV with a header.
///
/// # Errors
/// [`ReportError::NoAnalysis`] or [`ReportError::NoTable`] if the run has none, with
/// the command that makes it.
pub fn csv_table(run: &LoadedRun, table: Table) -> Result<String, ReportError> {
    let missing = || missing(run, table);
    match table {
        Table::Cka => super::csv(run),
        Table::Components => encode(components(run).ok_or_else(missing)?),
        Table::Probes => encode(probes(run).ok_or_else(missing)?),
        Table::Deletion => encode(deletion(run).ok_or_else(missing)?),
        Table::Structures => encode(structures(run).ok_or_else(missing)?),
    }
}

/// That a run has no such table, and the command that makes it.
pub(super) fn missing(run: &LoadedRun, table: Table) -> ReportError {
    let name = one_line(&run.manifest.name);
    let (what, option) = match table {
        Table::Cka | Table::Structures => return ReportError::NoAnalysis(name),
        Table::Components => ("first components", "analyze RUN --skip-cka"),
        Table::Probes => ("linear probes", "analyze RUN --skip-cka --probes"),
        Table::Deletion => ("deleted residual blocks", "prune RUN --lesions"),
    };
    let command = format!("blockscope {}", option.replace("RUN", &name));
    ReportError::NoTable { run: name, what, command }
}

fn encode(rows: Vec<Vec<String>>) -> Result<String, ReportError> {
    Ok(crate::export::csv::rows(&rows)?)
}

fn head<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}

fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default()
}

fn place(layer: &Layer) -> [String; 4] {
    let index = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
    [layer.name.clone(), layer.kind.name().into(), index(layer.stage), index(layer.block)]
}

fn components(run: &LoadedRun) -> Option<Vec<Vec<String>>> {
    let suite = run.components.as_ref()?;
    let found = &suite.components;
    let mut titles = head(["layer", "kind", "stage", "block"]);
    titles.extend((1..=found.shares.ncols()).map(|k| format!("pc{k}")));
    titles.extend(head(["zeros", "dominant_images"]));
    let row = |layer: &Layer| {
        let shares = (0..found.shares.ncols()).map(|k| found.shares.get((layer.index, k)).copied());
        let images = found.dominant(layer.index, 8).into_iter();
        let images: Vec<String> = images.map(|at| found.images[at].to_string()).collect();
        let mut row = place(layer).to_vec();
        row.extend(shares.map(number));
        row.push(number(found.zeros.get(layer.index).copied().flatten()));
        row.push(images.join(" "));
        row
    };
    Some(std::iter::once(titles).chain(suite.record.layers.iter().map(row)).collect())
}

fn probes(run: &LoadedRun) -> Option<Vec<Vec<String>>> {
    let suite = run.probes.as_ref()?;
    let titles = head([
        "layer",
        "kind",
        "stage",
        "block",
        "residual",
        "test_accuracy",
        "held_out_accuracy",
        "learning_rate",
        "epoch",
    ]);
    let rows = suite.probes.iter().filter_map(|probe| {
        let layer = suite.record.layers.get(probe.layer)?;
        let mut row = place(layer).to_vec();
        row.extend([
            if layer.post_residual { "after" } else { "before" }.to_string(),
            number(Some(probe.test_accuracy)),
            number(Some(probe.held_out_accuracy)),
            number(Some(probe.learning_rate)),
            probe.epoch.to_string(),
        ]);
        Some(row)
    });
    Some(std::iter::once(titles).chain(rows).collect())
}

fn deletion(run: &LoadedRun) -> Option<Vec<Vec<String>>> {
    let table = &run.deletion.as_ref()?.table;
    let titles = head([
        "experiment",
        "deleted",
        "examples",
        "correct",
        "accuracy",
        "low",
        "high",
        "loss",
        "change",
        "change_low",
        "change_high",
        "lost",
        "won",
    ]);
    let rows = table.rows().iter().map(|row| {
        let (low, high) = row.interval();
        let cost = table.cost(row);
        let change = cost.and_then(|cost| cost.interval);
        let count = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
        vec![
            row.experiment.name().to_string(),
            if row.deleted.is_empty() { String::new() } else { row.deleted.to_string() },
            row.examples.to_string(),
            row.correct.to_string(),
            number(Some(row.accuracy())),
            number(Some(low)),
            number(Some(high)),
            number(Some(row.loss)),
            number(cost.map(|cost| cost.change)),
            number(change.map(|(low, _)| low)),
            number(change.map(|(_, high)| high)),
            count(row.flips.map(|flips| flips.lost)),
            count(row.flips.map(|flips| flips.won)),
        ]
    });
    Some(std::iter::once(titles).chain(rows).collect())
}

fn structures(run: &LoadedRun) -> Option<Vec<Vec<String>>> {
    let analysis = run.cka()?;
    let layers = analysis.layers();
    let rule = StructureRule::of(View::All);
    let titles = head(["first", "last", "layers", "mean", "contrast", "tau", "min_len"]);
    let rows = detect(&analysis.values, rule).into_iter().map(|block| {
        vec![
            layers[*block.span.start()].name.clone(),
            layers[*block.span.end()].name.clone(),
            block.len().to_string(),
            number(Some(block.mean)),
            number(block.contrast),
            number(Some(rule.tau)),
            rule.min_len.to_string(),
        ]
    });
    Some(std::iter::once(titles).chain(rows).collect())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};

    fn records(run: &LoadedRun, table: Table) -> Vec<Vec<String>> {
        let text = csv_table(run, table).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let records = reader.records().map(|r| r.unwrap().iter().map(String::from).collect());
        records.collect()
    }

    #[test]
    fn every_table_has_its_rows_and_full_numbers() {
        let run = with_findings(synthetic_run(20));
        let pc = records(&run, Table::Components);
        assert_eq!((pc.len(), pc[0][4].as_str()), (71, "pc1"));
        let share = run.components.as_ref().unwrap().components.share(0).unwrap();
        assert_eq!(pc[1][4].parse::<f64>(), Ok(share));
        let probes = records(&run, Table::Probes);
        assert_eq!(probes.len(), 1 + run.probes.as_ref().unwrap().probes.len());
        let deletion = records(&run, Table::Deletion);
        assert_eq!(&deletion[1][..2], ["baseline", ""]);
        let accuracy = run.deletion.as_ref().unwrap().table.rows()[0].accuracy();
        assert_eq!(deletion[1][4].parse::<f64>(), Ok(accuracy));
        let structures = records(&run, Table::Structures);
        assert_eq!(structures[0][0], "first");
        let found = detect(&run.cka().unwrap().values, StructureRule::of(View::All));
        assert_eq!(structures.len(), 1 + found.len());
        assert_eq!(records(&run, Table::Cka).len(), 1 + 70 * 70);
    }

    #[test]
    fn a_missing_table_is_told_with_its_command() {
        let run = fixtures::run(None);
        for (table, part) in [
            (Table::Cka, "`blockscope analyze a`"),
            (Table::Structures, "`blockscope analyze a`"),
            (Table::Components, "no first components; run `blockscope analyze a --skip-cka`"),
            (Table::Probes, "`blockscope analyze a --skip-cka --probes`"),
            (Table::Deletion, "`blockscope prune a --lesions`"),
        ] {
            let error = csv_table(&run, table).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
