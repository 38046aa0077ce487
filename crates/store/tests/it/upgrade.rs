//! A store of an earlier release, brought up to date: what it knew counts as it did.

use std::sync::Arc;

use model::idempotency::{AnswerForm, Endpoint};
use model::quota::UtcDay;
use model::{Broadcast, Message, Mode, Owner};
use rusqlite::{Connection, params};
use store::contract::broadcasts::{BroadcastAdmission, BroadcastAdmitted};
use store::contract::messages::{Admission, Admitted, IdempotencyClaim, Quota};

use crate::broadcasts::{admission as admission_of, broadcast};
use crate::sqlite::SqliteFile;
use crate::support::{Backend, Desk, NOW, admission, claim};

/// Turns a store back into one that knows no modes of idempotency records and quotas: schema version 4.
fn back_to_version_4(connection: &Connection) {
    connection
        .execute_batch(
            "DELETE FROM schema_version WHERE version > 4;
             CREATE TABLE old (account_id BLOB NOT NULL, endpoint TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, message_id BLOB NOT NULL,
                 answer TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (account_id, endpoint, key)) WITHOUT ROWID;
             INSERT INTO old SELECT account_id, endpoint, key, fingerprint, message_id, answer, created_at FROM idempotency;
             DROP TABLE idempotency;
             ALTER TABLE old RENAME TO idempotency;
             CREATE INDEX idempotency_age ON idempotency (created_at);
             DROP TABLE quota;
             CREATE TABLE quota (account_id BLOB NOT NULL, day INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (account_id, day)) WITHOUT ROWID;",
        )
        .unwrap();
}

#[tokio::test]
async fn records_of_keys_get_the_mode_of_what_they_made_and_quotas_count_for_live_keys() {
    let file = SqliteFile::fresh();
    let mut desk = Desk::open(&file).await;
    let account = desk.account();
    let modes = [Mode::Live, Mode::Test];
    let key = |endpoint, mode: Mode| IdempotencyClaim { endpoint, ..claim(&format!("key-{}", mode.as_str()), "hello", NOW) };
    let (mut messages, mut broadcasts) = (Vec::new(), Vec::new());
    for mode in modes {
        let message = Message { mode, ..desk.message(account) };
        let idempotency = Some(key(Endpoint::Message, mode));
        assert_eq!(desk.try_admit(Admission { idempotency, ..admission(message.clone()) }).await, Admitted::New);
        messages.push(message);
        let made = Broadcast { mode, ..broadcast(&desk, account, 3, 0) };
        let idempotency = Some(key(Endpoint::Broadcast, mode));
        let outcome = desk.store.admit_broadcast(BroadcastAdmission { idempotency, ..admission_of(made.clone()) }).await.unwrap();
        assert_eq!(outcome, BroadcastAdmitted::New);
        broadcasts.push(made);
    }
    let test = Owner { account, mode: Mode::Test };
    desk.store.record_answer(test, Endpoint::Message, &key(Endpoint::Message, Mode::Test).key, "{}".to_owned()).await.unwrap();
    desk.store.close().await;
    let connection = file.connection();
    back_to_version_4(&connection);
    connection.execute("INSERT INTO quota VALUES (?1, ?2, 8)", params![account.to_bytes(), UtcDay::of(NOW).0]).unwrap();
    drop(connection);

    desk.store = file.open().await;
    for (at, mode) in modes.into_iter().enumerate() {
        let (owner, other) = (Owner { account, mode }, Owner { account, mode: modes[1 - at] });
        let Some(Admitted::Replayed(replay)) = desk.store.replay(owner, &key(Endpoint::Message, mode)).await.unwrap() else { panic!("it is kept") };
        let answer = (mode == Mode::Test).then_some("{}");
        assert_eq!((&*replay.message, replay.answer.as_deref(), replay.form), (&messages[at], answer, AnswerForm::FIRST));
        let replay = desk.store.replay_broadcast(owner, &key(Endpoint::Broadcast, mode)).await.unwrap();
        let Some(BroadcastAdmitted::Replayed(replay)) = replay else { panic!("it is kept") };
        assert_eq!((replay.broadcast, replay.form), (Arc::new(broadcasts[at].clone()), AnswerForm::FIRST));
        assert_eq!(desk.store.replay(other, &key(Endpoint::Message, mode)).await.unwrap(), None);
    }
    for (mode, limit, outcome) in [(Mode::Live, 8, Admitted::QuotaReached), (Mode::Live, 9, Admitted::New), (Mode::Test, 1, Admitted::New)] {
        let quota = Quota { day: UtcDay::of(NOW), limit };
        assert_eq!(desk.try_admit(Admission { quota, ..admission(Message { mode, ..desk.message(account) }) }).await, outcome);
    }
}
