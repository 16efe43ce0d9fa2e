//! Comparisons on disk and inside the program.

use ndarray::Array2;

use super::super::embedded::Embedded;
use super::super::{FORMAT, fixtures};
use super::*;
use crate::domain::{Preset, SimilarityMatrix};

fn side(run: &str, hash: &str, depth: usize) -> Side {
    let model = ModelSpec::new(Preset::Paper, depth, 1.0, 10, [3, 32, 32]).unwrap();
    let layers = model.layers();
    Side { run: run.into(), weights_hash: hash.repeat(32), model, layers }
}

fn pair(examples: usize) -> PairAnalysis {
    let (rows, cols) = (side("a", "aa", 8), side("b", "bb", 14));
    let shape = (rows.layers.len(), cols.layers.len());
    let cka = Array2::from_shape_fn(shape, |(i, j)| (i * 100 + j) as f64 / 1e4);
    PairAnalysis {
        record: PairRecord {
            format: FORMAT,
            program: crate::runs::program(),
            created: "2026-08-14T10:00:00Z".into(),
            device: "cpu".into(),
            rows,
            cols,
            data: ComparedImages { title: "CIFAR-10".into(), fingerprint: "cd".repeat(32) },
            estimator: "minibatch unbiased linear CKA".into(),
            without_pc1: Some("batchwise".into()),
            examples,
            dropped: 0,
            batch: 256,
            batches: 4,
            passes: 1,
            sample: Sample::Random,
            seed: 3,
            seconds: Seconds::default(),
        },
        se: SimilarityMatrix::new(cka.mapv(|v| v / 10.0)),
        without_pc1: Some(SimilarityMatrix::new(cka.mapv(|v| -v))),
        cka: SimilarityMatrix::new(cka),
    }
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
    assert_eq!((back.cka.rows(), back.cka.cols()), (pair.cka.cols(), pair.cka.rows()));
    assert_eq!(back.cka.get(40, 2), pair.cka.get(2, 40));
    assert_eq!(back.record.rows.run, "b");
    assert_eq!(store.find_pair(&a, &a).unwrap(), None);
    assert_eq!(back.transposed(), pair);
}

#[test]
fn plans_are_kept_apart_and_the_larger_one_is_shown() {
    let (_dir, store) = fixtures::store();
    for examples in [512, 2048, 1000] {
        store.write_pair(&pair(examples)).unwrap();
    }
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    assert_eq!(store.find_pair(&a, &b).unwrap().unwrap().record.examples, 2048);
    let key = pair(512).record.key();
    assert_eq!(store.find_exact_pair(&key).unwrap().unwrap().record.examples, 512);
    let swapped = PairKey { rows: key.cols.clone(), cols: key.rows.clone(), ..key.clone() };
    assert_eq!(store.find_exact_pair(&swapped).unwrap().unwrap().record.rows.run, "b");
    assert_eq!(store.find_exact_pair(&PairKey { seed: 4, ..key.clone() }).unwrap(), None);
    // The same again replaces, even under another name.
    let mut renamed = pair(512);
    renamed.record.rows.run = "../c\u{7}".into();
    renamed.record.rows.run.retain(|c| !c.is_control());
    store.write_pair(&renamed).unwrap();
    assert_eq!(fs::read_dir(store.root().join(FOLDER)).unwrap().count(), 3);
    assert!(store.list().iter().all(|run| run.name != FOLDER));
}

#[test]
fn damage_is_named_and_hides_nothing_else() {
    let (_dir, store) = fixtures::store();
    let folder = store.write_pair(&pair(512)).unwrap();
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    fs::write(folder.join(CKA), npy::encode(&pair(1).cka.transposed()).unwrap()).unwrap();
    let text = store.find_pair(&a, &b).unwrap_err().to_string();
    assert!(text.contains("cka.npy") && text.contains("compare") && !text.contains('\n'), "{text}");
    store.write_pair(&pair(128)).unwrap();
    assert_eq!(store.find_pair(&a, &b).unwrap().unwrap().record.examples, 128);
    assert!(store.find_exact_pair(&pair(512).record.key()).is_err());
    store.write_pair(&pair(512)).unwrap();
    assert!(store.find_exact_pair(&pair(512).record.key()).unwrap().is_some());
    let mut wrong = pair(64);
    wrong.se = wrong.se.transposed();
    assert!(store.write_pair(&wrong).unwrap_err().to_string().contains("not written"));
}

#[test]
fn comparisons_inside_the_program_are_found() {
    let (_dir, store) = fixtures::store();
    let folder = store.write_pair(&pair(512)).unwrap();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let files: Vec<(&'static str, &'static [u8])> = [RECORD, CKA, SE, WITHOUT]
        .into_iter()
        .map(|file| {
            let key: &'static str = Box::leak(format!("{FOLDER}/{name}/{file}").into_boxed_str());
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
