//! The form of an analysis, as sequences of keys and of news.

use crate::app::complete::{Found, PathRequest, Want};
use crate::app::demo;
use crate::app::explorer::form::Field;
use crate::app::jobs::{JobKind, JobUpdate};
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::domain::probes::Effort;
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

/// A run without an analysis.
fn bare() -> App {
    let mut app = demo::app(look(), 14, (80, 24));
    let mut run = demo::synthetic_run(14);
    run.maps = Default::default();
    app.awaited = Awaited::Run(run.id.clone());
    update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
    app
}

fn explorer(app: &App) -> &Explorer {
    app.explorer().unwrap()
}

#[test]
fn a_run_without_a_map_is_a_form_that_computes_it() {
    let mut app = bare();
    assert_eq!(app.scope(), Scope::Form);
    let name = explorer(&app).run().id.name();
    assert_eq!(explorer(&app).form_command(), format!("blockscope analyze {name}"));
    // 512 images, batches of 512, no components, quick probes
    press(&mut app, "l j l j Space j l j");
    assert_eq!(explorer(&app).form_field(), Field::Data);
    let command =
        format!("blockscope analyze {name} --examples 512 --batch 512 --pc-examples 0 --probes");
    assert_eq!(explorer(&app).form_command(), command);
    let copied = press(&mut app, "y");
    assert!(matches!(&copied[..], [Effect::Copy(text, _)] if *text == command));
    // where the images are is asked for
    press(&mut app, "l");
    update(&mut app, Input::Paste("cifar10:my data".into()));
    press(&mut app, "Enter");
    assert!(explorer(&app).form_command().ends_with(" --probes --data 'cifar10:my data'"));
    let effects = press(&mut app, "Enter");
    let [Effect::StartJob(request)] = &effects[..] else { panic!("{effects:?}") };
    let JobKind::Analyze(wanted) = &request.kind else { panic!() };
    assert_eq!((wanted.examples, wanted.batch, wanted.components), (Some(512), 512, false));
    assert_eq!(wanted.probes, Some(Effort::Quick));
    assert_eq!(wanted.data.as_deref(), Some("cifar10:my data"));
    // the run is read again when it is there
    let (id, run) = (request.id, request.run.clone());
    let effects = update(&mut app, Input::Job(id, JobUpdate::Done));
    assert_eq!(effects, [Effect::ListRuns, Effect::LoadRun(run)]);
    update(&mut app, Input::RunLoaded(Ok(Box::new(demo::synthetic_run(14)))));
    assert_eq!(app.scope(), Scope::Explorer);
}

#[test]
fn where_the_images_are_is_completed() {
    let mut app = bare();
    press(&mut app, "G l c i Tab");
    let asked = press(&mut app, "Tab");
    assert!(asked.is_empty(), "asked once");
    let request = PathRequest { text: "ci".into(), want: Want::Data };
    let texts = ["cifar10:", "cifar100:"].map(String::from).to_vec();
    let found = Ok(Found { texts, left_out: 0 });
    update(&mut app, Input::Completed(request.clone(), found.clone()));
    let text = |app: &App| app.overlay.ask().unwrap().prompt.text().to_string();
    assert_eq!(text(&app), "cifar10");
    press(&mut app, "Tab");
    assert_eq!(text(&app), "cifar10:");
    // an answer after the field was left does nothing
    let effects = press(&mut app, "Enter");
    let into = PathRequest { text: "cifar10:".into(), want: Want::Data };
    assert_eq!(effects, [Effect::Complete(into.clone())], "what is chosen is gone into");
    press(&mut app, "Esc");
    update(&mut app, Input::Completed(into, found));
    assert!(app.overlay.ask().is_none());
    assert_eq!(explorer(&app).form_command().matches("--data").count(), 0);
}

#[test]
fn a_run_with_a_map_is_analysed_again_and_what_failed_changes_nothing() {
    let mut app = demo::full_app(look(), 20, (120, 40));
    press(&mut app, "A");
    assert_eq!(app.scope(), Scope::Form);
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Explorer);
    press(&mut app, "A Enter");
    let id = app.running.as_ref().unwrap().id;
    assert!(update(&mut app, Input::Job(id, JobUpdate::Failed("no images".into()))).is_empty());
    assert!(app.toast.as_ref().unwrap().error && app.scope() == Scope::Form);
    // Esc asks while it computes
    press(&mut app, "Enter Esc");
    assert!(app.overlay.asks());
    press(&mut app, "y");
    assert!(app.running.is_none());
    press(&mut app, "A");
    assert_eq!(app.scope(), Scope::Explorer);
}
