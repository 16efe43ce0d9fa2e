//! What an analysis found as figures: curves along the layers, costs of residual blocks.
//! Knows no page; the layouts are those of `export::figure`.

use super::ReportError;
use super::tables::{Table, missing};
use crate::domain::View;
use crate::domain::deletion::SMALL_COST;
use crate::export::figure::costs::{CostRow, CostsExport};
use crate::export::figure::curves::{Curve, CurvesExport};
use crate::runs::LoadedRun;

/// Run, network and data in a line.
fn title(run: &LoadedRun) -> String {
    let m = &run.manifest;
    format!("{} · {} · {}", m.name, m.model.title(), m.data.title())
}

/// The first component's share of the variance of each layer of a view; `axis` says what
/// these are.
///
/// # Errors
/// [`ReportError::NoTable`] if the run has no first components.
pub fn component_curve(
    run: &LoadedRun,
    view: View,
    axis: &str,
) -> Result<CurvesExport, ReportError> {
    let suite = run.components.as_ref().ok_or_else(|| missing(run, Table::Components))?;
    let (layers, found) = (&suite.record.layers, &suite.components);
    let indices = view.select(layers);
    let points = indices.iter().map(|at| found.share(layers[*at].index)).enumerate().collect();
    Ok(CurvesExport {
        title: title(run),
        subtitle: format!("first principal component over {} images", found.examples()),
        layers: indices.iter().map(|at| layers[*at].clone()).collect(),
        axis: axis.to_string(),
        quantity: "share of variance of PC 1".into(),
        curves: vec![Curve { name: "share of variance".into(), points }],
        level: None,
        range: (0.0, 1.0),
    })
}

/// Test accuracy of the linear probes before and after each residual sum, in percent, with
/// that of the whole network where it is known.
///
/// # Errors
/// [`ReportError::NoTable`] if the run has no probes.
pub fn probe_curves(run: &LoadedRun) -> Result<CurvesExport, ReportError> {
    let suite = run.probes.as_ref().ok_or_else(|| missing(run, Table::Probes))?;
    let layers = &suite.record.layers;
    let side = |name: &str, after: bool| {
        let here = suite
            .probes
            .iter()
            .filter(|p| layers.get(p.layer).is_some_and(|layer| layer.post_residual == after));
        let points = here.map(|p| (p.layer, Some(100.0 * p.test_accuracy))).collect();
        Curve { name: name.to_string(), points }
    };
    let mut curves = vec![side("after the residual sum", true), side("before it", false)];
    curves.retain(|curve| !curve.points.is_empty());
    let whole = run.manifest.test.as_ref().map(|test| 100.0 * test.accuracy());
    let values = curves.iter().flat_map(|c| &c.points).filter_map(|(_, value)| *value);
    let (low, high) = values
        .chain(whole)
        .fold((100.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    let air = (0.06 * (high - low)).max(0.5);
    Ok(CurvesExport {
        title: title(run),
        subtitle: "linear probes on frozen layers".into(),
        layers: layers.clone(),
        axis: "layer".into(),
        quantity: "test accuracy in %".into(),
        curves,
        level: whole.map(|whole| (format!("whole network, {whole:.1} %"), whole)),
        range: ((low - air).max(0.0), (high + air).min(100.0)),
    })
}

/// What deleting each residual block alone costs.
///
/// # Errors
/// [`ReportError::NoTable`] if none was deleted alone.
pub fn deletion_costs(run: &LoadedRun) -> Result<CostsExport, ReportError> {
    let table = run.deletion.as_ref().map(|deletion| &deletion.table);
    let costs = table.map(|table| table.costs()).unwrap_or_default();
    let mut alone: Vec<_> = costs
        .into_iter()
        .filter(|(row, _)| row.deleted.len() == 1)
        .filter_map(|(row, cost)| Some((row.deleted.first()?, cost?)))
        .collect();
    if alone.is_empty() {
        return Err(missing(run, Table::Deletion));
    }
    alone.sort_by_key(|(block, _)| (block.stage, block.block));
    let images = alone.iter().map(|(_, cost)| cost.examples);
    let images = match (images.clone().min(), images.max()) {
        (Some(a), Some(b)) if a != b => format!("{a} to {b}"),
        (least, _) => least.unwrap_or(0).to_string(),
    };
    let row =
        |(block, cost): &(crate::domain::ResidualBlock, crate::domain::deletion::Cost)| CostRow {
            name: block.to_string(),
            change: 100.0 * cost.change,
            interval: cost.interval.map(|(low, high)| (100.0 * low, 100.0 * high)),
        };
    let least = 100.0 * SMALL_COST;
    Ok(CostsExport {
        title: title(run),
        subtitle: format!(
            "one residual block deleted at a time, {images} images; dashed: {least:.0} point lost"
        ),
        rows: alone.iter().map(row).collect(),
        small: least,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};

    #[test]
    fn figures_hold_the_numbers_of_the_tables() {
        let run = with_findings(synthetic_run(20));
        let suite = run.components.as_ref().unwrap();
        let curve = component_curve(&run, View::Convs, "convolution").unwrap();
        assert_eq!(curve.layers.len(), curve.curves[0].points.len());
        for ((at, value), layer) in curve.curves[0].points.iter().zip(&curve.layers) {
            assert_eq!(*value, suite.components.share(layer.index), "{at}");
        }
        let probes = probe_curves(&run).unwrap();
        let count: usize = probes.curves.iter().map(|c| c.points.len()).sum();
        assert_eq!((probes.curves.len(), count), (2, run.probes.as_ref().unwrap().probes.len()));
        let costs = deletion_costs(&run).unwrap();
        let block = costs.rows.iter().find(|row| row.name == "2.1").unwrap();
        let (low, high) = block.interval.unwrap();
        // the numbers of the report's table, -0.23 and -0.42 to -0.05
        for (value, expected) in [(block.change, -0.23), (low, -0.42), (high, -0.05)] {
            assert!((value - expected).abs() < 0.005, "{value} {expected}");
        }
    }

    #[test]
    fn what_is_missing_names_the_command() {
        let run = synthetic_run(20);
        let error = deletion_costs(&run).unwrap_err().to_string();
        assert!(error.contains("prune") && error.contains("--lesions"), "{error}");
        assert!(probe_curves(&run).is_err());
        assert!(component_curve(&run, View::All, "layer").is_err());
    }
}
