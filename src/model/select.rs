//! Which of a checkpoint's tensors are the network's, by their names alone: wrappers
//! (`state_dict.`, `module.`) go, and what lies beside it (an optimiser, masks, an
//! average of the weights) is left behind.

use std::collections::BTreeSet;

/// The tensor that every network here begins with, and by which it is found.
const STEM: &str = "conv1.weight";
/// What modules that prepare images call their mean and deviation.
const STATISTICS: &[(&str, &str)] =
    &[("mean", "std"), ("new_mean", "new_std"), ("_mean", "_std"), ("mu", "sigma")];
/// Networks that a message lists.
const MAX_LISTED: usize = 8;

/// Why no network can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Several that differ.
    #[error("it holds {} networks ({})", .0.len(), listed(.0))]
    Several(Vec<String>),
    /// None under the name that was asked for.
    #[error("it holds no network {name:?}{}", among(.listed))]
    NoSuch {
        /// That name.
        name: String,
        /// Those that there are.
        listed: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_LISTED).map(String::as_str).collect();
    let more = if shown.len() < names.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn among(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; it holds {}", listed(names)) }
}

/// What stands before the names of the network: of the one that `key` names, or of the
/// only one. `same` tells whether two tensors are the same values in the file.
///
/// # Errors
/// [`SelectError`] with the list to choose from.
pub fn prefix(
    names: &BTreeSet<String>,
    key: Option<&str>,
    same: impl Fn(&str, &str) -> bool,
) -> Result<String, SelectError> {
    let stems = names.iter().filter_map(|name| {
        let prefix = name.strip_suffix(STEM)?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| prefix.to_string())
    });
    let all: Vec<String> = stems.collect();
    let is_whole = |prefix: &&String| {
        let under = || names.range(prefix.to_string()..).take_while(|n| n.starts_with(*prefix));
        under().any(|name| name[prefix.len()..].starts_with("layer1."))
            && under().any(|name| name.ends_with(".running_mean"))
    };
    let mut found: Vec<String> = all.iter().filter(is_whole).cloned().collect();
    if found.is_empty() {
        // no network as it should be: what is missing is told by the name of the first stem
        found.extend(all.iter().min_by_key(|prefix| prefix.len()).cloned());
    }
    let shown = |found: &[String]| found.iter().map(|prefix| title(prefix)).collect();
    if let Some(key) = key {
        let key = key.trim_end_matches('.');
        let start = if key.is_empty() { String::new() } else { format!("{key}.") };
        let mut chosen: Vec<String> =
            found.iter().filter(|prefix| prefix.starts_with(&start)).cloned().collect();
        if chosen.contains(&start) {
            chosen = vec![start];
        }
        if chosen.is_empty() {
            return Err(SelectError::NoSuch { name: key.to_string(), listed: shown(&found) });
        }
        found = chosen;
    }
    found.sort_by_key(String::len);
    let first = found.first().cloned().unwrap_or_default();
    let under = |prefix: &str| names.iter().filter_map(|n| n.strip_prefix(prefix)).count();
    let twin = |other: &String| {
        under(&first) == under(other)
            && names.iter().filter_map(|name| name.strip_prefix(&first)).all(|rest| {
                let (a, b) = (format!("{first}{rest}"), format!("{other}{rest}"));
                names.contains(&b) && same(&a, &b)
            })
    };
    // the top level is whatever lies inside it, too
    let differ = found.iter().skip(1).any(|other| first.is_empty() || !twin(other));
    if differ { Err(SelectError::Several(shown(&found))) } else { Ok(first) }
}

/// The names of a mean and a deviation that lie in the network under `prefix` or beside
/// it, of a module that prepares images; none if there is no such pair, or several.
pub fn statistics(names: &BTreeSet<String>, prefix: &str) -> Option<(String, String)> {
    let beside = match prefix.trim_end_matches('.').rsplit_once('.') {
        Some((outer, _)) => format!("{outer}."),
        None => String::new(),
    };
    let mut pairs = names.iter().filter_map(|name| {
        let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
        let std = STATISTICS.iter().find(|(mean, _)| *mean == last)?.1;
        let near = |outer: &str| {
            let inner = name.strip_prefix(outer)?;
            let deep = inner.matches('.').count();
            (deep == 1 || deep == 0 && outer == prefix).then_some(())
        };
        near(prefix).or_else(|| near(&beside))?;
        let std = if parent.is_empty() { std.to_string() } else { format!("{parent}.{std}") };
        names.contains(&std).then(|| (name.clone(), std))
    });
    let first = pairs.next()?;
    pairs.next().is_none().then_some(first)
}

/// A prefix as a name to choose by.
fn title(prefix: &str) -> String {
    let name = prefix.trim_end_matches('.');
    if name.is_empty() { "\"\"".to_string() } else { name.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(prefix: &str) -> Vec<String> {
        let parts = ["conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight"];
        parts.iter().map(|part| format!("{prefix}{part}")).collect()
    }

    fn names(prefixes: &[&str], more: &[&str]) -> BTreeSet<String> {
        let networks = prefixes.iter().flat_map(|prefix| network(prefix));
        networks.chain(more.iter().map(|name| name.to_string())).collect()
    }

    fn chosen(names: &BTreeSet<String>, key: Option<&str>) -> Result<String, String> {
        prefix(names, key, |_, _| false).map_err(|e| e.to_string())
    }

    #[test]
    fn wrappers_optimisers_and_masks_are_told_apart() {
        let more =
            ["optimizer.0.momentum_buffer", "mask.conv1.weight", "mask.layer1.0.conv1.weight"];
        for prefix in ["", "state_dict.", "state_dict.module."] {
            assert_eq!(chosen(&names(&[prefix], &more), None), Ok(prefix.to_string()));
        }
        assert_eq!(chosen(&names(&[], &["a.conv1.weight"]), None), Ok("a.".to_string()));
        assert_eq!(chosen(&names(&[], &["fc.weight"]), None), Ok(String::new()));
    }

    #[test]
    fn two_networks_need_a_name() {
        let two = names(&["net.module.", "ema."], &[]);
        let text = chosen(&two, None).unwrap_err();
        assert_eq!(text, "it holds 2 networks (ema, net.module)");
        assert_eq!(chosen(&two, Some("net")), Ok("net.module.".to_string()));
        assert_eq!(chosen(&two, Some("ema")), Ok("ema.".to_string()));
        let text = chosen(&two, Some("n")).unwrap_err();
        assert_eq!(text, "it holds no network \"n\"; it holds ema, net.module");
        assert_eq!(prefix(&two, None, |_, _| true), Ok("ema.".to_string()));
    }
}
