//! Proxies in the environment are not heeded: they would resolve and connect in our place.

use std::sync::Arc;

use crate::support::{ALLOWED, FORBIDDEN, Names, Server, fetch, media, response, settings};

const VARIABLES: [&str; 7] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUEST_METHOD"];

#[tokio::test]
async fn a_proxy_of_the_environment_is_never_connected_to() {
    let proxy = Server::of_bytes(FORBIDDEN, response(200, &[], &media("photo.jpg"))).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies::a_fetch_under_the_variables_of_this_process", "--ignored"]).env_remove("NO_PROXY").env_remove("no_proxy");
    for variable in VARIABLES {
        child.env(variable, format!("http://{}", proxy.address));
    }
    let output = child.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    assert_eq!(proxy.accepted(), 0);
}

#[tokio::test]
#[ignore = "the test above runs it in a process of its own"]
async fn a_fetch_under_the_variables_of_this_process() {
    assert!(VARIABLES.iter().all(|variable| std::env::var_os(variable).is_some()));
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let names = Arc::new(Names::new([("media.example.com", &[&[ALLOWED]])]));
    for host in ["media.example.com", "127.0.0.2"] {
        fetch(settings(&[server.port()]), &names, &format!("http://{host}:{}/", server.port())).await.unwrap();
    }
    assert_eq!(server.accepted(), 2);
}
