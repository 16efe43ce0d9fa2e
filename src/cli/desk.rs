//! The program as the explorer sees it: runs, exports, pictures, and the lab's
//! experiments, each followed by a thread of its own. Thin: what happens in an experiment
//! is the lab's.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::complete::complete;
use super::{maps, words};
use crate::app::Answers;
use crate::app::GridRequest;
use crate::app::complete::PathRequest;
use crate::app::jobs::{JobId, JobRequest, Picture};
use crate::app::port::{JobNews, PathAnswer, Port};
use crate::app::{ExportRequest, LoadedPair, MapMode};
use crate::domain::Map;
use crate::engine::{CancelToken, device};
use crate::export::{self, Format, MapExport, Style, figure};
use crate::lab::{Event, Lab, LabError, Watch};
use crate::runs::{GridPlan, LoadedRun, RunId, RunSummary};
use crate::terminal::provoke;
use crate::theme::{ThemeSet, diverging};

/// The explorer's port on the lab.
pub struct Desk {
    lab: Arc<Lab>,
    themes: ThemeSet,
    running: Arc<Mutex<HashMap<JobId, CancelToken>>>,
}

impl Desk {
    /// A desk in a lab.
    pub fn new(lab: Lab, themes: ThemeSet) -> Desk {
        Desk { lab: Arc::new(lab), themes, running: Arc::default() }
    }
}

/// A lock whose holder panicked still holds sound data here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Port for Desk {
    fn list(&self) -> Vec<RunSummary> {
        self.lab.store().list()
    }

    fn load(&self, id: &RunId) -> Result<LoadedRun, String> {
        self.lab.store().sweep(Some(id));
        self.lab.store().load(id).map_err(|error| error.to_string())
    }

    fn pair(&self, a: &RunId, b: &RunId) -> Result<LoadedPair, String> {
        let runs = [self.load(a)?, self.load(b)?];
        let hashes = [&runs[0], &runs[1]].map(|run| run.manifest.weights_hash.clone());
        let cross = match hashes {
            [Some(a), Some(b)] => {
                let images = runs[0].cka().map(|map| &map.record.data.fingerprint);
                let found = self.lab.store().find_pair(&a, &b).map_err(|e| e.to_string())?;
                // over the same images as the maps beside it
                found.filter(|pair| Some(&pair.record().data.fingerprint) == images)
            }
            _ => None,
        };
        Ok(LoadedPair { runs, cross })
    }

    fn predictions(&self, ids: &[RunId]) -> Vec<Answers> {
        let store = self.lab.store();
        let answers = |id: &RunId| {
            let manifest = store.manifest(id).ok()?;
            let found = match store.predictions(id) {
                Ok(Some(found)) if found.record.weights_hash == manifest.weights_hash => Ok(found),
                Ok(Some(_)) => Err("its predictions are of other weights".to_string()),
                Ok(None) => Err("has no predictions yet".to_string()),
                Err(error) => Err(error.to_string()),
            };
            Some(Answers { id: id.clone(), manifest, found })
        };
        ids.iter().filter_map(answers).collect()
    }

    fn export(&self, request: &ExportRequest) -> Result<Vec<PathBuf>, String> {
        // the user's maps may have changed since the start
        let (fresh, _) = super::explore::themes().map_err(|failure| failure.message)?;
        let differences = diverging();
        let colormap = match request.colormap == differences.name {
            true => &differences,
            false => fresh
                .colormap(&request.colormap)
                .or_else(|| self.themes.colormap(&request.colormap))
                .ok_or_else(|| format!("there is no colour map {:?}", request.colormap))?,
        };
        let map = MapExport {
            title: request.title.clone(),
            subtitle: String::new(),
            quantity: request.quantity.clone(),
            axes: request.axes.clone(),
            outlines: request.outlines.clone(),
            rows: &request.rows,
            cols: &request.cols,
            values: &request.matrix,
            se: request.errors.as_ref(),
            colormap,
            range: request.range,
        };
        export::write_all(&map, Path::new(&request.directory), &request.stem)
            .map_err(|error| error.to_string())
    }

    fn map(&self, id: &RunId, mode: MapMode) -> Result<Map, String> {
        // the grid shows values alone
        maps::read(self.lab.store(), id, mode).map(|map| Map { error: None, ..map })
    }

    fn export_grid(&self, request: &GridRequest) -> Result<Vec<PathBuf>, String> {
        let (store, themes) = (self.lab.store(), &self.themes);
        let colormap = themes
            .colormap(&request.colormap)
            .ok_or_else(|| format!("there is no colour map {:?}", request.colormap))?;
        let runs = store.list();
        let plan = GridPlan::new(&runs, request.axes.0, request.axes.1);
        let shown = (request.view, request.mode);
        let (drawn, _) = maps::figure(store, &runs, &plan, shown, colormap)?;
        let mut paths = Vec::new();
        let style = Style::default();
        let page = figure::grid::page(&drawn, &style).map_err(|e| e.to_string())?;
        for format in [Format::Png, Format::Svg, Format::Pdf] {
            let bytes = figure::encode(&page, format, &style).map_err(|e| e.to_string())?;
            let path = request.directory.join(format!("{}.{format}", request.stem));
            crate::files::atomic(&path, &bytes).map_err(|e| e.to_string())?;
            paths.push(path);
        }
        Ok(paths)
    }

    fn device(&self) -> String {
        device::preview(self.lab.device()).unwrap_or_else(|error| words::of_device(&error))
    }

    fn start(&self, request: JobRequest, news: JobNews) {
        let token = CancelToken::default();
        let id = request.id;
        lock(&self.running).insert(id, token.clone());
        let (lab, running, failed) = (self.lab.clone(), self.running.clone(), news.clone());
        let follow = move || {
            // a panic must not leave a computation that never ends on screen
            let work = AssertUnwindSafe(|| follow(&lab, &request, token, &news));
            let end = catch_unwind(work).unwrap_or_else(|_| {
                Event::Failed("the computation failed unexpectedly; see --log-file".into())
            });
            lock(&running).remove(&id);
            news.send(end);
        };
        if let Err(error) = std::thread::Builder::new().name(format!("job-{id}")).spawn(follow) {
            lock(&self.running).remove(&id);
            failed.send(Event::Failed(format!("cannot start a thread: {error}")));
        }
    }

    fn cancel(&self, id: JobId) {
        if let Some(token) = lock(&self.running).get(&id) {
            token.cancel();
        }
    }

    fn complete(&self, request: PathRequest, answer: PathAnswer) {
        let given = self.lab.given().source.clone();
        let look = move || {
            let work = AssertUnwindSafe(|| complete(&request, given.as_ref()));
            let failed = |_| Err("looking into the folder failed unexpectedly".to_string());
            let found = catch_unwind(work).unwrap_or_else(failed);
            answer(request, found);
        };
        // a share that hangs must hold nothing up but this answer
        if let Err(error) = std::thread::Builder::new().name("complete".into()).spawn(look) {
            tracing::warn!("cannot start a thread: {error}");
        }
    }

    fn pictures(&self, run: &RunId, images: &[u32]) -> Result<Vec<(u32, Picture)>, String> {
        let loaded = self.load(run)?;
        let suite = loaded.components.as_ref().map(|c| &c.record.data.fingerprint);
        let fingerprint = suite.unwrap_or(&loaded.manifest.data.fingerprint);
        let data = self.lab.images_of(&loaded.manifest, fingerprint);
        let test = &data.map_err(|error| words::on_screen(&error))?.test;
        let [channels, height, width] = test.shape();
        if channels != 3 {
            return Err(format!("images of {channels} channels have no picture"));
        }
        let plane = height * width;
        let picture = |index: u32| {
            let pixels = test.image(index as usize);
            let rgb = (0..plane).flat_map(|at| [0, 1, 2].map(|c| pixels[c * plane + at])).collect();
            (index, Picture::new(width, height, rgb))
        };
        let there = images.iter().copied().filter(|i| (*i as usize) < test.len());
        Ok(there.map(picture).collect())
    }
}

/// Runs a job to its end, which is returned.
fn follow(lab: &Lab, request: &JobRequest, token: CancelToken, news: &JobNews) -> Event {
    provoke::panic_at("job");
    provoke::memory_at("job memory");
    let mut tell = |event| news.send(event);
    match lab.answer(&request.run, &request.kind, &mut Watch::new(&mut tell, token)) {
        Ok(()) => Event::Done,
        Err(LabError::Cancelled) => Event::Cancelled,
        Err(error) => Event::Failed(words::on_screen(&error)),
    }
}
