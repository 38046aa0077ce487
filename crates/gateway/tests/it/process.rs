//! The service as a process: what signals do to it, and how many files it may have open.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use simulator::smsc::{Options, Smsc};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::http::{Ask, Connection};
use crate::support::{ANY_PORT, DEADLINE, RECIPIENT, TOKEN, basic, dead_port, eventually};

/// A service in a process of its own, with an account that may send.
pub(crate) struct Service {
    child: Child,
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    pub(crate) authorization: String,
    directory: TempDir,
}

const NUMBER: &str = "+18005551000";

impl Service {
    /// Starts the program with these limits of open files, if any, and more lines of configuration.
    async fn start(limits: &str, port: u16, more: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let file = configured(directory.path(), port, more);
        let mut service = Self::run(limits, &file, directory).await;
        service.authorization = service.account().await;
        service
    }

    /// Starts the program with a configuration, on a store that may have accounts.
    pub(crate) async fn run(limits: &str, file: &Path, directory: TempDir) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{limits} exec \"$0\" serve --config \"$1\""), env!("CARGO_BIN_EXE_smsfactory")])
            .arg(file);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SMSFACTORY_")) {
            command.env_remove(name);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, seen) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&lines));
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| seen.lock().unwrap().push(line));
        });
        let started = eventually("the service starts", async || {
            let lines = lines.lock().unwrap();
            let line = lines.iter().find(|line| line.contains("The public API listens on"))?;
            let addresses = line.split([' ', ',']).filter_map(|word| word.parse().ok());
            Some(addresses.collect::<Vec<SocketAddr>>())
        })
        .await;
        Self { child, api: started[0], admin: started[1], lines, authorization: String::new(), directory }
    }

    async fn operate(&self, path: &str, body: Value) -> Value {
        let ask = Ask::new("POST", &format!("/admin/v1{path}")).header("authorization", &format!("Bearer {TOKEN}"));
        ask.json(&body).send(self.admin).await.expect(201)
    }

    pub(crate) async fn account(&self) -> String {
        let account =
            self.operate("/accounts", json!({ "name": "a tenant", "messagePerMinute": 1_000 })).await["id"].clone();
        self.operate("/numbers", json!({ "number": NUMBER, "accountId": account })).await;
        let key = self.operate(&format!("/accounts/{}/keys", account.as_str().unwrap()), json!({})).await;
        basic(key["keyId"].as_str().unwrap(), key["keySecret"].as_str().unwrap())
    }

    pub(crate) fn message(&self) -> Ask {
        self.message_with(json!({}))
    }

    /// A message with more fields.
    pub(crate) fn message_with(&self, mut fields: Value) -> Ask {
        let ask = Ask::new("POST", "/api/v1/messaging/message").header("authorization", &self.authorization);
        (fields["to"], fields["from"], fields["body"]) = (RECIPIENT.into(), NUMBER.into(), "hello".into());
        ask.json(&fields)
    }

    async fn carrier(&self) -> Value {
        let ask = Ask::new("GET", "/admin/v1/carriers").header("authorization", &format!("Bearer {TOKEN}"));
        ask.send(self.admin).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|carrier| carrier["name"] == "main")
            .unwrap()
            .clone()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How the process ended, once it has.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the process ends", async || child.try_wait().unwrap()).await
    }

    pub(crate) fn has_logged(&self, words: &str) -> bool {
        self.times_logged(words) > 0
    }

    fn times_logged(&self, words: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// Changes the configuration's file.
    fn edit(&self, from: &str, to: &str) {
        let file = self.directory.path().join("my.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    }

    /// Reloads with SIGHUP, and waits until the log has these words so many times.
    async fn reload(&self, words: &str, times: usize) {
        self.signal(Signal::HUP);
        eventually(words, async || (self.times_logged(words) == times).then_some(())).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended is past killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn configured(directory: &Path, port: u16, more: &str) -> PathBuf {
    let file = directory.join("my.toml");
    let text = format!(
        "[api]\nlisten = \"127.0.0.1:{}\"\n[admin]\nlisten = \"127.0.0.1:{}\"\ntoken = \"{TOKEN}\"\n[keys]\npepper = \
         \"{}\"\n[store]\nurl = \"sqlite:{}\"\n[media]\ndirectory = \"{}\"\n{more}\n[[carrier]]\nname = \"main\"\nkind \
         = \"smpp\"\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"tests\"\nreconnect_floor_ms = \
         20\nreconnect_ceiling_ms = 100\n",
        dead_port(),
        dead_port(),
        "pepper".repeat(6),
        directory.join("store.db").display(),
        directory.join("media").display(),
    );
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// An SMSC that takes messages and does not answer.
async fn unanswering() -> Smsc {
    let options = Options { listen: ANY_PORT, response_delay_ms: "600000".parse().unwrap(), ..Options::default() };
    simulator::smsc::start(options, std::sync::Arc::new(runtime::Machine::new())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_answers_who_waits_refuses_who_comes_and_ends_in_order() {
    let smsc = unanswering().await;
    let mut service = Service::start("", smsc.address().port(), "[dispatch]\ndrain_secs = 600").await;
    let mut waiting = Connection::open(service.api).await;
    waiting.write(&service.message().header("prefer", "wait=30").to_bytes()).await;
    eventually("the message has left", async || (service.carrier().await["window"]["used"] == 1).then_some(())).await;
    service.signal(Signal::TERM);
    assert_eq!(waiting.reply().await.expect(201)["status"], "queued");
    service.message().send(service.api).await.refused(33105, Value::Null);
    assert_eq!(Ask::new("GET", "/readyz").send(service.admin).await.status, 503);
    assert!(service.child.try_wait().unwrap().is_none(), "the carrier has not answered");
    drop(smsc);
    assert_eq!(service.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_at_once() {
    for second in [Signal::TERM, Signal::INT] {
        let smsc = unanswering().await;
        let mut service = Service::start("", smsc.address().port(), "[dispatch]\ndrain_secs = 600").await;
        service.message().send(service.api).await.expect(201);
        eventually("the message has left", async || (service.carrier().await["window"]["used"] == 1).then_some(()))
            .await;
        service.signal(Signal::TERM);
        eventually("the service drains", async || service.has_logged("Stopping").then_some(())).await;
        service.signal(second);
        assert_eq!(service.ended().await.code(), Some(1));
        assert!(service.has_logged("a second signal ended the process at once"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_over_the_file_says_what_it_did_and_never_kills() {
    let mut service = Service::start("", dead_port(), "[limits]\nmax_recipients = 100\n[log]\nlevel = \"info\"").await;
    service.reload("The configuration is unchanged", 1).await;
    service.edit("max_recipients = 100", "max_recipients = 0");
    service.reload("The configuration was not reloaded and nothing was changed: 1 mistake", 1).await;
    assert!(
        service.has_logged("`limits.max_recipients`: is 0, and not between 1 and 1000000")
            && service.has_logged("my.toml:")
    );
    service.edit("max_recipients = 0", "max_recipients = 200");
    service.edit("[media]\n", "[media]\nkeep_hours = 5\n");
    service.reload("The configuration was reloaded: 1 change applied, 1 needs a restart", 1).await;
    assert!(
        service.has_logged("`limits.max_recipients`: applied")
            && service.has_logged("`media.keep_hours`: has another value than the running server")
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command
        .arg("reload")
        .env("SMSFACTORY_ADMIN_URL", format!("http://{}", service.admin))
        .env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    let mut reload = async || {
        let output = std::process::Command::output(&mut command).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, _) = reload().await;
    assert_eq!(code, Some(0));
    assert!(
        out.contains("restart `media.keep_hours`: has another value")
            && out.contains("0 changes applied, 1 needs a restart"),
        "{out}"
    );
    service.edit("level = \"info\"", "level = \"warn\"");
    let (code, out, _) = reload().await;
    assert!(code == Some(0) && out.contains("applied `log.level`: applied"), "{out}");
    let requests = service.times_logged("messaging/message 201");
    service.message().send(service.api).await.expect(201);
    service.edit("level = \"warn\"", "level = \"warn,request=info\"");
    reload().await;
    service.message().send(service.api).await.expect(201);
    eventually("the second request is logged, and the first is not", async || {
        (service.times_logged("messaging/message 201") == requests + 1).then_some(())
    })
    .await;
    service.edit("[limits]", "[limit]");
    let (code, out, err) = reload().await;
    assert!(code == Some(1) && out.contains("mistake `limit`: ") && err.contains("nothing was changed"), "{out}{err}");
    assert!(service.child.try_wait().unwrap().is_none());
    service.signal(Signal::TERM);
    assert_eq!(service.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_clients_leave_file_handles_for_carriers_and_the_operator() {
    let service = Service::start("ulimit -Sn 256; ulimit -Hn 800;", dead_port(), "").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", service.child.id())).unwrap();
    let files: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert_eq!(files[3..5], ["800", "800"], "the soft limit is raised to the hard one");
    assert!(service.has_logged("`api.connections_max` is 10000, and only"));
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(TcpStream::connect(service.api).await.unwrap());
    }
    let before = service.carrier().await["lastError"].clone();
    assert!(
        before.as_str().is_some_and(|error| error.contains("refused")),
        "the carrier still tries, and has handles for it: {before}"
    );
    assert_eq!(Ask::new("GET", "/readyz").send(service.admin).await.status, 200);
    Connection::open(service.api).await.reply().await.refused(33105, Value::Null);
    drop(idle);
    eventually("there is room again", async || (service.message().send(service.api).await.status == 201).then_some(()))
        .await;
    assert!(!service.has_logged("Too many open files"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_manager_hears_that_the_service_is_ready_lives_and_ends() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&path).unwrap();
    let heard = async || {
        let mut datagram = [0; 500];
        let length = tokio::time::timeout(DEADLINE, manager.recv(&mut datagram)).await.expect("it tells").unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    };
    let told = format!("export NOTIFY_SOCKET={} WATCHDOG_USEC=100000;", path.display());
    let mut service = Service::start(&told, dead_port(), "[dispatch]\ndrain_secs = 3").await;
    let (clients, operator) = (service.api, service.admin);
    let ready = format!("READY=1\nSTATUS=The public API listens on {clients}, the admin API on {operator}");
    assert_eq!([heard().await, heard().await, heard().await], [&*ready, "WATCHDOG=1", "WATCHDOG=1"]);
    service.signal(Signal::TERM);
    let last = loop {
        let words = heard().await;
        if words != "WATCHDOG=1" {
            break words;
        }
    };
    assert_eq!(last, "STOPPING=1\nEXTEND_TIMEOUT_USEC=8000000", "the time to drain and five seconds");
    assert_eq!(service.ended().await.code(), Some(0));
}

#[test]
fn check_warns_where_the_connections_do_not_fit() {
    let directory = TempDir::new().unwrap();
    let file = configured(directory.path(), dead_port(), "");
    for (limits, warns) in [("ulimit -n 800;", true), ("", false)] {
        let program = format!("{limits} exec \"$0\" check --offline --config \"$1\"");
        let checked =
            Command::new("sh").args(["-c", &program, env!("CARGO_BIN_EXE_smsfactory")]).arg(&file).output().unwrap();
        let said = String::from_utf8(checked.stdout).unwrap();
        // Where this test itself may not open so many files, neither may what it starts.
        let fits = warns
            || rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum.is_none_or(|most| most > 12_000);
        assert!(!fits || said.contains("warning ") == warns, "{said}");
        assert_eq!(checked.status.code(), Some(0), "a warning is no mistake: {said}");
    }
}
