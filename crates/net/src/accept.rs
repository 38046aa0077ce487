//! Failures to accept a connection.

use std::io::{Error, ErrorKind};
use std::time::Duration;

/// After a failure that the next try would meet again, the wait before that try.
const REST: Duration = Duration::from_millis(100);

/// How long a listener rests after a failure to accept. `None` where the failure took one connection with it and the
/// next one may be fine: a peer that hangs up early must not slow the others down. Where no file handles are left
/// (EMFILE, ENFILE) an immediate second try would fail as well, and spin.
pub fn rest_after(error: &Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => None,
        _ => Some(REST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_rests_when_file_handles_are_missing_and_not_when_a_peer_hung_up() {
        const EMFILE: i32 = 24;
        const ENFILE: i32 = 23;
        for code in [EMFILE, ENFILE] {
            assert_eq!(rest_after(&Error::from_raw_os_error(code)), Some(REST), "{code}");
        }
        for kind in [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::Interrupted] {
            assert_eq!(rest_after(&kind.into()), None, "{kind}");
        }
    }
}
