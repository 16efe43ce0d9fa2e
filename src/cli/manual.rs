//! `blockscope man` and `blockscope completions`: made from the command line's own
//! types, so that they cannot drift from it.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::command::{EXIT_CODES, command};
use super::options::{CompletionsArgs, ManArgs, ShellArg};
use super::{ExitCode, Failure};
use crate::config::Config;

/// Files that the program reads and writes, for the manual.
const FILES: [(&str, &str); 7] = [
    ("$XDG_CONFIG_HOME/blockscope/config.ron", "settings; docs/config-sample.ron has them all"),
    ("$XDG_CONFIG_HOME/blockscope/keys.ron", "keys; blockscope keys lists the commands"),
    ("$XDG_CONFIG_HOME/blockscope/themes/*.ron", "themes; docs/THEMES.md explains them"),
    ("$XDG_STATE_HOME/blockscope/blockscope.log", "the log"),
    ("$XDG_DATA_HOME/blockscope/runs", "the runs folder, where there is no ./saved_runs"),
    ("RUN/run.ron", "what a run is; weights.safetensors beside it"),
    ("RUN/analysis", "what was computed from it"),
];

/// Prints completions.
pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let shell = match args.shell {
        ShellArg::Bash => Shell::Bash,
        ShellArg::Zsh => Shell::Zsh,
        ShellArg::Fish => Shell::Fish,
    };
    super::output::print_bytes(&script(shell))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(&Config::default()), "blockscope", &mut script);
    script
}

/// Prints the whole manual, or writes a page for each subcommand.
pub fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let Some(dir) = &args.dir else {
        super::output::print_bytes(&manual(true)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(dir).map_err(|error| {
        Failure::from(io::Error::new(error.kind(), format!("{}: {error}", dir.display())))
    })?;
    let write = |name: &str, page: &[u8]| -> Result<(), Failure> {
        let path = Path::new(dir).join(name);
        crate::files::atomic(&path, page)?;
        say!("{}", path.display());
        Ok(())
    };
    write("blockscope.1", &manual(false)?)?;
    for sub in subcommands(&built()) {
        let man = Man::new(sub.clone());
        let mut page = Vec::new();
        man.render(&mut page)?;
        write(&man.get_filename(), &page)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn built() -> Command {
    let mut command = command(&Config::default());
    command.build();
    command
}

/// The subcommands without options that every command takes.
fn subcommands(command: &Command) -> Vec<Command> {
    let own = command.get_subcommands().filter(|sub| sub.get_name() != "help");
    own.map(|sub| {
        sub.clone().mut_args(|arg| {
            let global = arg.is_global_set();
            arg.hide(global)
        })
    })
    .collect()
}

/// The page of the program; with `whole`, every subcommand's part is in it.
fn manual(whole: bool) -> io::Result<Vec<u8>> {
    let command = built();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (_, examples) = examples.split_once("Examples:\n").unwrap_or_default();
    let man = Man::new(command.clone().after_help(None));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_subcommands_section(&mut page)?;
    if whole {
        for sub in subcommands(&command) {
            let title = format!("blockscope {}", sub.get_name());
            writeln!(page, ".SH \"{}\"", title.to_uppercase())?;
            let man = Man::new(sub);
            let mut part = Vec::new();
            man.render_synopsis_section(&mut part)?;
            man.render_description_section(&mut part)?;
            man.render_options_section(&mut part)?;
            man.render_extra_section(&mut part)?;
            // sections of a section
            page.extend(String::from_utf8_lossy(&part).replace(".SH ", ".SS ").into_bytes());
        }
    }
    entries(&mut page, "EXIT STATUS", EXIT_CODES.map(|(a, b)| (a.into(), b.into())))?;
    let variables = command.get_arguments().filter_map(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some((arg.get_env()?.to_string_lossy().into_owned(), help))
    });
    let folder = (
        crate::config::paths::FOLDER_VARIABLE.to_string(),
        "The folder of config.ron, keys.ron and themes".to_string(),
    );
    entries(&mut page, "ENVIRONMENT", variables.chain([folder]))?;
    entries(&mut page, "FILES", FILES.map(|(a, b)| (a.into(), b.into())))?;
    writeln!(page, ".SH EXAMPLES\n.nf")?;
    for line in examples.lines() {
        writeln!(page, "{}", escaped(line))?;
    }
    writeln!(page, ".fi")?;
    Ok(page)
}

/// A section of terms and what they mean.
fn entries(
    page: &mut Vec<u8>,
    title: &str,
    entries: impl IntoIterator<Item = (String, String)>,
) -> io::Result<()> {
    writeln!(page, ".SH \"{title}\"")?;
    for (term, means) in entries {
        writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(&term), escaped(&means))?;
    }
    Ok(())
}

/// A line of text that is no request of the formatter.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_option_variable_and_exit_code() {
        let page = String::from_utf8(manual(true).unwrap()).unwrap();
        let plain = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
        for sub in subcommands(&built()) {
            let title = format!(".SH \"BLOCKSCOPE {}\"", sub.get_name().to_uppercase());
            assert!(plain.contains(&title), "{title}");
            for arg in sub.get_arguments().filter(|arg| !arg.is_hide_set()) {
                if let Some(long) = arg.get_long() {
                    assert!(plain.contains(&format!("--{long}")), "{long} of {}", sub.get_name());
                }
            }
        }
        for part in [
            ".SH \"EXIT STATUS\"\n.TP\n0\nsuccess",
            "128+N\nended by signal",
            ".TP\nBLOCKSCOPE_NO_ANIMATION\n",
            ".TP\nBLOCKSCOPE_CONFIG\n",
            "keys.ron",
            ".SH EXAMPLES",
            "blockscope show resnet20 --format json",
        ] {
            assert!(plain.contains(part), "{part:?} is not in {plain}");
        }
    }

    #[test]
    fn every_shell_completes_every_subcommand() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(script(shell)).unwrap();
            for sub in command(&Config::default()).get_subcommands() {
                assert!(text.contains(sub.get_name()), "{shell}: {}", sub.get_name());
            }
            assert!(text.contains("no-animation") && text.contains("doctor"));
        }
    }
}
