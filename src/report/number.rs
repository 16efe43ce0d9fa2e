//! Numbers as every form of a report shows them.

use crate::domain::Map;

/// CKA of a layer with every other layer.
pub(super) fn others(analysis: &Map, layer: usize) -> impl Iterator<Item = Option<f64>> + '_ {
    let n = analysis.layers().len();
    (0..n).filter(move |other| *other != layer).map(move |other| analysis.values.get(layer, other))
}

pub(super) fn mean_of(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    (count > 0).then(|| sum / count as f64)
}

pub(super) fn show(value: Option<f64>) -> String {
    value.map_or_else(|| String::from("-"), |v| format!("{v:.4}"))
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(|| "-".into(), |v| format!("{:.1} %", 100.0 * v))
}
