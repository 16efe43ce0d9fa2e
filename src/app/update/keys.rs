//! From a key to a command: what is open on top takes it first, then sequences and
//! counts, then the commands that all screens have, and at last the screen.

use crate::app::action::Action;
use crate::app::bottom::Does;
use crate::app::chooser::ChooserEvent;
use crate::app::complete::CompletionEvent;
use crate::app::cursor::MAX_COUNT;
use crate::app::help::{Help, HelpEvent};
use crate::app::key::{Key, KeyCode};
use crate::app::keymap::Lookup;
use crate::app::layout::too_small;
use crate::app::look::ColourDepth;
use crate::app::message::Effect;
use crate::app::overlay::Overlay;
use crate::app::palette::{Argument, Choice, Palette};
use crate::app::prompt::PromptEvent;
use crate::app::state::{App, Screen};

use super::navigate::{back, follow};

/// Most characters that are taken from what is pasted.
const PASTED: usize = 1_000;

/// Takes a key.
pub(super) fn on_key(app: &mut App, key: Key) -> Vec<Effect> {
    app.toast = None;
    app.screen.room_mut().forget_pointer();
    // these work whatever is open
    if let Lookup::Action(action @ (Action::Interrupt | Action::Redraw | Action::Suspend)) =
        app.keymap.lookup(&[key], app.scope())
    {
        return act(app, action, None);
    }
    match app.overlay {
        Overlay::Question => answer(app, key),
        Overlay::Palette(_) => {
            in_palette(app, key).map_or_else(Vec::new, |choice| carry_out(app, choice))
        }
        Overlay::Find(_) => {
            in_search(app, key);
            Vec::new()
        }
        Overlay::Ask(_) => in_field(app, key),
        Overlay::Help(_) => in_help(app, key),
        Overlay::Columns(_) => in_columns(app, key),
        Overlay::None => in_sequence(app, key),
    }
}

/// Takes a click on a hint, which is as good as its key.
pub(super) fn on_hint(app: &mut App, does: Does) -> Vec<Effect> {
    match does {
        Does::Press(key) => on_key(app, key),
        Does::Command(action) => {
            app.toast = None;
            app.screen.room_mut().forget_pointer();
            app.pending.clear();
            let count = app.count.take();
            act(app, action, count)
        }
    }
}

/// Takes pasted text, which only a field of input wants.
pub(super) fn on_paste(app: &mut App, text: &str) {
    for c in text.chars().filter(|c| !c.is_control()).take(PASTED) {
        match app.overlay {
            Overlay::Palette(_) => drop(in_palette(app, Key::char(c))),
            Overlay::Find(_) => in_search(app, Key::char(c)),
            Overlay::Ask(_) => drop(in_field(app, Key::char(c))),
            Overlay::Help(ref mut help) if help.is_typing() => {
                help.key(Key::char(c), &app.keymap);
            }
            _ => return,
        }
    }
}

/// The answer to the question if what is computed shall be cancelled.
fn answer(app: &mut App, key: Key) -> Vec<Effect> {
    app.overlay = Overlay::None;
    match key.code {
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => app.parts().1.cancel(),
        // it goes on behind the list
        KeyCode::Esc => back(app),
        _ => Vec::new(),
    }
}

/// Takes a key while the palette is open; a command to run ends it.
fn in_palette(app: &mut App, key: Key) -> Option<Choice> {
    let Overlay::Palette(palette) = &mut app.overlay else { return None };
    let event = palette.key(key);
    if event == PromptEvent::Changed {
        return None;
    }
    let choice = palette.choice();
    let text = palette.prompt().text().to_string();
    app.overlay = Overlay::None;
    match (event, choice) {
        (PromptEvent::Accept, None) => {
            app.complain(format!("no command of this screen matches `{text}`"));
            None
        }
        (PromptEvent::Accept, choice) => choice,
        _ => None,
    }
}

/// What commands of the palette may be given.
fn names(app: &App) -> Vec<(Argument, Vec<String>)> {
    let runs = app.home.all().iter().map(|run| run.name.clone()).collect();
    let mut names = vec![
        (Argument::Theme, app.look.themes().map(String::from).collect()),
        (Argument::Colours, app.look.colormaps().map(String::from).collect()),
        (Argument::Open, runs),
    ];
    if let Screen::Explorer(explorer) = &app.screen
        && !explorer.is_empty()
    {
        names.push((Argument::Go, explorer.shown().map(|layer| layer.name.clone()).collect()));
    }
    names
}

/// Does what a line of the palette says.
fn carry_out(app: &mut App, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Run(action) => return act(app, action, None),
        Choice::Give(Argument::Theme, name) => app.look = app.look.clone().with_theme(&name),
        Choice::Give(Argument::Colours, name) => app.look = app.look.clone().with_colormap(&name),
        Choice::Give(Argument::Open, name) => {
            let id = app.home.all().iter().find(|run| run.name == name);
            if let Some(id) = id.map(|run| run.id.clone()) {
                let reply = app.parts().1.open(id);
                return follow(app, reply);
            }
        }
        Choice::Give(Argument::Go, name) => {
            if let Screen::Explorer(explorer) = &mut app.screen {
                let layer = explorer.shown().find(|layer| layer.name == name);
                if let Some(index) = layer.map(|layer| layer.index) {
                    explorer.jump(index);
                }
            }
            return app.screen.room_mut().wants();
        }
    }
    Vec::new()
}

/// Takes a key while the search for a layer is open.
fn in_search(app: &mut App, key: Key) {
    let Overlay::Find(mut find) = std::mem::take(&mut app.overlay) else { return };
    let (Screen::Explorer(explorer), mut cx) = app.parts() else { return };
    if explorer.search(&mut find, key, &mut cx) {
        app.overlay = Overlay::Find(find);
    }
}

/// Takes a key while a field of input is open.
fn in_field(app: &mut App, key: Key) -> Vec<Effect> {
    let Overlay::Ask(mut ask) = std::mem::take(&mut app.overlay) else { return Vec::new() };
    if let Some(completion) = &mut ask.completion {
        let event = completion.key(key, &mut ask.prompt);
        if event != CompletionEvent::Passed {
            app.overlay = Overlay::Ask(ask);
            return match event {
                CompletionEvent::Ask(request) => vec![Effect::Complete(request)],
                _ => Vec::new(),
            };
        }
    }
    let before = ask.prompt.text().len();
    match ask.prompt.key(key, 0) {
        PromptEvent::Changed => {
            let changed = ask.prompt.text().len() != before;
            ask.completion
                .iter_mut()
                .filter(|_| changed)
                .for_each(|completion| completion.forget());
            app.overlay = Overlay::Ask(ask);
        }
        // to empty it is an answer
        PromptEvent::Cancel if key.code == KeyCode::Backspace => app.overlay = Overlay::Ask(ask),
        PromptEvent::Cancel => {}
        PromptEvent::Accept => {
            let (screen, mut cx) = app.parts();
            let reply = screen.room_mut().answer(&mut cx, ask.prompt.text());
            return follow(app, reply);
        }
    }
    Vec::new()
}

/// Takes a key while the help is open: its field first, then as everywhere.
fn in_help(app: &mut App, key: Key) -> Vec<Effect> {
    let Overlay::Help(help) = &mut app.overlay else { return Vec::new() };
    match help.key(key, &app.keymap) {
        HelpEvent::Taken => Vec::new(),
        HelpEvent::Passed => in_sequence(app, key),
    }
}

/// Takes a key while the list's columns are chosen.
fn in_columns(app: &mut App, key: Key) -> Vec<Effect> {
    let Overlay::Columns(chooser) = &mut app.overlay else { return Vec::new() };
    match chooser.key(key, &mut app.home.columns) {
        ChooserEvent::Changed => Vec::new(),
        ChooserEvent::Copy(text) => vec![Effect::Copy(text, "the line for config.ron".into())],
        ChooserEvent::Close => {
            app.overlay = Overlay::None;
            Vec::new()
        }
    }
}

/// Takes a key that may be a digit of a count or a part of a sequence.
fn in_sequence(app: &mut App, key: Key) -> Vec<Effect> {
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

/// Carries out a command.
fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    let help = app.overlay.help().is_some();
    match action {
        Action::Back if help && clear_help(app) => {}
        Action::Quit | Action::Back | Action::Help if help => app.overlay = Overlay::None,
        Action::Quit | Action::Interrupt => return vec![Effect::Quit],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Help => app.overlay = Overlay::Help(Help::default()),
        Action::Palette if !too_small(app.size) => {
            app.overlay = Overlay::Palette(Palette::new(app.scope(), names(app)));
        }
        Action::Perf => app.perf = !app.perf,
        Action::Colours => app.look.next_colormap(),
        Action::PixelMaps => {
            let coloured = app.look.depth >= ColourDepth::Indexed256;
            app.look.pixel_maps = !app.look.pixel_maps && app.look.pixels && coloured;
            app.tell(match (app.look.pixels, app.look.pixel_maps) {
                _ if !coloured => "pixels need colours: C changes how many",
                (false, _) => "this terminal shows no pixels: that takes kitty's graphics",
                (true, true) => "every pair of layers in pixels",
                (true, false) => "the map in cells",
            });
        }
        Action::Theme => {
            app.look.next_theme();
            app.tell(format!("theme {}", app.look.theme()));
        }
        Action::Depth => {
            app.look.depth = app.look.depth.next();
            app.tell(match app.look.depth {
                ColourDepth::Mono => "no colours".to_string(),
                ColourDepth::Truecolor => "truecolor".to_string(),
                depth => format!("{} colours", depth.name()),
            });
        }
        Action::Mouse => {
            app.look.mouse = !app.look.mouse;
            app.tell(if app.look.mouse { "mouse on" } else { "mouse off: select text as usual" });
            return vec![Effect::Mouse(app.look.mouse)];
        }
        Action::Find if help => {
            if let Overlay::Help(help) = &mut app.overlay {
                help.open_field();
            }
        }
        _ if help => scroll_help(app, action),
        // files do not depend on the screen
        _ if too_small(app.size) && action != Action::Export => {}
        Action::Copy | Action::CopyMap | Action::CopyLayer => return copy(app, action),
        _ => {
            let (screen, mut cx) = app.parts();
            let reply = screen.room_mut().act(&mut cx, action, count);
            return follow(app, reply);
        }
    }
    Vec::new()
}

/// The commands that copy.
fn copy(app: &mut App, action: Action) -> Vec<Effect> {
    match app.screen.room().copy(&app.home, action) {
        Some((text, what)) => vec![Effect::Copy(text, what)],
        None => {
            app.complain("there is nothing to copy here");
            Vec::new()
        }
    }
}

/// Takes the filter of the open help away; false if it has none.
fn clear_help(app: &mut App) -> bool {
    match &mut app.overlay {
        Overlay::Help(help) => help.clear(),
        _ => false,
    }
}

/// Scrolls the open help.
pub(super) fn scroll_help(app: &mut App, action: Action) {
    let (scope, size) = (app.scope(), app.size);
    let Overlay::Help(help) = &mut app.overlay else { return };
    if !too_small(size) {
        let last = help.view(scope, &app.keymap, size).last;
        help.scroll(action, last);
    }
}
