//! Finds what can be played in the folder: manifests, and films that no manifest names.
//!
//! A film beside or below a manifest is taken for a part of it (an initialization segment, a rung).
//! Folders are walked a few levels deep and entries counted, so that a whole disk costs no more
//! than a web root. Links to folders are not walked: they may lead in a circle.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::names::{self, Kind};
use super::open;

/// How many folders below the one that is handed out are walked.
const DEEPEST: usize = 4;

/// How many files and folders are looked at.
const MOST_LOOKED_AT: usize = 20_000;

/// How many are listed.
const MOST_LISTED: usize = 500;

/// What can be played.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// By path.
    pub(super) entries: Vec<Entry>,
    /// There may be more.
    pub(super) cut: bool,
}

/// Something that can be played.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// In the folder.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// How long it has not changed.
    pub(super) age: Option<Duration>,
}

/// Walks the folder `root`.
pub(super) fn list(root: &Path) -> List {
    let mut walk = Walk { root, looked_at: 0, list: List::default() };
    walk.folder(Path::new(""), 0, false);
    let mut list = walk.list;
    list.entries.sort_by(|a, b| a.path.cmp(&b.path));
    list.cut |= list.entries.len() > MOST_LISTED;
    list.entries.truncate(MOST_LISTED);
    list
}

struct Walk<'a> {
    root: &'a Path,
    looked_at: usize,
    list: List,
}

impl Walk<'_> {
    /// Walks one folder; `named`: a manifest stands above it.
    fn folder(&mut self, path: &Path, depth: usize, named: bool) {
        // What cannot be read has nothing to play.
        let Ok(entries) = fs::read_dir(self.root.join(path)) else { return };
        let (mut folders, mut films) = (Vec::new(), Vec::new());
        let mut manifests = 0;
        for entry in entries.flatten() {
            self.looked_at += 1;
            if self.looked_at > MOST_LOOKED_AT {
                self.list.cut = true;
                break;
            }
            let path = path.join(entry.file_name());
            let Ok(of) = entry.file_type() else { continue };
            if names::is_hidden(&path) {
                continue;
            }
            match Kind::of(&path) {
                _ if of.is_dir() => folders.push(path),
                Kind::Other => {}
                kind if of.is_file() || self.is_inside(&path) => {
                    let found = Entry { path, kind, age: age(&entry) };
                    if kind.is_manifest() {
                        manifests += 1;
                        self.list.entries.push(found);
                    } else {
                        films.push(found);
                    }
                }
                _ => {}
            }
        }
        let named = named || manifests > 0;
        if !named {
            self.list.entries.extend(films);
        }
        if depth == DEEPEST {
            self.list.cut |= !folders.is_empty();
            return;
        }
        for folder in folders {
            self.folder(&folder, depth + 1, named);
        }
    }

    /// Whether a link leads to a file of the folder.
    fn is_inside(&self, path: &Path) -> bool {
        open::resolve(self.root, path).is_ok_and(|(root, end)| root.join(end).is_file())
    }
}

fn age(entry: &DirEntry) -> Option<Duration> {
    fs::metadata(entry.path()).ok()?.modified().ok()?.elapsed().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str, files: &[&str]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("nearlive-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    fn paths(list: &List) -> Vec<&str> {
        list.entries.iter().map(|e| e.path.to_str().unwrap()).collect()
    }

    #[test]
    fn manifests_and_lone_films_are_listed() {
        let root = folder(
            "list",
            &[
                "hls/My camera.m3u8",
                "hls/My camera1.ts",
                "hls/720p/init.mp4",
                "hls/720p/stream.m3u8",
                "hls/live.m3u8.tmp",
                "dash/live.mpd",
                "dash/init-stream0.webm",
                "films/Tür.webm",
                "films/b.mp4",
                ".hidden/a.m3u8",
                "films/.a.mp4",
            ],
        );
        symlink("/etc/hostname", root.join("films/out.mp4")).unwrap();
        symlink("../films/b.mp4", root.join("films/in.mp4")).unwrap();
        symlink("..", root.join("films/round")).unwrap();
        let found = list(&root);
        let all = [
            "dash/live.mpd",
            "films/Tür.webm",
            "films/b.mp4",
            "films/in.mp4",
            "hls/720p/stream.m3u8",
            "hls/My camera.m3u8",
        ];
        assert_eq!(paths(&found), all);
        assert!(!found.cut && found.entries.iter().all(|e| e.age.is_some()));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_deep_or_full_folder_is_listed_in_part_and_says_so() {
        let root = folder("deep", &["1/2/3/4/a.mpd", "1/2/3/4/5/b.mpd"]);
        let found = list(&root);
        assert_eq!(paths(&found), ["1/2/3/4/a.mpd"]);
        assert!(found.cut);
        fs::remove_dir_all(&root).unwrap();
        let many: Vec<String> = (0..=MOST_LISTED).map(|n| format!("{n:04}.mpd")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let root = folder("many", &many);
        let found = list(&root);
        assert!(found.cut && paths(&found) == many[..MOST_LISTED]);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(list(&root), List::default());
    }
}
