//! A whole platform in this process. In come changes to the configuration and to the SMSC; out comes a [`Stage`] with
//! its addresses, and [`Tenant`]s made through the admin API.

pub(crate) mod browser;
pub(crate) mod http;
pub(crate) mod inbound;
pub(crate) mod media;
pub(crate) mod openapi;
pub(crate) mod receiver;
pub(crate) mod scripted;
pub(crate) mod store;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use carrier::CarrierConfig;
use carrier::keys::Secret;
use carrier::smpp::config::SmppConfig;
use config::{Config, read};
use model::{Entropy, Mint, SeededEntropy, SimClock, Timestamp};
use runtime::{Machine, Runtime};
use serde_json::{Value, json};
use server::app::App;
use server::real::OsEntropy;
use simulator::smsc::{Options, Smsc};
use tempfile::TempDir;

use http::{Ask, Reply};
use store::Gated;

/// What opens the admin API.
pub(crate) const TOKEN: &str = "the-token-of-the-tests";

/// A recipient for whom nothing special is arranged.
pub(crate) const RECIPIENT: &str = "+12025550143";

/// How long a test waits for what must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(5);

/// Any free port of this machine.
pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A running platform, its SMSC, and the directory that both live in.
pub(crate) struct Stage {
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) smsc: Smsc,
    /// Moves the platform's time, where the stage was started with [`Stage::at`].
    pub(crate) time: Arc<SimClock>,
    pub(crate) config: Config,
    pub(crate) directory: TempDir,
    app: Option<App>,
    runtime: Arc<dyn Runtime>,
    entropy: Arc<dyn Entropy>,
    /// Makes the ids of messages that a test puts into the store.
    mint: Mint,
    tenants: AtomicU32,
}

/// An account with a key and an active number.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) number: String,
}

impl Stage {
    /// The platform with its defaults, by the machine's clock.
    pub(crate) async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The platform with a changed configuration and SMSC, by the machine's clock.
    pub(crate) async fn with(change: impl FnOnce(&mut Config, &mut Options)) -> Self {
        Self::on(Arc::new(Machine::new()), Arc::new(OsEntropy), Arc::default(), change).await
    }

    /// The same, by a clock that stands at `time` until it is moved.
    pub(crate) async fn at(time: &str, change: impl FnOnce(&mut Config, &mut Options)) -> Self {
        let clock = Arc::new(SimClock::at(Timestamp::parse(time).unwrap()));
        Self::on(Arc::new(Machine::with_clock(clock.clone())), Arc::new(SeededEntropy::new(1)), clock, change).await
    }

    /// The same, on this runtime and this chance.
    pub(crate) async fn on(
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
        time: Arc<SimClock>,
        change: impl FnOnce(&mut Config, &mut Options),
    ) -> Self {
        Self::set(runtime, entropy, time, change, |store| store).await
    }

    /// The platform by the machine's clock, on a store that stops, hangs or fails where a test says.
    pub(crate) async fn gated(change: impl FnOnce(&mut Config, &mut Options)) -> (Self, Arc<Gated>) {
        Self::gated_on(Arc::new(Machine::new()), Arc::default(), change).await
    }

    /// The same, by a clock that stands at `time` until it is moved.
    pub(crate) async fn gated_at(time: &str, change: impl FnOnce(&mut Config, &mut Options)) -> (Self, Arc<Gated>) {
        let clock = Arc::new(SimClock::at(Timestamp::parse(time).unwrap()));
        Self::gated_on(Arc::new(Machine::with_clock(clock.clone())), clock, change).await
    }

    async fn gated_on(
        runtime: Arc<dyn Runtime>,
        time: Arc<SimClock>,
        change: impl FnOnce(&mut Config, &mut Options),
    ) -> (Self, Arc<Gated>) {
        let mut gates = None;
        let wrap = |store| {
            let gated = Gated::new(store);
            gates = Some(Arc::clone(&gated));
            gated as Arc<dyn Store>
        };
        let stage = Self::set(runtime, Arc::new(OsEntropy), time, change, wrap).await;
        (stage, gates.unwrap())
    }

    async fn set(
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
        time: Arc<SimClock>,
        change: impl FnOnce(&mut Config, &mut Options),
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let mut options = Options {
            listen: ANY_PORT,
            log: Some(directory.path().join("smsc.log")),
            log_text: true,
            ..Options::default()
        };
        let mut config = config(directory.path());
        change(&mut config, &mut options);
        let smsc = simulator::smsc::start(options, Arc::new(runtime::Machine::new())).await.unwrap();
        for carrier in &mut config.carrier {
            if let CarrierConfig::Smpp(carrier) = carrier
                && carrier.port == 0
            {
                carrier.port = smsc.address().port();
            }
        }
        let store = wrap(::store::open(&config.store.url, Arc::clone(&runtime)).await.unwrap());
        let started = App::start_on(store, config.clone(), Arc::clone(&runtime), Arc::clone(&entropy));
        let app = Box::pin(started).await.unwrap();
        let (api, admin) = (app.api_address, app.admin_address);
        Self {
            api,
            admin,
            smsc,
            time,
            config,
            directory,
            app: Some(app),
            runtime,
            entropy,
            mint: Mint::default(),
            tenants: AtomicU32::new(0),
        }
    }

    /// Ends the platform as SIGTERM does, and starts it again on the same store.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.stop().await;
        change(&mut self.config);
        self.start_again().await;
    }

    /// Starts the platform again that was ended.
    pub(crate) async fn start_again(&mut self) {
        let app = App::start(self.config.clone(), Arc::clone(&self.runtime), Arc::clone(&self.entropy)).await.unwrap();
        (self.api, self.admin) = (app.api_address, app.admin_address);
        self.app = Some(app);
    }

    /// Ends the platform as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        self.take_app().stop().await;
    }

    /// The platform itself, for a test that ends it.
    pub(crate) fn take_app(&mut self) -> App {
        self.app.take().unwrap()
    }

    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// A request to the public API.
    pub(crate) async fn ask(&self, ask: &Ask) -> Reply {
        let reply = ask.send(self.api).await;
        openapi::judge(ask, &reply);
        reply
    }

    /// A request to the admin API, by its operator.
    pub(crate) async fn operate(&self, method: &str, path: &str, body: Value) -> Reply {
        let ask = Self::operators(method, path);
        self.operated(if body.is_null() { ask } else { ask.json(&body) }).await
    }

    /// The same with a body of another type.
    pub(crate) async fn operate_with(&self, method: &str, path: &str, media_type: &str, body: &str) -> Reply {
        self.operated(Self::operators(method, path).header("content-type", media_type).octets(body)).await
    }

    fn operators(method: &str, path: &str) -> Ask {
        Ask::new(method, &format!("/admin/v1{path}")).header("authorization", &format!("Bearer {TOKEN}"))
    }

    async fn operated(&self, ask: Ask) -> Reply {
        let reply = ask.send(self.admin).await;
        openapi::judge_operators(&ask, &reply);
        reply
    }

    /// An account that may ask as often as it likes.
    pub(crate) async fn tenant(&self) -> Tenant {
        self.tenant_with(json!({})).await
    }

    /// An account with these limits; those not given are out of the way.
    pub(crate) async fn tenant_with(&self, limits: Value) -> Tenant {
        let mut account = json!({
            "name": "a tenant",
            "messagePerMinute": 1_000_000,
            "broadcastPerMinute": 1_000_000,
            "readPerMinute": 1_000_000,
            "dailyQuota": 1_000_000,
        });
        account.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        let account = self.operate("POST", "/accounts", account).await.expect(201)["id"].as_str().unwrap().to_owned();
        let number = format!("+1800555{:04}", 1000 + self.tenants.fetch_add(1, Ordering::Relaxed));
        self.operate("POST", "/numbers", json!({ "number": number, "accountId": account })).await.expect(201);
        let tenant = Tenant { account, key: String::new(), secret: String::new(), number };
        self.key(&tenant, json!({})).await
    }

    /// The same tenant with a new key.
    pub(crate) async fn key(&self, tenant: &Tenant, key: Value) -> Tenant {
        let made = self.operate("POST", &format!("/accounts/{}/keys", tenant.account), key).await.expect(201);
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Tenant { key: text("keyId"), secret: text("keySecret"), ..tenant.clone() }
    }

    /// Sends a message that is accepted, and returns it.
    pub(crate) async fn send(&self, tenant: &Tenant, to: &str, body: &str) -> Value {
        self.ask(&tenant.post(&tenant.message(to, body))).await.expect(201)
    }

    /// The message once it has this status.
    pub(crate) async fn reaches(&self, tenant: &Tenant, id: &Value, status: &str) -> Value {
        let ask = tenant.get(&format!("/message/{}", id.as_str().unwrap()));
        eventually(&format!("{id} is {status}"), async || {
            Some(self.ask(&ask).await.expect(200)).filter(|message| message["status"] == status)
        })
        .await
    }

    /// The broadcast once this is true of it.
    pub(crate) async fn broadcast_when(
        &self,
        tenant: &Tenant,
        id: &Value,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let ask = tenant.get(&format!("/broadcast/{}", id.as_str().unwrap()));
        eventually(&format!("{id} {what}"), async || {
            Some(self.ask(&ask).await.expect(200)).filter(|broadcast| is(broadcast))
        })
        .await
    }

    /// How many messages the account has.
    pub(crate) async fn count(&self, tenant: &Tenant) -> usize {
        let page = self.ask(&tenant.get("/message?limit=100")).await.expect(200);
        assert_eq!(page["nextCursor"], Value::Null, "there are more than can be counted");
        page["data"].as_array().unwrap().len()
    }

    /// The message as the operator sees it, with its events.
    pub(crate) async fn life(&self, id: &Value) -> Value {
        self.operate("GET", &format!("/messages/{}", id.as_str().unwrap()), Value::Null).await.expect(200)
    }

    /// The carrier as the operator sees it.
    pub(crate) async fn carrier(&self, name: &str) -> Value {
        let carriers = self.operate("GET", "/carriers", Value::Null).await.expect(200);
        carriers["data"].as_array().unwrap().iter().find(|carrier| carrier["name"] == name).unwrap().clone()
    }

    /// What the SMSC wrote down of every `submit_sm`, oldest first.
    pub(crate) fn submissions(&self) -> Vec<Value> {
        self.smsc.flush();
        let log = std::fs::read_to_string(self.directory.path().join("smsc.log")).unwrap_or_default();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == "submit_sm").collect()
    }
}

impl Tenant {
    /// The body of a message.
    pub(crate) fn message(&self, to: &str, body: &str) -> Value {
        json!({ "to": to, "from": self.number, "body": body })
    }

    /// `POST /message`.
    pub(crate) fn post(&self, message: &Value) -> Ask {
        self.sign(Ask::new("POST", "/api/v1/messaging/message")).json(message)
    }

    /// `POST /broadcast`.
    pub(crate) fn broadcast(&self, broadcast: &Value) -> Ask {
        self.sign(Ask::new("POST", "/api/v1/messaging/broadcast")).json(broadcast)
    }

    /// A `GET` under the API's base.
    pub(crate) fn get(&self, path: &str) -> Ask {
        self.sign(Ask::new("GET", &format!("/api/v1/messaging{path}")))
    }

    /// The request with this tenant's credentials.
    pub(crate) fn sign(&self, ask: Ask) -> Ask {
        ask.header("authorization", &basic(&self.key, &self.secret))
    }
}

/// HTTP Basic credentials.
pub(crate) fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

/// A carrier without bounds and with little patience. Port 0 stands for the stage's SMSC.
pub(crate) fn carrier(name: &str, port: u16) -> CarrierConfig {
    let config = SmppConfig {
        name: name.to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        system_id: "tests".to_owned(),
        rate: 0,
        reconnect_floor_ms: 20,
        reconnect_ceiling_ms: 100,
        throttle_floor_ms: 20,
        throttle_ceiling_ms: 100,
        ..SmppConfig::default()
    };
    config.into()
}

/// The first carrier, which is an SMSC.
pub(crate) fn smpp(config: &mut Config) -> &mut SmppConfig {
    match &mut config.carrier[0] {
        CarrierConfig::Smpp(carrier) => carrier,
        other => panic!("the first carrier is no SMSC: {other:?}"),
    }
}

/// What the files of a directory hold, and those of the directories in it.
pub(crate) fn files(directory: &Path) -> Vec<Vec<u8>> {
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![std::fs::read(path).unwrap()] }).collect()
}

/// A port on which nobody listens.
pub(crate) fn dead_port() -> u16 {
    std::net::TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap().port()
}

/// Looks until there is something, and fails the test when nothing comes.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "this did not happen in {DEADLINE:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The replies to these requests, all under way at once, each on a connection of its own.
pub(crate) async fn at_once(address: SocketAddr, asks: impl IntoIterator<Item = Ask>) -> Vec<Reply> {
    let tasks: Vec<_> = asks.into_iter().map(|ask| tokio::spawn(async move { ask.send(address).await })).collect();
    let mut replies = Vec::with_capacity(tasks.len());
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}

fn config(directory: &Path) -> Config {
    let mut config = read::parse("", std::iter::empty()).unwrap();
    config.api.listen = ANY_PORT;
    config.admin.listen = ANY_PORT;
    config.admin.token = Some(Secret(TOKEN.to_owned()));
    config.keys.pepper = Some(Secret("pepper".repeat(6)));
    config.store.url.0 = format!("sqlite:{}", directory.join("store.db").display());
    config.media.directory = directory.join("media");
    config.dispatch.poll_ms = 20;
    config.dispatch.retry_floor_ms = 20;
    config.dispatch.retry_ceiling_ms = 100;
    config.dispatch.drain_secs = 2;
    config.carrier = vec![carrier("main", 0)];
    config
}
