//! The pepper that a store was used with, and one that takes its place.

use std::sync::Arc;

use model::key::{ApiKey, KeyId, SecretDigest};
use model::{Mode, WebhookId};
use store::contract::changes::{Kind, Kinds, Resource, Tailed};
use store::contract::peppers::Adopted;
use store::contract::webhooks::SealedSecret;
use store::{Store, StoreError};

use crate::support::{Backend, Desk, NOW, after, live};
use crate::tenants::account;
use crate::webhooks::create;

const OLD: SecretDigest = SecretDigest::from_bytes([1; 32]);
const NEW: SecretDigest = SecretDigest::from_bytes([2; 32]);
const OTHER: SecretDigest = SecretDigest::from_bytes([3; 32]);

fn digest(octet: u8) -> SecretDigest {
    SecretDigest::from_bytes([octet; 32])
}

fn key(desk: &Desk, name: &str, octet: u8) -> ApiKey {
    ApiKey {
        id: KeyId::from_text(name),
        account: desk.account(),
        mode: Mode::Live,
        name: None,
        digest: digest(octet),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    }
}

async fn adopt(store: &Arc<dyn Store>, verifier: SecretDigest, previous: Option<SecretDigest>) -> Adopted {
    store.adopt_pepper(verifier, previous, NOW).await.unwrap()
}

pub(crate) async fn a_store_knows_its_pepper_and_refuses_another(fresh: impl Backend) {
    let mut desk = Desk::open(&fresh).await;
    assert_eq!(adopt(&desk.store, OLD, None).await, Adopted::First { has_keys: false });
    desk.reopen(&fresh).await;
    assert_eq!(adopt(&desk.store, OLD, Some(OTHER)).await, Adopted::Known);
    for previous in [None, Some(OTHER)] {
        let refused = desk.store.adopt_pepper(NEW, previous, NOW).await;
        assert!(matches!(&refused, Err(StoreError::Refused(words)) if words.contains("`keys.pepper`")), "{refused:?}");
    }
    assert_eq!(adopt(&desk.store, NEW, Some(OLD)).await, Adopted::Rotated);
    assert_eq!(adopt(&desk.store, NEW, None).await, Adopted::Known);
    assert!(desk.store.adopt_pepper(OLD, None, NOW).await.is_err(), "it was replaced");
    assert_eq!(adopt(&desk.store, OLD, Some(NEW)).await, Adopted::Rotated, "and comes back");
}

pub(crate) async fn keys_are_counted_until_they_have_a_digest_of_the_new_pepper(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let store = &desk.store;
    let accounts =
        [key(&desk, "used", 10), key(&desk, "unused", 11), key(&desk, "revoked", 12), key(&desk, "short", 13)];
    for key in &accounts {
        store.create_account(account(key.account)).await.unwrap();
        let expires_at = (key.id.as_str() == "short").then(|| after(5));
        store.create_key(ApiKey { expires_at, ..key.clone() }).await.unwrap();
    }
    store.revoke_key(&KeyId::from_text("revoked"), NOW).await.unwrap();
    assert_eq!(adopt(store, OLD, None).await, Adopted::First { has_keys: true });
    let left = async |secs| store.keys_of_other_peppers(after(secs)).await.unwrap();
    assert_eq!(left(1).await, 0);
    adopt(store, NEW, Some(OLD)).await;
    assert_eq!((left(1).await, left(6).await), (3, 2));
    store.create_key(ApiKey { account: accounts[0].account, ..key(&desk, "new", 14) }).await.unwrap();
    assert_eq!(left(6).await, 2, "a new key has a digest of the new pepper");
    let tail = store.subscribe(Kinds::of(&[Kind::Key]));
    let used = KeyId::from_text("used");
    assert_eq!(store.rehash_key(&used, digest(99), digest(20), NOW).await, Ok(false), "it has another digest");
    assert_eq!(store.rehash_key(&used, digest(10), digest(20), NOW).await, Ok(true));
    assert_eq!(store.rehash_key(&used, digest(10), digest(20), NOW).await, Ok(false));
    assert_eq!(store.rehash_key(&KeyId::from_text("nobody"), digest(1), digest(2), NOW).await, Ok(false));
    assert_eq!(left(6).await, 1);
    let Some(Tailed::Changes(changes)) = tail.try_next() else { panic!("other nodes hear of it") };
    assert!(matches!(&changes[0].resource, Resource::Key(key) if key.digest == digest(20)), "{changes:?}");
    let keys = store.tenants().await.unwrap().keys;
    assert!(keys.iter().any(|key| key.id == used && key.digest == digest(20)), "{keys:?}");
    // Revoking changes nothing of this.
    store.revoke_key(&KeyId::from_text("unused"), NOW).await.unwrap();
    adopt(store, OLD, Some(NEW)).await;
    assert_eq!(left(6).await, 2, "of the two that were made and moved");
}

pub(crate) async fn a_secret_that_is_encrypted_anew_takes_the_place_of_that_one_alone(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    desk.store.create_account(account(owner.account)).await.unwrap();
    let (first, second) = (create(&desk, owner, 1, &["*"]).await, create(&desk, owner, 2, &["*"]).await);
    let sealed = |octet| SealedSecret(vec![octet]);
    let secrets = async |id: WebhookId| desk.store.webhook_secrets(id, NOW).await.unwrap();
    desk.store.rotate_webhook_secret(owner, first, sealed(7), after(60)).await.unwrap();
    assert_eq!(desk.store.reseal_webhook_secret(first, sealed(1), sealed(8)).await, Ok(true));
    assert_eq!(desk.store.reseal_webhook_secret(first, sealed(1), sealed(9)).await, Ok(false));
    assert_eq!(desk.store.reseal_webhook_secret(first, sealed(2), sealed(9)).await, Ok(false), "of another endpoint");
    assert_eq!(secrets(first).await, [sealed(7), sealed(8)]);
    assert_eq!(secrets(second).await, [sealed(2)]);
}
