//! The command's arguments.

use std::path::PathBuf;

/// How to use it.
pub(crate) const USAGE: &str = "\
Judges how the player adapts to links: scores of the real player beside classic rules and the optimum.

  cargo run --release -p nearlive-simulator --bin abr -- --traces DIR [options]

  --traces DIR   a folder with a folder for each set of traces: CSV lines of duration_ms,kbps,latency_ms
                 (or the environment's NEARLIVE_TRACES)
  --set NAME     only this set (may be given several times)
  --film FILE    the film, as Sabre describes films; by default bbb4k.json for sets that begin with 4G or hd,
                 else bbb.json, beside the sets
  --model film   the only model that there is yet
  --rule NAME    only this rule (may be given several times)
  --csv FILE     each run's figures
  --plots DIR    a picture a set: scores against the optimum, and the run in the middle over time";

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) traces: PathBuf,
    pub(crate) sets: Vec<String>,
    pub(crate) rules: Vec<String>,
    pub(crate) film: Option<PathBuf>,
    pub(crate) csv: Option<PathBuf>,
    pub(crate) plots: Option<PathBuf>,
}

/// Reads arguments. Errors: a sentence for people.
pub(crate) fn read(
    mut args: impl Iterator<Item = String>,
    usual: Option<PathBuf>,
) -> Result<Args, String> {
    let mut out = Args::default();
    let mut traces = usual;
    while let Some(name) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--traces" => traces = Some(value()?.into()),
            "--set" => out.sets.push(value()?),
            "--rule" => out.rules.push(value()?),
            "--film" => out.film = Some(value()?.into()),
            "--csv" => out.csv = Some(value()?.into()),
            "--plots" => out.plots = Some(value()?.into()),
            "--model" => match value()?.as_str() {
                "film" => {}
                other => return Err(format!("there is no model \"{other}\" yet: only \"film\"")),
            },
            other => return Err(format!("there is no argument \"{other}\"")),
        }
    }
    out.traces = traces.ok_or("no traces: name their folder with --traces DIR")?;
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
        assert_eq!((args.sets, args.traces), (vec!["a".into(), "b".into()], "/t".into()));
        for (line, why) in [
            ("--traces", "--traces needs a value"),
            ("--set a", "no traces: name their folder with --traces DIR"),
            ("--traces /t --model live", "there is no model \"live\" yet: only \"film\""),
            ("--tracs /t", "there is no argument \"--tracs\""),
        ] {
            assert_eq!(of(line).unwrap_err(), why);
        }
    }
}
