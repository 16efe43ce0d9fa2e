//! The thread that reads the user's themes again when their files change. It
//! polls, since notifications do not cross network file systems; it runs only
//! while there are such files, so that otherwise an idle interface sleeps.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::theme::{ThemeSet, UserThemes};

use super::Event;

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Starts the thread if `folder` has theme files; it ends with the last of them
/// or with the interface.
pub fn watch(folder: &Path, events: Sender<Event>) -> io::Result<()> {
    watch_every(folder, events, EVERY)
}

/// How long a file must not change to count as written.
const SETTLE: Duration = Duration::from_millis(60);

pub(super) fn watch_every(folder: &Path, events: Sender<Event>, every: Duration) -> io::Result<()> {
    let mut user = UserThemes::new(folder);
    let mut known = user.stamps();
    if known.is_empty() {
        return Ok(());
    }
    let Ok(base) = ThemeSet::builtin() else { return Ok(()) };
    // what is in order now is what stays if it breaks
    let _ = user.load(&base);
    thread::Builder::new().name("themes".into()).spawn(move || {
        while !known.is_empty() {
            thread::sleep(every);
            let mut now = user.stamps();
            if now == known {
                continue;
            }
            // an editor may be in the middle of writing
            loop {
                thread::sleep(every.min(SETTLE));
                let later = user.stamps();
                if later == now {
                    break;
                }
                now = later;
            }
            known = now;
            let (set, problems) = user.load(&base);
            let problems = problems.iter().map(|problem| {
                tracing::warn!("{problem}");
                problem.short()
            });
            if events.send(Event::Themes(Box::new(set), problems.collect())).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
