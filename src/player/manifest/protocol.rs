//! From the bytes of a manifest to the model, whichever protocol they are of.

use crate::dash;
use crate::hls::syntax::{Media, Playlist};
use crate::hls::{self};
use crate::player::error::{Code, Error, shown};
use crate::presentation::reads::{Dash, Hls};
use crate::presentation::{self, Presentation};
use crate::time::WallTime;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

/// A manifest, and what the protocol has beyond the model.
pub(in crate::player) enum Manifest {
    /// With its `publishTime`.
    Dash(Dash, Presentation, Option<WallTime>),
    /// With the media playlist that stood in place of a multivariant one, if it did.
    Hls(Hls, Presentation, Option<Box<Media>>),
}

/// Reads a manifest that was loaded from `url`.
pub(in crate::player) fn read(
    body: &[u8],
    url: &str,
    content_type: Option<&str>,
) -> Result<Manifest, Error> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_ascii_start();
    if text.starts_with("#EXTM3U") {
        return hls(Hls::token().ok_or_else(|| not_built_for("HLS", url))?, text, url);
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
    dash(Dash::token().ok_or_else(|| not_built_for("DASH", url))?, text, url)
}

fn starts_like_html(text: &str) -> bool {
    let head: String = text.chars().take(15).collect();
    let head = head.to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

fn dash(token: Dash, text: &str, url: &str) -> Result<Manifest, Error> {
    let mpd = dash::read::mpd(text.as_bytes()).map_err(|e| refused(url, e))?;
    let presentation = dash::resolve::resolve(&mpd, url).map_err(|e| refused(url, e))?;
    Ok(Manifest::Dash(token, presentation, mpd.publish_time))
}

fn hls(token: Hls, text: &str, url: &str) -> Result<Manifest, Error> {
    match hls::read::playlist(text.as_bytes()).map_err(|e| refused(url, e))? {
        Playlist::Multivariant(playlist) => {
            let presentation = hls::resolve::multivariant(&playlist, url);
            Ok(Manifest::Hls(token, presentation.map_err(|e| refused(url, e))?, None))
        }
        Playlist::Media(media) => {
            Ok(Manifest::Hls(token, hls::resolve::single(&media, url), Some(Box::new(media))))
        }
    }
}

/// The script loads another build then, where the page left the choice to it.
fn not_built_for(what: &str, url: &str) -> Error {
    let sentence =
        ["This build of the player does not read ", what, "; use nearlive.wasm"].concat();
    error(url, Code::NotYet, &sentence, "")
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
