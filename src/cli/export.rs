//! `blockscope export`: a map of a run, its curves or its costs as PNG, SVG or PDF (a map
//! as CSV or NPY too), or the maps of many runs over two axes as one figure, without a
//! terminal.

use super::args::{Common, ExportArgs, FigureArg};
use super::{ExitCode, Failure, explore, maps};
use crate::app::{ColourDepth, Look, MapMode};
use crate::domain::block_structure::{StructureRule, detect};
use crate::domain::{Map, View};
use crate::export::figure::{self, costs, curves};
use crate::export::{self, Format, MapExport, Outlines};
use crate::report;
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
        (None, Some(run)) => match args.figure {
            FigureArg::Map => single(&store, args, run, (colormap, format))?,
            kind => findings(&store, args, run, (kind, format))?,
        },
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
    if args.height_mm.is_some() {
        let what =
            "--height-mm is for curves and costs; the height of a map follows from --width-mm";
        return Err(Failure::usage(what));
    }
    let (quantity, mode, stored) = chosen(store, args, &id)?;
    let (layers, values) = maps::in_view(&stored, view);
    let indices = view.select(stored.layers());
    let errors = stored.error.as_ref().map(|se| se.select(&indices, &indices));
    let title = format!(
        "{} · {} · {} · {}",
        manifest.name,
        manifest.model.title(),
        manifest.data.title(),
        view.name()
    );
    let plan = &stored.record.plan;
    let made = format!("{} test images, {} batches of {}", plan.examples, plan.batches, plan.batch);
    let (title, subtitle) = titles(args, title, made);
    let export = MapExport {
        title,
        subtitle,
        quantity,
        axes: [maps::layer_of(view), maps::layer_of(view)].map(String::from),
        outlines: outlines(store, args, &id, view)?,
        rows: &layers,
        cols: &layers,
        values: &values,
        se: errors.as_ref(),
        colormap,
        range: mode.fixed_range(),
    };
    Ok(export::encode(&export, format, &args.style())?)
}

/// The first two lines: what they would be, or what the user wants.
fn titles(args: &ExportArgs, title: String, made: String) -> (String, String) {
    match args.title.as_deref() {
        None => (title, made),
        Some("") => (String::new(), String::new()),
        Some(own) => (own.to_string(), made),
    }
}

/// The block structures of the view's map of CKA, if these are wanted.
fn outlines(
    store: &RunStore,
    args: &ExportArgs,
    id: &RunId,
    view: View,
) -> Result<Option<Outlines>, Failure> {
    if !args.outlines && args.threshold.is_none() && args.min_length.is_none() {
        return Ok(None);
    }
    let usual = StructureRule::of(view);
    let rule = StructureRule {
        tau: args.threshold.unwrap_or(usual.tau),
        min_len: args.min_length.map_or(usual.min_len, usize::from),
    };
    let stored = maps::read(store, id, MapMode::CKA).map_err(failed)?;
    let (_, values) = maps::in_view(&stored, view);
    let spans = detect(&values, rule).into_iter().map(|found| found.span).collect();
    Ok(Some(Outlines { spans, rule }))
}

/// A figure of what else was found.
fn findings(
    store: &RunStore,
    args: &ExportArgs,
    run: &str,
    (kind, format): (FigureArg, Format),
) -> Result<Vec<u8>, Failure> {
    if let Format::Csv | Format::Npy = format {
        let error = export::ExportError::NoFigure(format);
        return Err(Failure::usage(format!(
            "{error}; `blockscope show RUN --table` writes tables"
        )));
    }
    if args.outlines || args.threshold.is_some() || args.min_length.is_some() {
        return Err(Failure::usage("--outlines, --threshold and --min-length are for a map"));
    }
    let loaded = store.load(&store.resolve(run)?)?;
    let style = args.style();
    let page = match kind {
        FigureArg::Deletions => {
            let found = report::deletion_costs(&loaded)?;
            let (title, subtitle) = titles(args, found.title, found.subtitle);
            costs::page(&costs::CostsExport { title, subtitle, ..found }, &style)?
        }
        _ => {
            let view = args.view.into();
            let found = match kind {
                FigureArg::Probes => report::probe_curves(&loaded)?,
                _ => report::component_curve(&loaded, view, maps::layer_of(view))?,
            };
            let (title, subtitle) = titles(args, found.title, found.subtitle);
            curves::page(&curves::CurvesExport { title, subtitle, ..found }, &style)?
        }
    };
    Ok(figure::encode(&page, format, &style)?)
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
    let (drawn, problems) = maps::figure(store, &runs, &plan, chosen, colormap).map_err(failed)?;
    for problem in problems {
        super::output::aside(&format!("left out {problem}"));
    }
    let (title, subtitle) = titles(args, drawn.title, drawn.subtitle);
    let drawn = figure::grid::GridExport { title, subtitle, ..drawn };
    let style = args.style();
    Ok(figure::encode(&figure::grid::page(&drawn, &style)?, format, &style)?)
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
