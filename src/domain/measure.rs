//! The measures that compare two layers, and the estimators that computed them, as
//! values in two tables. A new measure is a row here and its estimator; screens,
//! `show`, `export` and the run folder take names, ranges and sentences from the row.
//! Knows no layers, no files and no screens.

use serde::{Deserialize, Serialize};

use super::{cka, cross};

/// The name of a measure in files, such as `cka`: lower-case letters, digits and
/// dashes. A run may hold one that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeasureId(String);

impl MeasureId {
    /// Any name; what may stand in a file's name is checked by [`MeasureId::is_sound`].
    pub fn new(name: &str) -> MeasureId {
        MeasureId(name.to_string())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it can be a part of a file's name on every system.
    pub fn is_sound(&self) -> bool {
        is_sound(&self.0)
    }
}

/// One to 32 lower-case letters, digits and dashes, the first one a letter.
pub(super) fn is_sound(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// What a measure takes of a layer's activations over a batch of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The centred Gram matrix.
    CentredGram,
    /// Distances between examples, as they are.
    RawDistances,
    /// Every example at once: it is no function of batches.
    AllExamples,
}

/// How the values of several batches become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adds {
    /// Products are summed over batches, which weigh by their pairs of examples; the
    /// ratio is taken once at the end.
    RatioOfSums,
    /// There is one batch.
    One,
}

impl Adds {
    /// The name in records: `pairs`, `none`.
    pub fn name(self) -> &'static str {
        match self {
            Adds::RatioOfSums => "pairs",
            Adds::One => "none",
        }
    }
}

/// What a map leaves out, without saying which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WithoutKind {
    /// Nothing.
    Nothing,
    /// Each layer's first principal component.
    FirstComponent,
    /// The examples that lead the network's first components.
    Dominant,
    /// Residual blocks of the network.
    Blocks,
}

/// A map of a measure that this program makes, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// What it leaves out.
    pub without: WithoutKind,
    /// The name on screen.
    pub name: &'static str,
    /// The name in names of files.
    pub stem: &'static str,
}

/// The standard errors of a measure's map, looked at as a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorLook {
    /// The name on screen.
    pub name: &'static str,
    /// The name in names of files.
    pub stem: &'static str,
    /// The scale that makes runs comparable.
    pub range: (f64, f64),
}

/// A measure of similarity.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// The name in files.
    pub id: &'static str,
    /// The name in a sentence.
    pub title: &'static str,
    /// What it is, in one sentence.
    pub definition: &'static str,
    /// The scale that makes runs comparable.
    pub range: (f64, f64),
    /// What it takes of a batch, which is what it costs.
    pub needs: Needs,
    /// How batches add up.
    pub adds: Adds,
    /// True if two layers exchanged give the same value.
    pub symmetric: bool,
    /// How its standard errors are shown, if they are estimated.
    pub error: Option<ErrorLook>,
    /// Its maps.
    pub maps: &'static [Variant],
}

/// Centred kernel alignment.
pub const CKA: Measure = Measure {
    id: "cka",
    title: "centred kernel alignment",
    definition: "linear centred kernel alignment of two layers' activations over the same \
                 examples, unbiased (U-centred HSIC), summed over minibatches",
    range: (0.0, 1.0),
    needs: Needs::CentredGram,
    adds: Adds::RatioOfSums,
    symmetric: true,
    error: Some(ErrorLook { name: "standard error", stem: "cka-se", range: (0.0, 0.05) }),
    maps: &[
        Variant { without: WithoutKind::Nothing, name: "CKA", stem: "cka" },
        Variant {
            without: WithoutKind::FirstComponent,
            name: "CKA without PC1",
            stem: "cka-without-pc1",
        },
        Variant {
            without: WithoutKind::Dominant,
            name: "CKA without dominant",
            stem: "cka-without-dominant",
        },
        Variant { without: WithoutKind::Blocks, name: "CKA, pruned", stem: "cka-pruned" },
    ],
};

/// Squared cosine of the first principal components.
pub const PC1_SIMILARITY: Measure = Measure {
    id: "pc1-similarity",
    title: "similarity of first principal components",
    definition: "squared cosine between the first principal components' scores of two layers \
                 over the same examples, (u1.v1)^2",
    range: (0.0, 1.0),
    needs: Needs::AllExamples,
    adds: Adds::One,
    symmetric: true,
    error: None,
    maps: &[Variant {
        without: WithoutKind::Nothing,
        name: "PC1 similarity",
        stem: "pc1-similarity",
    }],
};

/// Every measure, in the order of screens.
pub static MEASURES: [Measure; 2] = [CKA, PC1_SIMILARITY];

impl Measure {
    /// The measure of that name.
    pub fn find(id: &str) -> Option<&'static Measure> {
        MEASURES.iter().find(|measure| measure.id == id)
    }

    /// Its name as a value.
    pub fn id(&self) -> MeasureId {
        MeasureId::new(self.id)
    }

    /// Its place in the table.
    pub fn rank(&self) -> usize {
        MEASURES.iter().position(|measure| measure.id == self.id).unwrap_or(MEASURES.len())
    }

    /// What its map without something is called, if it has such maps.
    pub fn variant(&self, without: WithoutKind) -> Option<&'static Variant> {
        self.maps.iter().find(|map| map.without == without)
    }
}

/// Who computed a map: the name of an estimator and its version, which goes up when its
/// values change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimatorId {
    /// The name in the table of estimators.
    pub name: String,
    /// From 1; 0 is one that is known by its sentence alone.
    pub version: u32,
    /// The sentence of one that no table lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A row of the table of estimators.
#[derive(Debug, PartialEq, Eq)]
pub struct Estimator {
    /// The name in files.
    pub name: &'static str,
    /// From 1.
    pub version: u32,
    /// How it estimates, for `show` and exports.
    pub sentence: &'static str,
}

/// CKA of all pairs of layers of one network.
pub const CKA_MINIBATCH: Estimator =
    Estimator { name: "cka-minibatch", version: 1, sentence: cka::ESTIMATOR };

/// CKA of the layers of two networks.
pub const CKA_BETWEEN: Estimator =
    Estimator { name: "cka-minibatch-between", version: 1, sentence: cross::ESTIMATOR };

/// CKA of two networks' layers without first components.
pub const CKA_BETWEEN_WITHOUT_PC1: Estimator = Estimator {
    name: "cka-minibatch-between-without-pc1",
    version: 1,
    sentence: cross::WITHOUT_PC1,
};

/// Similarity of first components, from those of all examples.
pub const PC1_COSINE: Estimator = Estimator {
    name: "pc1-cosine",
    version: 1,
    sentence: "similarity of first principal components over all examples, (u1.v1)^2",
};

/// CKA without first components, which are those of all examples.
pub const CKA_WITHOUT_PC1: Estimator = Estimator {
    name: "cka-minibatch-without-pc1",
    version: 1,
    sentence: "minibatch unbiased linear CKA in batches of 256 with each layer's first principal \
               component of all examples removed",
};

/// CKA without the dominant examples.
pub const CKA_WITHOUT_DOMINANT: Estimator = Estimator {
    name: "cka-minibatch-without-dominant",
    version: 1,
    sentence: "minibatch unbiased linear CKA in batches of 256 over the examples that do not \
               dominate the first principal components",
};

/// Every estimator that this program knows.
pub static ESTIMATORS: [Estimator; 6] = [
    CKA_MINIBATCH,
    CKA_BETWEEN,
    CKA_BETWEEN_WITHOUT_PC1,
    PC1_COSINE,
    CKA_WITHOUT_PC1,
    CKA_WITHOUT_DOMINANT,
];

impl Estimator {
    /// Its name and version, for a record.
    pub fn id(&self) -> EstimatorId {
        EstimatorId { name: self.name.to_string(), version: self.version, words: None }
    }
}

impl EstimatorId {
    /// The estimator that a sentence describes, as files of format 1 name it.
    pub fn from_sentence(sentence: &str) -> EstimatorId {
        match ESTIMATORS.iter().find(|known| known.sentence == sentence) {
            Some(known) => known.id(),
            None => EstimatorId {
                name: "unlisted".into(),
                version: 0,
                words: Some(sentence.to_string()),
            },
        }
    }

    /// How it estimates, in words; its name if this program does not know it.
    pub fn sentence(&self) -> &str {
        let known = ESTIMATORS.iter().find(|e| e.name == self.name && e.version == self.version);
        match (known, &self.words) {
            (Some(known), _) => known.sentence,
            (None, Some(words)) => words,
            (None, None) => &self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_fit_into_names_of_files() {
        for measure in &MEASURES {
            assert_eq!(Measure::find(measure.id), Some(measure));
            assert!(measure.id().is_sound() && measure.range.0 < measure.range.1);
            assert_eq!(measure.maps[0].without, WithoutKind::Nothing);
            assert_eq!(measure.maps[0].stem, measure.id);
            assert_eq!(MEASURES[measure.rank()].id, measure.id);
        }
        assert_eq!(Measure::find("CKA"), None);
        for bad in ["", "-a", "A", "a/b", "a.b", "a b", "\u{1b}", "0a", &"a".repeat(33)] {
            assert!(!MeasureId::new(bad).is_sound(), "{bad:?}");
        }
    }

    #[test]
    fn estimators_are_told_apart_by_name_and_version_and_shown_by_their_sentence() {
        for (at, known) in ESTIMATORS.iter().enumerate() {
            assert_eq!(EstimatorId::from_sentence(known.sentence), known.id());
            assert_eq!(known.id().sentence(), known.sentence);
            assert!(ESTIMATORS[..at].iter().all(|other| other.name != known.name));
        }
        let old = EstimatorId::from_sentence("by hand");
        assert_eq!((old.version, old.sentence()), (0, "by hand"));
        let newer = EstimatorId { version: 9, ..CKA_MINIBATCH.id() };
        assert_eq!(newer.sentence(), "cka-minibatch");
        assert_ne!(newer, CKA_MINIBATCH.id());
    }
}
