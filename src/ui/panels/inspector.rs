//! The pane beside the map: the two layers, the cursor row's profile, the scale
//! and how the map was made. Sections follow each other while there is room.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::explorer::Explorer;
use crate::app::layout::Area;
use crate::domain::Layer;
use crate::runs::{AnalysisRecord, RunManifest};
use crate::theme::Role;

use super::super::Skin;
use super::super::pen::{Pen, fit_end, rect, width};
use super::super::widgets::heatmap::UNDEFINED;
use super::super::widgets::{Legend, Profile};
use super::{bars, explorer::status};

/// Columns of the names of facts.
const LABEL: usize = 10;

/// Draws the pane.
pub fn draw(app: &App, explorer: &Explorer, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let mut pane = Pane { area, row: 0, skin, buffer };
    let (row, col) = explorer.position();
    let tall = area.h >= 26;
    pane.layer("row", explorer.layer(row));
    pane.layer("column", explorer.layer(col));
    pane.gap(tall);
    pane.profile(explorer, if tall { 4 } else { 3 });
    pane.gap(true);
    pane.scale(explorer, app);
    pane.gap(true);
    if let Some(analysis) = explorer.analysis() {
        pane.about(&explorer.run().manifest, &analysis.record, tall);
    }
}

struct Pane<'a> {
    area: Area,
    row: u16,
    skin: &'a Skin,
    buffer: &'a mut Buffer,
}

impl Pane<'_> {
    fn left(&self) -> u16 {
        self.area.h.saturating_sub(self.row)
    }

    fn gap(&mut self, wanted: bool) {
        self.row += u16::from(wanted);
    }

    fn pen(&mut self) -> Pen<'_> {
        let pen = Pen::new(self.buffer, self.area, self.row);
        self.row += 1;
        pen
    }

    /// Takes `height` rows for a widget.
    fn take(&mut self, height: u16) -> Area {
        let height = height.min(self.left());
        let area = Area { y: self.area.y + self.row, h: height, ..self.area };
        self.row += height;
        area
    }

    fn fact(&mut self, name: &str, value: &str) {
        let (label, text) = (self.skin.style(Role::Muted), self.skin.style(Role::Text));
        self.pen().field(name, LABEL, label).fit(value, text);
    }

    fn layer(&mut self, which: &str, layer: Option<&Layer>) {
        let Some(layer) = layer else { return };
        let (muted, title) = (self.skin.style(Role::Muted), self.skin.style(Role::Title));
        let room = usize::from(self.area.w).saturating_sub(LABEL);
        self.pen().field(which, LABEL, muted).put(&fit_end(&layer.name, room), title);
        let place = match (layer.stage, layer.block) {
            (Some(stage), Some(block)) => format!("block {stage}.{block}"),
            _ if layer.shape.len() == 3 => "stem".to_string(),
            _ => "head".to_string(),
        };
        let (kind, shape) = (layer.kind.name(), layer.shape_text());
        let long = format!("{place}, {shape}, {kind}");
        // the name tells the kind where there is no room
        let text = if width(&long) <= room { long } else { format!("{place}, {shape}") };
        self.pen().skip(LABEL).fit(&text, muted);
    }

    fn profile(&mut self, explorer: &Explorer, height: u16) {
        let (row, col) = explorer.position();
        let Some(matrix) = explorer.matrix() else { return };
        let values: Vec<Option<f64>> = (0..matrix.cols()).map(|j| matrix.get(row, j)).collect();
        let heading = format!("{} of the row along the layers", explorer.mode().name());
        let muted = self.skin.style(Role::Muted);
        self.pen().fit(&heading, muted);
        let area = self.take(height);
        let profile = Profile {
            values: &values,
            range: explorer.range(),
            mark: Some(col),
            bars: self.skin.style(Role::Accent),
            undefined: self.skin.style(Role::Undefined),
            mark_style: self.skin.style(Role::RulerMark),
        };
        profile.render(rect(area), self.buffer);
    }

    fn scale(&mut self, explorer: &Explorer, app: &App) {
        let (muted, text) = (self.skin.style(Role::Muted), self.skin.style(Role::Text));
        if self.left() == 0 {
            return;
        }
        let legend = Legend { lut: self.skin.lut(), range: explorer.range(), text };
        let area = self.take(1);
        let name = explorer.mode().name();
        let room = usize::from(area.w).saturating_sub(legend.columns(0) + name.len() + 2);
        let columns = legend.columns(room.min(24)).min(usize::from(area.w)) as u16;
        legend.render(rect(Area { w: columns, ..area }), self.buffer);
        let beside = Area { x: area.x + columns, w: area.w - columns, ..area };
        Pen::new(self.buffer, beside, 0).skip(2).put(name, text);
        let scaled = if explorer.auto_range() { "scaled to the data" } else { "fixed scale" };
        let undefined = self.skin.style(Role::Undefined);
        self.pen().fit(&status(explorer), muted);
        let mut pen = self.pen();
        pen.fit(&format!("{scaled} · {}", app.look.colormap()), muted);
        if explorer.has_undefined() {
            let word = if pen.left() >= 13 { " undefined" } else { " none" };
            pen.skip(2).put(UNDEFINED, undefined).put(word, muted);
        }
    }

    fn about(&mut self, manifest: &RunManifest, record: &AnalysisRecord, tall: bool) {
        let digest = |hash: &str| hash.chars().take(8).collect::<String>();
        let weights = match (&manifest.source, &manifest.recipe) {
            (Some(source), _) => source.clone(),
            (None, Some(recipe)) => format!("trained for {} epochs", recipe.epochs),
            (None, None) => "unknown".to_string(),
        };
        let passes = if record.passes == 1 {
            String::new()
        } else {
            format!(" in {} passes", record.passes)
        };
        let sample = match record.sample {
            crate::runs::Sample::First => "the first".to_string(),
            crate::runs::Sample::Random => format!("random, seed {}", record.seed),
        };
        let accuracy = manifest.test.as_ref().map_or_else(
            || "not evaluated".to_string(),
            |t| format!("{} of {}", bars::percent(t.accuracy()), thousands(t.examples)),
        );
        // the batches are told below, and details in brackets are for exports
        let estimator = record.estimator.split(" (").next().unwrap_or(&record.estimator);
        let estimator = estimator.strip_prefix("minibatch ").unwrap_or(estimator);
        self.fact("examples", &format!("{}, {sample}", thousands(record.examples)));
        self.fact("batches", &format!("{} of {}{passes}", record.batches, record.batch));
        self.fact("test", &accuracy);
        self.fact(
            "data",
            &format!("{} · {}", record.data.title(), digest(&record.data.fingerprint)),
        );
        self.fact("weights", &weights);
        if tall {
            self.fact("estimator", estimator);
            self.fact("weighting", &format!("by {}", record.weighting));
            self.fact("device", &record.device);
            self.fact("time", &format!("{:.1} s", record.seconds.total));
        }
    }
}

/// `10,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
