//! The arguments of every subcommand. Types only.

mod export;

use std::num::NonZeroIsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use export::{ExportArgs, FigureArg};

use super::options::{
    CompletionsArgs, KeysArgs, ManArgs, ScreenArgs, TableArg, ThemesArgs, switch, thread_count,
};
use crate::app::MapMode;
use crate::data::DataSource;
use crate::domain::probes::Effort;
use crate::domain::record::Sample;
use crate::domain::{Bypass, Preset, View};
use crate::engine::DeviceChoice;
use crate::lab::plan::Images;

/// A terminal explorer for what neural networks learn, layer by layer.
///
/// Without a command, opens the explorer on the runs folder (or on the run that
/// PATH names).
#[derive(Debug, Parser)]
#[command(name = "blockscope", version, about)]
#[command(
    override_usage = "blockscope [OPTIONS] [PATH]\n       blockscope [GLOBAL OPTIONS] <COMMAND>"
)]
#[command(after_help = "Examples:
  blockscope                                    explore the shipped runs
  blockscope import resnet20.th --preset he --data cifar10:cifar --name resnet20
  blockscope analyze resnet20 --data cifar10:cifar --examples 1024
  blockscope resnet20                           explore that run
  blockscope show resnet20 --format json")]
pub struct Cli {
    /// A run to open: a name in the runs folder, or the path of a run folder.
    pub path: Option<String>,
    /// Test images of the runs, for pictures and for deleting residual blocks: cifar10:PATH, cifar100:PATH or folder:PATH
    #[arg(long, env = "BLOCKSCOPE_DATA")]
    pub data: Option<DataSource>,
    #[command(flatten)]
    /// How the explorer looks and listens.
    pub screen: ScreenArgs,
    #[command(flatten)]
    /// Options of every command.
    pub common: Common,
    /// What to do; the explorer if none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command takes, before or after its name.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Common {
    /// Those that were written, as words of a command line.
    #[arg(skip)]
    pub written: Vec<(String, Vec<String>)>,
    /// The runs folder [default: ./saved_runs if there is one, else the user's data folder]
    #[arg(long, value_name = "DIR", global = true, env = "BLOCKSCOPE_RUNS")]
    pub runs: Option<PathBuf>,
    /// Where to compute: auto, cpu, gpu or gpu:N
    #[arg(
        long,
        value_name = "DEVICE",
        global = true,
        env = "BLOCKSCOPE_DEVICE",
        default_value = "auto"
    )]
    pub device: DeviceChoice,
    /// CPU threads; -1 leaves one core to the interface [default: all cores]
    #[arg(
        long,
        value_name = "N",
        global = true,
        env = "BLOCKSCOPE_THREADS",
        value_parser = thread_count,
        allow_negative_numbers = true
    )]
    pub threads: Option<NonZeroIsize>,
    /// Colours of the explorer: auto, truecolor, 256, 16 or mono
    #[arg(
        long,
        value_name = "DEPTH",
        global = true,
        env = "BLOCKSCOPE_COLOR",
        default_value = "auto"
    )]
    pub color: String,
    /// Append log lines to FILE [default: the file that `blockscope doctor` names]
    #[arg(long, value_name = "FILE", global = true, env = "BLOCKSCOPE_LOG_FILE")]
    pub log_file: Option<PathBuf>,
    /// Lines that the log takes: off, error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        global = true,
        env = "BLOCKSCOPE_LOG",
        default_value = "warn"
    )]
    pub log_level: String,
    /// Less movement: lines of text instead of moving bars, and on screen progress at most twice a second
    #[arg(
        long,
        value_name = "SWITCH",
        global = true,
        env = "BLOCKSCOPE_NO_ANIMATION",
        action = clap::ArgAction::Set,
        value_parser = switch,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        default_value = "off",
        hide_default_value = true
    )]
    pub no_animation: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a run from a PyTorch or safetensors checkpoint and test it
    Import(ImportArgs),
    /// Compute CKA of all pairs of layers of a run, its first components, and linear probes
    Analyze(AnalyzeArgs),
    /// Compare runs: CKA between their layers, groups of seeds, predictions
    Compare(CompareArgs),
    /// Measure what deleting residual blocks costs, or write a pruned network
    Prune(PruneArgs),
    /// Train a network from scratch with the paper's recipe
    Train(TrainArgs),
    /// Follow the training of a run that another process, here or elsewhere, trains
    Attach(AttachArgs),
    /// Print a run and its analysis without a terminal
    Show(ShowArgs),
    /// Write a run's map, curves or costs, or the maps of many runs, as a figure or a table
    Export(ExportArgs),
    /// Convert runs and comparisons of an older format, in place
    Migrate(MigrateArgs),
    /// Print version, devices, colours and paths
    Doctor,
    /// Print the keys of all commands, or check your own
    Keys(KeysArgs),
    /// List themes and colour maps, print a theme's file, or check one
    Themes(ThemesArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

impl Command {
    /// True if it runs networks.
    pub fn computes(&self) -> bool {
        use Command::{Analyze, Compare, Doctor, Import, Prune, Train};
        matches!(self, Import(_) | Analyze(_) | Compare(_) | Prune(_) | Train(_) | Doctor)
    }
}

/// The value of `--preset`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PresetArg {
    /// Inputs in [0, 1], batch norm epsilon 1e-3 (the paper's code)
    Paper,
    /// ImageNet mean and deviation, epsilon 1e-5 (most PyTorch checkpoints)
    He,
}

impl From<PresetArg> for Preset {
    fn from(arg: PresetArg) -> Preset {
        match arg {
            PresetArg::Paper => Preset::Paper,
            PresetArg::He => Preset::He,
        }
    }
}

/// The value of `--sample`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SampleArg {
    /// The first test images in order
    First,
    /// A shuffled sample
    Random,
}

impl From<SampleArg> for Sample {
    fn from(arg: SampleArg) -> Sample {
        match arg {
            SampleArg::First => Sample::First,
            SampleArg::Random => Sample::Random,
        }
    }
}

/// `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// .th, .pt, .pth (zip or legacy) or .safetensors
    pub weights: PathBuf,
    /// What the checkpoint's tensors cannot tell: preprocessing and batch norm
    #[arg(long, value_enum, default_value = "he")]
    pub preset: PresetArg,
    /// Test images: shapes, cifar10:PATH, cifar100:PATH or folder:PATH
    #[arg(long, env = "BLOCKSCOPE_DATA")]
    pub data: DataSource,
    /// Name of the new run
    #[arg(long)]
    pub name: String,
    /// Mean subtracted from pixels in [0, 1], as R,G,B [default: the preset's]
    #[arg(long, value_parser = triple)]
    pub mean: Option<[f32; 3]>,
    /// Deviation that divides the rest, as R,G,B [default: the preset's]
    #[arg(long, value_parser = positive_triple)]
    pub std: Option<[f32; 3]>,
    /// The network has no residual connections
    #[arg(long)]
    pub no_residual: bool,
    /// The network to take of several in the file, by its name there
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Replace a run of that name
    #[arg(long)]
    pub force: bool,
}

/// The value of `--probes`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ProbesArg {
    /// 3,000 training images, 6 epochs
    Quick,
    /// All training images, 30 epochs
    Full,
}

impl From<ProbesArg> for Effort {
    fn from(arg: ProbesArg) -> Effort {
        match arg {
            ProbesArg::Quick => Effort::Quick,
            ProbesArg::Full => Effort::Full,
        }
    }
}

/// `analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// A name in the runs folder, or the path of a run folder
    pub run: String,
    /// Test images: shapes, cifar10:PATH, cifar100:PATH or folder:PATH [default: shapes for runs made of them]
    #[arg(long, env = "BLOCKSCOPE_DATA")]
    pub data: Option<DataSource>,
    /// Test images per pass [default: all]
    #[arg(long)]
    pub examples: Option<usize>,
    /// Images per batch
    #[arg(long, default_value_t = 256)]
    pub batch: usize,
    /// Passes over the images
    #[arg(long, default_value_t = 1)]
    pub passes: usize,
    /// How images are chosen
    #[arg(long, value_enum, default_value = "random")]
    pub sample: SampleArg,
    /// Seed of the random samples and of the probes
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Images of the first-component suite; 0 leaves it out [default: 1,024, or all]
    #[arg(long, value_name = "N")]
    pub pc_examples: Option<usize>,
    /// Leave out the CKA map and keep the one that is there
    #[arg(long)]
    pub skip_cka: bool,
    /// Leave out the predictions for all test images
    #[arg(long)]
    pub skip_predictions: bool,
    /// Then train linear probes before and after every residual connection: quick (3,000 training images, 6 epochs) or full (all, 30 epochs: minutes to hours) [default: quick]
    #[arg(
        long,
        value_enum,
        value_name = "RECIPE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "quick",
        hide_possible_values = true
    )]
    pub probes: Option<ProbesArg>,
    /// Passes over the probes' training images [default: the recipe's]
    #[arg(long, value_name = "EPOCHS", requires = "probes")]
    pub probe_epochs: Option<usize>,
    /// Training images for probes, balanced over classes, or all; a tenth of them is held out to choose by [default: the recipe's]
    #[arg(long, value_name = "IMAGES", requires = "probes", value_parser = images)]
    pub probe_train: Option<Images>,
}

/// `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  blockscope compare resnet20 resnet56 --data cifar10:cifar --examples 2048
  blockscope compare --group-a deep-s0,deep-s1 --group-b wide-s0,wide-s1 --without-pc1 --out report")]
pub struct CompareArgs {
    /// Names in the runs folder, or paths of run folders; those of the groups are added
    #[arg(value_name = "RUN")]
    pub names: Vec<String>,
    /// The runs' test images: shapes, cifar10:PATH, cifar100:PATH or folder:PATH [default: shapes for runs made of them]
    #[arg(long, env = "BLOCKSCOPE_DATA")]
    pub data: Option<DataSource>,
    /// Test images per pass [default: all]
    #[arg(long)]
    pub examples: Option<usize>,
    /// Images per batch
    #[arg(long, default_value_t = 256)]
    pub batch: usize,
    /// Passes over the images
    #[arg(long, default_value_t = 1)]
    pub passes: usize,
    /// How images are chosen
    #[arg(long, value_enum, default_value = "random")]
    pub sample: SampleArg,
    /// Seed of the random sample
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Seeds of one architecture
    #[arg(long, value_name = "RUN,RUN", value_delimiter = ',')]
    pub group_a: Vec<String>,
    /// Seeds of another architecture, to hold against group A
    #[arg(long, value_name = "RUN,RUN", value_delimiter = ',', requires = "group_a")]
    pub group_b: Vec<String>,
    /// Also compare with every layer's first component removed (slower)
    #[arg(long)]
    pub without_pc1: bool,
    /// Leave out predictions
    #[arg(long)]
    pub skip_predictions: bool,
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    pub format: ShowFormat,
    /// Write every matrix and table into DIR
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `prune`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["residual_blocks", "sweep", "lesions"]))]
#[command(after_help = "Examples:
  blockscope prune resnet20 --lesions --data cifar10:cifar
  blockscope prune resnet20 --residual-blocks 2.1,2.2 --data cifar10:cifar --map
  blockscope prune resnet20 --residual-blocks 2.1,2.2 --data cifar10:cifar --out resnet20-cut")]
pub struct PruneArgs {
    /// A name in the runs folder, or the path of a run folder
    pub run: String,
    /// Delete these residual blocks together: stage.block, counted from 0, as 2.3,2.4
    #[arg(long, alias = "blocks", value_name = "BLOCKS")]
    pub residual_blocks: Option<Bypass>,
    /// Prune each stage backwards from its end, one residual block more at a time
    #[arg(long)]
    pub sweep: bool,
    /// Delete each residual block alone
    #[arg(long)]
    pub lesions: bool,
    /// The run's test images: shapes, cifar10:PATH, cifar100:PATH or folder:PATH [default: shapes for runs made of them]
    #[arg(long, env = "BLOCKSCOPE_DATA")]
    pub data: Option<DataSource>,
    /// Test images, from the first on [default: all]
    #[arg(long)]
    pub examples: Option<usize>,
    /// Also compute the CKA map without --residual-blocks, over the images of the run's own map, unless it is kept already
    #[arg(long, requires = "residual_blocks")]
    pub map: bool,
    /// Write the network without --residual-blocks as a new run; its weights load in PyTorch
    #[arg(long, value_name = "NAME", requires = "residual_blocks", conflicts_with = "examples")]
    pub out: Option<String>,
    /// Replace a run of the name of --out
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Options that were written, by their names.
    #[arg(skip)]
    pub written: Vec<String>,
    /// Images: shapes, cifar10:PATH, cifar100:PATH or folder:PATH
    #[arg(long, env = "BLOCKSCOPE_DATA", required_unless_present = "resume")]
    pub data: Option<DataSource>,
    /// Go on with the training of a run that was stopped or killed, exactly as it would have gone on; all else is known, and --data is needed only where its images have moved
    #[arg(long, value_name = "RUN", conflicts_with_all = ["name", "force"])]
    pub resume: Option<String>,
    /// Depth 6n+2, from 8 to 218
    #[arg(long, default_value_t = 14)]
    pub depth: usize,
    /// Channel multiplier
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub width: f64,
    /// Share of the training images, balanced over classes
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub fraction: f64,
    /// Passes over the training images
    #[arg(long, default_value_t = 300)]
    pub epochs: usize,
    /// Seed of initial weights, order and augmentation
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Name of the new run [default: from depth, width, data and seed]
    #[arg(long)]
    pub name: Option<String>,
    /// Network family
    #[arg(long, value_enum, default_value = "paper")]
    pub preset: PresetArg,
    /// Without residual connections
    #[arg(long)]
    pub no_residual: bool,
    /// Images per step
    #[arg(long, default_value_t = 128)]
    pub batch: usize,
    /// Initial learning rate
    #[arg(long, default_value_t = 0.01, allow_negative_numbers = true)]
    pub lr: f64,
    /// L2 weight decay on kernels, as PyTorch counts it (the paper's 1e-4 in Keras is 2e-4 here)
    #[arg(long, default_value_t = 2e-4, allow_negative_numbers = true)]
    pub weight_decay: f64,
    /// Epochs between checkpoints (with a quick test); 0 for none
    #[arg(long, default_value_t = 10)]
    pub checkpoint_every: usize,
    /// Minutes between complete checkpoints, from which --resume goes on; 0 for none but those of epochs and signals
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, allow_negative_numbers = true)]
    pub checkpoint_minutes: f64,
    /// Store kernels as f16 (half the size; the final test uses them so)
    #[arg(long)]
    pub f16: bool,
    /// Replace a run of that name, when the new one is complete
    #[arg(long)]
    pub force: bool,
}

/// `attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// A name in the runs folder
    pub run: String,
}

/// The value of `--format`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ShowFormat {
    /// For people
    Table,
    /// A sentence per line, for screen readers
    Plain,
    /// Everything, for programs
    Json,
    /// One line per pair of layers, or per row of --table
    Csv,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A name in the runs folder, or the path of a run folder
    pub run: String,
    /// How to print it
    #[arg(long, value_enum, default_value = "table", conflicts_with = "table")]
    pub format: ShowFormat,
    /// Only this layer, with all that is known of it
    #[arg(long, value_name = "NAME", conflicts_with = "table")]
    pub layer: Option<String>,
    /// Print one table as CSV
    #[arg(long, value_enum, value_name = "TABLE")]
    pub table: Option<TableArg>,
}

/// `migrate`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["names", "all"]))]
pub struct MigrateArgs {
    /// Names in the runs folder, paths of run folders, or comparisons/NAME
    #[arg(value_name = "RUN")]
    pub names: Vec<String>,
    /// Every run and comparison of the runs folder
    #[arg(long)]
    pub all: bool,
}

/// The value of `--view`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ViewArg {
    /// Every layer
    All,
    /// The stem's ReLU and the output of every residual block
    BlockOutputs,
    /// Convolutions only
    Convs,
}

impl From<ViewArg> for View {
    fn from(arg: ViewArg) -> View {
        match arg {
            ViewArg::All => View::All,
            ViewArg::BlockOutputs => View::BlockOutputs,
            ViewArg::Convs => View::Convs,
        }
    }
}

/// Reads the value of `--mode`: a map of a measure in the registry, or standard errors.
fn map_mode() -> impl TypedValueParser<Value = MapMode> {
    let value = |mode: MapMode| PossibleValue::new(mode.option()).help(mode.name());
    PossibleValuesParser::new(MapMode::all().into_iter().map(value))
        .map(|name| MapMode::from_option(&name).unwrap_or_default())
}

fn images(text: &str) -> Result<Images, String> {
    match text {
        "all" => Ok(Images::All),
        count => {
            count.parse().map(Images::Count).map_err(|_| "use a number of images or all".into())
        }
    }
}

fn triple(text: &str) -> Result<[f32; 3], String> {
    let parts: Vec<f32> = text
        .split(',')
        .map(|part| part.trim().parse::<f32>().map_err(|_| format!("{part:?} is no number")))
        .collect::<Result<_, _>>()?;
    let finite = parts.iter().all(|v| v.is_finite());
    <[f32; 3]>::try_from(parts)
        .ok()
        .filter(|_| finite)
        .ok_or_else(|| "three finite numbers are needed, as 0.49,0.48,0.45".to_string())
}

fn positive_triple(text: &str) -> Result<[f32; 3], String> {
    let values = triple(text)?;
    match values.iter().all(|v| *v > 0.0) {
        true => Ok(values),
        false => Err("a standard deviation is above zero".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn triples_parse() {
        assert_eq!(triple("0.5, 1,2"), Ok([0.5, 1.0, 2.0]));
        assert!(triple("1,2").is_err() && triple("a,b,c").is_err() && triple("1,2,NaN").is_err());
    }
}
