//! The table for people and screen readers: a few lines about the run, then one
//! line per layer. No colour, no drawing characters, columns aligned.

use super::number::{mean_of, others, show};
use crate::domain::record::DataRecord;
use crate::domain::{Absent, Layer, Map};
use crate::runs::{LoadedRun, RunState};
use crate::text::{aligned, duration, one_line};

/// The run as a table, ending in a line break.
pub fn table(run: &LoadedRun) -> String {
    let mut facts = about_run(run);
    if let Some(analysis) = run.cka() {
        facts.extend(about_analysis(analysis, run.analysis_is_stale()));
    } else {
        facts.push(("cka", "none yet; `blockscope analyze` makes it".into()));
    }
    let mut out = String::new();
    for (label, value) in &facts {
        out.push_str(&format!("{label:<9} {}\n", one_line(value)));
    }
    out.push('\n');
    out.push_str(&aligned(&rows(&super::layers(run), run.cka())));
    out.push_str(&super::stages::section(run));
    out.push_str(&super::findings::sections(run));
    out
}

pub(super) fn about_run(run: &LoadedRun) -> Vec<(&'static str, String)> {
    let m = &run.manifest;
    let shortcuts = match (m.model.residual, m.model.shortcut) {
        (false, _) => "",
        (true, crate::domain::Shortcut::Projection) => ", projection shortcuts",
        (true, crate::domain::Shortcut::Pad) => ", padded shortcuts",
    };
    let state = match m.state {
        RunState::Complete => String::from("complete"),
        RunState::Training { epoch, epochs } => {
            format!("training has not ended: checkpoint of epoch {epoch} of {epochs}")
        }
    };
    let test = m.test.map_or_else(
        || String::from("not measured"),
        |t| {
            let percent = 100.0 * t.accuracy();
            let loss = t.loss_words(4);
            format!("{percent:.2} % ({} of {} images), loss {loss}", t.correct, t.examples)
        },
    );
    let mut facts = vec![
        ("run", m.name.clone()),
        ("model", format!("{}{shortcuts}", m.model.title())),
        (
            "data",
            format!(
                "{}, {} training and {} test images, {} classes",
                m.data.title(),
                m.data.train_examples,
                m.data.test_examples,
                m.data.classes.len()
            ),
        ),
        ("state", state),
        ("test", test),
        ("made", format!("{} by {} on {}", m.created, m.program, m.device)),
    ];
    if let Some(seed) = m.seed {
        facts.push(("seed", seed.to_string()));
    }
    if let Some(from) = &m.pruned_from {
        facts.push((
            "pruned",
            format!("from {} without residual blocks {}", from.run, from.deleted),
        ));
    }
    if let Some(source) = &m.source {
        facts.push(("weights", format!("imported from {source}")));
    }
    facts
}

pub(super) fn about_analysis(analysis: &Map, stale: bool) -> Vec<(&'static str, String)> {
    let (r, plan) = (&analysis.record, &analysis.record.plan);
    let n = analysis.layers().len();
    let absent: Vec<&str> = (0..n).filter_map(|i| Some(analysis.absent(i)?.words())).collect();
    let mut words: Vec<String> = Vec::new();
    for state in ["no variance", "not finite", "not computed"] {
        match absent.iter().filter(|word| **word == state).count() {
            0 => {}
            all if all == absent.len() => words.push(state.to_string()),
            some => words.push(format!("{some} {state}")),
        }
    }
    let why = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
    let seed = match plan.sample {
        crate::domain::record::Sample::First => String::new(),
        crate::domain::record::Sample::Random => format!(" by seed {}", plan.seed),
    };
    // The fraction is one of the training images.
    let test_split = DataRecord { fraction: 1.0, ..r.data.clone() }.title();
    let mut facts = vec![
        ("cka", r.estimator.sentence().to_string()),
        (
            "images",
            format!(
                "{} test images of {} ({}{seed}), {} batches of {}, {}",
                plan.examples,
                test_split,
                plan.sample.name(),
                plan.batches,
                plan.batch,
                if plan.passes == 1 { "1 pass".into() } else { format!("{} passes", plan.passes) }
            ),
        ),
        (
            "analysed",
            format!(
                "{} on {} in {}{}",
                r.provenance.created,
                r.provenance.device,
                duration(r.seconds.total),
                r.rows
                    .checkpoint
                    .map_or(String::new(), |epoch| format!(", of the checkpoint of epoch {epoch}"))
            ),
        ),
        ("layers", format!("{n}, of which {} undefined{why}", absent.len())),
        (
            "mean",
            show(mean_of((0..n).flat_map(|i| others(analysis, i)))) + " between different layers",
        ),
    ];
    if stale {
        facts.push((
            "warning",
            "made from other weights than the run now holds; analyze again".into(),
        ));
    }
    facts
}

fn rows(layers: &[Layer], analysis: Option<&Map>) -> Vec<Vec<String>> {
    let mut head = vec!["#", "layer", "kind", "stage", "block", "shape"];
    if analysis.is_some() {
        head.extend(["previous", "next", "mean", "state"]);
    }
    let mut rows = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    for (at, layer) in layers.iter().enumerate() {
        let number = |n: Option<usize>| n.map_or_else(|| String::from("-"), |n| n.to_string());
        let mut row = vec![
            layer.index.to_string(),
            one_line(&layer.name),
            layer.kind.name().to_string(),
            number(layer.stage),
            number(layer.block),
            layer.shape_text(),
        ];
        if let Some(analysis) = analysis {
            let previous = at.checked_sub(1).and_then(|before| analysis.values.get(at, before));
            row.push(show(previous));
            row.push(show(analysis.values.get(at, at + 1)));
            row.push(show(mean_of(others(analysis, at))));
            row.push(analysis.absent(at).map_or("defined", Absent::words).to_string());
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::run;
    use super::*;

    #[test]
    fn the_table_reads_line_by_line() {
        let mut run = run(Some(5));
        run.manifest.program = "blockscope 0.1.0".into();
        insta::assert_snapshot!(table(&run), @r"
        run       a
        model     ResNet-8 x1, projection shortcuts
        data      CIFAR-10 1/64, 780 training and 1000 test images, 2 classes
        state     complete
        test      61.20 % (612 of 1000 images), loss 1.2500
        made      2026-08-14T09:30:05Z by blockscope 0.1.0 on cpu (flex, 2 threads)
        seed      7
        cka       minibatch unbiased linear CKA
        images    1000 test images of CIFAR-10 (first), 4 batches of 256, 1 pass
        analysed  2026-08-14T10:00:00Z on cpu (flex, 2 threads) in 1.0 s
        layers    5, of which 1 undefined (no variance)
        mean      0.4458 between different layers

        #  layer           kind  stage  block  shape     previous  next    mean    state
        0  conv1           conv  -      -      16x32x32  -         -       0.1583  defined
        1  bn1             norm  -      -      16x32x32  -         -       -       no variance
        2  relu1           relu  -      -      16x32x32  -         0.8000  0.4250  defined
        3  layer1.0.conv1  conv  1      0      16x32x32  0.8000    0.8000  0.6667  defined
        4  layer1.0.bn1    norm  1      0      16x32x32  0.8000    -       0.5333  defined

        mean CKA between different layers, by parts of the network
        part     stem     stage 1
        stem     -0.1250  0.5000
        stage 1  0.5000   0.8000

        block structures: 0 with a mean CKA of at least 0.9 over 8 layers or more
        ");
    }

    #[test]
    fn a_run_without_an_analysis_lists_its_network() {
        let text = table(&run(None));
        assert!(text.contains("cka       none yet"), "{text}");
        let (_, list) = text.split_once("\n\n").unwrap();
        assert_eq!(list.lines().count(), 29);
        assert!(!list.contains("mean"));
    }

    #[test]
    fn nothing_in_it_can_steer_a_terminal() {
        let mut run = run(Some(3));
        run.manifest.device = "gpu\u{1b}[31m\nrun a".into();
        if let Some(analysis) = run.maps.cka_mut() {
            analysis.record.rows.layers[0].name = "conv\u{7}1".into();
            analysis.record.rows.weights_hash = Some("other".into());
        }
        let text = table(&run);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(text.contains("warning   made from other weights"));
    }
}
