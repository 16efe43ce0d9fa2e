//! The form that makes a run of a checkpoint: which file, the images to test it on, and
//! what its tensors cannot tell. Pure state: the work is a job.

use super::action::{Action, Scope};
use super::complete::Want;
use super::form::{Sheet, moved, path_word, stepped};
use super::jobs::JobKind;
use super::list::RunList;
use super::overlay::{Ask, Overlay};
use super::room::{Clip, Context, Reply, Room};
use crate::domain::Preset;
use crate::lab::ask::CheckpointFile;
use crate::runs::RunId;
use crate::text::{one_line, quoted};

/// A line of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The checkpoint.
    File,
    /// The images.
    Data,
    /// The run's name.
    Name,
    /// What the tensors cannot tell.
    Preset,
    /// Which of several networks in the file.
    Key,
}

impl Field {
    /// All fields from above.
    pub const ALL: [Field; 5] = [Field::File, Field::Data, Field::Name, Field::Preset, Field::Key];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Field::File => "checkpoint",
            Field::Data => "test images",
            Field::Name => "name of the run",
            Field::Preset => "preset",
            Field::Key => "key in the file",
        }
    }
}

/// The form and what was written into it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    at: usize,
    /// What will be imported.
    pub wanted: CheckpointFile,
    /// Why it was not, in one line.
    pub problem: Option<String>,
}

/// A name for a run of a file: its own, of characters that every system takes.
fn name_for(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(plain).take(60).collect();
    name.trim_matches('-').to_string()
}

impl Import {
    /// The selected field.
    pub fn field(&self) -> Field {
        Field::ALL[self.at.min(Field::ALL.len() - 1)]
    }

    fn text(&self, field: Field) -> String {
        let wanted = &self.wanted;
        match field {
            Field::File => wanted.file.clone(),
            Field::Data => wanted.data.clone().unwrap_or_default(),
            Field::Name => wanted.name.clone(),
            Field::Key => wanted.key.clone().unwrap_or_default(),
            Field::Preset => wanted.preset.name().to_string(),
        }
    }

    /// What a field says.
    pub fn value(&self, field: Field) -> String {
        match (field, self.text(field).as_str()) {
            (Field::File, "") => "which file?".to_string(),
            (Field::Name, "") => "how shall it be called?".to_string(),
            (Field::Data, "") => "as the program was told".to_string(),
            (Field::Key, "") => "the only one".to_string(),
            (Field::Preset, "he") => {
                "he: ImageNet's mean and deviation, batch norm as in PyTorch".to_string()
            }
            (Field::Preset, _) => "paper: pixels from 0 to 1, batch norm as in Keras".to_string(),
            (_, text) => one_line(text),
        }
    }

    /// The same as a command.
    pub fn command(&self) -> String {
        let wanted = &self.wanted;
        let or =
            |text: &str, word: &str| if text.is_empty() { word.into() } else { path_word(text) };
        let mut words = vec![
            "blockscope import".to_string(),
            or(&wanted.file, "FILE"),
            format!("--name {}", or(&wanted.name, "NAME")),
        ];
        if wanted.preset != Preset::He {
            words.push(format!("--preset {}", wanted.preset.name()));
        }
        if let Some(data) = &wanted.data {
            words.push(format!("--data {}", quoted(data)));
        }
        if let Some(key) = &wanted.key {
            words.push(format!("--key {}", quoted(key)));
        }
        words.join(" ")
    }

    /// The form as it is drawn.
    pub fn sheet(&self) -> Sheet {
        Sheet {
            heading: "Make a run of a PyTorch or safetensors checkpoint.",
            rows: Field::ALL.map(|field| (field.name(), self.value(field))).to_vec(),
            at: self.at,
            does: "imports it; the same as",
            command: self.command(),
            problem: self.problem.clone(),
        }
    }

    /// The next (or previous) value of the selected field; a text is asked for.
    fn change(&mut self, cx: &mut Context<'_>, forward: bool) {
        let field = self.field();
        let text = self.text(field);
        let ask = match field {
            Field::Preset => {
                self.wanted.preset = stepped(&Preset::ALL, self.wanted.preset, forward);
                return;
            }
            Field::File => Ask::new("checkpoint: ", ".pth, .th, .pt or .safetensors", &text)
                .path(Want::Checkpoint),
            Field::Data => Ask::new("test images: ", "cifar10:PATH, folder:PATH or shapes", &text)
                .path(Want::Data),
            Field::Name => Ask::new("name: ", "of the new run", &text),
            Field::Key => {
                Ask::new("key: ", "of one of several networks; empty: the only one", &text)
            }
        };
        *cx.overlay = Overlay::Ask(ask);
    }

    /// Starts it, or asks for what is missing.
    fn start(&mut self, cx: &mut Context<'_>) -> Reply {
        let missing = [Field::File, Field::Name].into_iter().find(|f| self.text(*f).is_empty());
        if let Some(field) = missing {
            self.at = Field::ALL.iter().position(|f| *f == field).unwrap_or(0);
            self.change(cx, true);
            return Reply::default();
        }
        self.problem = None;
        let run = RunId::Disk(self.wanted.name.clone().into());
        cx.start(run, JobKind::Import(self.wanted.clone())).into()
    }
}

impl Room for Import {
    fn scope(&self) -> Scope {
        Scope::Import
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, _: Option<usize>) -> Reply {
        if let Some(at) = moved(self.at, Field::ALL.len(), action) {
            self.at = at;
            return Reply::default();
        }
        match action {
            Action::Back => return cx.leave(),
            Action::Left => self.change(cx, false),
            Action::Right | Action::Choose => self.change(cx, true),
            Action::Open => return self.start(cx),
            _ => {}
        }
        Reply::default()
    }

    fn answer(&mut self, _: &mut Context<'_>, text: &str) -> Reply {
        let text = text.trim().to_string();
        let some = (!text.is_empty()).then(|| text.clone());
        self.problem = None;
        match self.field() {
            Field::File => {
                // a name that was not chosen follows the file
                if self.wanted.name == name_for(&self.wanted.file) {
                    self.wanted.name = name_for(&text);
                }
                self.wanted.file = text;
            }
            Field::Data => self.wanted.data = some,
            Field::Name => self.wanted.name = text,
            Field::Key => self.wanted.key = some,
            Field::Preset => {}
        }
        Reply::default()
    }

    fn copy(&self, _: &RunList, _: Action) -> Option<Clip> {
        Some((self.command(), "the command".into()))
    }
}
