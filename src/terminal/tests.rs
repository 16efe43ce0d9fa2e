//! Bytes: what is written is what was drawn, and little of it.

mod replay;

use std::io::IsTerminal;
use std::path::PathBuf;

use crossterm::event::{KeyCode as Code, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::backend::{FrameBackend, encode, plain};
use super::worker::{Request, serve};
use super::*;
use crate::app::complete::PathRequest;
use crate::app::jobs::{JobId, JobKind, JobRequest, JobUpdate, Picture};
use crate::app::port::{JobNews, Port};
use crate::app::{
    App, ColourDepth, ExportRequest, GridRequest, Input, Key, KeyCode, Look, MapMode, update,
};
use crate::domain::Map;
use crate::fixtures::{demo, demo_pruned};
use crate::runs::{LoadedRun, RunId, RunSummary};
use crate::theme::ThemeSet;
use crate::ui::{self, Skin};

/// An app on a terminal that an emulator plays.
struct Screen {
    app: App,
    themes: ThemeSet,
    skin: Skin,
    terminal: Terminal<FrameBackend<Vec<u8>>>,
    emulator: vt100::Parser,
    /// Bytes that the emulator has seen.
    seen: usize,
}

impl Screen {
    fn new(depth: usize, size: (u16, u16), colours: ColourDepth) -> Screen {
        let themes = ThemeSet::builtin().unwrap();
        let app = demo::app(Look::new(&themes, None, colours), depth, size);
        Screen::of(app, themes)
    }

    fn of(app: App, themes: ThemeSet) -> Screen {
        let skin = Skin::new(&themes, &app.look);
        let terminal = Terminal::new(FrameBackend::new(Vec::new(), app.size)).unwrap();
        let emulator = emulator(app.size);
        Screen { app, themes, skin, terminal, emulator, seen: 0 }
    }

    /// Draws and returns the bytes of the frame.
    fn draw(&mut self) -> usize {
        if !self.skin.matches(&self.app.look) {
            self.skin = Skin::new(&self.themes, &self.app.look);
        }
        let (app, skin) = (&self.app, &self.skin);
        self.terminal.draw(|frame| ui::draw(app, skin, frame)).unwrap();
        self.terminal.backend_mut().end_frame().unwrap()
    }

    fn press(&mut self, key: char) -> usize {
        self.input(Input::Key(Key::char(key)))
    }

    /// Takes an input, draws, and returns the bytes of the frame.
    fn input(&mut self, input: Input) -> usize {
        update(&mut self.app, input);
        let size = self.emulated().size();
        if self.app.size != size {
            self.terminal.backend_mut().set_size(self.app.size);
            self.emulator = emulator(self.app.size);
        }
        self.draw()
    }

    /// The terminal shows what was drawn.
    fn check(&mut self) {
        let expected = self.expected();
        assert_shows(self.emulated().screen(), &expected);
    }

    /// What a terminal shows after everything written so far.
    fn emulated(&mut self) -> Emulated<'_> {
        let written = self.terminal.backend().writer();
        self.emulator.process(&written[self.seen..]);
        self.seen = written.len();
        Emulated(&self.emulator)
    }

    /// What should be there.
    fn expected(&self) -> Buffer {
        let (w, h) = self.app.size;
        let mut terminal = Terminal::new(ratatui::backend::TestBackend::new(w, h)).unwrap();
        terminal.draw(|frame| ui::draw(&self.app, &self.skin, frame)).unwrap();
        terminal.backend().buffer().clone()
    }
}

struct Emulated<'a>(&'a vt100::Parser);

impl Emulated<'_> {
    fn screen(&self) -> &vt100::Screen {
        self.0.screen()
    }

    fn size(&self) -> (u16, u16) {
        let (h, w) = self.screen().size();
        (w.get(), h.get())
    }
}

fn emulator((w, h): (u16, u16)) -> vt100::Parser {
    let cells = |n| std::num::NonZero::new(n).unwrap();
    vt100::Parser::new(cells(h), cells(w), 0)
}

fn same_colour(have: vt100::Color, want: Color) -> bool {
    match want {
        Color::Reset => have == vt100::Color::Default,
        Color::Indexed(n) => have == vt100::Color::Idx(n),
        Color::Rgb(r, g, b) => have == vt100::Color::Rgb(r, g, b),
        named => {
            use Color::*;
            let order = [
                Black,
                Red,
                Green,
                Yellow,
                Blue,
                Magenta,
                Cyan,
                Gray,
                DarkGray,
                LightRed,
                LightGreen,
                LightYellow,
                LightBlue,
                LightMagenta,
                LightCyan,
                White,
            ];
            order
                .iter()
                .position(|c| *c == named)
                .is_some_and(|n| have == vt100::Color::Idx(n as u8))
        }
    }
}

/// Compares what is seen: a blank has no foreground, equal halves are a blank.
fn assert_shows(screen: &vt100::Screen, want: &Buffer) {
    for y in 0..want.area.height {
        for x in 0..want.area.width {
            let (cell, have) = (&want[(x, y)], screen.cell(y, x).unwrap());
            if have.is_wide_continuation() {
                // the second column of the cell before
                assert_eq!(cell.symbol(), " ", "{x},{y}");
                continue;
            }
            let symbol = if have.contents().is_empty() { " " } else { have.contents() };
            let place = format!("{x},{y}: {symbol:?} for {cell:?}");
            assert!(
                same_colour(have.bgcolor(), cell.bg),
                "background at {place} is {:?}",
                have.bgcolor()
            );
            let blank = symbol == " " && !cell.modifier.contains(Modifier::REVERSED);
            if blank {
                let halves = cell.symbol() == "▀" && cell.fg == cell.bg;
                assert!(halves || cell.symbol() == " ", "{place}");
            } else {
                assert_eq!(symbol, plain(cell.symbol()), "{place}");
                assert!(
                    same_colour(have.fgcolor(), cell.fg),
                    "foreground at {place} is {:?}",
                    have.fgcolor()
                );
            }
            assert_eq!(have.inverse(), cell.modifier.contains(Modifier::REVERSED), "{place}");
            if !blank {
                assert_eq!(have.bold(), cell.modifier.contains(Modifier::BOLD), "{place}");
            }
        }
    }
}

#[test]
fn no_change_writes_nothing() {
    let mut screen = Screen::new(38, (120, 40), ColourDepth::Truecolor);
    assert!(screen.draw() > 1000);
    let before = screen.terminal.backend().written();
    assert_eq!(screen.draw(), 0);
    // an input without a visible effect
    update(&mut screen.app, Input::Device("cpu (flex, 2 threads)".into()));
    assert_eq!(screen.draw(), 0);
    assert_eq!(screen.terminal.backend().written(), before);
    assert_eq!(before.frames, 1);
    assert_eq!(before.bytes as usize, screen.terminal.backend().writer().len());
}

#[test]
fn cursor_moves_are_cheap() {
    for colours in [ColourDepth::Truecolor, ColourDepth::Indexed256] {
        for (depth, size) in [(20, (80, 24)), (38, (120, 40)), (110, (200, 60))] {
            let mut screen = Screen::new(depth, size, colours);
            screen.draw();
            let mut worst = 0;
            for key in "jjjjjjjjllllllllkkkkhhhh".chars() {
                worst = worst.max(screen.press(key));
            }
            println!("{size:?} {colours:?}: cursor move at most {worst} bytes");
            assert!(worst < 400, "{size:?} {colours:?}: {worst} bytes");
        }
    }
}

#[test]
fn other_rows_are_cheap_with_everything_in_the_inspector() {
    let themes = ThemeSet::builtin().unwrap();
    for colours in [ColourDepth::Truecolor, ColourDepth::Indexed256] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let app = demo::full_app(Look::new(&themes, None, colours), 38, size);
            let mut screen = Screen::of(app, themes.clone());
            let first = screen.draw();
            let (mut columns, mut rows) = (0, 0);
            for tab in 0..5 {
                for key in "llllllllhhhh".chars() {
                    columns = columns.max(screen.press(key));
                }
                for key in "jjjjjjjjkkkk]]]]".chars() {
                    rows = rows.max(screen.press(key));
                }
                screen.check();
                println!("{size:?} {colours:?} tab {tab}: columns {columns}, rows {rows} bytes");
                screen.input(Input::Key(Key::plain(KeyCode::Tab)));
            }
            assert!(first < 60_000 || size == (200, 60), "{size:?} {colours:?}: {first}");
            assert!(columns < 400, "{size:?} {colours:?}: {columns} bytes");
            assert!(rows < 8_000, "{size:?} {colours:?}: {rows} bytes");
        }
    }
}

#[test]
fn the_curve_above_the_map_moves_for_few_bytes() {
    let themes = ThemeSet::builtin().unwrap();
    for colours in [ColourDepth::Truecolor, ColourDepth::Indexed256] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            for depth in [20, 38, 110] {
                let look = Look::new(&themes, None, colours);
                let app = demo::full_app(look, depth, size);
                let mut screen = Screen::of(app, themes.clone());
                screen.draw();
                let mut columns = 0;
                for strip in "iii".chars() {
                    screen.press(strip);
                    for key in "llllllllhhhh".chars() {
                        columns = columns.max(screen.press(key));
                    }
                    for key in "jjjjkkkk]]]]".chars() {
                        screen.press(key);
                    }
                    screen.check();
                }
                println!("{size:?} {colours:?} {depth}: columns {columns} bytes");
                assert!(columns < 400, "{size:?} {colours:?} {depth}: {columns} bytes");
            }
        }
    }
}

#[test]
fn the_linked_cursor_of_two_runs_is_cheap() {
    let themes = ThemeSet::builtin().unwrap();
    for colours in [ColourDepth::Truecolor, ColourDepth::Indexed256] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let look = || Look::new(&themes, None, colours);
            let pair = demo::pair_app(look(), [38, 38], true, size);
            for app in [pair, demo_pruned::beside(look(), 38, size)] {
                let mut screen = Screen::of(app, themes.clone());
                screen.draw();
                let (mut columns, mut rows) = (0, 0);
                for key in "llllllllhhhh".chars() {
                    columns = columns.max(screen.press(key));
                }
                for key in "jjjjjjjjkkkk]]]]".chars() {
                    rows = rows.max(screen.press(key));
                }
                screen.check();
                println!("{size:?} {colours:?}: columns {columns}, rows {rows} bytes");
                assert!(columns < 400, "{size:?} {colours:?}: {columns} bytes");
                assert!(rows < 8_000, "{size:?} {colours:?}: {rows} bytes");
            }
        }
    }
}

#[test]
fn a_full_repaint_fits_the_budget() {
    for (colours, budget) in [(ColourDepth::Truecolor, 60_000), (ColourDepth::Indexed256, 50_000)] {
        let mut screen = Screen::new(38, (120, 40), colours);
        let bytes = screen.draw();
        println!("{colours:?}: {bytes} bytes");
        assert!(bytes < budget, "{colours:?}: {bytes}");
    }
}

#[test]
fn frames_are_marked_and_written_at_once() {
    #[derive(Debug, Default)]
    struct Writes(Vec<Vec<u8>>);
    impl std::io::Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut terminal = Terminal::new(FrameBackend::new(Writes::default(), (20, 3))).unwrap();
    for text in ["one", "two", "two"] {
        terminal
            .draw(|frame| {
                frame.buffer_mut().set_string(0, 0, text, Style::new());
            })
            .unwrap();
        terminal.backend_mut().end_frame().unwrap();
    }
    let writes = &terminal.backend().writer().0;
    assert_eq!(writes.len(), 2, "the third frame changed nothing");
    for write in writes {
        assert!(write.starts_with(b"\x1b[?2026h") && write.ends_with(b"\x1b[?2026l"));
    }
    terminal.backend_mut().set_size((10, 2));
    terminal.draw(|_| ()).unwrap();
    terminal.backend_mut().end_frame().unwrap();
    let last = terminal.backend().writer().0.last().unwrap().clone();
    assert!(String::from_utf8(last).unwrap().contains("\x1b[2J"), "a new size repaints");
}

fn any_cell() -> impl Strategy<Value = Cell> {
    let colour = prop_oneof![
        Just(Color::Reset),
        Just(Color::Red),
        Just(Color::LightBlue),
        (16u8..=255).prop_map(Color::Indexed),
        (0u8..2, 0u8..2, 0u8..2).prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
    ];
    let symbol = prop::sample::select(vec![" ", "▀", "▄", "x", "é", "╳", "·", "×"]);
    let modifier = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::REVERSED,
        Modifier::BOLD | Modifier::REVERSED,
        Modifier::ITALIC,
    ]);
    (symbol, colour.clone(), colour, modifier).prop_map(|(symbol, fg, bg, modifier)| {
        let mut cell = Cell::new(symbol);
        cell.set_style(Style::new().fg(fg).bg(bg).add_modifier(modifier));
        cell
    })
}

proptest! {
    #[test]
    fn any_cells_arrive_as_they_are(
        cells in prop::collection::vec(any_cell(), 60), second in prop::collection::vec(any_cell(), 60),
    ) {
        let area = Rect::new(0, 0, 12, 5);
        let mut parser = emulator((12, 5));
        let mut shown = Buffer::empty(area);
        for cells in [cells, second] {
            let mut next = Buffer::empty(area);
            next.content = cells;
            let mut bytes = Vec::new();
            encode(&mut bytes, shown.diff(&next).into_iter());
            parser.process(&bytes);
            assert_shows(parser.screen(), &next);
            shown = next;
        }
    }
}

struct Broken;

impl Port for Broken {
    fn list(&self) -> Vec<RunSummary> {
        panic!("the list is on fire\nand so on")
    }
    fn load(&self, _: &RunId) -> Result<LoadedRun, String> {
        Err("not found".into())
    }
    fn pair(&self, _: &RunId, _: &RunId) -> Result<crate::app::LoadedPair, String> {
        Err("not found either".into())
    }
    fn predictions(&self, _: &[RunId]) -> Vec<crate::app::Answers> {
        Vec::new()
    }
    fn export(&self, _: &ExportRequest) -> Result<Vec<PathBuf>, String> {
        Ok(vec!["x.png".into()])
    }
    fn map(&self, _: &RunId, _: MapMode) -> Result<Map, String> {
        panic!("no map")
    }
    fn export_grid(&self, _: &GridRequest) -> Result<Vec<PathBuf>, String> {
        Err("read-only".into())
    }
    fn device(&self) -> String {
        "cpu".into()
    }
    fn start(&self, _: JobRequest, _: JobNews) {
        panic!("no room")
    }
    fn cancel(&self, _: JobId) {}
    fn complete(&self, request: PathRequest, answer: crate::app::port::PathAnswer) {
        answer(request, Err("gone".into()));
    }
    fn pictures(&self, _: &RunId, _: &[u32]) -> Result<Vec<(u32, Picture)>, String> {
        Err("no pictures".into())
    }
}

#[test]
fn a_panic_of_a_service_becomes_a_message() {
    let (events, news) = crossbeam_channel::unbounded();
    let ask = |request| serve(&Broken, &request, &events);
    let Some(Input::Failed(text)) = ask(Request::List) else { panic!() };
    assert_eq!(text, "reading the list of runs failed unexpectedly: the list is on fire");
    let path = PathRequest { text: "a".into(), want: crate::app::complete::Want::Data };
    assert!(ask(Request::Complete(path.clone())).is_none(), "the answer comes from elsewhere");
    let Ok(Event::Input(Input::Completed(request, Err(why)))) = news.try_recv() else { panic!() };
    assert_eq!((request, why.as_str()), (path, "gone"));
    assert!(matches!(ask(Request::Device), Some(Input::Device(d)) if d == "cpu"));
    let load = ask(Request::Load(RunId::Embedded("x".into())));
    assert!(matches!(load, Some(Input::RunLoaded(Err(why))) if why == "not found"));
    let run = RunId::Embedded("x".into());
    let map = ask(Request::Map(run.clone(), MapMode::CKA));
    assert!(
        matches!(map, Some(Input::MapLoaded(id, _, Err(why))) if id == run && why.contains("no map"))
    );
    let start = ask(Request::Start(JobRequest { id: 7, run, kind: JobKind::Lesions }));
    assert!(
        matches!(start, Some(Input::Job(7, JobUpdate::Failed(why))) if why.contains("no room"))
    );
    assert!(ask(Request::Cancel(7)).is_none() && news.is_empty());
}

#[test]
fn without_a_terminal_the_interface_says_so() {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        eprintln!("skipped: this test runs on a terminal");
        return;
    }
    let themes = ThemeSet::builtin().unwrap();
    let app = App::new(Look::new(&themes, None, ColourDepth::Mono), None);
    let error = run(app, themes, Box::new(Broken), Options::default()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("needs a terminal"));
}

#[test]
fn keys_of_crossterm_are_translated() {
    let key = |code, modifiers| crossterm_input::translate_key(KeyEvent::new(code, modifiers));
    assert_eq!(key(Code::Char('G'), KeyModifiers::SHIFT), Some(Key::char('G')));
    assert_eq!(key(Code::Char('D'), KeyModifiers::CONTROL), Some(Key::ctrl('d')));
    assert_eq!(key(Code::BackTab, KeyModifiers::SHIFT), Some(Key::plain(KeyCode::BackTab)));
    assert_eq!(key(Code::CapsLock, KeyModifiers::NONE), None);
    let resize = crossterm::event::Event::Resize(3, 4);
    assert!(matches!(crossterm_input::translate(resize), Some(Event::Resized)));
}

#[test]
fn changed_themes_arrive_and_without_files_nobody_watches() {
    use super::themes::watch_every;
    use std::time::Duration;

    let dir = tempfile::tempdir().unwrap();
    let (sender, events) = crossbeam_channel::unbounded();
    watch_every(dir.path(), sender.clone(), Duration::from_millis(5)).unwrap();
    drop(sender);
    assert!(events.recv().is_err(), "no thread holds the channel");

    let file = dir.path().join("a.ron");
    let write = |colour: &str| {
        let text = format!(
            "(name: \"mine\", parent: \"dark\", roles: {{\"accent\": (fg: \"{colour}\")}})"
        );
        // as one change, like an editor that renames
        let new = dir.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    write("red");
    let (sender, events) = crossbeam_channel::unbounded();
    watch_every(dir.path(), sender, Duration::from_millis(5)).unwrap();
    let patience = Duration::from_secs(20);
    let next = || match events.recv_timeout(patience).unwrap() {
        Event::Themes(set, problems) => (set, problems),
        other => panic!("{other:?}"),
    };
    let builtin = ThemeSet::builtin().unwrap();
    let mut app = demo::app(Look::new(&builtin, None, ColourDepth::Truecolor), 8, (80, 24));
    write("blue-ish");
    let (set, problems) = next();
    app.themes_changed(&set, &problems);
    let toast = app.toast.clone().unwrap();
    assert!(toast.error && toast.text.starts_with("a.ron:1:"), "{}", toast.text);
    assert!(set.theme("mine").is_some(), "the theme stays as it was");
    app.look = app.look.with_theme("mine").with_colormap("magma");
    write("bright-cyan");
    let (set, problems) = next();
    app.themes_changed(&set, &problems);
    assert!(problems.is_empty() && app.toast.as_ref().is_some_and(|t| !t.error));
    assert_eq!((app.look.theme(), app.look.colormap()), ("mine", "magma"));
    assert_ne!(Skin::new(&set, &app.look), Skin::new(&builtin, &app.look));
    std::fs::remove_file(&file).unwrap();
    let (set, _) = next();
    app.themes_changed(&set, &[]);
    assert_eq!(app.look.theme(), "blockscope");
    assert!(events.recv_timeout(patience).is_err(), "the thread ends with the last file");
}
