//! A small story in a store in memory, and a visitor with a cookie.

use crate::console::{Role, router, session};
use crate::{App, Current};
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use store::{
    AttemptRecord, ClaimFor, CustomerChange, Deciding, DeliveryState, FinalContent, HandOver, Identity,
    Incoming, MessageOutcome, NewDecision, NewDelivery, NewMessage, NewNotice, NewReceipt, NewRejected,
    NewRelease, Operator, Origin, Session, Settle, Store, VirtualClock,
};
use tower::ServiceExt;
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, CustomerId, DeliveryClass, DeliveryId, Elapsed,
    Event, EventKind, Evidence, IdSource, MessageClass, MessageId, Timestamp, Value,
};

pub(super) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + 60 * minutes)
}

/// A console over a store with a story in it.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) customer: CustomerId,
    pub(super) sent: MessageId,
    pub(super) delivery: DeliveryId,
    pub(super) held_back: MessageId,
}

/// An answer: status, the address of a redirect, body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: String,
    pub(super) policy: String,
    pub(super) cookies: Vec<String>,
    pub(super) body: String,
}

impl Stage {
    /// With `text` in every place where an outsider's text may stand.
    pub(super) async fn with(text: &str) -> Self {
        let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
        let files = release::files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        let (built, problems) = release::Release::build(files);
        let built = built.unwrap_or_else(|| panic!("the shipped project has errors: {problems:?}"));
        put_release(&store, &built).await;
        let ids = Arc::new(IdSource::seeded(1));
        let clock = Arc::new(VirtualClock::at(at(100)));
        let current = Current::of(Arc::new(built));
        let app = App::new(store.clone(), clock, ids.clone(), current, "http://localhost");
        let customer = customer(&store, &ids, text).await;
        events(&store, &ids, customer, text).await;
        let held_back = decided(&store, customer, text).await;
        // The step comes first: it might change what is sent.
        let (sent, delivery) = sent(&store, customer, text).await;
        troubles(&store, &ids, text).await;
        for role in Role::ALL {
            let operator = Operator {
                name: role.as_str().into(),
                role: role.as_str().into(),
                password: "!".into(),
                created_at: at(0),
                disabled_at: None,
            };
            store.put_operator(operator, "test", at(0)).await.unwrap();
        }
        Self { router: router(app.clone()), app, customer, sent, delivery, held_back }
    }

    /// A signed-in visitor of this role: cookie and form token.
    pub(super) async fn visitor(&self, role: Role) -> (String, String) {
        let vault = self.app.store.vault();
        let issued = vault.issue_session().unwrap();
        let now = self.app.clock.machine_now();
        let csrf = vault.form_token(&issued.hash);
        let session = Session {
            hash: issued.hash,
            operator: role.as_str().into(),
            created_at: now,
            seen_at: now,
            csrf: csrf.clone(),
        };
        self.app.store.open_session(session).await.unwrap();
        (format!("{}={}", session::cookie_name(false, "localhost"), issued.secret.expose()), csrf)
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header("host", "localhost").header("cookie", cookie);
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = Request::post(path)
            .header("host", "localhost")
            .header("origin", "http://localhost")
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form.finish())).unwrap()).await
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let header = |name: &str| {
            response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (status, location, policy) =
            (response.status(), header("location"), header("content-security-policy"));
        let cookies =
            response.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        Answer { status, location, policy, cookies, body: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

async fn put_release(store: &Store, built: &release::Release) {
    let release = NewRelease {
        id: built.id,
        at: at(0),
        by: "test".into(),
        note: "first".into(),
        manifest: "{}".into(),
        files: release::files::pack(&built.files),
        programs: built.project.programs.values().cloned().collect(),
    };
    store.put_release(release).await.unwrap();
    store.go_live(built.id, "test", "deploy", at(0)).await.unwrap();
}

async fn customer(store: &Store, ids: &IdSource, text: &str) -> CustomerId {
    let keys = [Identity::user_id("user-1"), Identity::address(&Channel::EMAIL, "ann@example.com")];
    let id = store.get_or_create(&keys, at(0), ids).await.unwrap().customer;
    let text = text.to_owned();
    let change = move |customer: &mut words::Customer| {
        customer.traits.insert("first_name".into(), Value::Text(text.clone()));
        customer.account = Some(text.clone());
        let consent = Consent {
            purpose: Some("offers".into()),
            channel: Some(Channel::EMAIL),
            state: ConsentState::Granted,
            basis: Basis::Express,
            at: at(0),
            expires_at: None,
            evidence: Evidence {
                method: text.clone(),
                source: Some(text.clone()),
                text_hash: None,
                text: Some(text.clone()),
            },
        };
        vec![ConsentChange { consent }]
    };
    store.update_customer(id, at(0), change, Vec::new()).await.unwrap();
    id
}

async fn events(store: &Store, ids: &IdSource, customer: CustomerId, text: &str) {
    let event = |name: &str, declared| Incoming {
        customer,
        event: Event {
            id: ids.event(at(1)),
            name: name.into(),
            occurred_at: at(1),
            received_at: at(1),
            properties: BTreeMap::from([(text.to_owned(), Value::Text(text.to_owned()))]),
            kind: EventKind::Live,
        },
        source: "api".into(),
        message_id: None,
        listened: true,
        declared,
    };
    store.ingest(vec![event("order_placed", true), event(text, false)]).await.unwrap();
}

pub(super) fn message(customer: CustomerId, step: &str, text: &str) -> NewMessage {
    let why = serde_json::json!({
        "decision": {"verdict": "block"},
        "reasons": [{"rule": "CNS-001", "code": "consent_missing", "outcome": "block", "text": {"en": text, "ja": text}}],
        "consent": {"purpose": text, "channel": "email", "basis": "express", "at": 0, "method": text},
    });
    NewMessage {
        id: MessageId::derive(&customer.0, step, 1),
        origin: Origin::Journey,
        enrollment: None,
        journey: "thank_you".into(),
        step: step.into(),
        visit: 1,
        name: text.into(),
        purpose: "offers".into(),
        class: MessageClass::Marketing,
        priority: 0,
        program: None,
        release: None,
        cause_seq: 1,
        planned_at: at(5),
        expires_at: None,
        outcome: MessageOutcome::Planned,
        why: why.to_string(),
        inputs: BTreeMap::new(),
        deliveries: Vec::new(),
    }
}

async fn sent(store: &Store, customer: CustomerId, text: &str) -> (MessageId, DeliveryId) {
    let mut planned = message(customer, "first", text);
    let delivery = DeliveryId::derive(planned.id, 1, "email", 0);
    planned.deliveries.push(NewDelivery {
        id: delivery,
        ordinal: 1,
        channel: Channel::EMAIL,
        address: "ann@example.com".into(),
        due_at: at(5),
        class: DeliveryClass::NeverTwice,
    });
    let id = planned.id;
    let why = planned.why.clone();
    store.plan_messages(customer, vec![planned], Vec::new(), at(5)).await.unwrap();
    let claim = ClaimFor {
        node: "one".into(),
        machine_now: at(5),
        lease: Elapsed::from_secs(60),
        caps_since: at(-10_000),
    };
    let work = store.claim_sends(at(5), 10, &[Channel::EMAIL], claim).await.unwrap().remove(0);
    let mail = format!(
        "From: Shop <shop@example.com>\r\nTo: ann@example.com\r\nSubject: {0}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {0}\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>body {0}</p>\r\n--b--\r\n",
        text.replace(['\r', '\n'], " ")
    );
    let hand_over = HandOver {
        customer,
        message: id,
        delivery,
        fence: work.fence,
        guard_version: work.guard_version,
        stop_epoch: work.stop_epoch,
        valid_until: at(1000),
        uses_cap: true,
        why: why.clone(),
        content: Some(FinalContent {
            media: "message/rfc822".into(),
            bytes: mail.into_bytes(),
            parcel: "{}".into(),
            likeness: None,
            locale: "en".into(),
            release: None,
        }),
        provider: "smtp".into(),
        audit: Vec::new(),
    };
    store.hand_over(vec![hand_over], at(6)).await.unwrap().remove(0).unwrap();
    let settled = Settle {
        customer,
        message: id,
        delivery,
        fence: work.fence,
        state: DeliveryState::Accepted,
        due_at: None,
        why: r#"{"outcome":"accepted"}"#.into(),
        in_inbox: false,
        attempt: Some(AttemptRecord {
            started_at: at(6),
            ended_at: at(6),
            outcome: "accepted".into(),
            stage: None,
            answer: text.into(),
            provider_id: Some(text.into()),
        }),
        give_back_cap: false,
        suppress: None,
        next: None,
        uncount: false,
        clear_strikes: true,
        events: Vec::new(),
        audit: Vec::new(),
    };
    assert_eq!(store.settle(vec![settled], at(6)).await.unwrap(), [true]);
    let receipt = NewReceipt {
        customer,
        message: id,
        delivery,
        kind: "clicked".into(),
        at: at(7),
        detail: text.into(),
        events: Vec::new(),
        suppress: None,
        audit: Vec::new(),
    };
    store.receipts(vec![receipt], at(7)).await.unwrap();
    (id, delivery)
}

/// A message not sent, a decision and a notice, by a step of the customer.
async fn decided(store: &Store, customer: CustomerId, text: &str) -> MessageId {
    let mut held_back = message(customer, "second", text);
    held_back.outcome = MessageOutcome::NotSent;
    let id = held_back.id;
    let deciding = Deciding { caps_since: at(-10_000), events_max: 100 };
    let batch = store.claim_steps(at(5), 10, deciding).await.unwrap();
    let change = CustomerChange {
        applied_seq: batch.work[0].events.last().map_or(batch.work[0].applied_seq, |(seq, _)| *seq),
        messages: vec![held_back],
        notices: vec![NewNotice {
            to: "crm@example.com".into(),
            journey: Some("thank_you".into()),
            text: text.into(),
            mail: false,
        }],
        decisions: vec![NewDecision {
            at: at(5),
            enrollment: None,
            journey: Some("thank_you".into()),
            step: None,
            kind: "not_started",
            body: store::Saying::Words(serde_json::json!({"en": text, "ja": text}).to_string()),
        }],
        ..CustomerChange::default()
    };
    store.commit_steps(batch, vec![change], at(5), None).await.unwrap();
    id
}

async fn troubles(store: &Store, ids: &IdSource, text: &str) {
    let rejected = NewRejected {
        at: at(6),
        source: "api".into(),
        name: text.into(),
        code: "A001".into(),
        reason: text.into(),
        body: b"{}".to_vec(),
    };
    store.reject(vec![rejected], ids).await.unwrap();
    // A provider that fails, in its own words.
    let pace = channel::pace::Pace { breaker: Some(channel::pace::Breaker::default()), ..Default::default() };
    store.set_paces(BTreeMap::from([(words::Channel::SMS, pace)])).await.unwrap();
    let after = std::time::Duration::from_secs(3600);
    let later = channel::Outcome::Throttled { after, answer: text.into() };
    store.provider_said(&words::Channel::SMS, vec![later.said()], at(6)).await.unwrap();
    store.stop(store::StopScope::Journey(text.into()), "test", text, at(6)).await.unwrap();
    let key = store::ApiKey {
        hash: [7; 32],
        name: text.into(),
        kind: "server".into(),
        scopes: vec!["*".into()],
        created_at: at(0),
        created_by: text.into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    store.put_api_key(key).await.unwrap();
}
