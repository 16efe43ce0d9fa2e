//! `blockscope export`: one map of a run as PNG, SVG, CSV or NPY, or the maps of
//! many runs over two axes as one figure, without a terminal.

use super::args::{Common, ExportArgs};
use super::{ExitCode, Failure, explore, maps};
use crate::app::{ColourDepth, Look, MapMode};
use crate::domain::Map;
use crate::export::{self, Format, MapExport};
use crate::runs::{Axis, GridPlan, RunFilter, RunId, RunStore};
use crate::theme::{Colormap, ThemeSet};

pub fn run(common: &Common, args: &ExportArgs) -> Result<ExitCode, Failure> {
    // everything that can be wrong with the words, before anything is read
    let format = Format::from_path(&args.out)
        .map_err(|e| Failure::usage(format!("--out {}: {e}", args.out.display())))?;
    let axes = args.grid.as_deref().map(axes).transpose()?;
    let filters: Vec<RunFilter> = args
        .only
        .iter()
        .map(|text| text.parse().map_err(|e| Failure::usage(format!("--where {text}: {e}"))))
        .collect::<Result<_, _>>()?;
    let (themes, problems) = explore::themes()?;
    for problem in problems {
        tracing::warn!("{problem}");
    }
    let colormap = colormap(&themes, args.colormap.as_deref())?;
    let store = RunStore::locate(common.runs.clone());
    let bytes = match (axes, &args.run) {
        (Some(axes), _) => grid(&store, args, axes, &filters, (colormap, format))?,
        (None, Some(run)) => single(&store, args, run, (colormap, format))?,
        (None, None) => return Err(Failure::usage("name a run, or use --grid")),
    };
    crate::files::atomic(&args.out, &bytes)?;
    say!("wrote {}", crate::text::one_line(&args.out.display().to_string()));
    Ok(ExitCode::SUCCESS)
}

fn single(
    store: &RunStore,
    args: &ExportArgs,
    run: &str,
    (colormap, format): (&Colormap, Format),
) -> Result<Vec<u8>, Failure> {
    let id = store.resolve(run)?;
    let manifest = store.manifest(&id)?;
    let view = args.view.into();
    let (quantity, mode, stored) = chosen(store, args, &id)?;
    let (layers, values) = maps::in_view(&stored, view);
    let indices = view.select(stored.layers());
    let errors = stored.error.as_ref().map(|se| se.select(&indices, &indices));
    let export = MapExport {
        title: format!(
            "{} · {} · {} · {} · {}",
            manifest.name,
            manifest.model.title(),
            manifest.data.title(),
            &quantity,
            view.name()
        ),
        subtitle: quantity,
        rows: &layers,
        cols: &layers,
        values: &values,
        se: errors.as_ref(),
        colormap,
        range: mode.fixed_range(),
    };
    Ok(export::encode(&export, format)?)
}

/// The map that the options choose: its name, its mode, and its values.
fn chosen(
    store: &RunStore,
    args: &ExportArgs,
    id: &RunId,
) -> Result<(String, MapMode, Map), Failure> {
    let mode = args.mode;
    if mode != MapMode::PRUNED && args.residual_blocks.is_none() {
        let stored = maps::read(store, id, mode).map_err(failed)?;
        return Ok((mode.name().to_string(), mode, stored));
    }
    let mode = if mode == MapMode::CKA { MapMode::PRUNED } else { mode };
    if ![MapMode::PRUNED, MapMode::STANDARD_ERROR].contains(&mode) {
        return Err(Failure::usage(format!(
            "--residual-blocks: {} is known of the whole network only; choose --mode pruned or se",
            mode.name()
        )));
    }
    let (deleted, stored) =
        maps::read_pruned(store, id, args.residual_blocks.as_ref(), mode).map_err(failed)?;
    let name = if mode.is_error() { mode.name() } else { MapMode::CKA.name() };
    Ok((format!("{name} without {deleted}"), mode, stored))
}

fn grid(
    store: &RunStore,
    args: &ExportArgs,
    axes: (Axis, Axis),
    filters: &[RunFilter],
    (colormap, format): (&Colormap, Format),
) -> Result<Vec<u8>, Failure> {
    if let Format::Csv | Format::Npy = format {
        return Err(Failure::usage(export::ExportError::NoFigure(format).to_string()));
    }
    if args.mode == MapMode::PRUNED {
        return Err(Failure::usage("--mode pruned is a map of one run; name it instead of --grid"));
    }
    let mut runs = store.list();
    runs.retain(|run| filters.iter().all(|filter| filter.keeps(run)));
    let plan = GridPlan::new(&runs, axes.0, axes.1);
    let chosen = (args.view.into(), args.mode);
    let (figure, problems) = maps::figure(store, &runs, &plan, chosen, colormap).map_err(failed)?;
    for problem in problems {
        super::output::aside(&format!("left out {problem}"));
    }
    Ok(export::grid::encode(&figure, format)?)
}

fn failed(message: String) -> Failure {
    Failure { message, code: super::FAILURE }
}

/// `depth,width`.
fn axes(text: &str) -> Result<(Axis, Axis), Failure> {
    let wrong = |why: String| Failure::usage(format!("--grid {text}: {why}"));
    let Some((rows, cols)) = text.split_once(',') else {
        return Err(wrong("two axes are needed, rows and columns, as depth,width".into()));
    };
    let parse = |text: &str| text.parse::<Axis>().map_err(|e| wrong(e.to_string()));
    let axes = (parse(rows)?, parse(cols)?);
    match axes.0 == axes.1 {
        true => Err(wrong("rows and columns need different axes".into())),
        false => Ok(axes),
    }
}

/// The colour map of that name, else the one that the explorer starts with.
fn colormap<'a>(themes: &'a ThemeSet, name: Option<&str>) -> Result<&'a Colormap, Failure> {
    let look = Look::new(themes, None, ColourDepth::Truecolor);
    let name = name.unwrap_or_else(|| look.colormap());
    themes.colormap(name).ok_or_else(|| {
        let names: Vec<&str> = themes.colormaps().iter().map(|m| m.name.as_str()).collect();
        Failure::usage(format!("--colormap {name:?}: there are {}", names.join(", ")))
    })
}
