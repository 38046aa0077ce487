//! Handsets that are off, full, slow or rejecting.

use serde_json::json;
use simulator::smsc::Options;
use wire::smpp::{BindKind, CommandStatus, Pdu, tag, time};

use super::{HANDSET, Network, changed, text as message};
use crate::client::{Client, text};

/// What a receipt says: its text, and its `network_error_code`.
fn said(receipt: &Pdu) -> (String, Option<Vec<u8>>) {
    let text = text(receipt);
    let stat = text.split(' ').find_map(|word| word.strip_prefix("stat:")).unwrap().to_owned();
    let error = text.split(' ').find_map(|word| word.strip_prefix("err:")).unwrap().to_owned();
    (format!("{stat} {error}"), receipt.tlvs.get(tag::NETWORK_ERROR_CODE).map(<[u8]>::to_vec))
}

#[tokio::test]
async fn a_handset_that_is_full_or_rejects_says_so_in_its_receipts() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    for (state, expected, error) in
        [("full", "UNDELIV 022", vec![3, 0, 22]), ("rejecting", "REJECTD 021", vec![3, 0, 21])]
    {
        network.switch(json!({ "state": state })).await;
        assert_eq!(client.ask(message("Hello")).await.status, CommandStatus::ROK);
        let receipt = client.report().await;
        assert_eq!(said(&receipt), (expected.to_owned(), Some(error)));
        client.answer(&receipt, CommandStatus::ROK).await;
        let bubble = network.bubbles().await.pop().unwrap();
        assert_eq!(bubble["state"], "failed", "{bubble}");
        assert_eq!(bubble["failure"]["says"], expected.split(' ').next().unwrap());
    }
    let (status, latest) = network.get(&format!("/dev/phone/{HANDSET}/latest?wait=0")).await;
    assert_eq!(status, 404, "the handset has nothing: {latest}");
}

#[tokio::test]
async fn messages_wait_for_a_handset_that_is_off_until_it_is_switched_on() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    network.switch(json!({ "state": "off" })).await;
    assert_eq!(client.ask(message("Are you there?")).await.status, CommandStatus::ROK);
    client.sync().await;
    let bubble = network.bubbles().await.remove(0);
    assert_eq!((&bubble["state"], &bubble["receipt"]), (&json!("waiting"), &json!("accepted")));
    assert_eq!(network.get("/dev/phones").await.1["data"][0]["waiting"], 1);
    network.switch(json!({ "state": "on" })).await;
    let receipt = client.report().await;
    assert_eq!(said(&receipt), ("DELIVRD 000".to_owned(), None));
    let bubble = network.bubbles().await.remove(0);
    assert_eq!((&bubble["state"], &bubble["receipt"]), (&json!("received"), &json!("sent")));
    assert_eq!(network.get("/dev/phones").await.1["data"][0]["waiting"], 0);
}

#[tokio::test]
async fn a_message_expires_when_its_validity_ends_before_the_handset_is_on() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    network.switch(json!({ "state": "off" })).await;
    let soon = changed(b"Hello", |sm| sm.validity_period = time::relative(1).into_bytes());
    assert_eq!(client.ask(soon).await.status, CommandStatus::ROK);
    assert_eq!(said(&client.report().await), ("EXPIRED 027".to_owned(), Some(vec![3, 0, 27])));
    assert_eq!(network.bubbles().await[0]["failure"], json!({ "says": "EXPIRED", "error": 27 }));
}

#[tokio::test]
async fn a_slow_handset_takes_its_time_and_one_that_is_switched_on_meanwhile_does_not() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    network.switch(json!({ "state": "slow", "seconds": 1 })).await;
    client.ask(message("Take your time")).await;
    assert_eq!(network.bubbles().await[0]["state"], "waiting");
    assert_eq!(said(&client.report().await).0, "DELIVRD 000");
    let latency = network.bubbles().await[0]["latencyMs"].as_u64().unwrap();
    assert!(latency >= 1_000, "{latency} ms");
    network.switch(json!({ "state": "slow", "seconds": 600 })).await;
    client.ask(message("Or not")).await;
    network.switch(json!({ "state": "on" })).await;
    assert_eq!(said(&client.report().await).0, "DELIVRD 000");
}

#[tokio::test]
async fn so_many_messages_wait_for_a_handset_and_no_more() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    network.switch(json!({ "state": "off" })).await;
    for _ in 0..500 {
        assert_eq!(client.ask(message("Hello")).await.status, CommandStatus::ROK);
    }
    assert_eq!(client.ask(message("Hello")).await.status, CommandStatus::RMSGQFUL);
}
