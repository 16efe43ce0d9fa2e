//! The font of figures: Arimo, which has the widths of Arial and Helvetica, so that a
//! layout made with it holds where a viewer takes one of these. Its measures, its outlines,
//! and texts that are made to fit. Knows no page.
//!
//! A character that it lacks is a hollow box as wide as the character may be elsewhere, so
//! that nothing vanishes unseen and nothing is written over.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};
use unicode_width::UnicodeWidthChar;

/// The file: Arimo Regular with fewer characters, see `fonts/subset.sh`.
pub(super) const FILE: &[u8] = include_bytes!("../fonts/figure.ttf");
/// How far letters rise above the baseline, as a share of the size.
pub(super) const ASCENT: f64 = 0.76;
/// How far letters fall below the baseline.
pub(super) const DESCENT: f64 = 0.22;
/// How far the middle of capitals and figures lies above the baseline.
pub(super) const MIDDLE: f64 = 0.35;
/// Height of a line.
pub(super) const LINE: f64 = 1.22;
/// What stands for what does not fit.
const ELLIPSIS: &str = "…";

static FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FILE, 0).ok());

/// The font, which is part of the program.
pub(super) fn face() -> Option<&'static Face<'static>> {
    FACE.as_ref()
}

/// A character as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    /// Its number in the font; 0 is the hollow box.
    pub(super) id: u16,
    /// The character.
    pub(super) character: char,
    /// What it takes, as a share of the size.
    pub(super) advance: f64,
}

/// The glyphs of a text, in order.
pub(super) fn glyphs(text: &str) -> impl Iterator<Item = Glyph> {
    text.chars().map(glyph)
}

fn glyph(character: char) -> Glyph {
    let known = face().and_then(|face| Some((face, face.glyph_index(character)?)));
    match known.filter(|(_, id)| id.0 != 0) {
        Some((face, id)) => Glyph { id: id.0, character, advance: advance(face, id) },
        None => {
            let columns = character.width().unwrap_or(1).max(1) as f64;
            let own = face().map_or(0.5, |face| advance(face, GlyphId(0)));
            Glyph { id: 0, character, advance: own.max(columns * 0.6) }
        }
    }
}

fn advance(face: &Face, id: GlyphId) -> f64 {
    f64::from(face.glyph_hor_advance(id).unwrap_or(0)) / f64::from(face.units_per_em())
}

/// Draws the outline of a glyph, in the font's units.
pub(super) fn outline(id: u16, builder: &mut dyn OutlineBuilder) {
    if let Some(face) = face() {
        face.outline_glyph(GlyphId(id), builder);
    }
}

/// The font's units of a size.
pub(super) fn units() -> f64 {
    face().map_or(2048.0, |face| f64::from(face.units_per_em()))
}

/// Width of a text.
pub(super) fn width(text: &str, size: f64) -> f64 {
    glyphs(text).map(|glyph| glyph.advance).sum::<f64>() * size
}

/// Width of the widest of some texts; 0 of none.
pub(super) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, size: f64) -> f64 {
    texts.into_iter().map(|text| width(text, size)).fold(0.0, f64::max)
}

/// The text if it fits in `room`, else as much of its start as fits before an ellipsis;
/// nothing where not even that and a letter do.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let mut left = room - width(ELLIPSIS, size);
    let mut kept = String::new();
    for glyph in glyphs(text) {
        left -= glyph.advance * size;
        if left < 0.0 {
            break;
        }
        kept.push(glyph.character);
    }
    let kept = kept.trim_end_matches([' ', '·', ',']);
    if kept.is_empty() { String::new() } else { format!("{kept}{ELLIPSIS}") }
}

/// The text on at most `lines` lines, broken between words; the last one ends in an
/// ellipsis if more was to come, and a word that is longer than a line does wherever it is.
pub(super) fn wrapped(text: &str, size: f64, room: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() && out.len() < lines {
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, size) > room {
                break;
            }
            line = longer;
            words.next();
        }
        // a separator belongs to neither line
        if words.peek() == Some(&"·") {
            words.next();
        }
        let line = line.trim_end_matches(" ·").to_string();
        out.push(fitted(&line, size, room));
    }
    if words.peek().is_some()
        && let Some(last) = out.last_mut()
    {
        let rest = words.collect::<Vec<_>>().join(" ");
        *last = fitted(&format!("{last} {rest}"), size, room);
    }
    out.retain(|line| !line.is_empty());
    out
}

/// As many of the parts as fit in `room`, the first ones first.
pub(super) fn joined(parts: &[String], size: f64, room: f64) -> String {
    let fits = |n: &usize| width(&parts[..*n].join(" · "), size) <= room;
    let most = (0..=parts.len()).rev().find(fits).unwrap_or(0);
    parts[..most].join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_helvetica() {
        // Adobe's Helvetica.afm
        for (text, thousandths) in [("0", 556.0), ("A", 667.0), ("i", 222.0), ("m", 833.0)] {
            assert!((width(text, 1000.0) - thousandths).abs() < 0.6, "{text}");
        }
        assert_eq!(units(), 2048.0);
    }

    #[test]
    fn names_and_titles_have_glyphs_and_what_lacks_one_has_room() {
        for c in (' '..='~').chain("·×±–−…≥≤²→ÄßčΔЖ\u{fffd}".chars()) {
            assert_ne!(glyph(c).id, 0, "{c}");
        }
        let (box_, wide) = (glyph('\u{e000}'), glyph('層'));
        assert_eq!((box_.id, wide.id), (0, 0));
        assert!(box_.advance >= 0.6 && wide.advance >= 1.2);
        assert!(glyph('\u{20dd}').advance > 0.3, "a lone mark is seen too");
    }

    #[test]
    fn texts_are_made_to_fit() {
        assert_eq!(fitted("abc", 10.0, 100.0), "abc");
        let short = fitted("resnet38-w2-cifar10-64th", 10.0, 60.0);
        assert!(short.starts_with("resnet") && short.ends_with('…'));
        assert!(width(&short, 10.0) <= 60.0);
        assert_eq!(fitted("abc", 10.0, 3.0), "");
        let lines = wrapped("one two · three four", 10.0, width("one two ·", 10.0), 3);
        assert_eq!(lines, ["one two", "three", "four"]);
        let lines = wrapped("one two three four", 10.0, 40.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…') && lines.iter().all(|l| width(l, 10.0) <= 40.0));
        assert!(wrapped("  ", 10.0, 45.0, 2).is_empty());
        assert!(wrapped(&"x".repeat(99), 10.0, 45.0, 2)[0].ends_with('…'));
        let parts = ["abc", "de"].map(String::from);
        let all = width("abc · de", 10.0);
        assert_eq!(joined(&parts, 10.0, all), "abc · de");
        assert_eq!(joined(&parts, 10.0, all - 0.1), "abc");
        assert_eq!(joined(&parts, 10.0, 1.0), "");
    }
}
