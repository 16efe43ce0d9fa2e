//! Completing a path while it is typed: what is asked of the outside, and what its answer
//! does to the field. Pure state; knows no screen and no files.

use super::key::{Key, KeyCode};
use super::prompt::Prompt;

/// What a field wants a path of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Want {
    /// A checkpoint.
    Checkpoint,
    /// Images, as an option says it: `cifar10:PATH`.
    Data,
}

/// What could stand in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRequest {
    /// The field's text.
    pub text: String,
    /// What it wants.
    pub want: Want,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Whole texts of the field, in the order in which they are offered; those that can be
    /// gone into end in `/` or `:`.
    pub texts: Vec<String>,
    /// Names that cannot be typed.
    pub left_out: usize,
}

/// Completion of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    want: Want,
    /// The text that was asked about and has no answer yet.
    asked: Option<String>,
    found: Found,
    at: Option<usize>,
    /// Why nothing is offered.
    note: Option<String>,
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CompletionEvent {
    /// Find out what could stand here.
    Ask(PathRequest),
    /// It was taken.
    Taken,
    /// It is for the field.
    Passed,
}

/// True if a text can be gone into.
fn is_open(text: &str) -> bool {
    text.ends_with(['/', ':'])
}

/// The longest beginning that all have.
fn common(texts: &[String]) -> &str {
    let Some(first) = texts.first() else { return "" };
    let same = |text: &String| {
        let pairs = first.char_indices().zip(text.chars());
        pairs.take_while(|((_, a), b)| a == b).last().map_or(0, |((at, c), _)| at + c.len_utf8())
    };
    let end = texts.iter().map(same).min().unwrap_or(0);
    first.get(..end).unwrap_or_default()
}

impl Completion {
    /// Nothing asked yet.
    pub fn new(want: Want) -> Completion {
        Completion { want, asked: None, found: Found::default(), at: None, note: None }
    }

    /// What could stand in the field, if that is not one text alone.
    pub fn offered(&self) -> &[String] {
        &self.found.texts
    }

    /// Which of them stands there.
    pub fn selected(&self) -> Option<usize> {
        self.at
    }

    /// Why nothing is offered, or what is missing among it.
    pub fn note(&self) -> Option<String> {
        match (&self.note, self.found.left_out) {
            (Some(note), _) => Some(note.clone()),
            (None, 0) => None,
            (None, n) => Some(format!("{n} more with names that cannot be typed")),
        }
    }

    /// True while an answer is waited for.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    fn ask(&mut self, text: &str) -> CompletionEvent {
        *self = Completion::new(self.want);
        self.asked = Some(text.to_string());
        CompletionEvent::Ask(PathRequest { text: text.to_string(), want: self.want })
    }

    /// Takes a key before the field does.
    pub(super) fn key(&mut self, key: Key, prompt: &mut Prompt) -> CompletionEvent {
        let offered = self.found.texts.len();
        let next = match (key.code, self.at) {
            (KeyCode::Tab, _) if offered == 0 => {
                // a folder that does not answer is asked once
                return match self.asked.as_deref() == Some(prompt.text()) {
                    true => CompletionEvent::Taken,
                    false => self.ask(prompt.text()),
                };
            }
            // what was chosen is gone into before it is the answer
            (KeyCode::Enter, Some(_)) if is_open(prompt.text()) => {
                return self.ask(prompt.text());
            }
            (KeyCode::Tab | KeyCode::Down, at) if offered > 0 => {
                at.map_or(0, |at| (at + 1) % offered)
            }
            (KeyCode::BackTab | KeyCode::Up, at) if offered > 0 => {
                at.map_or(offered - 1, |at| (at + offered - 1) % offered)
            }
            (KeyCode::Tab | KeyCode::BackTab, _) => return CompletionEvent::Taken,
            _ => return CompletionEvent::Passed,
        };
        self.at = Some(next);
        *prompt = Prompt::with(&self.found.texts[next]);
        CompletionEvent::Taken
    }

    /// The field's text is another one now.
    pub(super) fn forget(&mut self) {
        *self = Completion::new(self.want);
    }

    /// Takes what was found, or in one line why nothing was. An answer about a text that
    /// does not stand there any more is ignored.
    pub(super) fn take(
        &mut self,
        request: &PathRequest,
        found: Result<Found, String>,
        prompt: &mut Prompt,
    ) {
        let current =
            self.asked.as_deref() == Some(request.text.as_str()) && prompt.text() == request.text;
        if !current {
            return;
        }
        self.asked = None;
        match found {
            Err(why) => self.note = Some(why),
            Ok(found) => match &found.texts[..] {
                [] => self.note = Some("nothing there begins like this".into()),
                [one] => *prompt = Prompt::with(one),
                texts => {
                    let common = common(texts);
                    if common.len() > prompt.text().len() {
                        *prompt = Prompt::with(common);
                    }
                    self.found = found;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAB: Key = Key::plain(KeyCode::Tab);

    fn request(text: &str) -> PathRequest {
        PathRequest { text: text.into(), want: Want::Checkpoint }
    }

    fn found(texts: &[&str]) -> Result<Found, String> {
        Ok(Found { texts: texts.iter().map(|text| text.to_string()).collect(), left_out: 0 })
    }

    /// A field after Tab and its answer.
    fn answered(text: &str, texts: &[&str]) -> (Completion, Prompt) {
        let (mut completion, mut prompt) = (Completion::new(Want::Checkpoint), Prompt::with(text));
        let asked = completion.key(TAB, &mut prompt);
        assert_eq!(asked, CompletionEvent::Ask(request(text)));
        completion.take(&request(text), found(texts), &mut prompt);
        (completion, prompt)
    }

    #[test]
    fn tab_goes_as_far_as_all_agree_and_then_from_one_to_the_next() {
        let (mut completion, mut prompt) = answered("n", &["nets/", "net.pt", "net é.th"]);
        assert_eq!(prompt.text(), "net");
        assert_eq!(completion.offered().len(), 3);
        for text in ["nets/", "net.pt", "net é.th", "nets/"] {
            assert_eq!(completion.key(TAB, &mut prompt), CompletionEvent::Taken);
            assert_eq!(prompt.text(), text);
        }
        completion.key(Key::plain(KeyCode::BackTab), &mut prompt);
        assert_eq!(prompt.text(), "net é.th");
        // one alone is it
        let (completion, prompt) = answered("x", &["xyz/"]);
        assert_eq!((prompt.text(), completion.offered().len()), ("xyz/", 0));
        assert_eq!(common(&["é".to_string(), "è".to_string()]), "");
    }

    #[test]
    fn enter_goes_into_a_chosen_folder_and_takes_a_file() {
        let (mut completion, mut prompt) = answered("n", &["nets/", "net.pt"]);
        completion.key(TAB, &mut prompt);
        let enter = Key::plain(KeyCode::Enter);
        assert_eq!(completion.key(enter, &mut prompt), CompletionEvent::Ask(request("nets/")));
        // nothing is chosen any more, so the next takes what stands there
        assert_eq!(completion.key(enter, &mut prompt), CompletionEvent::Passed);
        let (mut completion, mut prompt) = answered("n", &["nets/", "net.pt"]);
        completion.key(TAB, &mut prompt);
        completion.key(TAB, &mut prompt);
        assert_eq!(completion.key(enter, &mut prompt), CompletionEvent::Passed);
    }

    #[test]
    fn answers_that_come_late_or_not_at_all_change_nothing() {
        let (mut completion, mut prompt) = (Completion::new(Want::Checkpoint), Prompt::with("a"));
        completion.key(TAB, &mut prompt);
        assert!(completion.is_waiting());
        assert_eq!(completion.key(TAB, &mut prompt), CompletionEvent::Taken, "asked once");
        prompt.key(Key::char('b'), 0);
        completion.forget();
        completion.take(&request("a"), found(&["aa", "ac"]), &mut prompt);
        assert!(prompt.text() == "ab" && completion.offered().is_empty());
        completion.key(TAB, &mut prompt);
        completion.take(&request("ab"), Err("gone".into()), &mut prompt);
        assert_eq!(completion.note().as_deref(), Some("gone"));
        let (completion, prompt) = answered("q", &[]);
        assert!(completion.note().is_some() && prompt.text() == "q");
    }
}
