//! Calls that journeys make to declared HTTP endpoints, with typed answers.

use crate::{Live, Machine};
use std::{collections::BTreeMap, future::Future, pin::Pin};
use store::{CallSettle, CallWork, Incoming, StoreError};
use words::{Elapsed, Event, EventKind, Timestamp, Value, internal};

/// Calls per batch.
const LIMIT: usize = 64;

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// Answered with this JSON.
    Answered(serde_json::Value),
    /// It may work later.
    Later(String),
    /// It will not.
    Failed(String),
}

/// A call under way.
pub type Calling<'a> = Pin<Box<dyn Future<Output = CallOutcome> + Send + 'a>>;

/// Who makes calls: HTTP in live runs, a script in stories.
pub trait Caller: Send + Sync {
    /// Makes one call. Its key is stable over tries: (enrollment, step, visit).
    fn call<'a>(&'a self, schema: &'a journey::CallSchema, work: &'a CallWork, key: String) -> Calling<'a>;
}

/// Makes no calls: every one fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCalls;

impl Caller for NoCalls {
    fn call<'a>(&'a self, _: &'a journey::CallSchema, _: &'a CallWork, _: String) -> Calling<'a> {
        Box::pin(async { CallOutcome::Failed("calls are switched off here".to_owned()) })
    }
}

impl Machine {
    /// Makes the calls that are due; how many.
    pub async fn call_batch(&self) -> Result<usize, StoreError> {
        let Some(live) = self.live() else { return Ok(0) };
        if live.release.project.schema.calls.is_empty() {
            return Ok(0);
        }
        let now = self.clock.now();
        let claimed =
            self.store.claim_calls(now, self.clock.machine_now(), LIMIT, crate::machine::LEASE).await?;
        let count = claimed.len();
        let caller = std::sync::Arc::clone(&self.caller);
        let settled = futures::future::join_all(claimed.into_iter().map(|work| {
            let (live, caller) = (&live, &caller);
            async move { self.call_one(live, caller.as_ref(), work).await }
        }))
        .await;
        if count > 0 {
            self.store.settle_calls(settled, self.clock.now()).await?;
        }
        Ok(count)
    }

    async fn call_one(&self, live: &Live, caller: &dyn Caller, work: CallWork) -> CallSettle {
        let Some(schema) = live.release.project.schema.calls.get(&work.call) else {
            return self.failed(work, "the call is no longer declared");
        };
        let key = format!("{}/{}/{}", work.enrollment, work.step, work.visit);
        let outcome = caller.call(schema, &work, key).await;
        let now = self.clock.now();
        match outcome {
            CallOutcome::Answered(json) => match typed(schema, &json) {
                Ok(answer) => {
                    let event =
                        self.came_back(&work, internal::CALL_ANSWERED, ("answer", Value::Map(answer)), now);
                    CallSettle { work, event: Some(event), answered: true, due_at: None }
                }
                Err(why) => self.failed(work, &why),
            },
            CallOutcome::Failed(why) => self.failed(work, &why),
            CallOutcome::Later(why) => {
                let wait = Elapsed::from_secs(2i64.saturating_pow(work.attempts.min(10)));
                if now.plus(wait) >= work.give_up_at {
                    return self.failed(work, &why);
                }
                CallSettle { work, event: None, answered: false, due_at: Some(now.plus(wait)) }
            }
        }
    }

    fn failed(&self, work: CallWork, why: &str) -> CallSettle {
        let event = self.came_back(
            &work,
            internal::CALL_FAILED,
            ("reason", Value::Text(why.to_owned())),
            self.clock.now(),
        );
        CallSettle { work, event: Some(event), answered: false, due_at: None }
    }

    fn came_back(&self, work: &CallWork, name: &str, what: (&str, Value), now: Timestamp) -> Incoming {
        let properties = BTreeMap::from([
            ("enrollment".to_owned(), Value::Text(work.enrollment.to_string())),
            ("step".to_owned(), Value::Text(work.step.clone())),
            ("visit".to_owned(), Value::Int(i64::from(work.visit))),
            (what.0.to_owned(), what.1),
        ]);
        Incoming {
            customer: work.customer,
            event: Event {
                id: self.ids.event(now),
                name: name.to_owned(),
                occurred_at: now,
                received_at: now,
                properties,
                kind: EventKind::Live,
            },
            source: "tabi".to_owned(),
            message_id: Some(format!("{}/{}/{}", work.enrollment, work.step, work.visit)),
            listened: true,
            declared: true,
        }
    }
}

/// The answer by its declared types.
fn typed(schema: &journey::CallSchema, json: &serde_json::Value) -> Result<BTreeMap<String, Value>, String> {
    let mut answer = BTreeMap::new();
    for (name, field) in &schema.answer {
        match json.get(name).filter(|value| !value.is_null()) {
            None if field.required => return Err(format!("the answer lacks `{name}`")),
            None => {}
            Some(value) => {
                let value =
                    Value::from_json(value, &field.ty).map_err(|e| format!("`{name}` of the answer: {e}"))?;
                answer.insert(name.clone(), value);
            }
        }
    }
    Ok(answer)
}
