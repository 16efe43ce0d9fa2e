//! Images that two networks judge differently, and what that says about the difference
//! of their accuracies. It knows nothing of how the networks differ.

/// Of the same images, those that only one of two networks gets right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flips {
    /// Right before, wrong after.
    pub lost: usize,
    /// Wrong before, right after.
    pub won: usize,
}

impl Flips {
    /// Counts one image.
    pub fn add(&mut self, before: bool, after: bool) {
        self.lost += usize::from(before && !after);
        self.won += usize::from(!before && after);
    }

    /// The change of accuracy over `examples` images, -1 to 1.
    pub fn change(self, examples: usize) -> f64 {
        (self.won as f64 - self.lost as f64) / examples.max(1) as f64
    }

    /// The score interval at 95 % of the change of accuracy over `examples` images
    /// (Tango 1998, Statistics in Medicine 17, equation 7): all differences that the
    /// paired score test does not reject. Only images that changed count, as in McNemar's
    /// test, so it is far narrower than two intervals of accuracies. `(-1, 1)` without an
    /// image.
    pub fn interval(self, examples: usize) -> (f64, f64) {
        if examples == 0 {
            return (-1.0, 1.0);
        }
        let at = self.change(examples);
        let beyond = |d: f64| self.score(examples as f64, d).abs() > Z;
        (edge(at, -1.0, beyond), edge(at, 1.0, beyond))
    }

    /// The score statistic of the difference `d`.
    fn score(self, n: f64, d: f64) -> f64 {
        let (lost, won) = (self.lost as f64, self.won as f64);
        let a = 2.0 * n;
        let b = -won - lost + (2.0 * n - won + lost) * d;
        let c = -lost * d * (1.0 - d);
        // the share of lost images that is likeliest if the difference is `d`
        let share = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
        let variance = n * (2.0 * share + d * (1.0 - d));
        let distance = won - lost - n * d;
        match variance > 0.0 {
            true => distance / variance.sqrt(),
            // nothing can vary: any distance is beyond
            false if distance.abs() < 1e-9 => 0.0,
            false => f64::INFINITY,
        }
    }
}

/// The 97.5 % point of the normal distribution.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// Where `beyond` begins between a point inside and an end, by bisection.
fn edge(inside: f64, end: f64, beyond: impl Fn(f64) -> bool) -> f64 {
    if !beyond(end) {
        return end;
    }
    let (mut inside, mut outside) = (inside, end);
    for _ in 0..60 {
        let middle = 0.5 * (inside + outside);
        match beyond(middle) {
            true => outside = middle,
            false => inside = middle,
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_an_independent_computation() {
        // tests/fixtures/make_paired.py: the likelihood maximised numerically, the ends
        // by Brent's method; the first is Fagerland, Lydersen & Laake 2014, table 1
        for line in include_str!("../../tests/fixtures/paired.csv").lines().skip(1) {
            let at: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
            let flips = Flips { lost: at[1] as usize, won: at[2] as usize };
            let (low, high) = flips.interval(at[0] as usize);
            assert!(
                (low - at[3]).abs() < 2e-7 && (high - at[4]).abs() < 2e-7,
                "{line}: {low} {high}"
            );
        }
    }

    #[test]
    fn no_change_is_certain_to_a_few_images_only() {
        let (low, high) = Flips::default().interval(10_000);
        assert!((-4e-4..0.0).contains(&low) && (0.0..4e-4).contains(&high), "{low} {high}");
        assert_eq!(Flips::default().interval(0), (-1.0, 1.0));
        let all = Flips { lost: 50, won: 0 };
        assert_eq!(all.interval(50).0, -1.0);
    }

    #[test]
    fn images_are_counted_by_how_they_change() {
        let mut flips = Flips::default();
        for (before, after) in [(true, true), (true, false), (true, false), (false, true)] {
            flips.add(before, after);
        }
        assert_eq!(flips, Flips { lost: 2, won: 1 });
        assert!((flips.change(4) + 0.25).abs() < 1e-12);
    }
}
