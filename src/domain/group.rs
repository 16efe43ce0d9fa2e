//! A group of seeds of one architecture: how their maps vary, and how alike
//! corresponding layers of different seeds are (Nguyen et al., ICLR 2021,
//! section 5; science notes §1.8). Knows neither networks nor files.

use ndarray::Array2;

use super::layers::Layer;
use super::matrix::SimilarityMatrix;
use super::spec::ModelSpec;
use super::welch::moments;

/// Why networks are no group of seeds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// One network has no variance over seeds.
    #[error("a group needs at least two runs of one architecture; there is {0}")]
    TooFew(usize),
    /// Two architectures.
    #[error(
        "{first} is a {of_first} and {other} a {of_other}: a group holds seeds of one architecture, whose layers correspond"
    )]
    Architecture {
        /// Name of the first run.
        first: String,
        /// Its architecture.
        of_first: String,
        /// Name of the run that differs.
        other: String,
        /// Its architecture.
        of_other: String,
    },
    /// Maps that are not those of the group.
    #[error("a map of {rows}x{cols} cells does not belong to a group of {layers} layers")]
    Shape {
        /// Rows of the map.
        rows: usize,
        /// Its columns.
        cols: usize,
        /// Layers of the group.
        layers: usize,
    },
}

/// A layer's similarity to the same layer of other seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Mean over pairs of seeds in which it is defined; `None` if in none.
    pub mean: Option<f64>,
    /// Sample standard deviation over those pairs; `None` with fewer than two.
    pub sd: Option<f64>,
    /// Those pairs.
    pub pairs: usize,
}

/// What a group of seeds has in common.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatistics {
    /// Number of seeds.
    pub seeds: usize,
    /// Mean over seeds of each cell of the within-model maps, over the seeds in
    /// which it is defined.
    pub mean: SimilarityMatrix,
    /// Sample variance over seeds (over `n - 1`); undefined where fewer than two
    /// seeds define the cell.
    pub variance: SimilarityMatrix,
    /// Mean over pairs of seeds of the map between them, either way round, so
    /// that it is symmetric.
    pub across: SimilarityMatrix,
    /// The diagonal of the maps between seeds, layer by layer.
    pub corresponding: Vec<CurvePoint>,
    /// The same with first components removed, if those maps are there.
    pub corresponding_without_pc1: Option<Vec<CurvePoint>>,
}

/// In one phrase, what decides whether layers correspond; preprocessing and
/// seeds do not.
pub fn architecture(spec: &ModelSpec) -> String {
    let [c, h, w] = spec.image;
    format!(
        "{} ({} preset, {} shortcuts, {} classes, {c}x{h}x{w} images)",
        spec.title(),
        format!("{:?}", spec.preset).to_lowercase(),
        match spec.residual {
            true => format!("{:?}", spec.shortcut).to_lowercase(),
            false => "no".into(),
        },
        spec.classes
    )
}

/// Refuses runs that are not of one architecture; each comes with its name and
/// its layer list.
///
/// # Errors
/// [`GroupError`] naming the first two that differ.
pub fn one_architecture(members: &[(&str, &ModelSpec, &[Layer])]) -> Result<(), GroupError> {
    let Some((first, rest)) = members.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(GroupError::TooFew(members.len()));
    };
    let differs = |other: &&(&str, &ModelSpec, &[Layer])| {
        other.2 != first.2 || architecture(other.1) != architecture(first.1)
    };
    match rest.iter().find(differs) {
        None => Ok(()),
        Some(other) => Err(GroupError::Architecture {
            first: first.0.into(),
            of_first: architecture(first.1),
            other: other.0.into(),
            of_other: architecture(other.1),
        }),
    }
}

/// Statistics of a group: `within` holds each seed's own map, `between` the map
/// of every pair of seeds (each once, either way round), `without_pc1` the same
/// pairs with first components removed.
///
/// # Errors
/// [`GroupError`] with fewer than two seeds, or if maps differ in size.
pub fn statistics(
    within: &[&SimilarityMatrix],
    between: &[&SimilarityMatrix],
    without_pc1: Option<&[&SimilarityMatrix]>,
) -> Result<GroupStatistics, GroupError> {
    if within.len() < 2 || between.is_empty() {
        return Err(GroupError::TooFew(within.len()));
    }
    let layers = within[0].rows();
    for map in within.iter().chain(between).chain(without_pc1.unwrap_or_default()) {
        if (map.rows(), map.cols()) != (layers, layers) {
            return Err(GroupError::Shape { rows: map.rows(), cols: map.cols(), layers });
        }
    }
    let shape = (layers, layers);
    let mut mean = Array2::from_elem(shape, f64::NAN);
    let mut variance = mean.clone();
    let mut across = mean.clone();
    for i in 0..layers {
        for j in 0..layers {
            let found: Vec<f64> = within.iter().filter_map(|map| map.get(i, j)).collect();
            let (centre, spread) = moments(&found);
            if !found.is_empty() {
                mean[(i, j)] = centre;
            }
            if found.len() > 1 {
                variance[(i, j)] = spread;
            }
            let both = between.iter().flat_map(|map| [map.get(i, j), map.get(j, i)]).flatten();
            let both: Vec<f64> = both.collect();
            if !both.is_empty() {
                across[(i, j)] = moments(&both).0;
            }
        }
    }
    let curve = |maps: &[&SimilarityMatrix]| -> Vec<CurvePoint> {
        (0..layers)
            .map(|at| point(maps.iter().filter_map(|map| map.get(at, at)).collect()))
            .collect()
    };
    Ok(GroupStatistics {
        seeds: within.len(),
        mean: SimilarityMatrix::new(mean),
        variance: SimilarityMatrix::new(variance),
        across: SimilarityMatrix::new(across),
        corresponding: curve(between),
        corresponding_without_pc1: without_pc1.map(curve),
    })
}

fn point(values: Vec<f64>) -> CurvePoint {
    let (mean, variance) = moments(&values);
    CurvePoint {
        mean: (!values.is_empty()).then_some(mean),
        sd: (values.len() > 1).then(|| variance.sqrt()),
        pairs: values.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;
    use ndarray::array;

    fn map(values: Array2<f64>) -> SimilarityMatrix {
        SimilarityMatrix::new(values)
    }

    #[test]
    fn means_variances_and_curves_are_counted_by_hand() {
        let within = [
            map(array![[1.0, 0.2], [0.2, 1.0]]),
            map(array![[1.0, 0.4], [0.4, 1.0]]),
            map(array![[1.0, f64::NAN], [f64::NAN, f64::NAN]]),
        ];
        let between = [
            map(array![[0.9, 0.1], [0.3, 0.5]]),
            map(array![[0.7, f64::NAN], [f64::NAN, f64::NAN]]),
            map(array![[0.8, f64::NAN], [f64::NAN, f64::NAN]]),
        ];
        let (w, b): (Vec<_>, Vec<_>) = (within.iter().collect(), between.iter().collect());
        let found = statistics(&w, &b, Some(&b[..1])).unwrap();
        assert!((found.mean.get(0, 1).unwrap() - 0.3).abs() < 1e-12);
        assert!((found.variance.get(0, 1).unwrap() - 0.02).abs() < 1e-12);
        assert_eq!(found.variance.get(0, 0), Some(0.0));
        assert!((found.across.get(0, 1).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(found.across.get(0, 1), found.across.get(1, 0));
        let first = found.corresponding[0];
        assert!(
            (first.mean.unwrap() - 0.8).abs() < 1e-12 && (first.sd.unwrap() - 0.1).abs() < 1e-12
        );
        let second = found.corresponding[1];
        assert_eq!((second.mean, second.sd, second.pairs), (Some(0.5), None, 1));
        assert_eq!(found.corresponding_without_pc1.unwrap()[0].mean, Some(0.9));
        assert_eq!(statistics(&w[..1], &b, None), Err(GroupError::TooFew(1)));
        let odd = map(array![[1.0]]);
        assert!(matches!(statistics(&w, &[&odd], None), Err(GroupError::Shape { .. })));
    }

    #[test]
    fn groups_of_two_architectures_are_refused_with_both() {
        let spec = |depth, residual| {
            let mut spec = ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap();
            spec.residual = residual;
            spec
        };
        let (a, b, mut c) = (spec(8, true), spec(14, true), spec(8, true));
        let plain = spec(8, false);
        c.mean = [0.0; 3];
        let lists = [&a, &b, &c, &plain].map(ModelSpec::layers);
        assert_eq!(one_architecture(&[("a", &a, &lists[0]), ("c", &c, &lists[2])]), Ok(()));
        let error = one_architecture(&[("a", &a, &lists[0]), ("b", &b, &lists[1])]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("a is a ResNet-8") && text.contains("b a ResNet-14"), "{text}");
        assert!(one_architecture(&[("a", &a, &lists[0]), ("p", &plain, &lists[3])]).is_err());
        assert_eq!(one_architecture(&[("a", &a, &lists[0])]), Err(GroupError::TooFew(1)));
    }
}
