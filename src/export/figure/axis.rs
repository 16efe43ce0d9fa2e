//! Layers along an axis: their names where all fit, else numbers, as many as fit; and the
//! stages that they belong to, as brackets. Knows no values.

use super::page::{Anchor, INK, Page};
use super::{Style, font};
use crate::domain::Layer;

/// Least distance of names, as a share of their size.
const PITCH: f64 = 1.02;

/// Neighbouring layers of one stage: its number, the first layer's position and
/// the position after the last.
pub(crate) fn stages(layers: &[Layer]) -> Vec<(usize, usize, usize)> {
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        let Some(stage) = layer.stage else { continue };
        match spans.last_mut() {
            Some((last, _, end)) if *last == stage && *end == at => *end = at + 1,
            _ => spans.push((stage, at, at + 1)),
        }
    }
    spans
}

/// Which way an axis goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From left to right, labelled below; its stages are above.
    Across,
    /// From top to bottom, labelled on the left; its stages are on the right.
    Down,
}

/// What the layers along an axis are called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    /// Positions and their texts.
    pub(super) marks: Vec<(usize, String)>,
    /// Whether these are names.
    pub(super) names: bool,
}

impl Labels {
    /// Names, if `layers` that are `pitch` apart have room for them and none is longer
    /// than `room`; else numbers from 1.
    pub(super) fn new(layers: &[Layer], pitch: f64, way: Way, room: f64, style: &Style) -> Labels {
        let size = style.small();
        let names: Vec<String> = layers.iter().map(|l| crate::text::one_line(&l.name)).collect();
        if pitch >= PITCH * size && font::widest(names.iter().map(String::as_str), size) <= room {
            return Labels { marks: names.into_iter().enumerate().collect(), names: true };
        }
        let count = layers.len();
        let largest = font::width(&count.to_string(), size);
        let apart = match way {
            Way::Across => largest + 0.8 * size,
            Way::Down => 1.5 * size,
        };
        let steps = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000];
        let step = steps.into_iter().find(|step| *step as f64 * pitch >= apart);
        let step = step.unwrap_or(usize::MAX);
        let number = |at: usize| step == 1 || (at + 1).is_multiple_of(step);
        let marks = (0..count).filter(|at| number(*at)).map(|at| (at, (at + 1).to_string()));
        let mut marks: Vec<(usize, String)> = marks.collect();
        // the first layer has a number where the next one leaves room
        let next = marks.first().map_or(f64::INFINITY, |(at, _)| *at as f64 * pitch);
        if step > 1 && next >= apart && count > 0 {
            marks.insert(0, (0, "1".into()));
        }
        Labels { marks, names: false }
    }

    /// Room that they take beside the axis, with their ticks.
    pub(super) fn depth(&self, way: Way, style: &Style) -> f64 {
        let size = style.small();
        let texts = self.marks.iter().map(|(_, text)| text.as_str());
        let longest = match (way, self.names) {
            (Way::Across, false) => (font::ASCENT + font::DESCENT) * size,
            _ => font::widest(texts, size),
        };
        if self.marks.is_empty() { 0.0 } else { style.gap() + longest }
    }

    /// Draws them: layers are `pitch` apart from `start` on, at the edge `edge`.
    pub(super) fn draw(
        &self,
        page: &mut Page,
        style: &Style,
        way: Way,
        (start, pitch, edge): (f64, f64, f64),
    ) {
        let size = style.small();
        let (tick, far) = (0.6 * style.gap(), style.gap());
        for (at, text) in &self.marks {
            let middle = start + (*at as f64 + 0.5) * pitch;
            let base = middle + font::MIDDLE * size;
            match (way, self.names) {
                (Way::Down, _) => {
                    page.line((edge - tick, middle), (edge, middle), style.thin(), INK);
                    page.text(text, (edge - far, base), size, Anchor::End);
                }
                (Way::Across, names) => {
                    page.line((middle, edge), (middle, edge + tick), style.thin(), INK);
                    match names {
                        true => page.turned(text, (base, edge + far), size, Anchor::End),
                        false => {
                            let y = edge + far + font::ASCENT * size;
                            page.text(text, (middle, y), size, Anchor::Middle);
                        }
                    }
                }
            }
        }
    }
}

/// Room that the brackets of stages take beside an axis; none without stages.
pub(super) fn stages_depth(layers: &[Layer], style: &Style) -> f64 {
    match stages(layers).is_empty() {
        true => 0.0,
        false => 1.8 * style.gap() + (font::ASCENT + font::DESCENT) * style.small(),
    }
}

/// Draws the brackets of stages, with `stage 1` where that fits in all, else `1` where it
/// does: layers are `pitch` apart from `start` on, at the edge `edge`.
pub(super) fn draw_stages(
    page: &mut Page,
    style: &Style,
    layers: &[Layer],
    way: Way,
    (start, pitch, edge): (f64, f64, f64),
) {
    let size = style.small();
    let spans = stages(layers);
    let room = |(_, a, b): &(usize, usize, usize)| (b - a) as f64 * pitch;
    let long = |stage: usize| format!("stage {stage}");
    let fits = |text: &str, span: &(usize, usize, usize)| font::width(text, size) <= room(span);
    let words = spans.iter().all(|span| fits(&long(span.0), span));
    let away = 1.1 * style.gap();
    // brackets of neighbours do not touch
    let inset = (0.15 * pitch).min(1.0);
    for span in &spans {
        let (stage, a, b) = *span;
        let (from, to) = (start + a as f64 * pitch + inset, start + b as f64 * pitch - inset);
        let middle = (from + to) / 2.0;
        let text = if words { long(stage) } else { stage.to_string() };
        let text = if fits(&text, span) { text } else { String::new() };
        let far = away + 0.7 * style.gap();
        match way {
            Way::Across => {
                page.line((from, edge - away), (to, edge - away), 2.0 * style.thin(), INK);
                let y = edge - far - font::DESCENT * size;
                page.text(&text, (middle, y), size, Anchor::Middle);
            }
            Way::Down => {
                page.line((edge + away, from), (edge + away, to), 2.0 * style.thin(), INK);
                let x = edge + far + font::ASCENT * size;
                page.turned(&text, (x, middle), size, Anchor::Middle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::layers;
    use super::*;

    #[test]
    fn names_give_way_to_numbers_and_numbers_to_fewer() {
        let (layers, style) = (layers(110), Style::default());
        let labels = |pitch, way, room| Labels::new(&layers, pitch, way, room, &style);
        let names = labels(6.5, Way::Down, 100.0);
        assert!(names.names && names.marks.len() == layers.len());
        assert!(!labels(6.5, Way::Down, 30.0).names, "too long");
        assert!(!labels(6.0, Way::Down, 100.0).names, "too close");
        let numbers = labels(1.0, Way::Down, 100.0);
        let first: Vec<&str> = numbers.marks.iter().take(3).map(|(_, t)| t.as_str()).collect();
        assert_eq!(first, ["10", "20", "30"]);
        assert_eq!(numbers.marks[0].0, 9);
        let wide = labels(0.3, Way::Across, 100.0);
        assert_eq!(wide.marks.iter().take(2).map(|(at, _)| *at).collect::<Vec<_>>(), [49, 99]);
        assert_eq!(labels(1e-9, Way::Across, 100.0).marks.len(), 1);
    }

    #[test]
    fn stages_are_runs_of_layers() {
        let layers = crate::runs::fixtures::manifest("a").model.layers();
        assert_eq!(stages(&layers), [(1, 3, 10), (2, 10, 18), (3, 18, 26)]);
        assert_eq!(stages_depth(&layers[..2], &Style::default()), 0.0);
    }
}
