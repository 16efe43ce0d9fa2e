//! The choice of the list's columns while it is open: which are shown, in which order.
//! Knows no screen.

use super::columns::{Column, Columns};
use super::key::{Key, KeyCode};

/// The choice of columns while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chooser {
    /// All columns: those that are chosen, then the others.
    rows: Vec<Column>,
    at: usize,
}

/// What a key did to the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChooserEvent {
    /// Something else is selected or chosen.
    Changed,
    /// Copy the setting.
    Copy(String),
    /// Close it.
    Close,
}

impl Chooser {
    /// A choice that starts from these.
    pub fn new(columns: &Columns) -> Chooser {
        let rest = Column::ALL.into_iter().filter(|column| !columns.0.contains(column));
        Chooser { rows: columns.0.iter().copied().chain(rest).collect(), at: 0 }
    }

    /// All columns, the chosen ones first.
    pub fn rows(&self) -> &[Column] {
        &self.rows
    }

    /// The selected row.
    pub fn selected(&self) -> usize {
        self.at
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: Key, columns: &mut Columns) -> ChooserEvent {
        let last = self.rows.len() - 1;
        let column = self.rows[self.at.min(last)];
        let chosen = columns.0.iter().position(|c| *c == column);
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | '|') => return ChooserEvent::Close,
            KeyCode::Down | KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Char(' ') => match chosen {
                Some(at) => drop(columns.0.remove(at)),
                None => columns.0.push(column),
            },
            KeyCode::Left | KeyCode::Char('h') | KeyCode::Right | KeyCode::Char('l') => {
                let back = matches!(key.code, KeyCode::Left | KeyCode::Char('h'));
                let to = chosen.and_then(|at| if back { at.checked_sub(1) } else { Some(at + 1) });
                if let (Some(at), Some(to)) = (chosen, to.filter(|to| *to < columns.0.len())) {
                    columns.0.swap(at, to);
                    self.rows = Chooser::new(columns).rows;
                    self.at = to;
                }
            }
            KeyCode::Char('y') => return ChooserEvent::Copy(format!("columns: \"{columns}\",")),
            _ => {}
        }
        ChooserEvent::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_toggles_moves_and_says_the_setting() {
        let mut columns = Columns::default();
        let mut chooser = Chooser::new(&columns);
        let press = |chooser: &mut Chooser, columns: &mut Columns, keys: &str| {
            let mut last = ChooserEvent::Changed;
            for key in crate::app::key::parse_sequence(keys).unwrap() {
                last = chooser.key(key, columns);
            }
            last
        };
        press(&mut chooser, &mut columns, "l");
        assert_eq!(columns.to_string(), "data,model,test,made,map");
        press(&mut chooser, &mut columns, "Right Right Right Right Left");
        assert_eq!(columns.to_string(), "data,test,made,model,map");
        // a row stays where it is when it is switched off, to be switched on again
        press(&mut chooser, &mut columns, "Space");
        assert_eq!(columns.to_string(), "data,test,made,map");
        press(&mut chooser, &mut columns, "h j j Space");
        assert_eq!(columns.to_string(), "data,test,made,map,depth");
        let copied = press(&mut chooser, &mut columns, "y");
        assert_eq!(copied, ChooserEvent::Copy("columns: \"data,test,made,map,depth\",".into()));
        assert_eq!(press(&mut chooser, &mut columns, "Esc"), ChooserEvent::Close);
    }
}
