//! Bytes as a rope, in which media data are only counted.
//!
//! An hour of 4 Mb/s is 1.8 GB. Nothing reads the inside of an `mdat`, so a run of zeros is
//! one number, and headers are shared, not copied.

use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Part {
    Bytes { all: Arc<Vec<u8>>, from: usize, to: usize },
    Zeros(u64),
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes { from, to, .. } => count(to - from),
            Self::Zeros(n) => *n,
        }
    }
}

/// A string of bytes.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    parts: VecDeque<Part>,
    len: u64,
}

impl Payload {
    /// `n` zeros.
    pub fn zeros(n: u64) -> Self {
        let mut p = Self::default();
        p.push(Part::Zeros(n));
        p
    }

    /// How many bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is empty.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn push(&mut self, part: Part) {
        let n = part.len();
        if n == 0 {
            return;
        }
        self.len += n;
        if let (Some(Part::Zeros(last)), Part::Zeros(more)) = (self.parts.back_mut(), &part) {
            *last += more;
        } else {
            self.parts.push_back(part);
        }
    }

    /// Adds `other` at the end.
    pub fn append(&mut self, other: Self) {
        for part in other.parts {
            self.push(part);
        }
    }

    /// Adds bytes at the end; a long run of zeros at their end is only counted.
    pub fn append_media(&mut self, bytes: &[u8], zeros: u64) {
        if !bytes.is_empty() {
            let to = bytes.len();
            self.push(Part::Bytes { all: Arc::new(bytes.to_vec()), from: 0, to });
        }
        self.push(Part::Zeros(zeros));
    }

    /// Takes the first `n` bytes away (all, when there are fewer).
    pub fn take(&mut self, n: u64) -> Self {
        let mut out = Self::default();
        let mut left = n.min(self.len);
        self.len -= left;
        while left > 0 {
            let Some(front) = self.parts.front_mut() else { break };
            let len = front.len();
            if len <= left {
                left -= len;
                if let Some(part) = self.parts.pop_front() {
                    out.push(part);
                }
                continue;
            }
            match front {
                Part::Zeros(z) => {
                    *z -= left;
                    out.push(Part::Zeros(left));
                }
                Part::Bytes { all, from, .. } => {
                    let cut = *from + usize::try_from(left).unwrap_or(0);
                    out.push(Part::Bytes { all: Arc::clone(all), from: *from, to: cut });
                    *from = cut;
                }
            }
            left = 0;
        }
        out
    }

    /// Takes the first `n` bytes away and writes them to `out` (all, when there are fewer).
    pub fn read(&mut self, n: usize, out: &mut Vec<u8>) {
        let head = self.take(count(n));
        head.copy_to(out);
    }

    /// Writes all to `out`.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Bytes { all, from, to } => {
                    out.extend_from_slice(all.get(*from..*to).unwrap_or_default());
                }
                Part::Zeros(n) => {
                    out.resize(out.len() + usize::try_from(*n).unwrap_or(0), 0);
                }
            }
        }
    }

    /// As a vector.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        self.copy_to(&mut out);
        out
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        let mut p = Self::default();
        let to = bytes.len();
        p.push(Part::Bytes { all: Arc::new(bytes), from: 0, to });
        p
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

/// A length as a number of bytes.
pub(crate) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_inside_bytes_and_zeros_lose_nothing() {
        let mut p = Payload::from("head");
        p.append_media(&[], 5);
        p.append("tail".into());
        let all = p.to_vec();
        let mut got = Vec::new();
        for n in [1, 2, 3, 4, 1, 9] {
            got.extend(p.take(n).to_vec());
        }
        assert_eq!((got, p.len()), (all, 0));
    }
}
