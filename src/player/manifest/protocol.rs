//! From the bytes of a manifest to the model, whichever protocol they are of.

use crate::dash;
use crate::hls::syntax::{Media, Playlist};
use crate::hls::{self};
use crate::player::error::{Code, Error, shown};
use crate::presentation::{self, Presentation};
use crate::time::WallTime;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

/// A manifest, and what the protocol has beyond the model.
pub(in crate::player) enum Manifest {
    /// With its `publishTime`.
    Dash(Presentation, Option<WallTime>),
    /// With the media playlist that stood in place of a multivariant one, if it did.
    Hls(Presentation, Option<Box<Media>>),
}

/// Reads a manifest that was loaded from `url`.
pub(in crate::player) fn read(
    body: &[u8],
    url: &str,
    content_type: Option<&str>,
) -> Result<Manifest, Error> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("#EXTM3U") {
        return hls(text, url);
    }
    if !text.starts_with('<') || starts_like_html(text) {
        let what = content_type.unwrap_or("without a type");
        let detail = format!("{what}, {} bytes", body.len());
        return Err(error(
            url,
            Code::BadManifest,
            "This address holds no DASH or HLS manifest; check it",
            &detail,
        ));
    }
    dash(text, url)
}

fn starts_like_html(text: &str) -> bool {
    let head: String = text.chars().take(15).collect();
    let head = head.to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

fn dash(text: &str, url: &str) -> Result<Manifest, Error> {
    let mpd = dash::read::mpd(text.as_bytes()).map_err(|e| refused(url, e))?;
    let presentation = dash::resolve::resolve(&mpd, url).map_err(|e| refused(url, e))?;
    Ok(Manifest::Dash(presentation, mpd.publish_time))
}

fn hls(text: &str, url: &str) -> Result<Manifest, Error> {
    match hls::read::playlist(text.as_bytes()).map_err(|e| refused(url, e))? {
        Playlist::Multivariant(playlist) => {
            let presentation = hls::resolve::multivariant(&playlist, url);
            Ok(Manifest::Hls(presentation.map_err(|e| refused(url, e))?, None))
        }
        Playlist::Media(media) => {
            Ok(Manifest::Hls(hls::resolve::single(&media, url), Some(Box::new(media))))
        }
    }
}

/// In the page's words.
pub(in crate::player) fn refused(url: &str, error: presentation::Error) -> Error {
    let detail = error.to_string();
    let (code, sentence) = match error {
        presentation::Error::NotYet(what) => {
            (Code::NotYet, format!("The manifest uses something that cannot be played yet: {what}"))
        }
        presentation::Error::NothingToPlay(why) => {
            (Code::NothingToPlay, format!("The manifest holds nothing that can be played: {why}"))
        }
        _ => (
            Code::BadManifest,
            format!("The manifest cannot be read, {detail}; check what the encoder writes"),
        ),
    };
    self::error(url, code, &sentence, &detail)
}

fn error(url: &str, code: Code, sentence: &str, detail: &str) -> Error {
    Error {
        code,
        fatal: false,
        message: [sentence, "."].concat(),
        url: Some(shown(url)),
        detail: detail.to_string(),
    }
}
