//! Keys of maps: their ids, titles and order.

use super::super::measure::PC1_SIMILARITY;
use super::*;

#[test]
fn ids_are_readable_and_stable() {
    let id = |without| MapKey::of_run(&CKA, without).id();
    assert_eq!(id(Without::Nothing), "cka");
    assert_eq!(id(Without::FirstComponent), "cka-without-pc1");
    assert_eq!(id(Without::Dominant), "cka-without-dominant");
    let blocks = |text: &str| Without::Blocks(text.parse().unwrap());
    assert_eq!(id(blocks("3.1,2.10,2.9")), "cka-without-blocks-2.9+2.10+3.1");
    assert_eq!(MapKey::of_run(&PC1_SIMILARITY, Without::Nothing).id(), "pc1-similarity");
    let half = MapKey { precision: Precision::new("bf16"), ..MapKey::cka() };
    assert_eq!((half.id().as_str(), half.check()), ("cka-bf16", Ok(())));
    assert_eq!(MapKey::between(&CKA, Without::Nothing).id(), "cka");
}

#[test]
fn a_long_list_of_blocks_has_a_short_name() {
    let blocks: Vec<String> = (1..36).map(|b| format!("2.{b}")).collect();
    let all: Bypass = blocks.join(",").parse().unwrap();
    let name = MapKey::pruned(all.clone()).id();
    assert!(name.starts_with("cka-without-blocks-35-") && name.len() < 60, "{name}");
    let mut fewer = all;
    fewer.toggle("2.35".parse().unwrap());
    fewer.toggle("1.1".parse().unwrap());
    assert_ne!(MapKey::pruned(fewer).id(), name);
}

#[test]
fn titles_come_from_the_registry() {
    let title = |without| MapKey::of_run(&CKA, without).title();
    assert_eq!(title(Without::FirstComponent), "CKA without PC1");
    assert_eq!(title(Without::Blocks("2.1,3.1".parse().unwrap())), "CKA without 2.1,3.1");
    let other = MapKey { measure: MeasureId::new("rbf"), ..MapKey::cka() };
    assert_eq!((other.title().as_str(), other.known()), ("rbf", None));
}

#[test]
fn keys_that_are_no_names_are_refused() {
    let refused = |change: fn(&mut MapKey)| {
        let mut key = MapKey::cka();
        change(&mut key);
        assert!(key.check().is_err(), "{key:?}");
    };
    assert_eq!(MapKey::cka().check(), Ok(()));
    refused(|k| k.measure = MeasureId::new("../cka"));
    refused(|k| k.measure = MeasureId::new("cka\n"));
    refused(|k| k.precision = Precision::new(""));
    refused(|k| k.without = Without::Blocks(Bypass::none()));
}

#[test]
fn lists_begin_with_whole_networks_and_few_blocks() {
    let blocks = |text: &str| MapKey::pruned(text.parse().unwrap());
    let mut keys = [
        blocks("2.1,2.2"),
        blocks("3.1"),
        MapKey::of_run(&CKA, Without::Dominant),
        MapKey::of_run(&PC1_SIMILARITY, Without::Nothing),
        MapKey::cka(),
    ];
    keys.sort_by_cached_key(MapKey::order);
    let ids: Vec<String> = keys.iter().map(MapKey::id).collect();
    let expected = ["cka", "pc1-similarity", "cka-without-dominant"];
    assert_eq!(ids[..3], expected);
    assert_eq!(ids[3..], ["cka-without-blocks-3.1", "cka-without-blocks-2.1+2.2"]);
}

#[test]
fn three_states_have_three_words() {
    use crate::fixtures::demo::synthetic_run;
    let run = synthetic_run(14);
    let mut map = run.cka().unwrap().clone();
    let blank = |map: &mut Map, layers: &[usize]| {
        let mut values = map.values.view().to_owned();
        for layer in layers {
            values.row_mut(*layer).fill(f64::NAN);
            values.column_mut(*layer).fill(f64::NAN);
        }
        map.values = SimilarityMatrix::new(values);
    };
    assert_eq!(map.absent(2), None);
    blank(&mut map, &[2, 3]);
    map.record.rows.not_finite = vec![3];
    let words = |map: &Map, layer| map.absent(layer).map(Absent::words);
    assert_eq!(words(&map, 2), Some("no variance"));
    assert_eq!(words(&map, 3), Some("not finite"));
    let block: Bypass = "2.1".parse().unwrap();
    let deleted = map.layers().iter().find(|layer| block.contains_layer(layer)).unwrap().index;
    blank(&mut map, &[deleted]);
    map.key = MapKey::pruned(block);
    assert_eq!(words(&map, deleted), Some("not computed"));
    assert_eq!(words(&map, 3), Some("not finite"));
}
