//! Proxies in the environment are not heeded: they would resolve and connect in our place.

use std::sync::Arc;

use crate::support::{ALLOWED, FORBIDDEN, Names, Server, fetch, media, response, settings};

const VARIABLES: [&str; 7] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUEST_METHOD"];

/// What tells a process that it was started to fetch. Variables hold for a whole process, and other tests share this
/// one.
const FETCHES: &str = "SMSFACTORY_TEST_FETCHES";

#[tokio::test]
async fn a_proxy_of_the_environment_is_never_connected_to() {
    if std::env::var_os(FETCHES).is_some() {
        return fetches().await;
    }
    let proxy = Server::of_bytes(FORBIDDEN, response(200, &[], &media("photo.jpg"))).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxies::a_proxy_of_the_environment_is_never_connected_to"])
        .env(FETCHES, "1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for variable in VARIABLES {
        child.env(variable, format!("http://{}", proxy.address));
    }
    let output = child.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    assert_eq!(proxy.accepted(), 0);
}

/// Fetches twice, under the variables of this process.
async fn fetches() {
    assert!(VARIABLES.iter().all(|variable| std::env::var_os(variable).is_some()));
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let names = Arc::new(Names::new([("media.example.com", &[&[ALLOWED]])]));
    for host in ["media.example.com", "127.0.0.2"] {
        fetch(settings(&[server.port()]), &names, &format!("http://{host}:{}/", server.port())).await.unwrap();
    }
    assert_eq!(server.accepted(), 2);
}
