//! The command's arguments.

use std::path::{Path, PathBuf};

/// How to use it.
pub(crate) const USAGE: &str = "\
Judges how the player adapts to links: scores of the real player beside classic rules and the optimum.

  cargo run --release -p nearlive-simulator --bin abr -- [--model film] --traces DIR [options]
  cargo run --release -p nearlive-simulator --bin abr -- --model live [--traces DIR] [options]

  --model NAME   film (the default): a film on demand, over sets of traces
                 live: low latency, over five patterns of the link, and over traces where they are named
  --traces DIR   a folder with a folder for each set of traces: CSV lines of duration_ms,kbps,latency_ms
                 (or the environment's NEARLIVE_TRACES)
  --set NAME     only this set or pattern (may be given several times); live takes of the traces 3Glogs by default
  --film FILE    the film, as Sabre describes films; by default bbb4k.json for sets that begin with 4G or hd,
                 else bbb.json, beside the sets
  --rule NAME    only this rule (may be given several times)
  --csv FILE     each run's figures
  --plots DIR    a picture a set: scores, and one run over time
  --piece BYTES  live: what the link carries, and the page reads, at a time (default 1460)
  --log          live: each choice of the player, with its reason";

/// What is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Model {
    /// A film on demand.
    #[default]
    Film,
    /// Low-latency live.
    Live,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) model: Model,
    pub(crate) traces: Option<PathBuf>,
    pub(crate) sets: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) film: Option<PathBuf>,
    pub(crate) csv: Option<PathBuf>,
    pub(crate) plots: Option<PathBuf>,
    pub(crate) log: bool,
    pub(crate) piece: Option<u64>,
}

impl Args {
    /// This rule is to be played.
    pub(crate) fn wants(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|it| it == rule)
    }

    /// The folder of traces. Errors: none is named.
    pub(crate) fn traces(&self) -> Result<&Path, String> {
        self.traces.as_deref().ok_or_else(|| NO_TRACES.to_owned())
    }
}

const NO_TRACES: &str = "no traces: name their folder with --traces DIR";

/// Reads arguments. Errors: a sentence for people.
pub(crate) fn read(
    mut args: impl Iterator<Item = String>,
    usual: Option<PathBuf>,
) -> Result<Args, String> {
    let mut out = Args { traces: usual, ..Args::default() };
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--traces" => out.traces = Some(value()?.into()),
            "--set" => out.sets.push(value()?),
            "--rule" => out.rules.push(value()?),
            "--film" => out.film = Some(value()?.into()),
            "--csv" => out.csv = Some(value()?.into()),
            "--plots" => out.plots = Some(value()?.into()),
            "--piece" => {
                let bytes = value()?.parse().ok().filter(|n| *n > 0);
                out.piece = Some(bytes.ok_or("--piece needs a number of bytes")?);
            }
            "--log" => out.log = true,
            "--model" => match value()?.as_str() {
                "film" => out.model = Model::Film,
                "live" => out.model = Model::Live,
                other => return Err(format!("there is no model \"{other}\": only film and live")),
            },
            other => return Err(format!("there is no argument \"{other}\"")),
        }
    }
    if out.model == Model::Film {
        out.traces()?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Args, String> {
        read(line.split_whitespace().map(str::to_owned), None)
    }

    #[test]
    fn sets_may_be_named_and_mistakes_are_told() {
        let args = of("--traces /t --set a --set b --model film").unwrap();
        assert_eq!((args.sets, args.traces), (vec!["a".into(), "b".into()], Some("/t".into())));
        for (line, why) in [
            ("--traces", "--traces needs a value"),
            ("--set a", "no traces: name their folder with --traces DIR"),
            ("--model alive", "there is no model \"alive\": only film and live"),
            ("--tracs /t", "there is no argument \"--tracs\""),
        ] {
            assert_eq!(of(line).unwrap_err(), why);
        }
        assert_eq!(of("--model live --log").map(|it| (it.model, it.log)), Ok((Model::Live, true)));
    }
}
