//! Progress on standard error: a bar on a terminal, otherwise a plain line now
//! and then. Knows nothing of what is counted.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::Progress;

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Whether lines are wanted where a bar could be.
static LINES: AtomicBool = AtomicBool::new(false);

/// Whether progress is told in lines on a terminal too.
pub fn use_lines(lines: bool) {
    LINES.store(lines, Ordering::Relaxed);
}

/// Shows how far a job is.
pub struct Meter {
    label: String,
    bar: Option<ProgressBar>,
    started: Option<Instant>,
    unit: &'static str,
    last_line: Option<Instant>,
}

impl Meter {
    /// A meter with a leading label.
    pub fn new(label: impl Into<String>) -> Meter {
        let bar = (std::io::stderr().is_terminal() && !LINES.load(Ordering::Relaxed))
            .then(|| ProgressBar::new(0));
        Meter { label: label.into(), bar, started: None, unit: "", last_line: None }
    }

    /// Shows `progress`.
    pub fn show(&mut self, progress: Progress) {
        let now = Instant::now();
        // Another unit is another piece of work, with a rate of its own.
        if self.unit != progress.unit {
            self.unit = progress.unit;
            self.started = None;
            if let Some(bar) = &self.bar {
                bar.reset();
            }
        }
        let started = *self.started.get_or_insert(now);
        if let Some(bar) = &self.bar {
            if bar.length() != Some(progress.total as u64) {
                bar.set_length(progress.total as u64);
                bar.set_style(style(progress.unit));
                bar.set_prefix(self.label.clone());
            }
            bar.set_position(progress.done as u64);
            return;
        }
        let due = self.last_line.is_none_or(|last| now - last >= PLAIN_EVERY);
        if due && progress.done < progress.total {
            self.last_line = Some(now);
            let seconds = (now - started).as_secs_f64();
            let rate = progress.done as f64 / seconds.max(1e-9);
            let left = (progress.total - progress.done) as f64 / rate.max(1e-9);
            let Progress { done, total, unit } = progress;
            match seconds > 1.0 {
                true => eprintln!(
                    "{}: {done} of {total} {unit}, {rate:.1} {unit}/s, {left:.0} s left",
                    self.label
                ),
                false => eprintln!("{}: {done} of {total} {unit}", self.label),
            }
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(unit: &str) -> ProgressStyle {
    let template =
        format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}} {unit}  {{per_sec:>12}}  {{eta}} left");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
