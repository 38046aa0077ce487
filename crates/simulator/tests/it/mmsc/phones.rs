//! Multimedia messages on the screens of handsets, and pictures that they send.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use simulator::handsets::Handsets;
use simulator::mmsc::{Mmsc, Options, start_with};
use simulator::phones::Phones;
use wire::mm4::MmStatus;

use super::smtp::{Client, Listener};
use super::support::{MEDIUM, anywhere};
use crate::client::within;
use crate::machine;
use crate::phones::page::Site;
use crate::phones::{PLATFORM, ask};

const HANDSET: &str = "+12025550101";

async fn network(platform: &Listener) -> (Mmsc, Phones) {
    let handsets = Arc::new(Handsets::new(machine()));
    let options = Options {
        listen_mm4: anywhere(),
        listen_mm7: anywhere(),
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    };
    let mmsc = start_with(options, Some(Arc::clone(&handsets)), machine()).await.unwrap();
    let phones = Phones::new(handsets, machine()).with_mmsc(&mmsc);
    (mmsc, phones)
}

async fn bubble(phones: &Phones) -> Value {
    let (_, shown) = ask(phones, "GET", &format!("/dev/phones/{HANDSET}"), None).await;
    shown["data"][0].clone()
}

#[tokio::test]
async fn a_picture_is_shown_and_its_report_ticks() {
    let mut platform = Listener::start(&[]).await;
    let (mmsc, phones) = network(&platform).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.say("EHLO ours.example.net").await, Some(250));
    assert_eq!(client.forward(HANDSET, "m1").await, Some(250));
    platform.answer().await;
    assert_eq!(platform.report().await.status, MmStatus::Retrieved);
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    let shown = bubble(&phones).await;
    assert_eq!(
        (&shown["kind"], &shown["text"], &shown["state"]),
        (&json!("mms"), &json!("secret words"), &json!("received"))
    );
    assert_eq!((&shown["receipt"], &shown["sent"][0]["says"]), (&json!("acknowledged"), &json!("Retrieved")));
    let picture = &shown["pictures"][0];
    assert_eq!((&picture["type"], &picture["bytes"]), (&json!("image/png"), &json!(MEDIUM.len())));
    let request = Request::builder().uri(picture["href"].as_str().unwrap()).header("host", "127.0.0.1");
    let peer = SocketAddr::from(([127, 0, 0, 1], 5));
    let answer = phones.answer(request.body(Full::<Bytes>::default()).unwrap(), peer).await;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!(header("content-type").as_deref(), Some("image/png"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("content-security-policy").as_deref(), Some("default-src 'none'; sandbox"));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), MEDIUM);
}

#[tokio::test]
async fn a_multimedia_message_waits_for_a_handset_that_is_off_and_one_that_rejects_gets_none() {
    let mut platform = Listener::start(&[]).await;
    let (mmsc, phones) = network(&platform).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.say("EHLO ours.example.net").await, Some(250));
    let switch = async |state: &str| {
        let body = Some(json!({ "state": state }));
        assert_eq!(ask(&phones, "PUT", &format!("/dev/phones/{HANDSET}"), body).await.0, StatusCode::OK);
    };
    switch("off").await;
    assert_eq!(client.forward(HANDSET, "m1").await, Some(250));
    platform.answer().await;
    assert_eq!(bubble(&phones).await["state"], "waiting");
    switch("on").await;
    assert_eq!(platform.report().await.status, MmStatus::Retrieved);
    assert_eq!(bubble(&phones).await["state"], "received");
    switch("rejecting").await;
    assert_eq!(client.forward(HANDSET, "m2").await, Some(250));
    platform.answer().await;
    assert_eq!(platform.report().await.status, MmStatus::Rejected);
}

#[tokio::test]
async fn a_handset_sends_a_picture_by_mm4() {
    let mut platform = Listener::start(&[]).await;
    let (_mmsc, phones) = network(&platform).await;
    let body = json!({ "to": PLATFORM, "text": "Look", "picture": "sample" });
    let path = format!("/dev/phones/{HANDSET}/reply");
    let asked = ask(&phones, "POST", &path, Some(body));
    let ((status, told), mail) = within("the picture", async { tokio::join!(asked, platform.mail()) }).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    assert_eq!((&told["by"], &told["acknowledged"]), (&json!("MM4_forward.REQ"), &json!(1)));
    let wire::mm4::Mm4::Forward(forward) = mail.mm4 else { panic!("no message: {mail:?}") };
    assert_eq!(forward.from.as_ref().unwrap().digits(), Some(&HANDSET[1..]));
    assert!(forward.parts.iter().any(|part| part.bytes == simulator::phones::PICTURE), "{:?}", forward.parts.len());
    assert_eq!(bubble(&phones).await["direction"], "inbound");
}

#[tokio::test]
async fn the_page_shows_pictures_and_its_form_sends_one_by_mm4() {
    let mut platform = Listener::start(&[]).await;
    let (mmsc, phones) = network(&platform).await;
    let site = Site::open(phones.clone()).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.say("EHLO ours.example.net").await, Some(250));
    assert_eq!(client.forward(HANDSET, "m1").await, Some(250));
    platform.answer().await;
    assert_eq!(platform.report().await.status, MmStatus::Retrieved);
    let page = site.get("/dev/12025550101").await.html;
    let href = bubble(&phones).await["pictures"][0]["href"].as_str().unwrap().to_owned();
    assert!(page.contains(&format!("<img src=\"{href}\" alt=\"Picture 1, image/png, 1 kB\"")), "{page}");
    assert!(page.contains("MM4_forward.REQ") && page.contains("secret words"), "{page}");
    assert!(page.contains("<option value=\"plain\" disabled"), "without an SMSC there are pictures alone: {page}");
    let fields = [("to", PLATFORM), ("text", "Look"), ("how", "picture")];
    let sent = site.send("/dev/12025550101/reply", &fields).await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/dev/12025550101")), "{}", sent.html);
    let mail = within("the picture", platform.mail()).await;
    let wire::mm4::Mm4::Forward(forward) = mail.mm4 else { panic!("no message: {mail:?}") };
    assert!(forward.parts.iter().any(|part| part.bytes == simulator::phones::PICTURE), "{:?}", forward.parts.len());
}
