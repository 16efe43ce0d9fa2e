//! The rows: every command with its keys.

use super::names::places::*;
use super::names::{Action, ActionInfo, Group, Scopes};

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

/// Where blocks are deleted.
const BLOCKS: Scopes = EXPLORER.and(CUTS);
/// Screens with lines that are filled in.
const FORMS: Scopes = FORM.and(IMPORT);
/// Screens with one map or many.
const MANY: Scopes = MAPS.and(GRID);

/// The table. Order is the order of the help.
pub const TABLE: &[ActionInfo] = &[
    row(
        Action::Left,
        "left",
        &["h", "Left"],
        MANY.and(FORMS).and(GALLERY),
        Group::Move,
        "previous column (counts: 5h)",
    ),
    row(Action::Down, "down", &["j", "Down"], EVERYWHERE, Group::Move, "next row, or next run"),
    row(Action::Up, "up", &["k", "Up"], EVERYWHERE, Group::Move, "previous row, or previous run"),
    row(
        Action::Right,
        "right",
        &["l", "Right"],
        MANY.and(FORMS).and(GALLERY),
        Group::Move,
        "next column",
    ),
    row(
        Action::NextLayer,
        "next-layer",
        &["]"],
        MAPS.and(GALLERY),
        Group::Move,
        "next layer along the diagonal, outlined structure, or layer that differs",
    ),
    row(
        Action::PreviousLayer,
        "previous-layer",
        &["["],
        MAPS.and(GALLERY),
        Group::Move,
        "previous layer, outlined structure, or layer that differs",
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
    row(Action::FirstColumn, "first-column", &["0"], MANY, Group::Move, "first column"),
    row(Action::LastColumn, "last-column", &["$"], MANY, Group::Move, "last column"),
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
    row(Action::Mark, "mark", &["\""], EXPLORER, Group::Move, "mark this cell to compare with"),
    row(
        Action::SwapMark,
        "swap-mark",
        &["'"],
        EXPLORER,
        Group::Move,
        "jump to the marked cell, and mark this one",
    ),
    row(Action::View, "view", &["v"], MANY, Group::Map, "next view: all, block outputs, convs"),
    row(
        Action::Mode,
        "mode",
        &["m"],
        MANY,
        Group::Map,
        "next map: CKA, PC1 similarity, without PC1, error",
    ),
    row(
        Action::ZoomIn,
        "zoom-in",
        &["+", "="],
        MANY.and(GALLERY),
        Group::Map,
        "zoom in by a whole factor; larger pictures",
    ),
    row(
        Action::ZoomOut,
        "zoom-out",
        &["-"],
        MANY.and(GALLERY),
        Group::Map,
        "zoom out by a whole factor; smaller pictures",
    ),
    row(
        Action::ZoomFit,
        "zoom-fit",
        &["f"],
        MANY,
        Group::Map,
        "fit the map to the screen, or fill it by resampling",
    ),
    row(Action::Pooling, "pooling", &["p"], MANY, Group::Map, "pool by mean or by maximum"),
    row(Action::Range, "range", &["a"], MAPS, Group::Map, "fixed scale, or scale to the data"),
    row(
        Action::Analyse,
        "analyse",
        &["A"],
        EXPLORER.and(FORM),
        Group::Map,
        "compute map, components and probes of this run",
    ),
    row(Action::Import, "import", &["I"], HOME, Group::Program, "make a run of a checkpoint file"),
    row(
        Action::Strip,
        "strip",
        &["i"],
        MAPS,
        Group::Map,
        "curve over the map: PC1 share, probes; which layers of two runs differ",
    ),
    row(
        Action::Export,
        "export",
        &["e"],
        MANY,
        Group::Map,
        "write map as PNG, SVG, PDF, CSV or NPY",
    ),
    row(
        Action::Copy,
        "copy",
        &["y"],
        HOME.and(MANY).and(FORMS).and(GALLERY),
        Group::Map,
        "copy the pair, the run's name, the command, or which images",
    ),
    row(Action::CopyMap, "copy-map", &["Y"], MAPS, Group::Map, "copy the visible map as a table"),
    row(Action::CopyLayer, "copy-layer", &["A-y"], MAPS, Group::Map, "copy the row's layer"),
    row(
        Action::NextTab,
        "next-tab",
        &["Tab"],
        MAPS.and(PREDICTIONS),
        Group::Map,
        "next tab of the inspector (2 Tab: the second), pane or page",
    ),
    row(
        Action::PreviousTab,
        "previous-tab",
        &["S-Tab"],
        MAPS.and(PREDICTIONS),
        Group::Map,
        "previous tab of the inspector, pane or page",
    ),
    row(
        Action::Structures,
        "structures",
        &["b"],
        EXPLORER,
        Group::Structures,
        "outline the detected block structures",
    ),
    row(
        Action::TauDown,
        "tau-down",
        &["<"],
        EXPLORER,
        Group::Structures,
        "lower threshold of a block structure",
    ),
    row(
        Action::TauUp,
        "tau-up",
        &[">"],
        EXPLORER,
        Group::Structures,
        "higher threshold of a block structure",
    ),
    row(
        Action::Delete,
        "delete",
        &["x"],
        BLOCKS,
        Group::ResidualBlocks,
        "delete the row's residual block, or take it back",
    ),
    row(Action::Undo, "undo", &["u"], BLOCKS, Group::ResidualBlocks, "undo a deletion"),
    row(Action::Redo, "redo", &["C-r"], BLOCKS, Group::ResidualBlocks, "redo a deletion"),
    row(
        Action::Restore,
        "restore",
        &["U"],
        BLOCKS,
        Group::ResidualBlocks,
        "take all deletions back",
    ),
    row(
        Action::Sweep,
        "sweep",
        &["X"],
        EXPLORER,
        Group::ResidualBlocks,
        "prune the row's stage from its end",
    ),
    row(
        Action::Lesions,
        "lesions",
        &["L"],
        BLOCKS,
        Group::ResidualBlocks,
        "delete each residual block alone",
    ),
    row(
        Action::Cuts,
        "cuts",
        &["D"],
        BLOCKS.and(FORM),
        Group::ResidualBlocks,
        "list of residual blocks and what deleting each costs",
    ),
    row(
        Action::Pictures,
        "pictures",
        &["o"],
        EXPLORER.and(GALLERY),
        Group::Map,
        "all images that drive the row's layer, as pictures",
    ),
    row(
        Action::Order,
        "order",
        &["o"],
        HOME.and(CUTS),
        Group::ResidualBlocks,
        "sort the blocks, or the runs",
    ),
    row(
        Action::Cheap,
        "cheap",
        &["a"],
        CUTS,
        Group::ResidualBlocks,
        "delete all blocks that cost surely under 1 point",
    ),
    row(
        Action::Write,
        "write",
        &["W"],
        BLOCKS,
        Group::ResidualBlocks,
        "save the pruned network as a run or a file",
    ),
    row(
        Action::PrunedMap,
        "pruned-map",
        &["P"],
        BLOCKS,
        Group::ResidualBlocks,
        "CKA map of the pruned network",
    ),
    row(
        Action::Beside,
        "beside",
        &["d"],
        BLOCKS,
        Group::ResidualBlocks,
        "pruned network's map beside this one",
    ),
    row(
        Action::Compare,
        "compare",
        &["s"],
        Scopes::HOME.and(EXPLORER),
        Group::Compare,
        "two runs side by side: with the chosen one, or another seed",
    ),
    row(
        Action::Choose,
        "choose",
        &["Space"],
        Scopes::HOME.and(PREDICTIONS).and(CUTS).and(FORMS),
        Group::Compare,
        "choose the run to compare with, its group, or the block to delete",
    ),
    row(
        Action::Swap,
        "swap",
        &["s"],
        COMPARE.and(PREDICTIONS),
        Group::Compare,
        "exchange the sides, or the groups",
    ),
    row(
        Action::Predictions,
        "predictions",
        &["P"],
        Scopes::HOME.and(COMPARE),
        Group::Compare,
        "what the networks predict: agreement and groups of seeds",
    ),
    row(
        Action::Third,
        "third-map",
        &["d"],
        COMPARE,
        Group::Compare,
        "third map: CKA between the runs, or A minus B",
    ),
    row(
        Action::CrossMap,
        "cross-map",
        &["x"],
        COMPARE,
        Group::Compare,
        "compute the CKA between the runs",
    ),
    row(
        Action::Link,
        "link",
        &["S"],
        COMPARE,
        Group::Compare,
        "one cursor for both, or one for each",
    ),
    row(
        Action::Align,
        "align",
        &["A"],
        COMPARE,
        Group::Compare,
        "match layers of other networks by position or by name",
    ),
    row(
        Action::Grid,
        "grid",
        &["w"],
        HOME,
        Group::Map,
        "grid of all maps over depth, width, data, seed, epoch",
    ),
    row(Action::RowAxis, "row-axis", &["Tab"], GRID, Group::Map, "next axis of a grid's rows"),
    row(
        Action::ColumnAxis,
        "column-axis",
        &["S-Tab"],
        GRID,
        Group::Map,
        "next axis of a grid's columns",
    ),
    row(Action::SwapAxes, "swap-axes", &["x"], GRID, Group::Map, "swap a grid's rows and columns"),
    row(
        Action::NextInCell,
        "next-in-cell",
        &["]"],
        GRID,
        Group::Map,
        "next run of a grid's cell (×3: three runs)",
    ),
    row(
        Action::PreviousInCell,
        "previous-in-cell",
        &["["],
        GRID,
        Group::Map,
        "previous run of a grid's cell",
    ),
    row(
        Action::Find,
        "find",
        &["/"],
        HOME.and(EXPLORER),
        Group::Find,
        "find a layer, or runs, by name",
    ),
    row(Action::FindNext, "find-next", &["n"], EXPLORER, Group::Find, "next layer found"),
    row(
        Action::FindPrevious,
        "find-previous",
        &["N"],
        EXPLORER,
        Group::Find,
        "previous layer found",
    ),
    row(Action::Colours, "colours", &["c"], EVERYWHERE, Group::Look, "next colour map"),
    row(Action::Theme, "theme", &["T"], EVERYWHERE, Group::Look, "next theme"),
    row(
        Action::PixelMaps,
        "pixel-maps",
        &["K"],
        EXPLORER,
        Group::Look,
        "the map in pixels, in terminals with kitty's graphics",
    ),
    row(
        Action::Depth,
        "depth",
        &["C"],
        EVERYWHERE,
        Group::Look,
        "colour depth: truecolor, 256, 16, mono",
    ),
    row(Action::Mouse, "mouse", &["M"], EVERYWHERE, Group::Look, "mouse on, or off to select text"),
    row(
        Action::Columns,
        "columns",
        &["|"],
        HOME,
        Group::Look,
        "choose the columns of the list of runs",
    ),
    row(
        Action::Open,
        "open",
        &["Enter"],
        HOME.and(COMPARE).and(PREDICTIONS).and(GRID).and(CUTS).and(FORMS),
        Group::Program,
        "open the selected run, or that of the pane; show the block; compute",
    ),
    row(
        Action::Refresh,
        "refresh",
        &["r"],
        HOME.and(GRID),
        Group::Program,
        "read the list of runs again",
    ),
    row(
        Action::Back,
        "back",
        &["Esc"],
        EVERYWHERE,
        Group::Program,
        "back: close, or to the list of runs",
    ),
    row(Action::Help, "help", &["?", "F1"], EVERYWHERE, Group::Program, "this help"),
    row(
        Action::Palette,
        "palette",
        &[":"],
        EVERYWHERE,
        Group::Program,
        "find a command by name and run it",
    ),
    row(Action::Redraw, "redraw", &["C-l"], EVERYWHERE, Group::Program, "draw the screen anew"),
    row(Action::Perf, "perf", &["F12"], EVERYWHERE, Group::Program, "time and bytes of frames"),
    row(Action::Suspend, "suspend", &["C-z"], EVERYWHERE, Group::Program, "suspend to the shell"),
    row(Action::Quit, "quit", &["q"], EVERYWHERE, Group::Program, "quit"),
    row(Action::Interrupt, "interrupt", &["C-c"], EVERYWHERE, Group::Program, "quit at once"),
];

/// Names that users' key maps may still have, and what they are now.
const FORMER: &[(&str, &str)] = &[("blocks", "structures")];

impl Action {
    /// The table's row of this action.
    pub fn info(self) -> Option<&'static ActionInfo> {
        TABLE.iter().find(|row| row.action == self)
    }

    /// The action of a name in key maps, or of one that it had before.
    pub fn from_name(name: &str) -> Option<Action> {
        let name = FORMER.iter().find(|(former, _)| *former == name).map_or(name, |(_, now)| now);
        TABLE.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_actions_are_unique() {
        let names: HashSet<_> = TABLE.iter().map(|r| r.name).collect();
        let actions: HashSet<_> = TABLE.iter().map(|r| r.action).collect();
        assert_eq!(names.len(), TABLE.len());
        assert_eq!(actions.len(), TABLE.len());
        assert_eq!(Action::from_name("zoom-in"), Some(Action::ZoomIn));
        for (former, now) in FORMER {
            assert!(!names.contains(former) && names.contains(now), "{former}");
            assert_eq!(Action::from_name(former), Action::from_name(now));
        }
        assert!(TABLE.iter().all(|r| !r.keys.is_empty() && !r.doc.is_empty()));
    }
}
