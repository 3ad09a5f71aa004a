//! Opens files of the folder, and none outside of it.
//!
//! A symbolic link may lead to another place of the folder. So the path is resolved first, and
//! refused where it ends outside or at something hidden. Then the resolved path, which has no link
//! in it, is opened name by name without following any: a link that another program puts there
//! meanwhile opens nothing.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use http::StatusCode;
use httpdate::HttpDate;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::condition::Validators;
use super::names;

/// A file that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) validators: Validators,
}

/// Why there is no file: a status and a sentence about `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoFile {
    /// Nothing is there, or nothing that may be seen.
    NotThere,
    /// It is a folder.
    IsFolder,
    /// The system does not let the server read it.
    Forbidden,
    /// The system is out of something.
    Trouble,
}

impl NoFile {
    /// What the client gets.
    pub(super) fn answer(self, name: &str) -> (StatusCode, String) {
        match self {
            Self::NotThere => (
                StatusCode::NOT_FOUND,
                format!("there is no file `{name}` in the folder; / lists what can be played"),
            ),
            Self::IsFolder => (
                StatusCode::NOT_FOUND,
                format!("`{name}` is a folder; / lists what can be played in it"),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                format!("the server may not read `{name}`; chmod a+r lets it"),
            ),
            Self::Trouble => {
                (StatusCode::SERVICE_UNAVAILABLE, format!("`{name}` cannot be read now; come back"))
            }
        }
    }
}

impl From<io::Error> for NoFile {
    fn from(e: io::Error) -> Self {
        match e.raw_os_error().map(Errno::from_raw) {
            // ELOOP: a link in a resolved path, which was put there meanwhile.
            Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG) => {
                Self::NotThere
            }
            Some(Errno::EACCES | Errno::EPERM) => Self::Forbidden,
            _ => Self::Trouble,
        }
    }
}

/// Where `path` ends, relative to the folder `root`.
pub(super) fn resolve(root: &Path, path: &Path) -> Result<(PathBuf, PathBuf), NoFile> {
    let root = root.canonicalize()?;
    let end = root.join(path).canonicalize()?;
    let inside = end.strip_prefix(&root).map_err(|_| NoFile::NotThere)?;
    if names::is_hidden(inside) {
        return Err(NoFile::NotThere);
    }
    let inside = inside.to_owned();
    Ok((root, inside))
}

/// Opens a file.
pub(super) fn open(root: &Path, path: &Path) -> Result<Opened, NoFile> {
    let (root, inside) = resolve(root, path)?;
    let mut at: std::os::fd::OwnedFd = File::open(root)?.into();
    // Without O_NONBLOCK a named pipe would be waited for.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    for name in &inside {
        at = openat(&at, name, flags, Mode::empty()).map_err(io::Error::from)?;
    }
    let file = File::from(at);
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(NoFile::IsFolder);
    }
    if !about.is_file() {
        return Err(NoFile::NotThere);
    }
    Ok(Opened { file, length: about.len(), validators: validators(&about)? })
}

fn validators(about: &Metadata) -> io::Result<Validators> {
    let ns = about.mtime().wrapping_mul(1_000_000_000).wrapping_add(about.mtime_nsec());
    let identity = [about.dev(), about.ino(), about.len(), ns.cast_unsigned()];
    let changed = about.modified()?;
    // A time in the future is no age.
    Ok(Validators::new(identity, HttpDate::from(changed), changed.elapsed().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_is_inside_and_not_hidden_is_opened() {
        let base = std::env::temp_dir().join(format!("nearlive-open-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let root = base.join("root");
        fs::create_dir_all(root.join("hls/.git")).unwrap();
        fs::create_dir_all(base.join("rootless")).unwrap();
        for name in ["root/hls/a b.ts", "root/.env", "root/hls/.git/x", "secret", "rootless/x"] {
            fs::write(base.join(name), name).unwrap();
        }
        for (link, to) in [
            ("good.ts", "hls/a b.ts"),
            ("hls/up.ts", "../good.ts"),
            ("out", "../secret"),
            ("outside", ".."),
            ("near", "../rootless"),
            ("env", ".env"),
            ("round", "round"),
            ("nothing", "gone"),
        ] {
            symlink(to, root.join(link)).unwrap();
        }
        symlink(root.join("hls"), root.join("whole")).unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), Mode::S_IRWXU).unwrap();
        let text = |path: &str| {
            let mut text = String::new();
            open(&root, Path::new(path))
                .map(|mut it| it.file.read_to_string(&mut text))
                .map(|_| text)
        };
        for path in ["hls/a b.ts", "good.ts", "hls/up.ts", "whole/a b.ts"] {
            assert_eq!(text(path).as_deref(), Ok("root/hls/a b.ts"), "{path}");
        }
        for path in [
            "out",
            "outside/secret",
            "near/x",
            "env",
            "round",
            "nothing",
            "pipe",
            "gone",
            "good.ts/x",
            "whole/.git/x",
            "../secret",
        ] {
            assert_eq!(text(path), Err(NoFile::NotThere), "{path}");
        }
        assert_eq!(text("hls"), Err(NoFile::IsFolder));
        assert_eq!(text(&"x".repeat(300)), Err(NoFile::NotThere));
        fs::remove_dir_all(base).unwrap();
    }
}
