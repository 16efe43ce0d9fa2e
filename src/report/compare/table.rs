//! The comparison for people and screen readers: plain aligned columns.

use super::{Comparison, Group};
use crate::domain::contrast::Contrast;
use crate::domain::record::Sample;
use crate::text::{aligned, one_line};

/// Examples that are listed as the most different.
const LISTED: usize = 10;

/// The comparison as a table, ending in a line break.
pub fn table(comparison: &Comparison) -> String {
    let mut out = head(comparison);
    out.push_str(&pairs(comparison));
    for group in &comparison.groups {
        out.push_str(&self::group(comparison, group));
    }
    out.push_str(&agreement(comparison));
    if let Some(contrast) = &comparison.contrast {
        out.push_str(&self::contrast(comparison, contrast));
    }
    for (at, note) in comparison.notes.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        out.push_str(&format!("{gap}note: {}\n", one_line(note)));
    }
    out
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{:.2} %", 100.0 * v))
}

fn show(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.4}"))
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

/// `#1`, as the columns call a run.
fn tag(at: usize) -> String {
    format!("#{}", at + 1)
}

fn head(comparison: &Comparison) -> String {
    let plan = &comparison.plan;
    let by = match plan.sample {
        Sample::First => "first".to_string(),
        Sample::Random => format!("random by seed {}", plan.seed),
    };
    let passes = if plan.passes == 1 { "1 pass".into() } else { format!("{} passes", plan.passes) };
    let reused = comparison.pairs.iter().filter(|pair| pair.reused).count();
    let digest: String = comparison.data.fingerprint.chars().take(8).collect();
    let mut out = format!(
        "images    {} test images of {} {digest} ({by}), batches of {}, {passes}\n",
        plan.examples,
        one_line(&comparison.data.title),
        plan.batch
    );
    out.push_str(&format!(
        "maps      {}, of which {} computed now and {reused} reused\n\n",
        comparison.pairs.len(),
        comparison.pairs.len() - reused
    ));
    let mut rows = vec![row(["#", "run", "model", "layers", "test accuracy"])];
    for (at, member) in comparison.members.iter().enumerate() {
        rows.push(vec![
            tag(at),
            one_line(&member.name),
            member.model.title(),
            member.layers.to_string(),
            percent(member.accuracy),
        ]);
    }
    out + &aligned(&rows)
}

fn pairs(comparison: &Comparison) -> String {
    let without = comparison.pairs.iter().any(|pair| pair.analysis.without_pc1().is_some());
    let stages = comparison.stages();
    let mut header = row(["rows", "cols", "same layers", "all"]);
    header.extend(stages.iter().map(|stage| match stage {
        Some(stage) => format!("stage {stage}"),
        None => "stem, head".into(),
    }));
    if without {
        header.push("same layers without PC1".into());
    }
    let mut rows = vec![header];
    for pair in &comparison.pairs {
        let found = &pair.summary;
        let mut cells = vec![
            tag(pair.members.0),
            tag(pair.members.1),
            show(found.mean_corresponding),
            show(found.mean),
        ];
        cells.extend(stages.iter().map(|stage| {
            let found = found.stages.iter().find(|s| s.stage == *stage);
            found.map_or_else(
                || "-".into(),
                |s| format!("{:.4} ({:.0} %)", s.best, 100.0 * s.same_stage),
            )
        }));
        if let Some(map) = pair.analysis.without_pc1() {
            let (mut sum, mut count) = (0.0, 0);
            for value in found.corresponding.iter().filter_map(|c| map.get(c.row, c.col)) {
                sum += value;
                count += 1;
            }
            cells.push(show((count > 0).then(|| sum / f64::from(count))));
        }
        rows.push(cells);
    }
    format!(
        "\nCKA between runs: mean over layers of the same name, over all pairs of layers, and by\nstage of the rows the mean of each layer's best match (how many lie in the same stage)\n{}",
        aligned(&rows)
    )
}

fn group(comparison: &Comparison, group: &Group) -> String {
    if let ("all", Err(why)) = (group.name, &group.statistics) {
        // Nobody asked for a group.
        return format!("\nno statistics over seeds: {}\n", one_line(why));
    }
    let tags: Vec<String> = group.members.iter().map(|at| tag(*at)).collect();
    let title = match group.name {
        "all" => "seeds".to_string(),
        name => format!("group {name}"),
    };
    let mut out = format!("\n{title} ({})\n", tags.join(", "));
    let found = match &group.statistics {
        Ok(found) => found,
        Err(why) => return format!("{out}{}\n", one_line(why)),
    };
    let layers = group
        .members
        .first()
        .and_then(|at| comparison.pair(*at, *at).map(|pair| pair.rows().layers.as_slice()));
    let without = found.corresponding_without_pc1.as_ref();
    let mut header = row(["layer", "across seeds", "sd"]);
    if without.is_some() {
        header.extend(row(["without PC1", "sd"]));
    }
    header.extend(row(["mean within", "sd of cells"]));
    let mut rows = vec![header];
    for layer in layers.unwrap_or_default() {
        let at = layer.index;
        let point = found.corresponding[at];
        let mut cells = vec![one_line(&layer.name), show(point.mean), show(point.sd)];
        if let Some(without) = without {
            cells.extend([show(without[at].mean), show(without[at].sd)]);
        }
        let others = |map: &crate::domain::SimilarityMatrix| {
            let values: Vec<f64> =
                (0..map.cols()).filter(|j| *j != at).filter_map(|j| map.get(at, j)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        cells.push(show(others(&found.mean)));
        cells.push(show(others(&found.variance).map(f64::sqrt)));
        rows.push(cells);
    }
    out.push_str(&aligned(&rows));
    out
}

fn agreement(comparison: &Comparison) -> String {
    let Some(map) = &comparison.agreement else { return String::new() };
    let mut header = vec![String::new()];
    header.extend((0..map.cols()).map(tag));
    let mut rows = vec![header];
    for i in 0..map.rows() {
        let mut cells = vec![tag(i)];
        cells.extend((0..map.cols()).map(|j| percent(map.get(i, j))));
        rows.push(cells);
    }
    format!("\ntest images on which two runs predict the same class\n{}", aligned(&rows))
}

fn contrast(comparison: &Comparison, found: &Contrast) -> String {
    let test = |welch: Option<crate::domain::welch::Welch>| {
        welch.map_or_else(
            || "no test (too few seeds, or none vary)".to_string(),
            |w| format!("Welch's t = {:.3}, df = {:.2}, p = {:.3e}", w.t, w.df, w.p),
        )
    };
    // One seed has no spread.
    let spread = |seeds: usize, sd: f64| percent((seeds > 1).then_some(sd));
    let mut out = format!(
        "\ngroup A ({} seeds) against group B ({})\naccuracy  {} ± {} against {} ± {}; {}\n",
        found.seeds.0,
        found.seeds.1,
        percent(Some(found.accuracy.0)),
        spread(found.seeds.0, found.sd.0),
        percent(Some(found.accuracy.1)),
        spread(found.seeds.1, found.sd.1),
        test(found.welch)
    );
    out.push_str(&match found.null {
        Some(null) => format!(
            "examples  shares of seeds that are right differ by {:.4} on average; between {} of each \
             {:.4}, by chance {:.4} within A and {:.4} within B\n",
            found.difference(),
            null.seeds,
            null.between,
            null.within_a,
            null.within_b
        ),
        None => format!(
            "examples  shares of seeds that are right differ by {:.4} on average; what chance makes \
             of it takes two seeds in each group\n",
            found.difference()
        ),
    });
    let mut rows = vec![row(["class", "images", "A", "B", "A - B", "t", "df", "p", "p (Holm)"])];
    for class in &found.classes {
        let part = |f: fn(crate::domain::welch::Welch) -> String| {
            class.welch.map_or_else(|| "-".into(), f)
        };
        rows.push(vec![
            comparison.class(class.class),
            class.examples.to_string(),
            percent(Some(class.a)),
            percent(Some(class.b)),
            format!("{:+.2}", 100.0 * (class.a - class.b)),
            part(|w| format!("{:.3}", w.t)),
            part(|w| format!("{:.2}", w.df)),
            part(|w| format!("{:.3e}", w.p)),
            class.adjusted.map_or_else(|| "-".into(), |p| format!("{p:.3e}")),
        ]);
    }
    out.push_str(&format!("\n{}", aligned(&rows)));
    let mut rows = vec![row(["image", "class", "A right", "B right"])];
    for at in found.most_different(LISTED) {
        let example = &found.examples[at];
        rows.push(vec![
            example.image.to_string(),
            comparison.class(example.label),
            percent(Some(example.a)),
            percent(Some(example.b)),
        ]);
    }
    out.push_str(&format!("\nimages on which the groups differ most\n{}", aligned(&rows)));
    out
}
