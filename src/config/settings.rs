//! `config.ron`: defaults for the options of the command line. Every setting has
//! the name of its option; a flag wins over its variable, that over this file.

use std::fmt::Display;
use std::num::NonZeroIsize;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use super::paths::expand;
use super::problem::{Problem, parse};
use crate::app::columns::Columns;
use crate::app::{ColourDepth, Pictures};
use crate::data::DataSource;
use crate::engine::DeviceChoice;
use crate::text::unknown;

/// Levels of the log, the fewest lines first.
pub const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The settings; what is missing keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename = "Config", default, deny_unknown_fields)]
pub struct Config {
    theme: Option<String>,
    color: Option<Parsed<Depth>>,
    colormap: Option<String>,
    pictures: Option<Parsed<Pictures>>,
    columns: Option<Parsed<Columns>>,
    mouse: Option<bool>,
    hover: Option<bool>,
    no_animation: Option<bool>,
    runs: Option<String>,
    data: Option<Parsed<DataSource>>,
    device: Option<Parsed<DeviceChoice>>,
    threads: Option<NonZeroIsize>,
    log_file: Option<String>,
    log_level: Option<Parsed<Level>>,
}

impl Config {
    /// Parses the file's text; `path` is for messages.
    ///
    /// # Errors
    /// [`Problem`] with the place of the first fault.
    pub fn parse(text: &str, path: &Path) -> Result<Config, Problem> {
        parse(text, path)
    }

    /// The settings that are there, each as option name and value.
    pub fn defaults(&self) -> Vec<(&'static str, String)> {
        let switch = |on: bool| if on { "on" } else { "off" }.to_string();
        let path = |text: &String| expand(text).display().to_string();
        let all = [
            ("theme", self.theme.clone()),
            ("color", text(&self.color)),
            ("colormap", self.colormap.clone()),
            ("pictures", text(&self.pictures)),
            ("columns", text(&self.columns)),
            ("mouse", self.mouse.map(switch)),
            ("hover", self.hover.map(switch)),
            ("no_animation", self.no_animation.map(switch)),
            ("runs", self.runs.as_ref().map(path)),
            ("data", text(&self.data)),
            ("device", text(&self.device)),
            ("threads", self.threads.map(|n| n.to_string())),
            ("log_file", self.log_file.as_ref().map(path)),
            ("log_level", text(&self.log_level)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The images that the file names.
    pub fn data(&self) -> Option<&DataSource> {
        self.data.as_ref().map(|data| &data.0)
    }

    /// The theme that the file asks for.
    pub fn theme(&self) -> Option<&str> {
        self.theme.as_deref()
    }

    /// The colour map that the file asks for.
    pub fn colormap(&self) -> Option<&str> {
        self.colormap.as_deref()
    }
}

fn text<T: Display>(value: &Option<Parsed<T>>) -> Option<String> {
    value.as_ref().map(|value| value.0.to_string())
}

/// A value written as text, checked where it is read, so that faults have a place.
#[derive(Debug, Clone, PartialEq)]
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parsed<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Parsed).map_err(de::Error::custom)
    }
}

/// `auto` or the name of a colour depth.
#[derive(Debug, Clone, PartialEq)]
struct Depth(String);

/// The name of a level.
#[derive(Debug, Clone, PartialEq)]
struct Level(String);

fn one_of(what: &str, text: &str, names: &[&'static str]) -> Result<String, String> {
    if names.contains(&text) {
        return Ok(text.to_string());
    }
    Err(unknown(what, text, names))
}

impl FromStr for Depth {
    type Err = String;
    fn from_str(text: &str) -> Result<Depth, String> {
        let names: Vec<_> =
            std::iter::once("auto").chain(ColourDepth::ALL.map(ColourDepth::name)).collect();
        one_of("colour depth", text, &names).map(Depth)
    }
}

impl FromStr for Level {
    type Err = String;
    fn from_str(text: &str) -> Result<Level, String> {
        one_of("log level", text, &LEVELS).map(Level)
    }
}

impl Display for Depth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("config.ron")).map_err(|problem| problem.to_string())
    }

    #[test]
    fn settings_are_read_without_some() {
        let text = "(theme: \"dark\", color: \"256\", hover: true, threads: 3, device: \"gpu:1\",\n\
                    data: \"cifar10:x\", log_level: \"info\", mouse: None)";
        let config = parse(text).unwrap();
        let expected = [
            ("theme", "dark"),
            ("color", "256"),
            ("hover", "on"),
            ("data", "cifar10:x"),
            ("device", "gpu:1"),
            ("threads", "3"),
            ("log_level", "info"),
        ];
        let expected: Vec<_> = expected.map(|(n, v)| (n, v.to_string())).into();
        assert_eq!(config.defaults(), expected);
        assert_eq!(parse("()"), Ok(Config::default()));
        assert_eq!(parse("(threads: -1)").unwrap().defaults(), [("threads", "-1".to_string())]);
    }

    #[test]
    fn faults_have_a_place_and_a_remedy() {
        for (text, place, part) in [
            ("(\n  them: \"dark\",\n)", "config.ron:2:", "did you mean `theme`?"),
            ("(colour: \"256\")", "config.ron:1:", "did you mean `color`?"),
            ("(xyzzyx: 1)", "config.ron:1:", "the settings are theme, color"),
            ("(\n\n  color: \"truecolour\")", "config.ron:3:", "did you mean \"truecolor\"?"),
            ("(device: \"tpu\")", "config.ron:1:", "use auto, cpu, gpu or gpu:N"),
            ("(columns: \"depth,sead\")", "config.ron:1:", "did you mean \"seed\"?"),
            ("(threads: 0)", "config.ron:1:", ""),
            ("(threads: 1.5)", "config.ron:1:", ""),
            ("(threads: \"two\")", "config.ron:1:", ""),
            ("(data: \"mnist\")", "config.ron:1:", "mnist"),
            ("(log_level: \"wran\")", "config.ron:1:", "did you mean \"warn\"?"),
            ("(mouse: true, mouse: true)", "config.ron:1:", "twice"),
            ("(mouse: true", "config.ron:1:", ""),
            ("", "config.ron:1:1", ""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(place) && error.contains(part), "{text:?}: {error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}", value in "[a-z0-9:\"()\\[\\]]{0,12}") {
            let _ = parse(&text);
            let _ = parse(&format!("(theme: {value}, device: \"{value}\")"));
        }
    }
}
