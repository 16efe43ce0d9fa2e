//! What deleting residual blocks costs, in the words of every report.

use crate::domain::ResidualBlock;
use crate::domain::deletion::{Cost, DeletionRow, DeletionTable, SMALL_COST};
use crate::text::aligned;

/// `-0.23`: a change of accuracy in points.
pub(super) fn points(change: f64) -> String {
    format!("{:+.2}", 100.0 * change)
}

/// The rows as a table: what was deleted, accuracy, what that costs on the same images
/// and its interval at 95 %, in points.
pub fn cost_table(table: &DeletionTable) -> String {
    let head = ["experiment", "deleted", "accuracy", "change", "95 % interval", "images"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for row in table.rows() {
        let cost = table.cost(row);
        let nothing = row.deleted.is_empty();
        let missing = || "-".to_string();
        let interval = cost.and_then(|cost| cost.interval);
        rows.push(vec![
            row.experiment.name().to_string(),
            if nothing { "nothing".to_string() } else { row.deleted.to_string() },
            format!("{:.2} %", 100.0 * row.accuracy()),
            cost.map_or_else(missing, |cost| points(cost.change)),
            interval.map_or_else(missing, |(a, b)| format!("{} to {}", points(a), points(b))),
            row.examples.to_string(),
        ]);
    }
    let mut out = aligned(&rows);
    if let Some(line) = cheap(table) {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// `3 of 16 residual blocks cost under 1 point each (1.1,2.2,2.3), together -0.40 points
/// predicted`; `None` before one was measured alone, or where intervals are not known.
pub fn cheap(table: &DeletionTable) -> Option<String> {
    let alone = |row: &DeletionRow| row.deleted.len() == 1;
    let costs = table.costs();
    let known = |(row, cost): &&(&DeletionRow, Option<Cost>)| {
        alone(row) && cost.is_some_and(|cost| cost.interval.is_some())
    };
    let measured = costs.iter().filter(known).count();
    if measured == 0 {
        return None;
    }
    let cheap = table.cheap(SMALL_COST);
    if cheap.is_empty() {
        return Some(format!("none of {measured} residual blocks costs surely under 1 point"));
    }
    let together = match (table.cost_of(&cheap), table.predicted(&cheap)) {
        _ if cheap.len() == 1 => String::new(),
        (Some(cost), _) => format!(", together {} points", points(cost.change)),
        (None, Some(sum)) => format!(", together {} points if costs add up", points(sum)),
        (None, None) => String::new(),
    };
    let count = cheap.len();
    let (cost, each) = if count == 1 { ("costs", "") } else { ("cost", " each") };
    Some(format!(
        "{count} of {measured} residual blocks {cost} surely under 1 point{each} ({cheap}){together}"
    ))
}

/// What is known of each set of blocks, a line each.
pub(super) fn lines(table: &DeletionTable) -> Vec<String> {
    let line = |row: &DeletionRow| {
        let examples = row.examples;
        let accuracy = 100.0 * row.accuracy();
        if row.deleted.is_empty() {
            let (low, high) = row.interval();
            return format!(
                "accuracy with all residual blocks: {accuracy:.2} %, 95 % interval {:.2} to {:.2}, {examples} images",
                100.0 * low,
                100.0 * high
            );
        }
        format!(
            "accuracy without {} ({}): {accuracy:.2} %{}, {examples} images",
            row.deleted,
            row.experiment.name(),
            change(table.cost(row))
        )
    };
    table.rows().iter().map(line).chain(cheap(table).map(|c| format!("deletions: {c}"))).collect()
}

fn change(cost: Option<Cost>) -> String {
    let Some(cost) = cost else { return String::new() };
    let interval = cost.interval.map_or_else(String::new, |(low, high)| {
        format!(", 95 % interval {} to {}", points(low), points(high))
    });
    format!(", change {} points{interval}", points(cost.change))
}

/// What a block alone costs, in a line.
pub(super) fn of_block(table: &DeletionTable, block: ResidualBlock) -> Option<String> {
    let row = table.lesion(block)?;
    Some(format!(
        "accuracy without residual block {block}: {:.1} %{}, {} images",
        100.0 * row.accuracy(),
        change(table.cost(row)),
        row.examples
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};

    #[test]
    fn costs_are_of_their_own_images_and_cheap_blocks_are_named() {
        let run = with_findings(synthetic_run(20));
        let table = run.deletion.unwrap().table;
        let text = cost_table(&table);
        for part in [
            "lesion      2.1      41.00 %   -0.23   -0.42 to -0.05    10000",
            "baseline    nothing  41.23 %   -       -                 10000",
            "2 of 3 residual blocks cost surely under 1 point each (2.1,2.2), together -0.27 points if costs add up",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert_eq!(cheap(&DeletionTable::default()), None);
    }
}
