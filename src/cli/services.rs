//! The program as the explorer sees it: runs, exports, pictures, and
//! computations on the engine, each followed by a thread of its own.

mod cross;
mod keep;
mod pruned;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Failure, images, maps};
use crate::app::grid::{GridMap, GridRequest};
use crate::app::jobs::{JobId, JobKind, JobRequest, JobUpdate, Picture};
use crate::app::predictions::Answers;
use crate::app::{ExportRequest, LoadedPair, MapMode};
use crate::data::{DataSource, Dataset};
use crate::domain::Bypass;
use crate::domain::deletion::{DeletionRow, DeletionTable, Experiment};
use crate::engine::deletion::{Variant, baseline, lesions, sweep};
use crate::engine::{
    AnalyzeRequest, CancelToken, DeletionRequest, DeviceChoice, Engine, EngineError, Event,
    Outcome, Request, device,
};
use crate::export::{self, Format, MapExport};
use crate::model::StateDict;
use crate::model::weights::parse_safetensors;
use crate::runs::{self, GridPlan, LoadedRun, RunId, RunManifest, RunStore, RunSummary};
use crate::terminal::{self, JobNews, Services};
use crate::theme::{ThemeSet, diverging};

/// What the explorer's services need, shared with the threads that follow jobs.
pub struct Program {
    inner: Arc<Inner>,
}

struct Inner {
    store: RunStore,
    themes: ThemeSet,
    device: DeviceChoice,
    data: Option<DataSource>,
    engine: Mutex<Option<Arc<Engine>>>,
    /// The images that were read last; reading them anew takes seconds.
    images: Mutex<Option<Arc<Dataset>>>,
    running: Mutex<HashMap<JobId, CancelToken>>,
    /// What could not be written to a run's folder, by run and hash of its weights.
    unkept: Mutex<HashMap<(RunId, String), DeletionTable>>,
    /// The last map of a pruned network that could not be written.
    unkept_map: Mutex<Option<pruned::Unkept>>,
}

impl Program {
    /// Services over `store`; `data` are the images for pictures and deletions.
    pub fn new(
        store: RunStore,
        themes: ThemeSet,
        device: DeviceChoice,
        data: Option<DataSource>,
    ) -> Program {
        let inner = Inner {
            store,
            themes,
            device,
            data,
            engine: Mutex::default(),
            images: Mutex::default(),
            running: Mutex::default(),
            unkept: Mutex::default(),
            unkept_map: Mutex::default(),
        };
        Program { inner: Arc::new(inner) }
    }
}

/// A lock whose holder panicked still holds sound data here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Services for Program {
    fn list(&self) -> Vec<RunSummary> {
        self.inner.store.list()
    }

    fn load(&self, id: &RunId) -> Result<LoadedRun, String> {
        self.inner.store.load(id).map_err(|error| error.to_string())
    }

    fn pair(&self, a: &RunId, b: &RunId) -> Result<LoadedPair, String> {
        let runs = [self.load(a)?, self.load(b)?];
        let hashes = [&runs[0], &runs[1]].map(|run| run.manifest.weights_hash.clone());
        let cross = match hashes {
            [Some(a), Some(b)] => {
                let images = runs[0].analysis.as_ref().map(|a| &a.record.data.fingerprint);
                let found = self.inner.store.find_pair(&a, &b).map_err(|e| e.to_string())?;
                // over the same images as the maps beside it
                found.filter(|pair| Some(&pair.record.data.fingerprint) == images)
            }
            _ => None,
        };
        Ok(LoadedPair { runs, cross })
    }

    fn predictions(&self, ids: &[RunId]) -> Vec<Answers> {
        let store = &self.inner.store;
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
                .or_else(|| self.inner.themes.colormap(&request.colormap))
                .ok_or_else(|| format!("there is no colour map {:?}", request.colormap))?,
        };
        let map = MapExport {
            title: request.title.clone(),
            subtitle: request.quantity.clone(),
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

    fn map(&self, id: &RunId, mode: MapMode) -> Result<GridMap, String> {
        maps::read(&self.inner.store, id, mode).map(|stored| stored.map)
    }

    fn export_grid(&self, request: &GridRequest) -> Result<Vec<PathBuf>, String> {
        let (store, themes) = (&self.inner.store, &self.inner.themes);
        let colormap = themes
            .colormap(&request.colormap)
            .ok_or_else(|| format!("there is no colour map {:?}", request.colormap))?;
        let runs = store.list();
        let plan = GridPlan::new(&runs, request.axes.0, request.axes.1);
        let shown = (request.view, request.mode);
        let (figure, _) = maps::figure(store, &runs, &plan, shown, colormap)?;
        let mut paths = Vec::new();
        for format in [Format::Png, Format::Svg] {
            let bytes = export::grid::encode(&figure, format).map_err(|e| e.to_string())?;
            let path = request.directory.join(format!("{}.{format}", request.stem));
            crate::files::atomic(&path, &bytes).map_err(|e| e.to_string())?;
            paths.push(path);
        }
        Ok(paths)
    }

    fn device(&self) -> String {
        device::preview(self.inner.device)
    }

    fn start(&self, request: JobRequest, news: JobNews) {
        let token = CancelToken::default();
        lock(&self.inner.running).insert(request.id, token.clone());
        let inner = Arc::clone(&self.inner);
        let id = request.id;
        let failed = news.clone();
        let follow = move || {
            // a panic must not leave a computation that never ends on screen
            let work = AssertUnwindSafe(|| {
                terminal::provoke::panic_at("job");
                inner.follow(&request, &token, &news).unwrap_or_else(JobUpdate::Failed)
            });
            let end = catch_unwind(work).unwrap_or_else(|_| {
                JobUpdate::Failed("the computation failed unexpectedly; see --log-file".into())
            });
            lock(&inner.running).remove(&id);
            news.send(end);
        };
        if let Err(error) = std::thread::Builder::new().name(format!("job-{id}")).spawn(follow) {
            lock(&self.inner.running).remove(&id);
            failed.send(JobUpdate::Failed(format!("cannot start a thread: {error}")));
        }
    }

    fn cancel(&self, id: JobId) {
        if let Some(token) = lock(&self.inner.running).get(&id) {
            token.cancel();
        }
    }

    fn pictures(&self, run: &RunId, images: &[u32]) -> Result<Vec<(u32, Picture)>, String> {
        let loaded = self.load(run)?;
        let suite = loaded.components.as_ref().map(|c| &c.record.data.fingerprint);
        let fingerprint = suite.unwrap_or(&loaded.manifest.data.fingerprint);
        let data = self.inner.images_of(&loaded.manifest, fingerprint)?;
        let [channels, height, width] = data.test.shape();
        if channels != 3 {
            return Err(format!("images of {channels} channels have no picture"));
        }
        let plane = height * width;
        let picture = |index: u32| {
            let pixels = data.test.image(index as usize);
            let rgb = (0..plane).flat_map(|at| [0, 1, 2].map(|c| pixels[c * plane + at])).collect();
            (index, Picture { width, height, rgb })
        };
        let there = images.iter().copied().filter(|i| (*i as usize) < data.test.len());
        Ok(there.map(picture).collect())
    }
}

impl Inner {
    fn engine(&self) -> Result<Arc<Engine>, String> {
        let mut engine = lock(&self.engine);
        if let Some(engine) = engine.as_ref() {
            return Ok(Arc::clone(engine));
        }
        let new = Engine::start(self.device).map_err(|e| format!("cannot start a thread: {e}"))?;
        Ok(Arc::clone(engine.insert(Arc::new(new))))
    }

    /// The test images with the given fingerprint.
    fn images_of(&self, manifest: &RunManifest, fingerprint: &str) -> Result<Arc<Dataset>, String> {
        let mut images = lock(&self.images);
        if let Some(known) = images.as_ref().filter(|known| known.fingerprint == fingerprint) {
            return Ok(Arc::clone(known));
        }
        let words = |failure: Failure| failure.message;
        let source = images::source(manifest, self.data.as_ref()).map_err(words)?;
        let read = crate::data::load_test(&source).map_err(|e| e.to_string())?;
        if read.fingerprint != fingerprint {
            return Err(format!("{source} holds other images than this run was analysed with"));
        }
        Ok(Arc::clone(images.insert(Arc::new(read))))
    }

    /// Runs a job to its end and reports on the way.
    fn follow(
        &self,
        request: &JobRequest,
        token: &CancelToken,
        news: &JobNews,
    ) -> Result<JobUpdate, String> {
        if let JobKind::Cross(other) = &request.kind {
            return self.cross(request, other, token, news);
        }
        let words = |e: runs::RunError| e.to_string();
        let run = self.store.load(&request.run).map_err(words)?;
        let known = known_baseline(&run.manifest);
        if let (JobKind::Evaluate(deleted), Some(row)) = (&request.kind, &known) {
            news.send(JobUpdate::Rows(vec![row.clone()]));
            if deleted.is_empty() {
                return Ok(JobUpdate::Done);
            }
        }
        let bytes = self.store.weights(&request.run).map_err(words)?;
        let hash = runs::hash::sha256_hex(&bytes);
        if let JobKind::Map(deleted) = &request.kind
            && let Some(known) = self.known_map(&run, deleted, &hash, news)
        {
            return known;
        }
        let origin = format!("{}/weights.safetensors", request.run.name());
        let weights = parse_safetensors(&bytes, &origin).map_err(|e| e.to_string())?;
        let state = Arc::new(weights.state);
        let (images, ask) = self.ask(request, &run, &state, known.is_some())?;
        let job = self.engine()?.submit(ask);
        {
            // from here on, cancelling means the engine's job
            let mut running = lock(&self.running);
            running.insert(request.id, job.cancel.clone());
            if token.is_cancelled() {
                job.cancel.cancel();
            }
        }
        let mut device = String::new();
        for event in &job.events {
            match event {
                Event::Device(label) => device = label,
                Event::Progress(p) => {
                    let (done, total, unit) = (p.done, p.total, p.unit);
                    news.send(JobUpdate::Progress { done, total, unit });
                }
                Event::Deletion(rows) => news.send(JobUpdate::Rows(rows)),
                Event::Epoch(_) => {}
                Event::Finished(Err(EngineError::Cancelled)) => return Ok(JobUpdate::Cancelled),
                Event::Finished(Err(error)) => return Err(error.to_string()),
                Event::Finished(Ok(Outcome::Deleted(rows))) => {
                    news.send(JobUpdate::Rows(rows.clone()));
                    let rows = known.into_iter().chain(rows).collect();
                    let id = &request.run;
                    if let Some(line) = self.keep(id, &run.manifest, &images, device, hash, rows)? {
                        news.send(JobUpdate::Note(line));
                    }
                    return Ok(JobUpdate::Done);
                }
                Event::Finished(Ok(Outcome::Measured(measured))) => {
                    let JobKind::Map(deleted) = &request.kind else {
                        return Err("the engine answered another request".into());
                    };
                    return self.new_map(&run, deleted, &hash, *measured, news);
                }
                Event::Finished(Ok(_)) => {
                    return Err("the engine answered another request".into());
                }
            }
        }
        Err("the compute thread ended; restart blockscope".into())
    }

    /// What the engine is asked for a job.
    fn ask(
        &self,
        request: &JobRequest,
        run: &LoadedRun,
        state: &Arc<StateDict>,
        baseline_known: bool,
    ) -> Result<(Arc<Dataset>, Request), String> {
        let spec = run.manifest.model.clone();
        let fingerprint = match (&request.kind, &run.analysis) {
            (JobKind::Map(_), Some(analysis)) => &analysis.record.data.fingerprint,
            _ => &run.manifest.data.fingerprint,
        };
        let data = self.images_of(&run.manifest, fingerprint)?;
        let images = Arc::new(data.test.clone());
        let state = Arc::clone(state);
        let mut variants: Vec<Variant> = match baseline_known {
            true => Vec::new(),
            false => vec![baseline()],
        };
        let chosen =
            |deleted: &Bypass| Variant { experiment: Experiment::Chosen, deleted: deleted.clone() };
        match &request.kind {
            JobKind::Evaluate(deleted) if deleted.is_empty() => {}
            JobKind::Evaluate(deleted) => variants.push(chosen(deleted)),
            JobKind::Lesions => variants.extend(lesions(&spec)),
            JobKind::Sweep(stage) => variants.extend(sweep(&spec, *stage)),
            JobKind::Cross(_) => return Err("this is no question about one run".into()),
            JobKind::Map(deleted) => {
                let record = &run.analysis.as_ref().ok_or("this run has no map yet")?.record;
                let plan = super::pruned::plan(record);
                let bypass = deleted.clone();
                return Ok((
                    data,
                    Request::Analyze(AnalyzeRequest {
                        spec,
                        state,
                        images,
                        plan,
                        bypass,
                        suite: None,
                    }),
                ));
            }
        }
        if variants.iter().all(|v| v.deleted.is_empty()) && baseline_known {
            return Err("no residual block of it can be deleted".into());
        }
        let ask = DeletionRequest { spec, state, images, examples: None, variants, quick: true };
        Ok((data, Request::Delete(ask)))
    }
}

/// The accuracy of the whole network, if the run knows it already.
fn known_baseline(manifest: &RunManifest) -> Option<DeletionRow> {
    let test = manifest.test?;
    Some(DeletionRow {
        experiment: Experiment::Baseline,
        deleted: Bypass::none(),
        examples: test.examples,
        correct: test.correct,
        loss: test.loss,
    })
}
