//! The ten figures as point sets: the class of an image, and nothing else.
//!
//! A figure lives in its own frame, within the unit circle, and is asked
//! whether it contains a point. Every figure is its own mirror image up to a
//! rotation, so a horizontal flip never changes a class.

/// A class of the built-in data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Disc,
    Ring,
    Square,
    Frame,
    Triangle,
    Cross,
    Star,
    Crescent,
    Bars,
    Checker,
}

/// The classes in label order, with their names.
pub(super) const FIGURES: [(Figure, &str); 10] = [
    (Figure::Disc, "disc"),
    (Figure::Ring, "ring"),
    (Figure::Square, "square"),
    (Figure::Frame, "frame"),
    (Figure::Triangle, "triangle"),
    (Figure::Cross, "cross"),
    (Figure::Star, "star"),
    (Figure::Crescent, "crescent"),
    (Figure::Bars, "bars"),
    (Figure::Checker, "checker"),
];

/// Outward unit normals of a triangle that stands on a side.
const TRIANGLE: [(f32, f32); 3] = [(0.0, 1.0), (0.866_025_4, -0.5), (-0.866_025_4, -0.5)];

/// Outward unit normals of the five long edges of a pentagram.
const PENTAGRAM: [(f32, f32); 5] = [
    (0.0, 1.0),
    (0.951_056_5, 0.309_017),
    (0.587_785_24, -0.809_017),
    (-0.587_785_24, -0.809_017),
    (-0.951_056_5, 0.309_017),
];

impl Figure {
    /// True if the figure contains the point `(u, v)` of its own frame.
    ///
    /// Only comparisons, additions and products: the answer is the same on
    /// every IEEE 754 machine.
    pub(super) fn contains(self, u: f32, v: f32) -> bool {
        let radius2 = u * u + v * v;
        let (au, av) = (u.abs(), v.abs());
        let chebyshev = au.max(av);
        match self {
            Figure::Disc => radius2 <= 0.81,
            Figure::Ring => (0.25..=0.9).contains(&radius2),
            Figure::Square => chebyshev <= 0.74,
            Figure::Frame => (0.42..=0.78).contains(&chebyshev),
            Figure::Triangle => outside(&TRIANGLE, 0.5, u, v) == 0,
            Figure::Cross => au.min(av) <= 0.27 && chebyshev <= 0.92,
            // The tips of a pentagram lie beyond one edge, its notches beyond two.
            Figure::Star => radius2 <= 1.0 && outside(&PENTAGRAM, 0.36, u, v) <= 1,
            Figure::Crescent => {
                let away = u - 0.45;
                radius2 <= 0.9 && away * away + v * v > 0.49
            }
            Figure::Bars => au <= 0.8 && (av <= 0.18 || (0.46..=0.82).contains(&av)),
            Figure::Checker => chebyshev <= 0.84 && ((au <= 0.28) == (av <= 0.28)),
        }
    }
}

/// How many of the half-planes `n . p <= offset` do not contain the point.
fn outside(normals: &[(f32, f32)], offset: f32, u: f32, v: f32) -> usize {
    normals.iter().filter(|(x, y)| x * u + y * v > offset).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a fine grid over the figure's frame.
    fn grid() -> impl Iterator<Item = (f32, f32)> {
        (-60..=60).flat_map(|y| (-60..=60).map(move |x| (x as f32 / 57.0, y as f32 / 57.0)))
    }

    #[test]
    fn figures_stay_within_the_unit_circle_or_its_square_and_have_substance() {
        for (figure, name) in FIGURES {
            let area = grid().filter(|&(u, v)| figure.contains(u, v)).count();
            let total = grid().count();
            assert!(area * 8 > total, "{name}: {area} of {total}");
            let far = grid().any(|(u, v)| u * u + v * v > 1.42 && figure.contains(u, v));
            assert!(!far, "{name} leaves its frame");
        }
    }

    #[test]
    fn every_figure_is_its_own_mirror_image_up_to_rotation() {
        // Each has a mirror axis along u or v; any rotation keeps that property.
        for (figure, name) in FIGURES {
            let across_u = grid().all(|(u, v)| figure.contains(u, v) == figure.contains(-u, v));
            let across_v = grid().all(|(u, v)| figure.contains(u, v) == figure.contains(u, -v));
            assert!(across_u || across_v, "{name} is chiral");
        }
    }
}
