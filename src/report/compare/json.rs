//! The comparison as one JSON object on one line, with every matrix.
//!
//! The keys are part of the program's interface: add some, rename none.

use serde::Serialize;
use serde_json::{Value, json as object};

use super::super::ReportError;
use super::super::json::rows;
use super::{Comparison, Group, Pair};
use crate::domain::contrast::Contrast;
use crate::domain::group::CurvePoint;
use crate::domain::measure::WithoutKind;
use crate::domain::welch::Welch;
use crate::domain::{Layer, ModelSpec, SimilarityMatrix};

#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    title: String,
    model: &'a ModelSpec,
    weights_hash: &'a str,
    test_accuracy: Option<f64>,
    layers: Option<&'a [Layer]>,
}

/// The comparison as JSON, ending in a line break.
///
/// # Errors
/// [`ReportError::Json`] if it cannot be encoded.
pub fn json(comparison: &Comparison) -> Result<String, ReportError> {
    let runs = comparison.members.iter().enumerate().map(|(at, member)| Run {
        name: &member.name,
        title: member.model.title(),
        model: &member.model,
        weights_hash: &member.weights_hash,
        test_accuracy: member.accuracy,
        layers: comparison.pair(at, at).map(|pair| pair.rows().layers.as_slice()),
    });
    let plan = &comparison.plan;
    let value = object!({
        "runs": runs.collect::<Vec<_>>(),
        "data": { "title": comparison.data.title, "fingerprint": comparison.data.fingerprint },
        "classes": comparison.classes,
        "plan": {
            "examples": plan.examples,
            "batch": plan.batch,
            "passes": plan.passes,
            "sample": plan.sample.name(),
            "seed": plan.seed,
        },
        "pairs": comparison.pairs.iter().map(pair).collect::<Vec<_>>(),
        "groups": comparison.groups.iter().map(group).collect::<Vec<_>>(),
        "agreement": comparison.agreement.as_ref().map(matrix),
        "contrast": comparison.contrast.as_ref().map(contrast),
        "notes": comparison.notes,
    });
    Ok(crate::text::json(&serde_json::to_string(&value)?) + "\n")
}

fn matrix(map: &SimilarityMatrix) -> Vec<Vec<Option<f64>>> {
    rows(map.view())
}

fn pair(pair: &Pair) -> Value {
    let (record, summary) = (pair.analysis.record(), &pair.summary);
    let without = pair.analysis.find(WithoutKind::FirstComponent);
    object!({
        "rows": pair.members.0,
        "cols": pair.members.1,
        "reused": pair.reused,
        "estimator": record.estimator.sentence(),
        "estimator_without_pc1": without.map(|map| map.record.estimator.sentence()),
        "batches": record.plan.batches,
        "dropped": record.plan.dropped,
        "device": record.provenance.device,
        "program": record.provenance.program,
        "created": record.provenance.created,
        "seconds": record.seconds,
        "same_layers": summary.same_layers,
        "mean_corresponding": summary.mean_corresponding,
        "mean": summary.mean,
        "corresponding": summary.corresponding.iter().map(|c| object!({
            "row": c.row, "col": c.col, "similarity": c.similarity,
        })).collect::<Vec<_>>(),
        "stages": summary.stages.iter().map(|s| object!({
            "stage": s.stage, "layers": s.layers, "best": s.best, "same_stage": s.same_stage,
        })).collect::<Vec<_>>(),
        "cka": matrix(&pair.analysis.cka.values),
        "se": pair.analysis.cka.error.as_ref().map(matrix),
        "cka_without_pc1": without.map(|map| matrix(&map.values)),
    })
}

fn curve(points: &[CurvePoint]) -> Vec<Value> {
    let point = |p: &CurvePoint| object!({ "mean": p.mean, "sd": p.sd, "pairs": p.pairs });
    points.iter().map(point).collect()
}

fn group(group: &Group) -> Value {
    match &group.statistics {
        Err(why) => object!({ "name": group.name, "runs": group.members, "problem": why }),
        Ok(found) => object!({
            "name": group.name,
            "runs": group.members,
            "seeds": found.seeds,
            "mean": matrix(&found.mean),
            "variance": matrix(&found.variance),
            "across": matrix(&found.across),
            "corresponding": curve(&found.corresponding),
            "corresponding_without_pc1":
                found.corresponding_without_pc1.as_deref().map(curve),
        }),
    }
}

fn welch(found: Option<Welch>) -> Value {
    found.map_or(Value::Null, |w| object!({ "t": w.t, "df": w.df, "p": w.p }))
}

fn contrast(found: &Contrast) -> Value {
    object!({
        "seeds": found.seeds,
        "accuracy": found.accuracy,
        "sd": found.sd,
        "welch": welch(found.welch),
        "difference": found.difference(),
        "null": found.null.map(|n| object!({
            "seeds": n.seeds,
            "between": n.between,
            "within_a": n.within_a,
            "within_b": n.within_b,
        })),
        "correction": "Holm",
        "classes": found.classes.iter().map(|c| object!({
            "class": c.class,
            "examples": c.examples,
            "a": c.a,
            "b": c.b,
            "sd": c.sd,
            "welch": welch(c.welch),
            "adjusted_p": c.adjusted,
        })).collect::<Vec<_>>(),
        "examples": found.examples.iter().map(|e| object!({
            "image": e.image, "label": e.label, "a": e.a, "b": e.b, "halves_of_a": e.halves,
        })).collect::<Vec<_>>(),
    })
}
