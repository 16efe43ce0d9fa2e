//! The help: the commands of a screen under their headings, those that fit what was typed,
//! and where its lines stand. Pure state and arithmetic; knows no screen.

use super::action::{Action, ActionInfo, Group, SYNONYMS, Scope, TABLE};
use super::key::{Key, KeyCode};
use super::keymap::Keymap;
use super::layout::Area;
use super::prompt::{Prompt, PromptEvent};
use crate::text::{width, wrapped};

/// Columns of the keys.
pub const KEYS: usize = 14;
/// Columns of an entry, from the fewest that two beside each other need to the most.
const ENTRY: (u16, u16) = (55, 76);

/// The help while it is open.
#[derive(Debug, Clone, Default)]
pub struct Help {
    /// The first line on screen.
    first: usize,
    field: Prompt,
    typing: bool,
}

/// A line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// The name of a group.
    Heading(&'static str),
    /// A command's keys, and what it does or the first line of that.
    Entry(String, String),
    /// What it does, further.
    More(String),
}

/// The help as it stands on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpView {
    /// The popup with its frame.
    pub area: Area,
    /// The field of the filter, while there is one.
    pub field: Option<Area>,
    /// Columns of lines, those in sight.
    pub columns: Vec<(Area, Vec<Line>)>,
    /// Commands that are listed, and all of the screen.
    pub count: (usize, usize),
    /// The largest first line.
    pub last: usize,
}

/// What a key did to the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HelpEvent {
    /// It was taken.
    Taken,
    /// It is for whoever takes keys while nothing is typed.
    Passed,
}

impl Help {
    /// The field of the filter.
    pub fn field(&self) -> &Prompt {
        &self.field
    }

    /// True while keys go to the field.
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// True if not all commands are wanted.
    pub fn is_filtered(&self) -> bool {
        !self.field.text().trim().is_empty()
    }

    /// Shows all commands again; false if it does already.
    pub(super) fn clear(&mut self) -> bool {
        let had = self.typing || !self.field.text().is_empty();
        *self = Help::default();
        had
    }

    /// Opens the field.
    pub(super) fn open_field(&mut self) {
        self.typing = true;
    }

    /// Takes a key. Where nothing is typed, only that which opens the field.
    pub(super) fn key(&mut self, key: Key, keymap: &Keymap) -> HelpEvent {
        if !self.typing {
            self.typing = keymap.asks_for(key, Action::Find);
            return if self.typing { HelpEvent::Taken } else { HelpEvent::Passed };
        }
        match (key.code, self.field.key(key, 0)) {
            (KeyCode::Up, _) => self.first = self.first.saturating_sub(1),
            (KeyCode::Down, _) => self.first += 1,
            (KeyCode::PageUp, _) => self.first = self.first.saturating_sub(8),
            (KeyCode::PageDown, _) => self.first += 8,
            (_, PromptEvent::Changed) => self.first = 0,
            (_, PromptEvent::Accept) => self.typing = false,
            (_, PromptEvent::Cancel) => drop(self.clear()),
        }
        HelpEvent::Taken
    }

    /// A command to move while nothing is typed.
    pub(super) fn scroll(&mut self, action: Action, last: usize) {
        let first = self.first.min(last);
        self.first = match action {
            Action::Down => first + 1,
            Action::Up => first.saturating_sub(1),
            Action::HalfPageDown => first + 8,
            Action::HalfPageUp => first.saturating_sub(8),
            Action::First => 0,
            Action::Last => last,
            _ => first,
        }
        .min(last);
    }

    /// Where everything stands on a screen of `w x h` cells.
    pub fn view(&self, scope: Scope, keymap: &Keymap, (w, h): (u16, u16)) -> HelpView {
        let most = w.saturating_sub(2);
        let two = most >= 2 * ENTRY.0 + 6;
        let entry = match two {
            true => (most - 6) / 2,
            false => most.saturating_sub(4),
        }
        .min(ENTRY.1);
        let width = if two { 2 * entry + 6 } else { entry + 4 }.min(most);
        let columns = usize::from(entry);
        // the popup keeps the size that all commands need
        let (all, of) = lines(scope, keymap, "", columns);
        let height = longest(&all, two) as u16 + 2;
        let filtering = self.typing || self.is_filtered();
        let height = (height + u16::from(filtering)).min(h.saturating_sub(2));
        let area = Area::new((w - width) / 2, (h - height) / 2, width, height);
        let inner =
            Area::new(area.x + 2, area.y + 1, width.saturating_sub(4), height.saturating_sub(2));
        let field = filtering.then_some(Area { h: 1.min(inner.h), ..inner });
        let taken = u16::from(filtering).min(inner.h);
        let body = Area { y: inner.y + taken, h: inner.h - taken, ..inner };
        let (lines, shown) = match self.is_filtered() {
            true => lines(scope, keymap, self.field.text(), columns),
            false => (all, of),
        };
        let half = if two { second_column(&lines) } else { lines.len() };
        let room = usize::from(body.h);
        let last = half.max(lines.len() - half).saturating_sub(room);
        let first = self.first.min(last);
        let cut = |lines: &[Line]| lines.iter().skip(first).take(room).cloned().collect();
        let mut columns = vec![(Area { w: body.w.min(entry), ..body }, cut(&lines[..half]))];
        if two {
            let place = Area { x: body.x + entry + 2, w: body.w - entry - 2, ..body };
            columns.push((place, cut(&lines[half..])));
        }
        HelpView { area, field, columns, count: (shown, of), last }
    }
}

/// True if keys, name, description or other words for a command contain every word.
fn fits(row: &ActionInfo, keys: &str, words: &[String]) -> bool {
    let also = SYNONYMS.iter().find(|(action, _)| *action == row.action).map_or("", |(_, s)| *s);
    let text = format!("{keys} {} {} {also}", row.name, row.doc).to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The lines of the commands that fit, wrapped to `columns`, and how many commands.
fn lines(scope: Scope, keymap: &Keymap, filter: &str, columns: usize) -> (Vec<Line>, usize) {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let (mut lines, mut count) = (Vec::new(), 0);
    for group in Group::ALL {
        let here = |row: &&ActionInfo| row.group == group && row.scopes.has(scope);
        let mut heading = Some(Line::Heading(group.name()));
        for row in TABLE.iter().filter(here) {
            let keys = keymap.keys_of(row.action);
            // without keys the palette still has it
            let keys = if keys.is_empty() { vec![format!(":{}", row.name)] } else { keys };
            let keys = keys.join(" ");
            if !fits(row, &keys, &words) {
                continue;
            }
            if let Some(heading) = heading.take() {
                lines.extend((!lines.is_empty()).then_some(Line::Blank));
                lines.push(heading);
            }
            count += 1;
            let indent = 1 + KEYS.max(width(&keys) + 1);
            let mut doc = wrapped(row.doc, columns.saturating_sub(indent).max(12)).into_iter();
            lines.push(Line::Entry(keys, doc.next().unwrap_or_default()));
            lines.extend(doc.map(Line::More));
        }
    }
    (lines, count)
}

/// The group whose start splits the lines most evenly.
fn second_column(lines: &[Line]) -> usize {
    let starts =
        lines.iter().enumerate().filter(|(_, l)| matches!(l, Line::Heading(_))).map(|(i, _)| i);
    let even = starts.filter(|at| *at > 0).min_by_key(|at| (2 * at).abs_diff(lines.len()));
    even.unwrap_or(lines.len())
}

fn longest(lines: &[Line], two: bool) -> usize {
    let half = if two { second_column(lines) } else { lines.len() };
    half.max(lines.len() - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Help {
        let mut help = Help::default();
        let keymap = Keymap::default();
        assert_eq!(help.key(Key::char('/'), &keymap), HelpEvent::Taken);
        for c in text.chars() {
            help.key(Key::char(c), &keymap);
        }
        help
    }

    fn entries(view: &HelpView) -> Vec<String> {
        let lines = view.columns.iter().flat_map(|(_, lines)| lines);
        let keys = lines.filter_map(|line| match line {
            Line::Entry(keys, _) => Some(keys.clone()),
            _ => None,
        });
        keys.collect()
    }

    #[test]
    fn every_description_is_there_in_full_at_every_size() {
        let keymap = Keymap::default();
        for scope in Scope::ALL {
            for size in [(40, 12), (80, 24), (120, 40), (200, 60)] {
                let mut help = Help::default();
                let mut seen = String::new();
                let last = help.view(scope, &keymap, size).last;
                for first in 0..=last {
                    help.first = first;
                    let view = help.view(scope, &keymap, size);
                    let inside =
                        view.area.x + view.area.w <= size.0 && view.area.y + view.area.h <= size.1;
                    assert!(inside, "{size:?}");
                    for (area, lines) in &view.columns {
                        assert!(lines.len() <= usize::from(area.h));
                        let skip = if first == 0 { 0 } else { lines.len().saturating_sub(1) };
                        for line in &lines[skip..] {
                            if let Line::Entry(_, text) | Line::More(text) = line {
                                let columns = KEYS + 1 + width(text);
                                assert!(columns <= usize::from(area.w), "{text} {size:?}");
                                seen += text;
                                seen.push(' ');
                            }
                        }
                    }
                }
                if view_is_one_column(&help, scope, size) {
                    for row in TABLE.iter().filter(|row| row.scopes.has(scope)) {
                        assert!(seen.contains(row.doc), "{} {size:?}", row.name);
                    }
                }
            }
        }
    }

    fn view_is_one_column(help: &Help, scope: Scope, size: (u16, u16)) -> bool {
        help.view(scope, &Keymap::default(), size).columns.len() == 1
    }

    #[test]
    fn words_narrow_the_list_by_keys_names_descriptions_and_synonyms() {
        let view = |text: &str| typed(text).view(Scope::Explorer, &Keymap::default(), (120, 40));
        let all = view("").count;
        assert_eq!(all.0, all.1);
        assert_eq!(entries(&view("PNG svg")), ["e"]);
        assert_eq!(entries(&view("yank table")), ["Y"], "words that are not shown count");
        assert_eq!(entries(&view("zoom-in")), ["+ ="]);
        assert_eq!(entries(&view("c-d half")), ["C-d PageDown"]);
        let none = view("nothing-like-it");
        assert_eq!((none.count, entries(&none)), ((0, all.1), Vec::new()));
        assert_eq!(none.area, view("").area, "the popup does not jump");
    }

    #[test]
    fn the_field_opens_keeps_clears_and_closes() {
        let keymap = Keymap::default();
        let mut help = Help::default();
        assert_eq!(help.key(Key::char('j'), &keymap), HelpEvent::Passed);
        let mut help2 = typed("zoom q");
        assert!(help2.is_typing() && help2.field().text() == "zoom q");
        help2.key(Key::plain(KeyCode::Enter), &keymap);
        assert!(!help2.is_typing() && help2.is_filtered());
        assert_eq!(help2.key(Key::char('j'), &keymap), HelpEvent::Passed);
        assert!(help2.clear() && !help2.clear());
        let mut help3 = typed("z");
        help3.key(Key::plain(KeyCode::Esc), &keymap);
        assert!(!help3.is_typing() && !help3.is_filtered());
        help.scroll(Action::Last, 7);
        help.scroll(Action::Down, 7);
        assert_eq!(help.first, 7);
    }
}
