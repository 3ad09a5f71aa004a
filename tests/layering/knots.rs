//! What is still against a rule, by rule and file. A file that keeps the rule now has to leave the list; when nothing is
//! left, this module goes.

use std::collections::BTreeSet;

use crate::rule::{Finding, Rule};

const KNOTS: &[(Rule, &[&str])] = &[(
    Rule::Home,
    &[
        "src/player/driving.rs",
        "src/player/edge/asking.rs",
        "src/player/failing.rs",
        "src/player/fetching.rs",
        "src/player/loading.rs",
        "src/player/opening.rs",
        "src/player/origin.rs",
        "src/player/playhead/follow.rs",
        "src/player/playhead/stall.rs",
        "src/player/playhead/start.rs",
        "src/player/playhead/viewer.rs",
        "src/player/quality/measure.rs",
        "src/player/quality/probe.rs",
        "src/player/receiving.rs",
        "src/player/report.rs",
        "src/player/silence.rs",
        "src/player/sniffing.rs",
        "src/player/switching.rs",
        "src/player/without.rs",
    ],
)];

/// The findings without those that are known, and a finding for each known one that is none any more.
pub(crate) fn but_known(findings: Vec<Finding>) -> Vec<Finding> {
    but(KNOTS, findings)
}

fn but(knots: &[(Rule, &[&str])], mut findings: Vec<Finding>) -> Vec<Finding> {
    let known: BTreeSet<(Rule, &str)> =
        knots.iter().flat_map(|(rule, files)| files.iter().map(|it| (*rule, *it))).collect();
    let untied: Vec<Finding> = known
        .iter()
        .filter(|it| !findings.iter().any(|found| (found.rule, found.file.as_str()) == **it))
        .map(|(rule, file)| Finding {
            rule: *rule,
            file: (*file).to_owned(),
            line: 1,
            says: format!("keeps the rule {rule:?} now: take it out of tests/layering/knots.rs"),
        })
        .collect();
    findings.retain(|it| !known.contains(&(it.rule, it.file.as_str())));
    findings.extend(untied);
    findings
}

#[test]
fn a_known_knot_is_silent_and_an_untied_one_is_told() {
    let found = |file: &str| Finding {
        rule: Rule::Circle,
        file: file.to_owned(),
        line: 7,
        says: String::new(),
    };
    let knots: &[(Rule, &[&str])] = &[(Rule::Circle, &["a.rs", "b.rs"]), (Rule::Home, &["c.rs"])];
    let left = but(knots, vec![found("a.rs"), found("a.rs"), found("c.rs")]);
    let left: Vec<(Rule, &str)> = left.iter().map(|it| (it.rule, it.file.as_str())).collect();
    assert_eq!(left, [(Rule::Circle, "c.rs"), (Rule::Circle, "b.rs"), (Rule::Home, "c.rs")]);
}
