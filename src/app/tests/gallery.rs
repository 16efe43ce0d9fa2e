//! The pictures of a layer as a screen, as sequences of keys.

use crate::app::demo;
use crate::app::jobs::Picture;
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

fn explorer(app: &App) -> &Explorer {
    app.explorer().unwrap()
}

fn asked(effects: &[Effect]) -> Vec<u32> {
    let images = effects.iter().filter_map(|effect| match effect {
        Effect::LoadPictures(_, images) => Some(images.clone()),
        _ => None,
    });
    images.flatten().collect()
}

#[test]
fn all_images_that_drive_a_layer_are_walked_and_copied() {
    let mut app = demo::full_app(look(), 20, (80, 24));
    let row = explorer(&app).position().0;
    let mut known = asked(&press(&mut app, "o"));
    assert_eq!(app.scope(), Scope::Gallery);
    let e = explorer(&app);
    let layer = e.layer(row).unwrap().index;
    let order = e.components().unwrap().dominant(layer, usize::MAX);
    let images: Vec<u32> = order.iter().map(|at| e.components().unwrap().images[*at]).collect();
    let places = e.gallery_places((80, 24));
    let page = places.page().min(images.len());
    // the inspector's eight were asked for before the screen was opened
    let shown: Vec<u32> =
        e.page_of_drivers((80, 24)).1.into_iter().map(|driver| driver.image).collect();
    assert_eq!(shown, images[..page]);
    assert!(known.iter().all(|image| shown.contains(image)) && known.len() + 8 >= page);
    press(&mut app, "l l j");
    assert_eq!(explorer(&app).gallery_selected(), 2 + places.across);
    known.extend(asked(&press(&mut app, "G")));
    assert_eq!(explorer(&app).gallery_selected(), images.len() - 1);
    let copied = press(&mut app, "g g l y");
    let [Effect::Copy(text, _)] = &copied[..] else { panic!("{copied:?}") };
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with(&format!("{}\t", images[0])), "{text}");
    assert!(lines[2].starts_with(&format!("{}\t", images[1])), "{text}");
    // the next layer, larger and smaller pictures, and back on the map at that layer
    press(&mut app, "]");
    assert_eq!((explorer(&app).position().0, explorer(&app).gallery_selected()), (row + 1, 0));
    let side = |app: &App| explorer(app).gallery_places((80, 24)).side;
    let before = side(&app);
    press(&mut app, "+");
    assert!(side(&app) > before);
    press(&mut app, "- - - - -");
    assert_eq!(side(&app), 8);
    let smaller = update(&mut app, Input::Resize(200, 60));
    let (first, many) = explorer(&app).page_of_drivers((200, 60));
    assert!(first == 0 && (many.len() > page || many.len() == images.len()));
    assert!(many.len() <= 8 || !asked(&smaller).is_empty());
    press(&mut app, "Esc");
    assert_eq!((app.scope(), explorer(&app).position().0), (Scope::Explorer, row + 1));
}

#[test]
fn a_click_selects_and_a_run_without_components_says_what_computes_them() {
    let mut app = demo::full_app(look(), 20, (120, 40));
    press(&mut app, "o");
    let tile = explorer(&app).gallery_places((120, 40)).tile(3);
    update(&mut app, Input::Click(tile.x + 1, tile.y + tile.h));
    assert_eq!(explorer(&app).gallery_selected(), 3);
    let mut bare = demo::app(look(), 20, (80, 24));
    let said = |app: &App| app.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default();
    press(&mut bare, "o");
    assert_eq!(bare.scope(), Scope::Explorer);
    assert!(said(&bare).contains("A analyses the run"), "{}", said(&bare));
}

#[test]
fn a_picture_is_found_by_its_number() {
    let mut app = demo::full_app(look(), 20, (80, 24));
    let run = explorer(&app).run().id.clone();
    let picture = Picture::new(1, 1, vec![5, 6, 7]);
    update(&mut app, Input::Pictures(run, Ok(vec![(3, picture.clone())])));
    assert_eq!(app.picture(picture.serial), Some(&picture));
    assert_eq!(app.picture(0x00ff_ffff), None);
}
