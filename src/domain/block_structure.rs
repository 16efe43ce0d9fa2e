//! The block structure detector.
//!
//! The paper reads blocks off heatmaps and gives no number (science notes
//! §1.7). Ours (design §2): a maximal run of consecutive layers `[a, b]`, at
//! least `min_len` long, whose mean off-diagonal CKA is at least `tau` and none
//! of whose rows' mean is below `tau - 0.1`; found exactly, not greedily. A layer
//! that is undefined belongs to no block. Of runs that overlap, the longer is
//! reported (of equals the one with the higher mean, then the earlier).

use std::ops::RangeInclusive;

use super::layers::View;
use super::matrix::SimilarityMatrix;

/// How far a row's mean may lie below `tau`.
pub const ROW_SLACK: f64 = 0.1;

/// Thresholds over which the sensitivity is told.
pub const TAUS: [f64; 10] = [0.80, 0.82, 0.84, 0.86, 0.88, 0.90, 0.92, 0.94, 0.96, 0.98];

/// What counts as a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StructureRule {
    /// Least mean off-diagonal CKA.
    pub tau: f64,
    /// Least number of consecutive layers of the view.
    pub min_len: usize,
}

impl StructureRule {
    /// The rule for a view: `tau` 0.9, and more layers than one residual block
    /// has, since a block alone is no block structure.
    pub fn of(view: View) -> StructureRule {
        let min_len = match view {
            View::All => 8,
            View::BlockOutputs => 3,
            View::Convs => 4,
        };
        StructureRule { tau: 0.9, min_len }
    }
}

/// A detected block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockStructure {
    /// Positions in the view, first to last.
    pub span: RangeInclusive<usize>,
    /// Mean off-diagonal CKA inside.
    pub mean: f64,
    /// `mean` minus the mean CKA between layers inside and outside; `None` if
    /// nothing defined lies outside.
    pub contrast: Option<f64>,
}

impl BlockStructure {
    /// Number of layers.
    pub fn len(&self) -> usize {
        self.span.end() + 1 - self.span.start()
    }

    /// Never true; a block has layers.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Sums over rectangles of a matrix in constant time.
struct Sums {
    n: usize,
    /// Of the defined cells off the diagonal, `(n + 1) x (n + 1)`.
    values: Vec<f64>,
    /// Number of undefined cells, the same way.
    missing: Vec<u32>,
}

impl Sums {
    fn new(map: &SimilarityMatrix) -> Sums {
        let n = map.rows().min(map.cols());
        let side = n + 1;
        let mut sums = Sums { n, values: vec![0.0; side * side], missing: vec![0; side * side] };
        for i in 0..n {
            for j in 0..n {
                let cell = map.get(i, j);
                let value = cell.filter(|_| i != j).unwrap_or(0.0);
                let at = (i + 1) * side + j + 1;
                let (up, left, both) = (at - side, at - 1, at - side - 1);
                sums.values[at] = value + sums.values[up] + sums.values[left] - sums.values[both];
                sums.missing[at] =
                    u32::from(cell.is_none()) + sums.missing[up] + sums.missing[left]
                        - sums.missing[both];
            }
        }
        sums
    }

    /// Sum and number of undefined cells of rows `r` and columns `c` (half open).
    fn over(&self, r: (usize, usize), c: (usize, usize)) -> (f64, u32) {
        let side = self.n + 1;
        let at = |i: usize, j: usize| i * side + j;
        let corners = [at(r.1, c.1), at(r.0, c.0), at(r.0, c.1), at(r.1, c.0)];
        let [a, b, x, y] = corners.map(|k| self.values[k]);
        let [ma, mb, mx, my] = corners.map(|k| self.missing[k]);
        (a + b - x - y, ma + mb - mx - my)
    }

    /// Mean off-diagonal value of layers `a..b`, if they are a block.
    fn qualifies(&self, a: usize, b: usize, rule: StructureRule) -> Option<f64> {
        let len = (b - a) as f64;
        let (sum, missing) = self.over((a, b), (a, b));
        let mean = sum / (len * (len - 1.0));
        // rounding of the running sums must not decide
        let least = |bound: f64| bound - 1e-9;
        if missing > 0 || mean < least(rule.tau) {
            return None;
        }
        let row = |i: usize| self.over((i, i + 1), (a, b)).0 / (len - 1.0);
        (a..b).all(|i| row(i) >= least(rule.tau - ROW_SLACK)).then_some(mean)
    }
}

/// The blocks of a square map, in the order of the layers.
pub fn detect(map: &SimilarityMatrix, rule: StructureRule) -> Vec<BlockStructure> {
    detect_in(&Sums::new(map), rule)
}

fn detect_in(sums: &Sums, rule: StructureRule) -> Vec<BlockStructure> {
    let n = sums.n;
    // far[a]: where the longest-reaching run that starts at `a` or before ends
    let mut far = vec![0usize; n];
    let mut maximal: Vec<(usize, usize, f64)> = Vec::new();
    for len in (rule.min_len.max(2)..=n).rev() {
        let mut found = Vec::new();
        for (a, far) in far.iter().enumerate().take(n - len + 1) {
            if *far < a + len
                && let Some(mean) = sums.qualifies(a, a + len, rule)
            {
                found.push((a, a + len, mean));
            }
        }
        for (a, b, _) in &found {
            far[*a..].iter_mut().for_each(|f| *f = (*f).max(*b));
        }
        maximal.extend(found);
    }
    // longest first as they came; of equals the higher mean
    maximal.sort_by(|x, y| {
        (y.1 - y.0).cmp(&(x.1 - x.0)).then(y.2.total_cmp(&x.2)).then(x.0.cmp(&y.0))
    });
    let mut kept: Vec<(usize, usize, f64)> = Vec::new();
    for run in maximal {
        if kept.iter().all(|k| run.1 <= k.0 || k.1 <= run.0) {
            kept.push(run);
        }
    }
    kept.sort_by_key(|run| run.0);
    kept.into_iter()
        .map(|(a, b, mean)| BlockStructure {
            span: a..=b - 1,
            mean,
            contrast: contrast(sums, a, b, mean),
        })
        .collect()
}

fn contrast(sums: &Sums, a: usize, b: usize, mean: f64) -> Option<f64> {
    let sides = [sums.over((a, b), (0, a)), sums.over((a, b), (b, sums.n))];
    let cells = (b - a) * (sums.n - (b - a));
    let missing: u32 = sides.iter().map(|s| s.1).sum();
    let defined = cells.checked_sub(missing as usize).filter(|cells| *cells > 0)?;
    Some(mean - sides.iter().map(|s| s.0).sum::<f64>() / defined as f64)
}

/// The blocks for every threshold of [`TAUS`].
pub fn sensitivity(map: &SimilarityMatrix, min_len: usize) -> Vec<(f64, Vec<BlockStructure>)> {
    let sums = Sums::new(map);
    TAUS.iter().map(|tau| (*tau, detect_in(&sums, StructureRule { tau: *tau, min_len }))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    /// The definition, word for word.
    fn brute(map: &SimilarityMatrix, rule: StructureRule) -> Vec<(usize, usize)> {
        let n = map.rows();
        let good = |a: usize, b: usize| {
            let layers: Vec<usize> = (a..b).collect();
            let cell = |i: usize, j: usize| map.get(i, j);
            if layers.iter().any(|i| layers.iter().any(|j| cell(*i, *j).is_none())) {
                return false;
            }
            let row = |i: usize| {
                let others = layers.iter().filter(|j| **j != i).map(|j| cell(i, *j).unwrap());
                others.sum::<f64>() / (layers.len() - 1) as f64
            };
            let mean = layers.iter().map(|i| row(*i)).sum::<f64>() / layers.len() as f64;
            mean >= rule.tau - 1e-9 && layers.iter().all(|i| row(*i) >= rule.tau - ROW_SLACK - 1e-9)
        };
        let runs: Vec<(usize, usize)> = (0..n)
            .flat_map(|a| (a + rule.min_len.max(2)..=n).map(move |b| (a, b)))
            .filter(|(a, b)| good(*a, *b))
            .collect();
        let inside = |x: &(usize, usize), y: &(usize, usize)| x != y && y.0 <= x.0 && x.1 <= y.1;
        runs.iter().filter(|x| !runs.iter().any(|y| inside(x, y))).copied().collect()
    }

    fn spans(blocks: &[BlockStructure]) -> Vec<(usize, usize)> {
        blocks.iter().map(|b| (*b.span.start(), *b.span.end())).collect()
    }

    /// High inside the given runs, low elsewhere.
    fn planted(n: usize, runs: &[(usize, usize)]) -> SimilarityMatrix {
        SimilarityMatrix::new(Array2::from_shape_fn((n, n), |(i, j)| {
            let both = |r: &&(usize, usize)| (r.0..=r.1).contains(&i) && (r.0..=r.1).contains(&j);
            match (i == j, runs.iter().find(both)) {
                (true, _) => 1.0,
                (_, Some(_)) => 0.95,
                _ => 0.3,
            }
        }))
    }

    #[test]
    fn planted_blocks_are_found_with_their_contrast() {
        let map = planted(40, &[(3, 12), (20, 35)]);
        let found = detect(&map, StructureRule { tau: 0.9, min_len: 5 });
        assert_eq!(spans(&found), [(3, 12), (20, 35)]);
        assert!((found[0].mean - 0.95).abs() < 1e-9 && found[0].len() == 10);
        assert!((found[0].contrast.unwrap() - 0.65).abs() < 1e-9);
        assert_eq!(spans(&detect(&map, StructureRule { tau: 0.9, min_len: 11 })), [(20, 35)]);
        assert!(detect(&map, StructureRule { tau: 0.96, min_len: 5 }).is_empty());
        let by_tau = sensitivity(&map, 5);
        assert_eq!(by_tau.len(), 10);
        assert_eq!(by_tau.iter().filter(|(_, blocks)| blocks.len() == 2).count(), 8);
    }

    #[test]
    fn an_undefined_layer_cuts_a_block_and_the_whole_map_has_no_contrast() {
        let mut values = planted(20, &[(0, 19)]).view().to_owned();
        for k in 0..20 {
            values[(9, k)] = f64::NAN;
            values[(k, 9)] = f64::NAN;
        }
        let rule = StructureRule { tau: 0.9, min_len: 4 };
        assert_eq!(spans(&detect(&SimilarityMatrix::new(values), rule)), [(0, 8), (10, 19)]);
        let whole = detect(&planted(6, &[(0, 5)]), rule);
        assert_eq!((spans(&whole), whole[0].contrast), (vec![(0, 5)], None));
        assert!(detect(&SimilarityMatrix::new(Array2::zeros((0, 0))), rule).is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_on_random_maps(
            n in 2usize..16,
            cells in prop::collection::vec(0.6f64..1.0, 256),
            missing in prop::option::of(0usize..16),
            tau in 0.75f64..0.9,
            min_len in 2usize..5,
        ) {
            let map = SimilarityMatrix::new(Array2::from_shape_fn((n, n), |(i, j)| {
                if missing == Some(i) || missing == Some(j) {
                    return f64::NAN;
                }
                let (i, j) = (i.min(j), i.max(j));
                if i == j { 1.0 } else { cells[i * 16 + j] }
            }));
            let rule = StructureRule { tau, min_len };
            let expected = brute(&map, rule);
            let found = spans(&detect(&map, rule));
            let half_open: Vec<_> = found.iter().map(|(a, b)| (*a, b + 1)).collect();
            // every block reported is maximal, and every maximal run is reported
            // or overlaps one that is at least as long
            for run in &half_open {
                prop_assert!(expected.contains(run));
            }
            for run in &expected {
                let meets = |o: &&(usize, usize)| o.0 < run.1 && run.0 < o.1;
                prop_assert!(half_open.iter().filter(meets).any(|o| o.1 - o.0 >= run.1 - run.0));
            }
        }
    }
}
