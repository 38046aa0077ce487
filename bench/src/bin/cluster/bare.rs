//! The ceiling: a bare client that writes the rows of accepted messages in groups, and looks at nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::Message;
use testkit::Load;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::databases::connect;
use crate::nodes::Keys;
use crate::{Failure, JoinSet};

const MESSAGES: &str = "INSERT INTO messages (id, account_id, test, direction, kind, originator, recipient, body, \
    encoding, segments, reference, created_at, expires_at) \
    SELECT id, account, false, 'outbound', 'sms', originator, recipient, body, 'gsm7', 1, 0, $6::bigint, \
    $6::bigint + 86400000 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) \
    AS n(id, account, originator, recipient, body)";
const DELIVERY: &str = "INSERT INTO delivery (message_id, account_id, test, carrier, kind, segments, \
    counted_segments) SELECT id, account, false, 'main', 'sms', 1, 1 \
    FROM unnest($1::uuid[], $2::uuid[]) AS n(id, account)";
const QUEUE: &str = "INSERT INTO queue (message_id, account_id, test, carrier, lane, due_at, lease, expires_at, \
    recipient, originator) SELECT id, account, false, 'main', 0, $5::bigint + 600000, 4294967297, \
    $5::bigint + 86400000, recipient, originator \
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS n(id, account, recipient, originator)";
const QUOTA: &str = "INSERT INTO quota AS q (day, account_id, test, used) \
    SELECT 20000, account, false, used FROM unnest($1::uuid[], $2::bigint[]) AS n(account, used) \
    ON CONFLICT (day, account_id, test) DO UPDATE SET used = q.used + excluded.used";
const USAGE: &str = "INSERT INTO daily_usage AS u (account_id, test, day, kind, status, messages, segments) \
    SELECT account, false, 20000, 'sms', 'queued', used, used \
    FROM unnest($1::uuid[], $2::bigint[]) AS n(account, used) \
    ON CONFLICT (account_id, test, day, kind, status) DO UPDATE SET messages = u.messages + excluded.messages, \
    segments = u.segments + excluded.segments";
const KEYS: &str = "INSERT INTO idempotency (account_id, test, endpoint, key, message_id, fingerprint, created_at, \
    form) SELECT account, false, 'message', key, id, decode(repeat('07', 32), 'hex'), $4::bigint, 1 \
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(account, id, key)";

/// Messages a second, by so many connections in groups of this size.
pub(crate) async fn measure(
    url: &str,
    connections: usize,
    group: usize,
    messages: usize,
    keys: Keys,
) -> Result<f64, Failure> {
    make_room(url).await?;
    let load = Arc::new(Load::new(messages));
    let mut writers = Vec::new();
    for _ in 0..connections {
        writers.push(Writer::prepare(connect(url).await?).await?);
    }
    let began = Instant::now();
    let mut running: JoinSet<Result<(), Failure>> = JoinSet::new();
    for writer in writers {
        let load = Arc::clone(&load);
        running.spawn(async move {
            loop {
                let group: Vec<Message> = std::iter::from_fn(|| load.next()).take(group).collect();
                if group.is_empty() {
                    return Ok(());
                }
                writer.write(&group, keys).await?;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(messages as f64 / began.elapsed().as_secs_f64())
}

/// Has a store make the partitions.
async fn make_room(url: &str) -> Result<(), Failure> {
    let node = crate::nodes::Node::join(url, "room", None).await?;
    let first = Load::new(1).next().ok_or("a load of nothing")?;
    node.accept(Arc::new(first), Keys::None).await?;
    node.store.close().await;
    let client = connect(url).await?;
    Ok(client.batch_execute("DELETE FROM messages; DELETE FROM delivery; DELETE FROM queue").await?)
}

/// A connection.
struct Writer {
    client: Client,
    messages: Statement,
    delivery: Statement,
    queue: Statement,
    quota: Statement,
    usage: Statement,
    keys: Statement,
}

impl Writer {
    async fn prepare(client: Client) -> Result<Self, Failure> {
        let messages = client.prepare(MESSAGES).await?;
        let (delivery, queue) = (client.prepare(DELIVERY).await?, client.prepare(QUEUE).await?);
        let (quota, usage) = (client.prepare(QUOTA).await?, client.prepare(USAGE).await?);
        let keys = client.prepare(KEYS).await?;
        Ok(Self { client, messages, delivery, queue, quota, usage, keys })
    }

    /// Writes a group, and waits once: for its commit.
    async fn write(&self, group: &[Message], keys: Keys) -> Result<(), Failure> {
        let column = |value: fn(&Message) -> String| -> Vec<String> { group.iter().map(value).collect() };
        let ids: Vec<Uuid> = group.iter().map(|message| Uuid::from_bytes(message.id.to_bytes())).collect();
        let accounts: Vec<Uuid> = group.iter().map(|message| Uuid::from_bytes(message.account.to_bytes())).collect();
        let originators = column(|message| message.originator.text().to_string());
        let recipients = column(|message| message.recipient.to_string());
        let bodies = column(|message| message.body.as_deref().unwrap_or_default().to_owned());
        let numbers: Vec<i64> = group.iter().map(|message| message.recipient.to_u64().cast_signed()).collect();
        let names = column(|message| message.id.to_string());
        let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
        accounts.iter().for_each(|account| *counts.entry(*account).or_default() += 1);
        let (counted, used): (Vec<Uuid>, Vec<i64>) = counts.into_iter().unzip();
        let at = testkit::NOW.as_millis();
        let put = async |sql: &Statement, values: &[&(dyn ToSql + Sync)]| self.client.execute(sql, values).await;
        let put_keys = async {
            match keys {
                Keys::None => Ok(0),
                Keys::Each => put(&self.keys, &[&accounts, &ids, &names, &at]).await,
            }
        };
        // Polled in this order, all of them are sent at once, one after the other.
        let (begun, keys, messages, delivery, queue, quota, usage, committed) = tokio::join!(
            biased;
            self.client.batch_execute("BEGIN"),
            put_keys,
            async { put(&self.messages, &[&ids, &accounts, &originators, &recipients, &bodies, &at]).await },
            async { put(&self.delivery, &[&ids, &accounts]).await },
            async { put(&self.queue, &[&ids, &accounts, &numbers, &originators, &at]).await },
            // Last, because others wait for these rows until the commit.
            async { put(&self.quota, &[&counted, &used]).await },
            async { put(&self.usage, &[&counted, &used]).await },
            self.client.batch_execute("COMMIT"),
        );
        begun?;
        // In the order in which they ran: the first that failed has the cause, those behind it are refused.
        for changed in [keys, messages, delivery, queue, quota, usage] {
            changed?;
        }
        Ok(committed?)
    }
}
