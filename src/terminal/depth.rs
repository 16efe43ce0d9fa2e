//! How many colours the terminal has. The user's word counts first, then what
//! the environment says, step by step; an unknown terminal is never taken for
//! truecolor. Pure over an environment that is given; `here` is the real one.
//!
//! `--color` > `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR_FORCE` > an answer of the
//! terminal > tmux > `TERM_PROGRAM`, `COLORTERM` > terminfo > `TERM` > 16

use std::collections::HashMap;

use crate::app::ColourDepth;

use super::query;

/// One step: where it looked and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `COLORTERM`, for example.
    pub name: &'static str,
    /// What is there, in words.
    pub found: String,
    /// The depth that follows, if one does.
    pub depth: Option<ColourDepth>,
}

/// Every step and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// Steps in order; the first with a depth decides.
    pub steps: Vec<Step>,
    /// The depth to use.
    pub depth: ColourDepth,
    /// True if asking the terminal could change that.
    pub ask: bool,
    /// What to do where something between the program and the terminal hides colours.
    pub hint: Option<&'static str>,
}

/// What tmux and screen need to pass all colours on.
const TMUX: &str = "tmux hides colours: in tmux.conf, set -as terminal-features ',*:RGB'";
const SCREEN: &str = "screen hides colours: version 5 shows all with truecolor on in screenrc";

/// What is known without asking the terminal.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: HashMap<String, String>,
    /// Whether terminfo says that `TERM` has direct colours, if it says.
    pub direct: Option<bool>,
    /// The number of colours that terminfo has for `TERM`.
    pub colours: Option<i32>,
    /// What tmux says that its own terminal can do, inside tmux.
    pub tmux: Option<String>,
}

/// Variables that are looked at.
const VARIABLES: [&str; 9] = [
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "TERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMUX",
    "STY",
];

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Surroundings {
        let value = |name: &str| Some((name.to_string(), std::env::var(name).ok()?));
        let variables: HashMap<_, _> = VARIABLES.iter().filter_map(|name| value(name)).collect();
        let tmux = variables.get("TMUX").filter(|v| !v.is_empty()).and_then(|_| tmux_features());
        let mut here = Surroundings { variables, tmux, ..Surroundings::default() };
        (here.direct, here.colours) = terminfo(&here.variables);
        if cfg!(windows) && here.get("TERM").is_none() {
            // its version tells
            let settings = termprofile::DetectorSettings::default();
            let profile = termprofile::TermProfile::detect(&std::io::stdout(), settings);
            here.direct = Some(profile == termprofile::TermProfile::TrueColor);
        }
        here
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// What terminfo says about `TERM`: direct colours, and how many.
fn terminfo(variables: &HashMap<String, String>) -> (Option<bool>, Option<i32>) {
    use termprofile::{DetectorSettings, TermVars};
    let settings = DetectorSettings::default().enable_tmux_info(false);
    let found = TermVars::from_source(variables, &std::io::stdout(), settings).terminfo;
    (found.truecolor, found.max_colors)
}

/// `256,RGB,title`: what tmux knows of the terminal that it is shown on.
fn tmux_features() -> Option<String> {
    let mut tmux = std::process::Command::new("tmux");
    tmux.args(["display-message", "-p", "#{client_termfeatures}"]);
    let out = tmux.stdin(std::process::Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).trim().to_string();
    (out.status.success() && !text.is_empty()).then_some(text)
}

/// Goes through the steps; `answer` is the terminal's, if it was asked.
pub fn detect_in(
    around: &Surroundings,
    chosen: Option<ColourDepth>,
    answer: Option<&query::Answer>,
) -> Detection {
    let mut steps = Vec::new();
    let mut add = |name, found: Option<&str>, depth: Option<ColourDepth>| {
        steps.push(Step { name, found: found.unwrap_or("not set").to_string(), depth });
    };
    add("--color", chosen.map(ColourDepth::name), chosen);
    for (name, depth) in [
        ("NO_COLOR", no_color as fn(&Surroundings, &str) -> Option<ColourDepth>),
        ("FORCE_COLOR", force_color),
        ("CLICOLOR_FORCE", clicolor_force),
    ] {
        let value = around.get(name);
        add(name, value, value.and_then(|value| depth(around, value)));
    }
    let forced = steps.iter().any(|step| step.depth.is_some());
    steps.push(asked(answer));
    let (tmux, program) = (tmux(around), environment(around));
    steps.extend(tmux.into_iter().chain(program));
    let depth = steps.iter().find_map(|step| step.depth).unwrap_or(ColourDepth::Ansi16);
    let term = around.get("TERM").unwrap_or("");
    // inside tmux it is tmux that would answer
    let silent = term == "dumb" || term.starts_with("linux") || in_tmux(around);
    let ask = !forced && depth < ColourDepth::Truecolor && !silent && answer.is_none();
    let shown = forced || !(ColourDepth::Ansi16..ColourDepth::Truecolor).contains(&depth);
    let hint = match (around.get("STY"), in_tmux(around) || term.starts_with("screen")) {
        _ if shown => None,
        (Some(_), _) => Some(SCREEN),
        (None, true) => Some(TMUX),
        (None, false) => None,
    };
    Detection { steps, depth, ask, hint }
}

fn no_color(_: &Surroundings, _: &str) -> Option<ColourDepth> {
    Some(ColourDepth::Mono)
}

/// A number of levels (0 to 3) or a wish for any colour.
fn force_color(around: &Surroundings, value: &str) -> Option<ColourDepth> {
    Some(match value {
        "0" | "false" => ColourDepth::Mono,
        "2" => ColourDepth::Indexed256,
        "3" => ColourDepth::Truecolor,
        _ => guess(around).max(ColourDepth::Ansi16),
    })
}

fn clicolor_force(around: &Surroundings, value: &str) -> Option<ColourDepth> {
    (value != "0").then(|| guess(around).max(ColourDepth::Ansi16))
}

/// What the terminal would be taken for without a wish.
fn guess(around: &Surroundings) -> ColourDepth {
    let steps = tmux(around).into_iter().chain(environment(around));
    steps.filter_map(|step| step.depth).next().unwrap_or(ColourDepth::Ansi16)
}

fn asked(answer: Option<&query::Answer>) -> Step {
    let (found, depth) = match answer {
        None => ("not asked", None),
        Some(a) if a.truecolour => ("shows 24-bit colours", Some(ColourDepth::Truecolor)),
        Some(a) if a.answered => ("does not say", None),
        Some(_) => ("no answer in time", None),
    };
    Step { name: "terminal", found: found.to_string(), depth }
}

fn in_tmux(around: &Surroundings) -> bool {
    around.get("TMUX").is_some() || around.get("TERM").is_some_and(|t| t.starts_with("tmux"))
}

/// Inside tmux only tmux knows; `COLORTERM` is that of whoever started it.
fn tmux(around: &Surroundings) -> Option<Step> {
    if !in_tmux(around) {
        return None;
    }
    let features = around.tmux.as_deref();
    let direct = features.is_some_and(|f| f.split(',').any(|f| f == "RGB"));
    let depth = if direct { ColourDepth::Truecolor } else { ColourDepth::Indexed256 };
    let found = features.unwrap_or("does not say");
    Some(Step { name: "tmux", found: found.to_string(), depth: Some(depth) })
}

/// `TERM_PROGRAM`, `COLORTERM`, terminfo and `TERM`.
fn environment(around: &Surroundings) -> Vec<Step> {
    let step = |name, found: Option<&str>, depth| Step {
        name,
        found: found.unwrap_or("not set").to_string(),
        depth,
    };
    let program = around.get("TERM_PROGRAM");
    let colorterm = around.get("COLORTERM");
    let screen = around.get("STY").is_some()
        || around.get("TERM").is_some_and(|t| t == "screen" || t.starts_with("screen."));
    let direct = !screen && colorterm.is_some_and(|v| matches!(v, "truecolor" | "24bit"));
    let (info, depth) = match (around.direct, around.colours) {
        (Some(true), _) => ("direct colours".to_string(), Some(ColourDepth::Truecolor)),
        (_, Some(n)) if n >= 1 << 24 => (format!("{n} colours"), Some(ColourDepth::Truecolor)),
        (_, Some(n)) if n >= 256 => (format!("{n} colours"), Some(ColourDepth::Indexed256)),
        (_, Some(n)) => (format!("{n} colours"), None),
        (_, None) => ("does not say".to_string(), None),
    };
    let term = around.get("TERM");
    vec![
        step("TERM_PROGRAM", program, program.and_then(|name| by_program(around, name))),
        step("COLORTERM", colorterm, direct.then_some(ColourDepth::Truecolor)),
        step("terminfo", Some(&info), depth),
        step("TERM", term, Some(term.map_or(ColourDepth::Ansi16, by_name))),
    ]
}

/// Apple's Terminal has 24 bits from version 465 on and says nothing about it.
fn by_program(around: &Surroundings, name: &str) -> Option<ColourDepth> {
    let version = around.get("TERM_PROGRAM_VERSION").unwrap_or("");
    let major: u32 = version.split('.').next().and_then(|v| v.parse().ok()).unwrap_or(0);
    (name == "Apple_Terminal").then_some(match major {
        465.. => ColourDepth::Truecolor,
        _ => ColourDepth::Indexed256,
    })
}

fn by_name(term: &str) -> ColourDepth {
    const DIRECT: [&str; 5] = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm"];
    if term == "dumb" || term.ends_with("-m") || term.ends_with("-mono") {
        ColourDepth::Mono
    } else if DIRECT.contains(&term) || term.ends_with("-direct") {
        ColourDepth::Truecolor
    } else if term.contains("256color") {
        ColourDepth::Indexed256
    } else {
        ColourDepth::Ansi16
    }
}

/// Detects without asking the terminal.
pub fn detect(chosen: Option<ColourDepth>) -> Detection {
    detect_in(&Surroundings::here(), chosen, None)
}

/// Detects and asks the terminal, if it is one and if that could matter.
pub fn detect_and_ask(chosen: Option<ColourDepth>) -> Detection {
    use std::io::IsTerminal as _;
    let around = Surroundings::here();
    let first = detect_in(&around, chosen, None);
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !first.ask || !terminal || crossterm::terminal::enable_raw_mode().is_err() {
        return first;
    }
    let answer = query::ask(query::LONG);
    let _ = crossterm::terminal::disable_raw_mode();
    match answer {
        Ok(answer) => detect_in(&around, chosen, Some(&answer)),
        Err(_) => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColourDepth::{Ansi16, Indexed256, Mono, Truecolor};

    fn around(variables: &[(&str, &str)]) -> Surroundings {
        let variables =
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Surroundings { variables, ..Surroundings::default() }
    }

    fn depth(variables: &[(&str, &str)]) -> ColourDepth {
        detect_in(&around(variables), None, None).depth
    }

    const XTERM: (&str, &str) = ("TERM", "xterm-256color");
    const DIRECT: (&str, &str) = ("COLORTERM", "truecolor");

    #[test]
    fn an_unknown_terminal_is_never_truecolor() {
        for term in ["", "unheard-of", "xterm", "screen", "linux", "vt220", "st", "rxvt"] {
            assert_eq!(depth(&[("TERM", term)]), Ansi16, "{term}");
        }
        assert_eq!(depth(&[]), Ansi16);
        assert_eq!(depth(&[XTERM]), Indexed256);
        assert_eq!(depth(&[("TERM", "screen.xterm-256color"), DIRECT]), Indexed256);
        assert_eq!(depth(&[("TERM", "dumb")]), Mono);
        assert_eq!(depth(&[XTERM, ("COLORTERM", "1")]), Indexed256);
    }

    #[test]
    fn every_step_gives_way_to_those_before_it() {
        assert_eq!(depth(&[XTERM, DIRECT]), Truecolor);
        assert_eq!(depth(&[XTERM, DIRECT, ("NO_COLOR", "anything")]), Mono);
        assert_eq!(depth(&[XTERM, DIRECT, ("NO_COLOR", "")]), Truecolor, "empty is not set");
        assert_eq!(depth(&[XTERM, ("FORCE_COLOR", "3")]), Truecolor);
        assert_eq!(depth(&[XTERM, DIRECT, ("FORCE_COLOR", "2")]), Indexed256);
        assert_eq!(depth(&[XTERM, ("FORCE_COLOR", "0")]), Mono);
        assert_eq!(depth(&[XTERM, ("FORCE_COLOR", "1")]), Indexed256, "any colour: what there is");
        assert_eq!(depth(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]), Ansi16);
        assert_eq!(depth(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "0")]), Mono);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("FORCE_COLOR", "3")]), Mono);
        let chosen = detect_in(&around(&[("NO_COLOR", "1")]), Some(Indexed256), None);
        assert_eq!((chosen.depth, chosen.ask), (Indexed256, false));
    }

    #[test]
    fn terminfo_and_names_that_are_known() {
        let mut xterm = around(&[XTERM]);
        xterm.direct = Some(true);
        assert_eq!(detect_in(&xterm, None, None).depth, Truecolor);
        let mut plain = around(&[("TERM", "xterm")]);
        for (colours, want) in [(8, Ansi16), (256, Indexed256), (1 << 24, Truecolor)] {
            plain.colours = Some(colours);
            assert_eq!(detect_in(&plain, None, None).depth, want);
        }
        for term in ["xterm-kitty", "alacritty", "xterm-direct", "foot"] {
            assert_eq!(depth(&[("TERM", term)]), Truecolor, "{term}");
        }
        let apple = ("TERM_PROGRAM", "Apple_Terminal");
        for (version, want) in [("455.1", Indexed256), ("465", Truecolor), ("", Indexed256)] {
            assert_eq!(depth(&[XTERM, apple, ("TERM_PROGRAM_VERSION", version)]), want);
        }
    }

    #[test]
    fn inside_tmux_tmux_knows() {
        let tmux = [("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0"), DIRECT];
        let mut inside = around(&tmux);
        assert_eq!(detect_in(&inside, None, None).depth, Indexed256, "COLORTERM lies there");
        inside.tmux = Some("256,RGB,title".into());
        assert_eq!(detect_in(&inside, None, None).depth, Truecolor);
        inside.tmux = Some("256,title".into());
        assert_eq!(detect_in(&inside, None, None).depth, Indexed256);
    }

    #[test]
    fn the_terminals_answer_raises_and_nothing_else() {
        let yes = query::Answer { truecolour: true, answered: true, ..query::Answer::default() };
        let no = query::Answer { answered: true, ..query::Answer::default() };
        let xterm = around(&[XTERM]);
        assert!(detect_in(&xterm, None, None).ask);
        assert_eq!(detect_in(&xterm, None, Some(&yes)).depth, Truecolor);
        assert_eq!(detect_in(&xterm, None, Some(&no)).depth, Indexed256);
        let told = around(&[XTERM, ("NO_COLOR", "1")]);
        assert_eq!(detect_in(&told, None, Some(&yes)).depth, Mono);
        // asked only where the answer can matter
        let tmux = [XTERM, ("TMUX", "/tmp/x,1,0")];
        for variables in [&[XTERM, DIRECT][..], &[("TERM", "dumb")], &[("TERM", "linux")], &tmux] {
            assert!(!detect_in(&around(variables), None, None).ask, "{variables:?}");
        }
        assert!(!detect_in(&told, None, None).ask);
    }

    #[test]
    fn each_step_says_what_it_found() {
        let found = detect_in(&around(&[XTERM, DIRECT]), None, None);
        let names: Vec<&str> = found.steps.iter().map(|step| step.name).collect();
        let want = ["--color", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "terminal"];
        assert_eq!(names[..5], want);
        assert_eq!(names[5..], ["TERM_PROGRAM", "COLORTERM", "terminfo", "TERM"]);
        assert_eq!(found.steps[6].found, "truecolor");
        assert_eq!(found.steps[0].found, "not set");
    }
    #[test]
    fn what_hides_colours_is_named_with_its_remedy() {
        let hint = |variables: &[(&str, &str)]| detect_in(&around(variables), None, None).hint;
        for term in ["tmux-256color", "tmux", "screen-256color", "screen"] {
            let found = hint(&[("TERM", term)]).unwrap();
            assert!(found.contains("set -as terminal-features ',*:RGB'"), "{term}: {found}");
        }
        assert_eq!(hint(&[XTERM, ("TMUX", "/tmp/x,1,0")]), Some(TMUX));
        assert_eq!(hint(&[("TERM", "screen-256color"), ("STY", "1.pts")]), Some(SCREEN));
        // nothing is hidden, or somebody wants it so
        assert_eq!(hint(&[XTERM]), None);
        assert_eq!(hint(&[("TERM", "tmux-256color"), ("NO_COLOR", "1")]), None);
        assert_eq!(hint(&[("TERM", "tmux-256color"), ("FORCE_COLOR", "2")]), None);
        let mut shows = around(&[XTERM, ("TMUX", "/tmp/x,1,0")]);
        shows.tmux = Some("256,RGB,title".into());
        assert_eq!(detect_in(&shows, None, None).hint, None);
        let chosen = detect_in(&around(&[("TERM", "tmux-256color")]), Some(Indexed256), None);
        assert_eq!(chosen.hint, None);
    }
}
