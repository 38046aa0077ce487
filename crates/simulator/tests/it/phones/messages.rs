//! What handsets show of the messages that they get.

use hyper::StatusCode;
use serde_json::json;
use simulator::smsc::Options;
use wire::smpp::{BindKind, Body, CommandStatus, Pdu, Tlvs, tag};

use super::{HANDSET, Network, PLATFORM, changed, text};
use crate::client::{Client, within};

#[tokio::test]
async fn a_handset_appears_when_it_is_texted_and_its_receipt_ticks_as_it_goes() {
    let network = Network::start(Options::default()).await;
    let (status, empty) = network.get("/dev/phones").await;
    assert_eq!((status, &empty["data"]), (StatusCode::OK, &json!([])));
    assert_eq!(network.get(&format!("/dev/phones/{HANDSET}")).await.0, StatusCode::NOT_FOUND);
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    assert_eq!(client.ask(text("Your code is 482910")).await.status, CommandStatus::ROK);
    let receipt = client.report().await;
    let bubble = &network.bubbles().await[0];
    assert_eq!(bubble["receipt"], "sent", "{bubble}");
    assert_eq!(
        (&bubble["from"], &bubble["to"], &bubble["text"]),
        (&json!(PLATFORM), &json!(HANDSET), &json!("Your code is 482910"))
    );
    assert_eq!(
        (&bubble["kind"], &bubble["encoding"], &bubble["class"]),
        (&json!("sms"), &json!("GSM-7"), &json!(null))
    );
    assert_eq!((&bubble["direction"], &bubble["state"]), (&json!("outbound"), &json!("received")));
    assert_eq!(bubble["segments"], json!({ "total": 1, "came": 1 }));
    client.answer(&receipt, CommandStatus::ROK).await;
    let bubble = network.bubble("the receipt is acknowledged", |bubble| bubble["receipt"] == "acknowledged").await;
    assert_eq!((&bubble["sent"][0]["says"], &bubble["sent"][0]["answer"]), (&json!("DELIVRD"), &json!("ESME_ROK")));
    let wire: Vec<_> = bubble["wire"].as_array().unwrap().iter().map(|pdu| (&pdu["by"], &pdu["name"])).collect();
    let (platform, simulator) = (json!("platform"), json!("simulator"));
    assert_eq!(
        wire,
        [
            (&platform, &json!("submit_sm")),
            (&simulator, &json!("submit_sm_resp")),
            (&simulator, &json!("deliver_sm")),
            (&platform, &json!("deliver_sm_resp")),
        ]
    );
    let fields = bubble["wire"][0]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!({ "name": "short_message", "value": "Your code is 482910" })), "{fields:?}");
    let (_, list) = network.get("/dev/phones").await;
    assert_eq!((&list["data"][0]["number"], &list["data"][0]["last"]["text"]), (&json!(HANDSET), &bubble["text"]));
}

#[tokio::test]
async fn segments_are_put_together_in_every_order_and_form() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let by_header = |number: u8, said: &[u8]| {
        changed(&[&[5, 0, 3, 9, 3, number], said].concat(), |sm| (sm.esm_class, sm.data_coding) = (0x40, 8))
    };
    // The second character, an emoji, is cut in the middle.
    for part in [by_header(3, b"\0!"), by_header(1, b"\0A\xD8\x3D"), by_header(1, b"\0A\xD8\x3D")] {
        assert_eq!(client.ask(part).await.status, CommandStatus::ROK);
    }
    let bubbles = network.bubbles().await;
    assert_eq!(bubbles.len(), 1, "a segment that comes again is no other message: {bubbles:?}");
    assert_eq!(
        (&bubbles[0]["state"], &bubbles[0]["segments"]),
        (&json!("incomplete"), &json!({ "total": 3, "came": 2 }))
    );
    let latest = network.get(&format!("/dev/phone/{HANDSET}/latest?wait=0")).await;
    assert_eq!((latest.0, &latest.1["error"]), (StatusCode::NOT_FOUND, &json!("no_message")), "a part is no message");
    client.ask(by_header(2, b"\xDE\x00")).await;
    let whole = network.bubbles().await.remove(0);
    assert_eq!(
        (&whole["text"], &whole["encoding"], &whole["state"]),
        (&json!("A😀!"), &json!("UCS-2"), &json!("received"))
    );

    for number in [2u8, 1] {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::SAR_MSG_REF_NUM, [0, 7]);
        tlvs.push(tag::SAR_TOTAL_SEGMENTS, [2]);
        tlvs.push(tag::SAR_SEGMENT_SEQNUM, [number]);
        let said: &[u8] = if number == 1 { b"first, " } else { b"second" };
        let pdu = Pdu { tlvs, ..Pdu::new(70 + u32::from(number), changed(said, |_| {})) };
        client.send_pdu(&pdu).await;
        assert_eq!(client.next().await.status, CommandStatus::ROK);
    }
    assert_eq!(network.bubbles().await[1]["text"], "first, second");

    let mut tlvs = Tlvs::default();
    tlvs.push(tag::MESSAGE_PAYLOAD, "long ".repeat(100).into_bytes());
    client.send_pdu(&Pdu { tlvs, ..Pdu::new(80, changed(b"", |sm| sm.data_coding = 0x10)) }).await;
    assert!(matches!(client.next().await.body, Body::SubmitSmResp(_)));
    let bubble = network.bubbles().await.remove(2);
    assert_eq!((&bubble["text"], &bubble["class"]), (&json!("long ".repeat(100)), &json!(0)));
}

#[tokio::test]
async fn a_test_waits_for_the_latest_message_and_its_code() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let path = format!("/dev/phone/{HANDSET}/latest?contains=code&wait=30");
    let wait = network.get(&path);
    let send = async {
        client.ask(text("Hello")).await;
        client.ask(text("Your code is 482910")).await;
        client.ask(text("Bye")).await;
    };
    let ((status, latest), ()) = within("the message", async { tokio::join!(wait, send) }).await;
    assert_eq!(status, StatusCode::OK, "{latest}");
    assert_eq!((&latest["text"], &latest["code"]), (&json!("Your code is 482910"), &json!("482910")));
    let after = format!("{path}&after={}", latest["at"].as_str().unwrap()).replace("wait=30", "wait=0");
    assert_eq!(network.get(&after).await.0, StatusCode::NOT_FOUND, "it is no later than itself");
    let (_, any) = network.get("/dev/phone/18005551234/latest").await;
    assert_eq!((&any["text"], &any["code"], &any["from"]), (&json!("Bye"), &json!(null), &json!(PLATFORM)));
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_what_is_left_out_is_counted() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    for number in 0..205u32 {
        client.ask(text(&format!("message {number}"))).await;
    }
    let (_, shown) = network.get(&format!("/dev/phones/{HANDSET}")).await;
    assert_eq!((&shown["messages"], &shown["messagesLeftOut"]), (&json!(200), &json!(5)));
    assert_eq!(shown["data"][0]["text"], "message 5");
    for number in 0..201u32 {
        let to = format!("1800666{number:04}");
        client.ask(changed(b"Hello", |sm| sm.destination.octets = to.into_bytes())).await;
    }
    let (_, list) = network.get("/dev/phones").await;
    assert_eq!((list["data"].as_array().unwrap().len(), &list["handsetsLeftOut"]), (200, &json!(2)));
    assert_eq!(list["data"][0]["number"], "+18006660200");
    assert_eq!(network.get(&format!("/dev/phones/{HANDSET}")).await.0, StatusCode::NOT_FOUND);
}
