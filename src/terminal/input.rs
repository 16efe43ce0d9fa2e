//! The thread that reads keys. It asks the kernel for a hang-up before every
//! read: crossterm 0.29 spins when the terminal is gone
//! (crossterm-rs/crossterm#793).

use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use crossterm::event::{self, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::app::{Input, Key, KeyCode};

use super::Event;

/// Starts the thread; it ends with the channel or the terminal.
pub fn spawn(events: Sender<Event>) -> std::io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        while wait() {
            // everything that one read brought
            loop {
                match event::poll(Duration::ZERO) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(_) => return drop(events.send(Event::HangUp)),
                }
                let Ok(event) = event::read() else { return drop(events.send(Event::HangUp)) };
                if let Some(event) = translate(event) {
                    if events.send(event).is_err() {
                        return;
                    }
                }
            }
        }
        let _ = events.send(Event::HangUp);
    })?;
    Ok(())
}

/// Blocks until there is something to read; false if the terminal is gone.
#[cfg(unix)]
fn wait() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    let stdin = rustix::stdio::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {
                let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
                return !fds[0].revents().intersects(gone);
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(not(unix))]
fn wait() -> bool {
    event::poll(Duration::from_secs(3600)).is_ok()
}

fn translate(event: event::Event) -> Option<Event> {
    let input = match event {
        event::Event::Key(key) => Input::Key(translate_key(key)?),
        event::Event::Paste(text) => Input::Paste(text),
        event::Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Input::Click(mouse.column, mouse.row),
            MouseEventKind::ScrollUp => Input::Wheel(mouse.column, mouse.row, true),
            MouseEventKind::ScrollDown => Input::Wheel(mouse.column, mouse.row, false),
            _ => return None,
        },
        event::Event::Resize(..) => return Some(Event::Resized),
        _ => return None,
    };
    Some(Event::Input(input))
}

/// A key as the app knows it; `None` for releases and keys without a meaning.
pub fn translate_key(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let code = match key.code {
        Code::Char(c) => KeyCode::Char(c),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::F(n) => KeyCode::F(n),
        _ => return None,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    // control makes no difference between cases
    let code = match code {
        KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
        other => other,
    };
    Some(Key { code, ctrl, alt })
}
