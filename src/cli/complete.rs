//! What could stand in a field of the explorer that wants a checkpoint or images.

use std::io::ErrorKind;

use crate::app::complete::{Found, PathRequest, Want};
use crate::data::DataSource;
use crate::files::browse::{Entry, Names, beginning_with};

/// Ends of names that checkpoints have.
const CHECKPOINTS: [&str; 9] =
    [".th", ".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".zip", ".tar", ".pkl"];
/// Ends of names of CIFAR's archives.
const ARCHIVES: [&str; 2] = [".tar.gz", ".tgz"];
/// Sources with a path, as they begin.
const SOURCES: [&str; 3] = ["cifar10:", "cifar100:", "folder:"];
/// Where CIFAR is looked for when nothing was typed: the folder as it comes, and around.
const USUAL: [(&str, &str); 2] =
    [("cifar10:", "cifar-10-batches-bin"), ("cifar100:", "cifar-100-binary")];
const AROUND: [&str; 4] = ["", "data/", "~/", "~/data/"];

/// What could stand where `request` is typed; `given` are the images of the session.
///
/// # Errors
/// One line that says why the folder cannot be looked into.
pub fn complete(request: &PathRequest, given: Option<&DataSource>) -> Result<Found, String> {
    let text = request.text.as_str();
    match (request.want, SOURCES.iter().find(|kind| text.starts_with(**kind))) {
        (Want::Checkpoint, _) => Ok(checkpoints(names(text)?)),
        (Want::Data, Some(kind)) => {
            let names = names(&text[kind.len()..])?;
            let archives = *kind != "folder:";
            let fits = |entry: &&Entry| entry.folder || archives && ends(&entry.path, &ARCHIVES);
            let (folders, files): (Vec<_>, Vec<_>) =
                names.entries.iter().filter(fits).partition(|entry| entry.folder);
            let whole = |entry: &Entry| format!("{kind}{}", entry.path);
            let texts = folders.into_iter().chain(files).map(whole).collect();
            Ok(Found { texts, left_out: names.left_out })
        }
        (Want::Data, None) => {
            let known = given.map(DataSource::to_string).into_iter().chain(nearby());
            let kinds = ["shapes"].iter().chain(&SOURCES).map(|kind| kind.to_string());
            let mut texts: Vec<String> = Vec::new();
            for text in known.chain(kinds).filter(|known| known.starts_with(text)) {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            Ok(Found { texts, left_out: 0 })
        }
    }
}

fn names(typed: &str) -> Result<Names, String> {
    beginning_with(typed).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "there is no such folder".to_string(),
        _ => format!("cannot look into the folder: {error}"),
    })
}

fn ends(path: &str, with: &[&str]) -> bool {
    let path = path.to_lowercase();
    with.iter().any(|end| path.ends_with(end))
}

/// Folders, then files that may be checkpoints, then the others.
fn checkpoints(names: Names) -> Found {
    let mut entries = names.entries;
    entries.sort_by_key(|entry| (!entry.folder, !ends(&entry.path, &CHECKPOINTS)));
    let texts = entries.into_iter().map(|entry| entry.path).collect();
    Found { texts, left_out: names.left_out }
}

/// Images in the usual places.
fn nearby() -> Vec<String> {
    let places = USUAL.iter().flat_map(|(kind, name)| {
        AROUND.iter().map(move |around| (kind, format!("{around}{name}")))
    });
    places
        .filter(|(_, path)| crate::files::browse::expand(path).is_dir())
        .map(|(kind, path)| format!("{kind}{path}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn prefixes_stay_and_what_does_not_fit_comes_last_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        fs::create_dir(dir.path().join("zoo")).unwrap();
        for name in ["a.txt", "b.PTH", "c.tar.gz", "d.safetensors"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let ask = |want, text: String| complete(&PathRequest { text, want }, None);
        let found = |want, text: &str| {
            let begin = text.replace('@', root);
            let texts = ask(want, begin).unwrap().texts;
            texts.into_iter().map(|text| text.replace(root, "@")).collect::<Vec<_>>()
        };
        let all = ["@/zoo/", "@/b.PTH", "@/d.safetensors", "@/a.txt", "@/c.tar.gz"];
        assert_eq!(found(Want::Checkpoint, "@/"), all);
        assert_eq!(found(Want::Data, "cifar10:@/"), ["cifar10:@/zoo/", "cifar10:@/c.tar.gz"]);
        assert_eq!(found(Want::Data, "folder:@/"), ["folder:@/zoo/"]);
        assert_eq!(found(Want::Data, "sh"), ["shapes"]);
        assert!(found(Want::Data, "cif").contains(&"cifar100:".to_string()));
        let gone = ask(Want::Data, format!("folder:{root}/gone/")).unwrap_err();
        assert_eq!(gone, "there is no such folder");
        let given: DataSource = "cifar10:/data/of/mine".parse().unwrap();
        let request = PathRequest { text: String::new(), want: Want::Data };
        let texts = complete(&request, Some(&given)).unwrap().texts;
        assert_eq!(texts[0], "cifar10:/data/of/mine", "what the session has comes first");
    }
}
