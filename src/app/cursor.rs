//! Movements, as maps, grids and lists take them: a command and its count become a
//! place, whatever it is that moves there. Pure arithmetic; knows no screen.

use super::action::Action;
use super::stages::StageSpan;

/// Largest count: no list is longer.
pub(super) const MAX_COUNT: usize = 9_999;

/// A movement that a command asks for, its count included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Movement {
    /// By rows and columns.
    By(isize, isize),
    /// By half pages of rows.
    HalfPages(isize),
    /// To a row.
    Row(usize),
    /// To a column.
    Column(usize),
    /// Along the diagonal, by layers.
    Layers(isize),
    /// Along the diagonal, by starts of stages.
    Stages(isize),
}

/// Where a movement leads, inside the ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To a row and a column.
    Cell(usize, usize),
    /// To a row and to the column that goes with it.
    Diagonal(usize),
}

/// What is moved on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    /// Rows and columns.
    pub(super) shape: (usize, usize),
    /// Rows of half a page.
    pub(super) half_page: usize,
    /// Stages along the diagonal.
    pub(super) stages: &'a [StageSpan],
}

impl Ground<'_> {
    /// A list of `rows`, half a page of which are `half_page`.
    pub(super) fn list(rows: usize, half_page: usize) -> Ground<'static> {
        Ground { shape: (rows, 1), half_page, stages: &[] }
    }
}

impl Movement {
    /// The movement of a command; `None` if it moves nothing.
    pub(super) fn of(action: Action, count: Option<usize>) -> Option<Movement> {
        let n = count.unwrap_or(1).min(MAX_COUNT) as isize;
        let nth = |none: usize| count.map_or(none, |count| count.saturating_sub(1));
        Some(match action {
            Action::Left => Movement::By(0, -n),
            Action::Right => Movement::By(0, n),
            Action::Up => Movement::By(-n, 0),
            Action::Down => Movement::By(n, 0),
            Action::HalfPageUp => Movement::HalfPages(-n),
            Action::HalfPageDown => Movement::HalfPages(n),
            Action::First => Movement::Row(nth(0)),
            Action::Last => Movement::Row(nth(usize::MAX)),
            Action::FirstColumn => Movement::Column(0),
            Action::LastColumn => Movement::Column(usize::MAX),
            Action::PreviousLayer => Movement::Layers(-n),
            Action::NextLayer => Movement::Layers(n),
            Action::PreviousStage => Movement::Stages(-n),
            Action::NextStage => Movement::Stages(n),
            _ => return None,
        })
    }

    /// Where it leads from `(row, col)`.
    pub(super) fn from(self, (row, col): (usize, usize), on: &Ground<'_>) -> Target {
        let (rows, cols) = on.shape;
        let clamp = |at: usize, len: usize| at.min(len.saturating_sub(1));
        let cell = |row: usize, col: usize| Target::Cell(clamp(row, rows), clamp(col, cols));
        match self {
            Movement::By(down, right) => {
                cell(row.saturating_add_signed(down), col.saturating_add_signed(right))
            }
            Movement::HalfPages(n) => {
                let by = n.saturating_mul(on.half_page.min(MAX_COUNT) as isize);
                cell(row.saturating_add_signed(by), col)
            }
            Movement::Row(to) => cell(to, col),
            Movement::Column(to) => cell(row, to),
            Movement::Layers(n) => Target::Diagonal(clamp(row.saturating_add_signed(n), rows)),
            Movement::Stages(n) => {
                // the head, and the last layer behind it
                let steps = n.unsigned_abs().min(on.stages.len() + 1);
                let to = (0..steps).fold(row, |row, _| on.stage(row, n > 0));
                Target::Diagonal(clamp(to, rows))
            }
        }
    }
}

impl Ground<'_> {
    /// The start of the next stage (the last layer after the last stage), or of
    /// this or the previous one.
    fn stage(&self, row: usize, forward: bool) -> usize {
        let mut starts = self.stages.iter().map(|s| s.span.start);
        if forward {
            let head = self.stages.last().map_or(0, |s| s.span.end);
            let end = self.shape.0.saturating_sub(1);
            starts.find(|s| *s > row).unwrap_or(if row < head { head.min(end) } else { end })
        } else {
            starts.rfind(|s| *s < row).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(starts: &[usize], end: usize) -> Vec<StageSpan> {
        let ends = starts[1..].iter().copied().chain([end]);
        let span = |(start, end)| StageSpan { labels: Default::default(), span: start..end };
        starts.iter().copied().zip(ends).map(span).collect()
    }

    fn to(action: Action, count: Option<usize>, from: (usize, usize)) -> Target {
        let stages = stages(&[3, 10, 20, 30], 40);
        let on = Ground { shape: (43, 12), half_page: 8, stages: &stages };
        Movement::of(action, count).unwrap().from(from, &on)
    }

    #[test]
    fn counts_multiply_and_edges_stop() {
        assert_eq!(to(Action::Down, Some(5), (1, 2)), Target::Cell(6, 2));
        assert_eq!(to(Action::Right, Some(99), (1, 2)), Target::Cell(1, 11));
        assert_eq!(to(Action::Up, None, (0, 0)), Target::Cell(0, 0));
        assert_eq!(to(Action::HalfPageDown, Some(2), (1, 2)), Target::Cell(17, 2));
        assert_eq!(to(Action::First, Some(12), (1, 2)), Target::Cell(11, 2));
        assert_eq!(to(Action::Last, None, (1, 2)), Target::Cell(42, 2));
        assert_eq!(to(Action::LastColumn, None, (1, 2)), Target::Cell(1, 11));
        assert_eq!(to(Action::NextLayer, Some(3), (1, 2)), Target::Diagonal(4));
        assert_eq!(Movement::of(Action::View, None), None);
        let nothing = Ground { shape: (0, 0), half_page: 1, stages: &[] };
        for action in [Action::Down, Action::Last, Action::NextStage, Action::NextLayer] {
            let target = Movement::of(action, Some(9)).unwrap().from((0, 0), &nothing);
            assert!(matches!(target, Target::Cell(0, 0) | Target::Diagonal(0)));
        }
    }

    #[test]
    fn any_number_of_stages_is_walked_and_the_head_comes_after_the_last() {
        let mut seen = vec![0];
        for _ in 0..7 {
            let Target::Diagonal(row) = to(Action::NextStage, None, (seen[seen.len() - 1], 0))
            else {
                panic!()
            };
            seen.push(row);
        }
        assert_eq!(seen, [0, 3, 10, 20, 30, 40, 42, 42]);
        assert_eq!(to(Action::NextStage, Some(5), (0, 0)), Target::Diagonal(40));
        assert_eq!(to(Action::PreviousStage, None, (12, 0)), Target::Diagonal(10));
        assert_eq!(to(Action::PreviousStage, Some(9), (42, 0)), Target::Diagonal(0));
    }
}
