//! The phones of the simulators beside the admin API: for `dev`.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use simulator::phones::Phones;

use api::http::Peer;

/// The phones under `/dev`. They need no token, and answer requests of this machine alone.
pub(super) fn router(phones: Phones) -> Router {
    let answer = move |request: Request| {
        let phones = phones.clone();
        async move {
            // A request without a peer does not count as one of this machine.
            let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            let peer = request.extensions().get::<Peer>().map_or(unknown, |peer| peer.0);
            phones.answer(request, peer).await.map(Body::new)
        }
    };
    ["/dev", "/dev/", "/dev/{*rest}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any(answer.clone())))
}
