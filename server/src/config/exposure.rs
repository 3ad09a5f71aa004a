//! Which other users can read a file with passwords in it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The users who can read a file besides its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Every user of the machine.
    All,
    /// The members of a group that is not the one the server runs in.
    Group,
}

/// The users who can read the file of `metadata`; `None` if no other can, or if it is not a file
/// (only we read a pipe).
pub(super) fn of(metadata: &Metadata) -> Option<Readers> {
    if !metadata.is_file() {
        return None;
    }
    readers(metadata.mode(), metadata.gid(), nix::unistd::getegid().as_raw())
}

/// A file of the server's own group is readable by that group so that the server can read it.
const fn readers(mode: u32, group: u32, own: u32) -> Option<Readers> {
    match (mode & 0o004, mode & 0o040) {
        (0, 0) => None,
        (0, _) if group == own => None,
        (0, _) => Some(Readers::Group),
        _ => Some(Readers::All),
    }
}

/// The warning, with the command that fixes it.
pub(super) fn warning(who: Readers, path: &Path) -> String {
    let who = match who {
        Readers::All => "every user of this machine can",
        Readers::Group => "other users, the members of its group, can",
    };
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    let word = if path.chars().all(plain) && !path.starts_with('-') {
        path.clone()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    };
    format!("{who} read the passwords in {path}; this mends it: chmod 600 {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_read_a_file_follows_from_its_mode_and_its_group() {
        for (mode, group, who) in [
            (0o100_600, 7, None),
            (0o100_400, 7, None),
            (0o100_640, 7, None),
            (0o100_640, 8, Some(Readers::Group)),
            (0o100_644, 7, Some(Readers::All)),
            (0o100_604, 7, Some(Readers::All)),
            (0o100_666, 8, Some(Readers::All)),
        ] {
            assert_eq!(readers(mode, group, 7), who, "{mode:o} of group {group}");
        }
    }

    #[test]
    fn the_command_is_one_that_a_shell_takes() {
        for (path, command) in [
            ("/etc/nearlive.toml", "chmod 600 /etc/nearlive.toml"),
            ("my cameras.toml", "chmod 600 'my cameras.toml'"),
            ("it's.toml", "chmod 600 'it'\\''s.toml'"),
        ] {
            let said = warning(Readers::All, Path::new(path));
            assert!(said.ends_with(command), "{said}");
        }
    }
}
