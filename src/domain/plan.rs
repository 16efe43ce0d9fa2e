//! Which images make which batches, and the numbers of a plan that cannot be carried
//! out. Knows no command line: what a number is called there is told to [`Unfit::words`].

use std::fmt;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::cka::MIN_BATCH;
use super::pca;
use super::record::Sample;

/// Which images make which batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// Images per pass; all if `None`.
    pub examples: Option<usize>,
    /// Images per batch.
    pub batch: usize,
    /// Passes over the images.
    pub passes: usize,
    /// First in order, or shuffled anew for each pass.
    pub sample: Sample,
    /// Seed of the shuffle.
    pub seed: u64,
}

/// What the first-component suite takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuitePlan {
    /// How many images.
    pub examples: usize,
    /// Leading components whose share is kept.
    pub components: usize,
    /// Share of the examples that counts as dominant.
    pub dominant_share: f64,
}

/// Batches of image indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches {
    /// Indices of every batch, over all passes.
    pub batches: Vec<Vec<u32>>,
    /// Images per pass.
    pub examples: usize,
    /// Images per pass left out because the last batch was below 4.
    pub dropped: usize,
}

/// A number of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Images per batch or step.
    Batch,
    /// Images per pass.
    Examples,
    /// Passes over the images.
    Passes,
    /// Images of the first-component suite.
    SuiteExamples,
    /// Passes over the probes' training images.
    ProbeEpochs,
    /// Training images for probes.
    ProbeImages,
    /// Passes over the training images.
    Epochs,
    /// Initial learning rate.
    LearningRate,
    /// Factor of the weights in the gradient.
    WeightDecay,
    /// Share of the training images.
    Fraction,
}

impl Quantity {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Batch => "batch",
            Quantity::Examples => "examples",
            Quantity::Passes => "passes",
            Quantity::SuiteExamples => "first-component examples",
            Quantity::ProbeEpochs => "probe epochs",
            Quantity::ProbeImages => "training images of the probes",
            Quantity::Epochs => "epochs",
            Quantity::LearningRate => "learning rate",
            Quantity::WeightDecay => "weight decay",
            Quantity::Fraction => "fraction",
        }
    }

    /// That it cannot be as it is; `says` follows its name: ` 3 is too small`.
    pub fn unfit(self, says: impl Into<String>) -> Unfit {
        Unfit { of: Some(self), says: says.into(), larger: None, smaller: None }
    }
}

/// A number of a plan that cannot be carried out: what is wrong with it and what to
/// change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The number; `None` if `says` names it.
    pub of: Option<Quantity>,
    /// What is wrong, as it follows the number's name.
    pub says: String,
    /// What should be larger.
    pub larger: Option<Quantity>,
    /// What should be smaller.
    pub smaller: Option<Quantity>,
}

impl Unfit {
    /// Whole in `says`.
    pub fn of_images(says: impl Into<String>) -> Unfit {
        Unfit { of: None, says: says.into(), larger: None, smaller: None }
    }

    /// One line, with quantities named by `name`.
    pub fn words(&self, name: impl Fn(Quantity) -> &'static str) -> String {
        let remedy = [("larger", self.larger), ("smaller", self.smaller)]
            .into_iter()
            .filter_map(|(way, of)| Some(format!("a {way} {}", name(of?))))
            .collect::<Vec<_>>()
            .join(" or ");
        let end = if remedy.is_empty() { String::new() } else { format!("; use {remedy}") };
        format!("{}{}{end}", self.of.map_or("", &name), self.says)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Quantity::name))
    }
}

impl std::error::Error for Unfit {}

impl SamplePlan {
    /// Plans batches over `available` images.
    ///
    /// # Errors
    /// [`Unfit`] if the plan asks for a batch below 4, no pass, or more images than
    /// there are.
    pub fn batches(&self, available: usize) -> Result<Batches, Unfit> {
        let examples = self.check(available)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<u32> = (0..available as u32).collect();
        let mut batches = Vec::new();
        let rest = examples % self.batch;
        let dropped = if rest < MIN_BATCH { rest } else { 0 };
        for _ in 0..self.passes {
            if self.sample == Sample::Random {
                order.shuffle(&mut rng);
            }
            let kept = &order[..examples - dropped];
            batches.extend(kept.chunks(self.batch).map(<[u32]>::to_vec));
        }
        Ok(Batches { batches, examples, dropped })
    }

    /// Checks every number and returns how many images a pass takes.
    ///
    /// # Errors
    /// As [`SamplePlan::batches`].
    pub fn check(&self, available: usize) -> Result<usize, Unfit> {
        let examples = self.examples.unwrap_or(available);
        if self.batch < MIN_BATCH {
            return Err(Quantity::Batch.unfit(format!(
                " {} is too small: unbiased HSIC needs at least {MIN_BATCH} examples",
                self.batch
            )));
        }
        if examples > available {
            return Err(Quantity::Examples
                .unfit(format!(" {examples}: there are only {available} test images")));
        }
        if examples < MIN_BATCH {
            return Err(Quantity::Examples.unfit(format!(
                " {examples} is too few: unbiased HSIC needs at least {MIN_BATCH}"
            )));
        }
        if self.passes == 0 {
            return Err(Quantity::Passes.unfit(" 0: at least one pass is needed"));
        }
        Ok(examples)
    }
}

impl SuitePlan {
    /// Refuses a number of examples that cannot be had of `available` images.
    ///
    /// # Errors
    /// [`Unfit`] if there are not so many, or they are too few for components.
    pub fn check(&self, available: usize) -> Result<(), Unfit> {
        let n = self.examples;
        if n > available {
            return Err(Quantity::SuiteExamples
                .unfit(format!(" {n}: there are only {available} test images")));
        }
        if n < pca::MIN_EXAMPLES {
            return Err(Quantity::SuiteExamples
                .unfit(format!(" {n} is too few: at least {} are needed", pca::MIN_EXAMPLES)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(examples: usize, batch: usize, passes: usize, sample: Sample) -> SamplePlan {
        SamplePlan { examples: Some(examples), batch, passes, sample, seed: 1 }
    }

    #[test]
    fn the_last_batch_stays_from_four_examples_on() {
        let b = plan(1000, 256, 1, Sample::First).batches(10_000).unwrap();
        let sizes: Vec<usize> = b.batches.iter().map(Vec::len).collect();
        assert_eq!((sizes, b.dropped), (vec![256, 256, 256, 232], 0));
        let b = plan(515, 256, 2, Sample::First).batches(10_000).unwrap();
        assert_eq!((b.batches.len(), b.dropped), (4, 3));
        let b = plan(16, 256, 1, Sample::First).batches(16).unwrap();
        assert_eq!(b.batches, [(0..16).collect::<Vec<u32>>()]);
    }

    #[test]
    fn a_pass_samples_without_replacement_and_passes_differ() {
        let b = plan(100, 25, 2, Sample::Random).batches(100).unwrap();
        let pass = |k: usize| {
            let mut all: Vec<u32> = b.batches[k * 4..(k + 1) * 4].concat();
            all.sort_unstable();
            all
        };
        assert_eq!(pass(0), (0..100).collect::<Vec<u32>>());
        assert_eq!(pass(1), pass(0));
        assert_ne!(b.batches[..4], b.batches[4..]);
        assert_eq!(b, plan(100, 25, 2, Sample::Random).batches(100).unwrap());
    }

    #[test]
    fn senseless_plans_get_one_line_that_names_the_number() {
        for (p, available, name, flag) in [
            (plan(100, 3, 1, Sample::First), 100, "batch 3 ", "--batch 3 "),
            (plan(101, 25, 1, Sample::First), 100, "examples 101: ", "--examples 101: "),
            (plan(3, 25, 1, Sample::First), 100, "examples 3 ", "--examples 3 "),
            (plan(100, 25, 0, Sample::First), 100, "passes 0: ", "--passes 0: "),
        ] {
            let unfit = p.batches(available).unwrap_err();
            let text = unfit.to_string();
            assert!(text.starts_with(name) && !text.contains('\n'), "{text}");
            let flags = |of: Quantity| match of {
                Quantity::Batch => "--batch",
                Quantity::Examples => "--examples",
                _ => "--passes",
            };
            assert!(unfit.words(flags).starts_with(flag));
        }
    }

    #[test]
    fn a_remedy_is_named_like_the_number() {
        let unfit = Unfit {
            larger: Some(Quantity::Fraction),
            smaller: Some(Quantity::Batch),
            ..Quantity::Batch.unfit(" 9: 4 images")
        };
        assert_eq!(
            unfit.to_string(),
            "batch 9: 4 images; use a larger fraction or a smaller batch"
        );
    }
}
