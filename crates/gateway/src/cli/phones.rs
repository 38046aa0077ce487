//! The telephones of the simulators behind the operator's door: for `dev`.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use simulator::phones::Phones;

use crate::http::Peer;

/// The telephones under `/dev`. They need no token, and answer this machine alone.
pub(super) fn router(phones: Phones) -> Router {
    let answer = move |request: Request| {
        let phones = phones.clone();
        async move {
            // Without a peer nobody is known to be on this machine.
            let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let peer = request.extensions().get::<Peer>().map_or(nobody, |peer| peer.0);
            phones.answer(request, peer).await.map(Body::new)
        }
    };
    ["/dev", "/dev/", "/dev/{*rest}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any(answer.clone())))
}
