//! PURE: the lines of ffmpeg's muxer "framecrc": one for each packet, as it comes.

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A tick of the stream's times, in seconds: numerator and denominator.
    TimeBase(u32, u32),
    /// A packet.
    Packet(Packet),
}

/// A coded picture, or some sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// When it is to be shown, in ticks, where the stream says.
    pub(super) pts: Option<i64>,
    pub(super) bytes: u64,
    /// A viewer can begin at it.
    pub(super) key: bool,
}

/// Reads `0, dts, pts, duration, size, 0xcrc[, F=0xflags][, S=...]` or `#tb 0: 1/90000`.
pub(super) fn line(text: &str) -> Option<Line> {
    if let Some(rest) = text.strip_prefix("#tb 0:") {
        let (n, d) = rest.trim().split_once('/')?;
        let (n, d) = (n.parse().ok()?, d.parse().ok()?);
        return (n > 0 && d > 0).then_some(Line::TimeBase(n, d));
    }
    let mut fields = text.split(',').map(str::trim);
    let mut numbers = [0; 5];
    for number in &mut numbers {
        *number = fields.next()?.parse().ok()?;
    }
    let [_, _, pts, _, size] = numbers;
    let _crc = fields.next()?;
    // Without flags: only the one of a key frame is set.
    let flags = fields.find_map(|field| field.strip_prefix("F=0x"));
    let key = flags.is_none_or(|flags| u32::from_str_radix(flags, 16).is_ok_and(|f| f & 1 == 1));
    // AV_NOPTS_VALUE of libavutil.
    let pts = (pts != i64::MIN).then_some(pts);
    Some(Line::Packet(Packet { pts, bytes: u64::try_from(size).ok()?, key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_ffmpeg_are_read_and_others_are_not() {
        let packet = |pts, bytes, key| Some(Line::Packet(Packet { pts: Some(pts), bytes, key }));
        let timeless = Some(Line::Packet(Packet { pts: None, bytes: 9, key: false }));
        for (text, read) in [
            ("#tb 0: 1/90000", Some(Line::TimeBase(1, 90_000))),
            ("#tb 0: 1/0", None),
            ("#codec_id 0: h264", None),
            (
                "0,          0,      41792,        0,    62204, 0xed6b36f6, S=1,       16",
                packet(41_792, 62_204, true),
            ),
            (
                "0,          0,      45392,        0,     1414, 0x542ab4b5, F=0x0, S=1,       16",
                packet(45_392, 1414, false),
            ),
            ("0, -3600, -1, 3600, 9, 0x1, F=0x5", packet(-1, 9, true)),
            ("0, 0, -9223372036854775808, 0, 9, 0x1, F=0x0", timeless),
            ("0, 1, 2, 3", None),
            ("0, 1, 2, 3, -4, 0x1", None),
            ("", None),
        ] {
            assert_eq!(line(text), read, "{text}");
        }
    }
}
