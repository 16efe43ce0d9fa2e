//! The form that analyses the open run: what to compute, over which images. It lies over
//! the map, or stands in its place where there is none yet. Pure state: the work is a job.

use crate::app::action::Action;
use crate::app::complete::Want;
use crate::app::form::{Sheet, moved, stepped};
use crate::app::jobs::JobKind;
use crate::app::overlay::{Ask, Overlay};
use crate::app::room::{Clip, Context, Reply};
use crate::domain::probes::Effort;
use crate::lab::ask::Analysis;
use crate::text::quoted;

use super::Explorer;

/// A line of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Images of the map.
    Images,
    /// Images of a batch.
    Batch,
    /// First components.
    Components,
    /// Linear probes.
    Probes,
    /// Where the images are.
    Data,
}

impl Field {
    /// All fields from above.
    pub const ALL: [Field; 5] =
        [Field::Images, Field::Batch, Field::Components, Field::Probes, Field::Data];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Field::Images => "test images",
            Field::Batch => "batch",
            Field::Components => "first components",
            Field::Probes => "linear probes",
            Field::Data => "data",
        }
    }
}

/// Numbers of images to choose from, none for all.
const IMAGES: [Option<usize>; 6] =
    [None, Some(512), Some(1_024), Some(2_048), Some(4_096), Some(8_192)];
/// Sizes of a batch to choose from.
const BATCHES: [usize; 4] = [64, 128, 256, 512];
/// Probes to choose from.
const PROBES: [Option<Effort>; 3] = [None, Some(Effort::Quick), Some(Effort::Full)];

/// The state of the form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    open: bool,
    field: usize,
    /// What will be computed.
    pub wanted: Analysis,
}

impl Explorer {
    /// The form, while it is shown.
    pub fn form(&self) -> Option<&Form> {
        (self.form.open || self.is_empty()).then_some(&self.form)
    }

    /// The selected field.
    pub fn form_field(&self) -> Field {
        Field::ALL[self.form.field.min(Field::ALL.len() - 1)]
    }

    /// What a field says.
    pub fn form_value(&self, field: Field) -> String {
        let wanted = &self.form.wanted;
        let available = self.run.manifest.data.test_examples;
        match field {
            Field::Images => match wanted.examples.filter(|n| *n < available) {
                Some(n) => format!("{n} of {available}, drawn at random"),
                None => format!("all {available}"),
            },
            Field::Batch => format!("{} images", wanted.batch),
            Field::Components => if wanted.components { "yes" } else { "no" }.to_string(),
            Field::Probes => match wanted.probes {
                None => "no".to_string(),
                Some(Effort::Quick) => "quick: 3,000 training images, 6 epochs".to_string(),
                Some(Effort::Full) => "full: all training images, 30 epochs".to_string(),
            },
            Field::Data => match (&wanted.data, self.run.manifest.data.source.as_str()) {
                (Some(data), _) => data.clone(),
                (None, "shapes") => "shapes, built in".to_string(),
                (None, source) => format!("as the program was told, else {source}:PATH"),
            },
        }
    }

    /// The form as it is drawn.
    pub fn form_sheet(&self) -> Sheet {
        Sheet {
            heading: match self.is_empty() {
                true => "This run has no analysis yet, so there is no map to show.",
                false => "Analyse this run again.",
            },
            rows: Field::ALL.map(|field| (field.name(), self.form_value(field))).to_vec(),
            at: self.form.field,
            does: "computes it; the same as",
            command: self.form_command(),
            problem: None,
        }
    }

    /// The same as a command.
    pub fn form_command(&self) -> String {
        let wanted = &self.form.wanted;
        let run = quoted(&self.run.id.name());
        let mut words = vec!["blockscope analyze".to_string(), run];
        if let Some(n) = wanted.examples {
            words.push(format!("--examples {n}"));
        }
        if wanted.batch != Analysis::default().batch {
            words.push(format!("--batch {}", wanted.batch));
        }
        if !wanted.components {
            words.push("--pc-examples 0".to_string());
        }
        match wanted.probes {
            None => {}
            Some(Effort::Quick) => words.push("--probes".to_string()),
            Some(Effort::Full) => words.push("--probes=full".to_string()),
        }
        if let Some(data) = &wanted.data {
            words.push(format!("--data {}", quoted(data)));
        }
        words.join(" ")
    }

    /// The command as a text to copy.
    pub(super) fn copied_command(&self) -> Option<Clip> {
        Some((self.form_command(), "the command".into()))
    }

    /// Opens the form over the map.
    pub(super) fn open_form(&mut self) {
        self.form.open = true;
    }

    /// A command while the form is shown.
    pub(super) fn in_form(&mut self, cx: &mut Context<'_>, action: Action) -> Reply {
        if let Some(to) = moved(self.form.field, Field::ALL.len(), action) {
            self.form.field = to;
            return Reply::default();
        }
        match action {
            Action::Back if cx.running.is_some() || self.is_empty() => return cx.leave(),
            Action::Back | Action::Analyse => self.form.open = false,
            Action::Left => self.change(cx, false),
            Action::Right | Action::Choose => self.change(cx, true),
            Action::Open => {
                let kind = JobKind::Analyze(self.form.wanted.clone());
                return cx.start(self.run.id.clone(), kind).into();
            }
            _ => {}
        }
        Reply::default()
    }

    /// The next (or previous) value of the selected field; a path is asked for.
    fn change(&mut self, cx: &mut Context<'_>, forward: bool) {
        let field = self.form_field();
        let wanted = &mut self.form.wanted;
        match field {
            Field::Images => wanted.examples = stepped(&IMAGES, wanted.examples, forward),
            Field::Batch => wanted.batch = stepped(&BATCHES, wanted.batch, forward),
            Field::Components => wanted.components = !wanted.components,
            Field::Probes => wanted.probes = stepped(&PROBES, wanted.probes, forward),
            Field::Data => {
                let text = wanted.data.as_deref().unwrap_or_default();
                let hint = "cifar10:PATH, cifar100:PATH, folder:PATH or shapes; empty: as told";
                *cx.overlay = Overlay::Ask(Ask::new("data: ", hint, text).path(Want::Data));
            }
        }
    }

    /// Takes where the images are.
    pub(super) fn take_data(&mut self, text: &str) {
        let text = text.trim();
        self.form.wanted.data = (!text.is_empty()).then(|| text.to_string());
    }
}
