//! What a map says about block structure, in one plain sentence: how many layers are
//! alike, where, how much that depends on the threshold, and how much of their variance
//! one component has. It knows results, not where they are shown.

use crate::domain::block_structure::{BlockStructure, StructureRule};

/// Of the structures that were found and those at every threshold; `name` and `share`
/// are of a layer's position in the view: its name, and the share (0 to 1) of variance
/// of its first component, if that is known.
pub fn verdict<'a>(
    found: &[BlockStructure],
    by_tau: &[(f64, Vec<BlockStructure>)],
    rule: StructureRule,
    name: impl Fn(usize) -> &'a str,
    share: impl Fn(usize) -> Option<f64>,
) -> String {
    let longest = |all: &[BlockStructure]| all.iter().map(BlockStructure::len).max();
    let Some(main) = found.iter().max_by_key(|structure| structure.len()) else {
        let near = by_tau.iter().rev().find_map(|(tau, all)| Some((*tau, longest(all)?)));
        let near = near
            .filter(|(tau, _)| *tau < rule.tau)
            .map_or_else(String::new, |(tau, n)| format!("; {n} layers at {tau:.2}"));
        return format!("no block structure at {:.2}{near}", rule.tau);
    };
    let (first, last) = (*main.span.start(), *main.span.end());
    let mut text = format!(
        "block structure of {} layers at {:.2}, {} to {}",
        main.len(),
        main.mean,
        name(first),
        name(last)
    );
    if found.len() > 1 {
        text.push_str(&format!(", and {} more", found.len() - 1));
    }
    // where thresholds agree on its length within a fifth
    let centre = (first + last) / 2;
    let same = |all: &[BlockStructure]| {
        let here = all.iter().find(|s| s.span.contains(&centre)).map(BlockStructure::len);
        here.is_some_and(|n| 5 * n.abs_diff(main.len()) <= main.len())
    };
    let agree: Vec<f64> = by_tau.iter().filter(|(_, all)| same(all)).map(|(tau, _)| *tau).collect();
    match (agree.first(), agree.last()) {
        (Some(low), Some(high)) if low < high => {
            text.push_str(&format!("; steady for thresholds {low:.2} to {high:.2}"));
        }
        _ => text.push_str("; at this threshold alone"),
    }
    let shares: Vec<f64> = (first..=last).filter_map(share).collect();
    if !shares.is_empty() {
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        text.push_str(&format!("; one component has {:.0} % of its variance", 100.0 * mean));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(first: usize, last: usize, mean: f64) -> BlockStructure {
        BlockStructure { span: first..=last, mean, contrast: None }
    }

    const RULE: StructureRule = StructureRule { tau: 0.9, min_len: 8 };
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn name(at: usize) -> &'static str {
        NAMES[at / 10]
    }

    #[test]
    fn one_sentence_says_where_how_long_and_how_sensitive() {
        let found = [structure(0, 9, 0.93), structure(12, 35, 0.964)];
        let by_tau = [
            (0.86, vec![structure(0, 39, 0.88)]),
            (0.88, vec![structure(11, 36, 0.95)]),
            (0.90, found.to_vec()),
            (0.92, vec![structure(12, 32, 0.97)]),
            (0.94, vec![structure(20, 30, 0.98)]),
        ];
        let share = |at: usize| at.is_multiple_of(2).then_some(if at < 24 { 0.5 } else { 0.7 });
        assert_eq!(
            verdict(&found, &by_tau, RULE, name, share),
            "block structure of 24 layers at 0.96, b to d, and 1 more; steady for thresholds \
             0.88 to 0.92; one component has 60 % of its variance"
        );
        let alone = [(0.90, found.to_vec())];
        let text = verdict(&found, &alone, RULE, name, |_| None);
        assert!(text.ends_with("; at this threshold alone"), "{text}");
    }

    #[test]
    fn without_one_it_says_what_a_lower_threshold_gives() {
        let by_tau = [(0.80, vec![structure(0, 20, 0.8)]), (0.82, vec![structure(0, 9, 0.9)])];
        let text = verdict(&[], &by_tau, RULE, name, |_| None);
        assert_eq!(text, "no block structure at 0.90; 10 layers at 0.82");
        assert_eq!(verdict(&[], &[], RULE, name, |_| None), "no block structure at 0.90");
    }
}
