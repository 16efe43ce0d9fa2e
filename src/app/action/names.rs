//! What a row of the table is made of: commands, screens and headings. Knows no
//! keys and no rows.

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
    Mark,
    SwapMark,
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
    Strip,
    Colours,
    Theme,
    Depth,
    PixelMaps,
    Export,
    Copy,
    CopyMap,
    CopyLayer,
    Structures,
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
    Cuts,
    Pictures,
    Order,
    Cheap,
    Write,
    Analyse,
    Import,
    PrunedMap,
    Beside,
    Compare,
    Choose,
    Swap,
    Link,
    Align,
    Third,
    CrossMap,
    Predictions,
    Grid,
    RowAxis,
    ColumnAxis,
    SwapAxes,
    NextInCell,
    PreviousInCell,
    Open,
    Back,
    Refresh,
    Columns,
    Help,
    Palette,
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
    /// The residual blocks of a run and what deleting them costs.
    Cuts,
    /// What to analyse of a run.
    Form,
    /// The images that drive a layer.
    Gallery,
    /// A checkpoint to make a run of.
    Import,
}

impl Scope {
    /// All screens.
    pub const ALL: [Scope; 9] = [
        Scope::Home,
        Scope::Import,
        Scope::Explorer,
        Scope::Cuts,
        Scope::Form,
        Scope::Gallery,
        Scope::Compare,
        Scope::Grid,
        Scope::Predictions,
    ];

    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Home => "runs",
            Scope::Explorer => "map",
            Scope::Compare => "compare",
            Scope::Grid => "grid",
            Scope::Predictions => "predictions",
            Scope::Cuts => "cuts",
            Scope::Form => "analyse",
            Scope::Gallery => "pictures",
            Scope::Import => "import",
        }
    }
}

/// A set of screens: where a command means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u16);

impl Scopes {
    /// Every screen.
    pub const EVERYWHERE: Scopes = Scopes((1 << Scope::ALL.len()) - 1);
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
    /// The list of residual blocks.
    pub const CUTS: Scopes = Scopes::of(Scope::Cuts);
    /// The form of an analysis.
    pub const FORM: Scopes = Scopes::of(Scope::Form);
    /// The images that drive a layer.
    pub const GALLERY: Scopes = Scopes::of(Scope::Gallery);
    /// The form of an import.
    pub const IMPORT: Scopes = Scopes::of(Scope::Import);
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
    /// Block structures: parts of the map whose layers are alike.
    Structures,
    /// Residual blocks: deleting them.
    ResidualBlocks,
    /// Two runs side by side.
    Compare,
    /// How it looks.
    Look,
    /// Everything else.
    Program,
}

impl Group {
    /// All groups in the order of the help.
    pub const ALL: [Group; 8] = [
        Group::Move,
        Group::Map,
        Group::Structures,
        Group::ResidualBlocks,
        Group::Compare,
        Group::Find,
        Group::Look,
        Group::Program,
    ];

    /// The heading.
    pub fn name(self) -> &'static str {
        match self {
            Group::Move => "Move",
            Group::Find => "Find",
            Group::Map => "Map",
            Group::Structures => "Block structures",
            Group::ResidualBlocks => "Residual blocks",
            Group::Compare => "Two runs",
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

/// Sets of screens under short names, for the tables.
pub(super) mod places {
    use super::Scopes;

    pub const EVERYWHERE: Scopes = Scopes::EVERYWHERE;
    pub const HOME: Scopes = Scopes::HOME;
    pub const EXPLORER: Scopes = Scopes::EXPLORER;
    pub const COMPARE: Scopes = Scopes::COMPARE;
    pub const PREDICTIONS: Scopes = Scopes::PREDICTIONS;
    pub const MAPS: Scopes = Scopes::MAPS;
    pub const GRID: Scopes = Scopes::GRID;
    pub const CUTS: Scopes = Scopes::CUTS;
    pub const FORM: Scopes = Scopes::FORM;
    pub const GALLERY: Scopes = Scopes::GALLERY;
    pub const IMPORT: Scopes = Scopes::IMPORT;
}
