//! Every layout in every size, and what all kinds of files have in common.

use ndarray::Array2;

use super::grid::{GridExport, Multiple};
use super::page::{Area, Item, Page};
use super::*;
use crate::domain::block_structure::StructureRule;
use crate::domain::{Layer, ModelSpec, Preset, SimilarityMatrix, View};
use crate::export::tests::with_map;
use crate::export::{MapExport, Outlines, encode as encode_map};
use crate::theme::{Rgb, ThemeSet};

/// The layers of a ResNet of a depth.
pub(crate) fn layers(depth: usize) -> Vec<Layer> {
    ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap().layers()
}

const TITLE: &str = "resnet110-w2-cifar10-64th-with-a-name-that-does-not-end-s0 · ResNet-110 x2 · \
                     CIFAR-10 1/64 · all layers · and · many · more · words · than · fit · on · it";

/// Values with an undefined row.
fn values(rows: usize, cols: usize) -> SimilarityMatrix {
    SimilarityMatrix::new(Array2::from_shape_fn((rows, cols), |(i, j)| match i {
        1 => f64::NAN,
        _ => 1.0 - (i as f64 / rows as f64 - j as f64 / cols as f64).abs(),
    }))
}

/// Texts lie on the page, on no other text and on no map; everything lies on the page.
fn assert_readable(page: &Page, what: &str) {
    assert!(page.height.is_finite() && page.height > 0.0, "{what}: no height");
    let boxes: Vec<(usize, &Item, Area)> = page
        .items
        .iter()
        .enumerate()
        .filter_map(|(at, item)| Some((at, item, item.bounds()?)))
        .collect();
    for (_, item, area) in &boxes {
        assert!(page.area().holds(area), "{what}: {item:?} leaves {:?}", page.area());
    }
    let texts: Vec<_> = boxes.iter().filter(|(_, item, _)| matches!(item, Item::Text(_))).collect();
    assert!(!texts.is_empty(), "{what}: no text");
    for (at, item, area) in &texts {
        for (other, second, taken) in &boxes {
            let solid = matches!(second, Item::Text(_) | Item::Image(..));
            assert!(
                at == other || !solid || !area.overlaps(taken),
                "{what}: {item:?} lies on {:?}",
                second.bounds()
            );
        }
    }
}

fn sizes() -> impl Iterator<Item = Style> {
    let widths = [60.0, 85.0, 120.0, 176.0, 300.0];
    widths.into_iter().flat_map(|width_mm| {
        [5.0, 7.0, 10.0, 14.0].map(|font_size| Style { width_mm, font_size, ..Style::default() })
    })
}

#[test]
fn maps_are_readable_in_every_size() {
    let themes = ThemeSet::builtin().unwrap();
    let deep = layers(110);
    let shallow = layers(20);
    let outputs: Vec<Layer> =
        View::BlockOutputs.select(&deep).iter().map(|at| deep[*at].clone()).collect();
    let cases: [(&[Layer], &[Layer]); 8] = [
        (&deep, &deep),
        (&shallow, &shallow),
        (&outputs, &outputs),
        (&shallow, &deep),
        (&deep, &shallow),
        (&deep[..1], &deep[..1]),
        (&deep[..2], &deep[..2]),
        (&shallow[..9], &deep[..1]),
    ];
    for style in sizes() {
        for (rows, cols) in cases {
            for range in [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.001)] {
                let values = values(rows.len(), cols.len());
                let spans = vec![0..=rows.len().min(cols.len()) - 1];
                let map = MapExport {
                    title: TITLE.into(),
                    subtitle: TITLE.to_uppercase(),
                    quantity: "CKA without dominant images, A x B".into(),
                    axes: ["layer of a run with a long name", "layer"].map(String::from),
                    outlines: Some(Outlines { spans, rule: StructureRule::of(View::All) }),
                    rows,
                    cols,
                    values: &values,
                    se: None,
                    colormap: themes.colormap("viridis").unwrap(),
                    range,
                };
                let what = format!("{}x{} {style:?} {range:?}", rows.len(), cols.len());
                let page = map::page(&map, &style).unwrap_or_else(|e| panic!("{what}: {e}"));
                assert_readable(&page, &what);
            }
        }
    }
}

#[test]
fn grids_are_readable_in_every_size() {
    let themes = ThemeSet::builtin().unwrap();
    let shallow = layers(20);
    for (rows, cols, label) in [(1, 1, "seed"), (2, 3, "depth"), (3, 4, "share of the data")] {
        let map = Multiple {
            layers: shallow.clone(),
            values: values(shallow.len(), shallow.len()),
            caption: ["68 layers", "1 of 2", "test 96.0 %"].map(String::from).to_vec(),
        };
        let label = |n: usize| (0..n).map(|at| format!("{label} 1/{at}")).collect::<Vec<_>>();
        let grid = GridExport {
            title: TITLE.into(),
            subtitle: TITLE.into(),
            rows: label(rows),
            cols: label(cols),
            cells: (0..rows * cols).map(|at| (at != 1).then(|| map.clone())).collect(),
            quantity: "CKA".into(),
            colormap: themes.colormap("magma").unwrap(),
            range: (0.0, 1.0),
        };
        for style in sizes() {
            let what = format!("{rows}x{cols} {style:?}");
            match grid::page(&grid, &style) {
                Ok(page) => assert_readable(&page, &what),
                // four columns with large letters on a small page
                Err(error) => {
                    assert!(cols > 2 && style.width_mm / style.font_size < 9.0, "{what}: {error}");
                    assert!(error.to_string().contains("--width-mm"), "{error}");
                }
            }
        }
    }
}

#[test]
fn curves_and_costs_are_readable_in_every_size() {
    for depth in [20, 56, 110] {
        let layers = layers(depth);
        let n = layers.len();
        let point = |at: usize| (at, (at != 3).then_some(40.0 + (at % 17) as f64));
        let curve = |name: &str, every: usize| curves::Curve {
            name: name.into(),
            points: (0..n).step_by(every).map(point).collect(),
        };
        let of = curves::CurvesExport {
            title: TITLE.into(),
            subtitle: TITLE.into(),
            axis: "layer".into(),
            quantity: "test accuracy in %".into(),
            curves: vec![curve("after the residual sum", 7), curve("before it", 9)],
            level: Some(("whole network, 57.0 %".into(), 57.0)),
            range: (38.0, 58.0),
            layers,
        };
        let row = |at: usize| costs::CostRow {
            name: format!("{}.{}", at / 18 + 1, at % 18),
            change: -0.3 * (at % 31) as f64,
            interval: (at != 2)
                .then(|| (-0.3 * (at % 31) as f64 - 0.4, 0.2 - 0.3 * (at % 31) as f64)),
        };
        let cut = costs::CostsExport {
            title: TITLE.into(),
            subtitle: TITLE.into(),
            rows: (0..depth / 2).map(row).collect(),
            small: 1.0,
        };
        for style in sizes() {
            for height_mm in [None, Some(170.0)] {
                let style = Style { height_mm, ..style };
                let what = format!("{depth} {style:?}");
                let page = curves::page(&of, &style).unwrap_or_else(|e| panic!("{what}: {e}"));
                assert_readable(&page, &format!("curves of {what}"));
                let page = costs::page(&cut, &style).unwrap_or_else(|e| panic!("{what}: {e}"));
                assert_readable(&page, &format!("costs of {what}"));
                let millimetres = page.height / page::POINTS_PER_MM;
                assert!(
                    height_mm.is_none_or(|mm| (mm - millimetres).abs() < 1e-6),
                    "{millimetres}"
                );
            }
        }
    }
}

#[test]
fn a_png_has_the_colours_of_the_map_where_its_cells_are() {
    with_map(28, |map| {
        let style = Style::default();
        let page = map::page(map, &style).unwrap();
        let area = page.items.iter().find_map(|item| match item {
            Item::Image(area, picture) if picture.width > 1 => Some(*area),
            _ => None,
        });
        let area = area.unwrap();
        let bytes = encode_map(map, Format::Png, &style).unwrap();
        let png = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(png.width(), 1004, "85 mm at 300 per inch");
        let at = |row: usize, col: usize, part: (f64, f64)| {
            let x = area.x + (col as f64 + part.0) * area.width / 28.0;
            let y = area.y + (row as f64 + part.1) * area.height / 28.0;
            let [r, g, b] = png.get_pixel((x * 300.0 / 72.0) as u32, (y * 300.0 / 72.0) as u32).0;
            Rgb(r, g, b)
        };
        for row in (2..28).chain([0]) {
            for col in (2..28).chain([0]) {
                let expected = map.colormap.rgb(map.values.get(row, col).unwrap().clamp(0.0, 1.0));
                // the frame lies on the outer cells' edges
                for part in [(0.3, 0.3), (0.5, 0.5), (0.7, 0.7)] {
                    assert_eq!(at(row, col, part), expected, "{row} {col}");
                }
            }
        }
        let hatched: Vec<Rgb> = (0..100).map(|i| at(1, 5, (f64::from(i) / 20.0, 0.5))).collect();
        assert!(hatched.contains(&map::HATCH[0]) && hatched.iter().any(|c| c.0 < 200));
        let words: Vec<&str> = page.texts().map(|text| text.words.as_str()).collect();
        for part in ["28", "stage 1", "0.4", "CKA", "layer"] {
            assert!(words.iter().any(|w| w.contains(part)), "{part} is not in {words:?}");
        }
        assert!(words.iter().any(|w| w.starts_with("undefined")), "{words:?}");
    });
}

#[test]
fn the_same_figure_is_the_same_file_and_tables_are_refused() {
    with_map(12, |map| {
        let style = Style::default();
        for format in [Format::Png, Format::Svg, Format::Pdf] {
            let file = || encode_map(map, format, &style).unwrap();
            assert_eq!(file(), file(), "{format}");
        }
        let page = map::page(map, &style).unwrap();
        assert!(encode(&page, Format::Csv, &style).is_err());
        let tiny = Style { width_mm: 40.0, font_size: 24.0, ..style };
        let error = map::page(map, &tiny).unwrap_err().to_string();
        assert!(error.contains("no room for a map") && error.contains("--font-size"), "{error}");
    });
}

#[test]
fn outlines_are_squares_of_the_map_and_are_explained() {
    with_map(28, |map| {
        let count = |spans: Vec<std::ops::RangeInclusive<usize>>| {
            let outlines = Some(Outlines { spans, rule: StructureRule::of(View::All) });
            let page =
                map::page(&MapExport { outlines, ..map.clone() }, &Style::default()).unwrap();
            let closed = |i: &&Item| matches!(i, Item::Lines { closed: true, .. });
            let words: Vec<String> = page.texts().map(|t| t.words.clone()).collect();
            (page.items.iter().filter(closed).count(), words.join(" "))
        };
        let (none, words) = count(Vec::new());
        assert!(words.contains("no block structure of 8 or more layers"), "{words}");
        let (two, words) = count(vec![3..=12, 15..=20, 20..=99]);
        assert!(words.contains("outlined: block structures"), "{words}");
        assert_eq!(two, none + 4, "two lines each, and none for what is no part of the map");
    });
}
