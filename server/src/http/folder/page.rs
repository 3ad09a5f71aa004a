//! PURE: the pages: all that plays, and one that plays something.
//!
//! All addresses are relative, so that they are right behind a proxy that adds a prefix; only what
//! is to be copied into another page is whole.

use std::path::Path;
use std::time::Duration;

use super::list::List;
use super::names::Kind;
use super::route::address;

/// A manifest that changed within this time is live.
const LIVE: Duration = Duration::from_secs(30);

/// The front page of the folder called `name`.
pub(super) fn front(name: &str, list: &List) -> String {
    let mut entries = String::new();
    for entry in &list.entries {
        let live = entry.kind.is_manifest() && entry.age.is_some_and(|age| age < LIVE);
        let (state, word) = if live { ("live", "live, ") } else { ("", "") };
        entries.push_str(&format!(
            "      <li class=\"tile\"><a href=\"?play={address}\"><div class=\"caption\"><b>{name}</b>\
             <span class=\"state\" data-state=\"{state}\">{word}{kind}</span></div></a></li>\n",
            address = address(&entry.path),
            name = escape(&entry.path.to_string_lossy()),
            kind = entry.kind.name(),
        ));
    }
    let empty = list.entries.is_empty();
    let note = if empty {
        "    <p class=\"empty\">Nothing in this folder can be played yet: no .m3u8, no .mpd, no .mp4 or \
         .webm. This page looks again by itself.</p>\n"
    } else if list.cut {
        "    <p class=\"empty\">There may be more, in folders that are deeper or fuller than this page \
         looks. Every file has its address all the same.</p>\n"
    } else {
        ""
    };
    let refresh = if empty { "\n  <meta http-equiv=\"refresh\" content=\"3\">" } else { "" };
    format!(
        include_str!("front.html"),
        name = escape(name),
        entries = entries,
        note = note,
        refresh = refresh
    )
}

/// The page that plays `path`. `host` is what the client calls the server, `player` whether the
/// program has one.
pub(super) fn play(path: &Path, host: &str, player: bool) -> String {
    let (kind, address) = (Kind::of(path), address(path));
    let whole = format!("http://{host}/{address}");
    let script = "\n  <script src=\"nearlive.js\"></script>";
    let (script, element, embed) = match kind {
        Kind::Dash | Kind::Hls if player => (
            script,
            format!("<nearlive-player src=\"{address}\" autoplay controls></nearlive-player>"),
            format!(
                "<script src=\"http://{host}/nearlive.js\"></script>\n\
                 <nearlive-player src=\"{whole}\" autoplay muted controls></nearlive-player>"
            ),
        ),
        Kind::Dash | Kind::Hls => (
            "",
            format!(
                "<p class=\"empty\">This server was built before its player: run <code>make player</code>, \
                 then build it again. Any player finds the stream at <a href=\"{address}\">{}</a>.</p>",
                escape(&whole)
            ),
            whole,
        ),
        Kind::Film | Kind::Other => (
            "",
            format!("<video src=\"{address}\" style=\"width: 100%\" autoplay controls></video>"),
            format!("<video src=\"{whole}\" controls></video>"),
        ),
    };
    format!(
        include_str!("play.html"),
        name = escape(&path.to_string_lossy()),
        script = script,
        player = element,
        embed = escape(&embed)
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::super::list::Entry;
    use super::*;

    #[test]
    fn a_name_is_text_and_its_address_is_encoded() {
        let path = "hls/<b>\"Tür\" & 'x'.m3u8";
        let entry = |age| Entry { path: path.into(), kind: Kind::Hls, age };
        let list =
            List { entries: vec![entry(Some(Duration::from_secs(1))), entry(None)], cut: false };
        let page = front("a<b", &list);
        let link = "href=\"?play=hls/%3Cb%3E%22T%C3%BCr%22%20%26%20%27x%27.m3u8\"";
        assert_eq!(page.matches(link).count(), 2, "{page}");
        let name = "<b>hls/&lt;b&gt;&quot;Tür&quot; &amp; &#39;x&#39;.m3u8</b>";
        assert_eq!(page.matches(name).count(), 2, "{page}");
        assert_eq!(page.matches("live, HLS").count(), 1, "{page}");
        assert!(page.contains("<h1>a&lt;b</h1>") && !page.contains("refresh"), "{page}");
        let page = play(Path::new(path), "localhost:8080", true);
        assert!(!page.contains("<b>"), "{page}");
        assert!(page.contains("<nearlive-player src=\"hls/%3Cb%3E"), "{page}");
        assert!(
            page.contains("&lt;nearlive-player src=&quot;http://localhost:8080/hls/"),
            "{page}"
        );
    }

    #[test]
    fn an_empty_folder_is_looked_at_again() {
        let page = front("x", &List::default());
        assert!(page.contains("http-equiv=\"refresh\"") && page.contains("no .m3u8"), "{page}");
    }

    #[test]
    fn a_film_is_for_the_browser_and_a_manifest_without_a_player_is_named() {
        let page = play(Path::new("a.webm"), "h", true);
        assert!(page.contains("<video src=\"a.webm\"") && !page.contains("nearlive.js"), "{page}");
        let page = play(Path::new("a.mpd"), "h", false);
        assert!(page.contains("make player") && page.contains("http://h/a.mpd"), "{page}");
    }
}
