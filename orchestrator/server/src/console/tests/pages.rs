//! What pages show: in both languages, and never what a customer wrote as markup.

use super::story::Stage;
use crate::console::{Role, guard};
use http::StatusCode;

/// The pages with something of the story on them.
fn paths(stage: &Stage) -> Vec<String> {
    let (customer, sent, held_back) = (stage.customer, stage.sent, stage.held_back);
    vec![
        "/console".into(),
        "/console/journeys".into(),
        "/console/journeys/thank_you".into(),
        "/console/customers".into(),
        "/console/customers?q=nobody".into(),
        format!("/console/customers/{customer}"),
        "/console/messages".into(),
        "/console/messages?outcome=any_not_sent&journey=thank_you&from=2020-01-01&to=2030-01-01".into(),
        format!("/console/messages/{sent}"),
        format!("/console/messages/{held_back}"),
        "/console/troubles".into(),
        "/console/sending".into(),
        "/console/reads".into(),
        "/console/acts".into(),
        "/console/acts?by=admin&kind=sending.stopped&from=2020-01-01&to=2030-01-01".into(),
        "/console/reads?reader=admin&kind=customer&from=2020-01-01&to=2030-01-01".into(),
        "/console/settings".into(),
    ]
}

#[tokio::test]
async fn every_page_is_there_in_both_languages() {
    let stage = Stage::with("Ann").await;
    let (cookie, _) = stage.visitor(Role::Admin).await;
    for path in paths(&stage) {
        for (lang, word) in [("en", "Overview"), ("ja", "概要")] {
            let sign = if path.contains('?') { '&' } else { '?' };
            let answer = stage.get(&format!("{path}{sign}lang={lang}"), &cookie).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            assert!(
                answer.body.contains(&format!("<html lang=\"{lang}\">")) && answer.body.contains(word),
                "{path}"
            );
            assert_eq!(answer.policy, guard::POLICY);
            for inline in [" style=", "<style", " onclick=", "javascript:", "<script>"] {
                assert!(!answer.body.contains(inline), "{path} has {inline}");
            }
        }
    }
}

#[tokio::test]
async fn sentences_of_the_record_tell_the_time_by_the_projects_clocks() {
    let stage = Stage::with("waits until 2026-11-21 15:30 UTC").await;
    let (cookie, _) = stage.visitor(Role::Reviewer).await;
    let page = stage.get(&format!("/console/customers/{}", stage.customer), &cookie).await.body;
    assert!(page.contains("waits until 2026-11-21 10:30 America/New_York"), "{page}");
}

#[tokio::test]
async fn the_story_can_be_read() {
    let stage = Stage::with("Ann").await;
    let (cookie, csrf) = stage.visitor(Role::Reviewer).await;
    let found = stage.get("/console/customers?q=ANN@EXAMPLE.COM", &cookie).await;
    let ann = format!("/console/customers/{}", stage.customer);
    assert_eq!(stage.get("/console/customers?q=ann@example.com", &cookie).await.location, ann);
    assert_eq!(stage.get("/console/customers?q=user-1", &cookie).await.location, ann);
    assert_eq!(found.status, StatusCode::OK, "the part before @ keeps its case");
    let page = stage.get(&ann, &cookie).await.body;
    for word in ["order_placed", "ann@example.com", "Post-purchase thank-you", "Granted", "Not sent"] {
        assert!(page.contains(word), "{word}");
    }
    let read = stage.app.store.audit_events(Some("customer.read"), None, 10).await.unwrap();
    assert_eq!(read.rows.len(), 1, "that somebody looked is written down");

    let message = format!("/console/messages/{}", stage.sent);
    let page = stage.get(&message, &cookie).await.body;
    assert!(page.contains("Accepted") && page.contains("Clicked") && !page.contains("shop@example.com"));
    let delivery = stage.delivery.to_string();
    let nameless =
        stage.post(&format!("{message}/open"), &cookie, &[("csrf", &csrf), ("delivery", &delivery)]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY, "content is opened for a reason");
    let fields = [("csrf", csrf.as_str()), ("delivery", &delivery), ("reason", "case 1")];
    let opened = stage.post(&format!("{message}/open"), &cookie, &fields).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    let opened = opened.location.split('#').next().unwrap().to_owned();
    let page = stage.get(&opened, &cookie).await.body;
    assert!(page.contains("sandbox") && page.contains("Shop &lt;shop@example.com&gt;"), "{page}");
    let key = opened.split("open=").nth(1).unwrap();
    let frame = stage.get(&format!("/console/content/{key}/html"), &cookie).await;
    assert!(frame.body.contains("<p>body Ann</p>"));
    assert!(frame.policy.contains("sandbox") && frame.policy.contains("default-src 'none'"));
    let page = stage.get(&message, &cookie).await.body;
    assert!(page.contains("Who read the content") && page.contains("case 1"), "{page}");
    let reads = stage.get("/console/reads", &cookie).await.body;
    for said in ["Content of a message", "A customer&#39;s page", "case 1", &stage.sent.to_string(), &ann] {
        assert!(reads.contains(said), "{said}: {reads}");
    }
    let of_message = stage.get(&format!("/console/reads?message={}", stage.sent), &cookie).await.body;
    assert!(of_message.contains("case 1") && !of_message.contains("<td>A customer"), "{of_message}");
    let (other, _) = stage.visitor(Role::Reviewer).await;
    let stolen = stage.get(&format!("/console/content/{key}/html"), &other).await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND, "what one session opened is shut for another");
}

#[tokio::test]
async fn a_selection_can_be_taken_away_and_that_is_written_down() {
    let stage = Stage::with("=1+1").await;
    let (cookie, csrf) = stage.visitor(Role::Reviewer).await;
    let csv = stage
        .post("/console/messages/export", &cookie, &[("csrf", &csrf), ("format", "csv"), ("reason", "audit")])
        .await;
    assert_eq!(csv.status, StatusCode::OK, "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 3, "{}", csv.body);
    assert!(csv.body.contains(",'=1+1,") && !csv.body.contains(",=1+1"), "{}", csv.body);
    let jsonl = stage
        .post(
            "/console/messages/export",
            &cookie,
            &[("csrf", &csrf), ("format", "jsonl"), ("reason", "audit"), ("outcome", "any_not_sent")],
        )
        .await;
    let line: serde_json::Value = serde_json::from_str(jsonl.body.trim()).unwrap();
    assert_eq!(line["message"], stage.held_back.to_string());
    let eml = stage
        .post("/console/messages/export", &cookie, &[("csrf", &csrf), ("format", "eml"), ("reason", "audit")])
        .await;
    assert!(
        eml.body.starts_with("From tabi@localhost ") && eml.body.contains("\nSubject: =1+1\n"),
        "{}",
        eml.body
    );
    assert_eq!(
        stage.post("/console/messages/export", &cookie, &[("csrf", &csrf), ("format", "eml")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    // A link from elsewhere takes nothing away and writes no reason down.
    let link = stage.get("/console/messages/export?format=csv&reason=theirs", &cookie).await;
    assert_eq!(link.status, StatusCode::METHOD_NOT_ALLOWED, "{}", link.body);
    let forged = [("csrf", "x"), ("format", "csv"), ("reason", "theirs")];
    let forged = stage.post("/console/messages/export", &cookie, &forged).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.body);
    let written = stage.app.store.audit_events(Some("log.exported"), None, 10).await.unwrap();
    assert_eq!(written.rows.len(), 3);
    assert!(written.rows.iter().all(|row| row.body.contains("reviewer") && row.body.contains("audit")));
}

/// Two hundred ways to be taken for markup: each opening, in each wrapping.
#[tokio::test]
async fn no_cell_that_is_taken_away_is_a_formula() {
    for evil in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=1", "＝1", "＠x"] {
        let stage = Stage::with(evil).await;
        let (cookie, csrf) = stage.visitor(Role::Reviewer).await;
        let csv = stage
            .post(
                "/console/messages/export",
                &cookie,
                &[("csrf", &csrf), ("format", "csv"), ("reason", "audit")],
            )
            .await
            .body;
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
        let cells: Vec<String> = rows
            .records()
            .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert!(cells.len() > 50 && cells.contains(&format!("'{evil}")), "{evil:?} is not whole in {csv}");
        for cell in &cells {
            let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＠']);
            assert!(!formula && !cell.starts_with(['\t', '\r', '\n']), "{evil:?} became {cell:?}");
        }
    }
}

fn hostile() -> Vec<String> {
    let cores = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe srcdoc=x>",
        "<body onload=alert(1)>",
        "<a href=javascript:alert(1)>x</a>",
        "<math><mi//xlink:href=\"data:x\">",
        "<details open ontoggle=alert(1)>",
        "<input autofocus onfocus=alert(1)>",
        "<style>@import'//x'</style>",
        "<link rel=stylesheet href=//x>",
        "<base href=//x>",
        "<meta http-equiv=refresh content=0>",
        "<object data=x>",
        "<embed src=x>",
        "<form action=//x><button>",
        "<video><source onerror=alert(1)>",
        "<marquee onstart=alert(1)>",
        "<template><script>",
        "<x onclick=alert(1)>",
    ];
    let around = [
        "",
        "\">",
        "'>",
        "</title>",
        "</textarea>",
        "</pre></code>",
        "-->",
        "{{ 1 }}",
        "</text></svg>",
        "\" zz=\"",
    ];
    cores.iter().flat_map(|core| around.iter().map(move |before| format!("{before}{core}"))).collect()
}

#[tokio::test]
async fn nothing_that_a_customer_wrote_becomes_markup() {
    let payloads = hostile();
    assert_eq!(payloads.len(), 200);
    // Many in one text: the marks around each tell afterwards that all of it arrived.
    for some in payloads.chunks(50) {
        let text: String = some.iter().enumerate().map(|(i, p)| format!("q{i}q{p}")).collect();
        let stage = Stage::with(&text).await;
        let (cookie, _) = stage.visitor(Role::Admin).await;
        let mut seen = 0;
        for path in paths(&stage) {
            let answer = stage.get(&path, &cookie).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            seen += usize::from(answer.body.contains("q49q"));
            for payload in some {
                let start = payload.find('<').map_or(payload.as_str(), |at| &payload[at..]);
                assert!(!answer.body.contains(start), "{path} shows {payload} as markup");
            }
            assert!(!answer.body.contains("\" zz=\""), "{path}: out of an attribute");
        }
        assert!(seen >= 6, "the text was shown on {seen} pages only");
    }
}

#[tokio::test]
async fn what_people_did_is_listed_and_an_erased_customer_says_who_asked_for_it() {
    let stage = Stage::with("Ann").await;
    let (cookie, csrf) = stage.visitor(Role::Reviewer).await;
    let customer = format!("/console/customers/{}", stage.customer);
    // A word that a later one took the place of, with its wording and source.
    let taken_back = words::Consent {
        purpose: Some("offers".into()),
        channel: Some(words::Channel::EMAIL),
        state: words::ConsentState::Revoked,
        basis: words::Basis::Express,
        at: super::story::at(20),
        expires_at: None,
        evidence: words::Evidence { method: "one_click".into(), ..words::Evidence::default() },
    };
    let change = move |_: &mut words::Customer| vec![words::ConsentChange { consent: taken_back }];
    stage.app.store.update_customer(stage.customer, super::story::at(20), change, Vec::new()).await.unwrap();
    let page = stage.get(&customer, &cookie).await.body;
    assert!(page.contains("Said before") && page.contains("<blockquote>Ann</blockquote>"), "{page}");

    stage.get(&format!("/console/messages/{}", stage.sent), &cookie).await;
    stage.get("/console/messages?customer=user-1", &cookie).await;
    let audit = store::AuditEvent::new(
        store::AuditKind::CustomerErased,
        super::story::at(30),
        &serde_json::json!({"by": "Hanako", "reason": "request of 12 May"}),
    );
    stage
        .app
        .store
        .erase(stage.customer, super::story::at(30), vec![audit.about(stage.customer.0)])
        .await
        .unwrap();
    let page = stage.get(&customer, &cookie).await.body;
    for said in ["Erased by", "Hanako", "request of 12 May"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let acts = stage.get("/console/acts", &cookie).await.body;
    for said in [
        "Erased a customer",
        "Stopped sending",
        "Read all about a message",
        "Searched for somebody",
        "Made an API key",
    ] {
        assert!(acts.contains(said), "{said}: {acts}");
    }
    let stops = stage.get("/console/acts?kind=sending.stopped&lang=ja", &cookie).await.body;
    assert!(stops.contains("<td>送信を停止") && !stops.contains("<td>お客様の情報を消去"), "{stops}");
    let (marketer, _) = stage.visitor(Role::Marketer).await;
    assert_eq!(stage.get("/console/acts", &marketer).await.status, StatusCode::FORBIDDEN);
    let without =
        stage.post("/console/messages/export", &cookie, &[("csrf", &csrf), ("format", "csv")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY, "nothing is taken away without a reason");
}

#[tokio::test]
async fn direct_sends_are_no_journey_and_channels_are_words() {
    let stage = Stage::with("Ann").await;
    let (cookie, _) = stage.visitor(Role::Reviewer).await;
    let mut direct = super::story::message(stage.customer, "direct", "Ann");
    direct.journey = "api".into();
    let now = super::story::at(6);
    stage.app.store.plan_messages(stage.customer, vec![direct], Vec::new(), now).await.unwrap();
    let overview = stage.get("/console", &cookie).await.body;
    assert!(overview.contains("Direct sends") && !overview.contains("/console/journeys/api"), "{overview}");
    let add = |customer: &mut words::Customer| {
        customer.addresses.push(words::Address {
            channel: words::Channel::EMAIL,
            value: "ann@example.com".into(),
            state: words::AddressState::Active,
            added_at: super::story::at(0),
            seen_at: None,
        });
        Vec::new()
    };
    stage.app.store.update_customer(stage.customer, now, add, Vec::new()).await.unwrap();
    let list = stage.get("/console/customers", &cookie).await.body;
    assert!(list.contains(">E-mail</span>") && !list.contains("[{"), "{list}");
}

#[tokio::test]
async fn a_journey_goes_by_its_title_wherever_it_is_named() {
    let stage = Stage::with("Ann").await;
    let (cookie, _) = stage.visitor(Role::Admin).await;
    let stop = store::StopScope::Journey("thank_you".into());
    stage.app.store.stop(stop, "admin", "wrong price", super::story::at(7)).await.unwrap();
    let message = format!("/console/messages/{}", stage.sent);
    for path in ["/console/messages", &message, "/console/troubles", "/console/sending", "/console/acts"] {
        for (lang, title) in [("en", "Post-purchase thank-you"), ("ja", "ご購入のお礼")] {
            let page = stage.get(&format!("{path}?lang={lang}"), &cookie).await.body;
            // Once in the banner of the stop, and once in its own place.
            assert!(page.matches(title).count() > 1, "{path} in {lang}: {page}");
        }
    }
    let mut direct = super::story::message(stage.customer, "direct", "Ann");
    direct.journey = "api".into();
    let now = super::story::at(8);
    stage.app.store.plan_messages(stage.customer, vec![direct], Vec::new(), now).await.unwrap();
    let log = stage.get("/console/messages", &cookie).await.body;
    assert!(log.contains("<small>Direct sends"), "{log}");
}

#[tokio::test]
async fn an_address_that_two_share_leads_to_a_choice_and_not_to_one_of_them() {
    let stage = Stage::with("Ann").await;
    let (cookie, _) = stage.visitor(Role::Reviewer).await;
    let now = super::story::at(6);
    let keys = [store::Identity::user_id("user-2")];
    let other = stage.app.store.get_or_create(&keys, now, &stage.app.ids).await.unwrap().customer;
    let shares = |customer: &mut words::Customer| {
        customer.addresses.push(words::Address {
            channel: words::Channel::EMAIL,
            value: "ann@example.com".into(),
            state: words::AddressState::Active,
            added_at: super::story::at(6),
            seen_at: None,
        });
        Vec::new()
    };
    stage.app.store.update_customer(other, now, shares, Vec::new()).await.unwrap();
    stage.app.store.update_customer(stage.customer, now, shares, Vec::new()).await.unwrap();
    let found = stage.get("/console/customers?q=ann@example.com", &cookie).await;
    assert_eq!(found.status, StatusCode::OK);
    for id in [stage.customer, other] {
        assert!(found.body.contains(&format!("/console/customers/{id}")), "{}", found.body);
    }
    let log = stage.get("/console/messages?customer=ann@example.com", &cookie).await;
    assert_eq!(log.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(log.body.contains("Several customers share this address"), "{}", log.body);
}

#[tokio::test]
async fn whoever_may_go_live_is_told_what_testing_left() {
    let stage = Stage::with("Ann").await;
    let (cookie, _) = stage.visitor(Role::Operator).await;
    let page = stage.get("/console/sending", &cookie).await.body;
    assert!(page.contains("Taken over from testing as it stands: customers 1"), "{page}");
    assert!(stage.get("/console/sending?lang=ja", &cookie).await.body.contains("お客様 1 名"));
}
