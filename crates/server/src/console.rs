//! The web console on the admin listener: the origin of its requests, the signed-in operator, and its calls of the
//! admin API.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::map_request;
use console::{Actor, Client, Console, Door, Role, Settings, SignIn, SignedIn, Unavailable};
use model::Operator;

use crate::admin::{Admin, Principal};
use crate::operators::proxy::named;
use crate::operators::sign_in::{self, Attempt, SignIns};
use api::address;
use api::http::Peer;
use config;
use config::console_url::ConsoleUrl;

/// The console, which calls the admin API `api` in this process, and links the phones of a simulator beside it.
pub fn router(
    admin: &Arc<Admin>,
    api: Router,
    sign_ins: Arc<SignIns>,
    config: config::Console,
    has_phones: bool,
) -> Router {
    let (runtime, entropy) = (Arc::clone(&admin.runtime), Arc::clone(sign_ins.entropy()));
    let api = api.layer(map_request(move |request| std::future::ready(as_operator(request))));
    let calling = Arc::clone(admin);
    // The configuration was checked.
    let ConsoleUrl { hosts, is_secure } = ConsoleUrl::parse(&config.url).unwrap_or_default();
    let settings = Settings { hosts, is_secure, has_phones };
    let proxy_header = config.proxy_header;
    console::router(Console { api, door: Arc::new(Operators(sign_ins)), settings, runtime, entropy })
        .layer(map_request(move |request| std::future::ready(with_client(&calling, &proxy_header, request))))
}

/// A call of the console is a call of the operator who is signed in.
fn as_operator(mut request: Request<Body>) -> Request<Body> {
    let principal = request.extensions().get::<Actor>().and_then(|actor| {
        let role = model::Role::parse(actor.role.as_str())?;
        Some(Principal::of_console(&actor.name.parse().ok()?, role, actor.address))
    });
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    request
}

fn with_client(admin: &Admin, proxy_header: &str, mut request: Request<Body>) -> Request<Body> {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let address = address::of_client(peer, request.headers(), &admin.trusted_proxies);
    let proxied = named(proxy_header, peer, request.headers(), &admin.trusted_proxies).map(str::to_owned);
    request.extensions_mut().insert(Client { address, proxied });
    request
}

/// Operators, in the form for the console.
struct Operators(Arc<SignIns>);

fn actor(operator: &Operator, address: IpAddr) -> Actor {
    let role = match operator.role {
        model::Role::Viewer => Role::Viewer,
        model::Role::Operator => Role::Operator,
        model::Role::Admin => Role::Admin,
    };
    Actor { name: operator.name.to_string(), role, address }
}

fn signed_in(begun: &sign_in::SignedIn, address: IpAddr) -> SignedIn {
    SignedIn { cookie: begun.token.reveal().to_owned(), actor: actor(&begun.operator, address) }
}

impl From<sign_in::Unavailable> for Unavailable {
    fn from(error: sign_in::Unavailable) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl Door for Operators {
    async fn redeem(&self, link: &str, address: IpAddr) -> Result<Option<SignedIn>, Unavailable> {
        let begun = self.0.redeem(link, address).await?;
        Ok(begun.map(|begun| signed_in(&begun, address)))
    }

    async fn sign_in(&self, name: &str, password: &str, address: IpAddr) -> Result<SignIn, Unavailable> {
        Ok(match self.0.sign_in(name, password, address).await? {
            Attempt::In(begun) => SignIn::In(signed_in(&begun, address)),
            Attempt::Wrong => SignIn::Wrong,
            Attempt::Later(secs) => SignIn::Later(secs),
        })
    }

    async fn actor(&self, cookie: &str, address: IpAddr) -> Result<Option<Actor>, Unavailable> {
        let operator = self.0.operator_of(cookie).await?;
        Ok(operator.map(|operator| actor(&operator, address)))
    }

    async fn by_proxy(&self, name: &str, address: IpAddr) -> Result<Option<Actor>, Unavailable> {
        let operator = self.0.by_proxy(name).await?;
        Ok(operator.map(|operator| actor(&operator, address)))
    }

    async fn sign_out(&self, cookie: &str) -> Result<(), Unavailable> {
        Ok(self.0.sign_out(cookie).await?)
    }
}
