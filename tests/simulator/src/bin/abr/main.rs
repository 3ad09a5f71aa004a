//! Judges how the player adapts: the real player over traces of links, beside classic rules and the optimum.
//!
//! | module | owns |
//! |---|---|
//! | [`args`] | the command's arguments |
//! | [`files`] | traces, films and results as files |
//! | [`line`] | the link of the model |
//! | [`model`] | how a rule's choices play out, as Sabre has it |
//! | [`classic`], [`bola`], [`mpc`] | the rules to beat |
//! | [`own`] | our rule alone, in that model |
//! | [`player`] | the real player in the simulator |
//! | [`optimum`] | the ceiling |
//! | [`rules`] | all of them by name |
//! | [`runs`] | many runs at once, and their mean |
//! | [`score`] | the figures of a run |
//! | [`plot`] | a picture a set |
//! | [`live`] | the same for low-latency live, with rules and figures of its own |

mod args;
mod bola;
mod classic;
mod files;
mod line;
mod live;
mod model;
mod mpc;
mod optimum;
mod own;
mod player;
mod plot;
mod rules;
mod runs;
mod score;

use args::{Args, Model};
use files::{entries, read, stem};
use line::Line;
use model::Played;
use nearlive_simulator::network::Trace;
use nearlive_simulator::origin::film::Film;
use rules::{Link, Who};
use runs::{mean, play_all};
use score::{Figures, tenth};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let usual = std::env::var_os("NEARLIVE_TRACES").map(PathBuf::from);
    if std::env::args().any(|arg| arg == "--help" || arg == "-h") {
        println!("{}", args::USAGE);
        return ExitCode::SUCCESS;
    }
    let judged = args::read(std::env::args().skip(1), usual)
        .map_err(|why| format!("{why}\n\n{}", args::USAGE))
        .and_then(|args| match args.model {
            Model::Film => judge(&args),
            Model::Live => live::judge(&args),
        });
    match judged {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("abr: {why}");
            ExitCode::from(2)
        }
    }
}

fn judge(args: &Args) -> Result<(), String> {
    let traces = args.traces()?;
    let sets = files::sets(traces, &args.sets)?;
    if sets.is_empty() {
        return Err(format!("{}: there is no such set of traces", traces.display()));
    }
    let mut csv =
        String::from("set,trace,rule,score,kbps,stalled_percent,stalls,change_kbps,startup_s\n");
    println!(
        "set      rule               runs    score      p10   kb/s  stalled %  stalls  change  startup s  of optimum"
    );
    for set in sets {
        judge_set(args, &set, &mut csv)?;
    }
    match &args.csv {
        Some(path) => files::write(path, &csv),
        None => Ok(()),
    }
}

fn film_of(args: &Args, set: &str) -> Result<Film, String> {
    let large = set.starts_with("4G") || set.starts_with("hd");
    let usual = args.traces()?.join(if large { "bbb4k.json" } else { "bbb.json" });
    let path = args.film.clone().unwrap_or(usual);
    Film::from_json(&read(&path)?).ok_or_else(|| {
        let path = path.display();
        format!("{path}: no film with segment_duration_ms, bitrates_kbps and segment_sizes_bits, in this order")
    })
}

fn link(path: &Path) -> Result<Link, String> {
    let trace = Trace::from_csv(&read(path)?);
    let line =
        Line::new(&trace).ok_or_else(|| format!("{}: it carries nothing", path.display()))?;
    Ok(Link { name: stem(path), trace, line })
}

fn links(folder: &Path) -> Result<Vec<Link>, String> {
    entries(folder)?.iter().map(|path| link(path)).collect()
}

fn judge_set(args: &Args, folder: &Path, csv: &mut String) -> Result<(), String> {
    let set = stem(folder);
    let film = film_of(args, &set)?;
    let links = links(folder)?;
    let mut all = Vec::new();
    for who in Who::ALL.into_iter().filter(|who| args.wants(who.name())) {
        let play =
            |link: &Link| who.play(&film, link).map_err(|why| format!("{}: {why}", link.name));
        let runs = play_all(&links, play)?;
        let figures: Vec<Figures> = runs.iter().map(|run| Figures::of(&film, run)).collect();
        all.push((who, runs, figures));
    }
    let ceiling = all.iter().find(|it| it.0 == Who::Optimum).map(|it| mean(&it.2, |f| f.score));
    for (who, _, figures) in &all {
        println!("{}", line_of(&set, *who, figures, ceiling));
        for (link, f) in links.iter().zip(figures) {
            let _ = writeln!(
                csv,
                "{set},{},\"{}\",{:.4},{:.0},{:.3},{},{:.0},{:.3}",
                link.name,
                who.name(),
                f.score,
                f.kbps,
                f.stalled_percent,
                f.stalls,
                f.change,
                f.startup
            );
        }
    }
    let best = all.iter().filter(|it| it.0.is_classic()).map(|it| mean(&it.2, |f| f.score));
    if let (Some(ceiling), best) = (ceiling, best.fold(f64::NEG_INFINITY, f64::max))
        && let Some(own) = all.iter().find(|it| it.0 == Who::Player)
    {
        let way = 100.0 * (mean(&own.2, |f| f.score) - best) / (ceiling - best);
        println!("{set}: {way:.0} % of the way from the best classic rule to the optimum");
    }
    plots(args, &set, &film, &links, &all)
}

fn line_of(set: &str, who: Who, figures: &[Figures], ceiling: Option<f64>) -> String {
    let score = mean(figures, |f| f.score);
    // A share says something only of gains.
    let share = ceiling
        .filter(|&it| it > 0.0)
        .map_or_else(String::new, |it| format!("{:.0} %", 100.0 * score / it));
    format!(
        "{set:8} {:18} {:4} {score:8.3} {:8.3} {:6.0} {:10.2} {:7.2} {:7.0} {:10.2}  {share:>10}",
        who.name(),
        figures.len(),
        tenth(figures),
        mean(figures, |f| f.kbps),
        mean(figures, |f| f.stalled_percent),
        mean(figures, |f| f.stalls),
        mean(figures, |f| f.change),
        mean(figures, |f| f.startup),
    )
}

fn plots(
    args: &Args,
    set: &str,
    film: &Film,
    links: &[Link],
    all: &[(Who, Vec<Played>, Vec<Figures>)],
) -> Result<(), String> {
    let Some(folder) = &args.plots else { return Ok(()) };
    // The run in the middle of the optimum's scores.
    let Some((.., figures)) = all.iter().find(|it| it.0 == Who::Optimum) else { return Ok(()) };
    let mut order: Vec<usize> = (0..figures.len()).collect();
    order.sort_by(|&a, &b| figures[a].score.total_cmp(&figures[b].score));
    let Some(&middle) = order.get(order.len() / 2) else { return Ok(()) };
    let drawn = |who: Who| matches!(who, Who::Player | Who::Optimum);
    let picture = plot::Picture {
        set,
        film,
        scores: all.iter().map(|it| (it.0, it.2.iter().map(|f| f.score).collect())).collect(),
        link: (&links[middle].name, &links[middle].line),
        runs: all.iter().filter(|it| drawn(it.0)).map(|it| (it.0, &it.1[middle])).collect(),
    };
    files::picture(folder, set, &plot::svg(&picture))
}
