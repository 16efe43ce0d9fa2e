//! The arguments of `export`. Types only.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ViewArg, map_mode};
use crate::app::MapMode;
use crate::domain::Bypass;
use crate::export::Style;

/// The value of `--figure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FigureArg {
    /// A map of every pair of layers
    Map,
    /// The first component's share of the variance of each layer
    Components,
    /// Accuracy of linear probes before and after each residual sum
    Probes,
    /// What deleting each residual block costs
    Deletions,
}

/// `export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("of").required(true).args(["run", "grid"]))]
#[command(after_help = "Examples:
  blockscope export resnet20 --out resnet20.svg --view block-outputs
  blockscope export resnet20 --out column.pdf --outlines --width-mm 85 --font-size 7
  blockscope export resnet20 --out probes.pdf --figure probes
  blockscope export resnet20 --out cka.npy
  blockscope export resnet20 --out pruned.npy --mode pruned --residual-blocks 2.1,2.2
  blockscope export --grid depth,width --out figure.png --where data=cifar10")]
pub struct ExportArgs {
    /// A name in the runs folder, or the path of a run folder
    pub run: Option<String>,
    /// All runs as small multiples, rows by columns: two of depth, width, fraction, seed, epoch
    #[arg(long, value_name = "ROWS,COLUMNS")]
    pub grid: Option<String>,
    /// The file: .png, .svg, .pdf, and for a map .csv or .npy too; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What is drawn
    #[arg(long, value_enum, default_value = "map", conflicts_with = "grid")]
    pub figure: FigureArg,
    /// Which layers
    #[arg(long, value_enum, default_value = "all")]
    pub view: ViewArg,
    /// Which map
    #[arg(long, value_parser = map_mode(), default_value = "cka")]
    pub mode: MapMode,
    /// The pruned network's map instead: that without these residual blocks, as 2.3,2.4 (modes cka, pruned and se)
    #[arg(long, alias = "blocks", value_name = "BLOCKS", conflicts_with = "grid")]
    pub residual_blocks: Option<Bypass>,
    /// Colours: viridis, magma, inferno, cividis, grey, or one of your own themes' [default: the explorer's]
    #[arg(long, value_name = "NAME")]
    pub colormap: Option<String>,
    /// Of the runs, those with this depth, width, fraction, seed, epoch or data (may be repeated)
    #[arg(long = "where", value_name = "KEY=VALUE", requires = "grid")]
    pub only: Vec<String>,
    /// Outlines the block structures of the map of CKA
    #[arg(long, conflicts_with = "grid")]
    pub outlines: bool,
    /// Least mean CKA of a block structure, from 0 to 1; outlines them [default: 0.9]
    #[arg(long, value_name = "CKA", value_parser = |text: &str| within(text, &(0.0..=1.0)), conflicts_with = "grid")]
    pub threshold: Option<f64>,
    /// Least layers of a block structure; outlines them [default: 8, of block outputs 3, of convolutions 4]
    #[arg(long, value_name = "LAYERS", value_parser = clap::value_parser!(u16).range(2..), conflicts_with = "grid")]
    pub min_length: Option<u16>,
    /// First line of the figure instead of run, network and data; "" leaves it and the second line out
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Width of the figure in millimetres
    #[arg(long, value_name = "MM", value_parser = |text: &str| within(text, &Style::WIDTHS), default_value_t = Style::default().width_mm)]
    pub width_mm: f64,
    /// Height of curves and costs in millimetres [default: what suits]
    #[arg(long, value_name = "MM", value_parser = |text: &str| within(text, &Style::HEIGHTS), conflicts_with = "grid")]
    pub height_mm: Option<f64>,
    /// Pixels per inch of a PNG
    #[arg(long, value_name = "DPI", value_parser = |text: &str| within(text, &Style::RESOLUTIONS), default_value_t = Style::default().dpi)]
    pub dpi: f64,
    /// Size of the font in points
    #[arg(long, value_name = "POINTS", value_parser = |text: &str| within(text, &Style::FONT_SIZES), default_value_t = Style::default().font_size)]
    pub font_size: f64,
}

impl ExportArgs {
    /// How large the figure is.
    pub fn style(&self) -> Style {
        Style {
            width_mm: self.width_mm,
            height_mm: self.height_mm,
            dpi: self.dpi,
            font_size: self.font_size,
        }
    }
}

/// A number of a range.
fn within(text: &str, range: &RangeInclusive<f64>) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("use a number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_in_their_range() {
        assert_eq!(within(" 85.5 ", &Style::WIDTHS), Ok(85.5));
        for text in ["NaN", "inf", "-3", "39.9", "1e9", "", "8 5"] {
            let error = within(text, &Style::WIDTHS).unwrap_err();
            assert_eq!(error, "use a number from 40 to 500", "{text}");
        }
    }
}
