//! Windows at any size and factor.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn cells_and_layers_are_inverse_up_to_sharing(
        n in 0usize..600, m in 0usize..600, w in 0u16..220, h in 0u16..80,
        zooms in prop::collection::vec(-1isize..=2, 0..24), at in (0usize..600, 0usize..600),
    ) {
        let mut v = Viewport::new(n, m, (w, h));
        let cursor = (at.0.min(n.saturating_sub(1)), at.1.min(m.saturating_sub(1)));
        for z in zooms {
            match z {
                0 => v.fit(),
                2 => v.toggle_fill(),
                z => v.zoom(z, cursor),
            }
        }
        v.show(cursor);
        let p = v.scale().pixels();
        if n > 0 && m > 0 && w > 0 && h > 0 {
            let cell = v.cell_of(cursor);
            prop_assert!(cell.is_some(), "the cursor is always in sight");
            let cell = cell.unwrap();
            prop_assert!(cell.0 < w && cell.1 < h);
            let (row, col) = v.layer_at(cell).unwrap();
            prop_assert_eq!(v.col_unit(col), v.col_unit(cursor.1));
            // two rows of pixels share a cell
            let (there, here) = (v.row_unit(row), v.row_unit(cursor.0));
            let sharing = if p == 1 { 1 } else { 0 };
            let unit_of_cell = there <= here && here <= there + sharing;
            // a layer of several pixels may begin in the lower half
            let several = p > 1 || v.units().0 > n;
            prop_assert!(unit_of_cell || several && row.abs_diff(cursor.0) <= 1);
        } else {
            prop_assert_eq!(v.cell_of(cursor), None);
        }
        let (rows, cols) = v.visible();
        prop_assert!(v.origin().0 + rows <= v.units().0 && v.origin().1 + cols <= v.units().1);
        if v.is_fitted() && n > 0 && m > 0 && w > 0 && h > 0 {
            prop_assert_eq!((rows, cols), v.units());
            prop_assert_eq!(v.origin(), (0, 0));
        }
        for x in 0..w.min(9) {
            for y in 0..h.min(9) {
                if let Some((r, c)) = v.layer_at((x, y)) { prop_assert!(r < n && c < m); }
            }
        }
    }
}

#[test]
fn units_of_a_filled_map_share_its_layers_out() {
    for (n, m, area) in
        [(133, 133, (108, 54)), (50, 50, (108, 54)), (70, 210, (90, 60)), (7, 3, (40, 20))]
    {
        let mut v = Viewport::new(n, m, area);
        let before = v.extent();
        v.toggle_fill();
        let (w, h) = v.extent();
        assert!(w >= before.0 && h >= before.1, "{n}x{m}: no smaller than by a whole factor");
        let (pw, ph) = v.pixels();
        let (short_w, short_h) = (pw - w, ph - h);
        assert!(
            v.fills()
                && v.is_whole()
                && (short_w <= pw / n.max(m) + 1 || short_h <= ph / n.max(m) + 1)
        );
        let (rows, cols) = v.units();
        // every unit shows some layer, every layer is shown, in order
        for (units, layers, of) in [(rows, n, true), (cols, m, false)] {
            let range = |u| if of { v.row_layers(u) } else { v.col_layers(u) };
            let unit = |l| if of { v.row_unit(l) } else { v.col_unit(l) };
            assert!((0..units).all(|u| !range(u).is_empty()));
            assert_eq!((range(0).start, range(units - 1).end), (0, layers));
            for layer in 0..layers {
                assert!(range(unit(layer)).contains(&layer), "{n}x{m} {layer}");
                assert!(layer == 0 || unit(layer) >= unit(layer - 1));
            }
        }
        v.toggle_fill();
        assert_eq!(v.extent(), before);
    }
    // where a whole factor fills the area it is one
    let mut v = Viewport::new(54, 54, (108, 54));
    v.toggle_fill();
    assert_eq!(v.scale(), Scale::In(2));
}

#[test]
fn spare_rows_keep_the_factor_and_the_whole_map_can_still_be_had() {
    let mut v = Viewport::new(133, 133, (68, 30));
    assert_eq!(v.scale(), Scale::Out(3));
    v.set_spare(4);
    assert!(v.scale() == Scale::Out(2) && v.is_fitted() && !v.is_whole());
    assert_eq!((v.visible(), v.units()), ((60, 67), (67, 67)), "every column");
    v.show((132, 132));
    assert_eq!(v.origin(), (7, 0));
    v.zoom(-1, (132, 132));
    assert!(v.scale() == Scale::Out(3) && v.is_whole() && !v.is_fitted());
    v.zoom(-1, (132, 132));
    assert_eq!(v.scale(), Scale::Out(3), "no smaller than the whole");
    v.zoom(1, (132, 132));
    assert!(v.is_fitted());
    // the rows are back
    v.zoom(-1, (132, 132));
    v.set_spare(0);
    v.resize(133, 133, (68, 34), (132, 132));
    assert!(v.is_fitted() && v.is_whole() && v.scale() == Scale::Out(2));
}

#[test]
fn factors_step_through_one_to_one() {
    let mut v = Viewport::new(133, 133, (36, 17));
    assert_eq!(v.scale(), Scale::Out(4));
    let mut seen = vec![v.scale()];
    for _ in 0..5 {
        v.zoom(1, (66, 66));
        seen.push(v.scale());
    }
    use Scale::{In, Out};
    assert_eq!(seen, [Out(4), Out(3), Out(2), Out(1), In(2), In(3)]);
    for _ in 0..9 {
        v.zoom(-1, (66, 66));
    }
    assert!(v.is_fitted());
    assert_eq!(Viewport::new(20, 20, (60, 30)).scale(), In(3));
}
