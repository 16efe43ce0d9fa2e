//! The synthetic run with a deleted block, for tests and pictures.

use ndarray::Array2;

use super::demo;
use super::jobs::{JobKind, JobUpdate, MapOrigin};
use super::{App, Input, Key, Look, update};
use crate::domain::SimilarityMatrix;
use crate::domain::deletion::{DeletionRow, Experiment};

/// An open run without block 3.1, whose accuracy is known.
pub fn deleting(look: Look, depth: usize, size: (u16, u16)) -> App {
    let mut app = demo::full_app(look, depth, size);
    if let Some(e) = app.explorer_mut() {
        let at = e.layers().iter().position(|l| l.name == "layer3.1.add").unwrap_or(0);
        e.jump(at);
    }
    update(&mut app, Input::Key(Key::char('x')));
    if let Some(running) = &app.running {
        let (id, deleted) = (running.id, "3.1".parse().unwrap_or_default());
        let experiment = Experiment::Chosen;
        let row = DeletionRow { experiment, deleted, examples: 10_000, correct: 4_098, loss: 2.5 };
        update(&mut app, Input::Job(id, JobUpdate::Rows(vec![row])));
        update(&mut app, Input::Job(id, JobUpdate::Done));
    }
    app
}

/// The map that is being computed arrives: a little less of everything, and
/// nothing where a layer is deleted.
pub fn arrive(app: &mut App) {
    arrive_from(app, MapOrigin::Computed);
}

/// The same map, from where it is said to be.
pub fn arrive_from(app: &mut App, origin: MapOrigin) {
    let Some(running) = &app.running else { return };
    let (id, JobKind::Map(deleted)) = (running.id, &running.kind) else { return };
    let deleted = deleted.clone();
    let Some(e) = app.explorer() else { return };
    let Some(mut map) = e.analysis().cloned() else { return };
    let gone: Vec<bool> = e.layers().iter().map(|l| deleted.contains_layer(l)).collect();
    let less = |(i, j): (usize, usize)| match gone[i] || gone[j] {
        true => f64::NAN,
        false => map.values.get(i, j).map_or(f64::NAN, |v| v - 0.3 * v * (1.0 - v)),
    };
    let n = gone.len();
    map.values = SimilarityMatrix::new(Array2::from_shape_fn((n, n), less));
    update(app, Input::Job(id, JobUpdate::Map(deleted, Box::new(map), origin)));
    update(app, Input::Job(id, JobUpdate::Done));
}

/// The pruned network beside the original.
pub fn beside(look: Look, depth: usize, size: (u16, u16)) -> App {
    let mut app = deleting(look, depth, size);
    update(&mut app, Input::Key(Key::char('d')));
    arrive(&mut app);
    app
}
