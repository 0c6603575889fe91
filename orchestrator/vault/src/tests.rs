#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const CELL: Cell<'static> = Cell::new("customer", "profile", b"row-1");

fn key(subject: u8) -> KeyRef {
    KeyRef { subject: [subject; 16], class: KeyClass::Profile, year: 0 }
}

async fn vault(dir: &Path) -> Vault {
    Vault::open(&dir.join("keys.db"), &RootKey::from_bytes([7; 32])).await.unwrap()
}

#[tokio::test]
async fn a_key_survives_the_process_and_opens_what_it_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let first = vault(dir.path()).await;
    let data = first.subject_key(key(1), NOW).await.unwrap();
    let sealed = first.seal(&data, CELL, "山田 花子".as_bytes()).unwrap();
    assert_eq!(sealed.len(), "山田 花子".len() + SEAL_OVERHEAD);
    first.close().await;
    let second = vault(dir.path()).await;
    let data = second.subject_key(key(1), NOW).await.unwrap();
    assert_eq!(second.open_sealed(&data, CELL, &sealed).unwrap(), "山田 花子".as_bytes());
}

#[tokio::test]
async fn keys_db_refuses_another_root_key() {
    let dir = tempfile::tempdir().unwrap();
    vault(dir.path()).await.close().await;
    let other = Vault::open(&dir.path().join("keys.db"), &RootKey::from_bytes([8; 32])).await;
    assert!(matches!(other, Err(VaultError::WrongRoot)));
}

#[tokio::test]
async fn a_destroyed_subject_is_unreadable_and_gets_no_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path()).await;
    let other_year = KeyRef { year: 2027, class: KeyClass::Events, ..key(1) };
    let all = vault.keys_for(&[key(1), other_year, key(2)], NOW).await.unwrap();
    assert!(all.iter().all(Option::is_some));
    assert_eq!(vault.destroy(&[1; 16], NOW).await.unwrap(), 2);
    let after = vault.keys_for(&[key(1), other_year, key(2)], NOW).await.unwrap();
    assert_eq!(after.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true]);
    assert!(matches!(vault.subject_key(key(1), NOW).await, Err(VaultError::Destroyed)));
    assert!(vault.existing_keys(&[key(1)]).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn after_destruction_no_byte_of_the_wrapped_key_is_left_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path()).await;
    let subjects: Vec<KeyRef> = (1..=50).map(key).collect();
    vault.keys_for(&subjects, NOW).await.unwrap();
    let Keys::Db(db) = &vault.0.keys else { panic!("a vault on disk") };
    let wrapped = db.wrapped_for_tests(&[25; 16]);
    let everything = |dir: &Path| -> Vec<u8> {
        ["keys.db", "keys.db-wal"]
            .iter()
            .flat_map(|f| std::fs::read(dir.join(f)).unwrap_or_default())
            .collect()
    };
    let holds = |bytes: &[u8]| bytes.windows(wrapped.len()).any(|w| w == wrapped);
    assert!(holds(&everything(dir.path())));
    vault.destroy(&[25; 16], NOW).await.unwrap();
    assert!(!holds(&everything(dir.path())));
}

#[tokio::test]
async fn two_batches_at_once_agree_on_every_key() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (vault(dir.path()).await, vault(dir.path()).await);
    let wanted: Vec<KeyRef> = (0..100).map(key).collect();
    let (a, b) = tokio::join!(one.keys_for(&wanted, NOW), two.keys_for(&wanted, NOW));
    for (a, b) in a.unwrap().into_iter().zip(b.unwrap()) {
        assert_eq!(a.unwrap().0, b.unwrap().0);
    }
}

#[tokio::test]
async fn one_key_asked_for_twice_in_a_batch_is_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let keys = vault(dir.path()).await.keys_for(&[key(3), key(3)], NOW).await.unwrap();
    assert_eq!(keys[0].as_ref().unwrap().0, keys[1].as_ref().unwrap().0);
}

#[tokio::test]
async fn reading_makes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path()).await;
    assert!(vault.existing_keys(&[key(9)]).await.unwrap()[0].is_none());
    vault.subject_key(key(9), NOW).await.unwrap();
    assert!(vault.existing_keys(&[key(9)]).await.unwrap()[0].is_some());
}

#[tokio::test]
async fn a_backup_opens_with_the_same_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path()).await;
    let before = vault.subject_key(key(4), NOW).await.unwrap();
    let copy = dir.path().join("copy.db");
    vault.backup_keys(&copy).await.unwrap();
    let restored = Vault::open(&copy, &RootKey::from_bytes([7; 32])).await.unwrap();
    assert_eq!(restored.subject_key(key(4), NOW).await.unwrap().0, before.0);
}

#[tokio::test]
async fn the_cache_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path()).await;
    for batch in 0..20_u16 {
        let wanted: Vec<KeyRef> = (0..1000_u16)
            .map(|n| {
                let mut subject = [0; 16];
                subject[..2].copy_from_slice(&(batch * 1000 + n).to_be_bytes());
                KeyRef { subject, ..key(0) }
            })
            .collect();
        vault.keys_for(&wanted, NOW).await.unwrap();
    }
    assert!(vault.0.cache.len() <= cache::KEYS_MAX);
}

#[tokio::test]
async fn an_ephemeral_vault_writes_the_same_bytes_for_the_same_seed_in_any_order() {
    let (a, b, c) = (Vault::ephemeral(1), Vault::ephemeral(1), Vault::ephemeral(2));
    let key_a = a.subject_key(key(1), NOW).await.unwrap();
    b.subject_key(key(2), NOW).await.unwrap();
    let key_b = b.subject_key(key(1), NOW).await.unwrap();
    let key_c = c.subject_key(key(1), NOW).await.unwrap();
    let sealed = a.seal(&key_a, CELL, b"x").unwrap();
    assert_eq!(sealed, b.seal(&key_b, CELL, b"x").unwrap());
    assert_ne!(sealed, c.seal(&key_c, CELL, b"x").unwrap());
    assert_eq!(b.open_sealed(&key_b, CELL, &sealed).unwrap(), b"x");
    assert_eq!(a.blind("email", "a@example.com"), b.blind("email", "a@example.com"));
    assert_eq!(a.salt(b"m").unwrap(), b.salt(b"m").unwrap());
    a.destroy(&[1; 16], NOW).await.unwrap();
    assert!(a.keys_for(&[key(1)], NOW).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn every_changed_byte_of_a_sealed_value_is_noticed() {
    let vault = Vault::ephemeral(1);
    let data = vault.subject_key(key(1), NOW).await.unwrap();
    let sealed = vault.seal(&data, CELL, b"hello").unwrap();
    for index in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[index] ^= 1 << bit;
            assert!(vault.open_sealed(&data, CELL, &changed).is_err(), "byte {index} bit {bit}");
        }
        assert!(vault.open_sealed(&data, CELL, &sealed[..index]).is_err(), "cut at {index}");
    }
}

#[tokio::test]
async fn a_value_moved_to_another_cell_or_subject_does_not_open() {
    let vault = Vault::ephemeral(1);
    let (one, two) =
        (vault.subject_key(key(1), NOW).await.unwrap(), vault.subject_key(key(2), NOW).await.unwrap());
    let sealed = vault.seal(&one, CELL, b"hello").unwrap();
    for cell in [
        Cell { table: "event", ..CELL },
        Cell { column: "facts", ..CELL },
        Cell { row: b"row-2", ..CELL },
        Cell::new("customerp", "rofile", b"row-1"),
    ] {
        assert!(vault.open_sealed(&one, cell, &sealed).is_err(), "{cell:?}");
    }
    assert!(vault.open_sealed(&two, CELL, &sealed).is_err());
}

#[test]
fn a_blind_index_is_stable_and_its_domains_are_apart() {
    let vault = Vault::ephemeral(1);
    assert_eq!(vault.blind("email", "a@example.com"), vault.blind("email", "a@example.com"));
    assert_ne!(vault.blind("email", "a@example.com"), vault.blind("user_id", "a@example.com"));
    assert_ne!(vault.blind("email", "a"), vault.blind("emaila", ""));
    assert_ne!(vault.blind("email", "a"), Vault::ephemeral(2).blind("email", "a"));
}

#[test]
fn a_commitment_fits_its_salt_and_text_alone() {
    assert_eq!(commit(&[1; 32], b"text"), commit(&[1; 32], b"text"));
    assert_ne!(commit(&[1; 32], b"text"), commit(&[2; 32], b"text"));
    assert_ne!(commit(&[1; 32], b"text"), commit(&[1; 32], b"texu"));
}

#[test]
fn a_link_for_one_purpose_is_refused_on_another() {
    let vault = Vault::ephemeral(1);
    let link = vault.sign_link("unsubscribe", b"payload");
    assert_eq!(vault.verify_link("unsubscribe", &link), Ok(b"payload".to_vec()));
    assert_eq!(vault.verify_link("preferences", &link), Err(LinkError::Forged));
    assert_eq!(Vault::ephemeral(2).verify_link("unsubscribe", &link), Err(LinkError::UnknownKey));
}

#[test]
fn every_changed_character_of_a_link_is_noticed() {
    let vault = Vault::ephemeral(1);
    let link = vault.sign_link("unsubscribe", &[9; 20]);
    for (index, old) in link.char_indices() {
        for new in ['A', 'b', '7', '-', '_', '.', '=', '%', 'é'].into_iter().filter(|new| *new != old) {
            let mut changed = link.clone();
            changed.replace_range(index..=index, &new.to_string());
            assert!(vault.verify_link("unsubscribe", &changed).is_err(), "{changed}");
        }
        assert!(vault.verify_link("unsubscribe", &link[..index]).is_err());
    }
    assert!(vault.verify_link("unsubscribe", &format!("{link}.x")).is_err());
    assert!(vault.verify_link("unsubscribe", &"v1.".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn no_made_up_text_is_a_link(text in "(v1\\.)?[A-Za-z0-9_.=-]{0,200}") {
        prop_assert!(Vault::ephemeral(1).verify_link("unsubscribe", &text).is_err());
    }

    #[test]
    fn whatever_is_sealed_opens_again(text in proptest::collection::vec(any::<u8>(), 0..500)) {
        let vault = Vault::ephemeral(1);
        let data = DataKey(zeroize::Zeroizing::new([5; 32]));
        let sealed = vault.seal(&data, CELL, &text).unwrap();
        prop_assert_eq!(vault.open_sealed(&data, CELL, &sealed).unwrap(), text);
    }
}

#[test]
fn an_api_key_is_found_by_its_hash_and_shown_masked() {
    let vault = Vault::ephemeral(1);
    let issued = vault.issue_api_key(ApiKeyKind::Browser).unwrap();
    assert!(issued.secret.expose().starts_with("tabi_pk_"));
    assert_eq!(parse_api_key(issued.secret.expose()), Some((ApiKeyKind::Browser, issued.hash)));
    assert_eq!(issued.masked.chars().count(), "tabi_pk_".len() + 5);
    assert_ne!(vault.issue_api_key(ApiKeyKind::Browser).unwrap().hash, issued.hash);
    for wrong in ["", "tabi_sk_", "tabi_xx_0", "tabi_sk_é", &issued.secret.expose()[..40]] {
        assert_eq!(parse_api_key(wrong), None, "{wrong}");
    }
}

#[test]
fn a_form_token_belongs_to_its_session() {
    let vault = Vault::ephemeral(1);
    let (one, two) = (vault.issue_session().unwrap(), vault.issue_session().unwrap());
    assert_eq!(session_hash(one.secret.expose()), Some(one.hash));
    let token = vault.form_token(&one.hash);
    assert!(vault.verify_form_token(&one.hash, &token));
    assert!(!vault.verify_form_token(&two.hash, &token));
    assert!(!vault.verify_form_token(&one.hash, ""));
}

#[test]
fn passwords_are_salted_bounded_and_never_match_nobody() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let hash = hash_password(&secret("correct horse battery")).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(hash, hash_password(&secret("correct horse battery")).unwrap());
    assert!(verify_password(&secret("correct horse battery"), Some(&hash)));
    assert!(!verify_password(&secret("correct horse batterx"), Some(&hash)));
    assert!(!verify_password(&secret("correct horse battery"), None));
    assert!(!verify_password(&secret("x"), Some("not a hash")));
    assert_eq!(hash_password(&secret("short")), Err(PasswordError::TooShort));
    assert_eq!(hash_password(&secret(&"x".repeat(2000))), Err(PasswordError::TooLong));
}

#[test]
fn no_secret_shows_in_debug() {
    let vault = Vault::ephemeral(1);
    let issued = vault.issue_api_key(ApiKeyKind::Server).unwrap();
    let shown = format!(
        "{issued:?} {:?} {vault:?} {:?}",
        RootKey::from_bytes([1; 32]),
        DataKey(zeroize::Zeroizing::new([1; 32]))
    );
    assert!(!shown.contains(&issued.secret.expose()[8..20]), "{shown}");
    assert!(shown.contains("[secret]"));
}

#[cfg(unix)]
#[test]
fn a_root_key_file_is_private_never_overwritten_and_read_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    assert!(matches!(RootKey::load(&path), Err(RootKeyError::Missing(_))));
    let made = RootKey::create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(RootKey::load(&path).unwrap().to_text().expose(), made.to_text().expose());
    assert!(matches!(RootKey::create(&path), Err(RootKeyError::Exists(_))));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(RootKey::load(&path), Err(RootKeyError::Readable { mode: 0o644, .. })));
    let text = made.to_text();
    assert!(RootKey::find(Some(text.expose()), &path).is_ok());
    assert!(matches!(RootKey::find(Some("nonsense"), &path), Err(RootKeyError::Malformed(_))));
}
