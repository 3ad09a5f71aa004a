//! A folder that is handed out: what clients get of it, and what they do not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod stand;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::Program;
use http::{Method, Request, Response, StatusCode, header};
use nearlive_server::app::App;
use nearlive_server::clock::Clock;
use nearlive_server::http::folder::Folder;
use nearlive_server::http::{self as server, Body};
use nearlive_server::store::Budget;
use stand::{field, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An empty folder of this name.
fn empty(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Writes a file that has not changed for a minute.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    let then = SystemTime::now() - Duration::from_secs(60);
    File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
}

fn app(folder: &Path) -> App {
    let mut app = App::new(Clock::start(), Arc::new(Budget::new(0)));
    app.folder = Some(Folder::new(folder).unwrap());
    app
}

async fn ask(app: &App, method: Method, path: &str, fields: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    server::answer(app, request.body(()).unwrap()).await
}

async fn get(app: &App, path: &str) -> Response<Body> {
    ask(app, Method::GET, path, &[]).await
}

#[tokio::test]
async fn a_file_has_its_type_its_length_and_how_long_it_may_be_kept() {
    let folder = empty("files-types");
    let app = app(&folder);
    for (name, address, kind, kept) in [
        ("hls/a b.m3u8", "/hls/a%20b.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("Tür.mpd", "/T%C3%BCr.mpd", "application/dash+xml", "no-cache"),
        ("hls/1.ts", "/hls/1.ts", "video/mp2t", "max-age=3"),
        ("chunk-1.m4s", "/chunk-1.m4s", "video/iso.segment", "max-age=3"),
        ("a.webm", "/a.webm?v=1", "video/webm", "max-age=3"),
        ("empty.vtt", "/empty.vtt", "text/vtt; charset=utf-8", "max-age=3"),
    ] {
        let bytes = if name == "empty.vtt" { "" } else { name };
        write(&folder, name, bytes.as_bytes());
        for method in [Method::GET, Method::HEAD] {
            let r = ask(&app, method.clone(), address, &[]).await;
            assert_eq!(r.status(), StatusCode::OK, "{address}");
            assert_eq!(field(&r, header::CONTENT_TYPE), kind);
            assert_eq!(field(&r, header::CACHE_CONTROL), kept);
            assert_eq!(field(&r, header::CONTENT_LENGTH), bytes.len().to_string());
            assert_eq!(field(&r, header::ACCEPT_RANGES), "bytes");
            assert!(field(&r, header::LAST_MODIFIED).ends_with(" GMT"));
            assert_eq!(field(&r, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            let body = text(r).await;
            assert_eq!(body, if method == Method::HEAD { "" } else { bytes });
        }
    }
    fs::write(folder.join("hls/2.ts"), "young").unwrap();
    let young = get(&app, "/hls/2.ts").await;
    assert_eq!(field(&young, header::CACHE_CONTROL), "no-cache", "it may still be written");
}

#[tokio::test]
async fn a_part_is_sent_where_one_is_asked_for() {
    let folder = empty("files-ranges");
    write(&folder, "a.mp4", b"0123456789");
    let app = app(&folder);
    let tag = field(&get(&app, "/a.mp4").await, header::ETAG).to_owned();
    for (range, same, status, place, body) in [
        ("bytes=2-4", None, 206, "bytes 2-4/10", "234"),
        ("bytes=8-99", None, 206, "bytes 8-9/10", "89"),
        ("bytes=-3", None, 206, "bytes 7-9/10", "789"),
        ("bytes=0-1,4-5", None, 200, "", "0123456789"),
        ("bytes=10-", None, 416, "bytes */10", "it has no such bytes\n"),
        ("bytes=2-4", Some(tag.as_str()), 206, "bytes 2-4/10", "234"),
        ("bytes=2-4", Some("\"other\""), 200, "", "0123456789"),
    ] {
        let mut fields = vec![("range", range)];
        fields.extend(same.map(|tag| ("if-range", tag)));
        let r = ask(&app, Method::GET, "/a.mp4", &fields).await;
        assert_eq!((r.status().as_u16(), field(&r, header::CONTENT_RANGE)), (status, place));
        assert_eq!(field(&r, header::CONTENT_LENGTH), body.len().to_string(), "{range}");
        assert_eq!(text(r).await, body, "{range}");
    }
}

#[tokio::test]
async fn who_has_it_already_gets_nothing_until_it_changes() {
    let folder = empty("files-conditions");
    write(&folder, "live.mpd", b"one");
    let app = app(&folder);
    let first = get(&app, "/live.mpd").await;
    let tag = field(&first, header::ETAG).to_owned();
    let since = field(&first, header::LAST_MODIFIED).to_owned();
    for known in [("if-none-match", tag.as_str()), ("if-modified-since", &since)] {
        let r = ask(&app, Method::GET, "/live.mpd", &[known]).await;
        assert_eq!(r.status(), StatusCode::NOT_MODIFIED, "{known:?}");
        assert_eq!(field(&r, header::ETAG), tag);
        assert_eq!(field(&r, header::CONTENT_LENGTH), "");
    }
    fs::write(folder.join("new"), "two").unwrap();
    fs::rename(folder.join("new"), folder.join("live.mpd")).unwrap();
    let r = ask(&app, Method::GET, "/live.mpd", &[("if-none-match", &tag)]).await;
    assert_eq!((r.status(), text(r).await.as_str()), (StatusCode::OK, "two"));
}

#[tokio::test]
async fn nothing_outside_hidden_or_half_written_is_given_out() {
    let base = empty("files-outside");
    let folder = base.join("out");
    for name in ["secret.ts", "out/.env", "out/.git/config", "out/live.m3u8.tmp", "out/hls/1.ts"] {
        write(&base, name, b"secret");
    }
    for (link, to) in [("leak.ts", "../secret.ts"), ("up", ".."), ("env.txt", ".env")] {
        std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
    }
    let app = app(&folder);
    for path in [
        "/../secret.ts",
        "/hls/../../secret.ts",
        "/%2e%2e/secret.ts",
        "/..%2fsecret.ts",
        "/%2e%2e%2fsecret.ts",
        "//secret.ts",
        "/leak.ts",
        "/up/secret.ts",
        "/.env",
        "/env.txt",
        "/.git/config",
        "/live.m3u8.tmp",
        "/?play=../secret.ts",
        "/?play=leak.ts",
        "/gone.ts",
        "/hls/2.ts",
    ] {
        let r = get(&app, path).await;
        assert_eq!(r.status(), StatusCode::NOT_FOUND, "{path}");
        let said = text(r).await;
        assert!(
            !said.contains("secret\n") && said.contains("/ lists what can be played"),
            "{said}"
        );
    }
    let r = get(&app, "/hls").await;
    assert_eq!(r.status(), StatusCode::NOT_FOUND);
    assert!(text(r).await.contains("`hls` is a folder"));
    assert_eq!(get(&app, "/hls/1.ts").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn strangers_may_read_the_player_and_nothing_of_the_folder() {
    let folder = empty("files-strangers");
    write(&folder, "live.mpd", b"<MPD/>");
    let app = app(&folder);
    let stranger = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for path in ["/", "/live.mpd", "/?play=live.mpd", "/gone"] {
        let r = ask(&app, Method::GET, path, &stranger).await;
        assert_eq!(r.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(!r.headers().contains_key("access-control-allow-origin"));
    }
    let near = [("origin", "http://192.168.1.5"), ("range", "bytes=1-3")];
    let r = ask(&app, Method::GET, "/live.mpd", &near).await;
    assert_eq!(field(&r, header::ACCESS_CONTROL_ALLOW_ORIGIN), "http://192.168.1.5");
    assert!(field(&r, header::ACCESS_CONTROL_EXPOSE_HEADERS).contains("content-range"));
    let style = ask(&app, Method::GET, "/page.css", &stranger).await;
    assert_eq!(field(&style, header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let r = ask(&app, Method::GET, "/", &[("host", "evil.example")]).await;
    assert_ne!(r.status(), StatusCode::OK, "two names");
    let r = ask(&app, Method::POST, "/live.mpd", &[]).await;
    assert_eq!(r.status(), StatusCode::METHOD_NOT_ALLOWED);
    for path in ["/healthz", "/time", "/metrics"] {
        assert_eq!(get(&app, path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_front_page_lists_what_plays_and_each_has_its_page() {
    let folder = empty("files-front");
    let here = app(&folder);
    assert!(text(get(&here, "/").await).await.contains("Nothing in this folder"));
    write(&folder, "hls/My <cam>.m3u8", b"#EXTM3U");
    write(&folder, "hls/My <cam>1.ts", b"");
    write(&folder, "hls/live.m3u8.tmp", b"");
    write(&folder, "film.webm", b"");
    let here = app(&folder);
    let front = get(&here, "/").await;
    assert_eq!(field(&front, header::CONTENT_TYPE), "text/html; charset=utf-8");
    let front = text(front).await;
    assert!(front.contains("href=\"?play=hls/My%20%3Ccam%3E.m3u8\""), "{front}");
    assert!(front.contains("<b>film.webm</b>") && front.contains("My &lt;cam&gt;"), "{front}");
    assert!(!front.contains(".ts") && !front.contains("tmp"), "{front}");
    let page = text(get(&here, "/?play=film.webm").await).await;
    assert!(page.contains("<video src=\"film.webm\""), "{page}");
    let page = text(get(&here, "/?play=hls/My%20%3Ccam%3E.m3u8").await).await;
    assert!(page.contains("http://localhost:8080/hls/My%20%3Ccam%3E.m3u8"), "{page}");
}

/// Asks the program for a file, and stops reading after the head.
async fn begin(program: &Program, path: &str) -> (tokio::net::TcpStream, u64) {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", program.port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let (_, length) = head.split_once("content-length: ").expect("a length");
    (stream, length.split("\r\n").next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_as_long_as_was_said_whatever_becomes_of_the_file() {
    const SIZE: u64 = 64 << 20; // more than any buffer on the way holds
    let folder = empty("files-changing");
    for name in ["grows.ts", "replaced.ts", "shrinks.ts"] {
        File::create(folder.join(name)).unwrap().set_len(SIZE).unwrap();
    }
    let program = Program::start(&["files", folder.to_str().unwrap()], "").await;
    for (name, arrives) in [("grows.ts", true), ("replaced.ts", true), ("shrinks.ts", false)] {
        let (mut stream, length) = begin(&program, &format!("/{name}")).await;
        assert_eq!(length, SIZE);
        let path = folder.join(name);
        match name {
            "grows.ts" => File::options().append(true).open(&path).unwrap().set_len(SIZE * 2),
            "replaced.ts" => fs::write(folder.join("new"), "new")
                .and_then(|()| fs::rename(folder.join("new"), &path)),
            _ => File::options().write(true).open(&path).unwrap().set_len(SIZE / 2),
        }
        .unwrap();
        let mut read = 0;
        let mut piece = vec![0; 1 << 20];
        let ended = loop {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break true,
                Ok(n) => read += n as u64,
            }
            if read >= length {
                break false;
            }
        };
        assert_eq!((read == length, ended), (arrives, !arrives), "{name}: {read} of {length}");
        if arrives {
            // The connection is as good as before.
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.unwrap();
            assert_eq!(&status, b"HTTP/1.1 200");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ffmpeg_writes_as_hls_and_dash_is_handed_out_whole() {
    let folder = empty("files-ffmpeg");
    let run = |line: &str| {
        let source = "-hide_banner -loglevel error -f lavfi -i testsrc2=s=160x90:r=10:d=4 \
                      -c:v libx264 -preset ultrafast -g 10";
        let words = source.split_whitespace().chain(line.split_whitespace());
        let ended = std::process::Command::new("ffmpeg").args(words).current_dir(&folder).status();
        assert!(ended.unwrap().success(), "{line}");
    };
    run("-hls_time 1 -hls_list_size 10 -start_number 1 playlist.m3u8");
    run("-f dash -seg_duration 1 -window_size 4 live.mpd");
    let program = Program::start(&["files", folder.to_str().unwrap()], "").await;
    let (_, front) = program.get("/").await;
    assert!(front.contains("?play=playlist.m3u8") && front.contains("?play=live.mpd"), "{front}");
    let (head, list) = program.get("/playlist.m3u8").await;
    assert!(head.contains("content-type: application/vnd.apple.mpegurl"), "{head}");
    let segments: Vec<&str> = list.lines().filter(|line| line.ends_with(".ts")).collect();
    assert_eq!(segments, ["playlist1.ts", "playlist2.ts", "playlist3.ts", "playlist4.ts"]);
    for segment in segments {
        let (head, bytes) = program.get_bytes(&format!("/{segment}")).await;
        assert!(head.contains("content-type: video/mp2t"), "{head}");
        assert!(bytes == fs::read(folder.join(segment)).unwrap() && bytes[0] == 0x47, "{segment}");
    }
    let (_, mpd) = program.get("/live.mpd").await;
    assert!(mpd.contains("<MPD"), "{mpd}");
    let (head, init) = program.get_bytes("/init-stream0.m4s").await;
    assert!(head.contains("video/iso.segment") && &init[4..8] == b"ftyp", "{head}");
}
