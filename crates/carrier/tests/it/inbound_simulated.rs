//! Messages of handsets from the simulated SMSC and MMSC: whatever the simulators can be told to send arrives.

use bytes::Bytes;
use carrier::mm4::config::Mm4Config;
use carrier::mm7::config::Mm7Config;
use carrier::smpp::config::{InboundAlphabet, SmppConfig};
use carrier::{Ack, Event, Inbound, InboundContent};
use simulator::mmsc;
use simulator::smsc::{Handset, InboundEncoding, InboundOptions, InboundOrder, InboundSplit, InboundVia, Options};
use wire::inbound::{Decoded, UserData, decode};

use crate::support::{Bench, config, machine, smsc, within};

async fn inbound(bench: &mut Bench) -> (Inbound, Ack) {
    loop {
        if let Event::Inbound(inbound, ack) = bench.event().await {
            return (*inbound, ack);
        }
    }
}

/// The text of the next message, whose parts are put together.
async fn text(bench: &mut Bench) -> String {
    let mut parts: Vec<(u8, UserData)> = Vec::new();
    loop {
        let (inbound, ack) = inbound(bench).await;
        let InboundContent::Sms(data, part) = inbound.content else { panic!("{inbound:?}") };
        ack.accept();
        let total = part.as_ref().map_or(1, |part| part.total);
        parts.push((part.map_or(1, |part| part.number), data));
        if parts.len() == usize::from(total) {
            parts.sort_by_key(|(number, _)| *number);
            let data: Vec<UserData> = parts.into_iter().map(|(_, data)| data).collect();
            let Decoded::Text(text, _) = decode(&data) else { panic!("{data:?}") };
            return text;
        }
    }
}

#[tokio::test]
async fn texts_arrive_in_every_form_that_the_simulator_knows() {
    let long = "Viele Gr\u{fc}\u{df}e, [100 \u{a3}] und mehr. ".repeat(9);
    let message = Handset { text: long.clone(), .."+18005550001 +18005551234".parse().unwrap() };
    for (encoding, alphabet) in [
        (InboundEncoding::Auto, InboundAlphabet::Gsm7),
        (InboundEncoding::Gsm7Packed, InboundAlphabet::Gsm7Packed),
        (InboundEncoding::Latin1, InboundAlphabet::Gsm7),
        (InboundEncoding::Ucs2, InboundAlphabet::Gsm7),
        (InboundEncoding::Utf8, InboundAlphabet::Utf8),
    ] {
        for (split, via, order) in [
            (InboundSplit::Udh8, InboundVia::DeliverSm, InboundOrder::Forward),
            (InboundSplit::Udh16, InboundVia::DataSm, InboundOrder::Reverse),
            (InboundSplit::Sar, InboundVia::DeliverSm, InboundOrder::Shuffled),
            (InboundSplit::Payload, InboundVia::DeliverSm, InboundOrder::Forward),
        ] {
            // Packed septets are cut at octets' boundaries by no sender.
            let octets = (encoding != InboundEncoding::Gsm7Packed).then_some(33);
            let inbound = InboundOptions {
                inbound_encoding: encoding,
                inbound_split: split,
                inbound_via: via,
                inbound_order: order,
                inbound_part_octets: octets,
                ..Options::default().inbound
            };
            let what = format!("{inbound:?}");
            let smsc = smsc(Options { inbound, ..Options::default() }).await;
            let knobs = SmppConfig { inbound_alphabet: alphabet, sessions: 2, ..config(smsc.address()) };
            let mut bench = Bench::start(knobs);
            smsc.bring(&message);
            assert_eq!(text(&mut bench).await, long, "{what}");
            within("all are answered", smsc.wait_for(|seen| seen.inbound_taken == seen.inbound_sent)).await;
        }
    }
}

#[tokio::test]
async fn a_message_that_was_not_stored_is_offered_again() {
    let smsc = smsc(Options::default()).await;
    let mut bench = Bench::at(&smsc);
    smsc.bring(&"+18005550001 72345 STOP".parse().unwrap());
    let (first, ack) = inbound(&mut bench).await;
    drop(ack);
    let (again, ack) = inbound(&mut bench).await;
    assert_eq!((&again, again.to[0].to_string().as_str()), (&first, "72345"));
    ack.accept();
    within("the SMSC forgets it", smsc.wait_for(|seen| seen.inbound_taken == 1)).await;
}

fn letter() -> (mmsc::Handset, Vec<(&'static str, Bytes)>) {
    let message = "+12025550101 +18005551234,+18005551235 Look at this".parse().unwrap();
    (message, vec![("image/png", Bytes::from_static(b"1")), ("audio/amr", Bytes::from_static(b"2"))])
}

fn anywhere() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

async fn simulated(via: mmsc::InboundVia) -> mmsc::Mmsc {
    let mut options = mmsc::Options { listen_mm4: anywhere(), listen_mm7: anywhere(), ..mmsc::Options::default() };
    options.inbound.inbound_via = via;
    options.retry_ms = mmsc::DelayMs(1, 5);
    mmsc::start(options, machine()).await.unwrap()
}

/// Takes the letter the second time that it comes.
async fn takes_the_letter(bench: &mut Bench) {
    let (first, ack) = inbound(bench).await;
    drop(ack);
    let (inbound, ack) = inbound(bench).await;
    assert_eq!(inbound, first);
    let InboundContent::Mms(mms) = inbound.content else { panic!("{inbound:?}") };
    let to: Vec<String> = inbound.to.iter().map(ToString::to_string).collect();
    let files: Vec<(&str, &[u8])> = mms.files.iter().map(|file| (&file.content_type[..], &file.bytes[..])).collect();
    assert_eq!((inbound.from.to_string().as_str(), mms.text.as_str()), ("+12025550101", "Look at this"));
    assert_eq!(
        (to, files),
        (
            vec!["+18005551234".to_owned(), "+18005551235".to_owned()],
            vec![("image/png", &b"1"[..]), ("audio/amr", &b"2"[..])],
        )
    );
    ack.accept();
}

#[tokio::test]
async fn a_multimedia_message_arrives_by_mm4() {
    let mmsc = simulated(mmsc::InboundVia::Mm4).await;
    let mut bench = Bench::start(Mm4Config {
        name: "mmsc".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: mmsc.mm4_address().port(),
        domain: "mms.ours.example".to_owned(),
        peer_domain: "mms.simulator.example".to_owned(),
        listen: Some(anywhere()),
        ..Mm4Config::default()
    });
    mmsc.set_reply_to(bench.carrier.status().listens_at.unwrap().to_string());
    let (message, media) = letter();
    mmsc.bring(&message, &media);
    takes_the_letter(&mut bench).await;
    within("it has our answer", mmsc.wait_for(|seen| seen.inbound_answers.get("Ok") == Some(&1))).await;
    assert_eq!((mmsc.summary().inbound_taken, mmsc.summary().inbound_sent), (1, 2));
    assert!(matches!(bench.event().await, Event::Answered(_)));
}

#[tokio::test]
async fn a_multimedia_message_arrives_by_mm7() {
    let mmsc = simulated(mmsc::InboundVia::Mm7).await;
    let mut bench = Bench::start(Mm7Config {
        name: "mmsc".to_owned(),
        url: format!("http://{}/", mmsc.mm7_address()),
        listen: Some(anywhere()),
        ..Mm7Config::default()
    });
    let listens_at = bench.carrier.status().listens_at.unwrap();
    mmsc.set_report_to(format!("http://{listens_at}/mm7").parse().unwrap());
    let (message, media) = letter();
    mmsc.bring(&message, &media);
    takes_the_letter(&mut bench).await;
    within("it has our answer", mmsc.wait_for(|seen| seen.inbound_taken == 1)).await;
    assert_eq!(mmsc.summary().inbound_sent, 2);
    assert!(matches!(bench.event().await, Event::Answered(_)));
}
