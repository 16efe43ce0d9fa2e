//! Every command of the interface in one table: name, documentation, default
//! keys. The key map, the `?` help, the bottom hints and (later) the palette
//! and `docs/KEYS.md` are generated from it and cannot drift apart.

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is documented in TABLE
pub enum Action {
    Left,
    Down,
    Up,
    Right,
    First,
    Last,
    FirstColumn,
    LastColumn,
    HalfPageDown,
    HalfPageUp,
    NextLayer,
    PreviousLayer,
    NextStage,
    PreviousStage,
    ZoomIn,
    ZoomOut,
    ZoomFit,
    Find,
    FindNext,
    FindPrevious,
    View,
    Mode,
    Pooling,
    Range,
    Colours,
    Theme,
    Depth,
    Export,
    Blocks,
    TauDown,
    TauUp,
    NextTab,
    PreviousTab,
    Delete,
    Undo,
    Redo,
    Restore,
    Sweep,
    Lesions,
    PrunedMap,
    Open,
    Back,
    Refresh,
    Help,
    Mouse,
    Redraw,
    Suspend,
    Quit,
    Interrupt,
}

/// Where a command means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    /// On the list of runs.
    Home,
    /// On a run's map.
    Explorer,
}

/// Headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Moving the cursor.
    Move,
    /// Finding layers.
    Find,
    /// What the map shows.
    Map,
    /// Blocks: finding and deleting them.
    Blocks,
    /// How it looks.
    Look,
    /// Everything else.
    Program,
}

impl Group {
    /// All groups in the order of the help.
    pub const ALL: [Group; 6] =
        [Group::Move, Group::Map, Group::Blocks, Group::Find, Group::Look, Group::Program];

    /// The heading.
    pub fn name(self) -> &'static str {
        match self {
            Group::Move => "Move",
            Group::Find => "Find",
            Group::Map => "Map",
            Group::Blocks => "Blocks",
            Group::Look => "Look",
            Group::Program => "Program",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// The command.
    pub action: Action,
    /// Its name in key maps and in the palette: `zoom-in`.
    pub name: &'static str,
    /// What it does, in a few words.
    pub doc: &'static str,
    /// Default keys; each is a sequence separated by spaces (`g g`).
    pub keys: &'static [&'static str],
    /// Where it works.
    pub scope: Scope,
    /// Its heading in the help.
    pub group: Group,
}

const fn row(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    scope: Scope,
    group: Group,
    doc: &'static str,
) -> ActionInfo {
    ActionInfo { action, name, doc, keys, scope, group }
}

use Scope::{Everywhere, Explorer, Home};

/// The table. Order is the order of the help.
pub const TABLE: &[ActionInfo] = &[
    row(
        Action::Left,
        "left",
        &["h", "Left"],
        Explorer,
        Group::Move,
        "previous column (counts: 5h)",
    ),
    row(Action::Down, "down", &["j", "Down"], Everywhere, Group::Move, "next row, or next run"),
    row(Action::Up, "up", &["k", "Up"], Everywhere, Group::Move, "previous row, or previous run"),
    row(Action::Right, "right", &["l", "Right"], Explorer, Group::Move, "next column"),
    row(
        Action::NextLayer,
        "next-layer",
        &["]"],
        Explorer,
        Group::Move,
        "next layer along the diagonal, or next outlined block",
    ),
    row(
        Action::PreviousLayer,
        "previous-layer",
        &["["],
        Explorer,
        Group::Move,
        "previous layer, or previous outlined block",
    ),
    row(Action::NextStage, "next-stage", &["}"], Explorer, Group::Move, "start of the next stage"),
    row(
        Action::PreviousStage,
        "previous-stage",
        &["{"],
        Explorer,
        Group::Move,
        "start of this or the previous stage",
    ),
    row(
        Action::First,
        "first",
        &["g g", "Home"],
        Everywhere,
        Group::Move,
        "first row (12gg: the twelfth)",
    ),
    row(Action::Last, "last", &["G", "End"], Everywhere, Group::Move, "last row"),
    row(Action::FirstColumn, "first-column", &["0"], Explorer, Group::Move, "first column"),
    row(Action::LastColumn, "last-column", &["$"], Explorer, Group::Move, "last column"),
    row(
        Action::HalfPageDown,
        "half-page-down",
        &["C-d", "PageDown"],
        Everywhere,
        Group::Move,
        "half a page down",
    ),
    row(
        Action::HalfPageUp,
        "half-page-up",
        &["C-u", "PageUp"],
        Everywhere,
        Group::Move,
        "half a page up",
    ),
    row(Action::View, "view", &["v"], Explorer, Group::Map, "next view: all, block outputs, convs"),
    row(
        Action::Mode,
        "mode",
        &["m"],
        Explorer,
        Group::Map,
        "next map: CKA, PC1 similarity, without PC1, error",
    ),
    row(Action::ZoomIn, "zoom-in", &["+", "="], Explorer, Group::Map, "zoom in by a whole factor"),
    row(Action::ZoomOut, "zoom-out", &["-"], Explorer, Group::Map, "zoom out by a whole factor"),
    row(Action::ZoomFit, "zoom-fit", &["f"], Explorer, Group::Map, "fit the map to the screen"),
    row(Action::Pooling, "pooling", &["p"], Explorer, Group::Map, "pool by mean or by maximum"),
    row(Action::Range, "range", &["a"], Explorer, Group::Map, "fixed scale, or scale to the data"),
    row(
        Action::Export,
        "export",
        &["e"],
        Explorer,
        Group::Map,
        "write the map as PNG, SVG, CSV and NPY",
    ),
    row(Action::NextTab, "next-tab", &["Tab"], Explorer, Group::Map, "next tab of the inspector"),
    row(
        Action::PreviousTab,
        "previous-tab",
        &["S-Tab"],
        Explorer,
        Group::Map,
        "previous tab of the inspector",
    ),
    row(Action::Blocks, "blocks", &["b"], Explorer, Group::Blocks, "outline the detected blocks"),
    row(Action::TauDown, "tau-down", &["<"], Explorer, Group::Blocks, "lower threshold of a block"),
    row(Action::TauUp, "tau-up", &[">"], Explorer, Group::Blocks, "higher threshold of a block"),
    row(
        Action::Delete,
        "delete",
        &["x"],
        Explorer,
        Group::Blocks,
        "delete the row's residual block, or take it back",
    ),
    row(Action::Undo, "undo", &["u"], Explorer, Group::Blocks, "undo a deletion"),
    row(Action::Redo, "redo", &["C-r"], Explorer, Group::Blocks, "redo a deletion"),
    row(Action::Restore, "restore", &["U"], Explorer, Group::Blocks, "take all deletions back"),
    row(
        Action::Sweep,
        "sweep",
        &["X"],
        Explorer,
        Group::Blocks,
        "prune the row's stage from its end",
    ),
    row(Action::Lesions, "lesions", &["L"], Explorer, Group::Blocks, "delete each block alone"),
    row(
        Action::PrunedMap,
        "pruned-map",
        &["P"],
        Explorer,
        Group::Blocks,
        "CKA map of the pruned network",
    ),
    row(Action::Find, "find", &["/"], Explorer, Group::Find, "find a layer by name"),
    row(Action::FindNext, "find-next", &["n"], Explorer, Group::Find, "next layer found"),
    row(
        Action::FindPrevious,
        "find-previous",
        &["N"],
        Explorer,
        Group::Find,
        "previous layer found",
    ),
    row(Action::Colours, "colours", &["c"], Everywhere, Group::Look, "next colour map"),
    row(Action::Theme, "theme", &["T"], Everywhere, Group::Look, "next theme"),
    row(
        Action::Depth,
        "depth",
        &["C"],
        Everywhere,
        Group::Look,
        "colour depth: truecolor, 256, 16, mono",
    ),
    row(Action::Mouse, "mouse", &["M"], Everywhere, Group::Look, "mouse on, or off to select text"),
    row(Action::Open, "open", &["Enter"], Home, Group::Program, "open the selected run"),
    row(Action::Refresh, "refresh", &["r"], Home, Group::Program, "read the list of runs again"),
    row(
        Action::Back,
        "back",
        &["Esc"],
        Everywhere,
        Group::Program,
        "back: close, or to the list of runs",
    ),
    row(Action::Help, "help", &["?", "F1"], Everywhere, Group::Program, "this help"),
    row(Action::Redraw, "redraw", &["C-l"], Everywhere, Group::Program, "draw the screen anew"),
    row(Action::Suspend, "suspend", &["C-z"], Everywhere, Group::Program, "suspend to the shell"),
    row(Action::Quit, "quit", &["q"], Everywhere, Group::Program, "quit"),
    row(Action::Interrupt, "interrupt", &["C-c"], Everywhere, Group::Program, "quit at once"),
];

/// A hint of the bottom line: the keys of some actions and one word for them.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    /// Their first keys are shown together: `hjkl`.
    pub actions: &'static [Action],
    /// What they do.
    pub label: &'static str,
    /// On which screen.
    pub scope: Scope,
}

const fn hint(scope: Scope, label: &'static str, actions: &'static [Action]) -> Hint {
    Hint { actions, label, scope }
}

/// Hints, the most useful first: a narrow screen shows only the first.
pub const HINTS: &[Hint] = &[
    hint(Explorer, "move", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(Home, "select", &[Action::Down, Action::Up]),
    hint(Home, "open", &[Action::Open]),
    hint(Home, "refresh", &[Action::Refresh]),
    hint(Everywhere, "help", &[Action::Help]),
    hint(Explorer, "blocks", &[Action::Blocks]),
    hint(Explorer, "delete", &[Action::Delete]),
    hint(Explorer, "tab", &[Action::NextTab]),
    hint(Explorer, "find", &[Action::Find]),
    hint(Explorer, "zoom", &[Action::ZoomIn, Action::ZoomOut]),
    hint(Explorer, "view", &[Action::View]),
    hint(Explorer, "map", &[Action::Mode]),
    hint(Explorer, "export", &[Action::Export]),
    hint(Everywhere, "quit", &[Action::Quit]),
    hint(Explorer, "runs", &[Action::Back]),
    hint(Explorer, "layer", &[Action::PreviousLayer, Action::NextLayer]),
    hint(Explorer, "stage", &[Action::PreviousStage, Action::NextStage]),
    hint(Everywhere, "colours", &[Action::Colours]),
    hint(Everywhere, "theme", &[Action::Theme]),
    hint(Explorer, "pooling", &[Action::Pooling]),
    hint(Explorer, "scale", &[Action::Range]),
];

impl Action {
    /// The table's row of this action.
    pub fn info(self) -> Option<&'static ActionInfo> {
        TABLE.iter().find(|row| row.action == self)
    }

    /// The action of a name in key maps.
    pub fn from_name(name: &str) -> Option<Action> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_actions_are_unique_and_hints_are_in_the_table() {
        let names: HashSet<_> = TABLE.iter().map(|r| r.name).collect();
        let actions: HashSet<_> = TABLE.iter().map(|r| r.action).collect();
        assert_eq!(names.len(), TABLE.len());
        assert_eq!(actions.len(), TABLE.len());
        assert_eq!(Action::from_name("zoom-in"), Some(Action::ZoomIn));
        for action in HINTS.iter().flat_map(|h| h.actions) {
            assert!(action.info().is_some(), "{action:?}");
        }
        assert!(TABLE.iter().all(|r| !r.keys.is_empty() && !r.doc.is_empty()));
    }
}
