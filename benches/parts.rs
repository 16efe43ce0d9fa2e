//! Parts of an analysis and of a frame: `cargo bench --bench parts`.
//!
//! The Gram matrix of one layer (256 examples x 16,384 features), the products
//! of all pairs of layers over a batch of 256 (ResNet-20's 68, 200 and 576
//! layers), a GEMM of the same library for comparison, one frame of the explorer at
//! 200x60 and one of two runs side by side after a move, and a run's folder: opening one
//! of 68 and of 404 layers with all that belongs together checked, and one commit.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../src/fixtures/mod.rs"]
#[allow(dead_code)]
mod fixtures;

use blockscope::app::{ColourDepth, Input, Key, Look, update};
use blockscope::domain::product::{Centre, symmetric_product};
use blockscope::runs::{RunId, RunStore};
use blockscope::theme::ThemeSet;
use blockscope::ui::{Skin, draw};
// what the fixtures call `crate`
use blockscope::{app, domain, runs};
use divan::Bencher;
use divan::counter::ItemsCount;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use fixtures::demo;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn main() {
    divan::main();
}

fn noise(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32)
        .collect()
}

/// Counts multiply-adds of the half that is computed, twice, as floating-point
/// operations.
#[divan::bench]
fn gram_256_by_16384(bencher: Bencher<'_, '_>) {
    let (n, p) = (256, 16_384);
    let rows = noise(n * p);
    bencher
        .counter(ItemsCount::new(n * (n + 1) * p))
        .bench(|| symmetric_product(&rows, n, Centre::Columns));
}

#[divan::bench(args = [68, 200, 576])]
fn pairs_of_layers(bencher: Bencher<'_, '_>, layers: usize) {
    let pairs = 256 * 255 / 2;
    let packed = noise(layers * pairs);
    bencher
        .counter(ItemsCount::new(layers * (layers + 1) * pairs))
        .bench(|| symmetric_product(&packed, layers, Centre::None));
}

#[divan::bench]
fn gemm_2048(bencher: Bencher<'_, '_>) {
    let n = 2048;
    let a = Mat::<f32>::from_fn(n, n, |i, j| ((i * 31 + j * 7) % 13) as f32);
    let b = a.clone();
    let mut c = Mat::<f32>::zeros(n, n);
    let threads = Par::rayon(0);
    bencher.counter(ItemsCount::new(2 * n * n * n)).bench_local(move || {
        matmul(c.as_mut(), Accum::Replace, a.as_ref(), b.as_ref(), 1.0f32, threads);
    });
}

#[divan::bench(args = [20, 164])]
fn frame_of_two_runs_200x60(bencher: Bencher<'_, '_>, depth: usize) {
    let themes = ThemeSet::builtin().unwrap();
    let look = Look::new(&themes, None, ColourDepth::Truecolor);
    let skin = Skin::new(&themes, &look);
    let mut app = demo::pair_app(look, [depth, depth], true, (200, 60));
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    let mut right = true;
    bencher.bench_local(move || {
        // a move of the linked cursor and the frame that shows it
        right = !right;
        update(&mut app, Input::Key(Key::char(if right { 'l' } else { 'h' })));
        terminal.draw(|frame| draw(&app, &skin, frame)).map(|_| ()).unwrap()
    });
}

#[divan::bench(args = [20, 164])]
fn frame_200x60(bencher: Bencher<'_, '_>, depth: usize) {
    let themes = ThemeSet::builtin().unwrap();
    let look = Look::new(&themes, None, ColourDepth::Truecolor);
    let skin = Skin::new(&themes, &look);
    let app = demo::app(look, depth, (200, 60));
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    bencher
        .bench_local(move || terminal.draw(|frame| draw(&app, &skin, frame)).map(|_| ()).unwrap());
}

/// A run of that depth with everything that it may hold, on the disk.
fn run_on_disk(depth: usize) -> (tempfile::TempDir, RunStore, RunId) {
    let run = demo::with_findings(demo::synthetic_run(depth));
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::new(dir.path().join("runs"));
    let id = RunId::Disk(store.create("a", &run.manifest, b"w", false).unwrap());
    run.maps.read().iter().for_each(|map| drop(store.write_map(&id, map).unwrap()));
    store.write_components(&id, run.components.as_ref().unwrap()).unwrap();
    store.write_probes(&id, run.probes.as_ref().unwrap()).unwrap();
    let deletion = run.deletion.unwrap();
    store.merge_deletion(&id, deletion.record, deletion.table.rows().to_vec()).unwrap();
    (dir, store, id)
}

#[divan::bench(args = [20, 116])]
fn opening_a_run(bencher: Bencher<'_, '_>, depth: usize) {
    let (_dir, store, id) = run_on_disk(depth);
    bencher.bench_local(|| store.load(&id).unwrap());
}

#[divan::bench(args = [20, 116])]
fn committing_deletions(bencher: Bencher<'_, '_>, depth: usize) {
    let (_dir, store, id) = run_on_disk(depth);
    let known = store.load(&id).unwrap().deletion.unwrap();
    let rows = known.table.rows().to_vec();
    bencher.bench_local(|| {
        store.merge_deletion(&id, known.record.clone(), rows.clone()).unwrap();
    });
}
