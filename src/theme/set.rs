//! All themes and colour maps: those inside the program, and those of the
//! user's theme folder, which win. Parents are resolved here.

use std::collections::BTreeMap;
use std::path::Path;

use super::colormap::Colormap;
use super::colour::StyleSpec;
use super::error::{ThemeError, nearest};
use super::file::{ThemeFile, parse, read};
use super::role::Role;
use super::user::UserThemes;
use crate::text::one_line;

/// The theme that is used unless another is asked for.
pub const DEFAULT_THEME: &str = "blockscope";

/// The theme files inside the program, in the order in which they are offered.
const BUILTIN: [(&str, &str); 6] = [
    ("blockscope.ron", include_str!("../../themes/blockscope.ron")),
    ("dark.ron", include_str!("../../themes/dark.ron")),
    ("light.ron", include_str!("../../themes/light.ron")),
    ("high-contrast.ron", include_str!("../../themes/high-contrast.ron")),
    ("colour-blind.ron", include_str!("../../themes/colour-blind.ron")),
    ("mono.ron", include_str!("../../themes/mono.ron")),
];

/// One theme, its parents' styles included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The name of the colour map that it starts with; [`ThemeSet`] holds it.
    pub colormap: String,
    styles: [Option<StyleSpec>; Role::ALL.len()],
}

impl Theme {
    /// The style of a role: the theme's or its nearest parent's, else that of
    /// the role's fallback, in the end the terminal's own colours.
    pub fn style(&self, role: Role) -> StyleSpec {
        let chain = std::iter::successors(Some(role), |role| role.fallback());
        chain.into_iter().find_map(|role| self.explicit(role)).unwrap_or_default()
    }

    /// True if the theme or a parent gives the role a style of its own.
    pub fn has(&self, role: Role) -> bool {
        self.explicit(role).is_some()
    }

    fn explicit(&self, role: Role) -> Option<StyleSpec> {
        self.styles.get(role as usize).copied().flatten()
    }
}

/// Every theme and colour map there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThemeSet {
    themes: Vec<Theme>,
    colormaps: Vec<Colormap>,
}

impl ThemeSet {
    /// The themes inside the program.
    ///
    /// # Errors
    /// [`ThemeError`] if one of them is faulty, which tests rule out.
    pub fn builtin() -> Result<ThemeSet, ThemeError> {
        let mut files = Vec::new();
        for (file, text) in BUILTIN {
            files.push((file.to_string(), parse(text, file)?));
        }
        let mut set = ThemeSet::default();
        match set.add(files).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(set),
        }
    }

    /// Adds the `*.ron` files of a folder; one with the name of a theme or map
    /// that is there already takes its place. Faulty files are left out and
    /// reported; a missing folder is an empty one.
    pub fn with_user_dir(self, dir: &Path) -> (ThemeSet, Vec<ThemeError>) {
        UserThemes::new(dir).load(&self)
    }

    /// All themes, in the order in which they are offered.
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// The theme of that name.
    pub fn theme(&self, name: &str) -> Option<&Theme> {
        self.themes.iter().find(|theme| theme.name == name)
    }

    /// All colour maps, in the order in which a key cycles through them.
    pub fn colormaps(&self) -> &[Colormap] {
        &self.colormaps
    }

    /// The colour map of that name.
    pub fn colormap(&self, name: &str) -> Option<&Colormap> {
        self.colormaps.iter().find(|map| map.name == name)
    }

    /// The theme of that name, or an error that offers what looks like it.
    ///
    /// # Errors
    /// [`ThemeError::Refused`] with the nearest name, or all of them.
    pub fn find(&self, name: &str) -> Result<&Theme, ThemeError> {
        let names = || self.themes.iter().map(|theme| theme.name.as_str());
        self.theme(name)
            .ok_or_else(|| ThemeError::refused("theme", missing("theme", name, names())))
    }

    /// The colour map of that name, or an error that offers what looks like it.
    ///
    /// # Errors
    /// [`ThemeError::Refused`] with the nearest name, or all of them.
    pub fn find_colormap(&self, name: &str) -> Result<&Colormap, ThemeError> {
        let names = || self.colormaps.iter().map(|map| map.name.as_str());
        self.colormap(name)
            .ok_or_else(|| ThemeError::refused("colormap", missing("colour map", name, names())))
    }

    /// The text of a theme inside the program, as its file has it.
    pub fn builtin_source(name: &str) -> Option<&'static str> {
        let file = format!("{name}.ron");
        BUILTIN.iter().find(|(f, _)| *f == file).map(|(_, text)| *text)
    }

    /// Checks a theme file as if it lay in the user's folder, and returns its theme.
    ///
    /// # Errors
    /// [`ThemeError`] with what is wrong first.
    pub fn check(&self, path: &Path) -> Result<Theme, ThemeError> {
        let shown = path.display().to_string();
        let file = read(path, &shown)?;
        let name = file.name.clone();
        let mut set = self.clone();
        match set.add(vec![(shown, file)]).into_iter().next() {
            Some(error) => Err(error),
            None => set.find(&name).cloned(),
        }
    }

    /// Adds parsed files: first their maps, then the themes, parents first.
    pub(super) fn add(&mut self, files: Vec<(String, ThemeFile)>) -> Vec<ThemeError> {
        let mut errors = Vec::new();
        for (file, theme) in &files {
            for map in &theme.colormaps {
                match Colormap::new(&map.name, map.stops.clone(), map.ansi256.clone()) {
                    Ok(map) => replace(&mut self.colormaps, map, |map| &map.name),
                    Err(message) => errors.push(ThemeError::refused(file, message)),
                }
            }
        }
        let mut resolver = Resolver {
            files: files
                .iter()
                .map(|(file, theme)| (theme.name.as_str(), (file.as_str(), theme)))
                .collect(),
            base: &*self,
            path: Vec::new(),
        };
        let mut made = Vec::new();
        for (_, theme) in &files {
            match resolver.theme(&theme.name) {
                Ok(theme) => made.push(theme),
                Err(error) => errors.push(error),
            }
            resolver.path.clear();
        }
        for theme in made {
            replace(&mut self.themes, theme, |theme| &theme.name);
        }
        errors
    }
}

/// Puts an item in the place of the one with its name, or at the end.
fn replace<T>(list: &mut Vec<T>, item: T, name: fn(&T) -> &String) {
    match list.iter_mut().find(|old| name(old) == name(&item)) {
        Some(old) => *old = item,
        None => list.push(item),
    }
}

fn missing<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("no {what} {name:?}; did you mean {near:?}?"),
        None => format!("no {what} {name:?}; there are {}", names.join(", ")),
    }
}

/// Follows parents among new files and then among the themes there are.
struct Resolver<'a> {
    files: BTreeMap<&'a str, (&'a str, &'a ThemeFile)>,
    base: &'a ThemeSet,
    /// The names being resolved, outermost first.
    path: Vec<&'a str>,
}

impl<'a> Resolver<'a> {
    fn theme(&mut self, name: &'a str) -> Result<Theme, ThemeError> {
        let Some((file, written)) = self.files.get(name).copied() else {
            return self.known(name).ok_or_else(|| {
                let names = self.base.themes.iter().map(|theme| theme.name.as_str());
                let names = names.chain(self.files.keys().copied());
                let file = self.path.last().and_then(|child| self.files.get(child));
                ThemeError::refused(file.map_or("theme", |(f, _)| f), missing("theme", name, names))
            });
        };
        if self.path.contains(&name) {
            let chain = self.path.join(" -> ");
            return Err(ThemeError::refused(
                file,
                format!("parents run in a circle: {chain} -> {name}"),
            ));
        }
        self.path.push(name);
        let parent = match written.parent.as_deref() {
            // A file may change the theme whose place it takes.
            Some(parent) if parent == name && self.known(name).is_some() => self.known(name),
            Some(parent) => Some(self.theme(parent)?),
            None => None,
        };
        self.path.pop();
        self.child(file, written, parent)
    }

    fn known(&self, name: &str) -> Option<Theme> {
        self.base.theme(name).cloned()
    }

    fn child(
        &self,
        file: &str,
        written: &ThemeFile,
        parent: Option<Theme>,
    ) -> Result<Theme, ThemeError> {
        let inherited = parent.as_ref().map(|parent| parent.colormap.clone());
        let colormap = written.colormap.clone().or(inherited).ok_or_else(|| {
            ThemeError::refused(file, "names neither a colormap nor a parent that has one".into())
        })?;
        if self.base.colormap(&colormap).is_none() {
            let names = self.base.colormaps.iter().map(|map| map.name.as_str());
            return Err(ThemeError::refused(file, missing("colour map", &colormap, names)));
        }
        let styles = Role::ALL.map(|role| {
            let own = written.roles.get(&role).copied();
            own.or_else(|| parent.as_ref().and_then(|parent| parent.explicit(role)))
        });
        Ok(Theme { name: written.name.clone(), colormap, styles })
    }
}

impl ThemeError {
    pub(super) fn refused(file: &str, message: String) -> ThemeError {
        ThemeError::Refused { file: one_line(file), message: one_line(&message) }
    }

    pub(super) fn read(file: &str, reason: &str) -> ThemeError {
        ThemeError::Read { file: one_line(file), reason: one_line(reason) }
    }

    /// The file that it is about, as it is shown.
    pub(super) fn file(&self) -> &str {
        match self {
            ThemeError::Read { file, .. }
            | ThemeError::Parse { file, .. }
            | ThemeError::Refused { file, .. } => file,
        }
    }

    /// The message with the file's name alone, for where there is little room.
    pub fn short(&self) -> String {
        let name = Path::new(self.file()).file_name().map(|n| n.to_string_lossy().into_owned());
        let mut error = self.clone();
        let (ThemeError::Read { file, .. }
        | ThemeError::Parse { file, .. }
        | ThemeError::Refused { file, .. }) = &mut error;
        *file = name.unwrap_or_default();
        error.to_string()
    }
}
