//! The ledger as a model: one delivery, two workers, and whatever may come between, checked exhaustively.
//!
//! A worker may be as slow as it likes, so that one whose lease was given back is a zombie that comes back at any moment;
//! it may crash; the provider may take a message or not and lose its answer either way; the customer may refuse, an operator
//! may stop and resume, evidence may come at any time. The properties are those that the ledger promises. Mutations take away
//! one rule each: every one of them must be caught, or the model would prove nothing.

use stateright::{Checker, HasDiscoveries, Model, Property};

/// A rule taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The ledger as it is.
    None,
    /// Hand-over and settlement look at no fence.
    NoFence,
    /// What may have been taken is sent again, though it may never be sent twice.
    ResendAmbiguous,
    /// The hand-over opens whatever the customer said since the verdict.
    NoGuard,
    /// The hand-over opens whatever was stopped since the verdict.
    NoEpoch,
    /// The provider is called first, and the hand-over written down afterwards.
    RecordAfterSend,
    /// Strikes are counted when a try has ended.
    StrikesAfter,
    /// An answer is written over whatever a later claim did.
    AnswerOverwrites,
    /// What is lost while it was handed over is not planned again, though it may not be lost.
    GiveUp,
}

/// All of them.
pub const MUTATIONS: [Mutation; 8] = [
    Mutation::NoFence,
    Mutation::ResendAmbiguous,
    Mutation::NoGuard,
    Mutation::NoEpoch,
    Mutation::RecordAfterSend,
    Mutation::StrikesAfter,
    Mutation::AnswerOverwrites,
    Mutation::GiveUp,
];

/// What an unknown outcome means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Settled by evidence alone.
    NeverTwice,
    /// Sent again.
    NeverLost,
}

/// The ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Its class.
    pub class: Class,
    /// The rule taken away.
    pub mutation: Mutation,
    /// Crashes that may happen.
    pub crashes: u8,
    /// Claims that are looked at.
    pub claims: u8,
}

/// Where the row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// To be sent.
    Planned,
    /// A worker has it.
    Claimed,
    /// It may be with the provider.
    HandingOver,
    /// The provider took it.
    Accepted,
    /// Nobody knows.
    Unknown,
    /// The customer refused.
    Suppressed,
    /// Set aside.
    Quarantined,
}

/// What a provider answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It took it.
    Took,
    /// It did not.
    Not,
    /// Nothing came.
    Lost,
}

/// A worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Worker {
    /// At rest.
    Idle,
    /// Has a claim under this fence.
    Claimed(u8),
    /// Was allowed, at this guard and this epoch.
    Judged(u8, u8, u8),
    /// Has opened the hand-over.
    Opened(u8),
    /// Was answered.
    Answered(u8, Answer),
}

/// All there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    row: Row,
    fence: u8,
    strikes: u8,
    /// It was handed over and may have been taken.
    handed: bool,
    guard: u8,
    epoch: u8,
    refused: bool,
    stopped: bool,
    stops: u8,
    workers: [Worker; 2],
    crashes: u8,
    /// Claims in a row that ended without any answer.
    unanswered: u8,
    /// How often the provider took it.
    taken: u8,
    /// How often nobody could know.
    windows: u8,
    /// How often it was recorded as accepted.
    recorded: u8,
    /// A hand-over began after a refusal or a stop.
    too_late: bool,
    /// A hand-over began although it stood recorded as accepted.
    after_all: bool,
}

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A worker claims.
    Claim(usize),
    /// It asks the judge.
    Judge(usize),
    /// It opens the hand-over.
    Open(usize),
    /// The provider takes it or not, and is heard or not.
    Call(usize, bool, bool),
    /// The answer is written down.
    Settle(usize),
    /// A worker is gone.
    Crash(usize),
    /// A lease is over.
    Sweep,
    /// The customer refuses.
    Refuse,
    /// Sending is stopped, or goes on.
    Stop,
    /// The provider tells that it arrived.
    Evidence,
}

impl Ledger {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// What nobody can know becomes of the row.
    fn unknown(&self, state: &mut State) {
        state.windows += 1;
        let again = self.class == Class::NeverLost || self.is(Mutation::ResendAmbiguous);
        state.row = if again && !self.is(Mutation::GiveUp) { Row::Planned } else { Row::Unknown };
    }

    fn settle(&self, state: &mut State, fence: u8, answer: Answer) {
        let ours = state.fence == fence && matches!(state.row, Row::Claimed | Row::HandingOver);
        if !(ours || self.is(Mutation::AnswerOverwrites)) {
            if answer == Answer::Took
                && (state.row == Row::Unknown || state.row == Row::Planned && state.handed)
            {
                accept(state);
            }
            return;
        }
        match answer {
            Answer::Took => accept(state),
            Answer::Not => {
                state.row = Row::Planned;
                state.strikes = 0;
                state.unanswered = 0;
            }
            Answer::Lost => self.unknown(state),
        }
    }
}

fn accept(state: &mut State) {
    state.row = Row::Accepted;
    state.recorded += 1;
}

impl Model for Ledger {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            row: Row::Planned,
            fence: 0,
            strikes: 0,
            handed: false,
            guard: 0,
            epoch: 0,
            refused: false,
            stopped: false,
            stops: 0,
            workers: [Worker::Idle; 2],
            crashes: self.crashes,
            unanswered: 0,
            taken: 0,
            windows: 0,
            recorded: 0,
            too_late: false,
            after_all: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        for (nth, worker) in state.workers.iter().enumerate() {
            match worker {
                Worker::Idle if state.row == Row::Planned && state.fence < self.claims => {
                    actions.push(Step::Claim(nth));
                }
                Worker::Idle => {}
                Worker::Claimed(_) => actions.push(Step::Judge(nth)),
                Worker::Judged(..) => actions.push(Step::Open(nth)),
                Worker::Opened(_) => {
                    for (takes, heard) in [(true, true), (true, false), (false, true), (false, false)] {
                        actions.push(Step::Call(nth, takes, heard));
                    }
                }
                Worker::Answered(..) => actions.push(Step::Settle(nth)),
            }
            if *worker != Worker::Idle && state.crashes > 0 {
                actions.push(Step::Crash(nth));
            }
        }
        if matches!(state.row, Row::Claimed | Row::HandingOver) {
            actions.push(Step::Sweep);
        }
        if !state.refused {
            actions.push(Step::Refuse);
        }
        if state.stops < 2 {
            actions.push(Step::Stop);
        }
        if state.taken > 0 {
            actions.push(Step::Evidence);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = *last;
        match step {
            Step::Claim(nth) => {
                if state.strikes >= 3 {
                    state.row = Row::Quarantined;
                } else {
                    state.row = Row::Claimed;
                    state.fence += 1;
                    state.unanswered += 1;
                    state.strikes += u8::from(!self.is(Mutation::StrikesAfter));
                    state.workers[nth] = Worker::Claimed(state.fence);
                }
            }
            Step::Judge(nth) => {
                let Worker::Claimed(fence) = state.workers[nth] else { return None };
                let ours = state.row == Row::Claimed && state.fence == fence;
                state.workers[nth] = Worker::Idle;
                if state.refused {
                    if ours {
                        state.row = if state.handed { Row::Unknown } else { Row::Suppressed };
                    }
                } else if state.stopped {
                    if ours {
                        state.row = Row::Planned;
                        state.strikes = state.strikes.saturating_sub(1);
                        state.unanswered = state.unanswered.saturating_sub(1);
                    }
                } else {
                    state.workers[nth] = Worker::Judged(fence, state.guard, state.epoch);
                }
            }
            Step::Open(nth) => {
                let Worker::Judged(fence, guard, epoch) = state.workers[nth] else { return None };
                let ours = state.row == Row::Claimed && state.fence == fence || self.is(Mutation::NoFence);
                let same = (guard == state.guard || self.is(Mutation::NoGuard))
                    && (epoch == state.epoch || self.is(Mutation::NoEpoch));
                state.workers[nth] = Worker::Idle;
                if ours && same {
                    state.too_late |= state.refused || state.stopped;
                    state.after_all |= state.row == Row::Accepted;
                    if !self.is(Mutation::RecordAfterSend) {
                        state.row = Row::HandingOver;
                        state.handed = true;
                    }
                    state.workers[nth] = Worker::Opened(fence);
                } else if ours {
                    state.row = Row::Planned;
                    state.strikes = state.strikes.saturating_sub(1);
                    state.unanswered = state.unanswered.saturating_sub(1);
                }
            }
            Step::Call(nth, takes, heard) => {
                let Worker::Opened(fence) = state.workers[nth] else { return None };
                state.taken += u8::from(takes);
                let answer = match (takes, heard) {
                    (_, false) => Answer::Lost,
                    (true, true) => Answer::Took,
                    (false, true) => Answer::Not,
                };
                state.workers[nth] = Worker::Answered(fence, answer);
            }
            Step::Settle(nth) => {
                let Worker::Answered(fence, answer) = state.workers[nth] else { return None };
                state.workers[nth] = Worker::Idle;
                self.settle(&mut state, fence, answer);
            }
            Step::Crash(nth) => {
                state.crashes -= 1;
                state.workers[nth] = Worker::Idle;
            }
            Step::Sweep => match state.row {
                Row::Claimed => state.row = Row::Planned,
                Row::HandingOver => self.unknown(&mut state),
                _ => return None,
            },
            Step::Refuse => {
                state.refused = true;
                state.guard += 1;
            }
            Step::Stop => {
                state.stopped = !state.stopped;
                state.stops += 1;
                state.epoch += 1;
            }
            Step::Evidence => match state.row {
                Row::HandingOver | Row::Unknown => accept(&mut state),
                Row::Planned | Row::Claimed if state.handed => accept(&mut state),
                _ => return None,
            },
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never twice", |ledger: &Self, state: &State| {
                ledger.class != Class::NeverTwice || state.taken <= 1
            }),
            Property::always("twice by a lost answer alone", |_, state: &State| {
                let under_way = state.workers.iter().filter(|w| matches!(w, Worker::Answered(..))).count();
                usize::from(state.taken) <= 1 + usize::from(state.windows) + under_way.saturating_sub(1)
            }),
            Property::always("nothing begins after a refusal or a stop", |_, state: &State| !state.too_late),
            Property::always("nothing begins once it is recorded", |_, state: &State| !state.after_all),
            Property::always("recorded once", |_, state: &State| state.recorded <= 1),
            Property::always("recorded as accepted only what was taken", |_, state: &State| {
                state.recorded == 0 || state.taken > 0
            }),
            Property::always("never lost", |ledger: &Self, state: &State| {
                ledger.class != Class::NeverLost || state.row != Row::Unknown || state.refused
            }),
            Property::always("three strikes", |_, state: &State| state.unanswered <= 3),
            Property::always("not sent is not sent", |_, state: &State| {
                state.row != Row::Suppressed || state.taken == 0
            }),
            Property::sometimes("accepted", |_, state: &State| state.row == Row::Accepted),
            Property::sometimes("set aside", |_, state: &State| state.row == Row::Quarantined),
            Property::sometimes("a zombie comes back", |_, state: &State| {
                state.workers.iter().any(|w| matches!(w, Worker::Judged(fence, ..) if *fence < state.fence))
            }),
        ]
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Different states.
    pub states: usize,
    /// Properties that do not hold, with the way there.
    pub broken: Vec<(String, String)>,
}

/// Looks at every state that can be reached.
///
/// Of a ledger with a rule taken away, until anything is broken.
pub fn check(ledger: Ledger) -> Checked {
    let whole = ledger.mutation == Mutation::None;
    let enough = if whole { HasDiscoveries::All } else { HasDiscoveries::AnyFailures };
    let checker = ledger.checker().threads(2).finish_when(enough).spawn_bfs().join();
    let states = checker.unique_state_count();
    let mut broken: Vec<(String, String)> = Vec::new();
    for property in checker.model().properties() {
        let found = checker.discovery(property.name);
        let wrong = match property.expectation {
            stateright::Expectation::Sometimes => whole && found.is_none(),
            _ => found.is_some(),
        };
        if wrong {
            let way = found.map(|path| format!("{:?}", path.into_actions())).unwrap_or_default();
            broken.push((property.name.to_owned(), way));
        }
    }
    broken.sort();
    Checked { states, broken }
}
