//! `blockscope prune`: what deleting residual blocks costs, maps of pruned networks,
//! and pruned networks as runs of their own.

use super::args::{Common, PruneArgs};
use super::words::next;
use super::{ExitCode, Failure, lab, watched};
use crate::domain::Bypass;
use crate::domain::deletion::{DeletionRow, DeletionTable};
use crate::lab::plan::{DeletionPlan, own_map};
use crate::lab::pruned::KeptMap;
use crate::lab::{Event, NewRun};
use crate::report::cost_table;
use crate::runs;
use crate::text::duration;

pub fn run(common: &Common, args: &PruneArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, args.data.as_ref());
    let store = lab.store();
    let id = store.resolve(&args.run)?;
    let loaded = store.load(&id)?;
    store.sweep(Some(&id));
    if args.residual_blocks.as_ref().is_some_and(Bypass::is_empty) {
        return Err(Failure::usage("--residual-blocks names none; write them as 2.3,2.4"));
    }
    let network = loaded.manifest.model.network();
    let plan = DeletionPlan {
        lesions: args.lesions,
        sweeps: if args.sweep { (1..=network.stages().len()).collect() } else { Vec::new() },
        chosen: args.residual_blocks.clone(),
        examples: args.examples,
        quick: false,
    };
    let plan = plan.check(&network)?;
    let new = match &args.out {
        Some(name) => Some(new_run(&lab, name, args.force, &id.name())?),
        None => None,
    };
    let subject = lab.open(&args.run)?;
    let dataset = lab.test_images(&subject.manifest)?;
    let whole = match args.map {
        true => Some(own_map(&loaded, &dataset.fingerprint)?),
        false => None,
    };
    store.writable(&id)?;
    let print_rows = |event: &Event| match event {
        Event::Rows(rows) => print(&args.run, rows),
        Event::Kept(path) => say!("written to {}", path.display()),
        _ => {}
    };
    watched(|watch| lab.delete(&subject, &dataset, plan, watch), print_rows)?;
    if let (Some(whole), Some(blocks)) = (whole, &args.residual_blocks) {
        let kept = watched(|watch| lab.pruned_map(&subject, whole, blocks, watch), |_| {})?;
        print_map(&kept);
    }
    if let (Some(new), Some(blocks)) = (&new, &args.residual_blocks) {
        let cut = watched(|watch| lab.cut(&subject, &dataset, blocks, new, watch), |_| {});
        let (manifest, folder) = cut?;
        let name = &new.name;
        say!("{name}  {}  written to {}", manifest.model.title(), folder.display());
        say!("{}", next(common, Some("analyze"), &[name], args.data.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The run of `--out`.
fn new_run(
    lab: &crate::lab::Lab,
    name: &str,
    replace: bool,
    pruned: &str,
) -> Result<NewRun, Failure> {
    lab.store().check_new(name, replace)?;
    if name == pruned {
        return Err(Failure::usage(format!(
            "--out {name} is the run that is pruned; choose another name"
        )));
    }
    Ok(NewRun { name: name.to_string(), replace })
}

fn print_map(kept: &KeptMap) {
    let record = &kept.record;
    let deleted = kept.key.blocks().cloned().unwrap_or_default();
    let Some(folder) = &kept.written else {
        let (created, path) = (&record.provenance.created, runs::map_path(&kept.key));
        say!("map without {deleted}  from the run folder ({path}, {created})");
        return;
    };
    say!(
        "map without {deleted}  {} examples in {} batches, {} on {}",
        record.plan.examples,
        record.plan.batches,
        duration(record.seconds.total),
        record.provenance.device
    );
    if let Some(difference) = record.difference {
        say!("  mean absolute difference to the whole network's map {difference:.4}");
    }
    say!("written to {}", folder.display());
}

/// The rows as a table: what was deleted, accuracy, what that costs and its interval.
fn print(run: &str, rows: &[DeletionRow]) {
    let mut table = DeletionTable::default();
    table.merge(rows.iter().cloned());
    let examples = table.rows().first().map_or(0, |row| row.examples);
    say!("{run}  accuracy on {examples} test images; costs are paired, with 95 % intervals");
    for line in cost_table(&table).lines() {
        say!("{line}");
    }
}
