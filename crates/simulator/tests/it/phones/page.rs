//! The telephones as pages, over HTTP and without scripts.

use std::net::SocketAddr;

use simulator::phones::{Phones, serve};
use simulator::smsc::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::smpp::{Address, BindKind, Body, CommandStatus, Pdu, Sm, Tlvs, tag};

use super::{HANDSET, Network, PLATFORM, changed, text};
use crate::client::{Client, within};

/// Telephones on an address of their own, as a browser sees them.
pub(crate) struct Site {
    address: SocketAddr,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: u16,
    head: String,
    pub(crate) html: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Site {
    pub(crate) async fn open(phones: Phones) -> Self {
        Self { address: serve(phones, ([127, 0, 0, 1], 0).into()).await.unwrap() }
    }

    /// Asks with these further lines of the head, in which HERE is the site's address.
    async fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> Page {
        let here = self.address.to_string();
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("{}{body}", head.replace("HERE", &here)).as_bytes()).await.unwrap();
        let mut answer = String::new();
        within("the answer", stream.read_to_string(&mut answer)).await.unwrap();
        let (head, html) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Page { status, head: head.to_owned(), html: html.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.ask("GET", path, "Host: HERE", "").await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let own = "Host: HERE\r\nOrigin: http://HERE\r\nSec-Fetch-Site: same-origin";
        self.send_with(path, own, fields).await
    }

    async fn send_with(&self, path: &str, head: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let head = format!("{head}\r\nContent-Type: application/x-www-form-urlencoded");
        self.ask("POST", path, &head, &body).await
    }
}

/// The page of the handset.
const PAGE: &str = "/dev/18005551234";

fn sm(pdu: &Pdu) -> &Sm {
    let Body::DeliverSm(sm) = &pdu.body else { panic!("no deliver_sm: {pdu:?}") };
    sm
}

#[tokio::test]
async fn the_empty_wall_says_how_to_send_a_first_message() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let wall = site.get("/dev").await;
    assert_eq!((wall.status, wall.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(wall.html.contains("curl -u KEY_ID:KEY_SECRET"), "{}", wall.html);
    assert!(wall.html.contains(&network.smsc.address().to_string()), "{}", wall.html);
    for (path, leads) in [("/", "/dev"), ("/dev/", "/dev"), ("/dev?number=%2B1+800-555-1234", PAGE)] {
        let answer = site.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(leads)), "{path}");
    }
    let wrong = site.get("/dev?number=ACME").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.html.contains("`number` has 1 to 20 digits"), "{}", wrong.html);
}

#[tokio::test]
async fn every_page_has_a_policy_under_which_nothing_foreign_runs() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let refused = site.ask("GET", PAGE, "Host: rebound.example", "").await;
    assert_eq!(refused.status, 403);
    for page in [site.get("/dev").await, site.get(PAGE).await, refused] {
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(!page.html.contains(" style=") && !page.html.contains(" onclick="), "{}", page.html);
        for part in ["<link rel=\"stylesheet\" href=\"", "<script type=\"module\" src=\""] {
            let (_, behind) = page.html.split_once(part).unwrap();
            let asset = site.get(behind.split('"').next().unwrap()).await;
            assert_eq!((asset.status, asset.header("x-content-type-options")), (200, Some("nosniff")), "{part}");
            assert!(asset.header("cache-control").unwrap().contains("immutable"));
        }
    }
    assert_eq!(site.get("/dev/assets/phones.css").await.status, 404);
}

#[tokio::test]
async fn a_page_shows_a_message_with_its_receipt_and_its_pdus() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    client.ask(changed(b"Your code is 482910", |sm| sm.data_coding = 0x10)).await;
    let receipt = client.report().await;
    let sent = site.get(PAGE).await.html;
    for shown in ["Your code is 482910", "GSM-7", "1 segment", "class 0 (flash)", "arrived in ", "receipt sent"] {
        assert!(sent.contains(shown), "{shown}: {sent}");
    }
    for shown in ["submit_sm_resp", "deliver_sm", "<dt>data_coding</dt>", "0x10", "DELIVRD", "not answered yet"] {
        assert!(sent.contains(shown), "{shown}: {sent}");
    }
    client.answer(&receipt, CommandStatus::ROK).await;
    network.bubble("the receipt is acknowledged", |bubble| bubble["receipt"] == "acknowledged").await;
    let acknowledged = site.get(PAGE).await.html;
    assert!(acknowledged.contains("receipt acknowledged") && acknowledged.contains("ESME_ROK"), "{acknowledged}");
}

#[tokio::test]
async fn the_wall_shows_the_phones_that_were_used_last_first() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let site = Site::open(network.phones.clone()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    for number in 1..=5 {
        client.ask(text(&format!("message {number}"))).await;
    }
    client.ask(changed(b"Hello", |sm| sm.destination.octets = b"18006660001".to_vec())).await;
    let wall = site.get("/dev").await.html;
    let place = |words: &str| wall.find(words).unwrap_or_else(|| panic!("no {words}: {wall}"));
    assert!(place("+18006660001") < place(HANDSET));
    assert!(place("message 3") < place("message 5") && !wall.contains("message 2"), "the last three: {wall}");
    assert!(wall.contains("5 messages") && wall.contains("platform connected"), "{wall}");
}

#[tokio::test]
async fn a_long_conversation_has_pages() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let site = Site::open(network.phones.clone()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    for number in 1..=35 {
        client.ask(text(&format!("message {number}."))).await;
    }
    let last = site.get(PAGE).await.html;
    assert!(last.contains("message 35.") && last.contains("message 6.") && !last.contains("message 5."), "{last}");
    let (_, behind) = last.split_once("?before=").unwrap();
    let earlier = site.get(&format!("{PAGE}?before={}", behind.split('"').next().unwrap())).await.html;
    assert!(earlier.contains("message 5.") && earlier.contains("message 1."), "{earlier}");
    assert!(!earlier.contains("message 6.") && !earlier.contains("?before="), "{earlier}");
    assert_eq!(site.get(&format!("{PAGE}?before=noon")).await.status, 400);
}

#[tokio::test]
async fn the_form_sends_in_every_way_and_leads_back_to_the_phone() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    for (how, count, coding) in
        [("plain", 1, 0), ("long", 3, 0), ("emoji", 1, 8), ("stop", 1, 0), ("out-of-order", 3, 0), ("duplicated", 2, 0)]
    {
        let fields = [("to", PLATFORM), ("text", "First\r\nsecond"), ("how", how)];
        let answer = site.send(&format!("{PAGE}/reply"), &fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(PAGE)), "{how}: {}", answer.html);
        for place in 0..count {
            let pdu = client.next().await;
            client.answer(&pdu, CommandStatus::ROK).await;
            assert_eq!(sm(&pdu).data_coding, coding, "{how}");
            let said: &[u8] = if how == "stop" { b"STOP" } else { b"First\nsecond" };
            if how == "plain" || how == "stop" || how == "duplicated" {
                assert_eq!(sm(&pdu).short_message, said, "{how}");
            }
            if how == "out-of-order" {
                let number = wire::concat::read(&sm(&pdu).short_message).0.unwrap().number;
                assert_eq!(usize::from(number), 3 - place);
            }
        }
    }
    let page = site.get(PAGE).await.html;
    assert!(page.contains("inbound") && page.contains("STOP"), "{page}");
    assert!(page.contains(&format!("value=\"{PLATFORM}\"")), "the peer is proposed: {page}");
}

#[tokio::test]
async fn what_was_typed_comes_back_with_the_reason_where_it_cannot_be_sent() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let reply = format!("{PAGE}/reply");
    let refused = site.send(&reply, &[("to", PLATFORM), ("text", "</textarea> 1 < 2"), ("how", "duplicated")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.html.contains("No session that receives messages"), "{}", refused.html);
    assert!(refused.html.contains("&lt;/textarea&gt; 1 &lt; 2</textarea>"), "{}", refused.html);
    assert!(refused.html.contains("<option value=\"duplicated\" selected>"), "{}", refused.html);
    for (fields, named) in [
        (&[("to", ""), ("text", "x")][..], "`to` is one of"),
        (&[("to", PLATFORM), ("text", "")], "`text` is missing"),
        (&[("to", PLATFORM), ("text", "x"), ("how", "loud")], "`how`"),
        (&[("to", PLATFORM), ("text", "x"), ("colour", "1")], "`colour`"),
    ] {
        let refused = site.send(&reply, fields).await;
        assert_eq!(refused.status, 400, "{named}");
        assert!(refused.html.contains(named) && refused.html.contains("role=\"alert\""), "{}", refused.html);
    }
    let picture = site.send(&reply, &[("to", PLATFORM), ("how", "picture")]).await;
    assert_eq!(picture.status, 409);
    assert!(picture.html.contains("no MMSC"), "{}", picture.html);
    let opened = site.get(&reply).await;
    assert_eq!((opened.status, opened.header("location")), (303, Some(PAGE)), "its address can be opened");
}

#[tokio::test]
async fn the_buttons_switch_the_phone() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let switch = format!("{PAGE}/switch");
    for state in ["off", "full", "slow", "rejecting", "on"] {
        // A browser sends the field of the delay with every button.
        let answer = site.send(&switch, &[("state", state), ("seconds", "7")]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(PAGE)), "{state}: {}", answer.html);
        let (_, shown) = network.get(&format!("/dev/phones/{HANDSET}")).await;
        assert_eq!(shown["state"], state);
        assert_eq!(shown["seconds"].as_u64(), (state == "slow").then_some(7));
        let page = site.get(PAGE).await.html;
        assert!(page.contains(&format!("value=\"{state}\" id=\"be-{state}\" aria-pressed=\"true\"")), "{page}");
        assert_eq!(page.matches("aria-pressed=\"true\"").count(), 1, "{page}");
    }
    for fields in [&[("state", "asleep")][..], &[("state", "slow"), ("seconds", "601")], &[("state", "slow")], &[]] {
        let refused = site.send(&switch, fields).await;
        assert_eq!(refused.status, 400, "{fields:?}");
        assert!(refused.html.contains("role=\"alert\""), "{}", refused.html);
    }
    assert_eq!(site.ask("PUT", &switch, "Host: HERE\r\nOrigin: http://HERE", "").await.status, 405);
}

#[tokio::test]
async fn hostile_texts_are_shown_and_do_nothing() {
    let network = Network::start(Options { receipts: "none".parse().unwrap(), ..Options::default() }).await;
    let site = Site::open(network.phones.clone()).await;
    let mut client = Client::bound(&network.smsc, BindKind::Transceiver).await;
    let markup = b"<img src=x onerror=alert(1)></bdi><script>alert(1)</script> https://evil.example";
    let named = changed(markup, |sm| sm.source = Address { ton: 5, npi: 0, octets: b"<script>alert(1)".to_vec() });
    assert_eq!(client.ask(named).await.status, CommandStatus::ROK);
    let bidi = "\u{202E}gnp.exe\u{202C} \u{200B}";
    let marks = format!("Z{}", "\u{301}".repeat(10_000));
    for (sequence, written) in [(70, bidi), (71, marks.as_str())] {
        let mut tlvs = Tlvs::default();
        tlvs.push(tag::MESSAGE_PAYLOAD, written.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
        client.send_pdu(&Pdu { tlvs, ..Pdu::new(sequence, changed(b"", |sm| sm.data_coding = 8)) }).await;
        assert_eq!(client.next().await.status, CommandStatus::ROK);
    }
    for path in ["/dev", PAGE] {
        let html = site.get(path).await.html;
        assert_eq!(html.matches("<script").count(), 1, "the page's own: {html}");
        assert_eq!(html.matches("</script>").count(), 1, "the page's own: {html}");
        assert!(!html.contains("<img") && !html.contains("href=\"https:"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)"), "the name: {html}");
        assert!(html.contains("<span class=\"token\">⟨U+202E⟩</span>gnp.exe"), "{html}");
        assert!(!html.contains('\u{202E}') && !html.contains('\u{200B}'), "{html}");
        let title = html.split("<title>").nth(1).and_then(|behind| behind.split("</title>").next()).unwrap();
        assert!(title.ends_with("smsfactory phones") && !title.contains('<'), "{title}");
    }
    let wall = site.get("/dev").await.html;
    assert_eq!(wall.matches('\u{301}').count(), 159, "the wall has the beginning of a text alone");
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing_and_a_link_from_it_opens_a_page() {
    let network = Network::start(Options::default()).await;
    let site = Site::open(network.phones.clone()).await;
    let switch = format!("{PAGE}/switch");
    for head in [
        "Host: HERE",
        "Host: HERE\r\nSec-Fetch-Site: same-origin",
        "Host: HERE\r\nOrigin: null",
        "Host: HERE\r\nOrigin: https://evil.example",
        "Host: HERE\r\nOrigin: http://127.0.0.1:1",
        "Host: HERE\r\nOrigin: http://HERE\r\nSec-Fetch-Site: cross-site",
        "Host: HERE\r\nOrigin: http://HERE\r\nSec-Fetch-Site: same-site",
        "Host: rebound.example\r\nOrigin: http://rebound.example",
    ] {
        let refused = site.send_with(&switch, head, &[("state", "off")]).await;
        assert_eq!(refused.status, 403, "{head}: {}", refused.html);
    }
    assert_eq!(network.get(&format!("/dev/phones/{HANDSET}")).await.0, 404, "nothing has happened");
    let link = "Host: HERE\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document";
    assert_eq!(site.ask("GET", "/dev", link, "").await.status, 200);
    assert_eq!(site.ask("GET", "/dev/phones", link, "").await.status, 403, "the API has no links");
    let read = "Host: HERE\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image";
    assert_eq!(site.ask("GET", "/dev", read, "").await.status, 403);
}
