//! Where the user's files lie.

use std::env;
use std::path::PathBuf;

use directories::ProjectDirs;

pub use crate::files::browse::expand;

/// The variable that moves the folder of the user's files.
pub const FOLDER_VARIABLE: &str = "BLOCKSCOPE_CONFIG";

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "blockscope")
}

/// The folder of the user's files: `BLOCKSCOPE_CONFIG`, else `blockscope` in the
/// system's place for configuration (`$XDG_CONFIG_HOME`, by default `~/.config`).
pub fn folder() -> PathBuf {
    let chosen = env::var_os(FOLDER_VARIABLE).filter(|path| !path.is_empty());
    chosen.map(PathBuf::from).unwrap_or_else(|| {
        project().map_or_else(|| PathBuf::from(".blockscope"), |dirs| dirs.config_dir().into())
    })
}

/// The settings.
pub fn settings() -> PathBuf {
    folder().join("config.ron")
}

/// The key map.
pub fn keys() -> PathBuf {
    folder().join("keys.ron")
}

/// The user's themes.
pub fn themes() -> PathBuf {
    folder().join("themes")
}

/// The log, unless `--log-file` names another: `blockscope.log` in the system's
/// place for state (`$XDG_STATE_HOME/blockscope`, by default
/// `~/.local/state/blockscope`). `None` if there is no home.
pub fn log() -> Option<PathBuf> {
    let dirs = project()?;
    let folder = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Some(folder.join("blockscope.log"))
}
