//! The loop: wait, take everything that has arrived, draw once.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use ratatui::Terminal;

use crate::app::{App, Effect, Input, update};
use crate::theme::ThemeSet;
use crate::ui::{self, Skin};

use super::backend::FrameBackend;
use super::session::{self, Session};
use super::worker::{self, Request};
use super::{Event, Options, Services, input, signals, themes as themes_watch};

/// How long the first frame waits for the run that it should show.
const FIRST_FRAME: Duration = Duration::from_millis(60);
/// How long a resize waits for the next one.
const RESIZE: Duration = Duration::from_millis(30);

/// Runs the interface until the user or a signal ends it; returns the exit
/// code: 0, or 128 and the signal's number.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] if standard input or output is no terminal;
/// otherwise what went wrong with the terminal, which is restored then.
pub fn run(
    mut app: App,
    themes: ThemeSet,
    services: Box<dyn Services + Send>,
    options: Options,
) -> io::Result<i32> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the explorer needs a terminal; `blockscope show RUN` prints a run without one",
        ));
    }
    let started = Instant::now();
    let size = crossterm::terminal::size()?;
    update(&mut app, Input::Resize(size.0, size.1));
    let (sender, events) = unbounded();
    let requests = worker::spawn(services, sender.clone())?;
    let session = Session::enter(app.look.mouse, app.look.hover, options.log.as_deref())?;
    let _signals = signals::spawn(sender.clone())?;
    if let Some(folder) = &options.themes {
        themes_watch::watch(folder, sender.clone())?;
    }
    input::spawn(sender)?;
    let backend = FrameBackend::new(output()?, size);
    let skin = Skin::new(&themes, &app.look);
    let mut screen =
        Loop { app, themes, skin, terminal: Terminal::new(backend)?, session, requests, options };
    let start = screen.app.start();
    screen.perform(start)?;
    let _ = screen.requests.send(Request::Device);
    let code = screen.run(&events, started)?;
    let written = screen.terminal.backend().written();
    tracing::debug!(frames = written.frames, bytes = written.bytes, "interface closed");
    Ok(code)
}

/// Standard output without a buffer of its own: a frame is one write.
#[cfg(unix)]
fn output() -> io::Result<impl Write> {
    Ok(std::fs::File::from(rustix::io::dup(rustix::stdio::stdout())?))
}

#[cfg(not(unix))]
fn output() -> io::Result<impl Write> {
    Ok(io::stdout())
}

struct Loop<W: Write> {
    app: App,
    themes: ThemeSet,
    skin: Skin,
    terminal: Terminal<FrameBackend<W>>,
    session: Session,
    requests: Sender<Request>,
    options: Options,
}

impl<W: Write> Loop<W> {
    fn run(&mut self, events: &Receiver<Event>, started: Instant) -> io::Result<i32> {
        // better a first frame with the map than one without, if it is quick
        while self.app.loading.is_some() {
            let Ok(event) = events.recv_deadline(started + FIRST_FRAME) else { break };
            if let Some(code) = self.take(event)? {
                return Ok(code);
            }
        }
        self.draw()?;
        tracing::debug!(ms = started.elapsed().as_secs_f64() * 1e3, "first frame");
        loop {
            // blocks: an idle interface does nothing at all
            let Ok(first) = events.recv() else { return Ok(0) };
            let mut resized = matches!(first, Event::Resized);
            if let Some(code) = self.take(first)? {
                return Ok(code);
            }
            loop {
                let next =
                    if resized { events.recv_timeout(RESIZE).ok() } else { events.try_recv().ok() };
                let Some(event) = next else { break };
                resized = matches!(event, Event::Resized);
                if let Some(code) = self.take(event)? {
                    return Ok(code);
                }
            }
            self.draw()?;
        }
    }

    /// Handles an event; an exit code ends the loop.
    fn take(&mut self, event: Event) -> io::Result<Option<i32>> {
        match event {
            Event::Input(input) => {
                let effects = update(&mut self.app, input);
                return self.perform(effects);
            }
            Event::Resized => {
                let size = crossterm::terminal::size()?;
                if size == self.app.size {
                    // a terminal that was attached again wants everything
                    self.terminal.clear()?;
                }
                self.terminal.backend_mut().set_size(size);
                let effects = update(&mut self.app, Input::Resize(size.0, size.1));
                return self.perform(effects);
            }
            Event::Continued => {
                self.session.enter_again(self.app.look.mouse, self.options.log.as_deref())?;
                self.terminal.clear()?;
            }
            Event::Themes(set, problems) => {
                self.app.themes_changed(&set, &problems);
                self.skin = Skin::new(&set, &self.app.look);
                self.themes = *set;
            }
            Event::Signal(signal) => return Ok(Some(128 + signal)),
            // SIGHUP, whether it comes or not
            Event::HangUp => return Ok(Some(128 + 1)),
        }
        Ok(None)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> io::Result<Option<i32>> {
        for effect in effects {
            let request = match effect {
                Effect::ListRuns => Request::List,
                Effect::LoadRun(id) => Request::Load(id),
                Effect::LoadPair(a, b) => Request::Pair(a, b),
                Effect::LoadPredictions(ids) => Request::Predictions(ids),
                Effect::Export(request) => Request::Export(request),
                Effect::LoadMap(id, mode) => Request::Map(id, mode),
                Effect::ExportGrid(request) => Request::ExportGrid(request),
                Effect::StartJob(request) => Request::Start(request),
                Effect::CancelJob(id) => Request::Cancel(id),
                Effect::LoadPictures(run, images) => Request::Pictures(run, images),
                Effect::Mouse(on) => {
                    self.session.mouse(on)?;
                    continue;
                }
                Effect::Redraw => {
                    self.terminal.clear()?;
                    continue;
                }
                Effect::Suspend => {
                    session::leave();
                    signals::suspend();
                    self.session.enter_again(self.app.look.mouse, self.options.log.as_deref())?;
                    self.terminal.clear()?;
                    continue;
                }
                Effect::Quit => return Ok(Some(0)),
            };
            // the worker lives as long as this sender
            let _ = self.requests.send(request);
        }
        Ok(None)
    }

    fn draw(&mut self) -> io::Result<()> {
        if !self.skin.matches(&self.app.look) {
            self.skin = Skin::new(&self.themes, &self.app.look);
        }
        let (app, skin) = (&self.app, &self.skin);
        self.terminal.draw(|frame| ui::draw(app, skin, frame))?;
        self.terminal.backend_mut().end_frame()?;
        Ok(())
    }
}
