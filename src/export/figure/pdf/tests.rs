use super::super::page::{Anchor, Area, INK};
use super::*;

fn page() -> Page {
    let mut page = Page::new(100.0, "a (title) — 層");
    page.height = 60.0;
    page.text("Hgj 0.25 \u{e000}", (10.0, 20.0), 7.0, Anchor::Start);
    page.turned("CKA", (90.0, 30.0), 7.0, Anchor::Middle);
    let picture = Picture { width: 2, height: 1, pixels: vec![INK, Rgb(255, 0, 0)] };
    page.items.push(Item::Image(Area::new((20.0, 30.0), (20.0, 10.0)), picture));
    page.items.push(Item::Disc((50.0, 40.0), 3.0, INK));
    page
}

#[test]
fn the_table_of_objects_and_the_lengths_of_streams_are_true() {
    let bytes = encode(&page()).unwrap();
    // one character a byte, so that places in the text are places in the file
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let from = |at: usize| &text[places[at]..];
    let start: usize = text
        .rsplit("startxref")
        .next()
        .unwrap()
        .trim()
        .split('\n')
        .next()
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let table = from(start);
    assert!(table.starts_with("xref"));
    let mut lines = table.lines().skip(1);
    let count: usize = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(count, 12, "ten objects, a picture, and the free one");
    for (number, line) in lines.take(count).enumerate().skip(1) {
        let at: usize = line[..10].parse().unwrap();
        let object = from(at);
        assert!(object.starts_with(&format!("{number} 0 obj")), "{number}: {:.20}", object);
        let object = &object[..object.find("endobj").unwrap()];
        let Some((dictionary, stream)) = object.split_once("stream\n") else { continue };
        let length = dictionary.split("/Length ").nth(1).unwrap();
        let length: usize =
            length.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
        let end: String = stream.chars().skip(length).collect();
        assert!(end.trim_start().starts_with("endstream"), "{number}: {length}");
    }
}

#[test]
fn the_same_page_is_the_same_file() {
    assert_eq!(encode(&page()).unwrap(), encode(&page()).unwrap());
    let long = Page { height: 20_000.0, ..page() };
    let error = encode(&long).unwrap_err().to_string();
    assert!(error.contains("5 metres"), "{error}");
}
