//! What a process is made of when it starts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use carrier::Carrier;
use carrier::sandbox::Sandbox;
use fetch::Trust;
use fetch::media::{FetchSettings, Fetcher};
use fetch::resolve::SystemResolver;
use model::Entropy;
use model::key::Pepper;
use pipeline::limiter::RateLimiter;
use pipeline::route::Routes;
use pipeline::tenants::TenantBook;
use pipeline::webhook::Vault;
use pipeline::{
    AdmissionLimits, BroadcastSettings, InboundRules, Node, Parts, Pipeline, SANDBOX, WebhookParts, WebhookSettings,
};
use runtime::{Runtime, Supervisor};
use rustls::RootCertStore;
use store::contract::windows::Entrance;
use store::objects::Objects;
use store::sqlite::Sqlite;
use store::{Store, StoreError};
use tokio::sync::mpsc;

use super::{Death, Process, RULES, Site, VALID};
use crate::executor::{ProcessId, ProcessRuntime};
use crate::line::{Handle, Line};
use crate::servers::Desk;
use crate::shown::Shown;

impl Site {
    /// Opens the store.
    pub(super) async fn open(self: &Arc<Self>, runtime: &Arc<ProcessRuntime>) -> Result<Arc<dyn Store>, StoreError> {
        let (id, dynamic): (_, Arc<dyn Runtime>) = (runtime.id(), runtime.clone());
        let (vfs, rewrite) = self.with_disk(|disk| (disk.name().to_owned(), disk.rewriter()));
        let store = Sqlite::open_on(&vfs, "smsfactory.db".into(), rewrite, Arc::clone(&dynamic)).await?;
        let store: Arc<dyn Store> = Arc::new(if self.is_alone() { store } else { store.with_several_nodes() });
        let failing = (Arc::clone(&store), Arc::clone(self));
        // As the program does: it ends when its store has failed.
        dynamic.spawn(
            "end-with-store",
            Box::pin(async move {
                let error = failing.0.failed().await;
                failing.1.executor.note(&format!("the store has failed: {error}"));
                failing.1.end_if(id, Death::Killed);
            }),
        );
        Ok(store)
    }

    /// Starts a node of this name on the store that a process has open.
    pub(super) async fn boot(
        self: Arc<Self>,
        name: &'static str,
        store: Arc<dyn Store>,
        (runtime, machine): (Arc<ProcessRuntime>, ProcessId),
        entropy: Arc<dyn Entropy>,
    ) -> Result<Process, StoreError> {
        let (id, dynamic): (_, Arc<dyn Runtime>) = (runtime.id(), runtime.clone());
        let pepper = Pepper::new(&"pepper".repeat(6)).ok_or(StoreError::NotFound)?;
        let tenants =
            Arc::new(TenantBook::load(Arc::clone(&store), pepper, dynamic.clone(), Arc::clone(&entropy)).await?);
        let (sender, events) = mpsc::unbounded_channel();
        let sandbox: Arc<dyn Carrier> = Arc::new(Sandbox::new(SANDBOX, sender.clone(), Arc::clone(&dynamic)));
        let mut carriers = vec![(sandbox, 0)];
        for network in &self.networks {
            let line = Line::new(Arc::clone(network), &runtime, sender.clone(), self.is_alone());
            let line: Arc<dyn Carrier> = Arc::new(Handle(line));
            carriers.push((line, network.plan.originator_rate));
        }
        let supervisor = Supervisor::new(Arc::clone(&dynamic));
        let node = Node::join(Arc::clone(&store), name.to_owned(), "sim", dynamic.clone()).await?;
        let (renewed, renews) = (Arc::clone(&node), Arc::clone(&dynamic));
        // It goes on while the pipeline drains, and dies with the process.
        supervisor.start("node", async move { renewed.keep(renews).await });
        // No certificates are looked for: nothing is fetched.
        let settings = FetchSettings { trust: Trust::Only(RootCertStore::empty()), ..FetchSettings::default() };
        let fetcher = Fetcher::new(settings, Arc::new(SystemResolver), Arc::clone(&dynamic))
            .map_err(|error| StoreError::Refused(error.to_string()))?;
        let parts = Parts {
            store: Arc::clone(&store),
            node: Arc::clone(&node),
            webhooks: self.webhooks(id, &store)?,
            tenants: Arc::clone(&tenants),
            routes: Routes::new(self.plan.routes.clone()),
            carriers,
            events,
            fetcher,
            objects: Arc::new(NoObjects),
            media_kept: Duration::from_secs(3_600),
            parked_kept: Duration::from_secs(86_400),
            screen: Arc::clone(&self.screen),
            screening_log: Duration::from_secs(86_400),
            audit_log: Duration::from_secs(86_400),
            retention: RULES,
            inbound: InboundRules { parts_wait: self.plan.handsets.parts_wait, ..InboundRules::default() },
            index_after: Duration::from_secs(20),
            limits: limits(),
            dispatch: self.plan.dispatch,
            broadcasts: BroadcastSettings { lookahead: self.plan.lookahead, batch: self.plan.expansion },
            runtime: Arc::clone(&dynamic),
            supervisor: supervisor.clone(),
            entropy,
        };
        let pipeline = Pipeline::start(parts).await?;
        self.supervise(&dynamic, id, node, supervisor);
        let limiter = RateLimiter::new(Arc::clone(&store), Entrance::Public, 10);
        let ledger = Arc::clone(&self.ledger);
        Ok(Process { id, runtime, pipeline, store, tenants, limiter, ledger, machine })
    }

    /// Ends a process as the program does: when another node has ended its epoch, and when one of its long tasks ended.
    fn supervise(self: &Arc<Self>, runtime: &Arc<dyn Runtime>, id: ProcessId, node: Arc<Node>, supervisor: Supervisor) {
        let (watched, watched_node) = (Arc::clone(self), Arc::clone(&node));
        runtime.spawn(
            "supervise",
            Box::pin(async move {
                let why = supervisor.failed().await;
                if !watched_node.is_over() {
                    watched.ledger.violated(format!("a long task ended: {why}"));
                }
                watched.end_if(id, Death::Killed);
            }),
        );
        let over = Arc::clone(self);
        runtime.spawn(
            "end-with-epoch",
            Box::pin(async move {
                node.over().await;
                over.executor.note(&format!("process {} was taken over", id.0));
                over.end_if(id, Death::Killed);
            }),
        );
    }

    /// Events go to the endpoints' simulated servers.
    fn webhooks(&self, id: ProcessId, store: &Arc<dyn Store>) -> Result<WebhookParts, StoreError> {
        Ok(WebhookParts {
            poster: Arc::new(Desk { servers: Arc::clone(&self.servers), process: id }),
            vault: Vault::new(&[7; 32]).ok_or(StoreError::NotFound)?,
            render: Arc::new(Shown(Arc::clone(store))),
            settings: WebhookSettings { requests_max: 64, keep: Duration::from_secs(7 * 86_400) },
        })
    }
}

/// What the program lets clients send.
fn limits() -> AdmissionLimits {
    AdmissionLimits {
        sms_characters_max: 1_600,
        mms_characters_max: 1_600,
        recipients_max: 1_000,
        validity: VALID,
        idempotency: Duration::from_secs(86_400),
        sender_kinds: model::SenderKind::ALL.into_iter().collect(),
    }
}

/// No media: fetching them needs a network of sockets, which the simulation has not.
struct NoObjects;

#[async_trait]
impl Objects for NoObjects {
    async fn put(&self, _: &str, _: Bytes) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    async fn get(&self, _: &str) -> std::io::Result<Bytes> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    async fn remove(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    async fn names(&self) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}
