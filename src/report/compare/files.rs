//! The files of a comparison: every matrix as `.npy`, every table as `.csv`, and
//! the whole as `comparison.json`.

use super::super::ReportError;
use super::{Comparison, Group, encode, json, number};
use crate::domain::SimilarityMatrix;
use crate::domain::contrast::Contrast;
use crate::domain::group::CurvePoint;
use crate::export::{ExportError, Format};

/// Names and contents of all files.
///
/// # Errors
/// [`ReportError`] if one cannot be encoded.
pub fn files(comparison: &Comparison) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let mut out = vec![("comparison.json".to_string(), json(comparison)?.into_bytes())];
    let names = file_names(comparison);
    for pair in &comparison.pairs {
        let (a, b) = pair.members;
        let base = format!("{}--{}", names[a], names[b]);
        out.push((format!("{base}.cka.npy"), npy(&pair.analysis.cka.values)?));
        if let Some(errors) = &pair.analysis.cka.error {
            out.push((format!("{base}.cka_se.npy"), npy(errors)?));
        }
        if let Some(map) = pair.analysis.without_pc1() {
            out.push((format!("{base}.cka_without_pc1.npy"), npy(map)?));
        }
    }
    out.push(("pairs.csv".into(), pairs(comparison)?.into_bytes()));
    for group in &comparison.groups {
        let Ok(found) = &group.statistics else { continue };
        let base = format!("group-{}", group.name.to_lowercase());
        for (what, map) in
            [("mean", &found.mean), ("variance", &found.variance), ("across", &found.across)]
        {
            out.push((format!("{base}.{what}.npy"), npy(map)?));
        }
        out.push((format!("{base}.layers.csv"), layers(comparison, group)?.into_bytes()));
    }
    if let Some(map) = &comparison.agreement {
        out.push(("agreement.npy".into(), npy(map)?));
        out.push(("agreement.csv".into(), agreement(comparison, map)?.into_bytes()));
    }
    if let Some(contrast) = &comparison.contrast {
        out.push(("classes.csv".into(), classes(comparison, contrast)?.into_bytes()));
        out.push(("examples.csv".into(), examples(comparison, contrast)?.into_bytes()));
    }
    Ok(out)
}

/// Names that every system takes as a file's, each once.
fn file_names(comparison: &Comparison) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for member in &comparison.members {
        let kept = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let plain: String = member.name.chars().map(kept).take(48).collect();
        let plain = plain.trim_start_matches('.');
        let mut name = if plain.is_empty() { "run".to_string() } else { plain.to_string() };
        while names.contains(&name) {
            name.push('+');
        }
        names.push(name);
    }
    names
}

fn npy(map: &SimilarityMatrix) -> Result<Vec<u8>, ReportError> {
    Ok(crate::files::npy::encode(map).map_err(|e| ExportError::encode(Format::Npy, e))?)
}

fn pairs(comparison: &Comparison) -> Result<String, ReportError> {
    let stages = comparison.stages();
    let named = |what: &str| -> Vec<String> {
        let name = |stage: &Option<usize>| match stage {
            Some(stage) => format!("{what}_stage{stage}"),
            None => format!("{what}_outside"),
        };
        stages.iter().map(name).collect()
    };
    let fixed = ["rows_run", "cols_run", "reused", "same_layers", "mean_corresponding", "mean"];
    let header = [fixed.map(String::from).to_vec(), named("best"), named("same")].concat();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = comparison.pairs.iter().map(|pair| {
        let found = &pair.summary;
        let mut row = vec![
            comparison.members[pair.members.0].name.clone(),
            comparison.members[pair.members.1].name.clone(),
            pair.reused.to_string(),
            found.same_layers.to_string(),
            number(found.mean_corresponding),
            number(found.mean),
        ];
        let found = |stage: &Option<usize>| found.stages.iter().find(|s| s.stage == *stage);
        row.extend(stages.iter().map(|s| number(found(s).map(|s| s.best))));
        row.extend(stages.iter().map(|s| number(found(s).map(|s| s.same_stage))));
        row
    });
    encode(&header, rows)
}

fn layers(comparison: &Comparison, group: &Group) -> Result<String, ReportError> {
    let header = ["index", "name", "across", "sd", "pairs", "without_pc1", "without_pc1_sd"];
    let first = group.members.first().and_then(|at| comparison.pair(*at, *at));
    let (Some(pair), Ok(found)) = (first, &group.statistics) else { return encode(&header, []) };
    let rows = pair.rows().layers.iter().map(|layer| {
        let point = found.corresponding[layer.index];
        let without: Option<CurvePoint> =
            found.corresponding_without_pc1.as_ref().map(|curve| curve[layer.index]);
        vec![
            layer.index.to_string(),
            layer.name.clone(),
            number(point.mean),
            number(point.sd),
            point.pairs.to_string(),
            number(without.and_then(|p| p.mean)),
            number(without.and_then(|p| p.sd)),
        ]
    });
    encode(&header, rows)
}

fn agreement(comparison: &Comparison, map: &SimilarityMatrix) -> Result<String, ReportError> {
    let names: Vec<&str> = comparison.members.iter().map(|m| m.name.as_str()).collect();
    let mut header = vec!["run"];
    header.extend(&names);
    let rows = names.iter().enumerate().map(|(i, name)| {
        let cells = (0..map.cols()).map(|j| number(map.get(i, j)));
        [name.to_string()].into_iter().chain(cells).collect()
    });
    encode(&header, rows)
}

fn classes(comparison: &Comparison, found: &Contrast) -> Result<String, ReportError> {
    let header = [
        "class",
        "name",
        "examples",
        "a",
        "b",
        "difference",
        "sd_a",
        "sd_b",
        "t",
        "df",
        "p",
        "p_holm",
    ];
    let rows = found.classes.iter().map(|c| {
        vec![
            c.class.to_string(),
            comparison.class(c.class),
            c.examples.to_string(),
            number(Some(c.a)),
            number(Some(c.b)),
            number(Some(c.a - c.b)),
            number(Some(c.sd.0)),
            number(Some(c.sd.1)),
            number(c.welch.map(|w| w.t)),
            number(c.welch.map(|w| w.df)),
            number(c.welch.map(|w| w.p)),
            number(c.adjusted),
        ]
    });
    encode(&header, rows)
}

fn examples(comparison: &Comparison, found: &Contrast) -> Result<String, ReportError> {
    let header = ["image", "label", "name", "a", "b", "half_1_of_a", "half_2_of_a"];
    let rows = found.examples.iter().map(|e| {
        vec![
            e.image.to_string(),
            e.label.to_string(),
            comparison.class(e.label),
            number(Some(e.a)),
            number(Some(e.b)),
            number(e.halves.map(|h| h.0)),
            number(e.halves.map(|h| h.1)),
        ]
    });
    encode(&header, rows)
}
