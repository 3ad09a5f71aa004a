//! Folders and files of traces and films, with sentences for people where they cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

/// A file's text.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// What a folder holds, by name.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let all = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut all: Vec<_> = all.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.sort();
    Ok(all)
}

/// A name without folder and ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes a picture into a folder, which is made where it is missing.
pub(crate) fn picture(folder: &Path, name: &str, svg: &str) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    write(&folder.join(name).with_extension("svg"), svg)
}

/// The folders of sets in the folder of traces: those that are named, or all.
pub(crate) fn sets(traces: &Path, named: &[String]) -> Result<Vec<PathBuf>, String> {
    let folders = entries(traces)?.into_iter().filter(|it| it.is_dir());
    let wanted = |it: &PathBuf| named.is_empty() || named.contains(&stem(it));
    Ok(folders.filter(wanted).collect())
}
