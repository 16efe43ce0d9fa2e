//! The map in a few numbers: mean CKA within the network's parts and between them.

use super::number::show;
use crate::domain::{Layer, Role};
use crate::runs::LoadedRun;
use crate::text::aligned;

/// Mean CKA between parts of the network.
pub(super) struct Stages {
    /// `stem`, `stage 1`, ..., `head`; those that have layers.
    pub names: Vec<String>,
    /// Over pairs of different layers, by part and part; `None` if no pair is
    /// defined.
    pub means: Vec<Vec<Option<f64>>>,
}

/// The part of the network that a layer belongs to.
fn part(layer: &Layer) -> String {
    match layer.stage {
        Some(stage) => format!("stage {stage}"),
        None if layer.role == Role::Head => "head".into(),
        None => "stem".into(),
    }
}

pub(super) fn stages(run: &LoadedRun) -> Option<Stages> {
    let analysis = run.cka()?;
    let layers = analysis.layers();
    let mut names: Vec<String> = Vec::new();
    let mut parts = Vec::new();
    for layer in layers {
        let name = part(layer);
        if !names.contains(&name) {
            names.push(name.clone());
        }
        parts.push(names.iter().position(|n| *n == name).unwrap_or(0));
    }
    let mut sums = vec![vec![(0.0, 0usize); names.len()]; names.len()];
    for (i, a) in parts.iter().enumerate() {
        for (j, b) in parts.iter().enumerate() {
            if let Some(value) = analysis.values.get(i, j).filter(|_| i != j) {
                let (sum, count) = &mut sums[*a][*b];
                *sum += value;
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): &(f64, usize)| (*count > 0).then(|| sum / *count as f64);
    let means = sums.iter().map(|row| row.iter().map(mean).collect()).collect();
    Some(Stages { names, means })
}

/// The numbers as a table with a heading and a blank line before it; nothing
/// without an analysis.
pub(super) fn section(run: &LoadedRun) -> String {
    let Some(found) = stages(run) else { return String::new() };
    let head = std::iter::once("part".to_string()).chain(found.names.iter().cloned());
    let mut rows = vec![head.collect::<Vec<_>>()];
    for (name, means) in found.names.iter().zip(&found.means) {
        rows.push(std::iter::once(name.clone()).chain(means.iter().map(|m| show(*m))).collect());
    }
    format!("\nmean CKA between different layers, by parts of the network\n{}", aligned(&rows))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::fixtures::demo::synthetic_run;

    #[test]
    fn means_are_those_of_the_pairs() {
        let run = synthetic_run(14);
        let found = stages(&run).unwrap();
        assert_eq!(found.names, ["stem", "stage 1", "stage 2", "stage 3", "head"]);
        let analysis = run.cka().unwrap();
        let inside: Vec<usize> =
            analysis.layers().iter().filter(|l| l.stage == Some(2)).map(|l| l.index).collect();
        let pairs = inside.iter().flat_map(|i| inside.iter().map(move |j| (*i, *j)));
        let values: Vec<f64> =
            pairs.filter(|(i, j)| i != j).filter_map(|(i, j)| analysis.values.get(i, j)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((found.means[2][2].unwrap() - mean).abs() < 1e-12);
        assert!((found.means[1][3].unwrap() - found.means[3][1].unwrap()).abs() < 1e-12);
        assert_eq!(section(&run).lines().count(), 8);
        assert_eq!(section(&fixtures::run(None)), "");
    }
}
