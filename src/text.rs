//! Small helpers for messages and tables: one line, names that look alike, columns
//! that line up. Knows nothing of what they are about.

use std::borrow::Cow;

pub use strsim::levenshtein as edit_distance;
use unicode_width::UnicodeWidthStr;

/// What takes the place of a character that must not reach a terminal.
const REPLACED: char = '\u{fffd}';

/// True for what steers a terminal, changes the order of what is shown or is not seen at
/// all: controls of both sets, line and paragraph separators, and what Unicode calls
/// default ignorable, such as marks of direction, but for the selectors that belong to the
/// character before them.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Foreign text (names in files, what the system says) for one line of a terminal: white
/// space between lines becomes a space, whatever else is hidden a visible mark.
pub fn one_line(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        c if is_hidden(c) => REPLACED,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// A text of several lines, each as [`one_line`] gives it.
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_hidden(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(one_line).collect::<Vec<_>>().join("\n"))
}

/// JSON with what is hidden in its strings written as escapes: the same values, and safe to
/// look at.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            c if is_hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// The text without its middle where it is longer than `most` characters: what was said
/// about a long input is at its ends.
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_string();
    }
    let (head, tail) = (2 * most / 3, most / 3);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start} [{} characters left out] {end}", length - head - tail)
}

/// The candidate that a mistyped name most likely meant: at most a third of its
/// letters differ, rounded up.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// A name that stands for nothing, with the one that was probably meant: `"drak" is no
/// theme (did you mean "dark"?); use dark or light`.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let near = nearest(name, known.iter().copied());
    let near = near.map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
    format!("{name:?} is no {what}{near}; use {}", either(known))
}

/// `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        words => words.concat(),
    }
}

/// A time with the digits that matter: `0.34 s`, `3.4 s`, `34 s`, `5 min 40 s`, `34 min`,
/// `3 h 24 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    let minutes = (seconds / 60.0).round() as u64;
    match seconds {
        ..0.995 => format!("{:.2} s", seconds.max(0.0)),
        ..9.95 => format!("{seconds:.1} s"),
        ..99.5 => format!("{seconds:.0} s"),
        ..599.5 => format!("{} min {} s", whole / 60, whole % 60),
        ..5970.0 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// How often something happens, with the digits that matter: `314/s`, `31.5/s`, `3.14/s`,
/// and where that is less than one in ten seconds, `1.9/min`.
pub fn rate(per_second: f64) -> String {
    let (number, unit) = match per_second {
        0.1.. => (per_second, "s"),
        _ => (60.0 * per_second.max(0.0), "min"),
    };
    match number {
        99.95.. => format!("{number:.0}/{unit}"),
        9.995.. => format!("{number:.1}/{unit}"),
        _ => format!("{number:.2}/{unit}"),
    }
}

/// `10,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Columns that a text takes on a terminal: wide characters take two, combining
/// marks none.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text with blanks behind it, so that it takes at least `columns`.
pub fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{:blanks$}", "")
}

/// The text in lines of at most `columns`, broken between its words, and inside a word that
/// is longer than a line.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let blank = usize::from(used > 0);
        if used > 0 && used + blank + width(word) > columns {
            lines.push(String::new());
            used = 0;
        } else if blank > 0 {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
            used += 1;
        }
        for c in word.chars() {
            let wide = width(c.encode_utf8(&mut [0; 4]));
            if used + wide > columns {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().into_iter().for_each(|line| line.push(c));
            used += wide;
        }
    }
    lines
}

/// A word for a command line that can be pasted into a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@%+=,-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Columns padded to their widest entry, two blanks apart, without blanks at the
/// ends of lines.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|c| widest(c).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_have_the_digits_that_matter() {
        for (seconds, words) in [
            (0.0, "0.00 s"),
            (0.337, "0.34 s"),
            (3.4176, "3.4 s"),
            (9.97, "10 s"),
            (34.2, "34 s"),
            (99.7, "1 min 40 s"),
            (340.0, "5 min 40 s"),
            (1334.0, "22 min"),
            (12_240.0, "3 h 24 min"),
        ] {
            assert_eq!(duration(seconds), words);
        }
        for (per_second, words) in [
            (31.454_176_533_569, "31.5/s"),
            (3.2415, "3.24/s"),
            (31_454.2, "31454/s"),
            (0.25, "0.25/s"),
            (0.031, "1.86/min"),
            (0.0, "0.00/min"),
        ] {
            assert_eq!(rate(per_second), words);
        }
    }

    #[test]
    fn a_name_that_stands_for_nothing_gets_the_nearest() {
        let text = unknown("theme", "drak", &["dark", "light"]);
        assert_eq!(text, "\"drak\" is no theme (did you mean \"dark\"?); use dark or light");
        assert_eq!(unknown("theme", "xyz", &["dark"]), "\"xyz\" is no theme; use dark");
    }

    #[test]
    fn the_nearest_name_differs_in_a_third_of_its_letters_at_most() {
        let names = ["kitten", "mitten", "dog"];
        for (typed, meant) in [
            ("kiten", Some("kitten")),
            ("miten", Some("mitten")),
            ("sitting", Some("kitten")),
            ("dgo", None),
            ("", None),
            ("dok", Some("dog")),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }

    #[test]
    fn foreign_text_neither_steers_a_terminal_nor_hides() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{7}b\r\nc\u{202e}d\u{200b}\u{2066}\u{feff}e\u{e0041}";
        let shown = one_line(hostile);
        assert!(!shown.contains(is_hidden), "{shown:?}");
        assert_eq!(shown.chars().filter(|c| "abcde".contains(*c)).count(), 5);
        assert_eq!(one_line("a\r\nb\tc"), "a  b c");
        // letters of every kind stay as they are, with their accents and selectors
        for text in ["re\u{301}sum\u{e9}", "\u{6df1}\u{5c42}", "\u{2764}\u{fe0f}", "\u{5e9}\u{5dc}"]
        {
            assert_eq!(one_line(text), text);
            assert!(matches!(lines(text), Cow::Borrowed(_)));
        }
        assert_eq!(lines("a\u{1b}b\nc"), "a\u{fffd}b\nc");
        // every control, and nothing else of ASCII
        assert!(
            (0..=255u8).map(char::from).all(|c| is_hidden(c) == (c.is_control() || c == '\u{ad}'))
        );
    }

    #[test]
    fn json_says_the_same_with_escapes() {
        let names = ["\u{9b}2J", "a\u{202e}b", "\u{e0041}", "\u{7f}", "x"];
        let text = serde_json::to_string_pretty(&names).unwrap();
        let safe = json(&text);
        assert!(safe.chars().all(|c| c == '\n' || !is_hidden(c)), "{safe:?}");
        let back: Vec<String> = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, names);
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        assert_eq!(shortened("short", 5), "short");
        let text = format!("no run {:?}; there are none", "\u{e9}".repeat(100_000));
        let short = shortened(&text, 60);
        assert!(short.starts_with("no run \"\u{e9}") && short.ends_with("; there are none"));
        assert!(short.contains(" characters left out] ") && short.chars().count() < 100);
    }

    #[test]
    fn distances_count_characters() {
        for (a, b, d) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
            ("\u{e9}t\u{e9}", "ete", 2),
        ] {
            assert_eq!(edit_distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn texts_wrap_between_words_and_inside_long_ones() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 5), ["abcde", "fgh", "ij"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("\u{6df1}\u{5c42}\u{6df1} x", 5), ["\u{6df1}\u{5c42}", "\u{6df1} x"]);
        for columns in 2..12 {
            let lines = wrapped("deep networks learn alike layers", columns);
            assert!(lines.iter().all(|line| width(line) <= columns && !line.ends_with(' ')));
            let all: String = lines.concat().replace(' ', "");
            assert_eq!(all, "deepnetworkslearnalikelayers");
        }
    }

    #[test]
    fn columns_line_up_under_wide_and_combining_characters() {
        // three columns each: wide and narrow, an accent of its own, no width at all
        let cells = ["\u{6df1}a", "re\u{301}s", "abc", "\u{200b}xyz"];
        for cell in cells {
            assert_eq!(width(cell), 3, "{cell}");
            assert_eq!(padded(cell, 5), format!("{cell}  "));
        }
        assert_eq!(padded("abcdef", 3), "abcdef");
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        let text = aligned(&cells.map(|cell| row([cell, "|"])));
        assert_eq!(text.lines().count(), cells.len());
        for line in text.lines() {
            assert_eq!(width(line.strip_suffix('|').unwrap()), 5, "{line}");
        }
        let ragged = aligned(&[row(["\u{6df1}\u{5c42}", "x"]), row(["a", ""])]);
        assert_eq!(ragged, "\u{6df1}\u{5c42}  x\na\n");
    }
}
