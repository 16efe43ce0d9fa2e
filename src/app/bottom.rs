//! The bottom line of every screen: hints of its keys, those of the field that is open,
//! or the computation that runs. One list of parts says what is drawn there and what a
//! click there does. Pure arithmetic over the app's state.

use super::action::{Action, HINTS, Hint, Scopes};
use super::help::{Help, HelpView};
use super::key::{Key, KeyCode};
use super::layout::Area;
use super::overlay::{Ask, Overlay};
use super::running::Running;
use super::state::{App, Screen};
use crate::text::{thousands, width};

/// Columns between two hints.
const GAP: usize = 3;
/// Steps of the bar of progress: between two steps nothing changes.
const STEPS: usize = 20;

/// How a part looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A key.
    Key,
    /// What a key does.
    Label,
    /// What goes on.
    Text,
    /// What is known of it.
    Muted,
    /// The done share of a bar.
    Accent,
    /// A question.
    Warning,
}

/// What a click on a part does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// A command.
    Command(Action),
    /// A key that means something there alone.
    Press(Key),
}

/// A piece of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its first column on the screen.
    pub x: u16,
    /// The text; the line's end may cut it.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// What a click does.
    pub does: Option<Does>,
}

/// Where the line is on a screen of `w x h` cells.
pub fn place((w, h): (u16, u16)) -> Area {
    Area::new(1, h.saturating_sub(1), w.saturating_sub(2), 1)
}

/// The line as it is now.
pub fn parts(app: &App) -> Vec<Part> {
    let area = place(app.size);
    let mut line = Line { parts: Vec::new(), x: area.x, end: area.x.saturating_add(area.w) };
    match (app.computes_here(), field_keys(&app.overlay)) {
        (Some(running), _) => computation(app, running, &mut line),
        (None, Some(keys)) => keys.iter().for_each(|(keys, label)| line.pressed(keys, label)),
        (None, None) => hints(app, &mut line),
    }
    line.parts
}

/// The hints of the open help, in the upper line of its frame.
pub fn of_help(app: &App, help: &Help, view: &HelpView) -> Vec<Part> {
    let scrolls = view.last > 0;
    let write = |x: u16, end: u16| {
        let mut line = Line { parts: Vec::new(), x, end };
        let arrows = [KeyCode::Down, KeyCode::Up].map(Key::plain);
        let commands = [
            (!help.is_filtered(), Action::Find, "filter"),
            (true, Action::Back, if help.is_filtered() { "show all" } else { "close" }),
        ];
        if help.is_typing() {
            line.pressed(&[Key::plain(KeyCode::Esc)], "show all");
        } else {
            for (_, action, label) in commands.into_iter().filter(|(wanted, ..)| *wanted) {
                line.command(&app.keymap.way_to(action), action, label);
            }
        }
        match (scrolls, help.is_typing()) {
            (true, true) => line.pressed(&arrows, "scroll"),
            (true, false) => line.hint(app, &[Action::Down, Action::Up], "scroll"),
            (false, _) => {}
        }
        line
    };
    let area = view.area;
    // behind the title, at the right
    let (start, end) = (area.x + 10, (area.x + area.w).saturating_sub(3));
    let line = write(start, end);
    let used = line.x.saturating_sub(GAP as u16).max(start) - start;
    write(end.saturating_sub(used).max(start), end).parts
}

/// What a click on a cell of the screen does, if it is on a hint.
pub fn clicked(app: &App, at: (u16, u16)) -> Option<Does> {
    let hit = |part: &Part| (part.x..part.x.saturating_add(columns(part))).contains(&at.0);
    let among = |parts: Vec<Part>| parts.into_iter().find(hit).and_then(|part| part.does);
    if let Some(help) = app.overlay.help() {
        let view = help.view(app.scope(), &app.keymap, app.size);
        if view.area.contains(at) {
            return if at.1 == view.area.y { among(of_help(app, help, &view)) } else { None };
        }
    }
    if place(app.size).contains(at) { among(parts(app)) } else { None }
}

fn columns(part: &Part) -> u16 {
    width(&part.text) as u16
}

impl App {
    /// The computation that runs, on the screens that show it.
    pub fn computes_here(&self) -> Option<&Running> {
        let shows =
            matches!(self.screen, Screen::Explorer(_) | Screen::Compare(_) | Screen::Import(_));
        self.running.as_ref().filter(|_| shows)
    }
}

/// The line while it is written.
struct Line {
    parts: Vec<Part>,
    x: u16,
    end: u16,
}

impl Line {
    fn left(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    fn put(&mut self, text: &str, tone: Tone, does: Option<Does>) {
        let columns = width(text);
        if self.left() > 0 && columns > 0 {
            self.parts.push(Part { x: self.x, text: text.to_string(), tone, does });
            self.skip(columns);
        }
    }

    fn skip(&mut self, columns: usize) {
        self.x = self.x.saturating_add(columns.min(self.left()) as u16);
    }

    /// Keys that mean something here alone.
    fn pressed(&mut self, keys: &[Key], label: &str) {
        let columns: usize = keys.iter().map(|key| width(&key.short())).sum();
        if columns + 1 + width(label) > self.left() {
            return;
        }
        for key in keys {
            self.put(&key.short(), Tone::Key, Some(Does::Press(*key)));
        }
        let does = keys.first().map(|key| Does::Press(*key));
        self.put(&format!(" {label}"), Tone::Label, does);
        self.skip(GAP);
    }

    /// One way to a command.
    fn command(&mut self, keys: &str, action: Action, label: &str) {
        let does = Some(Does::Command(action));
        self.put(keys, Tone::Key, does);
        self.put(&format!(" {label}"), Tone::Label, does);
        self.skip(GAP);
    }

    /// A hint; each of its keys does its own, the words what the first does.
    fn hint(&mut self, app: &App, actions: &[Action], label: &str) {
        let (keys, between) = app.keymap.hint_keys(actions);
        for (at, (keys, action)) in keys.iter().enumerate() {
            if at > 0 {
                self.put(between, Tone::Key, None);
            }
            self.put(keys, Tone::Key, Some(Does::Command(*action)));
        }
        let does = keys.first().map(|(_, action)| Does::Command(*action));
        self.put(&format!(" {label}"), Tone::Label, does);
        self.skip(GAP);
    }
}

/// Keys, and what they do.
type FieldKey = (&'static [Key], &'static str);

/// The keys of an open field.
fn field_keys(overlay: &Overlay) -> Option<&'static [FieldKey]> {
    const ENTER: &[Key] = &[Key::plain(KeyCode::Enter)];
    const ESC: &[Key] = &[Key::plain(KeyCode::Esc)];
    const ARROWS: &[Key] = &[Key::plain(KeyCode::Down), Key::plain(KeyCode::Up)];
    const ASIDE: &[Key] = &[Key::plain(KeyCode::Left), Key::plain(KeyCode::Right)];
    const TAB: &[Key] = &[Key::plain(KeyCode::Tab)];
    const SPACE: &[Key] = &[Key::char(' ')];
    const COPY: &[Key] = &[Key::char('y')];
    match overlay {
        Overlay::Palette(_) => Some(&[(ENTER, "run"), (ARROWS, "select"), (ESC, "close")]),
        Overlay::Find(_) => Some(&[(ENTER, "go there"), (ARROWS, "select"), (ESC, "close")]),
        Overlay::Ask(Ask { completion: Some(_), .. }) => {
            Some(&[(ENTER, "take it"), (TAB, "complete"), (ESC, "leave it as it was")])
        }
        Overlay::Ask(_) => Some(&[(ENTER, "take it"), (ESC, "leave it as it was")]),
        Overlay::Columns(_) => Some(&[
            (ARROWS, "select"),
            (SPACE, "show or not"),
            (ASIDE, "move"),
            (COPY, "copy for config.ron"),
            (ESC, "close"),
        ]),
        Overlay::Help(_) | Overlay::Question | Overlay::None => None,
    }
}

/// The computation, or the question if it shall stop.
fn computation(app: &App, running: &Running, line: &mut Line) {
    if app.overlay.asks() {
        line.put("cancel the computation?", Tone::Warning, None);
        line.skip(2);
        let answers = [
            ("y", " yes", Key::char('y')),
            ("Esc", " let it go on, to the runs", Key::plain(KeyCode::Esc)),
            ("any other", " no", Key::char('n')),
        ];
        for (keys, label, key) in answers {
            line.put(keys, Tone::Key, Some(Does::Press(key)));
            line.put(label, Tone::Muted, Some(Does::Press(key)));
            line.skip(2);
        }
        return;
    }
    line.put(&running.title(), Tone::Text, None);
    line.skip(2);
    if let Some((done, total, unit)) = running.progress {
        let step = (done * STEPS).checked_div(total).unwrap_or(0);
        let full = (step / 2).min(STEPS / 2);
        line.put(&"▰".repeat(full), Tone::Accent, None);
        line.put(&"▱".repeat(STEPS / 2 - full), Tone::Muted, None);
        line.skip(1);
        // in steps too, so that a frame is drawn for each of them only
        let shown = if done >= total { total } else { total * step / STEPS };
        let words = format!("{} of {} {unit}", thousands(shown), thousands(total));
        line.put(&words, Tone::Muted, None);
        line.skip(2);
    }
    if line.left() > 12 {
        let does = Some(Does::Command(Action::Back));
        line.put(&app.keymap.way_to(Action::Back), Tone::Key, does);
        line.put(" cancel", Tone::Muted, does);
    }
}

/// As many hints as fit. Without a map only those that work anywhere.
fn hints(app: &App, line: &mut Line) {
    let mapless = matches!(app.screen, Screen::Opening(_));
    let pruned = app.compare().is_some_and(|c| c.pruned().is_some());
    let fits = |h: &&Hint| {
        let useful = !mapless || h.scopes == Scopes::EVERYWHERE || h.actions == [Action::Back];
        // beside a pruned network there is one third map
        let idle = pruned && h.actions == [Action::Third];
        h.scopes.has(app.scope()) && useful && !idle
    };
    let shown: Vec<(&Hint, usize)> = HINTS
        .iter()
        .filter(fits)
        .map(|hint| (hint, app.keymap.hint(hint.actions)))
        .filter(|(_, keys)| !keys.is_empty())
        .map(|(hint, keys)| (hint, width(&keys) + 1 + width(hint.label)))
        .collect();
    // help and the ways out stand at the end of every line, whatever else there is room for
    let out = |(hint, _): &&(&Hint, usize)| {
        [Action::Help, Action::Back, Action::Quit]
            .map(|action| [action])
            .iter()
            .any(|only| hint.actions == only)
    };
    let kept: usize = shown.iter().filter(out).map(|(_, columns)| columns + GAP).sum();
    for (hint, columns) in shown.iter().filter(|hint| !out(hint)) {
        if columns + GAP + kept > line.left() + GAP {
            break;
        }
        line.hint(app, hint.actions, hint.label);
    }
    for (hint, columns) in shown.iter().filter(out) {
        if *columns <= line.left() {
            line.hint(app, hint.actions, hint.label);
        }
    }
}
