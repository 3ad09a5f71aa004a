//! Judges how the player adapts live, near the edge: the real player beside what dash.js ships, over the patterns of
//! Twitch's challenge and over traces.
//!
//! | module | owns |
//! |---|---|
//! | [`link`] | the model's stream and links |
//! | [`score`] | the figures of a run |
//! | [`peer`], [`seen`] | dash.js in the player's place: its requests, its start, its buffer |
//! | [`throughput`], [`catchup`] | how it measures, and how it sets the playback rate |
//! | [`view`], [`usual`], [`l2a`], [`lolp`], [`weights`] | its rules |
//! | [`plot`] | a picture a set |

mod catchup;
mod l2a;
mod link;
mod lolp;
mod peer;
mod plot;
mod score;
mod seen;
mod throughput;
mod usual;
mod view;
mod weights;

use crate::args::Args;
use crate::files;
use crate::runs::{mean, play_all};
use link::{Link, PIECE, RUN};
use nearlive_simulator::network::Trace;
use nearlive_simulator::origin::live::{LOW_LATENCY, LiveServer};
use nearlive_simulator::{Machine, Setup, Simulation};
use peer::{Brain, Peer};
use score::{Figures, Run};
use std::fmt::Write as _;
use std::path::Path;

/// Of the traces, what live is played over where no set is named: elsewhere the lowest links carry the top rung.
const USUAL_SET: &str = "3Glogs";

/// What plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Usual,
    L2a,
    LolPlus,
    /// The real player, asked for the same latency as the others.
    Player,
    /// The real player at the latency that it finds.
    Free,
}

impl Who {
    const ALL: [Self; 5] = [Self::Usual, Self::L2a, Self::LolPlus, Self::Player, Self::Free];

    const fn name(self) -> &'static str {
        match self {
            Self::Usual => "dash.js",
            Self::L2a => "l2a",
            Self::LolPlus => "lol+",
            Self::Player => "nearlive",
            Self::Free => "nearlive, free",
        }
    }

    const fn is_peer(self) -> bool {
        matches!(self, Self::Usual | Self::L2a | Self::LolPlus)
    }

    fn play(self, link: &Link, piece: u64) -> Result<Run, String> {
        let camera = link::camera(self != Self::Free);
        let setup = Setup { path: link::path(link, piece), ..Setup::new(LiveServer::new(camera)) };
        let stream = link::stream();
        let brain = match self {
            Self::Usual => Brain::Usual(usual::State::default()),
            Self::L2a => Brain::L2a(l2a::State::default()),
            Self::LolPlus => Brain::LolPlus(lolp::State::new(&stream.kbps)),
            Self::Player | Self::Free => return watch(setup.start()),
        };
        watch(setup.run(Peer::new(stream, brain)))
    }
}

fn watch<M: Machine>(mut sim: Simulation<M>) -> Result<Run, String> {
    sim.load(LOW_LATENCY);
    sim.run_to(RUN);
    let report = sim.finish();
    report.sound()?;
    Run::of(&report, RUN)
}

/// The links of a set, by name.
struct Set {
    name: String,
    links: Vec<Link>,
}

fn traces(folder: &Path) -> Result<Set, String> {
    let link = |path: &std::path::PathBuf| {
        Ok(Link { name: files::stem(path), trace: Trace::from_csv(&files::read(path)?) })
    };
    let links: Result<_, String> = files::entries(folder)?.iter().map(link).collect();
    Ok(Set { name: files::stem(folder), links: links? })
}

/// What is asked for: patterns, and sets of traces.
fn sets(args: &Args) -> Result<Vec<Set>, String> {
    let wanted = |name: &String| args.sets.is_empty() || args.sets.contains(name);
    let patterns = link::patterns().into_iter().filter(|it| wanted(&it.name));
    let mut all: Vec<Set> =
        patterns.map(|it| Set { name: it.name.clone(), links: vec![it] }).collect();
    if let Some(folder) = &args.traces {
        let named =
            if args.sets.is_empty() { vec![USUAL_SET.to_owned()] } else { args.sets.clone() };
        for set in files::sets(folder, &named)? {
            all.push(traces(&set)?);
        }
    }
    if all.is_empty() {
        return Err("there is no such pattern or set of traces".into());
    }
    Ok(all)
}

fn line_of(set: &str, who: Who, all: &[Figures]) -> String {
    format!(
        "{set:13} {:15} {:4} {:8.0} {:6.0} {:9.3} {:8.3} {:10.2} {:7.2} {:9.1} {:10.2}",
        who.name(),
        all.len(),
        mean(all, |f| f.nqoe),
        mean(all, |f| f.kbps),
        mean(all, |f| f.median),
        mean(all, |f| f.p95),
        mean(all, |f| f.stalled_percent),
        mean(all, |f| f.stalls),
        mean(all, |f| f.switches),
        mean(all, |f| f.startup),
    )
}

fn csv_of(csv: &mut String, set: &Set, who: Who, figures: &[Figures]) {
    for (link, f) in set.links.iter().zip(figures) {
        let _ = writeln!(
            csv,
            "{},{},\"{}\",{:.1},{:.0},{:.3},{:.3},{:.3},{},{},{:.3}",
            set.name,
            link.name,
            who.name(),
            f.nqoe,
            f.kbps,
            f.median,
            f.p95,
            f.stalled_percent,
            f.stalls,
            f.switches,
            f.startup
        );
    }
}

fn judge_set(args: &Args, set: &Set, csv: &mut String) -> Result<(), String> {
    let mut all = Vec::new();
    for who in Who::ALL.into_iter().filter(|who| args.wants(who.name())) {
        let piece = args.piece.unwrap_or(PIECE);
        let play = |link: &Link| {
            let run = who.play(link, piece);
            run.map_err(|why| format!("{}, {}: {why}", link.name, who.name()))
        };
        let runs = play_all(&set.links, play)?;
        let figures: Vec<Figures> = runs.iter().map(Figures::of).collect();
        println!("{}", line_of(&set.name, who, &figures));
        csv_of(csv, set, who, &figures);
        for (link, run) in set.links.iter().zip(&runs).filter(|_| args.log) {
            run.log.iter().for_each(|it| println!("    {}  {it}", link.name));
        }
        all.push((who, runs, figures));
    }
    let Some(folder) = &args.plots else { return Ok(()) };
    let drawn = |it: &(Who, Vec<Run>, Vec<Figures>)| plot::Course {
        name: it.0.name(),
        ours: !it.0.is_peer(),
        nqoe: mean(&it.2, |f| f.nqoe),
        run: it.1.first().cloned().unwrap_or_default(),
    };
    let Some(link) = set.links.first() else { return Ok(()) };
    let courses: Vec<_> = all.iter().map(drawn).collect();
    files::picture(folder, &format!("live-{}", set.name), &plot::svg(&set.name, link, &courses))
}

/// Plays and prints all that is asked for. Errors: a sentence for people.
pub(crate) fn judge(args: &Args) -> Result<(), String> {
    let sets = sets(args)?;
    let mut csv = String::from(
        "set,link,rule,nqoe,kbps,latency_p50_s,latency_p95_s,stalled_percent,stalls,switches,startup_s\n",
    );
    println!(
        "set           rule            runs     NQoE   kb/s  median s    p95 s  stalled %  stalls  switches  startup s"
    );
    for set in sets {
        judge_set(args, &set, &mut csv)?;
    }
    args.csv.as_ref().map_or(Ok(()), |path| files::write(path, &csv))
}
