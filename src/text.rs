//! Small helpers for messages and tables: one line, names that look alike, columns
//! that line up. Knows nothing of what they are about.

pub use strsim::levenshtein as edit_distance;
use unicode_width::UnicodeWidthStr;

/// The text with control characters replaced by spaces, so that it fits one
/// line and cannot steer a terminal.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
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
