//! The state of the service for systemd, a datagram each, as `sd_notify(3)` describes it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// The service manager that started the process, if it wants to know the state of the service.
pub(super) struct ServiceManager {
    /// The socket to which it listens.
    socket: Option<(UnixDatagram, PathBuf)>,
    /// The time between two signs of life.
    every: Option<Duration>,
}

impl ServiceManager {
    /// The service manager that the environment names (`NOTIFY_SOCKET`, and `WATCHDOG_USEC` for this very process).
    pub(super) fn of_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name);
        Self::named(variable, std::process::id())
    }

    fn named(variable: impl Fn(&str) -> Option<OsString>, own: u32) -> Self {
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(own.into());
        // Half the time leaves room for one that is late.
        let every = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0);
        Self {
            socket: variable("NOTIFY_SOCKET").and_then(|path| open(path.into())),
            every: every.map(|micros| Duration::from_micros(micros / 2)),
        }
    }

    /// The time between two calls of [`lives`](Self::lives); `None` if the service manager does not wait for them.
    pub(super) fn every(&self) -> Option<Duration> {
        self.every.filter(|_| self.socket.is_some())
    }

    /// The service has started, and its APIs listen on these addresses.
    pub(super) fn is_ready(&self, clients: SocketAddr, operator: SocketAddr) {
        self.tell(&format!("READY=1\nSTATUS=The public API listens on {clients}, the admin API on {operator}"));
    }

    /// The service still does its work.
    pub(super) fn lives(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The service is ending, within this time.
    pub(super) fn ends_within(&self, time: Duration) {
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", time.as_micros()));
    }

    fn tell(&self, state: &str) {
        let Some((socket, path)) = &self.socket else { return };
        if let Err(error) = socket.send_to(state.as_bytes(), path) {
            tracing::warn!("The service manager at {} did not get `{state}`: {error}", path.display());
        }
    }
}

/// A socket for the datagrams; none, with a line in the log, if there can be none.
fn open(path: PathBuf) -> Option<(UnixDatagram, PathBuf)> {
    if !path.is_absolute() {
        tracing::warn!("NOTIFY_SOCKET is {}, but it must be an absolute path", path.display());
        return None;
    }
    let opened = UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    opened
        .inspect_err(|error| tracing::warn!("Cannot open a socket to the service manager: {error}"))
        .ok()
        .zip(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_fed_in_half_its_time_by_the_process_that_it_watches() {
        for (pid, micros, socket, every) in [
            (None, Some("2000000"), Some("/run/notify"), Some(Duration::from_secs(1))),
            (Some("7"), Some("2000000"), Some("/run/notify"), Some(Duration::from_secs(1))),
            (Some("8"), Some("2000000"), Some("/run/notify"), None),
            (None, Some("0"), Some("/run/notify"), None),
            (None, Some("soon"), Some("/run/notify"), None),
            (None, None, Some("/run/notify"), None),
            (None, Some("2000000"), None, None),
            (None, Some("2000000"), Some("@abstract"), None),
        ] {
            let variable = |name: &str| match name {
                "WATCHDOG_PID" => pid.map(OsString::from),
                "WATCHDOG_USEC" => micros.map(OsString::from),
                _ => socket.map(OsString::from),
            };
            assert_eq!(ServiceManager::named(variable, 7).every(), every, "{pid:?} {micros:?} {socket:?}");
        }
    }

    #[test]
    fn a_manager_that_is_gone_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = ServiceManager::named(|name| (name == "NOTIFY_SOCKET").then(|| path.clone().into()), 7);
        manager.lives();
        let socket = UnixDatagram::bind(&path).unwrap();
        manager.ends_within(Duration::from_secs(25));
        let mut heard = [0; 100];
        let length = socket.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"STOPPING=1\nEXTEND_TIMEOUT_USEC=25000000");
    }
}
