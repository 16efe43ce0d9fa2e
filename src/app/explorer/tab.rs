//! The tabs of the inspector, the pane beside the map.

/// Pages of the pane beside the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tab {
    /// The layer under the cursor.
    #[default]
    Layer,
    /// First components along the layers.
    Components,
    /// Linear probes along the layers.
    Probes,
    /// Detected blocks and deletions.
    Blocks,
    /// How it was made.
    About,
}

impl Tab {
    /// All tabs from left to right.
    pub const ALL: [Tab; 5] = [Tab::Layer, Tab::Components, Tab::Probes, Tab::Blocks, Tab::About];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Layer => "Layer",
            Tab::Components => "PC",
            Tab::Probes => "Probe",
            Tab::Blocks => "Blocks",
            Tab::About => "About",
        }
    }

    /// The tab of a number, from 1.
    pub fn nth(number: usize) -> Option<Tab> {
        Tab::ALL.get(number.checked_sub(1)?).copied()
    }

    /// The tab under a column of the row of names, from 0. A name takes its letters and
    /// one column before it; the open one has brackets.
    pub fn at_column(self, column: u16) -> Option<Tab> {
        let mut end = 0;
        Tab::ALL.into_iter().find(|tab| {
            end += tab.name().len() + if *tab == self { 2 } else { 1 };
            usize::from(column) < end
        })
    }

    /// The tab to the right (or left), round about.
    pub fn step(self, forward: bool) -> Tab {
        let count = Tab::ALL.len();
        let at = Tab::ALL.iter().position(|t| *t == self).unwrap_or(0);
        Tab::ALL[(at + if forward { 1 } else { count - 1 }) % count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_go_round() {
        assert_eq!(Tab::About.step(true), Tab::Layer);
        assert_eq!(Tab::Layer.step(false), Tab::About);
        assert_eq!((Tab::nth(2), Tab::nth(0), Tab::nth(9)), (Some(Tab::Components), None, None));
    }

    #[test]
    fn a_column_of_the_row_of_names_belongs_to_one() {
        // " Layer[PC] Probe Blocks About"
        let at = |column| Tab::Components.at_column(column);
        assert_eq!((at(0), at(5)), (Some(Tab::Layer), Some(Tab::Layer)));
        assert_eq!(
            (at(6), at(9), at(10)),
            (Some(Tab::Components), Some(Tab::Components), Some(Tab::Probes))
        );
        assert_eq!(at(60), None);
    }
}
