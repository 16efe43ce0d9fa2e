//! Maps as files: figures (PNG, SVG, PDF, all of one layout), a table (CSV) or an array
//! (NPY). Knows neither burn nor a terminal; everything is encoded in memory and written in
//! one step.

pub mod csv;
pub mod figure;

use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::domain::block_structure::StructureRule;
use crate::domain::{Layer, SimilarityMatrix};
use crate::files::{FileError, atomic, check_name, npy};
use crate::text::one_line;
use crate::theme::Colormap;

pub use figure::Style;

/// Block structures of a map, and what counted as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlines {
    /// Positions of their layers, first to last.
    pub spans: Vec<RangeInclusive<usize>>,
    /// The rule that found them.
    pub rule: StructureRule,
}

impl Outlines {
    /// What the outlines mean, or that there are none.
    fn words(&self) -> String {
        let StructureRule { tau, min_len } = self.rule;
        let what = format!("of {min_len} or more layers with a mean CKA of at least {tau:.2}");
        match self.spans.len() {
            0 => format!("no block structure {what}"),
            1 => format!("outlined: a block structure {what}"),
            _ => format!("outlined: block structures {what}"),
        }
    }
}

/// A map and how it is shown.
#[derive(Debug, Clone)]
pub struct MapExport<'a> {
    /// First line of a figure.
    pub title: String,
    /// Second line of a figure: how the values were made.
    pub subtitle: String,
    /// What the values are, as `CKA`.
    pub quantity: String,
    /// What the rows and the columns are.
    pub axes: [String; 2],
    /// Block structures to outline, if these were looked for.
    pub outlines: Option<Outlines>,
    /// The layers of the rows, in order.
    pub rows: &'a [Layer],
    /// The layers of the columns, in order: the same, but for a map between two
    /// networks.
    pub cols: &'a [Layer],
    /// The values, `rows x cols`.
    pub values: &'a SimilarityMatrix,
    /// Their standard errors, of the same shape.
    pub se: Option<&'a SimilarityMatrix>,
    /// The colours.
    pub colormap: &'a Colormap,
    /// The values that take the first and the last colour.
    pub range: (f64, f64),
}

impl MapExport<'_> {
    /// Where a value lies in the range: 0 at its start, 1 at its end, clamped.
    fn place(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let place = (value - low) / (high - low);
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// True if a cell has no value.
    fn has_undefined(&self) -> bool {
        self.values.view().iter().any(|v| !v.is_finite())
    }

    fn check(&self) -> Result<(), ExportError> {
        let layers = (self.rows.len(), self.cols.len());
        for matrix in [Some(self.values), self.se].into_iter().flatten() {
            let found = (matrix.rows(), matrix.cols());
            if layers.0 == 0 || found != layers {
                return Err(ExportError::Shape { found, layers });
            }
        }
        Ok(())
    }
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A figure of a resolution.
    Png,
    /// A figure with text as text.
    Svg,
    /// A figure for print, with its font.
    Pdf,
    /// One line per pair of layers.
    Csv,
    /// The matrix of f64; NaN where undefined.
    Npy,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [Format::Png, Format::Svg, Format::Pdf, Format::Csv, Format::Npy];

    /// Its name, which is also its file extension.
    pub fn name(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
            Format::Pdf => "pdf",
            Format::Csv => "csv",
            Format::Npy => "npy",
        }
    }

    /// The format that a file's extension asks for.
    ///
    /// # Errors
    /// [`ExportError::Format`] if it asks for none of them.
    pub fn from_path(path: &Path) -> Result<Format, ExportError> {
        path.extension().unwrap_or_default().to_string_lossy().parse()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ExportError;

    fn from_str(text: &str) -> Result<Format, ExportError> {
        let known = Format::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| ExportError::Format(text.to_string()))
    }
}

/// Why a map is not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Not a format.
    #[error("{0:?} is no export format; use png, svg, pdf, csv or npy")]
    Format(String),
    /// A format that holds one map, and no other figure.
    #[error("this is a picture: use png, svg or pdf, not {0}")]
    NoFigure(Format),
    /// A figure of nothing.
    #[error("there is nothing to draw: no value is finite")]
    Nothing,
    /// Too small a page.
    #[error(
        "a figure {width} mm wide with text of {font_size} points has no room for {what}; \
         use a larger --width-mm or --height-mm, or a smaller --font-size"
    )]
    Room {
        /// What has no room.
        what: &'static str,
        /// Width of the page in millimetres.
        width: f64,
        /// Size of the font in points.
        font_size: f64,
    },
    /// Too large a picture.
    #[error(
        "a picture of {width} x {height} pixels is too large ({} million at most); use a \
         smaller --dpi or --width-mm, or pdf or svg",
        figure::png::MAX_PIXELS / 1_000_000
    )]
    Pixels {
        /// Its width.
        width: f64,
        /// Its height.
        height: f64,
    },
    /// Nothing to draw, or layers and values that do not belong together.
    #[error("cannot export {}x{} values of {}x{} layers", .found.0, .found.1, .layers.0, .layers.1)]
    Shape {
        /// Rows and columns of the matrix.
        found: (usize, usize),
        /// Layers.
        layers: (usize, usize),
    },
    /// The encoder failed.
    #[error("cannot make the {format} file: {message}")]
    Encode {
        /// The format.
        format: Format,
        /// What the encoder said.
        message: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

impl ExportError {
    pub(crate) fn encode(format: Format, error: impl fmt::Display) -> ExportError {
        ExportError::Encode { format, message: one_line(&error.to_string()) }
    }
}

/// The file's contents.
///
/// # Errors
/// [`ExportError`] if layers and values do not belong together, or if the figure cannot be
/// made in this size.
pub fn encode(map: &MapExport, format: Format, style: &Style) -> Result<Vec<u8>, ExportError> {
    map.check()?;
    match format {
        Format::Png | Format::Svg | Format::Pdf => {
            figure::encode(&figure::map::page(map, style)?, format, style)
        }
        Format::Csv => csv::pairs((map.rows, map.cols), map.values, map.se).map(String::into_bytes),
        Format::Npy => npy::encode(map.values).map_err(|e| ExportError::encode(format, e)),
    }
}

/// Writes one file, in one step; one that is there is replaced.
///
/// # Errors
/// [`ExportError`] naming the file.
pub fn write(map: &MapExport, format: Format, path: &Path) -> Result<(), ExportError> {
    Ok(atomic(path, &encode(map, format, &Style::default())?)?)
}

/// Writes `dir/STEM.png`, `.svg`, `.pdf`, `.csv` and `.npy` and returns their paths.
/// Nothing is written unless all can be encoded.
///
/// # Errors
/// [`ExportError`] naming the file, or if the stem cannot be a file's name.
pub fn write_all(map: &MapExport, dir: &Path, stem: &str) -> Result<Vec<PathBuf>, ExportError> {
    check_name(stem)?;
    let mut files = Vec::new();
    for format in Format::ALL {
        let bytes = encode(map, format, &Style::default())?;
        files.push((dir.join(format!("{stem}.{format}")), bytes));
    }
    fs::create_dir_all(dir).map_err(|e| FileError::io("create", dir, e))?;
    for (path, bytes) in &files {
        atomic(path, bytes)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::runs::fixtures;
    use crate::theme::ThemeSet;

    /// Runs `test` on a map of `n` layers of a ResNet-8; layer 1 is undefined.
    pub(crate) fn with_map<T>(n: usize, test: impl FnOnce(&MapExport) -> T) -> T {
        let map = fixtures::analysis(n);
        let themes = ThemeSet::builtin().unwrap();
        test(&MapExport {
            title: "ResNet-8 x1 <\"a\" & b>".into(),
            subtitle: "4 batches of 256".into(),
            quantity: "CKA".into(),
            axes: ["layer", "layer"].map(String::from),
            outlines: None,
            rows: map.layers(),
            cols: map.layers(),
            values: &map.values,
            se: map.error.as_ref(),
            colormap: themes.colormap("viridis").unwrap(),
            range: (0.0, 1.0),
        })
    }

    #[test]
    fn all_formats_are_written_under_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("exports");
        let paths = with_map(9, |map| write_all(map, &out, "map").unwrap());
        let starts: Vec<Vec<u8>> =
            paths.iter().map(|p| fs::read(p).unwrap()[..4].to_vec()).collect();
        assert_eq!(starts, [b"\x89PNG", b"<svg", b"%PDF", b"row,", b"\x93NUM"]);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 5);
        let bad = with_map(9, |map| write_all(map, &out, "a/map").unwrap_err().to_string());
        assert!(bad.contains("path separator"), "{bad}");
    }

    #[test]
    fn formats_come_from_names_and_extensions() {
        assert_eq!("SVG".parse::<Format>().unwrap(), Format::Svg);
        assert_eq!(Format::from_path(Path::new("a/b.npy")).unwrap(), Format::Npy);
        let error = Format::from_path(Path::new("a/b")).unwrap_err().to_string();
        assert!(error.contains("png, svg, pdf, csv or npy"), "{error}");
    }

    #[test]
    fn layers_and_values_must_belong_together() {
        with_map(9, |map| {
            let fewer = MapExport { rows: &map.rows[..8], ..map.clone() };
            let error = encode(&fewer, Format::Svg, &Style::default()).unwrap_err().to_string();
            assert_eq!(error, "cannot export 9x9 values of 8x9 layers");
        });
        with_map(0, |map| assert!(encode(map, Format::Png, &Style::default()).is_err()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no/map.csv");
        let error = with_map(3, |map| write(map, Format::Csv, &path).unwrap_err().to_string());
        assert!(error.contains("map.csv") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn values_beyond_the_range_take_its_ends() {
        with_map(28, |map| {
            let narrow = MapExport { range: (0.5, 0.5), ..map.clone() };
            assert_eq!((narrow.place(0.5), map.place(-3.0), map.place(7.0)), (0.0, 0.0, 1.0));
        });
    }
}
