//! Pictures and maps as pixels: which cells stand for them, and for what.

use super::*;
use crate::app::Input;
use crate::app::jobs::Picture;
use crate::ui::pixels::Part;
use crate::ui::{Skin, picture};

fn look(pixels: bool) -> Look {
    let mut look = Look::new(&themes(), None, ColourDepth::Truecolor);
    look.pixels = pixels;
    look
}

fn parts(app: &App) -> Vec<Part> {
    buffer(app).content.iter().filter_map(Part::of).collect()
}

#[test]
fn pictures_are_parts_of_themselves_where_the_terminal_shows_them() {
    for pixels in [false, true] {
        let mut app = demo::full_app(look(pixels), 20, (120, 40));
        keys(&mut app, "o");
        let run = app.explorer().unwrap().run().id.clone();
        let (_, shown) = app.explorer().unwrap().page_of_drivers((120, 40));
        let pictures: Vec<_> =
            shown.iter().map(|driver| (driver.image, Picture::new(2, 2, vec![9; 12]))).collect();
        let serials: Vec<u32> = pictures.iter().map(|(_, picture)| picture.serial).collect();
        update(&mut app, Input::Pictures(run, Ok(pictures)));
        let parts = parts(&app);
        assert_eq!(parts.is_empty(), !pixels);
        for serial in serials.iter().filter(|_| pixels) {
            let mut own: Vec<_> = parts.iter().filter(|p| p.serial == *serial).collect();
            let (w, h) = own[0].size;
            own.sort_by_key(|part| (part.at.1, part.at.0));
            let all: Vec<_> = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).collect();
            assert_eq!(own.iter().map(|part| part.at).collect::<Vec<_>>(), all);
        }
    }
}

#[test]
fn a_map_in_pixels_shows_every_pair_of_layers_in_its_colour() {
    for (size, pressed) in
        [((80, 24), "K"), ((120, 40), "K"), ((120, 40), "K++"), ((200, 60), "Kff")]
    {
        let mut app = demo::full_app(look(true), 20, size);
        assert!(parts(&app).is_empty());
        keys(&mut app, pressed);
        let parts = parts(&app);
        assert!(parts.len() > 300, "{size:?} {}", parts.len());
        let serial = parts[0].serial;
        assert!(parts.iter().all(|part| part.serial == serial && part.size == parts[0].size));
        let skin = Skin::new(&themes(), &app.look);
        let drawn = picture(&app, &skin, serial).unwrap();
        let explorer = app.explorer().unwrap();
        let (window, matrix) = (explorer.viewport(), explorer.matrix().unwrap());
        // each pair that has the same colour everywhere in the picture is in its place
        let (row, col) = window.origin();
        let (rows, cols) = window.visible();
        let first = (window.row_layers(row).start, window.col_layers(col).start);
        let end = window.col_layers(col + cols - 1).end;
        let pixel = |x: usize, y: usize| {
            let at = 3 * (y * drawn.width + x);
            crate::theme::Rgb(drawn.rgb[at], drawn.rgb[at + 1], drawn.rgb[at + 2])
        };
        let (low, high) = explorer.range();
        let colour = |i: usize, j: usize| {
            skin.lut().rgb((matrix.get(i, j).unwrap() - low) / (high - low)).unwrap()
        };
        assert_eq!(pixel(0, 0), colour(first.0, first.1), "{size:?} {pressed}");
        assert_eq!(pixel(drawn.width - 1, 0), colour(first.0, end - 1), "{size:?} {pressed}");
        assert!(rows > 0 && drawn.rgb.len() == 3 * drawn.width * drawn.height);
        // another map is another picture, and the cursor stays a cell
        keys(&mut app, "m");
        assert_ne!(super::pixels::parts(&app)[0].serial, serial);
        assert!(picture(&app, &skin, serial).is_none());
        keys(&mut app, "K");
        assert!(super::pixels::parts(&app).is_empty());
    }
    let mut plain = demo::full_app(look(false), 20, (80, 24));
    keys(&mut plain, "K");
    assert!(parts(&plain).is_empty());
    assert!(plain.toast.unwrap().text.contains("no pixels"));
}

#[test]
fn the_whole_map_stands_in_a_corner_while_a_part_is_in_sight() {
    let frames = |app: &App| {
        let screen = buffer(app);
        screen.content.iter().filter(|cell| cell.symbol() == "┘").count()
    };
    let mut app = demo::full_app(look(false), 20, (120, 40));
    let before = frames(&app);
    assert!(app.explorer().unwrap().overview((20, 10)).is_none());
    keys(&mut app, "++");
    assert_eq!(frames(&app), before + 1);
    let explorer = app.explorer().unwrap();
    let (map, (left, top, right, bottom)) = explorer.overview((20, 10)).unwrap();
    assert_eq!((map.rows(), map.cols()), (20, 20));
    assert!(left >= 0 && top >= 0 && right <= 20 && bottom <= 20);
    assert!(right - left < 20 && right > left && bottom > top);
    keys(&mut app, "f");
    assert_eq!(frames(&app), before);
}

#[test]
fn without_images_the_screen_of_pictures_says_whole_what_to_do() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut app = demo::full_app(look(false), 20, size);
        keys(&mut app, "o");
        let run = app.explorer().unwrap().run().id.clone();
        let why = "a run with a long name was made from images of a long name too, which it does \
                   not contain; give --data cifar10:PATH";
        update(&mut app, Input::Pictures(run, Err(why.into())));
        let screen = super::text::text(&buffer(&app));
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(why), "{screen}");
    }
}
