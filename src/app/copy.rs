//! What copying puts on the clipboard: the pair under the cursor, the visible
//! part of the map as a table, or a layer. Text only; how it gets there is the
//! terminal's business.

use crate::domain::SimilarityMatrix;
use crate::text::one_line;

use super::action::Action;
use super::compare::{Compare, Pane};
use super::explorer::Explorer;
use super::state::{App, Effect, Screen};
use super::viewport::Viewport;

/// The commands that copy.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let found = match app.screen {
        Screen::Home => {
            app.home.selection().map(|run| (one_line(&run.name), "the run's name".into()))
        }
        Screen::Explorer => app.explorer.as_ref().and_then(|e| match action {
            Action::CopyMap => map(e),
            Action::CopyLayer => layer(e),
            _ => cell(e),
        }),
        Screen::Compare => app.compare.as_ref().and_then(|c| match (c.focus(), action) {
            (Pane::Third, Action::CopyMap) => third(c),
            (Pane::Third, Action::Copy) => third_cell(c),
            (pane, Action::CopyMap) => map(c.side(pane)),
            (pane, Action::CopyLayer) => layer(c.side(pane)),
            (pane, _) => cell(c.side(pane)),
        }),
        Screen::Grid => app
            .grid
            .as_ref()
            .and_then(|grid| grid.selection())
            .map(|run| (one_line(&run.name), "the run's name".into())),
        Screen::Predictions => None,
    };
    match found {
        Some((text, what)) => vec![Effect::Copy(text, what)],
        None => {
            app.complain("there is nothing to copy here");
            Vec::new()
        }
    }
}

/// `layer3.2.relu2 × layer3.4.add  CKA 0.981234 ± 0.003012`.
fn cell(e: &Explorer) -> Option<(String, String)> {
    let (row, col) = e.position();
    let (a, b) = (e.layer(row)?, e.layer(col)?);
    let number = match e.full_map()?.get(a.index, b.index) {
        Some(value) => format!("{value:.6}"),
        None => "undefined".to_string(),
    };
    let se = e.full_errors().and_then(|se| se.get(a.index, b.index));
    let se = se.map(|se| format!(" ± {se:.6}")).unwrap_or_default();
    let text = format!("{} × {}  {} {number}{se}", a.name, b.name, e.mode().name());
    Some((text, "the pair under the cursor".into()))
}

/// The row's layer: `layer3.2.relu2  relu  64x8x8  block 3.2`.
fn layer(e: &Explorer) -> Option<(String, String)> {
    let layer = e.layer(e.position().0)?;
    let mut text = format!("{}  {}  {}", layer.name, layer.kind.name(), layer.shape_text());
    if let (Some(stage), Some(block)) = (layer.stage, layer.block) {
        text.push_str(&format!("  block {stage}.{block}"));
    }
    Some((text, format!("the row's layer, {}", layer.name)))
}

/// The visible part of the map, tab separated: layer names above and in front,
/// pooled as it is on screen, undefined cells empty. Zoomed out, a name is that
/// of the first of the layers that share a cell.
fn map(e: &Explorer) -> Option<(String, String)> {
    Some(table(e.mode().name(), e.pooled()?, e.viewport(), [e, e]))
}

/// The third map of two runs in the same way.
fn third(c: &Compare) -> Option<(String, String)> {
    let [a, b] = c.sides();
    Some(table(c.third_name(), c.pooled()?, c.window(), [a, b]))
}

/// `layer3.2.relu2 × layer3.4.add  CKA, A x B 0.281234`.
fn third_cell(c: &Compare) -> Option<(String, String)> {
    let (row, col) = c.position(Pane::Third);
    let (a, b) = (c.sides()[0].layer(row)?, c.sides()[1].layer(col)?);
    let number = match c.matrix()?.get(row, col) {
        Some(value) => format!("{value:.6}"),
        None => "undefined".to_string(),
    };
    let text = format!("{} × {}  {} {number}", a.name, b.name, c.third_name());
    Some((text, "the pair under the cursor".into()))
}

/// What a window shows of a pooled map, with the names of the layers of its rows
/// and columns.
fn table(
    quantity: &str,
    pooled: &SimilarityMatrix,
    viewport: &Viewport,
    [rows_of, cols_of]: [&Explorer; 2],
) -> (String, String) {
    let ((row0, col0), (rows, cols)) = (viewport.origin(), viewport.visible());
    let group = viewport.scale().group();
    let mut text = quantity.to_string();
    for col in col0..col0 + cols {
        text.push('\t');
        text.push_str(cols_of.layer(col * group).map_or("", |l| l.name.as_str()));
    }
    text.push('\n');
    for row in row0..row0 + rows {
        text.push_str(rows_of.layer(row * group).map_or("", |l| l.name.as_str()));
        for col in col0..col0 + cols {
            text.push('\t');
            if let Some(value) = pooled.get(row, col) {
                text.push_str(&format!("{value:.4}"));
            }
        }
        text.push('\n');
    }
    (text, format!("the visible map as a table of {rows} x {cols}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{ColourDepth, Input, Key, Look, demo, update};
    use crate::theme::ThemeSet;

    fn app() -> App {
        let themes = ThemeSet::builtin().unwrap();
        demo::app(Look::new(&themes, None, ColourDepth::Truecolor), 38, (120, 40))
    }

    fn press(app: &mut App, keys: &str) -> Vec<Effect> {
        let mut last = Vec::new();
        for c in keys.chars() {
            last = update(app, Input::Key(Key::char(c)));
        }
        last
    }

    fn copied(effects: &[Effect]) -> (&str, &str) {
        match effects {
            [Effect::Copy(text, what)] => (text, what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pair_is_copied_with_names_value_and_error() {
        let mut app = app();
        let effects = press(&mut app, "jjlllly");
        let (text, what) = copied(&effects);
        let e = app.explorer.as_ref().unwrap();
        let (row, col) = e.position();
        let (a, b) = (e.layer(row).unwrap(), e.layer(col).unwrap());
        let value = e.full_map().unwrap().get(a.index, b.index).unwrap();
        let se = e.full_errors().unwrap().get(a.index, b.index).unwrap();
        assert_eq!(text, format!("{} × {}  CKA {value:.6} ± {se:.6}", a.name, b.name));
        assert_eq!(what, "the pair under the cursor");
    }

    #[test]
    fn the_visible_map_is_a_table_that_reads_back() {
        let mut app = app();
        for keys in ["Y", "++++GY"] {
            let effects = press(&mut app, keys);
            let (text, _) = copied(&effects);
            let e = app.explorer.as_ref().unwrap();
            let (rows, cols) = e.viewport().visible();
            let (row0, col0) = e.viewport().origin();
            let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
            assert_eq!(lines.len(), rows + 1);
            assert!(lines.iter().all(|line| line.len() == cols + 1));
            let group = e.viewport().scale().group();
            assert_eq!(lines[1][0], e.layer(row0 * group).unwrap().name);
            for i in 0..rows {
                for j in 0..cols {
                    let want = e.pooled().unwrap().get(row0 + i, col0 + j);
                    let have: Option<f64> = lines[i + 1][j + 1].parse().ok();
                    assert_eq!(have.is_some(), want.is_some());
                    let near = have.zip(want).is_none_or(|(h, w)| (h - w).abs() < 1e-4);
                    assert!(near, "{i},{j}");
                }
            }
        }
    }

    #[test]
    fn layers_and_runs_have_names_to_copy() {
        let mut app = app();
        press(&mut app, "jjj");
        let effects = update(&mut app, Input::Key("A-y".parse().unwrap()));
        let e = app.explorer.as_ref().unwrap();
        let name = e.layer(e.position().0).unwrap().name.clone();
        assert!(copied(&effects).0.starts_with(&name));
        update(&mut app, Input::Key(Key::plain(crate::app::KeyCode::Esc)));
        assert_eq!(app.screen, Screen::Home);
        let name = app.home.selection().unwrap().name.clone();
        assert_eq!(copied(&press(&mut app, "y")).0, name);
        app.home.runs = None;
        assert!(press(&mut app, "y").is_empty() && app.toast.unwrap().error);
    }
}
