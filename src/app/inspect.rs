//! The inspector: which tab is open, and the pictures that it shows.

use std::collections::BTreeMap;

use super::jobs::Picture;

/// Pages of the pane beside the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tab {
    /// The layer under the cursor.
    #[default]
    Layer,
    /// First components along the layers.
    Components,
    /// Linear probes along the layers.
    Probes,
    /// Block structures, and deletions of residual blocks.
    Blocks,
    /// How it was made.
    About,
}

impl Tab {
    /// All tabs from left to right.
    pub const ALL: [Tab; 5] = [Tab::Layer, Tab::Components, Tab::Probes, Tab::Blocks, Tab::About];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Layer => "Layer",
            Tab::Components => "PC",
            Tab::Probes => "Probe",
            Tab::Blocks => "Blocks",
            Tab::About => "About",
        }
    }

    /// The tab to the right (or left), round about.
    pub fn step(self, forward: bool) -> Tab {
        let count = Tab::ALL.len();
        let at = Tab::ALL.iter().position(|t| *t == self).unwrap_or(0);
        Tab::ALL[(at + if forward { 1 } else { count - 1 }) % count]
    }
}

/// Most pictures kept.
const KEPT: usize = 512;

/// Pictures of test images, as they arrive.
#[derive(Debug, Clone, Default)]
pub struct Album {
    pictures: BTreeMap<u32, Picture>,
    asked: Vec<u32>,
    /// In one line why there are none.
    problem: Option<String>,
    /// Left out for now.
    hidden: bool,
}

impl Album {
    /// True while there are none.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Leaves pictures out for now, as if they were still to come: over a slow
    /// link they cost more than all the rest.
    pub fn hide(&mut self, hidden: bool) {
        self.hidden = hidden;
    }

    /// The picture of an image.
    pub fn get(&self, image: u32) -> Option<&Picture> {
        self.pictures.get(&image).filter(|_| !self.hidden)
    }

    /// Why there are no pictures, if there are none.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Those of `images` that were never asked for; they count as asked for now.
    pub fn ask(&mut self, images: &[u32]) -> Vec<u32> {
        if self.problem.is_some() {
            return Vec::new();
        }
        let new: Vec<u32> = images.iter().copied().filter(|i| !self.asked.contains(i)).collect();
        self.asked.extend(&new);
        new
    }

    /// Takes what came.
    pub fn take(&mut self, result: Result<Vec<(u32, Picture)>, String>) {
        match result {
            Err(why) => self.problem = Some(why),
            Ok(pictures) => {
                if self.pictures.len() + pictures.len() > KEPT {
                    self.pictures.clear();
                    self.asked.clear();
                }
                self.pictures.extend(pictures);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_asked_for_once_and_never_again_after_a_refusal() {
        let mut album = Album::default();
        assert_eq!(album.ask(&[3, 1]), [3, 1]);
        assert_eq!(album.ask(&[1, 2]), [2]);
        let picture = Picture { width: 1, height: 1, rgb: vec![1, 2, 3] };
        album.take(Ok(vec![(3, picture.clone())]));
        assert_eq!(album.get(3), Some(&picture));
        album.take(Err("no images".into()));
        assert!(album.ask(&[9]).is_empty() && album.problem() == Some("no images"));
    }

    #[test]
    fn tabs_go_round() {
        assert_eq!(Tab::About.step(true), Tab::Layer);
        assert_eq!(Tab::Layer.step(false), Tab::About);
    }
}
