//! What the far side does, and the outcome that has to come of it.

use super::{DEADLINE, FarSide, SLACK, Script, together};
use crate::{Adapter, Outcome, Parcel, Stage};
use std::time::Duration;

/// A deadline that no answering far side needs.
const AMPLE: Duration = Duration::from_secs(20);

pub(super) async fn check(
    adapter: &dyn Adapter,
    far: &dyn FarSide,
    parcel: &Parcel,
    breaches: &mut Vec<String>,
) {
    let bytes = match adapter.compose(parcel) {
        Ok(composed) => composed.bytes,
        Err(reason) => {
            breaches.push(format!("the sample parcel is refused by compose: {reason}"));
            return;
        }
    };
    for script in Script::ALL {
        if !far.script(script).await {
            continue;
        }
        let deadline = if answers(script) { AMPLE } else { DEADLINE };
        let start = far.elapsed();
        let limit = far.sleep(deadline + SLACK + SLACK);
        let Some(outcome) = together::within(adapter.hand_over(parcel, &bytes, deadline), limit).await else {
            breaches
                .push(format!("{script:?}: the hand-over still hangs after its deadline of {deadline:?}"));
            continue;
        };
        let took = far.elapsed().saturating_sub(start);
        if took > deadline + SLACK {
            breaches.push(format!("{script:?}: the hand-over took {took:?}, its deadline was {deadline:?}"));
        }
        if !expected(script, &outcome) {
            breaches.push(format!("{script:?}: the outcome was {outcome:?}"));
        }
        if outcome.answer().chars().any(char::is_control) {
            breaches.push(format!("{script:?}: the answer holds control characters: {:?}", outcome.answer()));
        }
        if outcome.answer().len() > 2000 {
            breaches.push(format!(
                "{script:?}: the answer has {} bytes; 2000 are plenty",
                outcome.answer().len()
            ));
        }
        let taken = far.taken().await;
        if taken.len() > 1 {
            breaches.push(format!(
                "{script:?}: one hand-over brought {} contents: adapters never retry",
                taken.len()
            ));
        }
        if script == Script::Accept && taken.first() != Some(&bytes) {
            breaches.push("Accept: what arrived is not what compose made, byte for byte".to_owned());
        }
    }
    concurrency(adapter, far, parcel, &bytes, breaches).await;
}

/// As many hand-overs at once as the capabilities promise (up to 16), and one more after a failure.
async fn concurrency(
    adapter: &dyn Adapter,
    far: &dyn FarSide,
    parcel: &Parcel,
    bytes: &[u8],
    breaches: &mut Vec<String>,
) {
    if !far.script(Script::Accept).await {
        breaches.push("a far side that cannot accept tests nothing".to_owned());
        return;
    }
    let many = adapter.capabilities().concurrency_max.clamp(1, 16);
    let handings = (0..many).map(|_| adapter.hand_over(parcel, bytes, AMPLE)).collect();
    let outcomes = together::all(handings).await;
    let accepted = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Accepted { .. })).count();
    if accepted != many {
        let other = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Accepted { .. }));
        breaches.push(format!("of {many} hand-overs at once {accepted} were accepted; another: {other:?}"));
    }
    let arrived = far.taken().await.len();
    if arrived != accepted {
        breaches.push(format!("{accepted} hand-overs were accepted, {arrived} contents arrived"));
    }
}

/// Whether the far side ends the conversation by itself.
fn answers(script: Script) -> bool {
    !matches!(
        script,
        Script::SilentBeforeContent
            | Script::SilentAfterContent
            | Script::SlowAfterContent
            | Script::EndlessAfterContent
    )
}

/// The contract, as a table.
fn expected(script: Script, outcome: &Outcome) -> bool {
    let unknown = matches!(outcome, Outcome::Unknown { stage: Stage::Content | Stage::Answer, .. });
    match script {
        Script::Accept => matches!(outcome, Outcome::Accepted { .. }),
        Script::AddressDead => matches!(outcome, Outcome::AddressDead { .. }),
        Script::Refuse => matches!(outcome, Outcome::MessageRefused { .. }),
        Script::Misconfigured => matches!(outcome, Outcome::Misconfigured { .. }),
        Script::Throttle => matches!(
            outcome,
            Outcome::Throttled { after, .. } | Outcome::Deferred { after: Some(after), .. }
                if (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(after)
        ),
        Script::Unavailable | Script::Gone | Script::SilentBeforeContent => {
            matches!(outcome, Outcome::Unavailable { .. } | Outcome::Deferred { .. })
        }
        Script::SilentAfterContent
        | Script::ResetAfterContent
        | Script::GarbageAfterContent
        | Script::SlowAfterContent => unknown,
        // An HTTP provider has said 200 before its body turns endless: both readings are honest.
        Script::EndlessAfterContent => unknown || matches!(outcome, Outcome::Accepted { .. }),
    }
}
