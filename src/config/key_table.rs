//! The table of commands as text and as the page `docs/KEYS.md`.

use crate::app::Keymap;
use crate::app::action::{ActionInfo, Group, Scope, Scopes, TABLE};
use crate::text::aligned;

/// Where a command works, in words.
fn screens(scopes: Scopes) -> String {
    if scopes == Scopes::EVERYWHERE {
        return "everywhere".into();
    }
    let names = Scope::ALL.into_iter().filter(|s| scopes.has(*s)).map(Scope::name);
    names.collect::<Vec<_>>().join(", ")
}

fn members(group: Group) -> impl Iterator<Item = &'static ActionInfo> {
    TABLE.iter().filter(move |row| row.group == group)
}

/// Keys, names, screens and documentation of all commands, in groups.
pub fn text(map: &Keymap) -> String {
    let mut rows = Vec::new();
    for group in Group::ALL {
        let head = [group.name().to_uppercase(), "command".into(), "screens".into(), String::new()];
        rows.push(head.to_vec());
        rows.extend(members(group).map(|row| {
            let keys = map.keys_of(row.action).join(" ");
            let keys = if keys.is_empty() { "none".into() } else { keys };
            vec![keys, row.name.into(), screens(row.scopes), row.doc.into()]
        }));
        rows.push(vec![String::new(); 4]);
    }
    rows.pop();
    aligned(&rows)
}

/// The page.
pub fn markdown(map: &Keymap) -> String {
    let mut out = String::from(INTRODUCTION);
    for group in Group::ALL {
        out.push_str(&format!("\n## {}\n\n", group.name()));
        out.push_str("| keys | command | screens | what it does |\n|---|---|---|---|\n");
        for row in members(group) {
            let keys: Vec<String> =
                map.keys_of(row.action).iter().map(|keys| format!("`{}`", escaped(keys))).collect();
            let keys = if keys.is_empty() { "none".into() } else { keys.join(" ") };
            out.push_str(&format!(
                "| {keys} | `{}` | {} | {} |\n",
                row.name,
                screens(row.scopes),
                escaped(row.doc)
            ));
        }
    }
    out
}

/// Nothing in a cell may end it.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

const INTRODUCTION: &str = r#"# Keys

This page is what `blockscope keys --format md` prints; `blockscope keys` prints the
keys as they are with your changes. `?` shows those of the current screen, `:` finds
a command by its name and runs it. A number before a key repeats it (`5j`), or is the
number of a row (`12gg`).

## Your own keys

`keys.ron` in the folder that `blockscope doctor` names (`$XDG_CONFIG_HOME/blockscope`,
usually `~/.config/blockscope`; `BLOCKSCOPE_CONFIG` chooses another) gives commands
other keys:

```ron
{
    "zoom-in": ["+", "z i"],    // all keys of the command; several keys are a sequence
    "zoom-out": ["-", "z o"],
    "structures": ["B"],
    "half-page-down": ["C-d", "A-j", "PageDown", "A-d"],
    "quit": [],                 // no key: `:quit` and C-c still work
}
```

A command that is listed has the listed keys only (its own again if none of them can be
bound). Keys are characters as typed (`j`,
`J`), `C-` and `A-` for control and alt, and `Space`, `Enter`, `Esc`, `Tab`, `S-Tab`,
`Backspace`, `Delete`, `Up`, `Down`, `Left`, `Right`, `Home`, `End`, `PageUp`, `PageDown`,
`F1` to `F24`. Two commands of one screen cannot share a key, nor can one key be the start
of another command's sequence; `blockscope keys --check` lists such faults with line and
column, and the other keys work. `C-c` always quits.
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Action;

    #[test]
    fn the_page_is_the_one_in_the_documentation() {
        let page = include_str!("../../docs/KEYS.md");
        assert!(
            page == markdown(&Keymap::default()),
            "docs/KEYS.md is out of date: `blockscope keys --format md > docs/KEYS.md`"
        );
    }

    #[test]
    fn every_command_is_listed_once_with_its_keys() {
        let mut map = Keymap::default();
        map.unbind(Action::Quit);
        let text = text(&map);
        for row in TABLE {
            let lines = text.lines().filter(|l| l.split_whitespace().any(|w| w == row.name));
            assert!(lines.count() >= 1, "{}", row.name);
        }
        assert!(text.lines().any(|l| l.starts_with("none") && l.contains("  quit  ")), "{text}");
        assert!(text.contains("h ←") && text.contains("map, compare"), "{text}");
        assert_eq!(markdown(&map).matches("\n| ").count(), TABLE.len() + Group::ALL.len());
    }

    #[test]
    fn the_example_of_the_page_is_in_order() {
        let (_, example) = INTRODUCTION.split_once("```ron\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let path = std::path::Path::new("keys.ron");
        let (_, problems) = crate::config::keys::keymap(example, path);
        assert!(problems.is_empty(), "{problems:?}");
    }
}
