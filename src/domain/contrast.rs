//! Two groups of seeds against each other, example by example and class by
//! class (Nguyen et al., ICLR 2021, section 6; science notes §1.9).
//!
//! Groups are compared with a *null*: two halves of one group differ by chance
//! alone, so only what goes beyond them says something about architectures.
//! Knows neither networks nor files.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::predictions::{Predictions, PredictionsError, same_images, share_right};
use super::welch::{Welch, holm, moments, t_test};

/// Random splits into halves over which nulls are averaged.
const SPLITS: usize = 64;

/// One test image in both groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExampleRow {
    /// Index in the test split.
    pub image: u32,
    /// Its label.
    pub label: u16,
    /// Share of group A's seeds that are right, 0 to 1.
    pub a: f64,
    /// Share of group B's.
    pub b: f64,
    /// Shares of two halves of group A, of the first split: what chance alone
    /// makes of this image. `None` with fewer than two seeds in A.
    pub halves: Option<(f64, f64)>,
}

/// One class in both groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassRow {
    /// The class.
    pub class: u16,
    /// Its test images.
    pub examples: usize,
    /// Mean accuracy over group A's seeds, 0 to 1.
    pub a: f64,
    /// Mean accuracy over group B's.
    pub b: f64,
    /// Sample standard deviations over seeds; 0 with one seed.
    pub sd: (f64, f64),
    /// Welch's test of the two groups' accuracies; `None` where it says nothing.
    pub welch: Option<Welch>,
    /// Its p value corrected for the number of classes (Holm).
    pub adjusted: Option<f64>,
}

/// Mean absolute differences of per-example accuracies between disjoint sets of
/// one size, averaged over random choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Null {
    /// Seeds in each of the sets: half of the smaller group.
    pub seeds: usize,
    /// Between a set of A and a set of B.
    pub between: f64,
    /// Between two disjoint sets of A.
    pub within_a: f64,
    /// Between two disjoint sets of B.
    pub within_b: f64,
}

/// Two groups against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// Seeds in each group.
    pub seeds: (usize, usize),
    /// Mean accuracies over the seeds, 0 to 1.
    pub accuracy: (f64, f64),
    /// Sample standard deviations of the accuracies over seeds.
    pub sd: (f64, f64),
    /// Welch's test of the accuracies; `None` where it says nothing.
    pub welch: Option<Welch>,
    /// Every test image, in order.
    pub examples: Vec<ExampleRow>,
    /// Every class that has images, in order.
    pub classes: Vec<ClassRow>,
    /// Differences against those by chance; `None` with fewer than two seeds in
    /// a group.
    pub null: Option<Null>,
}

/// Compares group A with group B.
///
/// # Errors
/// [`PredictionsError`] if a group is empty or not all are over the same images
/// (counted over A, then B).
pub fn contrast(a: &[&Predictions], b: &[&Predictions]) -> Result<Contrast, PredictionsError> {
    if a.is_empty() || b.is_empty() {
        return Err(PredictionsError::Empty);
    }
    let all: Vec<&Predictions> = a.iter().chain(b).copied().collect();
    same_images(&all)?;
    let accuracies =
        |group: &[&Predictions]| -> Vec<f64> { group.iter().map(|p| p.accuracy()).collect() };
    let (of_a, of_b) = (accuracies(a), accuracies(b));
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(&of_a), moments(&of_b));
    let halves = match a.len() {
        0 | 1 => None,
        n => {
            let (first, second) = draws(n, n / 2, 1).remove(0);
            Some((right(a, &first)?, right(a, &second)?))
        }
    };
    let (share_a, share_b) = (share_right(a)?, share_right(b)?);
    let row = |at: usize| ExampleRow {
        image: a[0].images[at],
        label: a[0].labels[at],
        a: share_a[at],
        b: share_b[at],
        halves: halves.as_ref().map(|(first, second)| (first[at], second[at])),
    };
    Ok(Contrast {
        seeds: (a.len(), b.len()),
        accuracy: (mean_a, mean_b),
        sd: (var_a.sqrt(), var_b.sqrt()),
        welch: t_test(&of_a, &of_b),
        examples: (0..a[0].len()).map(row).collect(),
        classes: classes(a, b),
        null: null(a, b)?,
    })
}

impl Contrast {
    /// The `count` examples whose accuracies differ most, the most different
    /// first, as positions in [`Contrast::examples`]; of equals, by position.
    pub fn most_different(&self, count: usize) -> Vec<usize> {
        let size = |at: &usize| (self.examples[*at].a - self.examples[*at].b).abs();
        let mut order: Vec<usize> = (0..self.examples.len()).collect();
        order.sort_by(|x, y| size(y).total_cmp(&size(x)).then(x.cmp(y)));
        order.truncate(count);
        order
    }

    /// Mean absolute difference of the per-example accuracies of the whole
    /// groups.
    pub fn difference(&self) -> f64 {
        let sum: f64 = self.examples.iter().map(|row| (row.a - row.b).abs()).sum();
        sum / self.examples.len().max(1) as f64
    }
}

fn classes(a: &[&Predictions], b: &[&Predictions]) -> Vec<ClassRow> {
    let labels = &a[0].labels;
    let top = labels.iter().copied().max().unwrap_or(0);
    let mut rows = Vec::new();
    for class in 0..=top {
        let of: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == class).collect();
        if of.is_empty() {
            continue;
        }
        let accuracies = |group: &[&Predictions]| -> Vec<f64> {
            let right = |p: &&Predictions| of.iter().filter(|at| p.is_right(**at)).count();
            group.iter().map(|p| right(p) as f64 / of.len() as f64).collect()
        };
        let (of_a, of_b) = (accuracies(a), accuracies(b));
        let ((mean_a, var_a), (mean_b, var_b)) = (moments(&of_a), moments(&of_b));
        rows.push(ClassRow {
            class,
            examples: of.len(),
            a: mean_a,
            b: mean_b,
            sd: (var_a.sqrt(), var_b.sqrt()),
            welch: t_test(&of_a, &of_b),
            adjusted: None,
        });
    }
    let p: Vec<Option<f64>> = rows.iter().map(|row| row.welch.map(|w| w.p)).collect();
    for (row, adjusted) in rows.iter_mut().zip(holm(&p)) {
        row.adjusted = adjusted;
    }
    rows
}

/// Pairs of disjoint sets of `half` of `n` seeds, drawn at random from a fixed
/// start.
fn draws(n: usize, half: usize, count: usize) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut order: Vec<usize> = (0..n).collect();
    let mut draw = || {
        order.shuffle(&mut rng);
        (order[..half].to_vec(), order[half..2 * half].to_vec())
    };
    (0..count).map(|_| draw()).collect()
}

fn right(group: &[&Predictions], chosen: &[usize]) -> Result<Vec<f64>, PredictionsError> {
    let chosen: Vec<&Predictions> = chosen.iter().map(|at| group[*at]).collect();
    share_right(&chosen)
}

/// Sets of one size everywhere: with more seeds, shares vary less, and a
/// difference of whole groups could not be held against one of halves.
fn null(a: &[&Predictions], b: &[&Predictions]) -> Result<Option<Null>, PredictionsError> {
    let seeds = a.len().min(b.len()) / 2;
    if seeds == 0 {
        return Ok(None);
    }
    let apart = |x: &[f64], y: &[f64]| {
        let sum: f64 = x.iter().zip(y).map(|(x, y)| (x - y).abs()).sum();
        sum / x.len().max(1) as f64
    };
    let (mut between, mut within_a, mut within_b) = (0.0, 0.0, 0.0);
    let splits = draws(a.len(), seeds, SPLITS).into_iter().zip(draws(b.len(), seeds, SPLITS));
    for ((a1, a2), (b1, b2)) in splits {
        let (a1, a2) = (right(a, &a1)?, right(a, &a2)?);
        let (b1, b2) = (right(b, &b1)?, right(b, &b2)?);
        within_a += apart(&a1, &a2);
        within_b += apart(&b1, &b2);
        between += (apart(&a1, &b1) + apart(&a1, &b2) + apart(&a2, &b1) + apart(&a2, &b2)) / 4.0;
    }
    let [between, within_a, within_b] =
        [between, within_a, within_b].map(|sum| sum / SPLITS as f64);
    Ok(Some(Null { seeds, between, within_a, within_b }))
}

#[cfg(test)]
mod tests {
    use super::super::predictions::tests::predictions;
    use super::*;
    use rand::RngExt;

    /// Seeds that are right with the given chance on each of `n` images.
    fn seeds(count: usize, n: usize, chance: impl Fn(usize) -> f64, seed: u64) -> Vec<Predictions> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut one = || {
            let guess = |i: usize, rng: &mut ChaCha8Rng| {
                let label = (i % 10) as u16;
                if rng.random_range(0.0..1.0) < chance(i) { label } else { (label + 1) % 10 }
            };
            let predicted: Vec<u16> = (0..n).map(|i| guess(i, &mut rng)).collect();
            predictions(&predicted)
        };
        (0..count).map(|_| one()).collect()
    }

    fn refs(group: &[Predictions]) -> Vec<&Predictions> {
        group.iter().collect()
    }

    #[test]
    fn a_difference_between_groups_stands_out_of_the_null_and_in_its_class() {
        // Group B is worse at class 3 alone.
        let a = seeds(6, 2000, |_| 0.8, 1);
        let b = seeds(6, 2000, |i| if i % 10 == 3 { 0.3 } else { 0.8 }, 2);
        let found = contrast(&refs(&a), &refs(&b)).unwrap();
        let null = found.null.unwrap();
        assert_eq!((found.seeds, null.seeds), ((6, 6), 3));
        assert!(null.between > null.within_a.max(null.within_b) * 1.05, "{null:?}");
        for row in &found.classes {
            let significant = row.adjusted.unwrap() < 0.01;
            assert_eq!(significant, row.class == 3, "{row:?}");
            assert!(row.adjusted.unwrap() >= row.welch.unwrap().p);
            assert_eq!(row.examples, 200);
        }
        let top = found.most_different(20);
        let of_class_3 = top.iter().filter(|at| found.examples[**at].label == 3).count();
        assert!(of_class_3 >= 15, "{of_class_3}");
        let sizes: Vec<f64> =
            top.iter().map(|at| (found.examples[*at].a - found.examples[*at].b).abs()).collect();
        assert!(sizes.windows(2).all(|w| w[0] >= w[1]));
    }

    #[test]
    fn groups_of_one_kind_do_not_exceed_the_null() {
        let (a, b) = (seeds(8, 3000, |_| 0.7, 3), seeds(5, 3000, |_| 0.7, 4));
        let found = contrast(&refs(&a), &refs(&b)).unwrap();
        let null = found.null.unwrap();
        assert_eq!(null.seeds, 2);
        // Two of 0.7 against two of 0.7: all three estimate the same number.
        assert!((null.between / null.within_a - 1.0).abs() < 0.05, "{null:?}");
        assert!((null.between / null.within_b - 1.0).abs() < 0.05, "{null:?}");
        let small = found.classes.iter().filter(|row| row.adjusted.unwrap() < 0.05).count();
        assert_eq!(small, 0);
    }

    #[test]
    fn shares_are_counted_by_hand() {
        let a = [predictions(&[0, 1, 0]), predictions(&[0, 0, 0])];
        let b = [predictions(&[1, 1, 2])];
        let found = contrast(&refs(&a), &refs(&b)).unwrap();
        let shares: Vec<_> = found.examples.iter().map(|row| (row.a, row.b)).collect();
        assert_eq!(shares, [(1.0, 0.0), (0.5, 1.0), (0.0, 1.0)]);
        assert_eq!(found.most_different(2), [0, 2]);
        assert!((found.difference() - 2.5 / 3.0).abs() < 1e-12);
        assert_eq!(found.null, None);
        assert!(found.welch.is_none() && found.classes.iter().all(|c| c.adjusted.is_none()));
        let halves = found.examples[1].halves.unwrap();
        assert!(halves == (1.0, 0.0) || halves == (0.0, 1.0));
        assert_eq!(contrast(&refs(&a), &[]), Err(PredictionsError::Empty));
    }
}
