//! `smsfactory dev`: the whole product on one machine, with a simulated carrier behind a real SMPP session.
//!
//! Everything that it makes is in one directory: the store, the pepper, the admin token, and the demo account's credentials.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use carrier::config::Secret;
use carrier::smpp::config::SmppConfig;
use model::number::NumberState;
use model::{AccountId, Entropy, KeyId, MessageId, Mode, Msisdn};
use pipeline::tenants::TenantBook;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simulator::smsc::{self, Options, Smsc};

use super::client::{self, escaped};
use super::{Failed, logging, message, output, serve};
use crate::app::App;
use crate::config::{Config, LogFormat, read};
use crate::real::{OsEntropy, SystemClock};

#[derive(Debug, clap::Args)]
pub(super) struct Dev {
    /// Exit once the first message is delivered
    #[arg(long)]
    once: bool,
    /// Where everything is kept
    #[arg(long, default_value = DATA)]
    data: PathBuf,
    /// Where clients are served
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the operator is served
    #[arg(long, default_value = ADMIN)]
    admin_listen: SocketAddr,
    /// Where the simulated SMSC listens; any free port by default
    #[arg(long, default_value = "127.0.0.1:0")]
    smsc_listen: SocketAddr,
}

/// Where everything is kept, and where the admin commands look for the token.
const DATA: &str = "./data";

/// Where the operator is served, and where the admin commands look for it.
const ADMIN: &str = "127.0.0.1:8081";

/// The numbers of the demo account, from the range that is kept for fiction.
const NUMBERS: [&str; 2] = ["+18005550100", "+18005550101"];

/// Whom the first message goes to.
const RECIPIENT: &str = "+18005550199";

/// How long the first message may take.
const FIRST: Duration = Duration::from_secs(30);

/// The file of the admin token, where the admin commands look for it too.
pub(super) fn token_file() -> PathBuf {
    Path::new(DATA).join(TOKEN)
}

/// The file of the demo account's credentials, where `broadcast send` looks for a key.
pub(super) fn key_file() -> PathBuf {
    Path::new("./data").join(DEMO)
}

const TOKEN: &str = "admin.token";
const DEMO: &str = "demo.json";

/// The demo account's credentials, as they are kept for the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Demo {
    account_id: String,
    live: Key,
    test: Key,
    numbers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_id: String,
    key_secret: String,
}

impl Dev {
    pub(super) async fn run(self) -> Result<(), Failed> {
        logging::start(LogFormat::Text, if self.once { "warn" } else { "info" }).map_err(Failed::new)?;
        fs::create_dir_all(&self.data).map_err(|error| Failed::new(format!("cannot make {}: {error}", self.data.display())))?;
        let smsc = start_smsc(self.smsc_listen).await?;
        let config = self.config(smsc.address())?;
        let app = App::start(config, Arc::new(SystemClock), Arc::new(OsEntropy)).await.map_err(Failed::new)?;
        let demo = demo(app.pipeline().tenants(), &self.data.join(DEMO)).await?;
        let first = first_message(&app, &demo, &self.data).await;
        if let Ok(life) = &first {
            self.introduce(&app, &smsc, &demo, life);
        }
        let ended = match (first, self.once) {
            (Err(failed), _) => Err(failed),
            (Ok(_), true) => Ok(()),
            (Ok(_), false) => tokio::select! {
                told = serve::told_to_end() => told,
                error = app.failed() => Err(Failed::new(error)),
            },
        };
        app.stop().await;
        ended
    }

    fn config(&self, smsc: SocketAddr) -> Result<Config, Failed> {
        let mut config = read::parse("", std::iter::empty()).map_err(|mistakes| Failed::new(format!("{mistakes:?}")))?;
        config.api.listen = self.listen;
        config.api.docs_base_url = format!("http://{}", self.listen);
        config.admin.listen = self.admin_listen;
        config.admin.token = Some(Secret(kept(&self.data.join(TOKEN))?));
        config.keys.pepper = Some(Secret(kept(&self.data.join("pepper"))?));
        config.media.directory = self.data.join("media");
        config.store.url = format!("sqlite:{}", self.data.join("smsfactory.db").display());
        let simulator = SmppConfig {
            name: "simulator".to_owned(),
            host: smsc.ip().to_string(),
            port: smsc.port(),
            system_id: "dev".to_owned(),
            password: Secret("dev".to_owned()),
            ..SmppConfig::default()
        };
        config.carrier = vec![simulator.into()];
        Ok(config)
    }

    /// The command that shows a message, with what it would not find by itself.
    fn hint(&self, program: &str, admin: SocketAddr, id: &str) -> String {
        let mut words = vec![program.to_owned(), "message".to_owned(), "show".to_owned(), id.to_owned()];
        let is_set = |variable| std::env::var_os(variable).is_some();
        if admin.to_string() != ADMIN || is_set("SMSFACTORY_ADMIN_URL") {
            words.extend(["--url".to_owned(), format!("http://{admin}")]);
        }
        if self.data != Path::new(DATA) || is_set("SMSFACTORY_ADMIN_TOKEN") {
            words.extend(["--token-file".to_owned(), self.data.join(TOKEN).display().to_string()]);
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    fn introduce(&self, app: &App, smsc: &Smsc, demo: &Demo, first: &Value) {
        let id = first["id"].as_str().unwrap_or_default();
        output::say(format!("The first message, {id}, is {}:\n", first["status"].as_str().unwrap_or_default()));
        message::life(first);
        let api = app.api_address;
        let (live, test) = (&demo.live, &demo.test);
        output::say(format!(
            "\nPublic API     http://{api}/api/v1/messaging      error pages  http://{api}/page/errors\n\
             Admin API      http://{}/admin/v1              token in {}\n\
             Simulated SMSC {} (SMPP)\n\n\
             Demo account   {}\n\
             Live key       {}  {}\n\
             Test key       {}  {}   (sandbox only)\n\
             Numbers        {}\n\n\
             Send one yourself:\n\n\
             curl -u {}:{} http://{api}/api/v1/messaging/message \\\n  -H 'Content-Type: application/json' \\\n  \
             -d '{{\"to\":\"{RECIPIENT}\",\"from\":\"{}\",\"body\":\"Your code is 482910\"}}'\n",
            app.admin_address,
            self.data.join(TOKEN).display(),
            smsc.address(),
            demo.account_id,
            live.key_id,
            live.key_secret,
            test.key_id,
            test.key_secret,
            demo.numbers.join(", "),
            live.key_id,
            live.key_secret,
            NUMBERS[0],
        ));
        if !self.once {
            let program = std::env::args_os().next().map_or_else(|| "smsfactory".to_owned(), |name| name.to_string_lossy().into_owned());
            output::say(format!("What happened to it:\n\n{}\n\nCtrl-C ends.", self.hint(&program, app.admin_address, id)));
        }
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-:+".contains(character);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

async fn start_smsc(listen: SocketAddr) -> Result<Smsc, Failed> {
    let options = Options { listen, receipt_delay_ms: smsc::DelayMs(200, 600), ..Options::default() };
    smsc::start(options).await.map_err(|error| Failed::new(format!("cannot listen on {listen}: {error}")))
}

/// A secret of its own, made once and kept in a file that only its owner reads.
fn kept(file: &Path) -> Result<String, Failed> {
    let told = |error: std::io::Error| Failed::new(format!("cannot use {}: {error}", file.display()));
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            OsEntropy.fill(&mut bytes);
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write_private(file, &text).map_err(told)?;
            Ok(text)
        }
        Err(error) => Err(told(error)),
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The demo account: the one of the last start while its keys are good, or a new one.
async fn demo(tenants: &TenantBook, file: &Path) -> Result<Demo, Failed> {
    let kept = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Demo>(&text).ok());
    let is_good = |demo: &Demo| {
        let account = demo.account_id.parse::<AccountId>().ok();
        let keys = account.map(|account| tenants.keys(account)).unwrap_or_default();
        [&demo.live, &demo.test].iter().all(|key| keys.iter().any(|known| known.id == KeyId::from_text(&key.key_id) && known.revoked_at.is_none()))
    };
    if let Some(demo) = kept.filter(is_good) {
        return Ok(demo);
    }
    let limits = read::parse("", std::iter::empty()).map(|config| config.limits.of_new_accounts()).map_err(|_| Failed::new("no defaults"))?;
    let account = tenants.create_account("demo".to_owned(), limits).await.map_err(Failed::new)?;
    let (live, live_secret) = tenants.create_key(account.id, Mode::Live, None).await.map_err(Failed::new)?;
    let (test, test_secret) = tenants.create_key(account.id, Mode::Test, None).await.map_err(Failed::new)?;
    for number in NUMBERS {
        let number = Msisdn::parse(number).map_err(Failed::new)?;
        match tenants.number(&number) {
            None => tenants.create_number(number, Some(account.id), NumberState::Active, None).await.map_err(Failed::new)?,
            Some(_) => {
                let change = store::contract::tenants::NumberChange { account: Some(Some(account.id)), state: Some(NumberState::Active), ..Default::default() };
                tenants.change_number(&number, change).await.map_err(Failed::new)?
            }
        };
    }
    let key = |id: KeyId, secret: &str| Key { key_id: id.to_string(), key_secret: secret.to_owned() };
    let demo = Demo {
        account_id: account.id.to_string(),
        live: key(live.id, live_secret.reveal()),
        test: key(test.id, test_secret.reveal()),
        numbers: NUMBERS.iter().map(|number| (*number).to_owned()).collect(),
    };
    let text = serde_json::to_string_pretty(&demo).map_err(Failed::new)?;
    write_private(file, &text).map_err(|error| Failed::new(format!("cannot write {}: {error}", file.display())))?;
    Ok(demo)
}

/// Sends a message as any client would, and waits until it is delivered. Returns it with its life.
async fn first_message(app: &App, demo: &Demo, data: &Path) -> Result<Value, Failed> {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", demo.live.key_id, demo.live.key_secret)));
    let body = json!({ "to": RECIPIENT, "from": NUMBERS[0], "body": "Hello from smsfactory" });
    let (status, answer) = client::request(&url(app.api_address)?, &Method::POST, "/api/v1/messaging/message", &basic, Some(&body)).await?;
    if status != StatusCode::CREATED {
        return Err(client::refused(status, &answer));
    }
    let id = answer["id"].as_str().unwrap_or_default();
    let bearer = format!("Bearer {}", kept(&data.join(TOKEN))?);
    let path = format!("/admin/v1/messages/{}", escaped(id));
    let admin = url(app.admin_address)?;
    let delivered = async {
        let id: MessageId = id.parse().map_err(Failed::new)?;
        loop {
            let record = app.pipeline().store().message_of_any_account(id).await.map_err(Failed::new)?;
            if record.is_some_and(|record| record.delivery.status.is_final()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (status, message) = client::request(&admin, &Method::GET, &path, &bearer, None).await?;
        match message["status"].as_str() {
            _ if !status.is_success() => Err(client::refused(status, &message)),
            Some("delivered") => Ok(message),
            _ => Err(Failed::new(format!("the first message is {}: {}", message["status"], message["errorMessage"]))),
        }
    };
    let late = |_| Err(Failed::new(format!("the first message, {id}, was not delivered within {} s", FIRST.as_secs())));
    tokio::time::timeout(FIRST, delivered).await.unwrap_or_else(late)
}

fn url(address: SocketAddr) -> Result<Uri, Failed> {
    format!("http://{address}").parse().map_err(Failed::new)
}
