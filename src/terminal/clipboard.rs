//! Text to a clipboard: through the terminal (OSC 52), which works over any
//! number of SSH connections, or through a program of the desktop. Neither says
//! whether the text arrived, so nothing here claims that it did.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;

use crate::app::Input;

use super::Event;

/// Longest text for OSC 52: sequences of 100,000 bytes are what terminals are
/// known to take.
pub const OSC52_MAX: usize = 74_991;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// A program that takes text on its standard input.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name, looked for in `PATH`.
    pub program: &'static str,
    args: &'static [&'static str],
    /// A variable that must be set, or the program has no clipboard to reach.
    needs: Option<&'static str>,
    /// Whether it takes UTF-16 instead of UTF-8.
    utf16: bool,
}

const fn tool(
    program: &'static str,
    args: &'static [&'static str],
    needs: Option<&'static str>,
) -> Tool {
    Tool { program, args, needs, utf16: false }
}

/// Programs of a desktop, the first that is there is taken.
const DESKTOP: [Tool; 5] = [
    tool("wl-copy", &[], Some("WAYLAND_DISPLAY")),
    tool("xclip", &["-selection", "clipboard"], Some("DISPLAY")),
    tool("xsel", &["--clipboard", "--input"], Some("DISPLAY")),
    tool("pbcopy", &[], None),
    Tool { program: "clip.exe", args: &[], needs: None, utf16: true },
];

/// tmux takes the text into a buffer and sends it on to its terminal. By default
/// (`set-clipboard external`) it does not pass on the sequences of programs in it.
const TMUX: Tool = tool("tmux", &["load-buffer", "-w", "-"], Some("TMUX"));

/// The way that a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// OSC 52, written to the terminal.
    Terminal,
    /// A program.
    Tool(&'static Tool),
}

/// The way in an environment, given which programs there are. Over SSH the
/// desktop's programs would reach the clipboard of the wrong machine.
pub fn route(variable: impl Fn(&str) -> Option<String>, has: impl Fn(&str) -> bool) -> Route {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let works = |tool: &&Tool| tool.needs.is_none_or(set) && has(tool.program);
    let remote = set("SSH_CONNECTION");
    let desktop = DESKTOP.iter().find(|tool| !remote && works(tool));
    match desktop.or_else(|| Some(&TMUX).filter(works)) {
        Some(tool) => Route::Tool(tool),
        None => Route::Terminal,
    }
}

/// The way from here.
pub fn route_here() -> Route {
    let path = std::env::var_os("PATH").unwrap_or_default();
    route(|name| std::env::var(name).ok(), |program| is_in(&path, program))
}

fn is_in(path: &OsStr, program: &str) -> bool {
    std::env::split_paths(path).any(|folder| is_program(&folder.join(program)))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// The sequence that asks the terminal to keep a text.
///
/// # Errors
/// One line if the text is longer than terminals take.
pub fn sequence(text: &str) -> Result<Vec<u8>, String> {
    if text.len() > OSC52_MAX {
        let kb = text.len().div_ceil(1000);
        let most = OSC52_MAX / 1000;
        return Err(format!(
            "{kb} kB of text are more than the {most} kB that a terminal's clipboard takes"
        ));
    }
    let mut out = String::new();
    CopyToClipboard::to_clipboard_from(text)
        .write_ansi(&mut out)
        .map_err(|_| "the text cannot be encoded".to_string())?;
    Ok(out.into_bytes())
}

/// What is said about a text that went a way.
pub fn sent(what: &str, route: Route) -> String {
    match route {
        Route::Terminal => format!("sent {what} to the terminal's clipboard (OSC 52)"),
        Route::Tool(tool) => format!("sent {what} to {}", tool.program),
    }
}

/// Sends a text to a program from a thread of its own; the outcome is an event.
pub(super) fn spawn(tool: &'static Tool, text: String, what: String, events: Sender<Event>) {
    let failed = events.clone();
    let copy = text.clone();
    let work = move || {
        let event = match pipe(tool, &text, PATIENCE) {
            Ok(()) => Event::Input(Input::Copied(Ok(sent(&what, Route::Tool(tool))))),
            Err(why) => Event::NotCopied { text, what, why },
        };
        let _ = events.send(event);
    };
    if let Err(error) = thread::Builder::new().name("clipboard".into()).spawn(work) {
        let why = error.to_string();
        let _ = failed.send(Event::NotCopied { text: copy, what: String::new(), why });
    }
}

/// Runs a program with the text on its standard input.
fn pipe(tool: &Tool, text: &str, patience: Duration) -> Result<(), String> {
    let named = |e: io::Error| format!("{}: {e}", tool.program);
    let bytes = match tool.utf16 {
        false => text.as_bytes().to_vec(),
        true => {
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
    };
    let mut child = Command::new(tool.program)
        .args(tool.args)
        .stdin(Stdio::piped())
        // some stay behind to serve the text: they must not hold our terminal
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(named)?;
    let stdin = child.stdin.take();
    // in a thread: a program that does not read must not hold us
    let writer = thread::Builder::new()
        .name("clipboard-writer".into())
        .spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&bytes)));
    let outcome = wait(&mut child, patience).map_err(named);
    if !matches!(outcome, Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    writer.map_err(named)?.join().map_err(|_| "it failed unexpectedly")?.map_err(named)?;
    match outcome? {
        Some(true) => Ok(()),
        Some(false) => Err(format!("{} failed", tool.program)),
        None => Err(format!("{} did not end", tool.program)),
    }
}

/// Waits for the end of a program: whether it was a success, or `None` if it
/// did not come in time.
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<bool>> {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn way(variables: &[(&str, &str)], programs: &[&str]) -> String {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(ToString::to_string);
        match route(variable, |program| programs.contains(&program)) {
            Route::Terminal => "terminal".into(),
            Route::Tool(tool) => tool.program.into(),
        }
    }

    #[test]
    fn the_desktop_here_the_terminal_there() {
        let all = ["wl-copy", "xclip", "xsel", "pbcopy", "tmux"];
        let (x, wayland) = (("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0"));
        let (ssh, tmux) = (("SSH_CONNECTION", "a 1 b 22"), ("TMUX", "/tmp/tmux,1,0"));
        assert_eq!(way(&[x, wayland], &all), "wl-copy");
        assert_eq!(way(&[x], &all), "xclip");
        assert_eq!(way(&[x], &["xsel"]), "xsel");
        assert_eq!(way(&[], &["pbcopy"]), "pbcopy");
        assert_eq!(way(&[], &["xclip", "tmux"]), "terminal", "no display, not in tmux");
        assert_eq!(way(&[("DISPLAY", "")], &["xclip"]), "terminal");
        // forwarded displays too: the terminal's own clipboard is the near one
        assert_eq!(way(&[ssh, x, wayland], &all), "terminal");
        assert_eq!(way(&[ssh], &["pbcopy"]), "terminal");
        assert_eq!(way(&[ssh, tmux], &all), "tmux");
        assert_eq!(way(&[tmux], &["tmux"]), "tmux");
        assert_eq!(way(&[tmux, x], &all), "xclip");
        assert_eq!(way(&[ssh, tmux], &[]), "terminal");
    }

    #[test]
    fn the_sequence_carries_the_text_and_has_a_limit() {
        assert_eq!(sequence("a × b").unwrap(), b"\x1b]52;c;YSDDlyBi\x1b\\");
        let longest = "x".repeat(OSC52_MAX);
        let bytes = sequence(&longest).unwrap();
        assert!(bytes.len() <= 100_000, "{}", bytes.len());
        let why = sequence(&(longest + "x")).unwrap_err();
        assert!(why.contains("75 kB") && why.contains("74 kB"), "{why}");
        assert!(sent("it", Route::Terminal).starts_with("sent it"));
        assert_eq!(sent("it", Route::Tool(&TMUX)), "sent it to tmux");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_gets_the_text_and_a_stuck_or_missing_one_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clip");
        let script: &'static str = format!("cat >{}", file.display()).leak();
        let shell = |script: &'static str| -> &'static [&'static str] {
            Box::leak(Box::new(["-c", script]))
        };
        let text = "layer1 × layer2\n".repeat(20_000);
        pipe(&tool("sh", shell(script), None), &text, PATIENCE).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        let why = pipe(&tool("sh", shell("cat >/dev/null; exit 3"), None), "x", PATIENCE);
        assert_eq!(why.unwrap_err(), "sh failed");
        let began = Instant::now();
        let stuck = tool("sh", shell("exec sleep 60"), None);
        assert!(pipe(&stuck, &text, Duration::from_millis(100)).is_err());
        assert!(began.elapsed() < Duration::from_secs(30));
        let why = pipe(&tool("no-such-program-here", &[], None), "x", PATIENCE).unwrap_err();
        assert!(why.starts_with("no-such-program-here: "), "{why}");
    }

    #[cfg(unix)]
    #[test]
    fn programs_are_looked_for_in_the_path() {
        let path = std::env::var_os("PATH").unwrap();
        assert!(is_in(&path, "sh") && !is_in(&path, "no-such-program-here"));
        assert!(!is_in(OsStr::new(""), "sh") && !is_in(OsStr::new("/"), "etc"));
    }
}
