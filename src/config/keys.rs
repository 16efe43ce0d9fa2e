//! `keys.ron`: the user's keys over the default ones, as a map from the name of a
//! command to all its keys: `{ "zoom-in": ["+", "z i"], "quit": [] }`.
//!
//! A command that is listed loses its default keys, unless none of the listed ones
//! can be bound. What cannot be is reported, all of it, and the rest works.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::problem::{Problem, parse};
use crate::app::action::{Action, TABLE};
use crate::app::key::{Key, KeyCode, parse_sequence};
use crate::app::keymap::Keymap;
use crate::text::nearest;

/// The keys that always end the program.
const INTERRUPT: &str = "C-c";

/// The file as written, in its order.
struct File(Vec<(String, Vec<String>)>);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<File, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = File;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map such as { \"zoom-in\": [\"+\", \"z i\"] }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(File(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The default keys with a file's over them, and everything that is wrong with it.
/// A text that is no key map at all changes nothing.
pub fn keymap(text: &str, path: &Path) -> (Keymap, Vec<Problem>) {
    let mut map = Keymap::default();
    let file: File = match parse(text, path) {
        Ok(file) => file,
        Err(problem) => return (map, vec![problem]),
    };
    // every text of the file is a string: the n-th in the data is the n-th in the text
    let mut places = strings(text).into_iter();
    let mut problems = Vec::new();
    let mut seen: Vec<Action> = Vec::new();
    let mut wanted = Vec::new();
    for (name, keys) in &file.0 {
        let place = places.next().unwrap_or((1, 1));
        let keys: Vec<_> = keys.iter().map(|keys| (keys, places.next().unwrap_or(place))).collect();
        match Action::from_name(name) {
            None => problems.push(Problem::at(path, place, unknown(name))),
            Some(action) if seen.contains(&action) => {
                problems.push(Problem::at(path, place, format!("`{name}` is there twice")));
            }
            Some(action) => {
                seen.push(action);
                map.unbind(action);
                wanted.extend(keys.into_iter().map(|(keys, place)| (action, keys, place)));
            }
        }
    }
    // whatever the file says, there is a way out
    if seen.contains(&Action::Interrupt) {
        let _ = map.bind(Action::Interrupt, INTERRUPT);
        wanted.retain(|(action, keys, _)| *action != Action::Interrupt || *keys != INTERRUPT);
    }
    // what asked for keys and got none keeps its own, as far as they are free
    let mut without: Vec<Action> = wanted.iter().map(|(action, ..)| *action).collect();
    for (action, keys, place) in wanted {
        let bound = check(keys).and_then(|()| map.bind(action, keys).map_err(|e| e.to_string()));
        if let Err(why) = bound {
            let name = action.info().map_or("", |info| info.name);
            problems.push(Problem::at(path, place, format!("`{name}`: {why}")));
        } else {
            without.retain(|other| *other != action);
        }
    }
    for row in TABLE.iter().filter(|row| without.contains(&row.action)) {
        for keys in row.keys {
            let _ = map.bind(row.action, keys);
        }
    }
    (map, problems)
}

fn unknown(name: &str) -> String {
    match nearest(name, TABLE.iter().map(|row| row.name)) {
        Some(near) => format!("no command `{name}`; did you mean `{near}`?"),
        None => format!("no command `{name}`; `blockscope keys` lists them"),
    }
}

/// Digits at the start are counts and would never arrive.
fn check(keys: &str) -> Result<(), String> {
    match parse_sequence(keys).map_err(|error| error.to_string())?.first() {
        Some(Key { code: KeyCode::Char('1'..='9'), ctrl: false, alt: false }) => {
            Err(format!("`{keys}` starts with a digit, which is a count"))
        }
        _ => Ok(()),
    }
}

/// Line and column, from 1, of every string of a RON text, in order.
fn strings(text: &str) -> Vec<(usize, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let starts = |i: usize, what: &str| what.chars().enumerate().all(|(k, c)| at(i + k) == c);
    let (mut found, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        if starts(i, "//") {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if starts(i, "/*") {
            let mut depth = 0;
            while i < chars.len() {
                if starts(i, "/*") {
                    (depth, i) = (depth + 1, i + 2);
                } else if starts(i, "*/") {
                    (depth, i) = (depth - 1, i + 2);
                    if depth == 0 {
                        break;
                    }
                } else {
                    i += 1;
                }
            }
        } else if at(i) == '"' {
            found.push(i);
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if at(i) == 'r' && matches!(at(i + 1), '"' | '#') {
            let hashes = chars.iter().skip(i + 1).take_while(|c| **c == '#').count();
            if at(i + 1 + hashes) != '"' {
                i += 1;
                continue;
            }
            found.push(i);
            let end = format!("\"{}", "#".repeat(hashes));
            i += 2 + hashes;
            while i < chars.len() && !starts(i, &end) {
                i += 1;
            }
            i += end.len();
        } else {
            i += 1;
        }
    }
    let place = |start: usize| {
        let before = chars.iter().take(start);
        let line = 1 + before.clone().filter(|c| **c == '\n').count();
        let column = 1 + before.rev().take_while(|c| **c != '\n').count();
        (line, column)
    };
    found.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Scope;
    use crate::app::keymap::Lookup;
    use proptest::prelude::*;

    fn parse(text: &str) -> (Keymap, Vec<String>) {
        let (map, problems) = keymap(text, Path::new("keys.ron"));
        (map, problems.iter().map(ToString::to_string).collect())
    }

    fn means(map: &Keymap, keys: &str) -> Lookup {
        map.lookup(&parse_sequence(keys).unwrap(), Scope::Explorer)
    }

    #[test]
    fn listed_commands_have_the_listed_keys_only() {
        let text = "// mine\n{ \"zoom-in\": [\"z i\", \"A-+\"], \"quit\": [], \"blocks\": [\"+\"], \"left\": [\"b\"] }";
        let (map, problems) = parse(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(map.keys_of(Action::ZoomIn), ["zi", "A-+"]);
        assert_eq!(means(&map, "z i"), Lookup::Action(Action::ZoomIn));
        assert_eq!(means(&map, "="), Lookup::None, "the default keys are gone");
        assert_eq!(means(&map, "+"), Lookup::Action(Action::Structures), "free keys can be taken");
        assert_eq!(means(&map, "b"), Lookup::Action(Action::Left));
        assert_eq!(means(&map, "q"), Lookup::None);
        assert_eq!(means(&map, "j"), Lookup::Action(Action::Down), "the rest is as it was");
    }

    #[test]
    fn every_fault_is_told_with_its_place_and_the_rest_works() {
        let text = "{\n  \"zoom-inn\": [\"i\"],\n  \"view\": [\"b\", \"V\", \"g\"],\n  \"mode\": [\"nope\"],\n  /* \"no\" */ \"pooling\": [\n    \"5\", r#\"z p\"#,\n  ],\n  \"view\": [\"W\"],\n  \"range\": [\"z\"],\n}";
        let (map, problems) = parse(text);
        let expected = [
            ("keys.ron:2:3: ", "did you mean `zoom-in`?"),
            ("keys.ron:8:3: ", "`view` is there twice"),
            ("keys.ron:3:12: ", "`b` already means `structures`; give that other keys or none"),
            ("keys.ron:3:22: ", "cannot be told from `g g`, which means `first`"),
            ("keys.ron:4:12: ", "`nope` is not a key"),
            ("keys.ron:6:5: ", "a count"),
            ("keys.ron:9:13: ", "cannot be told from `z p`, which means `pooling`"),
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, (place, part)) in problems.iter().zip(expected) {
            assert!(problem.starts_with(place) && problem.contains(part), "{problem}");
        }
        assert_eq!(means(&map, "V"), Lookup::Action(Action::View));
        assert_eq!(means(&map, "z p"), Lookup::Action(Action::Pooling));
        assert_eq!(means(&map, "b"), Lookup::Action(Action::Structures));
        // none of their keys is one: they keep their own
        assert_eq!(means(&map, "m"), Lookup::Action(Action::Mode));
        assert_eq!(means(&map, "a"), Lookup::Action(Action::Range));
    }

    #[test]
    fn a_text_that_is_no_key_map_keeps_the_default_keys() {
        for text in ["", "{", "{ quit: [] }", "[1]", "{ \"quit\": \"Q\" }", "{ \"quit\": [1] }"] {
            let (map, problems) = parse(text);
            assert_eq!((&map, problems.len()), (&Keymap::default(), 1), "{text:?}");
            assert!(problems[0].starts_with("keys.ron:1:"), "{problems:?}");
        }
    }

    #[test]
    fn there_is_always_a_way_out() {
        let text = "{ \"interrupt\": [], \"quit\": [], \"palette\": [\"C-c\"] }";
        let (map, problems) = parse(text);
        assert_eq!(means(&map, "C-c"), Lookup::Action(Action::Interrupt));
        assert_eq!(problems.len(), 1, "{problems:?}");
        let (map, problems) = parse("{ \"interrupt\": [\"C-c\", \"C-q\"] }");
        assert!(problems.is_empty() && map.keys_of(Action::Interrupt).len() == 2);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_bind_twice(
            text in "\\PC{0,60}", keys in prop::collection::vec("[a-cg+ ]{0,3}", 0..4), at in 0..TABLE.len(),
        ) {
            let _ = keymap(&text, Path::new("k"));
            let text = format!("{{ {:?}: {keys:?}, {:?}: {keys:?} }}", TABLE[at].name, TABLE[at / 2].name);
            let (map, problems) = keymap(&text, Path::new("k"));
            let bound = map.keys_of(TABLE[at].action).len();
            prop_assert!(bound <= (keys.len() + 1).max(TABLE[at].keys.len()) && problems.len() <= 2 * keys.len() + 1);
        }
    }
}
