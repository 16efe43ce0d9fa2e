//! The loop: wait, take everything that has arrived, draw once.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use ratatui::Terminal;

use crate::app::jobs::JobUpdate;
use crate::app::port::Port;
use crate::app::{App, ColourDepth, Effect, Input, Pictures, update};
use crate::theme::ThemeSet;
use crate::ui::{self, Skin};

use super::backend::FrameBackend;
use super::clipboard::{self, Route};
use super::pace::{Need, Pace, Turn, Wanted};
use super::perf::{self, Frame};
use super::pictures::{self, Cabinet};
use super::session::{self, Session};
use super::worker::{self, Request};
use super::{Event, Options, input, provoke, query, signals, themes as themes_watch};

/// How long the first frame waits for the run that it should show.
const FIRST_FRAME: Duration = Duration::from_millis(60);
/// The signal of going on after a stop comes this soon after we have noticed.
const CONTINUED: Duration = Duration::from_millis(300);
/// How long the last answers of the terminal are waited for at the end.
const SETTLE: Duration = Duration::from_millis(1500);
/// As if SIGHUP had come, whether it has or not.
const HUNG_UP: i32 = 128 + 1;

/// Runs the interface until the user or a signal ends it; returns the exit
/// code: 0, or 128 and the signal's number.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] if standard input or output is no terminal;
/// otherwise what went wrong with the terminal, which is restored then.
pub fn run(
    mut app: App,
    themes: ThemeSet,
    port: Box<dyn Port + Send>,
    options: Options,
) -> io::Result<i32> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the explorer needs a terminal; `blockscope show RUN` prints a run without one",
        ));
    }
    let started = Instant::now();
    let size = session::size()?;
    update(&mut app, Input::Resize(size.0, size.1));
    let (sender, events) = unbounded();
    let requests = worker::spawn(port, sender.clone())?;
    // reading starts before the terminal is asked anything
    for effect in app.start() {
        if let Some(request) = Request::of(effect) {
            let _ = requests.send(request);
        }
    }
    let session = Session::enter(app.look.mouse, app.look.hover, options.log.as_deref())?;
    let _signals = signals::spawn(sender.clone())?;
    if let Some(folder) = &options.themes {
        themes_watch::watch(folder, sender.clone())?;
    }
    let mut typed = Vec::new();
    let mut pictures = false;
    if options.ask_colours || options.pictures == Pictures::Auto && pictures::likely() {
        // one that is gone is noticed by the reader
        let answer = query::ask(query::SHORT).unwrap_or_default();
        if options.ask_colours && answer.truecolour {
            app.look.depth = ColourDepth::Truecolor;
        }
        pictures = answer.pictures;
        typed = answer.typed;
    }
    let cabinet = pictures::route(options.pictures, pictures).map(Cabinet::new);
    app.look.pixels = cabinet.is_some();
    if let Some(hint) = options.hint.filter(|_| app.look.depth < ColourDepth::Truecolor) {
        app.hint(hint);
    }
    input::spawn(sender.clone(), typed)?;
    let backend = FrameBackend::new(session::Output, size);
    let skin = Skin::new(&themes, &app.look);
    let pace = Pace::new(!options.no_animation, options.remote);
    let mut screen = Loop {
        app,
        themes,
        skin,
        terminal: Terminal::new(backend)?,
        session,
        requests,
        events: sender,
        inbox: events.clone(),
        options,
        pace,
        frame: Frame::default(),
        cabinet,
        typed: None,
        pictured: None,
        entered: None,
    };
    let _ = screen.requests.send(Request::Device);
    let code = match screen.run(&events, started) {
        Err(error) if session::is_gone(&error) => HUNG_UP,
        Ok(0) => {
            screen.settle();
            screen.take_pictures_back()?;
            0
        }
        other => other?,
    };
    let written = screen.terminal.backend().written();
    tracing::debug!(frames = written.frames, bytes = written.bytes, "interface closed");
    Ok(code)
}

struct Loop<W: Write> {
    app: App,
    themes: ThemeSet,
    skin: Skin,
    terminal: Terminal<FrameBackend<W>>,
    session: Session,
    requests: Sender<Request>,
    /// For threads that are started here.
    events: Sender<Event>,
    inbox: Receiver<Event>,
    options: Options,
    pace: Pace,
    /// The last frame that wrote something.
    frame: Frame,
    /// Pictures that the terminal holds, where it shows them as pixels.
    cabinet: Option<Cabinet>,
    /// When the first key was read that no frame has answered yet.
    typed: Option<Instant>,
    /// The layer whose pictures are on screen.
    pictured: Option<usize>,
    /// When the terminal was entered again after a stop that we asked for.
    entered: Option<Instant>,
}

impl<W: Write> Loop<W> {
    fn run(&mut self, events: &Receiver<Event>, started: Instant) -> io::Result<i32> {
        // better a first frame with the map than one without, if it is quick
        while self.app.opening().is_some() {
            let Ok(event) = events.recv_deadline(started + FIRST_FRAME) else { break };
            if let Some(code) = self.take(event)? {
                return Ok(code);
            }
        }
        let brief = self.draw(events.len())?;
        tracing::debug!(ms = started.elapsed().as_secs_f64() * 1e3, "first frame");
        let mut wanted = Wanted::default();
        wanted.drawn(brief, Instant::now());
        loop {
            let event = match wanted.turn(&self.pace, Instant::now()) {
                // blocks: an idle interface does nothing at all
                Turn::Idle => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                // takes what is there before it looks at the clock
                Turn::Until(at) => events.recv_deadline(at),
                Turn::Draw => Err(RecvTimeoutError::Timeout),
            };
            match event {
                Ok(event) => {
                    let need = need(&event);
                    if let Some(code) = self.take(event)? {
                        return Ok(code);
                    }
                    if let Some(need) = need {
                        wanted.ask(need, Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let brief = self.draw(events.len())?;
                    wanted.drawn(brief, Instant::now());
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }

    /// Handles an event; an exit code ends the loop.
    fn take(&mut self, event: Event) -> io::Result<Option<i32>> {
        match event {
            Event::Typed(input, at) => {
                self.typed.get_or_insert(at);
                self.pace.typed(at);
                if matches!(input, Input::Wheel(..)) {
                    self.pace.turned(at);
                }
                let effects = update(&mut self.app, input);
                return self.perform(effects);
            }
            Event::Input(input) => {
                let effects = update(&mut self.app, input);
                return self.perform(effects);
            }
            Event::NotCopied { text, what, why } => {
                tracing::warn!("{why}; sent to the terminal instead");
                self.send_to_terminal(&text, &what)?;
            }
            Event::Shown(at) => self.pace.shown(at),
            Event::Resized => {
                let size = session::size()?;
                if size == self.app.size {
                    // a terminal that was attached again wants everything
                    self.take_pictures_back()?;
                    self.terminal.clear()?;
                }
                self.pace.resized(Instant::now());
                self.terminal.backend_mut().set_size(size);
                let effects = update(&mut self.app, Input::Resize(size.0, size.1));
                return self.perform(effects);
            }
            // unless this is the end of a stop that is over already
            Event::Continued if self.entered.is_some_and(|at| at.elapsed() < CONTINUED) => {
                self.entered = None;
            }
            Event::Themes(set, problems) => {
                self.app.themes_changed(&set, &problems);
                self.skin = Skin::new(&set, &self.app.look);
                self.themes = *set;
            }
            Event::Continued => self.enter_again()?,
            Event::Stop => self.suspend(false)?,
            Event::Signal(signal) => return Ok(Some(128 + signal)),
            Event::HangUp => return Ok(Some(HUNG_UP)),
        }
        Ok(None)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<Option<i32>> {
        for effect in effects {
            match effect {
                Effect::Copy(text, what) => match clipboard::route_here() {
                    Route::Tool(tool) => clipboard::spawn(tool, text, what, self.events.clone()),
                    Route::Terminal => self.send_to_terminal(&text, &what)?,
                },
                Effect::Mouse(on) => self.session.mouse(on)?,
                Effect::Redraw => {
                    provoke::panic_at("interface");
                    provoke::noise();
                    provoke::memory_at("memory");
                    self.take_pictures_back()?;
                    self.terminal.clear()?;
                }
                Effect::Suspend => self.suspend(true)?,
                Effect::Quit => return Ok(Some(0)),
                other => {
                    if let Some(request) = Request::of(other) {
                        // the worker lives as long as this sender
                        let _ = self.requests.send(request);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Sends a text to the terminal's clipboard.
    fn send_to_terminal(&mut self, text: &str, what: &str) -> io::Result<()> {
        let outcome = match clipboard::sequence(text) {
            Ok(sequence) => {
                self.terminal.backend_mut().send(&sequence)?;
                Ok(clipboard::sent(what, Route::Terminal))
            }
            Err(why) => Err(format!("{why}; e writes the map to files")),
        };
        update(&mut self.app, Input::Copied(outcome));
        Ok(())
    }

    /// Waits a moment for answers that are still to come, or they would end up in
    /// the shell.
    fn settle(&mut self) {
        let until = Instant::now() + SETTLE;
        let mut others = Vec::new();
        while self.pace.is_waiting()
            && let Ok(event) = self.inbox.recv_deadline(until)
        {
            match event {
                Event::Shown(at) => self.pace.shown(at),
                other => others.push(other),
            }
        }
        for event in others {
            let _ = self.events.send(event);
        }
    }

    /// Leaves the terminal, stops (with `group`, everything that Ctrl-Z would stop),
    /// and enters again when it goes on. Nothing where nobody could continue us.
    fn suspend(&mut self, group: bool) -> io::Result<()> {
        if !signals::can_stop() {
            return Ok(());
        }
        self.settle();
        self.take_pictures_back()?;
        session::leave();
        signals::suspend(group);
        self.enter_again()?;
        self.entered = Some(Instant::now());
        Ok(())
    }

    fn enter_again(&mut self) -> io::Result<()> {
        self.session.enter_again(self.app.look.mouse, self.options.log.as_deref())?;
        // the size may have changed meanwhile
        let size = session::size()?;
        self.terminal.backend_mut().set_size(size);
        update(&mut self.app, Input::Resize(size.0, size.1));
        self.terminal.clear()
    }

    /// Takes all pictures from the terminal; they are sent again when they are drawn.
    fn take_pictures_back(&mut self) -> io::Result<()> {
        match self.cabinet.as_mut().map(Cabinet::clear) {
            Some(bytes) if !bytes.is_empty() => self.terminal.backend_mut().send(&bytes),
            _ => Ok(()),
        }
    }

    /// Draws; true if something was left out until the user rests.
    fn draw(&mut self, queued: usize) -> io::Result<bool> {
        if !self.skin.matches(&self.app.look) {
            self.skin = Skin::new(&self.themes, &self.app.look);
        }
        let brief = self.leave_pictures_out();
        let asks = self.pace.asks();
        if asks {
            session::asked();
        }
        self.terminal.backend_mut().ask(asks);
        let (app, skin) = (&self.app, &self.skin);
        let line = app.perf.then(|| self.frame.line(self.terminal.backend().written()));
        let began = Instant::now();
        let (mut build, mut sent) = (Duration::ZERO, Vec::new());
        let cabinet = &mut self.cabinet;
        self.terminal.draw(|frame| {
            let start = Instant::now();
            ui::draw(app, skin, frame);
            if let Some(cabinet) = cabinet {
                sent = cabinet.settle(frame.buffer_mut(), |serial| ui::picture(app, skin, serial));
            }
            if let Some(line) = &line {
                perf::overlay(line, frame.buffer_mut());
            }
            build = start.elapsed();
        })?;
        self.terminal.backend_mut().attach(&sent);
        let drawn = Instant::now();
        let bytes = self.terminal.backend_mut().end_frame()?;
        let end = Instant::now();
        let flush = end - drawn;
        self.pace.drew(began, end, flush, bytes);
        let typed = self.typed.take();
        let cells = self.terminal.backend_mut().take_cells();
        if bytes > 0 {
            let diff = (drawn - began).saturating_sub(build);
            let key = typed.map(|at| end - at);
            self.frame = Frame { build, diff, flush, bytes, cells, queued, key };
            self.frame.log();
        }
        Ok(brief)
    }

    /// Images of another layer cost more than all the rest of a step: over a slow link,
    /// and while the wheel turns, they come when the user rests. True if they are left out.
    fn leave_pictures_out(&mut self) -> bool {
        let Some(explorer) = self.app.explorer_mut() else { return false };
        let pictured = explorer.pictured();
        let brief =
            pictured.is_some() && pictured != self.pictured && self.pace.is_brief(Instant::now());
        explorer.album.hide(brief);
        if !brief {
            self.pictured = pictured;
        }
        brief
    }
}

/// How urgent a frame is after an event.
fn need(event: &Event) -> Option<Need> {
    match event {
        Event::Shown(_) => None,
        Event::Input(Input::Job(_, JobUpdate::Progress { .. })) => Some(Need::Progress),
        _ => Some(Need::Now),
    }
}
