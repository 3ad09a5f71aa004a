//! What the page gets and gives (`src/web/face.rs`) is what `www/nearlive.d.ts` and the README say: the same names, the same
//! types, the same words, `null` and left out where they say it and nowhere else.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of a test may panic as the test may"
)]

#[path = "../../src/web/face.rs"]
mod face;
mod types;

use face::{Amount, Count, EVENTS, Error, Event, Latency, Options, Stats};
use nearlive::player::{self, Code, State};
use nearlive::time::{Duration, WallTime};
use nearlive::units::{Bitrate, Resolution};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use types::{Type, Types};

fn types() -> Types {
    Types::read(include_str!("../../www/nearlive.d.ts"))
}

/// Each value is of the type; together they take every alternative that the type offers.
fn all_of(ty: &Type, name: &str, values: &[Value]) {
    let types = types();
    let (mut seen, mut offered) = (BTreeSet::new(), BTreeSet::new());
    for value in values {
        types.check(ty, value, name, &mut seen).unwrap();
    }
    types.alternatives(ty, name, &mut offered);
    let never: Vec<_> = offered.difference(&seen).collect();
    assert!(never.is_empty(), "nearlive.d.ts says what never comes: {never:?}");
}

fn value(it: impl Serialize) -> Value {
    serde_json::to_value(it).unwrap()
}

const STATES: [State; 7] = [
    State::Idle,
    State::Starting,
    State::Playing,
    State::Paused,
    State::Stalled,
    State::Ended,
    State::Failed,
];

/// A quality of which all is known, and one of which only the least is.
fn qualities() -> [player::Quality; 2] {
    let known = player::Quality {
        id: "v1".into(),
        bandwidth: Bitrate::from_bps(1_500_000),
        resolution: Some(Resolution { width: 1280, height: 720 }),
        codecs: "avc1.64001f".into(),
    };
    [known.clone(), player::Quality { resolution: None, ..known }]
}

#[test]
fn stats_are_what_the_types_say() {
    let [known, unknown] = qualities();
    let length = Some(Duration::from_millis(250));
    let full = player::Stats {
        protocol: "dash",
        latency: length,
        playing_date: Some(WallTime::from_micros(1_795_900_000_250_000)),
        target_latency: length,
        behind: length,
        throughput: Some(Bitrate::from_bps(3_000_000)),
        quality: Some(known),
        startup: length,
        ..player::Stats::default()
    };
    let other =
        player::Stats { protocol: "hls", quality: Some(unknown), ..player::Stats::default() };
    let file = player::Stats { protocol: "file", ..player::Stats::default() };
    let mut values: Vec<Value> =
        STATES.map(|state| value(Stats::of(&player::Stats::default(), state, ""))).into();
    values.extend([
        value(Stats::of(&full, State::Playing, "MediaSource")),
        value(Stats::of(&other, State::Idle, "ManagedMediaSource")),
        // www/native.js makes these.
        value(Stats::of(&other, State::Playing, "video")),
        value(Stats::of(&file, State::Playing, "video")),
    ]);
    all_of(types().named("Stats"), "Stats", &values);
    let full = &values[STATES.len()];
    assert_eq!(full["latency"], json!(0.25));
    assert_eq!(full["playingDate"], json!(1_795_900_000_250.0));
    assert_eq!(full["startupMs"], json!(250.0));
    assert_eq!(full["throughputKbps"], json!(3000));
}

/// One of each code.
const CODES: [Code; 13] = [
    Code::Unreachable,
    Code::Status,
    Code::Timeout,
    Code::BadManifest,
    Code::NotYet,
    Code::NothingToPlay,
    Code::Untimely,
    Code::BadSegment,
    Code::Decode,
    Code::Quota,
    Code::UnsupportedCodec,
    Code::UnsupportedBrowser,
    Code::BadCall,
];

#[test]
fn events_are_what_the_types_say() {
    let [known, unknown] = qualities();
    let switch = |to: &player::Quality, from: Option<&player::Quality>| {
        let (to, from) = (to.clone(), from.cloned());
        player::Event::Quality(player::Switch { to, from, reason: "why".into() })
    };
    let source = |age| player::Event::Source { cause: String::new(), age };
    let mut told: Vec<player::Event> = STATES.map(player::Event::State).into();
    told.extend([
        player::Event::Loaded { qualities: qualities().into(), live: true },
        switch(&known, None),
        switch(&unknown, Some(&known)),
        switch(&known, Some(&unknown)),
        player::Event::StallEnded { lasted: Duration::from_secs(2) },
        source(None),
        source(Some(Duration::from_secs(1))),
    ]);
    let url = [None, Some("https://host/index.mpd".to_owned())];
    let of = |code, url: &Option<String>| {
        let (message, detail, url) = (String::new(), String::new(), url.clone());
        player::Event::Error(player::Error { code, fatal: true, message, url, detail })
    };
    told.extend(url.iter().flat_map(|url| CODES.map(|code| of(code, url))));
    let autoplay = Event::Autoplay { muted: true, blocked: false };
    let told: Vec<Event<'_>> = told.iter().filter_map(Event::of).chain([autoplay]).collect();

    let types = types();
    let events = types.members("Events");
    assert_eq!(names(events), BTreeSet::from(EVENTS.map(str::to_owned)));
    for event in events {
        let mut values: Vec<Value> =
            told.iter().filter(|it| it.name() == event.name).map(value).collect();
        if event.name == "error" {
            // Every Error has a name.
            let gone = values.iter_mut().map(|it| it.as_object_mut().unwrap().remove("name"));
            assert!(gone.into_iter().all(|it| it == Some(json!("NearliveError"))));
        }
        all_of(&event.ty, &event.name, &values);
    }
}

#[test]
fn errors_have_the_codes_of_the_types() {
    let text = include_str!("../../www/nearlive.d.ts");
    for code in CODES {
        let trouble = player::Error {
            code,
            fatal: false,
            message: String::new(),
            url: None,
            detail: String::new(),
        };
        let trouble = value(Error::of(&trouble));
        let (code, category) = (&trouble["code"], trouble["category"].as_str().unwrap());
        assert!(text.contains(&format!("* | {code} | {category} |")), "{code} {category}");
    }
    let rows = text.lines().filter(|it| it.starts_with(" * | ") && it.contains("0")).count();
    assert_eq!(rows, CODES.len());
}

#[test]
fn options_are_what_the_types_say() {
    let types = types();
    let options = types.members("Options");
    assert!(options.iter().all(|it| it.optional), "{options:?}");
    assert_eq!(names(options), fields_of_options());
    // What the types allow is taken, anything else is refused.
    let words = options.iter().flat_map(|it| it.ty.words()).map(|it| json!(it));
    for probe in &words.chain([json!("nonsense"), json!(0.5), json!(true)]).collect::<Vec<_>>() {
        for option in options {
            let name = option.name.as_str();
            let allowed = types.check(&option.ty, probe, name, &mut BTreeSet::new());
            let read = Options::deserialize(&json!({ name: probe }));
            assert_eq!(read.is_ok(), allowed.is_ok(), "{name}: {probe}: {:?}", read.err());
        }
    }
}

#[test]
fn lengths_are_above_nothing_and_at_most_a_day() {
    let read = |it: f64| Options::deserialize(&json!({ "maxDrift": it, "latency": it }));
    for wrong in [0.0, -1.5, 86_400.5] {
        let error = read(wrong).err().expect("a refusal").to_string();
        assert!(error.contains("a number above 0, at most 86400"), "{error}");
    }
    let read = read(1.5).unwrap();
    let (Some(Amount(drift)), Some(Latency(latency))) = (read.max_drift, read.latency) else {
        panic!("they are there");
    };
    assert_eq!((drift, latency), (Duration::from_millis(1500), Some(drift)));
    let auto = Options::deserialize(&json!({ "latency": "auto" })).unwrap();
    assert!(matches!(auto.latency, Some(Latency(None))));
}

#[test]
fn counts_are_above_nothing_and_have_no_end() {
    let read = |it: f64| Options::deserialize(&json!({ "maxHeight": it }));
    for wrong in [0.0, -1.5] {
        let error = read(wrong).err().expect("a refusal").to_string();
        assert!(error.contains("a number above 0"), "{error}");
    }
    for (given, expected) in [(720.0, 720), (1080.9, 1080), (1e300, u64::MAX)] {
        let Some(Count(count)) = read(given).unwrap().max_height else { panic!("it is there") };
        assert_eq!(count, expected);
    }
}

#[test]
fn the_readme_names_all_of_it() {
    let readme = include_str!("../../README.md");
    let types = types();
    let rows = [
        ("options", "Options"),
        ("events", "Events"),
        ("`stats()`", "Stats"),
        ("`qualities()`", "Quality"),
        ("errors", "NearliveError"),
    ];
    for (row, interface) in rows {
        let start = format!("| {row} |");
        let line = readme.lines().find(|it| it.starts_with(&start)).expect(&start);
        let named = line[start.len()..].split('`').skip(1).step_by(2).map(str::to_owned);
        assert_eq!(named.collect::<BTreeSet<_>>(), names(types.members(interface)), "{row}");
    }
}

fn names(members: &[types::Member]) -> BTreeSet<String> {
    members.iter().map(|it| it.name.clone()).collect()
}

/// The names under which serde reads the options.
fn fields_of_options() -> BTreeSet<String> {
    struct Asked<'a>(&'a mut BTreeSet<String>);
    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = serde::de::value::Error;
        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            ().into_deserializer().deserialize_any(visitor)
        }
        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.0.extend(fields.iter().map(|it| (*it).to_owned()));
            self.deserialize_any(visitor)
        }
    }
    let mut found = BTreeSet::new();
    _ = Options::deserialize(Asked(&mut found));
    found
}
