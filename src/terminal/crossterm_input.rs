//! Events of crossterm as ours, where its reader is used (not on Unix).

use std::time::Instant;

use crossterm::event::{
    self, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

use crate::app::{Input, Key, KeyCode};

use super::Event;

/// An event as ours; `None` for what means nothing here.
pub fn translate(event: event::Event) -> Option<Event> {
    let input = match event {
        event::Event::Key(key) => Input::Key(translate_key(key)?),
        event::Event::Paste(text) => Input::Paste(text),
        event::Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Input::Click(mouse.column, mouse.row),
            MouseEventKind::Drag(MouseButton::Left) => Input::Drag(mouse.column, mouse.row),
            MouseEventKind::Moved => Input::Hover(mouse.column, mouse.row),
            MouseEventKind::ScrollUp => Input::Wheel(mouse.column, mouse.row, true),
            MouseEventKind::ScrollDown => Input::Wheel(mouse.column, mouse.row, false),
            _ => return None,
        },
        event::Event::Resize(..) => return Some(Event::Resized),
        _ => return None,
    };
    Some(Event::Typed(input, Instant::now()))
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
