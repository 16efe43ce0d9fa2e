//! Comparisons on disk and inside the program.

use ndarray::Array2;

use super::super::embedded::Embedded;
use super::super::fixtures;
use std::fs;

use super::*;
use crate::domain::{ModelSpec, Preset};
use crate::files::npy;
use crate::files::steps::killed_after;
use crate::runs::COMPARISONS;

fn side(run: &str, hash: &str, depth: usize) -> Side {
    let model = ModelSpec::new(Preset::Paper, depth, 1.0, 10, [3, 32, 32]).unwrap();
    let layers = model.layers();
    Side {
        run: run.into(),
        weights_hash: Some(hash.repeat(32)),
        checkpoint: None,
        model: Some(model),
        layers,
        not_finite: Vec::new(),
    }
}

fn pair(examples: usize) -> PairMaps {
    let (rows, cols) = (side("a", "aa", 8), side("b", "bb", 14));
    let shape = (rows.layers.len(), cols.layers.len());
    let cka = Array2::from_shape_fn(shape, |(i, j)| (i * 100 + j) as f64 / 1e4);
    let like = fixtures::analysis(4).record;
    let record = MapRecord {
        rows,
        cols: Some(cols),
        plan: MapPlan { examples, sample: Sample::Random, seed: 3, ..like.plan },
        ..like
    };
    let errors = SimilarityMatrix::new(cka.mapv(|v| v / 10.0));
    let without = SimilarityMatrix::new(cka.mapv(|v| -v));
    PairMaps::new(record, SimilarityMatrix::new(cka), errors, Some(without))
}

#[test]
fn a_pair_comes_back_either_way_round() {
    let (_dir, store) = fixtures::store();
    let pair = pair(1000);
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    assert_eq!(store.find_pair(&a, &b).unwrap(), None);
    let folder = store.write_pair(&pair).unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("a--b-") && name.len() == 21, "{name}");
    assert_eq!(store.find_pair(&a, &b).unwrap().as_ref(), Some(&pair));
    let back = store.find_pair(&b, &a).unwrap().unwrap();
    assert_eq!((back.cka.values.rows(), back.cka.values.cols()), (49, 28));
    assert_eq!(back.cka.values.get(40, 2), pair.cka.values.get(2, 40));
    assert_eq!(back.rows().run, "b");
    assert_eq!(store.find_pair(&a, &a).unwrap(), None);
    assert_eq!(back.transposed(), pair);
}

#[test]
fn a_pair_that_is_replaced_by_a_killed_process_is_the_old_one_or_the_new() {
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    let mut other = pair(1000);
    other.cka.record.provenance.device = "another".into();
    for replaced in [false, true] {
        let (mut steps, mut olds) = (0, 0);
        loop {
            let (_dir, store) = fixtures::store();
            if replaced {
                store.write_pair(&pair(1000)).unwrap();
            }
            let whole = killed_after(steps, || drop(store.write_pair(&other)));
            match store.find_pair(&a, &b).unwrap() {
                Some(found) if found == other => {}
                found => {
                    assert_eq!(found, replaced.then(|| pair(1000)), "{steps}");
                    olds += 1;
                }
            }
            store.sweep(None);
            store.write_pair(&other).unwrap();
            assert_eq!(store.find_pair(&a, &b).unwrap().as_ref(), Some(&other));
            let names = store.comparisons().unwrap();
            // beside it, what a process has left that lives
            let there = fs::read_dir(store.root().join(COMPARISONS)).unwrap();
            let shown = there.filter(|entry| {
                !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')
            });
            assert_eq!((names.len(), shown.count()), (1, 1), "{steps}");
            if whole {
                break;
            }
            steps += 1;
        }
        assert!(olds > 8, "{olds}");
    }
}

#[test]
fn plans_are_kept_apart_and_the_larger_one_is_shown() {
    let (_dir, store) = fixtures::store();
    for examples in [512, 2048, 1000] {
        store.write_pair(&pair(examples)).unwrap();
    }
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    assert_eq!(store.find_pair(&a, &b).unwrap().unwrap().record().plan.examples, 2048);
    let key = pair(512).key();
    assert_eq!(store.find_exact_pair(&key).unwrap().unwrap().record().plan.examples, 512);
    let swapped = PairKey { rows: key.cols.clone(), cols: key.rows.clone(), ..key.clone() };
    assert_eq!(store.find_exact_pair(&swapped).unwrap().unwrap().rows().run, "b");
    assert_eq!(store.find_exact_pair(&PairKey { seed: 4, ..key.clone() }).unwrap(), None);
    // The same again replaces, even under another name.
    let mut renamed = pair(512);
    let all = std::iter::once(&mut renamed.cka).chain(&mut renamed.others);
    all.for_each(|map| map.record.rows.run = "../c".into());
    store.write_pair(&renamed).unwrap();
    assert_eq!(fs::read_dir(store.root().join(COMPARISONS)).unwrap().count(), 3);
    assert!(store.list().iter().all(|run| run.name != COMPARISONS));
}

#[test]
fn damage_is_named_and_hides_nothing_else() {
    let (_dir, store) = fixtures::store();
    let folder = store.write_pair(&pair(512)).unwrap();
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    let turned = npy::encode(&pair(1).cka.values.transposed()).unwrap();
    fs::write(folder.join("cka/values.npy"), turned).unwrap();
    let text = store.find_pair(&a, &b).unwrap_err().to_string();
    assert!(
        text.contains("cka/values.npy") && text.contains("compare") && !text.contains('\n'),
        "{text}"
    );
    store.write_pair(&pair(128)).unwrap();
    assert_eq!(store.find_pair(&a, &b).unwrap().unwrap().record().plan.examples, 128);
    assert!(store.find_exact_pair(&pair(512).key()).is_err());
    store.write_pair(&pair(512)).unwrap();
    assert!(store.find_exact_pair(&pair(512).key()).unwrap().is_some());
    let mut wrong = pair(64);
    wrong.cka.error = wrong.cka.error.map(|error| error.transposed());
    assert!(store.write_pair(&wrong).unwrap_err().to_string().contains("not written"));
}

#[test]
fn comparisons_inside_the_program_are_found() {
    let (_dir, store) = fixtures::store();
    let folder = store.write_pair(&pair(512)).unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let files: Vec<(&'static str, &'static [u8])> = ["cka/map.ron", "cka/values.npy", "cka/se.npy"]
        .into_iter()
        .chain(["cka-without-pc1/map.ron", "cka-without-pc1/values.npy"])
        .map(|file| {
            let key: &'static str =
                Box::leak(format!("{COMPARISONS}/{name}/{file}").into_boxed_str());
            let bytes: &'static [u8] = fs::read(folder.join(file)).unwrap().leak();
            (key, bytes)
        })
        .collect();
    let (_other, empty) = fixtures::store();
    let empty = empty.with_embedded(Embedded::new(files.leak()));
    let found = empty.find_pair(&"bb".repeat(32), &"aa".repeat(32)).unwrap().unwrap();
    assert_eq!(found.transposed(), pair(512));
    assert!(empty.list().is_empty());
}

#[test]
fn maps_of_other_weights_do_not_belong_together() {
    let (_dir, store) = fixtures::store();
    let mut mixed = pair(512);
    mixed.others[0].record.rows.weights_hash = Some("cc".repeat(32));
    assert!(store.write_pair(&mixed).unwrap_err().to_string().contains("of other weights"));
    let folder = store.write_pair(&pair(512)).unwrap();
    let file = folder.join("cka-without-pc1/map.ron");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen(&"aa".repeat(32), &"cc".repeat(32), 1)).unwrap();
    let text = store.find_pair(&"aa".repeat(32), &"bb".repeat(32)).unwrap_err().to_string();
    assert!(text.contains("of other weights; run `blockscope compare`"), "{text}");
    assert!(!text.contains('\n'));
}
