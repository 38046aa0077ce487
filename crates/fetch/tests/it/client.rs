//! The guarded client, with a request that fetches no media.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fetch::Trust;
use fetch::client::{Ask, ClientError, GuardedClient, UserAgent};
use fetch::denial::Denial;
use fetch::guard::Guard;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, StatusCode};
use runtime::{Machine, Runtime};

use crate::support::{ALLOWED, FORBIDDEN, Names, Server, response, settings};

#[tokio::test]
async fn a_post_is_made_by_the_same_rules_and_follows_nothing() {
    let forbidden = Server::of_bytes(FORBIDDEN, response(200, &[], b"")).await;
    let location = format!("http://127.0.0.3:{}/", forbidden.port());
    let server = Server::of_bytes(ALLOWED, response(307, &[("Location", &location)], b"moved")).await;
    let names = Names::new([("hook.example.com", &[&[ALLOWED]]), ("evil.example.com", &[&[FORBIDDEN]])]);
    let guard = Guard::new(&settings(&[server.port(), forbidden.port()]).guard);
    let client = GuardedClient::new(guard, Trust::Machine, UserAgent::default(), Arc::new(Machine::new())).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert(HOST, "elsewhere.example.com".parse().unwrap());
    let ask = Ask {
        method: Method::POST,
        headers,
        body: Bytes::from_static(b"{}"),
        redirects_max: 0,
        deadline: Machine::new().instant() + Duration::from_secs(60),
    };

    let answer = client.ask(&format!("http://hook.example.com:{}/in", server.port()), &ask, &names).await.unwrap();
    assert_eq!(
        (answer.status, answer.read(5).await.unwrap()),
        (StatusCode::TEMPORARY_REDIRECT, Bytes::from_static(b"moved"))
    );
    let head = server.heads().remove(0);
    for part in [
        "post /in http/1.1\r\n",
        "content-type: application/json\r\n",
        "content-length: 2\r\n",
        &format!("host: hook.example.com:{}\r\n", server.port()),
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    for host in ["evil.example.com", "127.0.0.3", "127.3"] {
        let told = client.ask(&format!("http://{host}:{}/in", forbidden.port()), &ask, &names).await.unwrap_err();
        assert!(matches!(told, ClientError::Denied(Denial::Address(..))), "{host}: {told}");
    }
    assert_eq!((server.accepted(), forbidden.accepted()), (1, 0));
}
