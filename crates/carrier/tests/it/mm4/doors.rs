//! Who is let in to the listener, and how many.

use std::time::Duration;

use carrier::RefusedConnections;
use carrier::mm4::config::Mm4Config;

use super::mmsc::{Mmsc, call, call_from};
use super::{config, settle, start, try_start};

#[tokio::test]
async fn strangers_are_sent_away() {
    let mmsc = Mmsc::start().await;
    let (_bench, listener) = start(Mm4Config { allow_peers: vec!["192.0.2.0/24".parse().unwrap()], ..config(&mmsc) });
    let mut talk = call(listener).await;
    talk.hear("554 5.7.1").await;
    assert!(talk.ends().await);
}

#[tokio::test]
async fn no_more_connections_are_served_than_there_is_room_for() {
    let mmsc = Mmsc::start().await;
    let (_bench, listener) = start(Mm4Config { listen_connections_max: 1, ..config(&mmsc) });
    let mut first = call(listener).await;
    first.hear("220").await;
    let mut second = call(listener).await;
    second.hear("421 4.3.2").await;
    assert!(second.ends().await);
    first.say("QUIT").await;
    first.hear("221").await;
    assert!(first.ends().await);
    settle().await;
    call(listener).await.hear("220").await;
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let mmsc = Mmsc::start().await;
    let (bench, listener) = start(Mm4Config { listen_connections_max: 4, ..config(&mmsc) });
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut talk = call(listener).await;
        talk.hear("220").await;
        held.push(talk);
    }
    let mut fourth = call(listener).await;
    fourth.hear("421 4.3.2").await;
    assert!(fourth.ends().await);
    let mut other = call_from("127.0.0.2:0".parse().unwrap(), listener).await;
    other.hear("220").await;
    call_from("127.0.0.3:0".parse().unwrap(), listener).await.hear("421 4.3.2").await;
    assert_eq!(
        bench.carrier.status().refused_connections,
        RefusedConnections { not_allowed: 0, address_full: 1, full: 1 }
    );
}

#[tokio::test]
async fn a_carrier_that_is_drained_listens_no_more() {
    let mmsc = Mmsc::start().await;
    let (bench, listener) = start(config(&mmsc));
    let mut talk = call(listener).await;
    talk.hear("220").await;
    bench.carrier.drain(Duration::from_secs(10)).await;
    talk.hear("421").await;
    assert!(talk.ends().await);
    settle().await;
    assert!(tokio::net::TcpStream::connect(listener).await.is_err());
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_its_key() {
    let mmsc = Mmsc::start().await;
    let taken = try_start(Mm4Config { listen: Some(mmsc.address()), ..config(&mmsc) });
    let keys: Vec<_> = taken.err().into_iter().flat_map(|error| error.mistakes).map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["listen"]);
}

#[tokio::test]
async fn a_carrier_without_a_listener_opens_no_port() {
    let mmsc = Mmsc::start().await;
    assert_eq!(try_start(Mm4Config { listen: None, ..config(&mmsc) }).unwrap().carrier.status().listens_at, None);
}
