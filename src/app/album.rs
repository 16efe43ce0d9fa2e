//! Pictures of test images: which were asked for, and those that came. Knows no
//! screen.

use std::collections::BTreeMap;

use super::jobs::Picture;

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
    /// Leaves pictures out for now, as if they were still to come: over a slow
    /// link they cost more than all the rest.
    pub fn hide(&mut self, hidden: bool) {
        self.hidden = hidden;
    }

    /// Whether they are left out.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// The picture of an image.
    pub fn get(&self, image: u32) -> Option<&Picture> {
        self.pictures.get(&image).filter(|_| !self.hidden)
    }

    /// The picture of a serial number.
    pub fn by_serial(&self, serial: u32) -> Option<&Picture> {
        self.pictures.values().find(|picture| picture.serial == serial)
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
        let picture = Picture::new(1, 1, vec![1, 2, 3]);
        album.take(Ok(vec![(3, picture.clone())]));
        assert_eq!(album.get(3), Some(&picture));
        album.take(Err("no images".into()));
        assert!(album.ask(&[9]).is_empty() && album.problem() == Some("no images"));
    }
}
