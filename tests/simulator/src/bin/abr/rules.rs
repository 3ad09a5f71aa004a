//! The rules that are judged, by name, and the ceiling.

use crate::bola::{Bola, BolaE};
use crate::classic::{Dynamic, Throughput};
use crate::line::Line;
use crate::model::{Played, play};
use crate::mpc::Mpc;
use crate::own::Own;
use crate::{optimum, player};
use nearlive_simulator::network::Trace;
use nearlive_simulator::origin::film::{DASH, FILES, Film};

/// A link, as each of the two simulations reads it.
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) trace: Trace,
    pub(crate) line: Line,
}

/// What plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Sabre's rules, ported.
    Throughput,
    Bola,
    BolaE,
    Dynamic,
    /// The rule of its paper.
    Mpc,
    /// Our rule alone, in Sabre's model.
    Rule,
    /// The real player in the simulator. The film has an index, which names the sizes that MPC knows, too.
    Player,
    /// The same where nothing names the sizes.
    Unsized,
    /// The whole trace known.
    Optimum,
}

impl Who {
    pub(crate) const ALL: [Self; 9] = [
        Self::Throughput,
        Self::Bola,
        Self::BolaE,
        Self::Dynamic,
        Self::Mpc,
        Self::Rule,
        Self::Player,
        Self::Unsized,
        Self::Optimum,
    ];

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Bola => "bola",
            Self::BolaE => "bolae",
            Self::Dynamic => "dynamic",
            Self::Mpc => "robust mpc",
            Self::Rule => "nearlive, rule",
            Self::Player => "nearlive",
            Self::Unsized => "nearlive, no sizes",
            Self::Optimum => "optimum",
        }
    }

    /// It is one of the rules to beat.
    pub(crate) const fn is_classic(self) -> bool {
        !matches!(self, Self::Rule | Self::Player | Self::Unsized | Self::Optimum)
    }

    pub(crate) fn play(self, film: &Film, link: &Link) -> Result<Played, String> {
        let line = &link.line;
        Ok(match self {
            Self::Throughput => play(film, line, &mut Throughput::new()),
            Self::Bola => play(film, line, &mut Bola::new(&film.kbps)),
            Self::BolaE => play(film, line, &mut BolaE::new(&film.kbps)),
            Self::Dynamic => play(film, line, &mut Dynamic::new(&film.kbps)),
            Self::Mpc => play(film, line, &mut Mpc::default()),
            Self::Rule => play(film, line, &mut Own::default()),
            Self::Optimum => optimum::best(film, line),
            Self::Player => player::play(film, FILES, &link.trace)?,
            Self::Unsized => player::play(film, DASH, &link.trace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::mean;
    use crate::score::Figures;
    use std::fs;
    use std::path::PathBuf;

    /// Mean score and kb/s of throughput, BOLA, BOLA-E and dynamic.
    type Means = [(f64, f64); 4];

    /// Sabre's own mean scores and kb/s on the public half of its traces.
    const SABRE: [(&str, &str, Means); 4] = [
        ("3Glogs", "bbb", [(-3.452, 840.0), (-3.554, 1158.0), (-3.517, 1164.0), (-3.538, 1165.0)]),
        (
            "4Glogs",
            "bbb4k",
            [(16.075, 17_478.0), (21.644, 26_690.0), (22.020, 26_659.0), (21.970, 26_595.0)],
        ),
        ("sd_fs", "bbb", [(1.990, 2676.0), (3.228, 3491.0), (3.412, 3743.0), (3.428, 3756.0)]),
        (
            "hd_fs",
            "bbb4k",
            [(3.650, 6407.0), (8.401, 14_269.0), (8.416, 15_130.0), (8.452, 15_152.0)],
        ),
    ];

    #[test]
    fn the_ports_of_sabres_rules_have_its_scores_where_its_traces_are() {
        let Some(folder) = std::env::var_os("NEARLIVE_TRACES").map(PathBuf::from) else { return };
        let rules = [Who::Throughput, Who::Bola, Who::BolaE, Who::Dynamic];
        for (set, film, figures) in SABRE {
            let text = fs::read_to_string(folder.join(film).with_extension("json")).unwrap();
            let film = Film::from_json(&text).unwrap();
            let links = crate::links(&folder.join(set)).unwrap();
            for (who, (score, kbps)) in rules.iter().zip(figures) {
                let one = |link| Figures::of(&film, &who.play(&film, link).unwrap());
                let runs: Vec<Figures> = links.iter().map(one).collect();
                for (own, sabres) in
                    [(mean(&runs, |f| f.score), score), (mean(&runs, |f| f.kbps), kbps)]
                {
                    let off = (own / sabres - 1.0).abs();
                    assert!(off < 0.02, "{set}, {}: {own}, Sabre {sabres}", who.name());
                }
            }
        }
    }
}
