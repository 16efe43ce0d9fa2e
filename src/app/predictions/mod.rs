//! What networks predict: which of them agree, and two groups of them against
//! each other, example by example and class by class. Pure state.

mod keys;
mod layout;

use crate::domain::SimilarityMatrix;
use crate::domain::contrast::{Contrast, contrast};
use crate::domain::predictions::{Predictions, agreement};
use crate::runs::{RunId, RunManifest};

use super::album::Album;
use super::message::Answers;

pub(super) use keys::{ask, opened};
pub use layout::PredictionsLayout;

/// Pages of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Page {
    /// Which networks predict the same.
    #[default]
    Agreement,
    /// Per-example accuracy of one group against the other.
    Examples,
    /// Per-class accuracy of both groups.
    Classes,
}

impl Page {
    /// All pages from left to right.
    pub const ALL: [Page; 3] = [Page::Agreement, Page::Examples, Page::Classes];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Page::Agreement => "Agreement",
            Page::Examples => "Examples",
            Page::Classes => "Classes",
        }
    }

    /// The page to the right (or left), round about.
    pub fn step(self, forward: bool) -> Page {
        let at = self as usize;
        Page::ALL[(at + if forward { 1 } else { 2 }) % 3]
    }
}

/// To which group a run belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Group {
    /// To none.
    #[default]
    None,
    /// To the first.
    A,
    /// To the second.
    B,
}

impl Group {
    fn next(self) -> Group {
        match self {
            Group::None => Group::A,
            Group::A => Group::B,
            Group::B => Group::None,
        }
    }

    /// One letter, or a space.
    pub fn sign(self) -> &'static str {
        match self {
            Group::None => " ",
            Group::A => "A",
            Group::B => "B",
        }
    }
}

/// A run on the screen.
#[derive(Debug, Clone)]
pub struct Member {
    /// The run.
    pub id: RunId,
    /// Its manifest.
    pub manifest: RunManifest,
    /// Its predictions.
    pub predictions: Predictions,
    /// Its group.
    pub group: Group,
}

/// Dominant examples kept for the list.
const LISTED: usize = 200;
/// Pictures asked for at once.
const PICTURES: usize = 24;

/// The screen.
#[derive(Debug, Clone)]
pub struct PredictionsView {
    members: Vec<Member>,
    left_out: Vec<(String, String)>,
    classes: Vec<String>,
    data: String,
    page: Page,
    selected: usize,
    agreement: SimilarityMatrix,
    contrast: Result<Contrast, String>,
    /// Positions of the most different examples, and which of them is selected.
    ranked: Vec<usize>,
    example: usize,
    /// Pictures of test images.
    pub album: Album,
}

impl PredictionsView {
    /// Runs over the same images as `first` (or as the first that has any);
    /// `groups` says which go where, else networks of one architecture are A and
    /// the others B.
    ///
    /// # Errors
    /// One line, if no run has predictions.
    pub fn new(
        all: Vec<Answers>,
        first: Option<&RunId>,
        groups: Option<[&RunId; 2]>,
    ) -> Result<PredictionsView, String> {
        let known = |a: &&Answers| a.found.is_ok();
        let lead = all
            .iter()
            .find(|a| Some(&a.id) == first && a.found.is_ok())
            .or_else(|| all.iter().find(known))
            .ok_or(
                "no run has predictions: `blockscope analyze RUN` writes them with the first map",
            )?;
        let Ok(reference) = &lead.found else { return Err("no predictions".into()) };
        let (reference, model) = (reference.clone(), lead.manifest.model.clone());
        let (mut members, mut left_out) = (Vec::new(), Vec::new());
        for Answers { id, manifest, found } in all {
            let name = manifest.name.clone();
            match found {
                Err(why) => left_out.push((name, why)),
                Ok(found) => {
                    let (mine, theirs) =
                        (&found.record.data.fingerprint, &reference.record.data.fingerprint);
                    let same = mine == theirs
                        && found.predictions.images == reference.predictions.images
                        && found.predictions.labels == reference.predictions.labels;
                    match same {
                        true => members.push(Member {
                            id,
                            manifest,
                            predictions: found.predictions,
                            group: Group::None,
                        }),
                        false => left_out.push((name, "was tested on other images".into())),
                    }
                }
            }
        }
        match groups {
            Some([a, b]) => {
                for member in &mut members {
                    member.group = match &member.id {
                        id if id == a => Group::A,
                        id if id == b => Group::B,
                        _ => Group::None,
                    };
                }
            }
            None => by_architecture(&mut members, &model),
        }
        let sets: Vec<&Predictions> = members.iter().map(|m| &m.predictions).collect();
        let agreement = agreement(&sets).map_err(|e| e.to_string())?;
        let selected = members.iter().position(|m| Some(&m.id) == first).unwrap_or(0);
        let mut view = PredictionsView {
            members,
            left_out,
            classes: reference.record.data.classes.clone(),
            data: reference.record.data.title(),
            page: Page::default(),
            selected,
            agreement,
            contrast: Err(String::new()),
            ranked: Vec::new(),
            example: 0,
            album: Album::default(),
        };
        view.regroup();
        Ok(view)
    }

    /// Compares the groups anew.
    fn regroup(&mut self) {
        let of = |group: Group| -> Vec<&Predictions> {
            self.members.iter().filter(|m| m.group == group).map(|m| &m.predictions).collect()
        };
        let (a, b) = (of(Group::A), of(Group::B));
        self.contrast = match (a.is_empty(), b.is_empty()) {
            (false, false) => contrast(&a, &b).map_err(|e| e.to_string()),
            _ => {
                Err("each group needs at least one run: Space puts the selected one into A or B"
                    .into())
            }
        };
        self.ranked = self.contrast.as_ref().map_or(Vec::new(), |c| c.most_different(LISTED));
        self.example = 0;
    }

    /// The runs.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Runs that are not shown, and why.
    pub fn left_out(&self) -> &[(String, String)] {
        &self.left_out
    }

    /// The name of a class.
    pub fn class(&self, class: u16) -> String {
        self.classes.get(usize::from(class)).cloned().unwrap_or_else(|| class.to_string())
    }

    /// The data set.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The page.
    pub fn page(&self) -> Page {
        self.page
    }

    /// The selected run.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Shares of images on which two runs predict the same.
    pub fn agreement(&self) -> &SimilarityMatrix {
        &self.agreement
    }

    /// The groups against each other, or what is missing.
    pub fn contrast(&self) -> Result<&Contrast, &str> {
        self.contrast.as_ref().map_err(String::as_str)
    }

    /// The most different examples, as positions in the contrast's list.
    pub fn ranked(&self) -> &[usize] {
        &self.ranked
    }

    /// Which of them is selected.
    pub fn example(&self) -> usize {
        self.example
    }

    /// The next or previous page.
    pub fn step_page(&mut self, forward: bool) {
        self.page = self.page.step(forward);
    }

    /// Rows of the list that keys move in: the examples on their page, else the runs.
    fn listed(&self) -> usize {
        match self.page {
            Page::Examples => self.ranked.len(),
            _ => self.members.len(),
        }
    }

    /// The selected row of that list.
    fn at(&self) -> usize {
        match self.page {
            Page::Examples => self.example,
            _ => self.selected,
        }
    }

    /// Selects a row of that list.
    pub fn select(&mut self, row: usize) {
        let row = row.min(self.listed().saturating_sub(1));
        match self.page {
            Page::Examples => self.example = row,
            _ => self.selected = row,
        }
    }

    /// Puts the selected run into the next group.
    pub fn cycle_group(&mut self) {
        if let Some(member) = self.members.get_mut(self.selected) {
            member.group = member.group.next();
            self.regroup();
        }
    }

    /// Exchanges the groups.
    pub fn swap(&mut self) {
        for member in &mut self.members {
            member.group = match member.group {
                Group::A => Group::B,
                Group::B => Group::A,
                Group::None => Group::None,
            };
        }
        self.regroup();
    }

    /// The run whose data hold the pictures.
    pub(super) fn pictured(&self) -> Option<&RunId> {
        self.members.first().map(|member| &member.id)
    }

    /// Pictures to ask for: those of the examples from the selected one on.
    pub fn pictures(&mut self) -> Option<(RunId, Vec<u32>)> {
        if self.page != Page::Examples {
            return None;
        }
        let id = self.pictured()?.clone();
        let rows = &self.contrast.as_ref().ok()?.examples;
        let shown = self.ranked.iter().skip(self.example).take(PICTURES);
        let images: Vec<u32> = shown.filter_map(|at| rows.get(*at)).map(|row| row.image).collect();
        let new = self.album.ask(&images);
        (!new.is_empty()).then_some((id, new))
    }
}

/// Networks of `model`'s architecture against the others; with one architecture
/// alone, the first half of the seeds against the second.
fn by_architecture(members: &mut [Member], model: &crate::domain::ModelSpec) {
    let same = |m: &Member| m.manifest.model == *model;
    let all_same = members.iter().all(same);
    let half = members.len().div_ceil(2);
    for (at, member) in members.iter_mut().enumerate() {
        let first = if all_same { at < half } else { same(member) };
        member.group = if first { Group::A } else { Group::B };
    }
}
