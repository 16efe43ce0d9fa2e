//! Screens as text, their colours by rule, and that drawing never panics.

mod colours;
mod hints;
mod matrix;
mod pixels;
mod roles;
mod text;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::*;
use crate::app::complete::{Found, PathRequest, Want};
use crate::app::explorer::ExplorerLayout;
use crate::app::jobs::JobUpdate;
use crate::app::{ColourDepth, Effect, Input, Key, KeyCode, Look, update};
use crate::fixtures::{demo, demo_pruned};
use crate::theme::ThemeSet;

fn themes() -> ThemeSet {
    ThemeSet::builtin().unwrap()
}

/// An app whose colour map is viridis, whatever the default theme has.
fn app(depth: usize, size: (u16, u16), colours: ColourDepth) -> App {
    let mut app = demo::app(Look::new(&themes(), None, colours), depth, size);
    let maps = themes().colormaps().len();
    for _ in 0..maps {
        if app.look.colormap() == "viridis" {
            break;
        }
        update(&mut app, Input::Key(Key::char('c')));
    }
    app
}

fn keys(app: &mut App, text: &str) {
    for c in text.chars() {
        let key = match c {
            '\x1b' => Key::plain(KeyCode::Esc),
            '\t' => Key::plain(KeyCode::Tab),
            c => Key::char(c),
        };
        update(app, Input::Key(key));
    }
}

fn render(app: &App) -> Terminal<TestBackend> {
    let skin = Skin::new(&themes(), &app.look);
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| draw(app, &skin, frame)).unwrap();
    terminal
}

fn buffer(app: &App) -> Buffer {
    render(app).backend().buffer().clone()
}

macro_rules! snapshot {
    ($name:ident, $app:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), text::text(&buffer(&$app)));
        }
    };
}

snapshot!(explorer_80x24, app(20, (80, 24), ColourDepth::Truecolor));
snapshot!(explorer_120x40, app(38, (120, 40), ColourDepth::Truecolor));
snapshot!(explorer_200x60, app(110, (200, 60), ColourDepth::Indexed256));
snapshot!(explorer_narrow_60x20, app(20, (60, 20), ColourDepth::Truecolor));
snapshot!(explorer_mono_80x24, app(20, (80, 24), ColourDepth::Mono));
snapshot!(too_small_30x8, app(20, (30, 8), ColourDepth::Truecolor));
snapshot!(find_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "/2.1rel");
    app
});
/// An app with all findings, after some keys.
fn full(depth: usize, size: (u16, u16), colours: ColourDepth, text: &str) -> App {
    let mut app = demo::full_app(Look::new(&themes(), None, colours), depth, size);
    keys(&mut app, text);
    app
}

snapshot!(layer_80x24, full(20, (80, 24), ColourDepth::Truecolor, ""));
snapshot!(layer_120x40, full(38, (120, 40), ColourDepth::Truecolor, "7j"));
snapshot!(components_120x40, full(38, (120, 40), ColourDepth::Truecolor, "\t"));
snapshot!(probes_120x40, full(38, (120, 40), ColourDepth::Truecolor, "\t\t"));
snapshot!(blocks_120x40, full(38, (120, 40), ColourDepth::Truecolor, "b"));
snapshot!(blocks_mono_80x24, full(20, (80, 24), ColourDepth::Mono, "b"));
snapshot!(strip_80x24, full(20, (80, 24), ColourDepth::Truecolor, "i"));
snapshot!(strip_120x40, full(38, (120, 40), ColourDepth::Truecolor, "ii4l"));
snapshot!(strip_mono_80x24, full(20, (80, 24), ColourDepth::Mono, "iii"));
snapshot!(strip_narrow_60x20, full(56, (60, 20), ColourDepth::Ansi16, "i"));
snapshot!(about_200x60, full(110, (200, 60), ColourDepth::Indexed256, "\t\t\t\t"));
/// Two runs side by side, after some keys.
fn pair(depths: [usize; 2], size: (u16, u16), colours: ColourDepth, text: &str) -> App {
    let mut app = demo::pair_app(Look::new(&themes(), None, colours), depths, true, size);
    keys(&mut app, text);
    app
}

snapshot!(
    pruned_120x40,
    demo_pruned::beside(Look::new(&themes(), None, ColourDepth::Truecolor), 38, (120, 40))
);
snapshot!(pruned_80x24, {
    let mut app =
        demo_pruned::beside(Look::new(&themes(), None, ColourDepth::Truecolor), 20, (80, 24));
    keys(&mut app, "9k9h\t");
    app
});
snapshot!(compare_80x24, pair([20, 20], (80, 24), ColourDepth::Truecolor, ""));
snapshot!(compare_third_80x24, pair([20, 56], (80, 24), ColourDepth::Truecolor, "\t\t"));
snapshot!(compare_120x40, pair([38, 38], (120, 40), ColourDepth::Truecolor, "7j"));
snapshot!(differing_120x40, pair([38, 38], (120, 40), ColourDepth::Truecolor, "i]"));
snapshot!(differing_80x24, pair([20, 20], (80, 24), ColourDepth::Truecolor, "i]]"));
snapshot!(filled_200x60, full(38, (200, 60), ColourDepth::Truecolor, "f"));
snapshot!(compare_200x60, pair([56, 20], (200, 60), ColourDepth::Indexed256, "]"));
snapshot!(compare_difference_mono_120x40, pair([20, 20], (120, 40), ColourDepth::Mono, "d\t\ta"));

/// What six networks predict, after some keys.
fn answers(size: (u16, u16), colours: ColourDepth, text: &str) -> App {
    let mut app = demo::predictions_app(Look::new(&themes(), None, colours), size);
    keys(&mut app, text);
    app
}

snapshot!(predictions_80x24, answers((80, 24), ColourDepth::Truecolor, "j"));
snapshot!(predictions_examples_120x40, answers((120, 40), ColourDepth::Truecolor, "\tj"));
snapshot!(predictions_examples_mono_80x24, answers((80, 24), ColourDepth::Mono, "\tjj"));
snapshot!(predictions_classes_80x24, answers((80, 24), ColourDepth::Truecolor, "\t\t"));
snapshot!(predictions_classes_120x40, answers((120, 40), ColourDepth::Truecolor, "\t\t"));
snapshot!(predictions_examples_200x60, answers((200, 60), ColourDepth::Indexed256, "\t"));

snapshot!(deleting_120x40, {
    let mut app = full(38, (120, 40), ColourDepth::Truecolor, "x");
    let progress = JobUpdate::Progress { done: 512, total: 10_000, unit: "images" };
    update(&mut app, Input::Job(1, progress));
    app
});
snapshot!(help_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "?");
    app
});
snapshot!(help_filtered_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "?/block del");
    app
});
snapshot!(help_nothing_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "?/xyzzy");
    app
});
snapshot!(help_200x60, {
    let mut app = app(20, (200, 60), ColourDepth::Truecolor);
    keys(&mut app, "?");
    app
});
snapshot!(help_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "?jj");
    app
});
snapshot!(palette_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, ":zoo");
    app
});
snapshot!(palette_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, ":");
    app
});
snapshot!(palette_home_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "\x1b:la");
    app
});
snapshot!(mark_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "\"9k4h");
    app
});
snapshot!(import_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "\x1bIl");
    update(&mut app, Input::Paste("~/nets/".into()));
    keys(&mut app, "\t");
    let request = PathRequest { text: "~/nets/".into(), want: Want::Checkpoint };
    let texts = ["~/nets/old/", "~/nets/resnet20.th", "~/nets/résumé.pt"];
    let found = Found { texts: texts.map(String::from).to_vec(), left_out: 1 };
    update(&mut app, Input::Completed(request, Ok(found)));
    keys(&mut app, "\t\t");
    app
});
snapshot!(import_running_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "\x1bIl");
    update(&mut app, Input::Paste("/data/nets/resnet20.th".into()));
    update(&mut app, Input::Key(Key::plain(KeyCode::Enter)));
    update(&mut app, Input::Key(Key::plain(KeyCode::Enter)));
    let id = app.running.as_ref().map_or(0, |running| running.id);
    let progress = JobUpdate::Progress { done: 2_560, total: 10_000, unit: "images" };
    update(&mut app, Input::Job(id, progress));
    app
});
snapshot!(home_columns_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "\x1bo|jj jjjj ");
    app
});
snapshot!(home_columns_200x60, {
    let mut app = app(20, (200, 60), ColourDepth::Truecolor);
    app.home.columns = "depth,width,seed,epochs,test,loss,state,from,map".parse().unwrap();
    keys(&mut app, "\x1boooo");
    app
});
snapshot!(home_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "\x1bG");
    app
});
snapshot!(home_chosen_120x40, {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "\x1bk j");
    app
});
snapshot!(home_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "\x1b");
    app
});
snapshot!(home_empty_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    keys(&mut app, "\x1b");
    update(&mut app, Input::RunsListed(Vec::new()));
    app
});
snapshot!(no_analysis_80x24, {
    let mut app = app(20, (80, 24), ColourDepth::Truecolor);
    let mut run = demo::synthetic_run(14);
    run.maps = Default::default();
    app.awaited = crate::app::Awaited::Run(run.id.clone());
    update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
    app
});

#[test]
fn the_diagonal_runs_from_top_left_to_bottom_right() {
    let app = app(14, (120, 40), ColourDepth::Truecolor);
    let skin = Skin::new(&themes(), &app.look);
    let (map, drawn) = (ExplorerLayout::new(app.size).map, buffer(&app));
    let top = skin.lut().colour(skin.lut().level(1.0));
    assert_eq!(drawn[(map.x, map.y)].fg, top);
    assert_eq!(drawn[(map.x + 1, map.y)].bg, top);
    assert_eq!(drawn[(map.x + 48, map.y + 24)].fg, top);
    assert_ne!(drawn[(map.x + 48, map.y)].fg, top);
}

#[test]
fn undefined_layers_are_named_and_have_their_glyph() {
    let mut app = app(20, (120, 40), ColourDepth::Truecolor);
    keys(&mut app, "/2.0.relu1");
    update(&mut app, Input::Key(Key::plain(KeyCode::Enter)));
    let text = format!("{}", render(&app).backend());
    assert!(text.contains("undefined: layer2.0.relu1 has no variance"), "{text}");
    // zoomed in, its row and column are whole cells
    keys(&mut app, "++k");
    let text = format!("{}", render(&app).backend());
    assert!(text.matches(widgets::heatmap::UNDEFINED).count() > 60, "{text}");
}

#[test]
fn a_move_changes_two_pixels_of_the_map_and_no_row_or_column() {
    let mut app = app(38, (120, 40), ColourDepth::Truecolor);
    let (map, before) = (ExplorerLayout::new(app.size).map, buffer(&app));
    keys(&mut app, "4l");
    let after = buffer(&app);
    let inside = |x: u16, y: u16| map.contains((x, y));
    let changed = before.diff(&after).into_iter().filter(|(x, y, _)| inside(*x, *y)).count();
    assert_eq!(changed, 2);
}

#[test]
fn the_strip_stands_over_the_columns_of_its_values() {
    for (size, keys_) in [((120, 40), "i"), ((80, 24), "i"), ((120, 40), "i++$"), ((200, 60), "iv")]
    {
        let app = full(20, size, ColourDepth::Truecolor, keys_);
        let e = app.explorer().unwrap();
        let places = e.places(size);
        let (bars, drawn, window) = (places.strip.unwrap().bars, buffer(&app), e.viewport());
        let group = window.row_layers(0).len();
        let share = |p: usize| e.components().unwrap().share(e.indices()[p]);
        let mut seen = 0;
        for p in (0..e.len()).step_by(group).filter(|p| *p != e.position().1 / group * group) {
            let Some(x) = window.col_pixel(p) else { continue };
            let mean: Vec<f64> = (p..(p + group).min(e.len())).filter_map(share).collect();
            if mean.is_empty() {
                continue;
            }
            let mean = mean.iter().sum::<f64>() / mean.len() as f64;
            // 62 % is the largest share, so the scale ends at 80
            let eighths = ((mean / 0.8 * 8.0 * f64::from(bars.h)).round() as u16).max(1);
            let rows = |y: u16| drawn[(places.map.x + x as u16, bars.y + bars.h - 1 - y)].symbol();
            let filled = (0..bars.h).filter(|y| rows(*y) != " ").count();
            assert_eq!(filled, usize::from(eighths.div_ceil(8)), "{size:?} {keys_} {p}");
            assert_eq!(rows(0) == "█", eighths >= 8);
            seen += 1;
        }
        assert!(seen > 8, "{seen}");
    }
}

#[test]
fn skins_follow_the_look() {
    let mut app = app(8, (80, 24), ColourDepth::Truecolor);
    let skin = Skin::new(&themes(), &app.look);
    assert!(skin.matches(&app.look));
    keys(&mut app, "C");
    assert!(!skin.matches(&app.look));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_keys_draw_at_any_size(
        w in 0u16..230, h in 0u16..80, text in "[-hjklgG0$+fvmpaCcT?/ n\\[\\]{}\x1b9rbxuUXLPyid<>:'\"\t]{0,24}", run in 0usize..3,
    ) {
        let mut app = full([8, 20, 56][run], (w, h), ColourDepth::Truecolor, "");
        for c in text.chars() {
            if let Some(running) = &app.running {
                let id = running.id;
                let progress = JobUpdate::Progress { done: 7, total: 9, unit: "images" };
                update(&mut app, Input::Job(id, progress));
            }
            keys(&mut app, &c.to_string());
            render(&app);
        }
        // drawn on a screen of another size than the app believes
        app.size = (h, w);
        render(&app);
    }
}

#[test]
fn the_smallest_screens_draw() {
    for size in [(0, 0), (1, 1), (1, 200), (200, 1), (40, 12), (39, 12), (40, 11)] {
        for keys_ in ["", "?", "/a", "\x1b"] {
            let mut app = app(20, size, ColourDepth::Truecolor);
            keys(&mut app, keys_);
            render(&app);
        }
    }
}

/// The grid with all its maps, after some keys.
fn grid(size: (u16, u16), colours: ColourDepth, text: &str) -> App {
    grid_under(Look::new(&themes(), None, colours), size, text)
}

fn grid_under(look: Look, size: (u16, u16), text: &str) -> App {
    let mut app = demo::grid_app(look, size);
    let mut effects = update(&mut app, Input::Key(Key::char('w')));
    while let Some(effect) = effects.pop() {
        let Effect::LoadMap(id, mode) = effect else { continue };
        let run = app.home.runs.iter().flatten().find(|run| run.id == id).cloned();
        let map = run.as_ref().and_then(demo::grid_map).map(Box::new);
        effects.extend(update(&mut app, Input::MapLoaded(id, mode, map.ok_or("no map".into()))));
    }
    keys(&mut app, text);
    app
}

snapshot!(grid_80x24, grid((80, 24), ColourDepth::Truecolor, "lj"));
snapshot!(grid_120x40, grid((120, 40), ColourDepth::Truecolor, "gg0"));
snapshot!(grid_200x60, grid((200, 60), ColourDepth::Indexed256, "G$v"));
snapshot!(grid_mono_80x24, grid((80, 24), ColourDepth::Mono, "gg0"));
snapshot!(grid_missing_120x40, grid((120, 40), ColourDepth::Truecolor, "2Gll"));
snapshot!(grid_without_pc1_80x24, {
    let mut app = grid((80, 24), ColourDepth::Truecolor, "");
    let asked = update(&mut app, Input::Key(Key::char('m')));
    for effect in asked {
        let Effect::LoadMap(id, mode) = effect else { continue };
        let why = format!("{} has no first components", id.name());
        update(&mut app, Input::MapLoaded(id, mode, Err(why)));
    }
    app
});
snapshot!(grid_empty_80x24, {
    let mut app = grid((80, 24), ColourDepth::Truecolor, "");
    update(&mut app, Input::RunsListed(demo::summaries().split_off(3)));
    app
});

#[test]
fn multiples_share_one_scale_and_the_frame_is_more_than_a_colour() {
    for depth in [ColourDepth::Truecolor, ColourDepth::Indexed256] {
        let app = grid((120, 40), depth, "gg0");
        let skin = Skin::new(&themes(), &app.look);
        let drawn = buffer(&app);
        let g = app.grid().unwrap();
        let mut seen = 0;
        for (row, col) in [(0, 0), (0, 1), (1, 0), (2, 2)] {
            let crate::app::grid::Multiple::Map(shown) = g.multiple(row, col) else { continue };
            let area = g.area(row, col).unwrap();
            let pixels = shown.scale.pixels();
            for (x, y) in [(0u16, 0u16), (3, 1), (5, 4), (8, 2)] {
                let colour = |py: u16| {
                    let value = shown.pooled.get(usize::from(py) / pixels, usize::from(x) / pixels);
                    value.map(|v| skin.lut().colour(skin.lut().level(v)))
                };
                let (Some(upper), Some(lower)) = (colour(2 * y), colour(2 * y + 1)) else {
                    continue;
                };
                let cell = &drawn[(area.x + x, area.y + y)];
                assert_eq!((cell.fg, cell.bg), (upper, lower), "{row},{col} {x},{y}");
                seen += 1;
            }
        }
        assert!(seen > 9, "{seen}");
        let area = g.area(0, 0).unwrap();
        assert_eq!(drawn[(area.x - 1, area.y)].symbol(), "│");
        let other = g.area(0, 1).unwrap();
        assert_eq!(drawn[(other.x + other.w, other.y)].symbol(), " ");
        // the scale's ends stand beside the map's first and last colour
        let text = format!("{}", render(&app).backend());
        assert_eq!(text.matches(" no run").count(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_keys_draw_the_grid_at_any_size(
        w in 0u16..230, h in 0u16..80, text in "[-hjklgG0$+fvmpcCT?\\[\\]x\x1bwr2\t]{0,16}",
    ) {
        let mut app = grid((w, h), ColourDepth::Truecolor, "");
        for c in text.chars() {
            keys(&mut app, &c.to_string());
            render(&app);
        }
        app.size = (h, w);
        render(&app);
    }
}
