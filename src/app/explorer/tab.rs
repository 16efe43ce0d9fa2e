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
    }
}
