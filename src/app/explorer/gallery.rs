//! The images that drive a layer, all of them, as pictures: which are on screen, which
//! one is selected. It lies over the map, of the layer of the cursor's row. Pure state.

use crate::app::action::Action;
use crate::app::cursor::Movement;
use crate::app::layout::Area;
use crate::app::message::Effect;
use crate::app::room::{Clip, Context, Reply, Room};

use super::Explorer;

/// Columns of a picture, which is half as many rows high: from small to large.
const SIDES: [u16; 4] = [8, 12, 16, 24];
/// Rows of words below a picture.
pub const CAPTION: u16 = 2;

/// The state of the screen while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gallery {
    /// The rank of the selected image, 0 for the one that drives the layer most.
    selected: usize,
    /// Columns of a picture, where that was chosen.
    side: Option<u16>,
    /// Cells of the screen.
    size: (u16, u16),
}

/// An image and how far it drives a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    /// Index of the test image.
    pub image: u32,
    /// Its class.
    pub label: String,
    /// What the network took it for, where that is something else.
    pub wrong: Option<String>,
    /// Norm of its centred activations relative to the median one.
    pub norm: f64,
    /// Its coordinate on the layer's first principal component.
    pub score: f32,
}

/// The places of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GalleryLayout {
    /// Program, run, device.
    pub top: Area,
    /// The layer and which images are on screen.
    pub header: Area,
    /// The pictures.
    pub tiles: Area,
    /// What the selected image is.
    pub message: Area,
    /// Keys.
    pub hints: Area,
    /// Columns of a picture.
    pub side: u16,
    /// Pictures side by side.
    pub across: usize,
    /// Rows of pictures.
    pub down: usize,
}

impl GalleryLayout {
    /// Lays out `w x h` cells with pictures of `side` columns; by default the largest of
    /// which at least two rows fit.
    pub fn new((w, h): (u16, u16), side: Option<u16>) -> GalleryLayout {
        let air = u16::from(h >= 30);
        let line = |y: u16, rows: u16| Area::new(1, y, w.saturating_sub(2), rows);
        let tiles = line(2 + air, h.saturating_sub(4 + 2 * air));
        let down = |side: u16| tiles.h / (side / 2 + CAPTION);
        let fits = |side: &u16| tiles.w >= *side && down(*side) >= 1;
        let roomy = SIDES.into_iter().rev().find(|side| *side <= 16 && down(*side) >= 2);
        let side = side.filter(fits).or(roomy.filter(fits)).unwrap_or(SIDES[0]);
        GalleryLayout {
            top: Area::new(0, 0, w, 1),
            header: line(1 + air, 1),
            tiles,
            message: line(h.saturating_sub(2), 1),
            hints: line(h.saturating_sub(1), 1),
            side,
            across: usize::from(((tiles.w + 1) / (side + 1)).max(1)),
            down: usize::from(down(side).max(1)),
        }
    }

    /// Pictures on screen.
    pub fn page(&self) -> usize {
        self.across * self.down
    }

    /// The rank of the first picture on screen, where `selected` of `count` is among them:
    /// whole rows are scrolled.
    pub fn first(&self, selected: usize, count: usize) -> usize {
        let rows = count.div_ceil(self.across);
        let row = selected / self.across;
        let top = row.saturating_sub(self.down / 2).min(rows.saturating_sub(self.down));
        top * self.across
    }

    /// The place of the picture at a position of the page, its caption not included.
    pub fn tile(&self, at: usize) -> Area {
        let (row, col) = ((at / self.across) as u16, (at % self.across) as u16);
        let (x, y) =
            (self.tiles.x + col * (self.side + 1), self.tiles.y + row * (self.side / 2 + CAPTION));
        Area::new(x, y, self.side.min(self.tiles.w), self.side / 2)
    }
}

impl Explorer {
    /// The pictures, while they lie over the map.
    pub fn gallery(&self) -> Option<&Gallery> {
        self.gallery.as_ref()
    }

    /// Where everything lies on that screen.
    pub fn gallery_places(&self, size: (u16, u16)) -> GalleryLayout {
        GalleryLayout::new(size, self.gallery.and_then(|gallery| gallery.side))
    }

    /// The rank of the selected image.
    pub fn gallery_selected(&self) -> usize {
        self.gallery.map_or(0, |gallery| gallery.selected)
    }

    /// Images on which the components of the row's layer were computed; 0 where it has none.
    pub fn drivers_known(&self) -> usize {
        let layer = self.layer(self.position().0).map(|layer| layer.index);
        match (self.components(), layer) {
            (Some(known), Some(layer)) if known.absent(layer).is_none() => known.examples(),
            _ => 0,
        }
    }

    /// The images that drive a layer most, `skip` of them left out, `count` of them.
    pub fn drivers(&self, layer: usize, skip: usize, count: usize) -> Vec<Driver> {
        let Some(components) = self.components() else { return Vec::new() };
        let classes = self.run.components.as_ref().map(|c| &c.record.data.classes);
        let name = |class: u16| {
            let known = classes.and_then(|c| c.get(usize::from(class))).cloned();
            known.unwrap_or_else(|| class.to_string())
        };
        let norms = components.norms.row(layer);
        let median = f64::from(median(norms.to_vec()));
        let dominant = components.dominant(layer, skip.saturating_add(count));
        let driver = |at: usize| Driver {
            image: components.images[at],
            label: name(components.labels[at]),
            wrong: (components.labels[at] != components.predictions[at])
                .then(|| name(components.predictions[at])),
            norm: if median > 0.0 { f64::from(norms[at]) / median } else { f64::NAN },
            score: components.scores[(layer, at)],
        };
        dominant.into_iter().skip(skip).map(driver).collect()
    }

    /// What is on screen: the rank of the first, and the images.
    pub fn page_of_drivers(&self, size: (u16, u16)) -> (usize, Vec<Driver>) {
        let places = self.gallery_places(size);
        let first = places.first(self.gallery_selected(), self.drivers_known());
        let layer = self.layer(self.position().0).map_or(0, |layer| layer.index);
        (first, self.drivers(layer, first, places.page()))
    }

    /// Opens the pictures.
    pub(super) fn open_gallery(&mut self, cx: &mut Context<'_>) {
        match self.drivers_known() {
            0 if self.components().is_some() => {
                cx.complain("this layer has no first component: it does not vary");
            }
            0 => {
                let keys = cx.keymap.way_to(Action::Analyse);
                cx.complain(format!(
                    "which images drive a layer was not computed yet: {keys} analyses the run"
                ));
            }
            _ => self.gallery = Some(Gallery { size: cx.size, ..Gallery::default() }),
        }
    }

    /// A command while the pictures are open.
    pub(super) fn in_gallery(
        &mut self,
        cx: &mut Context<'_>,
        action: Action,
        count: Option<usize>,
    ) -> Reply {
        let Some(mut gallery) = self.gallery else { return Reply::default() };
        let places = self.gallery_places(cx.size);
        let last = self.drivers_known().saturating_sub(1);
        let steps = |by: isize| gallery.selected.saturating_add_signed(by).min(last);
        let across = places.across as isize;
        match (action, Movement::of(action, count)) {
            (Action::Back, _) if cx.running.is_some() => return cx.leave(),
            (Action::Back | Action::Pictures, _) => {
                self.gallery = None;
                return self.wants().into();
            }
            (Action::ZoomIn | Action::ZoomOut, _) => {
                let other = match action {
                    Action::ZoomIn => SIDES.into_iter().find(|side| *side > places.side),
                    _ => SIDES.into_iter().rev().find(|side| *side < places.side),
                };
                let fits = other
                    .filter(|side| GalleryLayout::new(cx.size, Some(*side)).side == *side)
                    .or(Some(places.side));
                gallery.side = fits;
            }
            (_, Some(Movement::Layers(_))) => {
                let Some(movement) = Movement::of(action, count) else { return Reply::default() };
                self.take(movement);
                gallery.selected = 0;
                if self.drivers_known() == 0 {
                    cx.complain("this layer has no first component: it does not vary");
                }
            }
            (_, Some(Movement::By(down, right))) => {
                gallery.selected = steps(down.saturating_mul(across).saturating_add(right));
            }
            (_, Some(Movement::HalfPages(n))) => {
                let rows = (places.down as isize / 2).max(1);
                gallery.selected = steps(n.saturating_mul(rows.saturating_mul(across)));
            }
            (_, Some(Movement::Row(to))) => gallery.selected = to.min(last),
            _ => {}
        }
        self.gallery = Some(gallery);
        self.wants().into()
    }

    /// Selects the picture under the pointer.
    pub(super) fn click_picture(&mut self, cx: &Context<'_>, at: (u16, u16)) -> Reply {
        let places = self.gallery_places(cx.size);
        let (first, shown) = self.page_of_drivers(cx.size);
        let hit = (0..shown.len()).find(|i| {
            let tile = places.tile(*i);
            Area { h: tile.h + CAPTION, ..tile }.contains(at)
        });
        if let (Some(gallery), Some(i)) = (&mut self.gallery, hit) {
            gallery.selected = first + i;
        }
        self.wants().into()
    }

    /// The screen has another size.
    pub(super) fn resize_gallery(&mut self, size: (u16, u16)) {
        if let Some(gallery) = &mut self.gallery {
            gallery.size = size;
        }
    }

    /// Asks for the pictures of the page that were never asked for.
    pub(super) fn pictures_on_screen(&mut self) -> Option<Effect> {
        let size = self.gallery?.size;
        let (_, shown) = self.page_of_drivers(size);
        let images: Vec<u32> = shown.iter().map(|driver| driver.image).collect();
        let new = self.album.ask(&images);
        (!new.is_empty()).then(|| Effect::LoadPictures(self.run.id.clone(), new))
    }

    /// The indices of the images up to the selected one, or of the first hundred where the
    /// first is selected, one on a line with class, prediction and score.
    pub(super) fn copied_drivers(&self) -> Option<Clip> {
        let layer = self.layer(self.position().0)?;
        let count = match self.gallery_selected() {
            0 => 100,
            selected => selected + 1,
        };
        let drivers = self.drivers(layer.index, 0, count);
        let mut text = String::from("image\tclass\tprediction\tscore\n");
        for driver in &drivers {
            let prediction = driver.wrong.as_ref().unwrap_or(&driver.label);
            text.push_str(&format!(
                "{}\t{}\t{prediction}\t{:.4}\n",
                driver.image, driver.label, driver.score
            ));
        }
        let what =
            format!("the indices of the {} images that drive {} most", drivers.len(), layer.name);
        (!drivers.is_empty()).then_some((text, what))
    }
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::layout::too_small;

    #[test]
    fn tiles_stay_inside_and_the_selected_one_is_on_the_page() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                if too_small((w, h)) {
                    continue;
                }
                for side in [None, Some(8), Some(12), Some(16), Some(24), Some(99)] {
                    let p = GalleryLayout::new((w, h), side);
                    for at in [0, p.page() - 1] {
                        let tile = p.tile(at);
                        assert!(tile.x + tile.w < w, "{w}x{h} {side:?} {tile:?}");
                        assert!(tile.y + tile.h + CAPTION <= p.message.y, "{w}x{h} {side:?}");
                    }
                    for (selected, count) in [(0, 1), (5, 6), (39, 40), (1023, 1024), (500, 1024)] {
                        let first = p.first(selected, count);
                        assert!(first <= selected && selected < first + p.page());
                        assert!(first < count && first.is_multiple_of(p.across));
                    }
                }
            }
        }
        let p = GalleryLayout::new((80, 24), None);
        assert_eq!((p.side, p.across, p.down), (16, 4, 2));
        assert_eq!(GalleryLayout::new((120, 40), None).side, 16);
    }
}
