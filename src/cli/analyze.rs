//! `blockscope analyze`: all-pairs CKA of a run and, if asked for, its linear
//! probes, kept in its folder.

use std::process::ExitCode;
use std::sync::Arc;

use super::args::{AnalyzeArgs, Common};
use super::progress::Meter;
use super::{Failure, follow, probes};
use crate::data;
use crate::domain::cka::ESTIMATOR;
use crate::engine::{AnalyzeRequest, Engine, Event, Outcome, Request, SamplePlan};
use crate::model::weights::parse_safetensors;
use crate::runs::{self, AnalysisRecord, CkaAnalysis, DataRecord, FORMAT, RunStore};

pub fn run(common: &Common, args: &AnalyzeArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let id = store.resolve(&args.run)?;
    let loaded = store.load(&id)?;
    let spec = loaded.manifest.model.clone();
    let bytes = store.weights(&id)?;
    let weights = parse_safetensors(&bytes, &format!("{}/weights.safetensors", args.run))?;
    weights.state.check(&spec)?;
    // Probes need the training images too; what cannot be probed is refused
    // before anything is computed.
    let dataset = match args.probes {
        true => data::load(&args.data)?,
        false => data::load_test(&args.data)?,
    };
    let probes = match args.probes {
        true => Some(probes::plan(args, &loaded.manifest, &dataset)?),
        false => None,
    };
    let record = DataRecord { train_examples: 0, ..dataset.record(1.0) };
    let (state, train, test) =
        (Arc::new(weights.state), Arc::new(dataset.train), Arc::new(dataset.test));
    let weights_hash = runs::hash::sha256_hex(&bytes);
    let plan = SamplePlan {
        examples: args.examples,
        batch: args.batch,
        passes: args.passes,
        sample: args.sample.into(),
        seed: args.seed,
    };
    let engine = Engine::start(common.device)?;
    let job = engine.submit(Request::Analyze(AnalyzeRequest {
        spec: spec.clone(),
        state: state.clone(),
        images: test.clone(),
        plan,
    }));
    let mut meter = Meter::new("CKA");
    let outcome = follow(&job, |event| {
        if let Event::Progress(progress) = event {
            meter.show(progress);
        }
        Ok(())
    });
    meter.finish();
    let Outcome::Measured(measured) = outcome? else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let seconds = measured.seconds;
    let analysis = CkaAnalysis {
        record: AnalysisRecord {
            format: FORMAT,
            program: runs::program(),
            created: runs::now_rfc3339(),
            device: measured.device.clone(),
            data: record,
            weights_hash: Some(weights_hash.clone()),
            estimator: ESTIMATOR.into(),
            weighting: "pairs".into(),
            batch: args.batch,
            batches: measured.estimate.batches,
            examples: measured.examples,
            dropped: measured.dropped,
            passes: args.passes,
            sample: args.sample.into(),
            seed: args.seed,
            seconds,
            layers: spec.layers(),
        },
        cka: measured.estimate.cka,
        se: measured.estimate.se,
    };
    store.write_analysis(&id, &analysis)?;
    let folder = store.writable(&id)?;
    println!(
        "{}  {} layers, {} examples in {} batches, on {}",
        args.run,
        analysis.record.layers.len(),
        analysis.record.examples,
        analysis.record.batches,
        measured.device
    );
    println!(
        "{:.2} s: forward {:.2}, Gram {:.2}, pairs {:.2}",
        seconds.total, seconds.forward, seconds.gram, seconds.pairs
    );
    if let Some(plan) = probes {
        let subject = probes::Subject { spec, state, weights_hash, train, test };
        probes::run(&engine, plan, subject)?;
    }
    println!("written to {}", folder.display());
    println!("next: blockscope {}", args.run);
    Ok(ExitCode::SUCCESS)
}
