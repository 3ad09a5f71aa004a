//! A part of an open file as the body of an answer.
//!
//! The answer promises a number of bytes before the first is read. A file that another program
//! replaces meanwhile stays as it was for who has it open; of one that grows, the bytes that were
//! promised are sent; one that shrinks is an error, which ends the connection, so that the client
//! does not take another file's bytes for the rest. At most two pieces are in memory.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

/// Bytes read at a time: few enough for many clients, enough for a fast disk.
const PIECE: u64 = 128 << 10;

/// What is still to be sent of a file.
pub(super) struct Disk {
    file: Arc<File>,
    part: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Disk {
    /// These bytes of `file`, which has them now.
    pub(super) fn new(file: File, part: Range<u64>) -> Self {
        Self { file: Arc::new(file), part, reading: None }
    }

    /// How many bytes are still to come.
    pub(super) fn left(&self) -> u64 {
        self.part.end.saturating_sub(self.part.start)
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left() == 0 {
            return Poll::Ready(None);
        }
        let (file, part) = (&self.file, &self.part);
        let reading = self.reading.get_or_insert_with(|| {
            let (file, part) = (Arc::clone(file), part.clone());
            tokio::task::spawn_blocking(move || piece(&file, part))
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let piece = read.unwrap_or_else(|e| Err(io::Error::other(e)));
        if let Ok(bytes) = &piece {
            self.part.start += bytes.len() as u64;
        }
        Poll::Ready(Some(piece))
    }
}

/// The first bytes of `part`, at least one.
fn piece(file: &File, part: Range<u64>) -> io::Result<Bytes> {
    let shorter = || io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter");
    let size = part.end.saturating_sub(part.start).min(PIECE);
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, part.start + read as u64) {
            Ok(0) => return Err(shorter()),
            Ok(n) => read += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    // It may have been emptied and be on its way to its old length: then these bytes are of a
    // new content.
    if file.metadata()?.len() < part.end { Err(shorter()) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write as _;

    fn file(name: &str, bytes: &[u8]) -> (std::path::PathBuf, File) {
        let path = std::env::temp_dir().join(format!("nearlive-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let file = File::open(&path).unwrap();
        (path, file)
    }

    async fn rest(disk: &mut Disk) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(bytes) = poll_fn(|cx| disk.poll_next(cx)).await {
            all.extend(bytes?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn what_grows_or_is_replaced_is_sent_as_it_was_promised() {
        let long = vec![7; 300_000];
        let (path, open) = file("grows", &long);
        let mut disk = Disk::new(open, 1..300_000);
        assert_eq!(poll_fn(|cx| disk.poll_next(cx)).await.unwrap().unwrap().len(), 128 << 10);
        let mut more = File::options().append(true).open(&path).unwrap();
        more.write_all(&long).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"another").unwrap();
        assert_eq!(disk.left(), 299_999 - (128 << 10));
        assert_eq!(rest(&mut disk).await.unwrap().len(), 299_999 - (128 << 10));
        assert_eq!(disk.left(), 0);
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn what_shrinks_ends_with_an_error() {
        let (path, open) = file("shrinks", &vec![7; 300_000]);
        let mut disk = Disk::new(open, 0..300_000);
        assert!(poll_fn(|cx| disk.poll_next(cx)).await.unwrap().is_ok());
        // Written anew, and as far as the next piece already.
        std::fs::write(&path, vec![8; 290_000]).unwrap();
        let e = rest(&mut disk).await.unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof);
        std::fs::remove_file(path).unwrap();
    }
}
