//! The hints of the bottom line. Knows no keys: they come from the key map.

use super::names::places::*;
use super::names::{Action, Hint, Scopes};

const fn hint(scopes: Scopes, label: &'static str, actions: &'static [Action]) -> Hint {
    Hint { actions, label, scopes }
}

/// Hints, the most useful first: a narrow screen shows only the first.
pub const HINTS: &[Hint] = &[
    hint(EXPLORER, "move", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(HOME, "select", &[Action::Down, Action::Up]),
    hint(HOME, "open", &[Action::Open]),
    hint(HOME, "side by side", &[Action::Compare]),
    hint(HOME, "choose", &[Action::Choose]),
    hint(HOME, "predictions", &[Action::Predictions]),
    hint(HOME, "grid", &[Action::Grid]),
    hint(GRID, "move", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(GRID, "open", &[Action::Open]),
    hint(GRID, "runs", &[Action::Back]),
    hint(HOME, "filter", &[Action::Find]),
    hint(HOME, "sort", &[Action::Order]),
    hint(HOME, "import", &[Action::Import]),
    hint(HOME, "columns", &[Action::Columns]),
    hint(HOME, "refresh", &[Action::Refresh]),
    hint(PREDICTIONS, "select", &[Action::Down, Action::Up]),
    hint(PREDICTIONS, "page", &[Action::NextTab]),
    hint(PREDICTIONS, "group", &[Action::Choose]),
    hint(PREDICTIONS, "swap", &[Action::Swap]),
    hint(PREDICTIONS, "open", &[Action::Open]),
    hint(PREDICTIONS, "runs", &[Action::Back]),
    hint(CUTS, "select", &[Action::Down, Action::Up]),
    hint(CUTS, "delete", &[Action::Choose]),
    hint(CUTS, "map", &[Action::Back]),
    hint(CUTS, "measure each", &[Action::Lesions]),
    hint(CUTS, "sort", &[Action::Order]),
    hint(CUTS, "all under 1 point", &[Action::Cheap]),
    hint(CUTS, "save", &[Action::Write]),
    hint(CUTS, "undo", &[Action::Undo]),
    hint(CUTS, "map without", &[Action::PrunedMap]),
    hint(CUTS, "beside", &[Action::Beside]),
    hint(GALLERY, "select", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(GALLERY, "size", &[Action::ZoomIn, Action::ZoomOut]),
    hint(GALLERY, "layer", &[Action::PreviousLayer, Action::NextLayer]),
    hint(GALLERY, "copy", &[Action::Copy]),
    hint(GALLERY, "map", &[Action::Back]),
    hint(IMPORT, "import", &[Action::Open]),
    hint(IMPORT, "field", &[Action::Down, Action::Up]),
    hint(IMPORT, "fill in", &[Action::Right]),
    hint(IMPORT, "copy the command", &[Action::Copy]),
    hint(IMPORT, "runs", &[Action::Back]),
    hint(FORM, "field", &[Action::Down, Action::Up]),
    hint(FORM, "value", &[Action::Left, Action::Right]),
    hint(FORM, "compute", &[Action::Open]),
    hint(FORM, "copy the command", &[Action::Copy]),
    hint(FORM, "back", &[Action::Back]),
    hint(COMPARE, "move", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(COMPARE, "pane", &[Action::NextTab]),
    hint(COMPARE, "swap", &[Action::Swap]),
    hint(COMPARE, "cross or difference", &[Action::Third]),
    hint(EVERYWHERE, "help", &[Action::Help]),
    hint(GRID, "rows", &[Action::RowAxis]),
    hint(GRID, "columns", &[Action::ColumnAxis]),
    hint(GRID, "size", &[Action::ZoomIn, Action::ZoomOut]),
    hint(GRID, "view", &[Action::View]),
    hint(GRID, "map", &[Action::Mode]),
    hint(GRID, "export", &[Action::Export]),
    hint(GRID, "run of cell", &[Action::PreviousInCell, Action::NextInCell]),
    hint(GRID, "swap", &[Action::SwapAxes]),
    hint(EVERYWHERE, "commands", &[Action::Palette]),
    hint(EXPLORER, "structures", &[Action::Structures]),
    hint(EXPLORER, "delete", &[Action::Delete]),
    hint(EXPLORER, "cuts", &[Action::Cuts]),
    hint(EXPLORER, "pictures", &[Action::Pictures]),
    hint(EXPLORER, "tab", &[Action::NextTab]),
    hint(EXPLORER, "find", &[Action::Find]),
    hint(EXPLORER, "zoom", &[Action::ZoomIn, Action::ZoomOut]),
    hint(EXPLORER, "view", &[Action::View]),
    hint(EXPLORER, "map", &[Action::Mode]),
    hint(EXPLORER, "curve", &[Action::Strip]),
    hint(EXPLORER, "seeds", &[Action::Compare]),
    hint(COMPARE, "which layers differ", &[Action::Strip]),
    hint(COMPARE, "link", &[Action::Link]),
    hint(COMPARE, "zoom", &[Action::ZoomIn, Action::ZoomOut]),
    hint(COMPARE, "view", &[Action::View]),
    hint(COMPARE, "map", &[Action::Mode]),
    hint(COMPARE, "predictions", &[Action::Predictions]),
    hint(COMPARE, "open", &[Action::Open]),
    hint(COMPARE, "back", &[Action::Back]),
    hint(EXPLORER, "export", &[Action::Export]),
    hint(EVERYWHERE, "quit", &[Action::Quit]),
    hint(EXPLORER, "runs", &[Action::Back]),
    hint(EXPLORER, "layer", &[Action::PreviousLayer, Action::NextLayer]),
    hint(EXPLORER, "stage", &[Action::PreviousStage, Action::NextStage]),
    hint(EVERYWHERE, "colours", &[Action::Colours]),
    hint(EVERYWHERE, "theme", &[Action::Theme]),
    hint(EXPLORER, "pooling", &[Action::Pooling]),
    hint(EXPLORER, "scale", &[Action::Range]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_in_the_table() {
        for action in HINTS.iter().flat_map(|h| h.actions) {
            assert!(action.info().is_some(), "{action:?}");
        }
    }
}
