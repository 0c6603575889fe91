//! Commands that come while an installation is starting, or while another command has it.

use super::{Shop, command, tabi_in};
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A server that was told to start and is left alone; ended with the test.
struct Starting {
    child: Child,
    address: SocketAddr,
}

impl Starting {
    fn new(shop: &Shop) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = command(shop.folder.path(), &["serve", "--listen", &free.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address: free }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_sees_it_listen_finds_the_way_to_command_it() {
    let shop = Shop::new("en");
    let server = Starting::new(&shop);
    let began = Instant::now();
    while TcpStream::connect(server.address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never listens");
        std::thread::sleep(Duration::from_millis(1));
    }
    let door = std::fs::read_to_string(shop.path("data/control.json")).unwrap();
    let door: serde_json::Value = serde_json::from_str(&door).unwrap();
    assert_eq!(door["pid"].as_u64(), Some(u64::from(server.child.id())));
    let made = shop.tabi(&["key", "create", "shop"]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
}

#[test]
fn commands_that_meet_wait_for_each_other() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let server = Starting::new(&shop);
    let names: Vec<String> = (0..6).map(|n| format!("key{n}")).collect();
    let commands: Vec<Child> = names
        .iter()
        .map(|name| {
            command(shop.folder.path(), &["key", "create", name])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    let list = shop.tabi(&["key", "list"]);
    assert!(names.iter().all(|name| list.out.contains(name)), "{}", list.out);
    drop(server);
}

#[test]
fn a_new_project_says_its_name_once_below_and_has_an_address_for_each_language() {
    let shop = Shop::new("en,ja");
    let brand = std::fs::read_to_string(shop.path("templates/brand.yaml")).unwrap();
    assert!(brand.contains("en: \"1 Example Street, Example City\", ja: \"〒000-0000"), "{brand}");
    let footer = std::fs::read_to_string(shop.path("templates/blocks/footer.mjml")).unwrap();
    assert!(!footer.contains("brand.footer") && footer.contains("brand.colours.primary"), "{footer}");
    let said = shop.tabi(&["preview", "welcom", "--listen", "127.0.0.1:0"]);
    assert_eq!(
        (said.code, said.err.contains("did you mean `welcome`?")),
        (1, true),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn a_code_and_the_references_are_explained_where_no_repository_is() {
    let here = tempfile::tempdir().unwrap();
    let page = tabi_in(here.path(), &["explain", "j050"]);
    assert!(
        page.code == 0 && page.out.starts_with("# J050: ") && page.out.contains("## Right"),
        "{}",
        page.out
    );
    let ja = tabi_in(here.path(), &["explain", "templates", "--lang", "ja"]);
    assert!(ja.code == 0 && ja.out.contains("テンプレート"), "{}", ja.out);
    let slip = tabi_in(here.path(), &["explain", "J0050"]);
    assert_eq!((slip.code, slip.err.contains("did you mean")), (1, true), "{}", slip.err);
    let all = tabi_in(here.path(), &["explain"]);
    assert!(
        all.out.contains("J050") && all.out.contains("T001") && all.out.contains("journeys"),
        "{}",
        all.out
    );
}
