//! The whole border between the player and its driver.

use super::config::Config;
use super::event::{Event, QualityChoice};
pub use crate::buffer::clip::Window;
use crate::media::scan::{Fact, InitTrack};
pub use crate::time::Span;
use crate::time::{Duration, Instant, Position, WallTime};
use crate::units::{ByteRange, Rate};
use alloc::string::String;
use alloc::vec::Vec;

/// Names a request, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u32);

/// Names a track that is played, and its SourceBuffer. Never used twice while one address is
/// loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u32);

/// Names media bytes that the driver keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u32);

/// An input: what the driver tells the player.
#[derive(Clone, Debug)]
pub enum Input {
    /// The page calls the player.
    Command(Command),
    /// Something happened to a request.
    Fetch(FetchId, FetchEvent),
    /// Something happened to a SourceBuffer.
    Buffer(TrackId, BufferEvent),
    /// The media element, after each of its events and every 250 ms while it plays.
    Media(Snapshot),
    /// Something happened to the MediaSource.
    Source(SourceEvent),
    /// The time of the last [`Output::Wait`] has come.
    Wake,
}

/// A call of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Stops what plays, and plays this manifest (absolute URL) from its start or the live edge.
    Load {
        /// MPD or m3u8.
        url: String,
    },
    /// Ends and frees everything.
    Stop,
    /// Chooses the picture's quality.
    SetQuality(QualityChoice),
    /// Jumps to the live edge.
    GoLive,
    /// New settings.
    Configure(Config),
}

/// What happens to a request, in this order: Head, then Data or Media, then Done; or Failed at any
/// time. Nothing comes after a [`Output::Cancel`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchEvent {
    /// The answer's head.
    Head(Head),
    /// Bytes of a [`Body::Bytes`] request.
    Data(Vec<u8>),
    /// One read of a [`Body::Media`] or [`Body::Growing`] request: the driver keeps the bytes under
    /// `blob` until it is appended or released, and has run the scanner over them.
    Media {
        /// Names the bytes.
        blob: BlobId,
        /// The number of bytes.
        len: u32,
        /// What the scanner found in them.
        facts: Vec<Fact>,
    },
    /// The body has arrived completely.
    Done,
    /// No answer, or it broke off. The text is the browser's, for a developer.
    Failed(String),
}

impl FetchEvent {
    /// What the page's other players are told of it (`abr::sharing`): bytes of media, 0 of an answer's head.
    pub const fn shared_len(&self) -> Option<u32> {
        match self {
            Self::Media { len, .. } => Some(*len),
            Self::Head(_) => Some(0),
            _ => None,
        }
    }
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// The URL after redirects; empty when unknown.
    pub url: String,
    /// `Content-Type`, if any.
    pub content_type: Option<String>,
    /// `Date`, if readable.
    pub date: Option<WallTime>,
    /// `CMSD-Dynamic` (CTA-5006), if readable.
    pub cmsd: Option<String>,
    /// `Retry-After` in seconds, if readable (RFC 9110 10.2.3; its form as a date is not read).
    pub retry_after: Option<Duration>,
}

/// A request to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub id: FetchId,
    /// Absolute.
    pub url: String,
    /// For the `Range` header.
    pub range: Option<ByteRange>,
    /// `HEAD` instead of `GET`.
    pub head_only: bool,
    /// What to do with the body.
    pub body: Body,
}

/// What the driver does with a body. Reads that come close together may be handed over as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Hand its bytes to the core, read by read.
    Bytes,
    /// Keep its bytes, and hand over what the scanner finds in them. The tracks are those of the
    /// initialization segment.
    Media(Vec<InitTrack>),
    /// The same, and each read is handed over at once: for media that is sent while it is made, and
    /// where the times of the reads are measured.
    Growing(Vec<InitTrack>),
}

/// What happens to a SourceBuffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BufferEvent {
    /// An append or a removal is finished; these ranges are buffered now.
    Updated {
        /// As `SourceBuffer.buffered`.
        ranges: Vec<Span>,
    },
    /// The browser has taken media out by itself, or put in what was appended (`bufferedchange`, which only a
    /// ManagedMediaSource's buffers tell); these ranges are buffered now.
    Changed {
        /// As `SourceBuffer.buffered`.
        ranges: Vec<Span>,
    },
    /// QuotaExceededError. The append stays first in the driver's queue and is tried again after
    /// the next removal from this buffer.
    Full,
    /// The append failed: the buffer does not take this media.
    Failed(String),
    /// The browser has no `changeType`, and the next media needs it ([`Output::ChangeType`]): the queue waits
    /// before it, for a new MediaSource.
    Outgrown,
}

/// What happens to the MediaSource or the element's decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// It is open: buffers can be added.
    Opened,
    /// Of the MIME types of an [`Output::Probe`], these can be played.
    Supported(Vec<String>),
    /// `video.error`: code and text. The MediaSource is dead.
    Failed {
        /// `MediaError.code`.
        code: u16,
        /// `MediaError.message`.
        message: String,
    },
}

/// The media element at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Why it was taken.
    pub cue: Cue,
    /// `currentTime`.
    pub position: Position,
    /// `playbackRate`.
    pub rate: Rate,
    /// `paused`.
    pub paused: bool,
    /// `seeking`.
    pub seeking: bool,
    /// `ended`.
    pub ended: bool,
    /// `readyState`, 0 to 4.
    pub ready: u8,
    /// `totalVideoFrames`.
    pub frames: u32,
    /// `droppedVideoFrames`.
    pub dropped: u32,
    /// The page is hidden.
    pub hidden: bool,
    /// `muted`: the pitch of the sound does not matter then.
    pub muted: bool,
    /// The local wall clock (differs from the monotonic clock after a sleep).
    pub wall: WallTime,
    /// Height of the element on screen in device pixels; 0 when unknown.
    pub height_px: u32,
    /// A ManagedMediaSource has said `endstreaming`: the browser has media enough for now.
    pub sated: bool,
}

/// Why a snapshot was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cue {
    /// The driver's timer.
    #[default]
    Timer,
    /// `playing`.
    Playing,
    /// `waiting`.
    Waiting,
    /// `play`.
    Play,
    /// `pause`.
    Pause,
    /// `seeking`: by the viewer when the player did not ask for it.
    Seeking,
    /// `seeked`.
    Seeked,
    /// `ended`.
    Ended,
    /// `loadeddata`, `canplay`, `resize`, ...
    Ready,
    /// The page became visible or hidden.
    Visibility,
    /// The browser says that the network is back.
    Online,
}

/// An output: what the driver has to do. Operations on one buffer are performed in order, each
/// after the one before has finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this request.
    Fetch(Request),
    /// Give this request up; no event of it is delivered after this.
    Cancel(FetchId),
    /// Attach a new MediaSource to the element (the old one, its buffers and queues go); answer
    /// [`SourceEvent::Opened`].
    OpenSource,
    /// Detach.
    CloseSource,
    /// Which of these MIME types can be played? Answer [`SourceEvent::Supported`].
    Probe(Vec<String>),
    /// `addSourceBuffer`. The buffer of a track is added once a source.
    AddBuffer {
        /// Its name.
        buffer: TrackId,
        /// MIME type with codecs.
        mime: String,
    },
    /// `changeType`, before another initialization segment. It also resets the parser: that of WebKit refuses a
    /// second one otherwise.
    ChangeType {
        /// Which.
        buffer: TrackId,
        /// MIME type with codecs.
        mime: String,
        /// The type is of another family. Within a family a new initialization segment is enough, so a browser
        /// without `changeType` goes on after an `abort()`, which resets the parser; otherwise answer [`BufferEvent::Outgrown`].
        needed: bool,
    },
    /// `timestampOffset`.
    Offset {
        /// Which.
        buffer: TrackId,
        /// Microseconds, signed.
        micros: i64,
    },
    /// `appendWindowStart` and `appendWindowEnd`: what is appended from now on and reaches out of
    /// it is dropped.
    Window {
        /// Which.
        buffer: TrackId,
        /// What is kept.
        window: Window,
    },
    /// `appendBuffer`.
    Append {
        /// Which.
        buffer: TrackId,
        /// What.
        data: Append,
    },
    /// Drop the appends of a segment that breaks off from this buffer's queue, and release their
    /// blobs. If the browser was given some of them, call `abort()` as well, so that its parser
    /// starts afresh. Other operations in the queue are still performed.
    Abort {
        /// Which.
        buffer: TrackId,
        /// How many appends of that segment were put out: the newest ones.
        appends: u32,
    },
    /// `remove`.
    Remove {
        /// Which.
        buffer: TrackId,
        /// What.
        span: Span,
    },
    /// Appends to all buffers wait in their queues, or (false) go on. With a new source they go on.
    Hold(bool),
    /// Free these bytes: they will not be appended.
    Release(BlobId),
    /// `duration`; `None` is infinite.
    Duration(Option<Duration>),
    /// `setLiveSeekableRange`.
    Seekable(Span),
    /// `currentTime`.
    Seek(Position),
    /// `playbackRate`.
    Rate(Rate),
    /// `play()`; when refused: muted, with a way to unmute.
    Play,
    /// `endOfStream()`.
    EndOfStream,
    /// Tell the page.
    Emit(Event),
    /// Nothing more to do until an input comes, or until this time.
    Wait {
        /// When to give [`Input::Wake`]; `None`: never.
        until: Option<Instant>,
        /// What for.
        why: Reason,
    },
}

/// What is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// Bytes that the driver keeps; it frees them afterwards.
    Blob(BlobId),
    /// Bytes that the core made: initialization segments, transmuxed media.
    Bytes(Vec<u8>),
}

/// What a [`Output::Wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing is going on.
    Idle,
    /// The manifest is due for a reload.
    ManifestRefresh,
    /// A failed request is due again.
    Retry,
    /// A request may have timed out.
    Timeout,
    /// A segment becomes available.
    Availability,
    /// The playhead has to be looked at again: rate, stalls, start.
    LiveControl,
    /// The buffer has run down enough to fetch again.
    BufferRoom,
}

impl Reason {
    /// In words, for the stats overlay.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Idle => "nothing",
            Self::ManifestRefresh => "manifest refresh",
            Self::Retry => "retry",
            Self::Timeout => "request timeout",
            Self::Availability => "next segment",
            Self::LiveControl => "live control",
            Self::BufferRoom => "room in the buffer",
        }
    }
}
