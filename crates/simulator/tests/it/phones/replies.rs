//! Messages that handsets send.

use hyper::StatusCode;
use serde_json::json;
use simulator::smsc::Options;
use wire::concat;
use wire::smpp::{BindKind, Body, CommandStatus, Pdu, Sm};

use super::{HANDSET, Network, PLATFORM, reply};
use crate::client::{Client, within};

fn sm(pdu: &Pdu) -> &Sm {
    let Body::DeliverSm(sm) = &pdu.body else { panic!("no deliver_sm: {pdu:?}") };
    sm
}

/// Has a handset write, and takes what it sends with this status.
async fn written(
    network: &Network,
    client: &mut Client,
    body: serde_json::Value,
    count: usize,
) -> (serde_json::Value, Vec<Pdu>) {
    let path = format!("/dev/phones/{HANDSET}/reply");
    let asked = network.ask("POST", &path, Some(body));
    let taken = async {
        let mut pdus = Vec::new();
        for _ in 0..count {
            let pdu = client.next().await;
            client.answer(&pdu, CommandStatus::ROK).await;
            pdus.push(pdu);
        }
        pdus
    };
    let ((status, told), pdus) = within("the reply", async { tokio::join!(asked, taken) }).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    (told, pdus)
}

#[tokio::test]
async fn a_handset_that_was_never_texted_writes_by_a_real_deliver_sm() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let path = format!("/dev/phone/{HANDSET}/send");
    let asked = network.ask("POST", &path, Some(reply("Yes, at 5")));
    let taken = async {
        let pdu = client.next().await;
        client.answer(&pdu, CommandStatus::ROK).await;
        pdu
    };
    let ((status, told), pdu) = within("the message", async { tokio::join!(asked, taken) }).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    assert_eq!((&told["parts"], &told["acknowledged"], &told["by"]), (&json!(1), &json!(1), &json!("deliver_sm")));
    assert_eq!((sm(&pdu).source.text(), sm(&pdu).destination.text()), (HANDSET[1..].into(), PLATFORM[1..].into()));
    assert_eq!(sm(&pdu).short_message, b"Yes, at 5");
    let bubble = network.bubbles().await.remove(0);
    assert_eq!((&bubble["direction"], &bubble["receipt"]), (&json!("inbound"), &json!("acknowledged")));
    let names: Vec<_> = bubble["wire"].as_array().unwrap().iter().map(|pdu| pdu["name"].clone()).collect();
    assert_eq!(names, [json!("deliver_sm"), json!("deliver_sm_resp")]);
}

#[tokio::test]
async fn a_reply_that_the_platform_refuses_says_with_which_status() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let path = format!("/dev/phone/{HANDSET}/send");
    let asked = network.ask("POST", &path, Some(reply("No")));
    let refused = async {
        let pdu = client.next().await;
        client.answer(&pdu, CommandStatus::RX_R_APPN).await;
    };
    let ((_, told), ()) = within("the refusal", async { tokio::join!(asked, refused) }).await;
    assert_eq!((&told["acknowledged"], &told["refused"]), (&json!(0), &json!(["ESME_RX_R_APPN"])));
}

#[tokio::test]
async fn replies_are_long_in_ucs2_out_of_order_and_duplicated_as_asked() {
    let network = Network::start(Options::default()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let with = |how: &str, text: &str| json!({ "to": PLATFORM, "text": text, "how": how });
    let numbers = |pdus: &[Pdu]| -> Vec<u8> {
        pdus.iter().map(|pdu| concat::read(&sm(pdu).short_message).0.map_or(1, |concat| concat.number)).collect()
    };
    let (told, pdus) = written(&network, &mut client, with("long", "A long story."), 3).await;
    assert_eq!((&told["parts"], &told["acknowledged"]), (&json!(3), &json!(3)));
    assert_eq!(numbers(&pdus), [1, 2, 3]);
    let (_, pdus) = written(&network, &mut client, with("out-of-order", "A long story."), 3).await;
    assert_eq!(numbers(&pdus), [3, 2, 1]);
    let (_, pdus) = written(&network, &mut client, with("emoji", "Hi"), 1).await;
    assert_eq!(
        (sm(&pdus[0]).data_coding, wire::gsm::segment::decode_ucs2(&sm(&pdus[0]).short_message)),
        (8, "Hi 😀".into())
    );
    let (_, pdus) = written(&network, &mut client, with("stop", "whatever"), 1).await;
    assert_eq!(sm(&pdus[0]).short_message, b"STOP");
    let (_, pdus) = written(&network, &mut client, with("duplicated", "Twice"), 2).await;
    assert_eq!(sm(&pdus[0]), sm(&pdus[1]));
    assert_ne!(pdus[0].sequence, pdus[1].sequence);
}

#[tokio::test]
async fn a_reply_without_a_session_is_refused_with_the_reason() {
    let network = Network::start(Options::default()).await;
    let _transmitter = Client::bound(&network.smsc, BindKind::Transmitter).await;
    let (status, told) = network.ask("POST", &format!("/dev/phone/{HANDSET}/send"), Some(reply("Hello"))).await;
    assert_eq!((status, &told["error"]), (StatusCode::CONFLICT, &json!("no_session")));
    assert!(told["message"].as_str().unwrap().contains("no session that receives"), "{told}");
    let picture = json!({ "to": PLATFORM, "picture": "sample" });
    let (status, told) = network.ask("POST", &format!("/dev/phones/{HANDSET}/reply"), Some(picture)).await;
    assert_eq!((status, &told["error"]), (StatusCode::CONFLICT, &json!("no_mmsc")));
}
