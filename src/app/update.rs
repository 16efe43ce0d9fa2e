//! One function from state and input to new state and effects. Pure and total:
//! any input in any state at any size is fine, and nothing here waits.

use std::path::PathBuf;

use crate::runs::LoadedRun;

use super::action::{Action, Scope, TABLE};
use super::beside;
use super::compare_keys;
use super::copy;
use super::explorer::Explorer;
use super::find::Find;
use super::grid;
use super::home::{self, act_home, open_selected, scroll_home, select_open_run};
use super::inspect::Tab;
use super::key::{Key, KeyCode};
use super::keymap::Lookup;
use super::layout::{HomeLayout, too_small};
use super::palette;
use super::pointer;
use super::predictions_keys;
use super::prompt::PromptEvent;
use super::running;
use super::state::{App, ColourDepth, Effect, ExportRequest, Input, Screen};
use super::strip;

/// Largest count: no list is longer.
pub(super) const MAX_COUNT: usize = 9_999;

/// Takes an input.
pub fn update(app: &mut App, input: Input) -> Vec<Effect> {
    let effects = take(app, input);
    palette::follow(app);
    effects
}

fn take(app: &mut App, input: Input) -> Vec<Effect> {
    match input {
        Input::Key(key) => return on_key(app, key),
        Input::Paste(text) => {
            for c in text.chars().filter(|c| !c.is_control()).take(100) {
                if app.palette.is_some() {
                    palette::on_key(app, Key::char(c));
                } else if app.find.is_some() {
                    on_find_key(app, Key::char(c));
                }
            }
        }
        Input::Resize(w, h) => {
            app.size = (w, h);
            app.drag = None;
            if let Some(explorer) = &mut app.explorer {
                explorer.resize((w, h));
            }
            if let Some(compare) = &mut app.compare {
                compare.resize((w, h));
            }
            scroll_home(app);
            return grid::resize(app);
        }
        Input::Click(x, y) => return on_click(app, (x, y)),
        Input::Drag(x, y) if app.drag.is_some() => {
            pointer::drag(app, (x, y));
            return pictures(app);
        }
        Input::Drag(..) => {}
        Input::Hover(x, y) => pointer::hover(app, (x, y)),
        Input::Wheel(x, y, up) => return on_wheel(app, (x, y), up),
        Input::RunsListed(runs) => {
            let id = app.home.selection().map(|r| r.id.clone());
            let id = id
                .or_else(|| app.explorer.as_ref().map(|e| e.run().id.clone()))
                .or_else(|| app.loading.clone());
            let at = id.and_then(|id| home::position(&runs, &id));
            app.home.selected = at.unwrap_or(0);
            app.home.runs = Some(runs);
            scroll_home(app);
            return grid::relist(app);
        }
        Input::RunLoaded(result) => return on_loaded(app, result),
        Input::PredictionsLoaded(all) => return predictions_keys::loaded(app, all),
        Input::PairLoaded(result) => return compare_keys::loaded(app, result),
        Input::MapLoaded(id, mode, result) => return grid::arrived(app, id, mode, result),
        Input::Device(device) => app.device = Some(device),
        Input::Job(id, news) => return running::news(app, id, news),
        Input::Pictures(run, result) => {
            let sides = app.compare.iter_mut().flat_map(|c| c.sides_mut());
            for e in app.explorer.iter_mut().chain(sides).filter(|e| e.run().id == run) {
                e.album.take(result.clone());
            }
            if let Some(view) = &mut app.predictions
                && view.members().first().is_some_and(|m| m.id == run)
            {
                view.album.take(result);
            }
        }
        Input::Exported(Ok(paths)) => app.tell(written(&paths)),
        Input::Exported(Err(why)) => app.complain(format!("export failed: {why}")),
        Input::Copied(Ok(how)) => app.tell(how),
        Input::Copied(Err(why)) => app.complain(why),
        Input::Failed(why) => {
            app.comparing = None;
            app.loading = None;
            leave_nothing(app);
            app.complain(why);
        }
    }
    Vec::new()
}

fn on_loaded(app: &mut App, result: Result<Box<LoadedRun>, String>) -> Vec<Effect> {
    match result {
        // another run was asked for since
        Ok(run) if app.loading.as_ref() != Some(&run.id) => Vec::new(),
        Ok(run) => {
            let mut effects = running::cancel(app);
            app.loading = None;
            app.find = None;
            let problem = run.problems.first().cloned();
            app.explorer = Some(Explorer::new(*run, app.size, app.explorer.as_ref()));
            grid::entered(app);
            app.screen = Screen::Explorer;
            select_open_run(app);
            if let Some(problem) = problem {
                app.complain(problem);
            }
            effects.extend(pictures(app));
            effects
        }
        Err(why) => {
            app.loading = None;
            leave_nothing(app);
            app.complain(why);
            Vec::new()
        }
    }
}

/// Without a run the explorer has nothing to show.
fn leave_nothing(app: &mut App) {
    if app.screen == Screen::Explorer && app.explorer.is_none() {
        app.screen = Screen::Home;
    }
}

/// Number of dominant images that are shown.
pub const SHOWN_IMAGES: usize = 8;

/// Asks for the pictures that the inspector needs and does not have.
fn pictures(app: &mut App) -> Vec<Effect> {
    let Some(e) = &mut app.explorer else { return Vec::new() };
    let row = e.position().0;
    let (Some(components), Some(layer)) = (e.components(), e.layer(row)) else {
        return Vec::new();
    };
    if e.tab != Tab::Layer {
        return Vec::new();
    }
    let dominant = components.dominant(layer.index, SHOWN_IMAGES);
    let images: Vec<u32> = dominant.iter().map(|i| components.images[*i]).collect();
    let run = e.run().id.clone();
    let new = e.album.ask(&images);
    if new.is_empty() { Vec::new() } else { vec![Effect::LoadPictures(run, new)] }
}

/// `wrote resnet20-all-cka.png, .svg, .csv, .npy`.
fn written(paths: &[PathBuf]) -> String {
    let Some(first) = paths.first() else { return "nothing was written".into() };
    let mut text = format!("wrote {}", first.display());
    for path in &paths[1..] {
        let same = path.with_extension("") == first.with_extension("");
        match path.extension() {
            Some(extension) if same => {
                text.push_str(&format!(", .{}", extension.to_string_lossy()))
            }
            _ => text.push_str(&format!(", {}", path.display())),
        }
    }
    text
}

fn on_key(app: &mut App, key: Key) -> Vec<Effect> {
    app.toast = None;
    pointer::forget(app);
    // these work whatever is open
    if let Lookup::Action(action @ (Action::Interrupt | Action::Redraw | Action::Suspend)) =
        app.keymap.lookup(&[key], app.scope())
    {
        return act(app, action, None);
    }
    if app.asking {
        app.asking = false;
        return match key.code {
            KeyCode::Char('y' | 'Y') | KeyCode::Enter => running::cancel(app),
            // it goes on behind the list
            KeyCode::Esc => leave(app),
            _ => Vec::new(),
        };
    }
    if app.palette.is_some() {
        return palette::on_key(app, key).map_or_else(Vec::new, |action| act(app, action, None));
    }
    if app.find.is_some() {
        on_find_key(app, key);
        return Vec::new();
    }
    if key == Key::plain(KeyCode::Esc) && (app.count.is_some() || !app.pending.is_empty()) {
        app.count = None;
        app.pending.clear();
        return Vec::new();
    }
    if let (KeyCode::Char(c @ '0'..='9'), false, false, true) =
        (key.code, key.ctrl, key.alt, app.pending.is_empty())
        && (c != '0' || app.count.is_some())
    {
        let digit = c as usize - '0' as usize;
        app.count = Some((app.count.unwrap_or(0) * 10 + digit).min(MAX_COUNT));
        return Vec::new();
    }
    app.pending.push(key);
    match app.keymap.lookup(&app.pending, app.scope()) {
        Lookup::Action(action) => {
            app.pending.clear();
            let count = app.count.take();
            act(app, action, count)
        }
        Lookup::Prefix => Vec::new(),
        Lookup::None => {
            app.pending.clear();
            app.count = None;
            Vec::new()
        }
    }
}

fn on_find_key(app: &mut App, key: Key) {
    let (Some(find), Some(explorer)) = (&mut app.find, &mut app.explorer) else {
        app.find = None;
        return;
    };
    match find.key(key) {
        PromptEvent::Changed => {
            let shown = (0..explorer.len()).filter_map(|p| explorer.layer(p));
            find.search(shown);
        }
        PromptEvent::Cancel => app.find = None,
        PromptEvent::Accept => {
            let choice = find.choice().map(|m| m.layer);
            explorer.hits = find.hits();
            match choice {
                Some(layer) => explorer.jump(layer),
                None => {
                    let text = format!("no layer of this view matches `{}`", find.text());
                    app.complain(text);
                }
            }
            app.find = None;
        }
    }
}

fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    match action {
        Action::Quit if app.help.is_some() => app.help = None,
        Action::Quit | Action::Interrupt => return vec![Effect::Quit],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Help => app.help = if app.help.is_some() { None } else { Some(0) },
        Action::Palette if !too_small(app.size) => palette::open(app),
        Action::Back if app.help.is_some() => app.help = None,
        Action::Perf => app.perf = !app.perf,
        Action::Colours => app.look.next_colormap(),
        Action::Theme => {
            app.look.next_theme();
            let name = app.look.theme().to_string();
            app.tell(format!("theme {name}"));
        }
        Action::Depth => {
            app.look.depth = app.look.depth.next();
            let text = match app.look.depth {
                ColourDepth::Mono => "no colours".to_string(),
                ColourDepth::Truecolor => "truecolor".to_string(),
                depth => format!("{} colours", depth.name()),
            };
            app.tell(text);
        }
        Action::Mouse => {
            app.look.mouse = !app.look.mouse;
            app.tell(if app.look.mouse { "mouse on" } else { "mouse off: select text as usual" });
            return vec![Effect::Mouse(app.look.mouse)];
        }
        _ if app.help.is_some() => scroll_help(app, action),
        // files do not depend on the screen
        _ if too_small(app.size) && action != Action::Export => {}
        Action::Copy | Action::CopyMap | Action::CopyLayer => return copy::act(app, action),
        _ => match app.screen {
            Screen::Home => return act_home(app, action, count),
            Screen::Explorer => return act_explorer(app, action, count),
            Screen::Compare => return compare_keys::act(app, action, count),
            Screen::Predictions => return predictions_keys::act(app, action, count),
            Screen::Grid => return grid::act(app, action, count),
        },
    }
    Vec::new()
}

fn scroll_help(app: &mut App, action: Action) {
    let Some(line) = &mut app.help else { return };
    let last = TABLE.len() as u16;
    *line = match action {
        Action::Down => line.saturating_add(1),
        Action::Up => line.saturating_sub(1),
        Action::HalfPageDown => line.saturating_add(8),
        Action::HalfPageUp => line.saturating_sub(8),
        Action::First => 0,
        Action::Last => last,
        _ => *line,
    }
    .min(last);
}

/// Back to the list of runs, or to the grid that the run was opened from.
pub(super) fn leave(app: &mut App) -> Vec<Effect> {
    app.screen = grid::screen_behind(app);
    app.loading = None;
    app.comparing = None;
    if app.home.runs.is_none() { vec![Effect::ListRuns] } else { grid::refresh(app) }
}

fn act_explorer(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    if action == Action::Back {
        if app.running.is_some() {
            app.asking = true;
            return Vec::new();
        }
        return leave(app);
    }
    let Some(e) = app.explorer.as_mut().filter(|e| !e.is_empty()) else { return Vec::new() };
    let times = count.unwrap_or(1).min(MAX_COUNT);
    let n = times as isize;
    let (row, col) = e.position();
    let half = e.viewport().half_page().saturating_mul(times).min(MAX_COUNT) as isize;
    match action {
        Action::Left => e.move_by(0, -n),
        Action::Right => e.move_by(0, n),
        Action::Up => e.move_by(-n, 0),
        Action::Down => e.move_by(n, 0),
        Action::HalfPageDown => e.move_by(half, 0),
        Action::HalfPageUp => e.move_by(-half, 0),
        Action::First => e.move_to(count.map_or(0, |c| c.saturating_sub(1)), col),
        Action::Last => e.move_to(count.map_or(usize::MAX, |c| c.saturating_sub(1)), col),
        Action::FirstColumn => e.move_to(row, 0),
        Action::LastColumn => e.move_to(row, usize::MAX),
        Action::NextLayer | Action::PreviousLayer if e.outlined() => {
            let forward = action == Action::NextLayer;
            if !e.move_structure(forward) {
                let which = if forward { "next" } else { "previous" };
                app.complain(format!("no {which} block structure at this threshold"));
            }
        }
        Action::NextLayer => e.move_layer(n),
        Action::PreviousLayer => e.move_layer(-n),
        Action::Mark => e.set_mark(),
        Action::SwapMark if !e.swap_mark() => {
            let keys = app.keymap.way_to(Action::Mark);
            app.complain(format!("no cell is marked yet: {keys} marks this one"));
        }
        Action::Structures => e.toggle_structures(),
        Action::TauDown | Action::TauUp => e.step_tau(action == Action::TauUp),
        Action::NextTab | Action::PreviousTab => e.tab = e.tab.step(action == Action::NextTab),
        Action::Compare => return compare_keys::open(app),
        Action::Beside => return beside::open(app),
        Action::Delete
        | Action::Undo
        | Action::Redo
        | Action::Restore
        | Action::Sweep
        | Action::Lesions
        | Action::PrunedMap => return running::act(app, action),
        Action::NextStage | Action::PreviousStage => {
            for _ in 0..times.min(4) {
                e.move_stage(action == Action::NextStage);
            }
        }
        Action::ZoomIn => e.zoom(Some(1)),
        Action::ZoomOut => e.zoom(Some(-1)),
        Action::ZoomFit => e.zoom(None),
        Action::View => e.next_view(),
        Action::Mode => e.next_mode(),
        Action::Pooling => e.next_pooling(),
        Action::Range => e.toggle_range(),
        Action::Strip => strip::next(app),
        Action::Find => {
            let find = Find::new((0..e.len()).filter_map(|p| e.layer(p)));
            app.find = Some(find);
        }
        Action::FindNext | Action::FindPrevious if !e.next_hit(action == Action::FindNext) => {
            let keys = app.keymap.way_to(Action::Find);
            app.complain(format!("nothing found yet: {keys} finds a layer by name"));
        }
        Action::Export => {
            let request = export_request(e, app.look.colormap());
            if let Some(request) = request {
                app.tell("exporting");
                return vec![Effect::Export(Box::new(request))];
            }
        }
        _ => {}
    }
    pictures(app)
}

/// A name that is neither a path nor a hidden file.
pub(super) fn safe_stem(stem: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let stem: String = stem.chars().map(safe).collect();
    stem.trim_start_matches('.').to_string()
}

/// Everything needed to write the current map.
pub(super) fn export_request(e: &Explorer, colormap: &str) -> Option<ExportRequest> {
    let matrix = e.matrix()?.clone();
    let layers: Vec<_> = (0..e.len()).filter_map(|p| e.layer(p)).cloned().collect();
    let manifest = &e.run().manifest;
    let view = e.view().name();
    let stem = format!("{}-{}-{}", manifest.name, view, e.mode().stem());
    Some(ExportRequest {
        stem: safe_stem(&stem),
        directory: PathBuf::from("."),
        title: format!(
            "{} · {} · {} · {} · {view}",
            manifest.name,
            manifest.model.title(),
            manifest.data.title(),
            e.mode().name(),
        ),
        matrix,
        errors: e.errors(),
        rows: layers.clone(),
        cols: layers,
        quantity: e.mode().name().to_string(),
        range: e.range(),
        colormap: colormap.to_string(),
    })
}

fn on_click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    app.drag = None;
    if app.palette.take().is_some() || app.help.take().is_some() || too_small(app.size) {
        return Vec::new();
    }
    match app.scope() {
        Scope::Compare => return compare_keys::click(app, at),
        Scope::Predictions => {}
        Scope::Explorer => {
            let Some(e) = &mut app.explorer else { return Vec::new() };
            let map = e.places(app.size).map;
            if map.contains(at)
                && let Some((row, col)) = e.viewport().layer_at((at.0 - map.x, at.1 - map.y))
            {
                e.move_to(row, col);
                app.drag = Some(pointer::Drag { at, origin: e.viewport().origin() });
                return pictures(app);
            }
        }
        Scope::Grid => return grid::click(app, at),
        _ => {
            let list = HomeLayout::new(app.size).list;
            let row = app.home.offset + usize::from(at.1.saturating_sub(list.y));
            let runs = app.home.runs.as_ref().map_or(0, Vec::len);
            if list.contains(at) && row < runs {
                let again = app.home.selected == row;
                app.home.selected = row;
                if again {
                    return open_selected(app);
                }
            }
        }
    }
    Vec::new()
}

fn on_wheel(app: &mut App, at: (u16, u16), up: bool) -> Vec<Effect> {
    pointer::forget(app);
    if app.help.is_some() {
        scroll_help(app, if up { Action::Up } else { Action::Down });
    } else if too_small(app.size) {
    } else if app.screen == Screen::Home {
        return act_home(app, if up { Action::Up } else { Action::Down }, None);
    } else if app.screen == Screen::Predictions {
        return predictions_keys::act(app, if up { Action::Up } else { Action::Down }, None);
    } else if app.screen == Screen::Compare {
        compare_keys::wheel(app, at, up);
    } else if app.screen == Screen::Grid {
        return grid::act(app, if up { Action::Up } else { Action::Down }, None);
    } else {
        let Some(e) = app.explorer.as_mut().filter(|e| !e.is_empty()) else { return Vec::new() };
        let map = e.places(app.size).map;
        if map.contains(at) {
            e.zoom_at(if up { 1 } else { -1 }, (at.0 - map.x, at.1 - map.y));
            return pictures(app);
        }
    }
    Vec::new()
}
