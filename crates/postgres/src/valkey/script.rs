//! The counting, as [`model::limits::FixedWindow`] counts: one script, which Valkey runs alone.

use std::sync::LazyLock;
use std::time::Duration;

use model::Timestamp;
use model::limits::{READINGS_APART, WINDOW};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Script};

use super::{Ask, Count, Counted};

/// What the names of all keys begin with.
const PREFIX: &str = "smsfactory:window:";

/// A window in which nothing is counted has not begun. A key lasts as long as a window that begins with the last
/// request counted, so that it goes by itself and never before the end of its window.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local limit, length, apart = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now, known, known_until = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function holds(ends)
    return now < ends and ends <= now + length + apart
end
local row = redis.call('HMGET', KEYS[1], 'used', 'ends')
local used, ends = tonumber(row[1]) or 0, tonumber(row[2]) or 0
if not holds(ends) then
    used, ends = 0, now + length
end
local has_changed, passed = false, 0
if known > used and holds(known_until) then
    used, ends, has_changed = known, math.min(ends, known_until), true
end
if ARGV[7] == 'take' and used < limit then
    used, ends, has_changed, passed = used + 1, math.min(ends, now + length), true, 1
end
if has_changed and ARGV[7] == 'take' then
    redis.call('HSET', KEYS[1], 'used', used, 'ends', ends)
    redis.call('PEXPIRE', KEYS[1], length + apart)
end
return {passed, used, math.min(ends, now + length)}
",
    )
});

/// Counts, or looks.
pub(super) async fn run(connection: &mut MultiplexedConnection, ask: &Ask) -> RedisResult<Counted> {
    let now = ask.now.map(|now| now.as_millis().to_string()).unwrap_or_default();
    let (passed, used, ends_at): (u8, i64, i64) = SCRIPT
        .key(format!("{PREFIX}{}", ask.name))
        .arg(ask.limit)
        .arg(millis(WINDOW))
        .arg(millis(READINGS_APART))
        .arg(now)
        .arg(ask.known.used)
        .arg(ask.known.ends_at.as_millis())
        .arg(if ask.is_take { "take" } else { "look" })
        .invoke_async(connection)
        .await?;
    let strange = |_| RedisError::from((ErrorKind::UnexpectedReturnType, "a count that is none"));
    let count = Count { used: u32::try_from(used).map_err(strange)?, ends_at: Timestamp::from_millis(ends_at) };
    Ok(Counted { passed: passed == 1, count })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
