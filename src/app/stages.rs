//! The stages of the layers that a view shows, for rulers and for jumping from one
//! to the next. As many as the layers have; knows no screen.

use std::ops::Range;

use crate::domain::Layer;

/// Layers of one stage, as positions in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpan {
    /// What rulers call it, the longest form first.
    pub labels: [String; 2],
    /// Positions.
    pub span: Range<usize>,
}

/// The stages of a view's layers, in the order of the network.
pub(super) fn stage_spans(shown: &[&Layer]) -> Vec<StageSpan> {
    let mut stages: Vec<(usize, StageSpan)> = Vec::new();
    for (at, layer) in shown.iter().enumerate() {
        let Some(stage) = layer.stage else { continue };
        match stages.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, found)) => found.span.end = at + 1,
            None => {
                let labels = [format!("stage {stage}"), stage.to_string()];
                stages.push((stage, StageSpan { labels, span: at..at + 1 }));
            }
        }
    }
    stages.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LayerKind, Role};

    fn layer(stage: Option<usize>) -> Layer {
        Layer {
            index: 0,
            name: String::new(),
            kind: LayerKind::Relu,
            stage,
            block: None,
            shape: vec![1],
            post_residual: false,
            role: Role::Branch,
        }
    }

    #[test]
    fn there_are_as_many_stages_as_the_layers_have() {
        let places = [None, Some(1), Some(1), Some(2), Some(3), Some(4), Some(4), Some(5), None];
        let layers: Vec<Layer> = places.into_iter().map(layer).collect();
        let spans = stage_spans(&layers.iter().collect::<Vec<_>>());
        let ranges: Vec<_> = spans.iter().map(|s| s.span.clone()).collect();
        assert_eq!(ranges, [1..3, 3..4, 4..5, 5..7, 7..8]);
        assert_eq!(spans[4].labels, ["stage 5", "5"]);
        assert!(stage_spans(&[]).is_empty());
    }
}
