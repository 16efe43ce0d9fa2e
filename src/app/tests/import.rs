//! The form of an import, as sequences of keys and of news.

use crate::app::demo;
use crate::app::import::{Field, Import};
use crate::app::jobs::{JobKind, JobUpdate};
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::domain::Preset;
use crate::theme::ThemeSet;

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

fn fill(app: &mut App, text: &str) {
    update(app, Input::Paste(text.into()));
    press(app, "Enter");
}

fn opened() -> App {
    let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
    let mut app = demo::app(look, 14, (80, 24));
    press(&mut app, "Esc I");
    assert_eq!(app.scope(), Scope::Import);
    app
}

fn form(app: &App) -> &Import {
    let Screen::Import(form) = &app.screen else { panic!("{:?}", app.scope()) };
    form
}

#[test]
fn a_checkpoint_is_imported_and_the_new_run_is_selected() {
    let mut app = opened();
    assert_eq!(form(&app).command(), "blockscope import FILE --name NAME");
    // what is missing is asked for
    press(&mut app, "Enter");
    assert!(app.overlay.ask().is_some() && form(&app).field() == Field::File);
    fill(&mut app, "~/my nets/ResNet 20.v2.th");
    assert_eq!(form(&app).wanted.name, "ResNet-20", "a name is offered");
    press(&mut app, "j l");
    fill(&mut app, "cifar10:~/cifar");
    press(&mut app, "j j l j l");
    fill(&mut app, "ema");
    let command = "blockscope import ~/'my nets/ResNet 20.v2.th' --name ResNet-20 \
                   --preset paper --data 'cifar10:~/cifar' --key ema";
    assert_eq!(form(&app).command(), command);
    let copied = press(&mut app, "y");
    assert!(matches!(&copied[..], [Effect::Copy(text, _)] if text == command));
    let effects = press(&mut app, "Enter");
    let [Effect::StartJob(request)] = &effects[..] else { panic!("{effects:?}") };
    let JobKind::Import(wanted) = &request.kind else { panic!() };
    assert_eq!((wanted.preset, wanted.key.as_deref()), (Preset::Paper, Some("ema")));
    assert!(app.computes_here().is_some());
    let ended = update(&mut app, Input::Job(request.id, JobUpdate::Done));
    assert_eq!((ended, app.scope()), (vec![Effect::ListRuns], Scope::Home));
    // whatever was selected or filtered
    press(&mut app, "/");
    fill(&mut app, "nothing-like-it");
    let mut runs = demo::summaries();
    runs.push(demo::grid_run(20, 1.0, 7));
    let last = runs.last_mut().unwrap();
    last.name = "ResNet-20".into();
    last.id = crate::runs::RunId::Disk("ResNet-20".into());
    update(&mut app, Input::RunsListed(runs.clone()));
    assert_eq!(app.home.selection().unwrap().name, "ResNet-20");
    // once only
    press(&mut app, "g g");
    let first = app.home.selection().unwrap().name.clone();
    update(&mut app, Input::RunsListed(runs));
    assert_eq!(app.home.selection().unwrap().name, first);
    press(&mut app, "I");
    assert_eq!(*form(&app), Import::default(), "the next begins anew");
}

#[test]
fn what_failed_says_why_and_loses_nothing() {
    let mut app = opened();
    press(&mut app, "l");
    fill(&mut app, "a.pt");
    press(&mut app, "Enter");
    let id = app.running.as_ref().unwrap().id;
    let why = "a.pt: no such file";
    update(&mut app, Input::Job(id, JobUpdate::Failed(why.into())));
    assert!(app.toast.as_ref().is_some_and(|toast| toast.error));
    press(&mut app, "j");
    assert_eq!(form(&app).problem.as_deref(), Some(why), "after the next key too");
    // left and opened again it is as it was
    let before = form(&app).clone();
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
    press(&mut app, "I");
    assert_eq!(*form(&app), before);
    press(&mut app, "k l");
    fill(&mut app, "x");
    assert!(form(&app).problem.is_none() && form(&app).wanted.file == "a.ptx");
    assert_eq!(form(&app).wanted.name, "a", "it belongs to the same file name");
    // cancelled, and gone on with behind the list
    press(&mut app, "Enter Esc");
    assert!(app.overlay.asks());
    let cancelled = press(&mut app, "y");
    assert!(matches!(cancelled[..], [Effect::CancelJob(_)]) && app.scope() == Scope::Import);
    press(&mut app, "Enter Esc Esc");
    assert!(app.scope() == Scope::Home && app.running.is_some());
    let id = app.running.as_ref().unwrap().id;
    update(&mut app, Input::Job(id, JobUpdate::Failed("no room".into())));
    press(&mut app, "I");
    assert_eq!(form(&app).problem.as_deref(), Some("no room"));
}
