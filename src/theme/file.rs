//! The syntax of a theme file (`themes/*.ron`), parsed without panics.

use std::collections::HashMap;
use std::path::Path;

use ron::extensions::Extensions;
use serde::{Deserialize, Deserializer, de};

use super::colour::{Rgb, StyleSpec};
use super::error::{ThemeError, nearest};
use super::role::Role;
use crate::text::one_line;

/// A theme file as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "Theme", deny_unknown_fields)]
pub(super) struct ThemeFile {
    /// The theme's name.
    pub(super) name: String,
    /// The theme that it changes.
    #[serde(default)]
    pub(super) parent: Option<String>,
    /// The colour map it starts with; its parent's if missing.
    #[serde(default)]
    pub(super) colormap: Option<String>,
    /// Styles by role.
    #[serde(default)]
    pub(super) roles: HashMap<Role, StyleSpec>,
    /// Colour maps that it brings along.
    #[serde(default)]
    pub(super) colormaps: Vec<ColormapFile>,
}

/// A colour map as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "Colormap", deny_unknown_fields)]
pub(super) struct ColormapFile {
    /// Its name.
    pub(super) name: String,
    /// Colours at equal distances, dark to light.
    pub(super) stops: Vec<Rgb>,
    /// Palette indices, dark to light.
    pub(super) ansi256: Vec<u8>,
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
        let name = String::deserialize(deserializer)?;
        Role::from_name(&name).ok_or_else(|| {
            let names = Role::ALL.map(Role::name);
            de::Error::custom(match nearest(&name, names) {
                Some(near) => format!("no role {name:?}; did you mean {near:?}?"),
                None => format!("no role {name:?}; the roles are {}", names.join(", ")),
            })
        })
    }
}

/// Reads and parses a theme file; `shown` is its name for messages.
pub(super) fn read(path: &Path, shown: &str) -> Result<ThemeFile, ThemeError> {
    let text = crate::files::user::read(path).map_err(|why| ThemeError::read(shown, &why))?;
    parse(&text, shown)
}

/// Parses a theme file; `file` is its name for messages.
pub(super) fn parse(text: &str, file: &str) -> Result<ThemeFile, ThemeError> {
    let theme: ThemeFile = ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|e| ThemeError::Parse {
            file: one_line(file),
            line: e.span.start.line,
            column: e.span.start.col,
            message: one_line(&e.code.to_string()),
        })?;
    let names = theme.colormaps.iter().map(|map| &map.name).chain([&theme.name]);
    for name in names {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(ThemeError::refused(file, format!("{name:?} cannot be a name")));
        }
    }
    Ok(theme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        let text = parse(text, "t.ron").unwrap_err().to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn errors_name_file_line_and_column_and_a_remedy() {
        let e = error("(\n  name: \"a\",\n  roles: { \"rular\": (bold: true) },\n)");
        assert!(e.starts_with("t.ron:3:") && e.contains("did you mean \"ruler\"?"), "{e}");
        let e = error("(name: \"a\", roles: { \"text\": (fg: \"bleu\") })");
        assert!(e.starts_with("t.ron:1:") && e.contains("did you mean \"blue\"?"), "{e}");
        let e = error("(name: \"a\", roles: { \"text\": (fg: \"#12\") })");
        assert!(e.contains("#rrggbb"), "{e}");
        let e = error("(name: \"a\", roles: { \"text\": (blod: true) })");
        assert!(e.contains("blod") && e.contains("bold"), "{e}");
        assert!(error("(name: \"\")").contains("cannot be a name"));
        assert!(error("(name: \"a\", colour: 1)").contains("colour"));
        assert!(error(&"(".repeat(10_000)).starts_with("t.ron:1:"));
    }

    #[test]
    fn options_need_no_some() {
        let theme =
            parse("(name: \"a\", parent: \"b\", roles: {\"key\": (fg: \"red\")})", "t").unwrap();
        assert_eq!(theme.parent.as_deref(), Some("b"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,120}", style in "[(){}\\[\\]:,\"#a-f0-9 ]{0,60}") {
            let _ = parse(&text, "t.ron");
            let _ = parse(&format!("(name: \"a\", roles: {{ \"text\": {style}"), "t.ron");
            let _ = parse(&format!("(name: \"a\", roles: {{ \"text\": (fg: {text:?}) }})"), "t.ron");
        }
    }
}
