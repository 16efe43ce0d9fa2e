//! The list of cuts of an open run: every residual block that can be deleted with what
//! that costs. Blocks are ticked to be deleted together. It lies over the map, on the
//! same deletions, so that nothing has to be carried from one to the other. Pure state.

use crate::app::action::Action;
use crate::app::cursor::{Ground, Movement, Target};
use crate::app::jobs::JobKind;
use crate::app::layout::Area;
use crate::app::overlay::{Ask, Overlay};
use crate::app::room::{Context, Go, Reply};
use crate::domain::deletion::{Cost, SMALL_COST};
use crate::domain::{Bypass, ResidualBlock};
use crate::report;

use super::Explorer;

/// How the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CutOrder {
    /// As in the network.
    #[default]
    Network,
    /// The cheapest first; what was not measured comes last.
    Cost,
}

/// A residual block that can be deleted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// The block.
    pub block: ResidualBlock,
    /// What deleting it alone costs, if that was measured.
    pub cost: Option<Cost>,
    /// Whether it is deleted now.
    pub ticked: bool,
    /// Whether all its layers in the view lie inside of one detected block structure.
    pub inside: bool,
}

/// The state of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CutList {
    open: bool,
    order: CutOrder,
    /// Stays with the block when the order changes.
    selected: Option<ResidualBlock>,
}

/// The places of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutsLayout {
    /// Program, run, device.
    pub top: Area,
    /// Names of the columns, one row.
    pub header: Area,
    /// The blocks.
    pub list: Area,
    /// What is deleted together, and what that costs.
    pub sum: Area,
    /// Messages and fields of input.
    pub message: Area,
    /// Keys.
    pub hints: Area,
}

impl CutsLayout {
    /// Lays out `w x h` cells.
    pub fn new((w, h): (u16, u16)) -> CutsLayout {
        let air = u16::from(h >= 30);
        let line = |y: u16, rows: u16| Area::new(1, y, w.saturating_sub(2), rows);
        let sum = 3.min(h);
        let above = 1 + air;
        let below = sum + air + 2;
        let list = h.saturating_sub(above + 1 + below + air);
        CutsLayout {
            top: Area::new(0, 0, w, 1),
            header: line(above, 1),
            list: line(above + 1, list),
            sum: line(above + 1 + list + air, sum),
            message: line(h.saturating_sub(2), 1),
            hints: line(h.saturating_sub(1), 1),
        }
    }
}

impl Explorer {
    /// Whether the list of cuts lies over the map.
    pub fn shows_cuts(&self) -> bool {
        self.cut_list.open
    }

    /// How it is sorted.
    pub fn cut_order(&self) -> CutOrder {
        self.cut_list.order
    }

    /// The blocks in the order of the list.
    pub fn cuts(&self) -> Vec<Cut> {
        let table = self.pruning.table();
        let structures = self.structures().found.iter();
        let inside: Vec<Bypass> = structures.map(|s| self.blocks_inside(s)).collect();
        let cut = |block: ResidualBlock| Cut {
            block,
            cost: table.cost_of(&[block].into_iter().collect()),
            ticked: self.pruning.deleted().contains(block),
            inside: inside.iter().any(|blocks| blocks.contains(block)),
        };
        let network = self.run.manifest.model.network();
        let mut cuts: Vec<Cut> = network.deletable().into_iter().map(cut).collect();
        if self.cut_list.order == CutOrder::Cost {
            // accuracy that falls least first
            let key = |cut: &Cut| cut.cost.map_or(f64::INFINITY, |cost| -cost.change);
            cuts.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        cuts
    }

    /// How many blocks are cheap, and which, in words; `None` before they were measured.
    pub fn cheap_blocks(&self) -> Option<String> {
        report::cheap(self.pruning.table())
    }

    /// The selected row of [`Explorer::cuts`].
    pub fn cut_selected(&self, cuts: &[Cut]) -> usize {
        let at = self.cut_list.selected;
        cuts.iter().position(|cut| Some(cut.block) == at).unwrap_or(0)
    }

    /// Opens the list at the cursor's block.
    pub(super) fn open_cuts(&mut self, cx: &mut Context<'_>) {
        let cuts = self.cuts();
        if cuts.is_empty() {
            cx.complain("this network has no residual block that can be deleted");
            return;
        }
        let here = self.residual_block_at_cursor();
        let there = |block: &ResidualBlock| cuts.iter().any(|cut| cut.block == *block);
        self.cut_list.selected = here.filter(there).or(self.cut_list.selected);
        self.cut_list.open = true;
    }

    /// A command while the list is open.
    pub(super) fn in_cuts(
        &mut self,
        cx: &mut Context<'_>,
        action: Action,
        count: Option<usize>,
    ) -> Reply {
        let cuts = self.cuts();
        let at = self.cut_selected(&cuts);
        if let Some(movement) = Movement::of(action, count) {
            let half = usize::from(CutsLayout::new(cx.size).list.h / 2);
            let (Target::Cell(row, _) | Target::Diagonal(row)) =
                movement.from((at, 0), &Ground::list(cuts.len(), half));
            self.cut_list.selected = cuts.get(row).map(|cut| cut.block);
            return Reply::default();
        }
        let Some(cut) = cuts.get(at) else { return Reply::default() };
        match action {
            Action::Back if cx.running.is_some() => return cx.leave(),
            Action::Back | Action::Cuts => self.cut_list.open = false,
            Action::Open => {
                self.cut_list.open = false;
                self.go_to_block(cut.block);
            }
            Action::Choose | Action::Delete => {
                self.pruning.toggle(cut.block);
                return self.evaluate(cx).into();
            }
            Action::Cheap => {
                let cheap = self.pruning.table().cheap(SMALL_COST);
                match cheap.is_empty() {
                    true => cx.complain(format!(
                        "no block is known to cost under 1 point: {} measures each",
                        cx.keymap.way_to(Action::Lesions)
                    )),
                    false => {
                        self.pruning.set(cheap);
                        return self.evaluate(cx).into();
                    }
                }
            }
            Action::Order => {
                self.cut_list.selected = Some(cut.block);
                self.cut_list.order = match self.cut_list.order {
                    CutOrder::Network => CutOrder::Cost,
                    CutOrder::Cost => CutOrder::Network,
                };
            }
            Action::Write => self.ask_for_name(cx),
            Action::Beside => return Go::Beside.into(),
            Action::PrunedMap => {
                let effects = self.delete(cx, action);
                // it comes on the map
                self.cut_list.open = effects.is_empty();
                return effects.into();
            }
            Action::Undo | Action::Redo | Action::Restore | Action::Lesions => {
                return self.delete(cx, action).into();
            }
            _ => {}
        }
        Reply::default()
    }

    /// Puts the selection on the row under the pointer; a second click ticks it.
    pub(super) fn click_cut(&mut self, cx: &mut Context<'_>, at: (u16, u16)) -> Reply {
        let places = CutsLayout::new(cx.size);
        if !places.list.contains(at) {
            return Reply::default();
        }
        let cuts = self.cuts();
        let selected = self.cut_selected(&cuts);
        let row =
            first_row(cuts.len(), selected, places.list.h) + usize::from(at.1 - places.list.y);
        match cuts.get(row) {
            Some(_) if row == selected => self.in_cuts(cx, Action::Choose, None),
            Some(cut) => {
                self.cut_list.selected = Some(cut.block);
                Reply::default()
            }
            None => Reply::default(),
        }
    }

    /// The cursor goes to the start of a residual block.
    fn go_to_block(&mut self, block: ResidualBlock) {
        let of = |layer: &&crate::domain::Layer| ResidualBlock::of(layer) == Some(block);
        if let Some(layer) = self.layers().iter().find(of).map(|layer| layer.index) {
            self.jump(layer);
        }
    }

    /// Asks for the name of the network without the deleted blocks.
    pub(super) fn ask_for_name(&self, cx: &mut Context<'_>) {
        let deleted = self.pruning.deleted();
        if deleted.is_empty() {
            let keys = cx.keymap.way_to(Action::Delete);
            cx.complain(format!("no residual block is deleted: {keys} deletes one"));
            return;
        }
        let blocks = deleted.to_string().replace(',', "-");
        let name = format!("{}-without-{blocks}", self.run.manifest.name);
        // longer names are the user's own affair
        let name = if name.len() <= 100 { name } else { format!("{}-cut", self.run.manifest.name) };
        let hint = "a run's name, or FILE.safetensors";
        *cx.overlay = Overlay::Ask(Ask::new("save as: ", hint, &name));
    }

    /// Writes the network without the deleted blocks under a name.
    pub(super) fn write_cut(&self, cx: &mut Context<'_>, name: &str) -> Reply {
        let name = name.trim();
        if name.is_empty() {
            cx.complain("a run needs a name");
            return Reply::default();
        }
        let kind = JobKind::Cut(self.pruning.deleted().clone(), name.to_string());
        cx.start(self.run.id.clone(), kind).into()
    }
}

/// The first row of a list of `rows` on screen, so that the selected one is among `h`.
pub fn first_row(rows: usize, selected: usize, h: u16) -> usize {
    let h = usize::from(h).max(1);
    // in the middle, where the list goes on on both sides
    selected.saturating_sub(h / 2).min(rows.saturating_sub(h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::layout::too_small;

    #[test]
    fn areas_stay_inside_the_screen_and_leave_room_for_the_list() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                let p = CutsLayout::new((w, h));
                if too_small((w, h)) {
                    continue;
                }
                for a in [p.top, p.header, p.list, p.sum, p.message, p.hints] {
                    assert!(a.x + a.w <= w && a.y + a.h <= h, "{w}x{h} {a:?}");
                }
                assert!(p.list.h >= 2 && p.list.y + p.list.h <= p.sum.y, "{w}x{h}");
                assert!(p.sum.y + p.sum.h <= p.message.y, "{w}x{h}");
            }
        }
        assert!(CutsLayout::new((80, 24)).list.h >= 15);
    }

    #[test]
    fn the_selected_row_is_always_in_sight() {
        for rows in 0..40 {
            for selected in 0..rows {
                for h in 1..12u16 {
                    let first = first_row(rows, selected, h);
                    assert!(first <= selected && selected < first + usize::from(h));
                    assert!(first + usize::from(h) <= rows.max(usize::from(h)));
                }
            }
        }
    }
}
