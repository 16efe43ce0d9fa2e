//! One function from state and input to new state and effects. Pure and total:
//! any input in any state at any size is fine, and nothing here waits. Above all
//! screens: it hands each input to the open one.
//!
//! - `keys`: from a key to a command
//! - `navigate`: from screen to screen
//! - `news`: what computations report

mod keys;
mod navigate;
mod news;

use std::path::PathBuf;

use super::action::Action;
use super::bottom;
use super::home;
use super::layout::too_small;
use super::message::{Effect, Input};
use super::overlay::{Ask, Overlay};
use super::state::App;

/// Takes an input.
pub fn update(app: &mut App, input: Input) -> Vec<Effect> {
    match input {
        Input::Key(key) => return keys::on_key(app, key),
        Input::Paste(text) => keys::on_paste(app, &text),
        Input::Resize(w, h) => {
            app.size = (w, h);
            for screen in app.screens_mut() {
                screen.room_mut().resize((w, h));
            }
            home::scroll(&mut app.home, (w, h));
            return app.screen.room_mut().wants();
        }
        Input::Click(x, y) => return on_click(app, (x, y)),
        Input::Wheel(x, y, up) => return on_wheel(app, (x, y), up),
        Input::Drag(x, y) if reaches_screen(app) => {
            let (screen, cx) = app.parts();
            screen.room_mut().drag(&cx, (x, y));
            return screen.room_mut().wants();
        }
        Input::Drag(..) => {}
        Input::Hover(x, y) if reaches_screen(app) && app.overlay.find().is_none() => {
            let (screen, cx) = app.parts();
            screen.room_mut().hover(&cx, (x, y));
        }
        Input::Hover(..) => app.screen.room_mut().forget_pointer(),
        Input::RunsListed(runs) => {
            let left = || app.memory.explorer.as_ref().map(|memory| memory.run());
            let open = app.explorer().map(|e| &e.run().id).or_else(left).or(app.opening());
            let open = open.cloned();
            let for_grid = app.grid().is_some().then(|| runs.clone());
            app.home.take(runs, open);
            home::scroll(&mut app.home, app.size);
            if let Some((grid, runs)) = app.grid_mut().zip(for_grid) {
                grid.relist(runs);
            }
            return app.screen.room_mut().wants();
        }
        Input::RunLoaded(result) => return navigate::run_loaded(app, result),
        Input::PredictionsLoaded(all) => return navigate::predictions_loaded(app, all),
        Input::PairLoaded(result) => return navigate::pair_loaded(app, result),
        Input::MapLoaded(id, mode, result) => {
            if let Some(grid) = app.grid_mut() {
                grid.arrived(id, mode, result);
            }
            return app.screen.room_mut().wants();
        }
        Input::Device(device) => app.device = Some(device),
        Input::Job(id, news) => return news::take(app, id, news),
        Input::Pictures(run, result) => {
            for screen in app.screens_mut() {
                screen.albums_of(&run).into_iter().for_each(|album| album.take(result.clone()));
            }
        }
        Input::Completed(request, found) => {
            if let Overlay::Ask(Ask { prompt, completion: Some(completion), .. }) = &mut app.overlay
            {
                completion.take(&request, found, prompt);
            }
        }
        Input::Exported(Ok(paths)) => app.tell(written(&paths)),
        Input::Exported(Err(why)) => app.complain(format!("export failed: {why}")),
        Input::Copied(Ok(how)) => app.tell(how),
        Input::Copied(Err(why)) => app.complain(why),
        Input::Failed(why) => navigate::failed(app, why),
    }
    Vec::new()
}

/// True if the mouse moves on what the screen shows.
fn reaches_screen(app: &App) -> bool {
    !app.overlay.covers() && !too_small(app.size)
}

fn on_click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    if !too_small(app.size)
        && let Some(does) = bottom::clicked(app, at)
    {
        return keys::on_hint(app, does);
    }
    if app.overlay.covers() {
        app.overlay = Overlay::None;
        return Vec::new();
    }
    if too_small(app.size) {
        return Vec::new();
    }
    let (screen, mut cx) = app.parts();
    let reply = screen.room_mut().click(&mut cx, at);
    navigate::follow(app, reply)
}

fn on_wheel(app: &mut App, at: (u16, u16), up: bool) -> Vec<Effect> {
    app.screen.room_mut().forget_pointer();
    if app.overlay.help().is_some() {
        keys::scroll_help(app, if up { Action::Up } else { Action::Down });
    }
    if app.overlay.help().is_some() || too_small(app.size) {
        return Vec::new();
    }
    let (screen, mut cx) = app.parts();
    let reply = screen.room_mut().wheel(&mut cx, at, up);
    navigate::follow(app, reply)
}

/// `wrote resnet20-all-cka.png, .svg, .pdf, .csv, .npy`.
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
