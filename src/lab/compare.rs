//! CKA between runs: which maps are kept, which a run's own analysis holds, and one
//! request for the rest. A pair that a screen asks for is made and written as one of the
//! command line's is.

use std::sync::Arc;

use super::analyze::are_of;
use super::plan::like;
use super::{Event, Lab, LabError, Provenance, Subject, Watch, records};
use crate::data::Dataset;
use crate::domain::Side;
use crate::domain::plan::SamplePlan;
use crate::domain::predictions::Predictions;
use crate::domain::record::{DataRecord, Seconds};
use crate::engine::{CompareRequest, Compared, ComparedModel};
use crate::runs::{ComparedImages, LoadedRun, PairKey, PairMaps, RunError, RunId};
use crate::text::duration;

/// A run that takes part.
#[derive(Debug, Clone)]
pub struct Member {
    /// The run and its weights.
    pub subject: Arc<Subject>,
    /// What else is known of it.
    pub run: LoadedRun,
}

impl Member {
    /// How a comparison records it.
    pub fn side(&self) -> Side {
        records::side(self)
    }

    /// Its predictions, if they are those of these weights over its images.
    pub fn predictions(&self) -> Option<&Predictions> {
        let kept = self.run.predictions.as_ref()?;
        let fingerprint = &self.subject.manifest.data.fingerprint;
        are_of(kept, &self.subject, fingerprint).then_some(&kept.predictions)
    }
}

/// How to compare, as it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComparisonPlan {
    /// Which images, in which batches.
    pub sample: SamplePlan,
    /// Whether maps without first components are wanted too.
    pub without_pc1: bool,
    /// Whether predictions are wanted.
    pub predictions: bool,
}

/// A [`ComparisonPlan`] that can be carried out over the members it was checked for.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedComparison {
    sample: SamplePlan,
    without_pc1: bool,
    predictions: bool,
    data: ComparedImages,
    examples: usize,
}

impl ComparisonPlan {
    /// Checks the plan for some members.
    ///
    /// # Errors
    /// [`LabError::Unfit`], or [`LabError::Refused`] for members that were made with
    /// different test images.
    pub fn check(self, members: &[Member]) -> Result<CheckedComparison, LabError> {
        let data = one_data(members)?;
        let ComparisonPlan { sample, without_pc1, predictions } = self;
        let examples = sample.check(data.test_examples)?;
        let sample = SamplePlan { examples: Some(examples), ..sample };
        let data = records::compared_images(data);
        Ok(CheckedComparison { sample, without_pc1, predictions, data, examples })
    }
}

impl CheckedComparison {
    fn key(&self, rows: &Member, cols: &Member) -> PairKey {
        PairKey {
            rows: rows.subject.weights_hash.clone(),
            cols: cols.subject.weights_hash.clone(),
            fingerprint: self.data.fingerprint.clone(),
            examples: self.examples,
            batch: self.sample.batch,
            passes: self.sample.passes,
            sample: self.sample.sample,
            seed: self.sample.seed,
        }
    }
}

/// The images that all members were tested on.
///
/// # Errors
/// One line that names two members that were made with different ones.
pub fn one_data(members: &[Member]) -> Result<&DataRecord, LabError> {
    let [first, others @ ..] = members else {
        return Err(LabError::refused("there are no runs to compare"));
    };
    let data = |m: &Member| -> (String, String) {
        let data = &m.subject.manifest.data;
        (data.title(), data.fingerprint.clone())
    };
    let own = &first.subject.manifest.data;
    match others.iter().find(|m| m.subject.manifest.data.fingerprint != own.fingerprint) {
        None => Ok(own),
        Some(other) => {
            let ((a, first_print), (b, other_print)) = (data(first), data(other));
            Err(LabError::refused(format!(
                "{} was made with {a} images (fingerprint {first_print}) and {} with {b} images (fingerprint {other_print}); similarities over different images do not belong together",
                first.subject.name(),
                other.subject.name(),
            )))
        }
    }
}

/// The map of two members.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberPair {
    /// The members, rows first; the same twice is a member's own map.
    pub members: (usize, usize),
    /// The map.
    pub analysis: PairMaps,
    /// True if it was there already.
    pub reused: bool,
}

/// All maps between members.
#[derive(Debug, Clone, PartialEq)]
pub struct Maps {
    /// What they have in common; its hashes are the first member's.
    pub key: PairKey,
    /// The images.
    pub data: ComparedImages,
    /// The maps, by members.
    pub pairs: Vec<MemberPair>,
    /// What a reader should know, one line each.
    pub notes: Vec<String>,
}

impl Lab {
    /// Opens a run that takes part.
    ///
    /// # Errors
    /// If it or its weights cannot be read.
    pub fn member(&self, id: &RunId) -> Result<Member, LabError> {
        let run = self.store.load(id)?;
        Ok(Member { subject: self.subject(id)?, run })
    }

    /// The maps of all pairs of members, and what the members predict: read where they
    /// are kept, else computed, in one pass, and kept.
    ///
    /// # Errors
    /// If something cannot be read, computed or written.
    pub fn compare(
        &self,
        members: &mut [Member],
        plan: &CheckedComparison,
        watch: &mut Watch<'_>,
    ) -> Result<Maps, LabError> {
        let (mut maps, missing) = self.kept_maps(members, plan)?;
        let lacking: Vec<usize> = match plan.predictions {
            false => Vec::new(),
            true => (0..members.len()).filter(|k| members[*k].predictions().is_none()).collect(),
        };
        if missing.is_empty() && lacking.is_empty() {
            return Ok(maps);
        }
        let dataset = self.test_images(&members[0].subject.manifest)?;
        let mut made = None;
        if !missing.is_empty() {
            let (found, compared) = self.pairs(members, &dataset, plan, &missing, watch)?;
            for (pair, analysis) in missing.iter().zip(found) {
                self.store.write_pair(&analysis)?;
                maps.pairs.push(MemberPair { members: *pair, analysis, reused: false });
            }
            maps.pairs.sort_by_key(|pair| pair.members);
            let Seconds { forward, gram, pairs, total } = compared.seconds;
            made = Some(format!(
                "{} maps computed in {} (forward {}, Gram {}, pairs {}) on {}",
                missing.len(),
                duration(total),
                duration(forward),
                duration(gram),
                duration(pairs),
                compared.device
            ));
        }
        for k in lacking {
            let member = &mut members[k];
            member.run.predictions = Some(self.predictions(&member.subject, &dataset, watch)?);
            let name = member.subject.name();
            maps.notes.push(format!("predictions of {name} were computed and kept"));
        }
        maps.notes.extend(made);
        Ok(maps)
    }

    /// Computes the map between a run (rows) and another one over the images and with the
    /// plan of the first one's own map, tells it and keeps it.
    ///
    /// # Errors
    /// If it cannot be computed; [`LabError::NotKept`] if it cannot be written.
    pub fn cross(&self, run: &RunId, other: &RunId, watch: &mut Watch<'_>) -> Result<(), LabError> {
        let members = [self.member(run)?, self.member(other)?];
        let own = members[0].run.cka();
        let record = &own.ok_or(LabError::refused("the first run has no map yet"))?.record;
        let data = records::compared_images(&record.data);
        let dataset = self.images_of(&members[0].subject.manifest, &data.fingerprint)?;
        let plan = CheckedComparison {
            sample: like(record),
            without_pc1: false,
            predictions: false,
            data,
            examples: record.plan.examples,
        };
        let (found, _) = self.pairs(&members, &dataset, &plan, &[(0, 1)], watch)?;
        for pair in found {
            watch.tell(Event::Cross(Box::new(pair.clone())));
            let kept = self.store.write_pair(&pair);
            kept.map_err(|why| LabError::NotKept { what: "the comparison was ", why })?;
        }
        Ok(())
    }

    /// The maps that are there, and the pairs of members that have none.
    fn kept_maps(
        &self,
        members: &[Member],
        plan: &CheckedComparison,
    ) -> Result<(Maps, Vec<(usize, usize)>), LabError> {
        let mut maps = Maps {
            key: plan.key(&members[0], &members[0]),
            data: plan.data.clone(),
            pairs: Vec::new(),
            notes: Vec::new(),
        };
        let mut missing = Vec::new();
        for pair in (0..members.len()).flat_map(|a| (a..members.len()).map(move |b| (a, b))) {
            let (a, b) = (&members[pair.0], &members[pair.1]);
            let key = plan.key(a, b);
            let kept = match self.store.find_exact_pair(&key) {
                Ok(kept) => kept,
                Err(error @ RunError::Newer { .. }) => return Err(error.into()),
                Err(error) => {
                    maps.notes.push(format!("computed anew: {error}"));
                    None
                }
            };
            let own = || (pair.0 == pair.1).then(|| own_map(a, &key)).flatten();
            let kept = kept
                .or_else(own)
                .filter(|found| found.without_pc1().is_some() || !plan.without_pc1);
            match kept {
                Some(analysis) => {
                    maps.pairs.push(MemberPair { members: pair, analysis, reused: true });
                }
                None => missing.push(pair),
            }
        }
        Ok((maps, missing))
    }

    /// Computes maps of pairs of members, in one pass.
    fn pairs(
        &self,
        members: &[Member],
        dataset: &Dataset,
        plan: &CheckedComparison,
        pairs: &[(usize, usize)],
        watch: &mut Watch<'_>,
    ) -> Result<(Vec<PairMaps>, Compared), LabError> {
        let model = |member: &Member| ComparedModel {
            network: Arc::clone(&member.subject.network),
            state: Arc::clone(&member.subject.state),
        };
        let request = CompareRequest {
            models: members.iter().map(model).collect(),
            images: Arc::clone(&dataset.test),
            plan: plan.sample,
            pairs: pairs.to_vec(),
            without_pc1: plan.without_pc1,
        };
        members.iter().for_each(|member| member.subject.tell_note(watch));
        let mut compared = self.run("comparing", request, watch)?;
        let found = std::mem::take(&mut compared.pairs);
        let one = |pair: crate::engine::ComparedPair| {
            let (rows, cols) = (&members[pair.pair.0], &members[pair.pair.1]);
            let from = Provenance::of(&rows.subject, &*compared.device, dataset.record(1.0));
            records::pair(from, &plan.sample, (rows.side(), cols.side()), &compared, pair)
        };
        let found = found.into_iter().map(one).collect();
        Ok((found, compared))
    }
}

/// A run's own map as a comparison with itself, if `analyze` made it from the same
/// weights, images and batches.
fn own_map(member: &Member, key: &PairKey) -> Option<PairMaps> {
    let own = member.run.cka()?;
    let same = own.record.rows.weights_hash.as_ref() == Some(&key.rows)
        && key.covers(&own.record)
        && own.layers() == member.subject.network.layers();
    same.then(|| records::own_pair(member.side(), own)).flatten()
}
