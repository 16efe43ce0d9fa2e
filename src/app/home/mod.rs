//! The screen of the list of runs: what its keys and the mouse do. The list itself
//! ([`RunList`]) is shared by all screens.

mod layout;

use super::action::{Action, Scope};
use super::chooser::Chooser;
use super::cursor::{Ground, Movement, Target};
use super::list::RunList;
use super::overlay::{Ask, Overlay};
use super::room::{Clip, Context, Go, Reply, Room};
use crate::text::one_line;

pub use layout::HomeLayout;

/// The screen of the list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home;

impl Room for Home {
    fn scope(&self) -> Scope {
        Scope::Home
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply {
        if let Some(movement) = Movement::of(action, count) {
            let ground = Ground::list(cx.list.len(), (rows(cx.size) / 2).max(1));
            let (Target::Cell(row, _) | Target::Diagonal(row)) =
                movement.from((cx.list.selected, 0), &ground);
            cx.list.selected = row;
            scroll(cx.list, cx.size);
            return Reply::default();
        }
        match action {
            Action::Open => return open_selected(cx),
            Action::Predictions => return Go::Predictions.into(),
            Action::Grid => return Go::Grid.into(),
            Action::Import => return Go::Import.into(),
            Action::Refresh => return cx.relist(),
            Action::Order => {
                cx.list.next_order();
                scroll(cx.list, cx.size);
                cx.tell(format!("sorted {}", cx.list.order().name()));
            }
            Action::Find => {
                let hint = "words of name, model or data, or seed:3; none shows all";
                *cx.overlay = Overlay::Ask(Ask::new("show only: ", hint, cx.list.filter()));
            }
            Action::Columns => {
                *cx.overlay = Overlay::Columns(Chooser::new(&cx.list.columns));
            }
            Action::Back if !cx.list.filter().is_empty() => {
                cx.list.set_filter("");
                scroll(cx.list, cx.size);
            }
            Action::Compare => {
                let selected = cx.list.selection().map(|run| run.id.clone());
                return selected.map_or_else(Reply::default, |id| Go::Compare(id).into());
            }
            Action::Choose => {
                let id = cx.list.selection().map(|run| run.id.clone());
                cx.list.chosen = if cx.list.chosen == id { None } else { id };
                if cx.list.chosen.is_some() {
                    cx.tell("chosen (•): s on another run puts them side by side");
                }
            }
            _ => {}
        }
        Reply::default()
    }

    fn click(&mut self, cx: &mut Context<'_>, at: (u16, u16)) -> Reply {
        let list = HomeLayout::new(cx.size).list;
        let row = cx.list.offset + usize::from(at.1.saturating_sub(list.y));
        if !list.contains(at) || row >= cx.list.len() {
            return Reply::default();
        }
        let again = cx.list.selected == row;
        cx.list.selected = row;
        if again { open_selected(cx) } else { Reply::default() }
    }

    fn answer(&mut self, cx: &mut Context<'_>, text: &str) -> Reply {
        cx.list.set_filter(text);
        scroll(cx.list, cx.size);
        Reply::default()
    }

    fn copy(&self, list: &RunList, _: Action) -> Option<Clip> {
        list.selection().map(|run| (one_line(&run.name), "the run's name".into()))
    }
}

/// Opens the selected run.
fn open_selected(cx: &mut Context<'_>) -> Reply {
    let Some(run) = cx.list.selection() else { return Reply::default() };
    match &run.manifest {
        Ok(_) => {
            let id = run.id.clone();
            cx.open(id)
        }
        Err(why) => {
            let why = why.clone();
            cx.complain(why);
            Reply::default()
        }
    }
}

/// Runs that the list shows on a screen of `size` cells.
fn rows(size: (u16, u16)) -> usize {
    usize::from(HomeLayout::new(size).list.h)
}

/// Keeps the selection in sight.
pub(super) fn scroll(list: &mut RunList, size: (u16, u16)) {
    list.scroll(rows(size));
}
