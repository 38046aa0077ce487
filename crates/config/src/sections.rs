//! The tables of the configuration file, key by key. Units and meanings are in `config.default.toml`, once.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use carrier::keys::Secret;
use fetch::guard::GuardSettings;
use fetch::media::FetchSettings;
use fetch::post::PostSettings;
use fetch::{Trust, UserAgent};
use ipnet::IpNet;
use model::key::{Pepper, Peppers};
use model::message::MessageType;
use pipeline::route;
use pipeline::rules::Rule;
use pipeline::{InboundRules, Retention, WebhookSettings};
use serde::Deserialize;
use store::objects::BucketSettings;

macro_rules! section {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
    };
}

section! {
    /// `[api]`: the public API.
    Api {
        /// The address of the public API.
        listen: SocketAddr,
        /// The beginning of `moreInfo`.
        docs_base_url: String,
        /// The beginning of links to this API; empty for the address of the listener.
        public_url: String,
        /// Certificate chain in PEM.
        tls_cert: Option<PathBuf>,
        /// Its key in PEM.
        tls_key: Option<PathBuf>,
        /// Whether it may listen beyond loopback without TLS.
        plain_http: bool,
        /// Networks of proxies whose `X-Forwarded-For` is trusted.
        trusted_proxies: Vec<IpNet>,
        /// Connections at once.
        connections_max: usize,
        /// Those of one address.
        connections_per_address: usize,
        /// Seconds until a request's head must be whole.
        head_timeout_secs: u64,
        /// Seconds until its body must be.
        body_timeout_secs: u64,
        /// Seconds for which a client may leave an answer unread.
        write_timeout_secs: u64,
        /// The largest body.
        body_bytes_max: usize,
        /// The largest body of a broadcast.
        broadcast_body_bytes_max: usize,
        /// The largest head.
        head_bytes_max: usize,
        /// The kinds of senders that clients may use.
        sender_kinds: Vec<SenderKind>,
        /// Whether clients of Twilio's API are served.
        twilio: bool,
    }
}

section! {
    /// `[admin]`: the admin listener.
    Admin {
        /// The address of the admin API.
        listen: SocketAddr,
        /// Whether it may listen beyond loopback without TLS.
        plain_http: bool,
        /// The bearer token.
        token: Option<Secret>,
        /// A file that holds it.
        token_file: Option<PathBuf>,
        /// Connections at once.
        connections_max: usize,
    }
}

section! {
    /// `[keys]`: the peppers for hashing secrets.
    Keys {
        /// The pepper.
        pepper: Option<Secret>,
        /// A file that holds it.
        pepper_file: Option<PathBuf>,
        /// The previous pepper, while keys move from it to the new one.
        previous_pepper: Option<Secret>,
        /// A file that holds it.
        previous_pepper_file: Option<PathBuf>,
    }
}

section! {
    /// `[store]`: the place of messages.
    StoreConfig {
        /// `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`.
        url: StoreUrl,
        /// The age at which a message is added to the index of lists.
        index_after_secs: u64,
    }
}

/// The URL of a store or of a Valkey, whose password stays out of debug output.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StoreUrl(pub String);

impl Deref for StoreUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        store::without_password(&self.0).fmt(f)
    }
}

section! {
    /// `[cluster]`: this process among those that share a store.
    Cluster {
        /// Its name; empty for the name of the machine.
        node: String,
        /// The Valkey that counts rate windows; empty for none.
        redis: StoreUrl,
    }
}

section! {
    /// `[limits]`: how much may be asked.
    #[derive(Copy)]
    Limits {
        /// `POST /message` requests a window.
        message_per_minute: u32,
        /// `POST /broadcast` requests a window.
        broadcast_per_minute: u32,
        /// Reading requests a window.
        read_per_minute: u32,
        /// Failed authentications of an address a window.
        failed_auth_per_minute: u32,
        /// Recipients a day.
        daily_quota: u64,
        /// Recipients of a broadcast.
        max_recipients: usize,
        /// The longest SMS body in characters.
        sms_characters_max: usize,
        /// The longest MMS body in characters.
        mms_characters_max: usize,
        /// Hours for which an idempotency key is remembered.
        idempotency_hours: u64,
    }
}

section! {
    /// `[media]`: the place of media.
    Media {
        /// The directory.
        directory: PathBuf,
        /// A bucket in place of the directory: `s3://` and its name, perhaps with a path. Empty for none.
        url: String,
        /// The address of the bucket's service; empty for AWS.
        s3_endpoint: String,
        /// The bucket's region.
        s3_region: String,
        /// The name of the access key to the bucket.
        s3_access_key: String,
        /// Its secret.
        s3_secret_key: Option<Secret>,
        /// A file with the secret.
        s3_secret_key_file: Option<PathBuf>,
        /// Hours for which media are kept after they were needed.
        keep_hours: u64,
        /// Networks that media may come from although they are not public.
        allow_networks: Vec<IpNet>,
        /// Networks that media may not come from although they are public.
        deny_networks: Vec<IpNet>,
        /// Ports that media may come from.
        ports: Vec<u16>,
        /// Seconds that a fetch may take.
        timeout_seconds: u64,
        /// The `User-Agent` for servers of media; empty for the program, its version and `api.docs_base_url`.
        user_agent: String,
        /// Fetches of one account at once.
        fetches_per_account: usize,
        /// Fetches at once.
        fetches_max: usize,
    }
}

section! {
    /// `[webhooks]`: how endpoints of accounts are notified.
    WebhooksConfig {
        /// Whether endpoints may be reached without TLS.
        allow_http: bool,
        /// Networks that endpoints may be in although they are not public.
        allow_networks: Vec<IpNet>,
        /// Seconds that a request may take.
        timeout_secs: u64,
        /// Requests at once.
        requests_max: usize,
        /// Days for which events and deliveries are kept.
        keep_days: u64,
    }
}

section! {
    /// `[console]`: how browsers reach the web console, and how operators sign in to it.
    Console {
        /// The address at which browsers reach it through a proxy; empty for loopback alone.
        url: String,
        /// The header in which a trusted proxy names the operator; empty for none.
        proxy_header: String,
    }
}

section! {
    /// `[audit]`: the changes of operators.
    AuditConfig {
        /// The days for which entries of the audit log are kept.
        keep_days: u64,
    }
}

section! {
    /// `[screening]`: how texts are screened.
    Screening {
        /// A directory with data in place of the program's own.
        directory: Option<PathBuf>,
        /// Days for which decisions are kept for review.
        log_days: u64,
        /// Decisions of one account that are kept.
        log_per_account_max: u64,
    }
}

section! {
    /// `[dispatch]`: how messages are dispatched.
    Dispatch {
        /// Seconds for which a message is worth sending.
        validity_secs: u64,
        /// Messages in a dispatcher's memory.
        queue_max: usize,
        /// Those of one account.
        queue_per_account_max: usize,
        /// Segments a second of an account on a carrier.
        account_rate: u32,
        /// Seconds of a lease.
        lease_secs: u64,
        /// Attempts recorded in one write.
        batch: usize,
        /// Milliseconds between looks at the store.
        poll_ms: u64,
        /// The first wait before another attempt.
        retry_floor_ms: u64,
        /// The longest.
        retry_ceiling_ms: u64,
        /// Attempts before the next carrier.
        attempts_per_carrier: u32,
        /// Seconds of being down before the next carrier.
        fallback_after_secs: u64,
        /// Messages of one broadcast in memory.
        broadcast_lookahead_max: usize,
        /// Recipients turned into messages in one write.
        broadcast_batch: usize,
        /// Seconds that a process which ends waits for its carriers.
        drain_secs: u64,
    }
}

section! {
    /// `[receipts]`: receipts that match nothing.
    Receipts {
        /// The most receipts of one carrier that wait for their acknowledgement.
        parked_max: u64,
        /// The most bytes that they take.
        parked_bytes_max: u64,
        /// Hours for which each waits.
        parked_hours: u64,
    }
}

section! {
    /// `[inbound]`: messages of handsets.
    #[derive(Copy)]
    InboundConfig {
        /// Seconds without a new part after which a message is shown without those that are missing.
        parts_wait_secs: u64,
        /// Days for which messages are kept that belong to no account.
        unrouted_keep_days: u64,
    }
}

impl InboundConfig {
    /// The rules as the pipeline has them.
    pub const fn rules(self) -> InboundRules {
        InboundRules {
            parts_wait: Duration::from_secs(self.parts_wait_secs),
            unrouted_kept: Duration::from_secs(self.unrouted_keep_days * 86_400),
        }
    }
}

section! {
    /// `[retention]`: how long things are kept, in days; 0 for ever.
    #[derive(Copy)]
    RetentionConfig {
        /// Texts and media.
        texts_days: u16,
        /// Messages, their events, and broadcasts.
        messages_days: u16,
        /// Keys of receipts.
        receipt_keys_days: u16,
    }
}

section! {
    /// `[log]`: the settings of the log.
    Log {
        /// The format.
        format: LogFormat,
        /// The level.
        level: String,
        /// Whether every request is.
        requests: bool,
        /// Lines a second of each kind that strangers can cause.
        lines_per_second: u32,
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A kind of sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderKind {
    /// Numbers in E.164 form.
    Number,
    /// Short codes.
    ShortCode,
    /// Names.
    Name,
}

impl SenderKind {
    /// The kind as the rest of the program knows it.
    pub const fn sender_kind(self) -> model::SenderKind {
        match self {
            Self::Number => model::SenderKind::Number,
            Self::ShortCode => model::SenderKind::ShortCode,
            Self::Name => model::SenderKind::Name,
        }
    }
}

/// One `[[route]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The beginning of the recipient's number.
    #[serde(default)]
    pub prefix: String,
    /// The type of message; both when absent.
    #[serde(rename = "type", default)]
    pub kind: Option<RouteType>,
    /// Names of carriers, preferred first.
    pub carriers: Vec<String>,
    /// The action when an outcome stays unknown.
    #[serde(default)]
    pub on_unknown: OnUnknown,
}

impl RouteConfig {
    /// The rule that it says.
    pub fn rule(&self) -> Rule {
        Rule {
            prefix: self.prefix.clone(),
            kind: self.kind.map(RouteType::message_type),
            carriers: self.carriers.clone(),
            on_unknown: match self.on_unknown {
                OnUnknown::Resend => route::OnUnknown::Resend,
                OnUnknown::Hold => route::OnUnknown::Hold,
            },
        }
    }
}

/// The type of message of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RouteType {
    /// SMS.
    Sms,
    /// MMS.
    Mms,
}

impl RouteType {
    /// The type as the rest of the program knows it.
    pub const fn message_type(self) -> MessageType {
        match self {
            Self::Sms => MessageType::Sms,
            Self::Mms => MessageType::Mms,
        }
    }
}

/// The action if it is unknown whether a carrier has the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// It is sent again and may arrive twice.
    #[default]
    Resend,
    /// It is held and may never arrive.
    Hold,
}

impl RetentionConfig {
    /// The rules of the pipeline.
    pub fn rules(&self) -> Retention {
        let kept = |days: u16| (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400));
        Retention {
            texts: kept(self.texts_days),
            messages: kept(self.messages_days),
            receipt_keys: kept(self.receipt_keys_days),
        }
    }
}

impl Limits {
    /// The limits of a new account.
    pub const fn of_new_accounts(&self) -> model::Limits {
        model::Limits {
            message_per_minute: self.message_per_minute,
            broadcast_per_minute: self.broadcast_per_minute,
            read_per_minute: self.read_per_minute,
            daily_quota: self.daily_quota,
        }
    }

    /// How long an idempotency key is remembered.
    pub const fn idempotency(&self) -> Duration {
        Duration::from_secs(self.idempotency_hours.saturating_mul(3600))
    }
}

impl Media {
    /// The URLs that may be fetched.
    pub fn guard_settings(&self) -> GuardSettings {
        GuardSettings {
            ports: self.ports.clone(),
            allow_networks: self.allow_networks.clone(),
            deny_networks: self.deny_networks.clone(),
            ..GuardSettings::default()
        }
    }

    /// The settings of fetches. `contact` is a page about us for the operators of media servers, unless the
    /// configuration has its own.
    pub fn fetch_settings(&self, contact: &str) -> FetchSettings {
        FetchSettings {
            guard: self.guard_settings(),
            timeout: Duration::from_secs(self.timeout_seconds),
            fetches_per_account: self.fetches_per_account,
            fetches_max: self.fetches_max,
            trust: Trust::Machine,
            user_agent: UserAgent::parse(&self.user_agent).unwrap_or_else(|| UserAgent::with_contact(contact)),
        }
    }
}

impl WebhooksConfig {
    /// The settings of requests. `contact` is a page about us for the operators of endpoints.
    pub fn post_settings(&self, contact: &str) -> PostSettings {
        let guard = GuardSettings {
            ports: Vec::new(),
            https_only: !self.allow_http,
            private_names: !self.allow_networks.is_empty(),
            allow_networks: self.allow_networks.clone(),
            deny_networks: Vec::new(),
        };
        PostSettings {
            guard,
            trust: Trust::Machine,
            user_agent: UserAgent::with_contact(contact),
            timeout: Duration::from_secs(self.timeout_secs),
            idle_max: self.requests_max,
        }
    }

    /// How events are delivered.
    pub const fn settings(&self) -> WebhookSettings {
        WebhookSettings {
            requests_max: self.requests_max,
            keep: Duration::from_secs(self.keep_days.saturating_mul(86_400)),
        }
    }
}

impl Keys {
    /// The pepper, and the previous one if there is one.
    ///
    /// # Errors
    /// A sentence for the operator when there is no pepper, or one is too short, or both are the same.
    pub fn read(&self) -> Result<Peppers, String> {
        let current = self.read_pepper()?;
        let text =
            secret(self.previous_pepper.as_ref(), self.previous_pepper_file.as_ref(), "keys.previous_pepper_file")?;
        let previous = text.map(|text| pepper(&text, "keys.previous_pepper")).transpose()?;
        if previous.as_ref().is_some_and(|previous| previous.verifier() == current.verifier()) {
            return Err("`keys.previous_pepper` is the same as `keys.pepper`: leave it out".to_owned());
        }
        Ok(Peppers { current, previous })
    }

    fn read_pepper(&self) -> Result<Pepper, String> {
        let text = secret(self.pepper.as_ref(), self.pepper_file.as_ref(), "keys.pepper_file")?
            .ok_or("`keys.pepper` is missing: give it, or `keys.pepper_file`, or SMSFACTORY_KEYS_PEPPER")?;
        pepper(&text, "keys.pepper")
    }
}

fn pepper(text: &str, key: &str) -> Result<Pepper, String> {
    Pepper::new(text).ok_or_else(|| format!("`{key}` has fewer than {} characters", Pepper::MIN_BYTES))
}

impl Media {
    /// The bucket of media; `None` if they are in a directory.
    ///
    /// # Errors
    /// A sentence for the operator if a key is missing, or the file of the secret cannot be read.
    pub fn bucket(&self) -> Result<Option<BucketSettings>, String> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let secret = secret(self.s3_secret_key.as_ref(), self.s3_secret_key_file.as_ref(), "media.s3_secret_key_file")?;
        let secret_key = secret.filter(|secret| !secret.is_empty()).ok_or(
            "`media.s3_secret_key` is missing: give it, or `media.s3_secret_key_file`, or \
             SMSFACTORY_MEDIA_S3_SECRET_KEY",
        )?;
        if self.s3_access_key.is_empty() {
            return Err("`media.s3_access_key` is missing: a bucket needs an access key".to_owned());
        }
        Ok(Some(BucketSettings {
            url: self.url.clone(),
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            access_key: self.s3_access_key.clone(),
            secret_key,
        }))
    }
}

impl Admin {
    /// The token, if there is one.
    ///
    /// # Errors
    /// A sentence for the operator when its file cannot be read, or it is empty.
    pub fn read_token(&self) -> Result<Option<String>, String> {
        let token = secret(self.token.as_ref(), self.token_file.as_ref(), "admin.token_file")?;
        if token.as_ref().is_some_and(|token| token.len() < TOKEN_BYTES_MIN) {
            return Err(format!("`admin.token` has fewer than {TOKEN_BYTES_MIN} characters"));
        }
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(
                "`admin.token` has characters that an HTTP header cannot carry: use ASCII without spaces".to_owned()
            );
        }
        Ok(token)
    }
}

/// A shorter token could be found by trying.
const TOKEN_BYTES_MIN: usize = 16;

fn secret(given: Option<&Secret>, file: Option<&PathBuf>, key: &str) -> Result<Option<String>, String> {
    if let Some(given) = given {
        return Ok(Some(given.0.clone()));
    }
    let Some(file) = file else { return Ok(None) };
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("`{key}`: cannot read {}: {error}", file.display()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
