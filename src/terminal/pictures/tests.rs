//! A terminal is played: it takes commands apart and composes what would be on screen.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::*;
use crate::terminal::backend::encode as cells_to_bytes;

/// Pictures by number: columns, rows and pixels as they were sent.
#[derive(Default)]
struct Kitty {
    files: BTreeMap<u32, Vec<u8>>,
    shapes: BTreeMap<u32, (u16, u16)>,
    open: Option<(u32, String)>,
}

impl Kitty {
    /// Takes commands; panics at anything that is none.
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let body = bytes.strip_prefix(b"\x1b_G").expect("a graphics command");
            let end = body.windows(2).position(|w| w == b"\x1b\\").expect("its end");
            let text = std::str::from_utf8(&body[..end]).unwrap();
            bytes = &body[end + 2..];
            let (keys, payload) = text.split_once(';').unwrap_or((text, ""));
            assert!(payload.len() <= CHUNK);
            let keys: BTreeMap<&str, &str> =
                keys.split(',').map(|pair| pair.split_once('=').unwrap()).collect();
            assert_eq!(keys["q"], "2", "no answers are wanted");
            let more = keys.get("m") == Some(&"1");
            if let Some((number, mut sent)) = self.open.take() {
                assert!(!keys.contains_key("a"));
                sent.push_str(payload);
                self.finish(number, sent, more);
                continue;
            }
            let number: u32 = keys["i"].parse().unwrap();
            let shape = || (keys["c"].parse().unwrap(), keys["r"].parse().unwrap());
            match keys["a"] {
                "T" => {
                    assert_eq!((keys["U"], keys["f"]), ("1", "100"));
                    self.shapes.insert(number, shape());
                    self.finish(number, payload.to_string(), more);
                }
                "p" => {
                    assert!(self.files.contains_key(&number));
                    self.shapes.insert(number, shape());
                }
                "d" => drop((self.files.remove(&number), self.shapes.remove(&number))),
                other => panic!("{other}"),
            }
        }
    }

    fn finish(&mut self, number: u32, sent: String, more: bool) {
        match more {
            true => self.open = Some((number, sent)),
            false => drop(self.files.insert(number, STANDARD.decode(sent).unwrap())),
        }
    }
}

/// What the cells of a settled buffer show: number, column, row, as the protocol reads them.
fn shown(buffer: &Buffer) -> Vec<Option<(u8, u16, u16)>> {
    let mut out: Vec<Option<(u8, u16, u16)>> = Vec::new();
    for (at, cell) in buffer.content.iter().enumerate() {
        let left = (at % usize::from(buffer.area.width) > 0).then(|| out[at - 1]).flatten();
        let Color::Indexed(number) = cell.fg else {
            out.push(None);
            continue;
        };
        let marks: Vec<char> = cell.symbol().chars().skip(1).collect();
        let mark = |c: char| (0..64).find(|i| symbol((*i, 0)).ends_with(c)).unwrap();
        out.push(match marks[..] {
            [] => left.filter(|(n, ..)| *n == number).map(|(n, x, y)| (n, x + 1, y)),
            [y, x] => Some((number, mark(x).into(), mark(y).into())),
            _ => panic!("{:?}", cell.symbol()),
        });
    }
    out
}

fn put(buffer: &mut Buffer, serial: u32, (x, y): (u16, u16), (w, h): (u8, u8)) {
    for (i, j) in (0..w).flat_map(|i| (0..h).map(move |j| (i, j))) {
        let cell = buffer.cell_mut((x + u16::from(i), y + u16::from(j))).unwrap();
        Part { serial, size: (w, h), at: (i, j) }.put(cell);
    }
}

/// Something like a photograph: smooth colours with noise on them.
fn photograph(seed: u32) -> Picture {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut rgb = Vec::new();
    for at in 0..32 * 32u32 {
        for c in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let smooth = (at / 32) * (3 + c) + (at % 32) * (5 - c) + 40 * (seed % 3);
            rgb.push((smooth + (state >> 28)).min(255) as u8);
        }
    }
    Picture::new(32, 32, rgb)
}

#[test]
fn every_cell_shows_its_part_of_its_picture() {
    let pictures: Vec<Picture> = (0..3).map(photograph).collect();
    let find = |serial: u32| pictures.iter().find(|p| p.serial == serial).map(Cow::Borrowed);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 12));
    for (i, picture) in pictures.iter().enumerate() {
        put(&mut buffer, picture.serial, (1 + 9 * i as u16, 2), (8, 4));
    }
    // something lies over a part of it
    buffer.set_string(4, 3, "HELP", ratatui::style::Style::new());
    let (mut cabinet, mut kitty) = (Cabinet::new(Route::Direct), Kitty::default());
    kitty.take(&cabinet.settle(&mut buffer, find));
    let cells = shown(&buffer);
    let at = |x: usize, y: usize| cells[40 * y + x];
    for (i, picture) in pictures.iter().enumerate() {
        let (number, ..) = at(1 + 9 * i, 2).unwrap();
        for (dx, dy) in (0..8).flat_map(|x| (0..4).map(move |y| (x, y))) {
            let place = (1 + 9 * i + dx, 2 + dy);
            let covered = place.1 == 3 && (4..8).contains(&place.0);
            let want = (!covered).then_some((number, dx as u16, dy as u16));
            assert_eq!(at(place.0, place.1), want, "{place:?}");
        }
        assert_eq!(kitty.shapes[&u32::from(number)], (8, 4));
        // few colours, near the real ones
        let file = image::load_from_memory(&kitty.files[&u32::from(number)]).unwrap().to_rgb8();
        assert_eq!(file.dimensions(), (32, 32));
        let apart: f64 =
            file.as_raw().iter().zip(&picture.rgb).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        assert!(apart / (3.0 * 1024.0) < 9.0, "{}", apart / (3.0 * 1024.0));
    }
}

#[test]
fn what_is_held_is_not_sent_again_and_what_is_gone_makes_room() {
    let pictures: Vec<Picture> =
        (0..300).map(|i| Picture::new(1, 1, vec![i as u8, 0, 9])).collect();
    let find = |serial: u32| pictures.iter().find(|p| p.serial == serial).map(Cow::Borrowed);
    let screen = |cabinet: &mut Cabinet, shown: std::ops::Range<usize>, size: (u8, u8)| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2 * 300, 2));
        for i in shown {
            put(&mut buffer, pictures[i].serial, (2 * i as u16, 0), size);
        }
        let bytes = cabinet.settle(&mut buffer, find);
        (bytes, buffer)
    };
    let (mut cabinet, mut kitty) = (Cabinet::new(Route::Direct), Kitty::default());
    kitty.take(&screen(&mut cabinet, 0..10, (1, 1)).0);
    assert!(screen(&mut cabinet, 0..10, (1, 1)).0.is_empty());
    let again = screen(&mut cabinet, 0..1, (2, 2)).0;
    assert!(again.starts_with(b"\x1b_Ga=p,U=1,i=1,c=2,r=2,q=2\x1b\\"), "{}", again.escape_ascii());
    // more than there are numbers: the last stay blank, and nothing on screen is replaced
    let (bytes, buffer) = screen(&mut cabinet, 0..300, (1, 1));
    kitty.take(&bytes);
    let cells = shown(&buffer);
    let mut numbers: Vec<u8> = (0..255).map(|i| cells[2 * i].unwrap().0).collect();
    assert!((255..300).all(|i| cells[2 * i].is_none()));
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 255);
    assert_eq!(kitty.files.len(), 255);
    // the same ones later, and others in the place of those unseen
    let (bytes, buffer) = screen(&mut cabinet, 280..300, (1, 1));
    kitty.take(&bytes);
    assert!((280..300).all(|i| shown(&buffer)[2 * i].is_some()));
    kitty.take(&cabinet.clear());
    assert!(kitty.files.is_empty() && cabinet.clear().is_empty());
    // a picture that nobody knows
    let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
    put(&mut buffer, 0x00ff_fff0, (0, 0), (1, 1));
    assert!(cabinet.settle(&mut buffer, find).is_empty());
    assert_eq!(buffer.content[0].symbol(), " ");
}

#[test]
fn long_pictures_go_in_pieces_and_tmux_passes_them_on() {
    let mut state = 1u32;
    let noise = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let picture = Picture::new(200, 200, (0..3 * 200 * 200).map(noise).collect());
    let payload = STANDARD.encode(vec![7u8; 10_000]);
    let mut direct = Vec::new();
    Cabinet::new(Route::Direct).command("a=T,U=1,i=1,f=100,c=3,r=2,q=2", &payload, &mut direct);
    let mut kitty = Kitty::default();
    kitty.take(&direct);
    assert_eq!(kitty.files[&1], vec![7u8; 10_000]);
    let draw = |route| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 4));
        put(&mut buffer, picture.serial, (0, 0), (8, 4));
        Cabinet::new(route).settle(&mut buffer, |_| Some(Cow::Borrowed(&picture)))
    };
    let plain = draw(Route::Direct);
    let wrapped = draw(Route::Tmux);
    // taken off again as tmux does it
    let mut unwrapped = Vec::new();
    let mut rest = &wrapped[..];
    while let Some(body) = rest.strip_prefix(b"\x1bPtmux;") {
        let mut at = 0;
        while body[at..at + 2] != *b"\x1b\\" {
            let step = if body[at] == 0x1b { 2 } else { 1 };
            unwrapped.push(body[at]);
            at += step;
        }
        rest = &body[at + 2..];
    }
    assert!(rest.is_empty());
    assert_eq!(unwrapped, plain);
}

#[test]
fn a_full_screen_of_pictures_costs_less_than_40_kb() {
    // seven by three pictures of 16 x 8 cells at 120x40
    let pictures: Vec<Picture> = (0..21).map(photograph).collect();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 40));
    for (i, picture) in pictures.iter().enumerate() {
        let (col, row) = (i as u16 % 7, i as u16 / 7);
        put(&mut buffer, picture.serial, (1 + 17 * col, 3 + 10 * row), (16, 8));
    }
    let mut cabinet = Cabinet::new(Route::Direct);
    let mut bytes =
        cabinet.settle(&mut buffer, |s| pictures.iter().find(|p| p.serial == s).map(Cow::Borrowed));
    let sent = bytes.len();
    let cells = buffer.content.iter().enumerate().filter(|(_, cell)| cell.symbol() != " ");
    cells_to_bytes(
        &mut bytes,
        cells.map(|(at, cell)| ((at % 120) as u16, (at / 120) as u16, cell)),
    );
    assert!(bytes.len() < 40_000, "{sent} for the pictures, {} in all", bytes.len());
}

#[test]
fn terminals_that_show_pictures_are_known_by_name() {
    assert!(
        shows("kitty(0.42.1)") && shows("ghostty 1.2.0") && !shows("WezTerm 2024") && !shows("")
    );
    assert!(passes("kitty(0.42.1) xterm-kitty on\n") && passes(" xterm-ghostty all"));
    assert!(!passes("kitty(0.42.1) xterm-kitty off") && !passes("xterm-256color on"));
    assert!(passes("kitty(0.42.1) xterm-256color 1\n") && passes("ghostty 1.2 xterm-ghostty 2"));
    assert!(!passes("kitty(0.42.1) xterm-256color 0") && !passes("on") && !passes(""));
}
