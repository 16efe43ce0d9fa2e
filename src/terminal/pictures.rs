//! Pictures as pixels, by kitty's graphics protocol: which the terminal holds under which
//! number, and the bytes that give it more. A drawn screen says where they are
//! (`ui::pixels`). Inside tmux every command goes through its passthrough; the cells
//! themselves are text. Knows no screen.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::app::Pictures;
use crate::app::jobs::Picture;
use crate::ui::pixels::{PLACEHOLDER, Part, symbol};

mod palette;

/// Base64 characters of one command, the most that the protocol allows.
const CHUNK: usize = 4096;
/// Pixels a side up to which a picture of few colours is sent as it is.
const EXACT: usize = 2048;
/// Larger pictures are shrunk to this many pixels a side.
const SIDE: usize = 64;
/// Colours of a picture of at most 32 pixels a side, which has to be small: a screen full
/// of them costs tens of kilobytes.
const COLOURS: usize = 32;
/// Numbers that fit into one of 256 colours, which every multiplexer passes on.
const NUMBERS: usize = 255;

/// How commands reach the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// As they are.
    Direct,
    /// Through tmux.
    Tmux,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    serial: u32,
    size: (u8, u8),
    /// The frame in which it was on screen last.
    seen: u64,
}

/// The pictures that the terminal holds.
#[derive(Debug)]
pub struct Cabinet {
    route: Route,
    held: [Option<Held>; NUMBERS],
    frame: u64,
}

impl Cabinet {
    /// An empty one.
    pub fn new(route: Route) -> Cabinet {
        Cabinet { route, held: [None; NUMBERS], frame: 0 }
    }

    /// Gives the pictures on a drawn screen numbers of the terminal's, and returns the bytes
    /// that send those which it does not hold. Cells of a picture that nobody knows, or of
    /// more pictures than there are numbers, become blank.
    pub fn settle<'a>(
        &mut self,
        buffer: &mut Buffer,
        picture: impl Fn(u32) -> Option<Cow<'a, Picture>>,
    ) -> Vec<u8> {
        self.frame += 1;
        let mut bytes = Vec::new();
        let width = usize::from(buffer.area.width).max(1);
        let parts: Vec<Option<Part>> = buffer.content.iter().map(Part::of).collect();
        for (at, part) in parts.iter().enumerate() {
            let Some(part) = part else { continue };
            let number = self.number(*part, &picture, &mut bytes);
            let cell = &mut buffer.content[at];
            cell.bg = Color::Reset;
            let Some(number) = number else {
                cell.set_symbol(" ").fg = Color::Reset;
                continue;
            };
            cell.fg = Color::Indexed(number);
            // a cell without marks goes on where the one before it is
            let before = at.checked_sub(1).filter(|_| at % width > 0).and_then(|at| parts[at]);
            let follows = before.is_some_and(|before| {
                let next = (before.at.0.wrapping_add(1), before.at.1);
                Part { at: next, ..before } == *part
            });
            match follows {
                true => cell.set_char(PLACEHOLDER),
                false => cell.set_symbol(&symbol(part.at)),
            };
        }
        bytes
    }

    /// The terminal's number of a picture; 0 is none of them.
    fn number<'a>(
        &mut self,
        part: Part,
        picture: &impl Fn(u32) -> Option<Cow<'a, Picture>>,
        bytes: &mut Vec<u8>,
    ) -> Option<u8> {
        let frame = self.frame;
        let known = |held: &Option<Held>| held.is_some_and(|held| held.serial == part.serial);
        if let Some(at) = self.held.iter().position(known) {
            let number = (at + 1) as u8;
            if let Some(held) = &mut self.held[at] {
                held.seen = frame;
                if held.size != part.size {
                    held.size = part.size;
                    self.command(
                        &format!("a=p,U=1,i={number},{},q=2", shape(part.size)),
                        "",
                        bytes,
                    );
                }
            }
            return Some(number);
        }
        let picture = picture(part.serial)?;
        // one that is not on screen gives way, the longest unseen first
        let seen = |held: &Option<Held>| held.map_or(0, |held| held.seen);
        let (at, _) = self.held.iter().enumerate().min_by_key(|(_, held)| seen(held))?;
        if seen(&self.held[at]) == frame {
            return None;
        }
        let png = encode(&picture)?;
        self.held[at] = Some(Held { serial: part.serial, size: part.size, seen: frame });
        let number = (at + 1) as u8;
        let keys = format!("a=T,U=1,i={number},f=100,{},q=2", shape(part.size));
        self.command(&keys, &STANDARD.encode(png), bytes);
        Some(number)
    }

    /// The bytes that take everything from the terminal; it is empty afterwards.
    pub fn clear(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for at in 0..NUMBERS {
            if self.held[at].take().is_some() {
                self.command(&format!("a=d,d=I,i={},q=2", at + 1), "", &mut bytes);
            }
        }
        bytes
    }

    fn command(&self, keys: &str, payload: &str, out: &mut Vec<u8>) {
        let pieces: Vec<&[u8]> = payload.as_bytes().chunks(CHUNK).collect();
        let last = pieces.len().saturating_sub(1);
        for at in 0..=last {
            let mut command = b"\x1b_G".to_vec();
            match (at, last) {
                (0, 0) => command.extend_from_slice(keys.as_bytes()),
                (0, _) => command.extend_from_slice(format!("{keys},m=1").as_bytes()),
                _ => command.extend_from_slice(format!("q=2,m={}", u8::from(at < last)).as_bytes()),
            }
            if let Some(piece) = pieces.get(at) {
                command.push(b';');
                command.extend_from_slice(piece);
            }
            command.extend_from_slice(b"\x1b\\");
            self.send(&command, out);
        }
    }

    fn send(&self, command: &[u8], out: &mut Vec<u8>) {
        match self.route {
            Route::Direct => out.extend_from_slice(command),
            Route::Tmux => {
                out.extend_from_slice(b"\x1bPtmux;");
                for byte in command {
                    if *byte == 0x1b {
                        out.push(0x1b);
                    }
                    out.push(*byte);
                }
                out.extend_from_slice(b"\x1b\\");
            }
        }
    }
}

/// Columns and rows, as keys of a command.
fn shape((cols, rows): (u8, u8)) -> String {
    format!("c={cols},r={rows}")
}

/// A picture as a PNG file: exactly where it has at most 256 colours, else smaller and of
/// few. `None` if it has no pixels.
fn encode(picture: &Picture) -> Option<Vec<u8>> {
    let Picture { width, height, rgb, .. } = picture;
    if *width == 0 || *height == 0 || rgb.len() != 3 * width * height {
        return None;
    }
    let (pixels, _) = rgb.as_chunks::<3>();
    if *width <= EXACT
        && *height <= EXACT
        && let Some((colours, indices)) = palette::exact(pixels)
    {
        return file(*width, *height, &colours, &indices);
    }
    let (width, height) = ((*width).min(SIDE), (*height).min(SIDE));
    let pixel = |at: usize| {
        let crate::theme::Rgb(r, g, b) =
            crate::ui::widgets::mean_pixel(picture, (at % width, at / width), (width, height));
        [r, g, b]
    };
    let pixels: Vec<[u8; 3]> = (0..width * height).map(pixel).collect();
    let (colours, indices) = palette::reduce(&pixels, COLOURS);
    file(width, height, &colours, &indices)
}

/// A PNG file of indexed colours.
fn file(width: usize, height: usize, colours: &[[u8; 3]], indices: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colours.concat());
    // neighbouring numbers are neighbouring colours of no order: prediction only harms
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(indices).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// Whether this looks like a terminal that shows pictures, so that asking it costs no
/// start of the others any time.
pub fn likely() -> bool {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let term = set("TERM");
    !inside_tmux()
        && (shows(term.trim_start_matches("xterm-"))
            || shows(&set("TERM_PROGRAM"))
            || !set("KITTY_WINDOW_ID").is_empty())
}

fn inside_tmux() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// How pictures reach the terminal, if they shall; `answered` is what it said when it was
/// asked, which inside tmux is for tmux to say.
pub fn route(wish: Pictures, answered: bool) -> Option<Route> {
    let way = if inside_tmux() { Route::Tmux } else { Route::Direct };
    let shown = match (wish, way) {
        (Pictures::Blocks, _) => false,
        (Pictures::Pixels, _) => true,
        (Pictures::Auto, Route::Tmux) => through_tmux(),
        (Pictures::Auto, Route::Direct) => answered,
    };
    shown.then_some(way)
}

/// Whether tmux passes pictures on, and the terminal behind it shows them: what tmux says
/// of itself. Nothing outside of tmux.
fn through_tmux() -> bool {
    let mut tmux = std::process::Command::new("tmux");
    let format = "#{client_termtype} #{client_termname} #{allow-passthrough}";
    tmux.args(["display-message", "-p", format]);
    let out = tmux.stdin(std::process::Stdio::null()).output();
    out.is_ok_and(|out| out.status.success() && passes(&String::from_utf8_lossy(&out.stdout)))
}

/// `kitty(0.42.1) xterm-kitty 1`.
fn passes(said: &str) -> bool {
    let said = said.trim();
    // formats of tmux show the choices by their numbers: off, on, all
    let on = said.rsplit(' ').next().is_some_and(|v| ["1", "2", "on", "all"].contains(&v));
    on && said.split_whitespace().any(|word| shows(word.trim_start_matches("xterm-")))
}

/// True for a terminal, by its name, that shows pictures in cells of text.
pub fn shows(name: &str) -> bool {
    let name = name.trim_start().to_ascii_lowercase();
    ["kitty", "ghostty"].iter().any(|known| name.starts_with(known))
}

#[cfg(test)]
mod tests;
