//! Before and after the launch: what must not go out, what is stopped, and what is told when.

use super::{
    Shop,
    running::{Server, until},
};

const RELAY: &str = "base_url: https://tabi.example.jp\nemail:\n  host: smtp.example.jp\n";

#[test]
fn nobody_goes_live_with_what_init_wrote_as_an_example() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    std::fs::write(shop.path("tabi.yaml"), RELAY.replace("tabi.example.jp", "tabi.example")).unwrap();
    let refused = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    let brand = std::fs::read_to_string(shop.path("templates/brand.yaml")).unwrap();
    for value in ["hello@shop.example", "https://shop.example/", "1 Example Street, Example City"] {
        let line = brand.lines().position(|line| line.contains(value)).unwrap() + 1;
        let place = format!("templates/brand.yaml:{line} {value}");
        assert!(refused.err.contains(&place), "{place} is not in: {}", refused.err);
    }
    assert!(refused.err.contains("tabi.yaml:1 https://tabi.example"), "{}", refused.err);
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.out.contains("templates/brand.yaml:") && doctor.out.contains("go-live"), "{}", doctor.out);
    let check = shop.tabi(&["check", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&check.out).unwrap();
    assert!(told["to_fill_in"].as_array().unwrap().len() >= 3, "{}", check.out);

    shop.fill_in();
    std::fs::write(shop.path("tabi.yaml"), RELAY).unwrap();
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let live = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!(live.code, 0, "{}{}", live.out, live.err);
    // And they do not come back while it is live.
    shop.edit("templates/brand.yaml", "hello@kumo.example.jp", "hello@shop.example");
    let again = shop.tabi(&["deploy"]);
    assert_eq!(
        (again.code, again.err.contains("hello@shop.example")),
        (4, true),
        "{}{}",
        again.out,
        again.err
    );
}

#[test]
fn a_relay_for_trials_on_this_machine_may_have_examples_and_is_told_so() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let trial = "base_url: https://tabi.example.jp\nemail: {host: 127.0.0.1, port: 1025, tls: none}\n";
    std::fs::write(shop.path("tabi.yaml"), trial).unwrap();
    let live = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!((live.code, live.err.contains("hello@shop.example")), (0, true), "{}{}", live.out, live.err);
}

#[test]
fn a_stop_of_something_that_does_not_exist_is_refused_with_what_was_meant() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    for (kind, slip, meant) in [
        ("--journey", "welcom", "did you mean `welcome`?"),
        ("--channel", "emial", "did you mean `email`?"),
        ("--channel", "fax", "there is: email, push, sms, webhook"),
        ("--purpose", "onbording", "did you mean `onboarding`?"),
    ] {
        let said = shop.tabi(&["stop", kind, slip]);
        assert_eq!((said.code, said.err.contains(meant)), (1, true), "{slip}: {}{}", said.out, said.err);
    }
    assert_eq!(shop.tabi(&["stop", "--journey", "welcome"]).code, 0);
    let slip = shop.tabi(&["resume", "--journey", "welcom"]);
    assert_eq!((slip.code, slip.err.contains("did you mean `journey welcome`?")), (1, true), "{}", slip.err);
    assert_eq!(shop.tabi(&["resume", "--journey", "welcome"]).code, 0);
    let none = shop.tabi(&["resume"]);
    assert_eq!((none.code, none.err.contains("nothing is stopped")), (1, true), "{}", none.err);
    let search = shop.tabi(&["log", "search", "--journey", "welcom"]);
    assert_eq!((search.code, search.err.contains("`welcome`")), (1, true), "{}", search.err);
}

#[test]
fn what_waited_for_a_stop_goes_out_as_soon_as_it_is_taken_back_and_says_so_meanwhile() {
    let shop = Shop::new("en");
    // A class that keeps no quiet hours: the test runs at any time of day.
    shop.edit("journeys/schema.yaml", "class: service", "class: transactional");
    shop.edit("templates/welcome/message.yaml", "use: service", "use: transactional");
    let server = Server::start(&shop);
    assert_eq!(shop.tabi(&["stop", "--reason", "wrong price"]).code, 0);
    assert_eq!(shop.tabi(&["event", "send", "signed_up", "--customer", "hana@example.jp"]).code, 0);
    let why = until(&shop, &["why", "hana@example.jp"], |said| said.out.contains("looked at again at"));
    assert!(why.out.contains("wrong price"), "{}", why.out);
    assert_eq!(shop.tabi(&["resume"]).code, 0);
    // Ten seconds at most, not fifteen minutes.
    until(&shop, &["log", "search", "--sent"], |said| said.out.contains("welcome"));
    drop(server);
}

#[test]
fn a_configuration_that_changed_since_the_start_is_named_with_the_cure() {
    let shop = Shop::new("en");
    shop.fill_in();
    let server = Server::start(&shop);
    std::fs::write(shop.path("tabi.yaml"), RELAY).unwrap();
    let stale = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!((stale.code, stale.err.contains("restart `tabi serve`")), (4, true), "{}", stale.err);
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.out.contains("changed after `tabi serve` started"), "{}", doctor.out);
    drop(server);
}

#[test]
fn a_broadcast_of_yesterday_is_told_and_not_deployed_unless_it_was_live() {
    let shop = Shop::new("en");
    std::fs::write(
        shop.path("journeys/sale.yaml"),
        "journey: sale\npurpose: onboarding\nstart:\n  at: \"2020-01-01T09:00\"\n  to: buyers\nfirst_of: [email]\nsteps:\n  \
         - send: welcome\n",
    )
    .unwrap();
    std::fs::write(shop.path("journeys/segments.yaml"), "segments:\n  buyers: customer.orders >= 1\n")
        .unwrap();
    let check = shop.tabi(&["check"]);
    assert!(check.code == 0 && check.out.contains("journeys/sale.yaml:4:7"), "{}{}", check.out, check.err);
    assert_eq!(shop.tabi(&["check", "--strict"]).code, 1);
    let deploy = shop.tabi(&["deploy"]);
    assert_eq!(
        (deploy.code, deploy.out.contains("`sale` can never start")),
        (1, true),
        "{}{}",
        deploy.out,
        deploy.err
    );
    shop.edit("journeys/sale.yaml", "2020-01-01", "2120-01-01");
    assert_eq!(shop.tabi(&["check", "--strict"]).code, 0);
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
}

#[test]
fn a_story_is_told_by_its_own_clocks_and_in_the_readers_language() {
    let shop = Shop::new("en,ja");
    shop.edit("journeys/welcome.test.yaml", "- sent: welcome", "- sent: goodbye");
    let said = shop.tabi(&["test"]);
    // The check of stories comes first where a message does not exist.
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    shop.edit("journeys/welcome.test.yaml", "- sent: goodbye", "- not_sent: welcome");
    shop.edit("journeys/welcome.test.yaml", "            on: email\n", "");
    let said = shop.tabi(&["test"]);
    assert!(
        said.out.contains("in Asia/Tokyo") && said.out.contains("2026-04-01 10:00 hana sent welcome"),
        "{}",
        said.out
    );
    let (sent, finished) = (said.out.rfind("hana sent welcome"), said.out.rfind("hana finished welcome"));
    assert!(sent < finished, "{}", said.out);
    let said = shop.tabi(&["test", "--lang", "ja"]);
    assert!(said.out.contains("hana welcome をメールで送信"), "{}", said.out);
}

#[test]
fn a_release_whose_stories_fail_is_not_deployed_unless_somebody_says_so() {
    let shop = Shop::new("en");
    let story = std::fs::read_to_string(shop.path("journeys/welcome.test.yaml")).unwrap();
    let wrong = story.replacen("send: welcome", "send: goodbye", 1);
    let wrong = if wrong == story { story.replacen("sent: welcome", "sent: goodbye", 1) } else { wrong };
    assert_ne!(wrong, story, "{story}");
    std::fs::write(shop.path("journeys/welcome.test.yaml"), wrong).unwrap();
    let refused = shop.tabi(&["deploy"]);
    assert_eq!(
        (refused.code, refused.err.contains("--despite-stories")),
        (1, true),
        "{}{}",
        refused.out,
        refused.err
    );
    assert!(refused.out.contains("goodbye"), "{}", refused.out);
    let all_the_same = shop.tabi(&["deploy", "--despite-stories", "--note", "we know"]);
    assert_eq!(all_the_same.code, 0, "{}{}", all_the_same.out, all_the_same.err);
    let list = shop.tabi(&["rollback", "--list"]);
    assert!(list.out.contains("we know [1 of "), "{}", list.out);
}

#[test]
fn a_broadcast_to_come_is_told_with_its_date_and_audience_also_where_it_goes_away() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let journey = "journey: spring_news\ntitle: Spring news\npurpose: onboarding\nstart:\n  at: \"2999-03-01 09:00\"\n  \
                   zone: Asia/Tokyo\n  to: everybody\nsteps:\n  - send: welcome\nsegments:\n";
    let journey = journey.replace("segments:\n", "");
    std::fs::write(shop.path("journeys/spring_news.yaml"), journey).unwrap();
    std::fs::write(shop.path("journeys/everybody.yaml"), "segments:\n  everybody: count(signed_up) >= 0\n")
        .unwrap();
    let plan = shop.tabi(&["plan"]);
    let told =
        "broadcast Spring news (spring_news): new; goes out 2999-03-01 09:00 (Asia/Tokyo) to everybody";
    assert!(plan.out.contains(told), "{}{}", plan.out, plan.err);
    let deploy = shop.tabi(&["deploy"]);
    assert!(deploy.out.contains(told), "{}{}", deploy.out, deploy.err);
    std::fs::remove_file(shop.path("journeys/spring_news.yaml")).unwrap();
    let gone = shop.tabi(&["deploy"]);
    assert!(gone.out.contains("it will not go out 2999-03-01 09:00"), "{}{}", gone.out, gone.err);
}
