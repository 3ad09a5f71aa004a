//! Which local variables are still needed: those that are read before they are written again, on some way through the rest
//! of the function.

use super::body::Body;
use wasmparser::Operator;

/// A set of local variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Set(Vec<u64>);

impl Set {
    pub(crate) fn insert(&mut self, local: u32) {
        let word = local as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (local % 64);
    }

    fn remove(&mut self, local: u32) {
        if let Some(word) = self.0.get_mut(local as usize / 64) {
            *word &= !(1 << (local % 64));
        }
    }

    pub(crate) fn has(&self, local: u32) -> bool {
        self.0.get(local as usize / 64).is_some_and(|it| it & (1 << (local % 64)) != 0)
    }

    /// Takes the other's in. Returns whether there was a new one among them.
    pub(crate) fn add(&mut self, other: &Self) -> bool {
        let before = self.clone();
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(own, its)| *own |= its);
        *self != before
    }
}

/// Before each instruction, and, of each that opens a block, where a branch to it goes and after its end.
pub(crate) struct Live {
    pub(crate) before: Vec<Set>,
    pub(crate) label: Vec<Set>,
    pub(crate) after: Vec<Set>,
}

impl Live {
    pub(crate) fn of(body: &Body<'_>) -> Self {
        let none = vec![Set::default(); body.code.len()];
        let mut live = Self { before: none.clone(), label: none.clone(), after: none };
        let end = body.code.len().saturating_sub(1);
        live.flow(body, 0, end, Set::default(), &mut vec![Set::default()]);
        live
    }

    /// Goes backwards through the instructions from `from` to before `to`. `labels`: what is needed at the target of a
    /// branch, outermost first.
    fn flow(
        &mut self,
        body: &Body<'_>,
        from: usize,
        to: usize,
        after: Set,
        labels: &mut Vec<Set>,
    ) -> Set {
        let mut live = after;
        for at in siblings(body, from, to).into_iter().rev() {
            let block = body.blocks[at];
            match &body.code[at] {
                Operator::Block { .. } => {
                    self.after[at] = live.clone();
                    self.label[at] = live.clone();
                    labels.push(live.clone());
                    live = self.flow(body, at + 1, block.end, live, labels);
                    labels.pop();
                }
                Operator::Loop { .. } => {
                    self.after[at] = live.clone();
                    labels.push(Set::default());
                    loop {
                        let start = self.flow(body, at + 1, block.end, live.clone(), labels);
                        if !labels.last_mut().is_some_and(|it| it.add(&start)) {
                            break;
                        }
                    }
                    live = labels.pop().unwrap_or_default();
                    self.label[at] = live.clone();
                }
                Operator::If { .. } => {
                    self.after[at] = live.clone();
                    self.label[at] = live.clone();
                    labels.push(live.clone());
                    let then = self.flow(
                        body,
                        at + 1,
                        block.other.unwrap_or(block.end),
                        live.clone(),
                        labels,
                    );
                    if let Some(other) = block.other {
                        live = self.flow(body, other + 1, block.end, live, labels);
                    }
                    live.add(&then);
                    labels.pop();
                }
                operator => step(operator, &mut live, labels),
            }
            self.before[at] = live.clone();
        }
        live
    }
}

/// What is needed before an instruction that opens nothing.
fn step(operator: &Operator<'_>, live: &mut Set, labels: &[Set]) {
    let label = |depth: u32| &labels[labels.len() - 1 - depth as usize];
    match operator {
        Operator::LocalGet { local_index } => live.insert(*local_index),
        Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
            live.remove(*local_index)
        }
        Operator::Br { relative_depth } => *live = label(*relative_depth).clone(),
        Operator::BrIf { relative_depth } => _ = live.add(label(*relative_depth)),
        Operator::BrTable { targets } => {
            *live = label(targets.default()).clone();
            targets.targets().flatten().for_each(|it| _ = live.add(label(it)));
        }
        Operator::Return | Operator::Unreachable => *live = Set::default(),
        _ => {}
    }
}

/// The instructions of a block that are directly in it: each that opens another stands for all of that one.
pub(crate) fn siblings(body: &Body<'_>, from: usize, to: usize) -> Vec<usize> {
    let mut all = Vec::new();
    let mut at = from;
    while at < to {
        all.push(at);
        let opens = matches!(
            body.code[at],
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }
        );
        at = if opens { body.blocks[at].end + 1 } else { at + 1 };
    }
    all
}
