//! `blockscope doctor`: version, devices, colours and paths, for bug reports
//! and for finding out why something is not as expected.

use std::process::ExitCode;

use super::Failure;
use super::args::Common;
use super::explore::{depth, theme_folder};
use crate::engine::device;
use crate::runs::RunStore;
use crate::terminal;

pub fn run(common: &Common) -> Result<ExitCode, Failure> {
    let line = |name: &str, value: String| say!("{name:<14} {value}");
    line("version", env!("CARGO_PKG_VERSION").to_string());
    line("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line("threads", rayon::current_num_threads().to_string());
    line(
        "chosen device",
        format!("{} (--device {})", device::preview(common.device), common.device),
    );
    let adapters = device::adapters();
    for (at, adapter) in adapters.iter().enumerate() {
        let note = if adapter.is_software() { ", used only with --device gpu" } else { "" };
        line(&format!("gpu:{at}"), format!("{adapter}{note}, driver {}", adapter.driver));
    }
    if adapters.is_empty() {
        line("gpu", "no adapter (looked for Vulkan, Metal, DX12 and OpenGL)".to_string());
    }
    let chosen = depth(&common.color)?;
    let found = terminal::depth::detect_and_ask(chosen);
    let decided = found.steps.iter().find(|step| step.depth.is_some());
    let why = decided.map_or("nothing says more", |step| step.name);
    line("colours", format!("{} ({why})", found.depth.name()));
    for step in &found.steps {
        let depth = step.depth.map(|depth| format!(" -> {}", depth.name())).unwrap_or_default();
        line(&format!("  {}", step.name), format!("{}{depth}", step.found));
    }
    let copies = match terminal::clipboard::route_here() {
        terminal::clipboard::Route::Terminal => "the terminal (OSC 52)".to_string(),
        terminal::clipboard::Route::Tool(tool) => tool.program.to_string(),
    };
    line("copies through", copies);
    let store = RunStore::locate(common.runs.clone());
    let runs = store.list();
    line(
        "runs folder",
        format!("{} ({} runs, shipped ones included)", store.root().display(), runs.len()),
    );
    for run in runs {
        if let Err(error) = run.manifest {
            line("damaged run", error);
        }
    }
    line("user themes", theme_folder().display().to_string());
    let log =
        common.log_file.as_ref().map_or("off (--log-file)".into(), |p| p.display().to_string());
    line("log", log);
    Ok(ExitCode::SUCCESS)
}
