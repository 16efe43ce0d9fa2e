//! The roles that the interface's text and lines play. A theme gives roles a
//! style; the interface never names a colour.

/// What a piece of the interface is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Secondary text: units, hints, inactive values.
    Muted,
    /// The name of a screen, a run or a panel.
    Title,
    /// What the eye should find first.
    Accent,
    /// Frames and separators.
    Border,
    /// Numbers and ticks beside the map.
    Ruler,
    /// The cursor's mark on a ruler.
    RulerMark,
    /// Lines and labels of stage boundaries.
    StageLine,
    /// The cursor in the map.
    Cursor,
    /// A cell without a value.
    Undefined,
    /// A key in a hint.
    Key,
    /// What that key does.
    KeyHint,
    /// The selected line of a list.
    Selection,
    /// A good state or a gain.
    Good,
    /// A bad state or a loss.
    Bad,
    /// Something to look at.
    Warning,
    /// A failure.
    Error,
    /// The inside of a popup.
    Popup,
    /// A text field.
    Input,
    /// The matched part of a search result.
    Match,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Role; 20] = [
        Role::Text,
        Role::Muted,
        Role::Title,
        Role::Accent,
        Role::Border,
        Role::Ruler,
        Role::RulerMark,
        Role::StageLine,
        Role::Cursor,
        Role::Undefined,
        Role::Key,
        Role::KeyHint,
        Role::Selection,
        Role::Good,
        Role::Bad,
        Role::Warning,
        Role::Error,
        Role::Popup,
        Role::Input,
        Role::Match,
    ];

    /// The name in theme files: `text`, `ruler-mark`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Text => "text",
            Role::Muted => "muted",
            Role::Title => "title",
            Role::Accent => "accent",
            Role::Border => "border",
            Role::Ruler => "ruler",
            Role::RulerMark => "ruler-mark",
            Role::StageLine => "stage-line",
            Role::Cursor => "cursor",
            Role::Undefined => "undefined",
            Role::Key => "key",
            Role::KeyHint => "key-hint",
            Role::Selection => "selection",
            Role::Good => "good",
            Role::Bad => "bad",
            Role::Warning => "warning",
            Role::Error => "error",
            Role::Popup => "popup",
            Role::Input => "input",
            Role::Match => "match",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role whose style stands in where a theme and its parents say nothing;
    /// the chain ends at [`Role::Text`].
    pub fn fallback(self) -> Option<Role> {
        match self {
            Role::Text => None,
            Role::RulerMark | Role::Match | Role::Key => Some(Role::Accent),
            Role::Ruler | Role::StageLine | Role::Undefined | Role::KeyHint | Role::Border => {
                Some(Role::Muted)
            }
            Role::Error => Some(Role::Bad),
            _ => Some(Role::Text),
        }
    }
}
