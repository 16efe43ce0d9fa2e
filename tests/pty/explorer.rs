//! The program's explorer on such a terminal.

use std::io::Write as _;
use std::path::Path;

use crate::terminal::Terminal;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_blockscope");
/// A shipped run that has a map. Its images are not there, so that nothing arrives
/// late.
pub const RUN: &str = "resnet38-w2-cifar10-64th-s0";
/// A shipped run whose images the program draws itself, so that it can compute.
pub const SHAPES: &str = "resnet14-shapes-s0";

/// The explorer in a folder of its own.
pub struct Explorer {
    pub terminal: Terminal,
    /// Its folder, unless it is another's.
    pub own: Option<tempfile::TempDir>,
}

impl Explorer {
    /// On a run's map, after its first frame; `None` after saying why not.
    pub fn open(size: (u16, u16), variables: &[(&str, &str)], args: &[&str]) -> Option<Explorer> {
        Explorer::open_run(RUN, size, variables, args)
    }

    pub fn open_run(
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let explorer = Explorer::start(run, size, variables, args)?;
        explorer.terminal.wait("the map", |seen| seen.has(run) && seen.has("CKA"));
        Some(explorer)
    }

    pub fn start(
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let home = tempfile::tempdir().unwrap();
        let explorer = Explorer::start_in(home.path(), run, size, variables, args)?;
        Some(Explorer { own: Some(home), ..explorer })
    }

    /// In a folder that outlives it.
    pub fn open_in(
        home: &Path,
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let explorer = Explorer::start_in(home, run, size, variables, args)?;
        explorer.terminal.wait("the map", |seen| seen.has(run) && seen.has("CKA"));
        Some(explorer)
    }

    fn start_in(
        home: &Path,
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let fixed = ["--device", "cpu", "--threads", "1", run];
        let program: Vec<&str> = [PROGRAM].into_iter().chain(fixed).chain(args.to_vec()).collect();
        let terminal = start(size, home, variables, &program)?;
        Some(Explorer { terminal, own: None })
    }

    /// The folder that it runs in, if it is its own.
    pub fn home(&self) -> &Path {
        self.own.as_ref().unwrap().path()
    }

    pub fn quit(mut self) {
        self.terminal.send(b"\x03");
        assert_eq!(self.terminal.exit_code(), 0);
        self.terminal.assert_no_trace();
    }
}

pub fn start(
    size: (u16, u16),
    home: &Path,
    variables: &[(&str, &str)],
    program: &[&str],
) -> Option<Terminal> {
    match Terminal::start(size, home, variables, program) {
        Ok(terminal) => Some(terminal),
        Err(why) => {
            // past the harness's capture
            let _ = writeln!(std::io::stderr(), "test of the terminal skipped: {why}");
            None
        }
    }
}

pub const DIRECT: (&str, &str) = ("COLORTERM", "truecolor");
pub const SIZE: (u16, u16) = (120, 40);

/// Names a failure that a developer build provokes.
pub const FAILURE: &str = "BLOCKSCOPE_TEST_FAILURE";
