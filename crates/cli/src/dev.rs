//! `smsfactory dev`: the whole product on one machine, with simulated carriers behind real SMPP and MM4 sessions.
//!
//! All its files are in one directory: the store, the pepper, the admin token, and the credentials of the demo account.

mod demo;
mod first;
mod operator;
mod stop;
mod world;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carrier::keys::Secret;
use serde_json::{Value, json};

use super::place::{DATA, DEMO, TOKEN};
use super::{Failed, logging, machine, message, output, phones, serve};
use api::twilio;
use config::{Config, LogFormat, read};
use demo::{Demo, Key, NUMBERS, demo, kept};
use server::app::App;
use server::real::OsEntropy;
use world::World;

#[derive(Debug, clap::Args)]
pub(super) struct Dev {
    /// Exit after the delivery of the first messages, an SMS and an MMS
    #[arg(long)]
    once: bool,
    /// The directory for the store, media, keys and the admin token
    #[arg(long, value_name = "DIRECTORY", default_value = DATA)]
    data: PathBuf,
    /// The address of the public API; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address of the admin API, the console and the phones
    #[arg(long, value_name = "ADDRESS", default_value = ADMIN)]
    admin_listen: SocketAddr,
    /// The address of the simulated SMSC; by default any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    smsc_listen: SocketAddr,
    /// The address of the simulated MMSC for MM4; by default any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    mmsc_listen: SocketAddr,
}

/// The address of the admin API, which the admin commands take by default.
const ADMIN: &str = "127.0.0.1:8081";

/// The recipient of the first messages.
const RECIPIENT: &str = "+18005550199";

impl Dev {
    pub(super) async fn run(self) -> Result<(), Failed> {
        logging::start(LogFormat::Text, if self.once { "warn" } else { "info" }).map(drop).map_err(Failed::new)?;
        // A command that cannot start leaves no files.
        refuse_taken(self.listen, "--listen")?;
        refuse_taken(self.admin_listen, "--admin-listen")?;
        let world = World::start(self.smsc_listen, self.mmsc_listen).await?;
        fs::create_dir_all(&self.data)
            .map_err(|error| Failed::new(format!("cannot make {}: {error}", self.data.display())))?;
        let config = self.config(&world)?;
        let beside = phones::router(world.phones.clone());
        let app = App::start_beside(beside, config, machine(), Arc::new(OsEntropy)).await.map_err(Failed::new)?;
        world.meet(&app);
        let demo = demo(app.pipeline().tenants(), &self.data.join(DEMO)).await?;
        let link = operator::link(&app).await?;
        output::say(format!("Phones         http://{}/dev", app.admin_address));
        output::say(format!("Console        {link}\n               (signs in once, within 10 minutes)\n"));
        let first = self.first_messages(&app, &world, &demo).await;
        if first.is_ok() {
            self.introduce(&app, &world, &demo);
        }
        let mut signals = serve::Signals::new()?;
        let ended = match (first, self.once) {
            (Err(failed), _) => Err(failed),
            (Ok(_), true) => Ok(()),
            (Ok(id), false) => {
                self.hint(&app, &id);
                tokio::select! {
                    () = signals.next() => Ok(()),
                    why = app.failed() => Err(Failed::new(why)),
                }
            }
        };
        serve::stop(app, &mut signals).await?;
        ended
    }

    fn config(&self, world: &World) -> Result<Config, Failed> {
        let mut config =
            read::parse("", std::iter::empty()).map_err(|mistakes| Failed::new(format!("{mistakes:?}")))?;
        config.api.listen = self.listen;
        config.api.twilio = true;
        config.api.docs_base_url = format!("http://{}", self.listen);
        config.admin.listen = self.admin_listen;
        config.admin.token = Some(Secret(kept(&self.data.join(TOKEN))?));
        config.keys.pepper = Some(Secret(kept(&self.data.join("pepper"))?));
        config.media.directory = self.data.join("media");
        world.allow(&mut config.media);
        // A developer's endpoint is on this machine.
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks =
            vec![IpAddr::V4(Ipv4Addr::LOCALHOST).into(), IpAddr::V6(Ipv6Addr::LOCALHOST).into()];
        config.store.url.0 = format!("sqlite:{}", self.data.join("smsfactory.db").display());
        config.carrier = world.carriers();
        Ok(config)
    }

    /// Sends an SMS and an MMS, and shows their events and the effect of a STOP. Returns the id of the SMS.
    async fn first_messages(&self, app: &App, world: &World, demo: &Demo) -> Result<String, Failed> {
        let token = kept(&self.data.join(TOKEN))?;
        let hello = "Hello from smsfactory";
        let sms = json!({ "to": RECIPIENT, "from": NUMBERS[0], "body": hello });
        let mms = json!({ "to": RECIPIENT, "from": NUMBERS[0], "body": hello, "mediaUrl": world.picture() });
        let mut ids = Vec::new();
        for (name, message) in [("The first message", sms), ("The first with media", mms)] {
            let shown = first::send(app, demo, &token, &message).await?;
            let id = shown["id"].as_str().unwrap_or_default();
            output::say(format!("{name}, {id}, is {}:\n", shown["status"].as_str().unwrap_or_default()));
            message::life(&shown);
            output::say("");
            ids.push(id.to_owned());
        }
        stop::show(app, demo).await?;
        Ok(ids.swap_remove(0))
    }

    /// Prints the command that shows a message, with the options for everything that differs from the defaults.
    fn hint(&self, app: &App, id: &str) {
        let program = std::env::args_os()
            .next()
            .map_or_else(|| "smsfactory".to_owned(), |name| name.to_string_lossy().into_owned());
        let admin = app.admin_address;
        let mut words = vec![program, "message".to_owned(), "show".to_owned(), id.to_owned()];
        let is_set = |variable| std::env::var_os(variable).is_some();
        if admin.to_string() != ADMIN || is_set("SMSFACTORY_ADMIN_URL") {
            words.extend(["--url".to_owned(), format!("http://{admin}")]);
        }
        if self.data != Path::new(DATA) || is_set("SMSFACTORY_ADMIN_TOKEN") {
            words.extend(["--token-file".to_owned(), self.data.join(TOKEN).display().to_string()]);
        }
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        output::say(format!("To see the first message again:\n\n{}\n\nCtrl-C ends.", words.join(" ")));
    }

    /// Prints the calls of the phones for tests.
    fn introduce_phones(&self, app: &App) {
        let (place, handset) = (format!("http://{}/dev", app.admin_address), RECIPIENT);
        let reply = json!({ "to": NUMBERS[0], "text": "Yes, at 5" });
        output::say(format!(
            "In a test, wait for the latest message of a handset and the code in it, and let the handset reply:\n\n\
             curl '{place}/phone/{handset}/latest?wait=10'\n\
             curl {place}/phone/{handset}/send \\\n  -H 'Content-Type: application/json' \\\n  -d '{reply}'\n"
        ));
    }

    fn introduce(&self, app: &App, world: &World, demo: &Demo) {
        let api = app.api_address;
        let (live, test) = (&demo.live, &demo.test);
        let place = format!("http://{api}/api/v1/messaging");
        let curl = |key: &Key, message: Value| {
            format!(
                "curl -u {}:{} {place}/message \\\n  -H 'Content-Type: application/json' \\\n  -d '{message}'\n",
                key.key_id, key.key_secret
            )
        };
        let listed = format!("curl -u {}:{} '{place}/message?limit=3'\n", live.key_id, live.key_secret);
        let ended = format!(
            "curl -u {}:{} -X DELETE {place}/optout/{} \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'\n",
            live.key_id,
            live.key_secret,
            stop::HANDSET,
            json!({ "reason": "the handset asked for it" }),
        );
        let picture = world.picture();
        self.introduce_phones(app);
        introduce_twilio(app, demo);
        output::say(format!(
            "Public API     http://{api}/api/v1/messaging      error pages  http://{api}/page/errors\n\
             Admin API      http://{}/admin/v1              token in {}\n\
             Simulated SMSC {} (SMPP)\n\
             Simulated MMSC {} (MM4)\n\n\
             Demo account   {}\n\
             Live key       {}  {}\n\
             Test key       {}  {}   (sandbox only)\n\
             Numbers        {}\n\n\
             Send a message, without and with a picture:\n\n{}\n{}\n\
             Let a handset answer STOP (...0010 answers START, ...0011 a long text), list its message and the \
             automatic answer, and opt it in again. Without the last command, further messages to it are refused:\n\n\
             {}\n{listed}\n{ended}",
            app.admin_address,
            self.data.join(TOKEN).display(),
            world.smsc.address(),
            world.mmsc.mm4_address(),
            demo.account_id,
            live.key_id,
            live.key_secret,
            test.key_id,
            test.key_secret,
            demo.numbers.join(", "),
            curl(live, json!({ "to": RECIPIENT, "from": NUMBERS[0], "body": "Your code is 482910" })),
            curl(live, json!({ "to": RECIPIENT, "from": NUMBERS[0], "body": "Look", "mediaUrl": picture })),
            curl(live, stop::message()),
        ));
    }
}

/// Prints the settings of a client of Twilio's API.
fn introduce_twilio(app: &App, demo: &Demo) {
    let Ok(account) = demo.account_id.parse() else { return };
    output::say(format!(
        "Twilio client  account SID {}, auth token {}; set its base URL to http://{}\n",
        twilio::of_account(account),
        demo.live.key_secret,
        app.api_address,
    ));
}

/// Refuses an address that another program has, before anything is made.
fn refuse_taken(address: SocketAddr, option: &str) -> Result<(), Failed> {
    let failed = |error| Failed::new(format!("cannot listen on {address}: {error}; `{option}` names another address"));
    TcpListener::bind(address).map(drop).map_err(failed)
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-:+".contains(character);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
