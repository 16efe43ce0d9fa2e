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
    Copy,
    CopyMap,
    CopyLayer,
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
    Perf,
    Suspend,
    Quit,
    Interrupt,
}

/// A screen, as keys are looked up on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The list of runs.
    Home,
    /// A run's map.
    Explorer,
    /// Two runs side by side.
    Compare,
    /// Small multiples.
    Grid,
    /// What networks predict.
    Predictions,
}

impl Scope {
    /// All screens.
    pub const ALL: [Scope; 5] =
        [Scope::Home, Scope::Explorer, Scope::Compare, Scope::Grid, Scope::Predictions];

    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Home => "runs",
            Scope::Explorer => "map",
            Scope::Compare => "compare",
            Scope::Grid => "grid",
            Scope::Predictions => "predictions",
        }
    }
}

/// A set of screens: where a command means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Every screen.
    pub const EVERYWHERE: Scopes = Scopes(0b1_1111);
    /// The list of runs.
    pub const HOME: Scopes = Scopes::of(Scope::Home);
    /// A run's map.
    pub const EXPLORER: Scopes = Scopes::of(Scope::Explorer);
    /// Two runs side by side.
    pub const COMPARE: Scopes = Scopes::of(Scope::Compare);
    /// Small multiples.
    pub const GRID: Scopes = Scopes::of(Scope::Grid);
    /// What networks predict.
    pub const PREDICTIONS: Scopes = Scopes::of(Scope::Predictions);
    /// Screens with a map of layers.
    pub const MAPS: Scopes = Scopes::EXPLORER.and(Scopes::COMPARE);

    /// One screen.
    pub const fn of(scope: Scope) -> Scopes {
        Scopes(1 << scope as u8)
    }

    /// These and those.
    pub const fn and(self, other: Scopes) -> Scopes {
        Scopes(self.0 | other.0)
    }

    /// True if the screen is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// True if some screen is in both.
    pub const fn overlaps(self, other: Scopes) -> bool {
        self.0 & other.0 != 0
    }
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
    pub scopes: Scopes,
    /// Its heading in the help.
    pub group: Group,
}

const fn row(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    scopes: Scopes,
    group: Group,
    doc: &'static str,
) -> ActionInfo {
    ActionInfo { action, name, doc, keys, scopes, group }
}

const EVERYWHERE: Scopes = Scopes::EVERYWHERE;
const HOME: Scopes = Scopes::HOME;
const EXPLORER: Scopes = Scopes::EXPLORER;
const MAPS: Scopes = Scopes::MAPS;

/// The table. Order is the order of the help.
pub const TABLE: &[ActionInfo] = &[
    row(Action::Left, "left", &["h", "Left"], MAPS, Group::Move, "previous column (counts: 5h)"),
    row(Action::Down, "down", &["j", "Down"], EVERYWHERE, Group::Move, "next row, or next run"),
    row(Action::Up, "up", &["k", "Up"], EVERYWHERE, Group::Move, "previous row, or previous run"),
    row(Action::Right, "right", &["l", "Right"], MAPS, Group::Move, "next column"),
    row(
        Action::NextLayer,
        "next-layer",
        &["]"],
        MAPS,
        Group::Move,
        "next layer along the diagonal, or next outlined block",
    ),
    row(
        Action::PreviousLayer,
        "previous-layer",
        &["["],
        MAPS,
        Group::Move,
        "previous layer, or previous outlined block",
    ),
    row(Action::NextStage, "next-stage", &["}"], MAPS, Group::Move, "start of the next stage"),
    row(
        Action::PreviousStage,
        "previous-stage",
        &["{"],
        MAPS,
        Group::Move,
        "start of this or the previous stage",
    ),
    row(
        Action::First,
        "first",
        &["g g", "Home"],
        EVERYWHERE,
        Group::Move,
        "first row (12gg: the twelfth)",
    ),
    row(Action::Last, "last", &["G", "End"], EVERYWHERE, Group::Move, "last row"),
    row(Action::FirstColumn, "first-column", &["0"], MAPS, Group::Move, "first column"),
    row(Action::LastColumn, "last-column", &["$"], MAPS, Group::Move, "last column"),
    row(
        Action::HalfPageDown,
        "half-page-down",
        &["C-d", "PageDown"],
        EVERYWHERE,
        Group::Move,
        "half a page down",
    ),
    row(
        Action::HalfPageUp,
        "half-page-up",
        &["C-u", "PageUp"],
        EVERYWHERE,
        Group::Move,
        "half a page up",
    ),
    row(Action::View, "view", &["v"], MAPS, Group::Map, "next view: all, block outputs, convs"),
    row(
        Action::Mode,
        "mode",
        &["m"],
        MAPS,
        Group::Map,
        "next map: CKA, PC1 similarity, without PC1, error",
    ),
    row(Action::ZoomIn, "zoom-in", &["+", "="], MAPS, Group::Map, "zoom in by a whole factor"),
    row(Action::ZoomOut, "zoom-out", &["-"], MAPS, Group::Map, "zoom out by a whole factor"),
    row(Action::ZoomFit, "zoom-fit", &["f"], MAPS, Group::Map, "fit the map to the screen"),
    row(Action::Pooling, "pooling", &["p"], MAPS, Group::Map, "pool by mean or by maximum"),
    row(Action::Range, "range", &["a"], MAPS, Group::Map, "fixed scale, or scale to the data"),
    row(
        Action::Export,
        "export",
        &["e"],
        MAPS,
        Group::Map,
        "write the map as PNG, SVG, CSV and NPY",
    ),
    row(
        Action::Copy,
        "copy",
        &["y"],
        HOME.and(EXPLORER),
        Group::Map,
        "copy the pair, or the run's name",
    ),
    row(
        Action::CopyMap,
        "copy-map",
        &["Y"],
        EXPLORER,
        Group::Map,
        "copy the visible map as a table",
    ),
    row(Action::CopyLayer, "copy-layer", &["A-y"], EXPLORER, Group::Map, "copy the row's layer"),
    row(Action::NextTab, "next-tab", &["Tab"], MAPS, Group::Map, "next tab of the inspector"),
    row(
        Action::PreviousTab,
        "previous-tab",
        &["S-Tab"],
        MAPS,
        Group::Map,
        "previous tab of the inspector",
    ),
    row(Action::Blocks, "blocks", &["b"], MAPS, Group::Blocks, "outline the detected blocks"),
    row(Action::TauDown, "tau-down", &["<"], MAPS, Group::Blocks, "lower threshold of a block"),
    row(Action::TauUp, "tau-up", &[">"], MAPS, Group::Blocks, "higher threshold of a block"),
    row(
        Action::Delete,
        "delete",
        &["x"],
        EXPLORER,
        Group::Blocks,
        "delete the row's residual block, or take it back",
    ),
    row(Action::Undo, "undo", &["u"], EXPLORER, Group::Blocks, "undo a deletion"),
    row(Action::Redo, "redo", &["C-r"], EXPLORER, Group::Blocks, "redo a deletion"),
    row(Action::Restore, "restore", &["U"], EXPLORER, Group::Blocks, "take all deletions back"),
    row(
        Action::Sweep,
        "sweep",
        &["X"],
        EXPLORER,
        Group::Blocks,
        "prune the row's stage from its end",
    ),
    row(Action::Lesions, "lesions", &["L"], EXPLORER, Group::Blocks, "delete each block alone"),
    row(
        Action::PrunedMap,
        "pruned-map",
        &["P"],
        EXPLORER,
        Group::Blocks,
        "CKA map of the pruned network",
    ),
    row(Action::Find, "find", &["/"], MAPS, Group::Find, "find a layer by name"),
    row(Action::FindNext, "find-next", &["n"], MAPS, Group::Find, "next layer found"),
    row(Action::FindPrevious, "find-previous", &["N"], MAPS, Group::Find, "previous layer found"),
    row(Action::Colours, "colours", &["c"], EVERYWHERE, Group::Look, "next colour map"),
    row(Action::Theme, "theme", &["T"], EVERYWHERE, Group::Look, "next theme"),
    row(
        Action::Depth,
        "depth",
        &["C"],
        EVERYWHERE,
        Group::Look,
        "colour depth: truecolor, 256, 16, mono",
    ),
    row(Action::Mouse, "mouse", &["M"], EVERYWHERE, Group::Look, "mouse on, or off to select text"),
    row(Action::Open, "open", &["Enter"], HOME, Group::Program, "open the selected run"),
    row(Action::Refresh, "refresh", &["r"], HOME, Group::Program, "read the list of runs again"),
    row(
        Action::Back,
        "back",
        &["Esc"],
        EVERYWHERE,
        Group::Program,
        "back: close, or to the list of runs",
    ),
    row(Action::Help, "help", &["?", "F1"], EVERYWHERE, Group::Program, "this help"),
    row(Action::Redraw, "redraw", &["C-l"], EVERYWHERE, Group::Program, "draw the screen anew"),
    row(Action::Perf, "perf", &["F12"], EVERYWHERE, Group::Program, "time and bytes of frames"),
    row(Action::Suspend, "suspend", &["C-z"], EVERYWHERE, Group::Program, "suspend to the shell"),
    row(Action::Quit, "quit", &["q"], EVERYWHERE, Group::Program, "quit"),
    row(Action::Interrupt, "interrupt", &["C-c"], EVERYWHERE, Group::Program, "quit at once"),
];

/// A hint of the bottom line: the keys of some actions and one word for them.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    /// Their first keys are shown together: `hjkl`.
    pub actions: &'static [Action],
    /// What they do.
    pub label: &'static str,
    /// On which screens.
    pub scopes: Scopes,
}

const fn hint(scopes: Scopes, label: &'static str, actions: &'static [Action]) -> Hint {
    Hint { actions, label, scopes }
}

/// Hints, the most useful first: a narrow screen shows only the first.
pub const HINTS: &[Hint] = &[
    hint(EXPLORER, "move", &[Action::Left, Action::Down, Action::Up, Action::Right]),
    hint(HOME, "select", &[Action::Down, Action::Up]),
    hint(HOME, "open", &[Action::Open]),
    hint(HOME, "refresh", &[Action::Refresh]),
    hint(EVERYWHERE, "help", &[Action::Help]),
    hint(EXPLORER, "blocks", &[Action::Blocks]),
    hint(EXPLORER, "delete", &[Action::Delete]),
    hint(EXPLORER, "tab", &[Action::NextTab]),
    hint(EXPLORER, "find", &[Action::Find]),
    hint(EXPLORER, "zoom", &[Action::ZoomIn, Action::ZoomOut]),
    hint(EXPLORER, "view", &[Action::View]),
    hint(EXPLORER, "map", &[Action::Mode]),
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
