//! Deleting residual blocks of the open run: the commands, and the computations
//! that they start.

use crate::app::action::Action;
use crate::app::jobs::JobKind;
use crate::app::message::Effect;
use crate::app::room::Context;

use super::{Explorer, Tab};

impl Explorer {
    /// The commands about deleting blocks.
    pub(super) fn delete(&mut self, cx: &mut Context<'_>, action: Action) -> Vec<Effect> {
        match action {
            Action::Delete => {
                let Some(block) = self.residual_block_at_cursor() else {
                    cx.complain("the cursor's row is not in a residual block");
                    return Vec::new();
                };
                let network = self.run.manifest.model.network();
                if let Err(why) = network.check_deleted(&[block].into_iter().collect()) {
                    cx.complain(why.to_string());
                    return Vec::new();
                }
                self.pruning.toggle(block);
                self.settings.tab = Tab::Blocks;
                self.evaluate(cx)
            }
            Action::Undo | Action::Redo => {
                if !self.pruning.step(action == Action::Undo) {
                    let what = if action == Action::Undo { "undo" } else { "redo" };
                    cx.complain(format!("nothing to {what}"));
                    return Vec::new();
                }
                self.evaluate(cx)
            }
            Action::Restore => {
                if !self.pruning.restore() {
                    cx.complain("no residual block is deleted");
                    return Vec::new();
                }
                self.evaluate(cx)
            }
            Action::Sweep => {
                let stage = self.layer(self.position().0).and_then(|l| l.stage);
                self.settings.tab = Tab::Blocks;
                match stage {
                    Some(stage) => self.start(cx, JobKind::Sweep(stage)),
                    None => {
                        cx.complain("the cursor's row is in no stage");
                        Vec::new()
                    }
                }
            }
            Action::Lesions => {
                self.settings.tab = Tab::Blocks;
                self.start(cx, JobKind::Lesions)
            }
            Action::PrunedMap => {
                let deleted = self.pruning.deleted().clone();
                if deleted.is_empty() {
                    cx.complain("no residual block is deleted: x deletes the one under the cursor");
                    return Vec::new();
                }
                self.start(cx, JobKind::Map(deleted))
            }
            _ => Vec::new(),
        }
    }

    fn start(&self, cx: &mut Context<'_>, kind: JobKind) -> Vec<Effect> {
        cx.start(self.run.id.clone(), kind)
    }

    /// Evaluates what is deleted now, unless that is known already over all images.
    pub(in crate::app) fn evaluate(&self, cx: &mut Context<'_>) -> Vec<Effect> {
        let deleted = self.pruning.deleted().clone();
        let enough = self.run.manifest.test.as_ref().map_or(usize::MAX, |t| t.examples);
        let cost = self.pruning.cost(&deleted);
        let known = cost.is_some_and(|cost| cost.examples >= enough && cost.interval.is_some());
        if known || deleted.is_empty() {
            return cx.cancel();
        }
        self.start(cx, JobKind::Evaluate(deleted))
    }

    /// Computes the pruned network's map, which is laid beside this one when it
    /// comes; `None` if it is known already. Says why where there is nothing to
    /// compute.
    pub(in crate::app) fn ask_for_map(&self, cx: &mut Context<'_>) -> Option<Vec<Effect>> {
        let deleted = self.pruning.deleted().clone();
        // after everything was taken back, the last map can still be looked at
        if self.pruning.map().is_some_and(|(of, _)| *of == deleted || deleted.is_empty()) {
            return None;
        }
        if deleted.is_empty() {
            let keys = cx.keymap.way_to(Action::Delete);
            cx.complain(format!(
                "no residual block is deleted: {keys} deletes the one under the cursor"
            ));
            return Some(Vec::new());
        }
        let kind = JobKind::Map(deleted);
        let effects = match cx.running {
            Some(running) if running.kind == kind => Vec::new(),
            _ => self.start(cx, kind),
        };
        if let Some(running) = cx.running {
            running.beside = true;
        }
        Some(effects)
    }
}
