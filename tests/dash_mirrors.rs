//! Where an MPD says that media can be had: mirrors, and what stays itself when hosts and tokens change.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use nearlive::dash::{read, resolve};
use nearlive::presentation::{self, Presentation, Representation, Resource, SegmentList};

const URL: &str = "https://cam.example/a/live.mpd?token=x";

fn loaded(text: &str, url: &str) -> Presentation {
    resolve::resolve(&read::mpd(text.as_bytes()).unwrap(), url).unwrap()
}

fn resolved(text: &str) -> Presentation {
    loaded(text, URL)
}

/// A newer load of `before`, from `url`.
fn reloaded(before: &Presentation, text: &str, url: &str) -> Presentation {
    let mut p = loaded(text, url);
    p.follow(before);
    p
}

fn representation(p: &Presentation, track: usize) -> &Representation {
    &p.periods[0].tracks[track].representations[0]
}

/// Where it is at first.
fn address(resource: &Resource) -> String {
    resource.url(resource.base().url())
}

#[test]
fn several_base_urls_are_mirrors_in_their_order() {
    let text = |mpd: &str, own: &str| {
        format!("<MPD mediaPresentationDuration='PT60S'>{mpd}<Period><AdaptationSet mimeType='video/mp4'>
          <Representation id='v'>{own}<SegmentTemplate duration='4' media='$Number$.m4s'/></Representation></AdaptationSet></Period></MPD>")
    };
    let base = |attributes: &str, url: &str| format!("<BaseURL {attributes}>{url}</BaseURL>");
    let two = base("", "http://x/1/") + &base("", "http://y/2/?t=1");
    let named =
        base("serviceLocation='A'", "http://x/a/") + &base("serviceLocation='B'", "http://x/b/");
    let many: String = (0..100).map(|i| base("", &format!("{i}/"))).collect();
    let cases = [
        (text("", ""), vec![("https://cam.example/a/live.mpd?token=x", "")]),
        (
            text(&two, ""),
            vec![("http://x/1/", "http://x/1/"), ("http://y/2/?t=1", "http://y/2/?t=1")],
        ),
        (
            text(&two, &base("", "v/")),
            vec![("http://x/1/v/", "http://x/1/"), ("http://y/2/v/", "http://y/2/?t=1")],
        ),
        (text(&named, &base("", "v/")), vec![("http://x/a/v/", "A"), ("http://x/b/v/", "B")]),
        (text(&named, &base("", "http://z/")), vec![("http://z/", "http://z/"); 2]),
        (
            text(&base("", "m/"), &(base("", "1/") + &base("", "2/"))),
            vec![
                ("https://cam.example/a/m/1/", "https://cam.example/a/m/1/"),
                ("https://cam.example/a/m/2/", "https://cam.example/a/m/2/"),
            ],
        ),
        (
            text(&two, &(base("", "1/") + &base("serviceLocation='C'", "http://z/"))),
            vec![
                ("http://x/1/1/", "http://x/1/1/"),
                ("http://z/", "C"),
                ("http://y/2/1/", "http://y/2/1/"),
                ("http://z/", "C"),
            ],
        ),
    ];
    for (text, expected) in cases {
        let p = resolved(&text);
        let segment = representation(&p, 0).segments.numbered(3).unwrap().resource;
        let mirrors = segment.base().mirrors().iter();
        let found: Vec<_> = mirrors.map(|m| (m.url.as_str(), m.service.as_str())).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(address(&segment), presentation::url::resolve(expected[0].0, "3.m4s"));
    }
    let p = resolved(&text(&many, &many));
    let segment = representation(&p, 0).segments.numbered(1).unwrap().resource;
    assert_eq!(segment.base().mirrors().len(), 8);
}

#[test]
fn what_goes_to_another_host_or_has_another_token_stays_what_it_is() {
    let text = |host: &str, token: &str| {
        format!("<MPD type='dynamic'><BaseURL>{host}/m/?{token}</BaseURL><Period id='1' start='PT0S'>
          <AdaptationSet mimeType='video/mp4'>
          <Representation id='t'><SegmentTemplate duration='4' media='$Number$' initialization='$RepresentationID$.mp4?{token}'/></Representation>
          <Representation id='b'><BaseURL>b.mp4?{token}</BaseURL><SegmentBase indexRange='10-19'/></Representation>
          </AdaptationSet></Period></MPD>")
    };
    let reps = |p: &Presentation| p.periods[0].tracks[0].representations.clone();
    let first = resolved(&text("http://x", "k=1"));
    let mut last = first.clone();
    for (host, token) in [("http://x", "k=2"), ("http://y", "k=2"), ("", ""), ("http://x", "k=1")] {
        let now = reloaded(&last, &text(host, token), "http://z/m.mpd");
        for (before, now) in reps(&first).iter().zip(&reps(&now)) {
            assert_eq!(before.init, now.init, "{host} {token}");
            let expected = if host.is_empty() { "http://z" } else { host };
            assert!(address(now.init.as_ref().unwrap()).starts_with(expected));
            if let SegmentList::Indexed { .. } = &before.segments {
                assert_eq!(before.segments, now.segments, "{host} {token}");
            }
        }
        last = now;
    }
    // Without a BaseURL all of it goes where the MPD goes.
    let text = text("", "").replace("<BaseURL>/m/?</BaseURL>", "");
    let edge = |n: u8| format!("https://edge{n}.example/m/live.mpd?s={n}");
    let first = loaded(&text, &edge(1));
    let now = reloaded(&first, &text, &edge(2));
    assert_eq!(representation(&now, 0).init, representation(&first, 0).init);
}

#[test]
fn the_same_path_on_two_hosts_is_two_files() {
    let period = |id: u8, hosts: [&str; 2]| {
        let rep = |(host, n): (&str, u8)| {
            format!(
                "<Representation id='{n}' bandwidth='{n}'><BaseURL>http://{host}/</BaseURL></Representation>"
            )
        };
        let reps: String = hosts.into_iter().zip(0..).map(rep).collect();
        format!("<Period id='{id}' start='PT{id}S'><AdaptationSet mimeType='video/mp4'>
          <SegmentTemplate duration='1' media='$Number$' initialization='init.mp4'/>{reps}</AdaptationSet></Period>")
    };
    let mpd = |periods: &[String]| format!("<MPD type='dynamic'>{}</MPD>", periods.concat());
    let inits = |p: &Presentation, period: usize| -> Vec<Resource> {
        let reps = p.periods[period].tracks[0].representations.iter();
        reps.map(|r| r.init.clone().unwrap()).collect()
    };
    // A film, and a clip in the middle of it.
    let p = resolved(&mpd(&[period(1, ["x", "y"]), period(2, ["c", "d"]), period(3, ["x", "y"])]));
    assert_ne!(inits(&p, 0)[0], inits(&p, 0)[1]);
    assert_ne!(inits(&p, 0)[0], inits(&p, 1)[0]);
    assert_eq!(inits(&p, 0), inits(&p, 2), "one address is one file");
    // The first Period leaves the window, and all hosts become others.
    let now = reloaded(&p, &mpd(&[period(2, ["e", "f"]), period(3, ["v", "w"])]), URL);
    assert_eq!(inits(&now, 0), inits(&p, 1));
    assert_eq!(inits(&now, 1), inits(&p, 2));
    // A Period that is new is not what another one was.
    let now = reloaded(&p, &mpd(&[period(4, ["v", "w"])]), URL);
    assert!(inits(&now, 0).iter().all(|init| (0..3).all(|i| !inits(&p, i).contains(init))));
}
