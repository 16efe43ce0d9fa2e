//! What networks predict: the runs with their groups on the left, and beside
//! them agreement, examples or classes.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::layout::Area;
use crate::app::predictions::{Group, Page, PredictionsLayout, PredictionsView};
use crate::domain::SimilarityMatrix;
use crate::domain::contrast::{Contrast, ExampleRow};
use crate::theme::Role;

use super::bars;
use super::bars::percent;
use crate::ui::Skin;
use crate::ui::pen::{Pen, fit, fit_end, rect};
use crate::ui::widgets::{Heatmap, Legend, Thumbnail};

/// Below this corrected p value a difference is marked.
const SIGNIFICANT: f64 = 0.05;
/// Columns of a picture.
const SIDE: u16 = 16;

/// Draws the screen.
pub fn draw(app: &App, view: &PredictionsView, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let facts = [view.data().to_string(), format!("{} runs", view.members().len())];
    let places = PredictionsLayout::new(size);
    bars::top(app, places.top, "predictions", &facts, skin, buffer);
    runs(view, places.runs, skin, buffer);
    tabs(view, places.tabs, skin, buffer);
    let inner = places.page;
    match (view.page(), view.contrast()) {
        (Page::Agreement, _) => agreement(view, inner, skin, buffer),
        (_, Err(why)) => {
            Pen::new(buffer, inner, 0).fit(why, skin.style(Role::Muted));
        }
        (Page::Examples, Ok(contrast)) => examples(view, contrast, inner, skin, buffer),
        (Page::Classes, Ok(contrast)) => classes(view, contrast, inner, skin, buffer),
    }
    if !bars::toast(app, places.message, skin, buffer) {
        left_out(view, places.message, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

fn tabs(view: &PredictionsView, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, 0);
    for page in Page::ALL {
        match page == view.page() {
            true => pen.put(&format!("[{}]", page.name()), skin.style(Role::Selection)),
            false => pen.put(&format!(" {} ", page.name()), skin.style(Role::Muted)),
        };
    }
}

fn runs(view: &PredictionsView, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let mut pen = Pen::new(buffer, area, 0);
    pen.field("group, run", pen.left().saturating_sub(8), muted).number("test", 8, muted);
    let rows = usize::from(area.h.saturating_sub(1));
    let first = view.selected().saturating_sub(rows.saturating_sub(1));
    for (row, (at, member)) in view.members().iter().enumerate().skip(first).take(rows).enumerate()
    {
        let chosen = at == view.selected();
        let style = if chosen { skin.style(Role::Selection) } else { text };
        let mut pen = Pen::new(buffer, area, row as u16 + 1);
        pen.put(if chosen { "▸" } else { " " }, skin.style(Role::Accent));
        pen.put(member.group.sign(), skin.style(Role::Key)).skip(1);
        let room = pen.left().saturating_sub(9);
        pen.field(&fit_end(&member.manifest.name, room), room, style).skip(1);
        pen.number(&percent(member.predictions.accuracy()), 8, text);
    }
}

fn left_out(view: &PredictionsView, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let Some((name, why)) = view.left_out().first() else { return };
    let more = match view.left_out().len() - 1 {
        0 => String::new(),
        n => format!("; {n} more left out"),
    };
    Pen::new(buffer, area, 0).fit(&format!("{name} {why}{more}"), skin.style(Role::Muted));
}

/// The matrix of agreement as a map, and the selected run's row in numbers.
fn agreement(view: &PredictionsView, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let n = view.members().len();
    let matrix = view.agreement();
    Pen::new(buffer, area, 0).fit("share of images on which two networks predict the same", muted);
    let room = (usize::from(area.w) / 2).min(2 * usize::from(area.h.saturating_sub(4)));
    let pixels = (room / n.max(1)).clamp(1, 6);
    let lowest = matrix.view().iter().copied().filter(|v| v.is_finite()).fold(1.0, f64::min);
    // from a whole tenth, so that the scale has round ends
    let range = (((lowest * 10.0).floor() / 10.0).min(0.9), 1.0);
    let side = (n * pixels).min(room) as u16;
    let map = Area::new(area.x, area.y + 2, side, side.div_ceil(2));
    Heatmap {
        values: matrix,
        origin: (view.selected().saturating_sub((room / pixels).saturating_sub(1)), 0),
        pixels,
        lut: skin.lut(),
        range,
        cursor: Some((view.selected(), view.selected())),
        cursor_style: skin.style(Role::Cursor),
        undefined: skin.style(Role::Undefined),
    }
    .render(rect(map), buffer);
    let below = Area::new(area.x, map.y + map.h + 1, area.w / 2, 1);
    if below.y < area.y + area.h {
        let legend = Legend { lut: skin.lut(), range, text };
        let columns = legend.columns(12).min(usize::from(below.w)) as u16;
        legend.render(rect(Area { w: columns, ..below }), buffer);
    }
    let x = area.x + side.max(20) + 3;
    let beside =
        Area::new(x, area.y + 2, (area.x + area.w).saturating_sub(x), area.h.saturating_sub(2));
    let Some(selected) = view.members().get(view.selected()) else { return };
    let room = usize::from(beside.w).saturating_sub(12);
    let name = fit_end(&selected.manifest.name, room);
    Pen::new(buffer, beside, 0).fit(&format!("{name} agrees with"), muted);
    let mut order: Vec<usize> = (0..n).filter(|i| *i != view.selected()).collect();
    let with = |i: usize| matrix.get(view.selected(), i).unwrap_or(f64::NAN);
    order.sort_by(|a, b| with(*b).total_cmp(&with(*a)));
    for (row, at) in order.into_iter().take(usize::from(beside.h.saturating_sub(1))).enumerate() {
        let mut pen = Pen::new(buffer, beside, row as u16 + 1);
        pen.number(&percent(with(at)), 7, text).skip(2);
        let room = pen.left();
        pen.put(&fit_end(&view.members()[at].manifest.name, room), text);
    }
}

/// Which runs a group has, in few words.
fn group(view: &PredictionsView, which: Group) -> String {
    let names: Vec<&str> = view
        .members()
        .iter()
        .filter(|m| m.group == which)
        .map(|m| m.manifest.name.as_str())
        .collect();
    match names[..] {
        [one] => one.to_string(),
        _ => format!("{} runs", names.len()),
    }
}

/// Accuracies of both groups, and of their difference.
fn summary(
    view: &PredictionsView,
    contrast: &Contrast,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) -> u16 {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    for (row, (which, accuracy, sd, seeds)) in [
        (Group::A, contrast.accuracy.0, contrast.sd.0, contrast.seeds.0),
        (Group::B, contrast.accuracy.1, contrast.sd.1, contrast.seeds.1),
    ]
    .into_iter()
    .enumerate()
    {
        let mut pen = Pen::new(buffer, area, row as u16);
        pen.put(which.sign(), skin.style(Role::Key)).skip(1).put(&percent(accuracy), text);
        if seeds > 1 {
            pen.put(&format!(" ± {:.1}", 100.0 * sd), muted);
        }
        pen.skip(2).fit(&group(view, which), muted);
    }
    let words = match contrast.welch {
        Some(w) => {
            format!("Welch t {:.2}, {:.1} degrees of freedom, p {}", w.t, w.df, p_value(w.p))
        }
        None if contrast.seeds.0.min(contrast.seeds.1) < 2 => {
            "one run in a group: no test of the accuracies".to_string()
        }
        None => "no run differs from its group: no test of the accuracies".to_string(),
    };
    Pen::new(buffer, area, 2).fit(&words, muted);
    4
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_string() } else { format!("{p:.4}") }
}

/// How many examples lie where: accuracy in one group against the other, both
/// cut into `bins` equal shares, as the logarithm of counts from 0 to 1.
fn density(
    rows: &[ExampleRow],
    bins: (usize, usize),
    of: impl Fn(&ExampleRow) -> Option<(f64, f64)>,
) -> SimilarityMatrix {
    let mut counts = ndarray::Array2::<f64>::zeros(bins);
    let place = |share: f64, bins: usize| ((share * bins as f64) as usize).min(bins - 1);
    for (x, y) in rows.iter().filter_map(of) {
        // B upwards
        counts[(bins.0 - 1 - place(y, bins.0), place(x, bins.1))] += 1.0;
    }
    let most = counts.iter().copied().fold(1.0, f64::max).ln_1p();
    SimilarityMatrix::new(counts.mapv(|n: f64| if n == 0.0 { f64::NAN } else { n.ln_1p() / most }))
}

fn examples(
    view: &PredictionsView,
    contrast: &Contrast,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let mut y = summary(view, contrast, area, skin, buffer);
    // scatter of the groups, and of two halves of A beside it
    let side = (area.w / 2).saturating_sub(4).min(2 * (area.h / 3)).min(28);
    if side >= 8 && area.h >= 18 {
        let halves = contrast.examples.iter().any(|row| row.halves.is_some());
        let scatter = |x: u16, title: &str, values: &SimilarityMatrix, buffer: &mut Buffer| {
            let head = Area::new(x, area.y + y, area.w / 2 - 1, 1);
            Pen::new(buffer, head, 0).fit(title, muted);
            let pixels = (usize::from(side) / values.cols()).max(1);
            let map = Area::new(
                x,
                area.y + y + 1,
                (values.cols() * pixels) as u16,
                (values.rows() * pixels).div_ceil(2) as u16,
            );
            buffer.set_style(rect(map), skin.style(Role::Undefined));
            Heatmap {
                values,
                origin: (0, 0),
                pixels,
                lut: skin.lut(),
                range: (0.0, 1.0),
                cursor: None,
                cursor_style: skin.style(Role::Cursor),
                undefined: skin.style(Role::Undefined),
            }
            .render(rect(map), buffer);
        };
        let bins = |seeds: usize| (seeds + 1).min(usize::from(side));
        let (a, b) = (bins(contrast.seeds.0), bins(contrast.seeds.1));
        let of_groups = density(&contrast.examples, (b, a), |row| Some((row.a, row.b)));
        scatter(area.x, "share right: A across, B upwards", &of_groups, buffer);
        if halves {
            let half = bins(contrast.seeds.0 / 2);
            let null = density(&contrast.examples, (half, half), |row| row.halves);
            scatter(area.x + area.w / 2, "chance alone: two halves of A", &null, buffer);
        }
        y += side / 2 + 2;
        let words = match contrast.null {
            Some(null) => format!(
                "mean difference per example {:.3}, between halves of A {:.3}, of B {:.3}",
                null.between, null.within_a, null.within_b
            ),
            None => format!(
                "mean difference per example {:.3}; two runs in each group tell what is chance",
                contrast.difference()
            ),
        };
        Pen::new(buffer, area, y).fit(&words, muted);
        y += 2;
    }
    Pen::new(buffer, area, y).fit("examples that differ most", muted);
    let list = Area { y: area.y + y + 1, h: area.h.saturating_sub(y + 1), ..area };
    let pictured = view.album.problem().is_none() && list.h > SIDE / 2 + 1 && list.w >= SIDE;
    let ranked = view.ranked().iter().enumerate().skip(view.example());
    let line = |row: &ExampleRow| {
        format!(
            "#{} {}  A {:.0} % B {:.0} %",
            row.image,
            view.class(row.label),
            100.0 * row.a,
            100.0 * row.b
        )
    };
    if pictured {
        let (across, down) = ((list.w + 1) / (SIDE + 1), list.h / (SIDE / 2 + 2));
        for (at, (rank, position)) in ranked.take(usize::from(across * down)).enumerate() {
            let Some(row) = contrast.examples.get(*position) else { continue };
            let (i, j) = (at as u16 / across, at as u16 % across);
            let place =
                Area::new(list.x + j * (SIDE + 1), list.y + i * (SIDE / 2 + 2), SIDE, SIDE / 2);
            let picture = view.album.get(row.image);
            Thumbnail { picture, skin, waiting: muted }.render(rect(place), buffer);
            let style = if rank == view.example() { skin.style(Role::Selection) } else { text };
            let captions =
                [view.class(row.label), format!("A {:.0} B {:.0} %", 100.0 * row.a, 100.0 * row.b)];
            for (k, caption) in captions.iter().enumerate() {
                let below = Area::new(place.x, place.y + SIDE / 2 + k as u16, SIDE, 1);
                Pen::new(buffer, below, 0).fit(caption, if k == 0 { style } else { muted });
            }
        }
        return;
    }
    for (at, (rank, position)) in ranked.take(usize::from(list.h)).enumerate() {
        let Some(row) = contrast.examples.get(*position) else { continue };
        let style = if rank == view.example() { skin.style(Role::Selection) } else { text };
        Pen::new(buffer, list, at as u16).fit(&line(row), style);
    }
}

fn classes(
    view: &PredictionsView,
    contrast: &Contrast,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let y = summary(view, contrast, area, skin, buffer);
    let table = Area { y: area.y + y, h: area.h.saturating_sub(y), ..area };
    let name = usize::from(area.w).saturating_sub(41).clamp(6, 16);
    let wide = area.w >= 62;
    let mut pen = Pen::new(buffer, table, 0);
    pen.field("class", name, muted).number("A %", 7, muted).number("B %", 7, muted);
    pen.number("A-B", 7, muted);
    if wide {
        pen.number("t", 8, muted).number("df", 7, muted);
    }
    pen.number("p", 9, muted).number("Holm", 9, muted);
    for (at, row) in
        contrast.classes.iter().enumerate().take(usize::from(table.h.saturating_sub(2)))
    {
        let mut pen = Pen::new(buffer, table, at as u16 + 1);
        pen.field(&fit(&view.class(row.class), name), name, text);
        pen.number(&format!("{:.1}", 100.0 * row.a), 7, text);
        pen.number(&format!("{:.1}", 100.0 * row.b), 7, text);
        pen.number(&format!("{:+.1}", 100.0 * (row.a - row.b)), 7, text);
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "–".to_string(), |v| format!("{v:.digits$}"))
        };
        if wide {
            pen.number(&number(row.welch.map(|w| w.t), 2), 8, muted);
            pen.number(&number(row.welch.map(|w| w.df), 1), 7, muted);
        }
        let p = |value: Option<f64>| value.map_or_else(|| "–".to_string(), p_value);
        pen.number(&p(row.welch.map(|w| w.p)), 9, muted);
        pen.number(&p(row.adjusted), 9, text);
        if row.adjusted.is_some_and(|p| p < SIGNIFICANT) {
            pen.skip(1).put("*", skin.style(Role::Accent));
        }
    }
    let foot = (contrast.classes.len() as u16 + 2).min(table.h.saturating_sub(1));
    Pen::new(buffer, table, foot).fit(
        "Welch's t-test over runs; Holm corrects for the number of classes; * below 0.05",
        muted,
    );
}
