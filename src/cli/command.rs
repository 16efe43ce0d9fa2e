//! The whole command line: the types of `args` with the examples of every
//! subcommand and, as defaults, what the user's settings say.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::args::Cli;
use crate::config::Config;

/// Exit codes, for help and manual.
pub const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "success"),
    ("1", "the command failed"),
    ("2", "the command line or a setting is wrong, or the explorer has no terminal"),
    ("128+N", "ended by signal N (130 for Ctrl-C, 143 for SIGTERM)"),
];

/// Examples at the end of a subcommand's help, by its name. Subcommands with
/// examples of their own in `args` are not here.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "import",
        "  blockscope import resnet20.th --preset he --data cifar10:cifar --name resnet20
  blockscope import mine.safetensors --preset paper --data shapes --name mine --force",
    ),
    (
        "analyze",
        "  blockscope analyze resnet20 --data cifar10:cifar --examples 2048
  blockscope analyze resnet20 --data cifar10:cifar --skip-cka --probes",
    ),
    (
        "train",
        "  blockscope train --data shapes --depth 14 --epochs 20 --seed 0
  blockscope train --data cifar10:cifar --depth 38 --width 2 --fraction 0.015625 --epochs 100
  blockscope train --resume resnet14-w1-shapes-s0",
    ),
    ("attach", "  blockscope attach resnet14-w1-shapes-s0"),
    (
        "show",
        "  blockscope show resnet20                          tables
  blockscope show resnet20 --format plain           a sentence per line, for screen readers
  blockscope show resnet20 --layer layer3.2.relu2   one layer
  blockscope show resnet20 --table deletion         CSV of one table
  blockscope show resnet20 --format json | jq .analyses.blocks",
    ),
    (
        "migrate",
        "  blockscope migrate resnet20
  blockscope migrate --all --runs saved_runs",
    ),
    (
        "doctor",
        "  blockscope doctor
  blockscope doctor --device gpu",
    ),
    (
        "keys",
        "  blockscope keys                  keys as they are now
  blockscope keys --check          faults of your keys.ron
  blockscope keys --format md      the page docs/KEYS.md",
    ),
    (
        "themes",
        "  blockscope themes                       all themes and colour maps
  blockscope themes --dump dark           a theme's file, to start from
  blockscope themes --check mine.ron      faults of a file",
    ),
    (
        "completions",
        "  blockscope completions bash > ~/.local/share/bash-completion/completions/blockscope
  blockscope completions zsh > ~/.zfunc/_blockscope
  blockscope completions fish > ~/.config/fish/completions/blockscope.fish",
    ),
    (
        "man",
        "  blockscope man | man -l -
  blockscope man --dir ~/.local/share/man/man1",
    ),
];

/// Commands that compute and tell how far they are.
const COMPUTE: [&str; 5] = ["import", "analyze", "compare", "prune", "train"];
/// Commands about the program itself, which look at no run.
const ABOUT_ITSELF: [&str; 4] = ["keys", "themes", "completions", "man"];

/// True if an option of every command means something for one of them, or for the
/// explorer (`None`): where nothing is computed the device does not matter.
pub fn matters(command: Option<&str>, id: &str) -> bool {
    let Some(command) = command else { return true };
    let computes = COMPUTE.contains(&command);
    match id {
        "device" | "threads" => computes || command == "doctor",
        "no_animation" => computes,
        "color" => ["themes", "doctor"].contains(&command),
        "runs" => !ABOUT_ITSELF.contains(&command),
        _ => true,
    }
}

/// Reads the arguments of a command line.
///
/// # Errors
/// What clap says, or that options of the explorer were given to a command.
pub fn parse(
    command: Command,
    args: impl IntoIterator<Item = OsString>,
) -> clap::error::Result<Cli> {
    let mut usage = command.clone();
    let matches = command.try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let written = |id: &str| {
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let arguments: Vec<_> = usage.get_arguments().cloned().collect();
    // `doctor` tells what is wrong with them
    if let Some(name) = matches.subcommand_name().filter(|name| *name != "doctor") {
        let own =
            arguments.iter().find(|arg| !arg.is_global_set() && written(arg.get_id().as_str()));
        if let Some(arg) = own {
            let arg = match arg.get_long() {
                Some(long) => format!("--{long} before `{name}` is an option of the explorer"),
                None => format!("a run before `{name}` is opened by the explorer"),
            };
            let says =
                format!("{arg}; write what is for `{name}` behind it: blockscope {name} --help");
            return Err(usage.error(ErrorKind::ArgumentConflict, says));
        }
    }
    if let (Some(super::args::Command::Train(args)), Some((_, own))) =
        (&mut cli.command, matches.subcommand())
    {
        let written =
            own.ids().filter(|id| own.value_source(id.as_str()) == Some(ValueSource::CommandLine));
        args.written = written.map(|id| id.to_string()).collect();
    }
    for arg in arguments.iter().filter(|arg| arg.is_global_set()) {
        let id = arg.get_id().as_str();
        let (Some(long), true) = (arg.get_long(), written(id)) else { continue };
        let values = matches.get_raw(id).into_iter().flatten();
        let values = values.map(|value| value.to_string_lossy().into_owned());
        let words = match arg.is_require_equals_set() {
            true => values.map(|value| format!("--{long}={value}")).collect(),
            false => [format!("--{long}")].into_iter().chain(values).collect(),
        };
        cli.common.written.push((id.to_string(), words));
    }
    Ok(cli)
}

/// The command line; `settings` are defaults that flags and variables override.
pub fn command(settings: &Config) -> Command {
    // clap keeps defaults for the life of the program
    let defaults: Vec<(&str, &'static str)> = settings
        .defaults()
        .into_iter()
        .map(|(name, value)| (name, &*Box::leak(value.into_boxed_str())))
        .collect();
    let mut command = with_defaults(Cli::command(), &defaults);
    let globals: Vec<Arg> =
        command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_string()).collect();
    // all of them, since one that is changed moves to the end
    for name in names {
        let examples = EXAMPLES.iter().find(|(sub, _)| *sub == name);
        command = command.mut_subcommand(name, |sub| {
            let sub = with_defaults(sub, &defaults);
            // taken all the same, but not shown
            let hidden =
                globals.iter().filter(|arg| !matters(Some(sub.get_name()), arg.get_id().as_str()));
            let hidden: Vec<Arg> = hidden.map(|arg| arg.clone().hide(true)).collect();
            let sub = sub.args(hidden);
            match examples {
                Some((_, examples)) => sub.after_help(format!("Examples:\n{examples}")),
                None => sub,
            }
        });
    }
    let codes: Vec<String> =
        EXIT_CODES.iter().map(|(code, means)| format!("  {code:<6} {means}")).collect();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.after_help(format!("Exit codes:\n{}\n\n{examples}", codes.join("\n")))
}

fn with_defaults(command: Command, defaults: &[(&str, &'static str)]) -> Command {
    defaults.iter().fold(command, |command, (name, value)| match has(&command, name) {
        true => command.mut_arg(name, |arg| arg.default_value(*value)),
        false => command,
    })
}

/// True if a command has an option of its own of that name that may be left out.
fn has(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == name && !arg.is_required_set())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::FromArgMatches;

    use super::*;

    fn parse(settings: &str, args: &[&str]) -> Cli {
        let config = Config::parse(settings, Path::new("config.ron")).unwrap();
        let matches = command(&config).try_get_matches_from(args).unwrap();
        Cli::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn every_subcommand_ends_its_help_with_examples() {
        let mut command = command(&Config::default());
        command.clone().debug_assert();
        let names: Vec<String> =
            command.get_subcommands().map(|sub| sub.get_name().to_string()).collect();
        let written: Vec<String> =
            Cli::command().get_subcommands().map(|sub| sub.get_name().to_string()).collect();
        assert_eq!(names, written, "their order is that of `args`");
        for (name, _) in EXAMPLES {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
        for name in names {
            let sub = command.find_subcommand_mut(&name).unwrap();
            let help = sub.render_long_help().to_string();
            let (_, examples) = help.rsplit_once("Examples:\n").unwrap_or_else(|| {
                panic!("`{name} --help` has no examples: add them to EXAMPLES or to its type")
            });
            assert!(examples.lines().all(|l| l.starts_with("  blockscope ")), "{examples}");
            assert!(examples.contains(&format!("blockscope {name}")), "{examples}");
        }
        let help = command.render_long_help().to_string();
        assert!(help.contains("128+N") && help.contains("Examples:"), "{help}");
    }

    #[test]
    fn what_matters_for_which_command_is_said_of_commands_that_there_are() {
        let command = command(&Config::default());
        for name in COMPUTE.into_iter().chain(ABOUT_ITSELF).chain(["doctor"]) {
            assert!(command.find_subcommand(name).is_some(), "{name}");
        }
        let shown = |name: &str, id: &str| {
            let sub = command.find_subcommand(name).unwrap();
            sub.get_arguments().all(|arg| arg.get_id() != id || !arg.is_hide_set())
        };
        for arg in command.get_arguments().filter(|arg| arg.is_global_set()) {
            let id = arg.get_id().as_str();
            assert!(matters(None, id), "the explorer takes all of them");
            for sub in command.get_subcommands() {
                assert_eq!(shown(sub.get_name(), id), matters(Some(sub.get_name()), id));
            }
        }
    }

    #[test]
    fn every_option_that_a_setting_stands_for_has_a_variable() {
        let every = "(theme: \"a\", color: \"16\", colormap: \"b\", columns: \"test,map\", pictures: \"blocks\", \
                      mouse: false, hover: true, \
                     no_animation: true, runs: \"r\", data: \"shapes\", device: \"cpu\", \
                     threads: 2, log_file: \"l\", log_level: \"info\")";
        let config = Config::parse(every, Path::new("c")).unwrap();
        let command = command(&config);
        for (name, value) in config.defaults() {
            let arg = command.get_arguments().find(|arg| arg.get_id() == name).unwrap();
            let variable = arg.get_env().unwrap().to_str().unwrap();
            assert!(variable.starts_with("BLOCKSCOPE_"), "{variable}");
            assert_eq!(arg.get_default_values()[0].to_str(), Some(value.as_str()));
        }
    }

    #[test]
    fn a_negative_number_of_threads_leaves_cores_free() {
        for (given, cores, expected) in
            [("3", 8, 3), ("9", 8, 9), ("-1", 8, 7), ("-7", 8, 1), ("-8", 8, 1), ("-1", 1, 1)]
        {
            let settings = format!("(threads: {given})");
            for cli in [
                parse("()", &["blockscope", "--threads", given]),
                parse(&settings, &["blockscope"]),
            ] {
                let threads = cli.common.threads.unwrap();
                assert_eq!(super::super::options::threads(threads, cores), expected);
            }
        }
        for wrong in ["0", "two", "99999999"] {
            let error = command(&Config::default())
                .try_get_matches_from(["blockscope", "--threads", wrong])
                .unwrap_err();
            assert!(error.to_string().contains("-1 for all cores but one"), "{error}");
        }
    }

    #[test]
    fn flags_win_over_settings_and_settings_over_defaults() {
        let settings = "(theme: \"dark\", device: \"gpu\", hover: true, data: \"shapes\")";
        let cli = parse(settings, &["blockscope"]);
        assert_eq!(cli.screen.theme.as_deref(), Some("dark"));
        assert!(cli.screen.hover && cli.screen.mouse);
        assert_eq!(cli.common.device.to_string(), "gpu");
        assert_eq!(cli.data.map(|d| d.to_string()).as_deref(), Some("shapes"));
        let args =
            ["blockscope", "--theme", "mono", "--hover=off", "--device", "cpu", "--mouse", "off"];
        let cli = parse(settings, &args);
        assert_eq!(cli.screen.theme.as_deref(), Some("mono"));
        assert!(!cli.screen.hover && !cli.screen.mouse);
        assert_eq!(cli.common.device.to_string(), "cpu");
        assert!(parse("()", &["blockscope", "--hover"]).screen.hover);
        // options of subcommands too, and without a conflict with them
        let cli = parse(settings, &["blockscope", "analyze", "x"]);
        let Some(super::super::args::Command::Analyze(args)) = &cli.command else { panic!() };
        assert_eq!(args.data.as_ref().map(ToString::to_string).as_deref(), Some("shapes"));
    }

    #[test]
    fn the_sample_file_names_every_setting_and_says_what_holds_without_it() {
        let sample = include_str!("../../docs/config-sample.ron");
        let config = Config::parse(sample, Path::new("config-sample.ron")).unwrap();
        let debug = |settings: &str| format!("{:?}", parse(settings, &["blockscope"]));
        let differences = |cli: &str| cli.replace("theme: Some(\"blockscope\")", "theme: None");
        assert_eq!(differences(&debug(sample)), debug("()"));
        assert!(!config.defaults().is_empty());
        let names = Config::parse("(xyzzy: 1)", Path::new("c")).unwrap_err().to_string();
        let (_, names) = names.split_once("the settings are ").unwrap();
        for name in names.split(", ") {
            assert!(sample.contains(&format!("\n    {name}: ")), "{name}");
        }
    }
}
