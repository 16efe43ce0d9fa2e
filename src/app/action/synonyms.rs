//! Other words for commands. Knows nothing of how they are searched.

use super::names::Action;

/// Other words for commands, as people look for them in the palette.
pub const SYNONYMS: &[(Action, &str)] = &[
    (Action::Export, "save write picture image figure png svg csv npy file"),
    (Action::Analyse, "analyze compute cka start run job probes"),
    (Action::Import, "checkpoint weights pytorch pth safetensors open load file"),
    (Action::Copy, "clipboard yank"),
    (Action::CopyMap, "clipboard yank table"),
    (Action::Delete, "prune cut remove bypass drop ablate"),
    (Action::Cuts, "prune list costs ablation blocks"),
    (Action::Pictures, "images gallery dominant drive kitty look"),
    (Action::Write, "export checkpoint safetensors"),
    (Action::Lesions, "ablation cost measure analyse"),
    (Action::Sweep, "ablation stage"),
    (Action::PrunedMap, "cut analyse"),
    (Action::Beside, "cut"),
    (Action::TauDown, "threshold lower less"),
    (Action::TauUp, "threshold higher raise more"),
    (Action::Structures, "blocks detect outline yellow square"),
    (Action::Compare, "seeds two side by side cka between"),
    (Action::CrossMap, "cka between analyse"),
    (Action::Mode, "measure without pc1 error"),
    (Action::View, "filter layers only"),
    (Action::Strip, "curve probe accuracy variance"),
    (Action::Range, "scale colour bar limits"),
    (Action::Colours, "palette colormap viridis"),
    (Action::Depth, "truecolor tmux"),
    (Action::Find, "search layer go"),
    (Action::Back, "close leave exit"),
    (Action::Quit, "exit leave"),
    (Action::Help, "keys manual"),
    (Action::Refresh, "reload"),
    (Action::Columns, "fields table show hide"),
];
