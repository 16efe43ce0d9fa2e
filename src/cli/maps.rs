//! Maps of stored runs, read one by one: for the explorer's grid, for its figure
//! and for `export`. Knows files and no terminal.

use super::output::aside;
use crate::app::MapMode;
use crate::domain::measure::WithoutKind;
use crate::domain::{Bypass, Layer, Map, MapKey, SimilarityMatrix, View, Without};
use crate::export::figure::grid::{GridExport, Multiple};
use crate::runs::{Axis, GridPlan, RunId, RunManifest, RunStore, RunSummary};
use crate::theme::Colormap;

/// Reads one map of a run.
///
/// # Errors
/// One line that says what is wrong, or which command makes the map.
pub fn read(store: &RunStore, id: &RunId, mode: MapMode) -> Result<Map, String> {
    let name = id.name();
    let without = match mode.without() {
        WithoutKind::Nothing => Without::Nothing,
        WithoutKind::FirstComponent => Without::FirstComponent,
        WithoutKind::Dominant => Without::Dominant,
        WithoutKind::Blocks => {
            return Err("a pruned map is that of one run and some of its residual blocks".into());
        }
    };
    let key = MapKey::of_run(mode.measure(), without);
    let found = store.map(id, &key).map_err(|e| e.to_string())?;
    let found = found.ok_or_else(|| match key == MapKey::cka() {
        true => format!("{name} has no map yet; `blockscope analyze {name}` makes one"),
        false => format!(
            "{name} has no first components; `blockscope analyze {name} --skip-cka` computes them"
        ),
    })?;
    shown(found, mode)
}

/// A map as it is shown: its standard errors may take the place of its values.
fn shown(map: Map, mode: MapMode) -> Result<Map, String> {
    match (mode.is_error(), map.error) {
        (true, Some(values)) => Ok(Map { values, error: None, ..map }),
        (true, None) => Err("that map has no standard errors".into()),
        (false, error) => Ok(Map { error, ..map }),
    }
}

/// Reads the map of a run without some blocks, or of its only pruned network if none
/// are named, and says which blocks these are.
///
/// # Errors
/// One line that says what is wrong, which maps there are, or what makes this one.
pub fn read_pruned(
    store: &RunStore,
    id: &RunId,
    blocks: Option<&Bypass>,
    mode: MapMode,
) -> Result<(Bypass, Map), String> {
    let name = id.name();
    let words = |e: crate::runs::RunError| e.to_string();
    let run = store.load(id).map_err(words)?;
    let kept: Vec<&Bypass> = run.maps.pruned().filter_map(|(key, _)| key.blocks()).collect();
    let names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    let there = match names.is_empty() {
        true => "it has none yet".to_string(),
        false => format!("there are those without {}", names.join(" and without ")),
    };
    let deleted = match (blocks, &kept[..]) {
        (Some(blocks), _) => blocks.clone(),
        (None, [only]) => (*only).clone(),
        (None, _) => {
            let text = "name the residual blocks that it lacks with --residual-blocks, as 2.3,2.4";
            return Err(format!("which pruned map of {name}? {there}; {text}"));
        }
    };
    let found = store.map(id, &MapKey::pruned(deleted.clone())).map_err(words)?;
    let found = found.ok_or_else(|| {
        format!(
            "{name} has no map without {deleted} ({there}); \
             `blockscope prune {name} --residual-blocks {deleted} --map` makes it"
        )
    })?;
    if !run.pruned_fits(&found.record) {
        let other = "other weights, images or batches than the run's own map";
        aside(&format!("this map is of {other}; `blockscope prune --map` makes it anew"));
    }
    Ok((deleted, shown(found, mode)?))
}

/// The layers of a view, and their values.
pub fn in_view(map: &Map, view: View) -> (Vec<Layer>, SimilarityMatrix) {
    let indices = view.select(map.layers());
    let layers = indices.iter().map(|i| map.layers()[*i].clone()).collect();
    (layers, map.values.select(&indices, &indices))
}

/// The figure of a grid, and in one line each what could not be drawn.
///
/// # Errors
/// One line if no map at all can be drawn.
pub fn figure<'a>(
    store: &RunStore,
    runs: &[RunSummary],
    plan: &GridPlan,
    (view, mode): (View, MapMode),
    colormap: &'a Colormap,
) -> Result<(GridExport<'a>, Vec<String>), String> {
    let (rows, cols) = plan.axes();
    if plan.is_empty() {
        let why = plan.left_out_text().unwrap_or_else(|| "there are no such runs".into());
        let root = crate::text::one_line(&store.root().display().to_string());
        return Err(format!(
            "no run in {root} has a map and a place by {rows} and {cols} ({why}); \
             `blockscope analyze RUN` makes a map"
        ));
    }
    let by_share = [rows, cols].contains(&Axis::Fraction);
    let (h, w) = plan.shape();
    let mut problems: Vec<String> =
        plan.left_out().iter().map(|(at, why)| format!("{}: {why}", runs[*at].name)).collect();
    let mut cells = Vec::with_capacity(h * w);
    let mut data: Vec<String> = Vec::new();
    for (row, col) in (0..h).flat_map(|row| (0..w).map(move |col| (row, col))) {
        let here = plan.cell(row, col);
        // the first one that has this map
        let drawn = here.iter().find_map(|at| {
            let read = read(store, &runs[*at].id, mode).map_err(|why| problems.push(why)).ok()?;
            Some((&runs[*at], in_view(&read, view)))
        });
        cells.push(drawn.map(|(run, (layers, values))| {
            let mut caption = vec![format!("{} layers", layers.len())];
            if here.len() > 1 {
                caption.push(format!("1 of {}", here.len()));
            }
            if let Ok(manifest) = &run.manifest {
                if let Some(test) = &manifest.test {
                    caption.push(format!("test {:.1} %", 100.0 * test.accuracy()));
                }
                let source = match by_share {
                    true => source(manifest),
                    false => manifest.data.title(),
                };
                if !data.contains(&source) {
                    data.push(source);
                }
            }
            Multiple { layers, values, caption }
        }));
    }
    let drawn = cells.iter().flatten().count();
    if drawn == 0 {
        return Err(problems.pop().unwrap_or_else(|| "no map can be drawn".into()));
    }
    let plural = if drawn == 1 { "map" } else { "maps" };
    let figure = GridExport {
        title: format!("{} of {} by {rows} and {cols}", mode.name(), layers_of(view)),
        subtitle: format!("{} · {drawn} {plural} · ticks: stages", data.join(", ")),
        rows: plan.rows().iter().map(|v| v.label()).collect(),
        cols: plan.cols().iter().map(|v| v.label()).collect(),
        cells,
        quantity: mode.name().to_string(),
        colormap,
        range: mode.fixed_range(),
    };
    Ok((figure, problems))
}

/// What the layers of a view are, one by one.
pub fn layer_of(view: View) -> &'static str {
    match view {
        View::All => "layer",
        View::BlockOutputs => "block output",
        View::Convs => "convolution",
    }
}

fn layers_of(view: View) -> &'static str {
    match view {
        View::All => "all layers",
        View::BlockOutputs => "block outputs",
        View::Convs => "convolutions",
    }
}

/// The images without the share of them that was used: `CIFAR-10`.
fn source(manifest: &RunManifest) -> String {
    crate::domain::record::DataRecord { fraction: 1.0, ..manifest.data.clone() }.title()
}
