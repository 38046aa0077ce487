//! MM4: messages that come as mail, and what is said about them.

use simulator::mmsc::{DelayMs, Options, Protocol};
use tokio::net::TcpListener;
use wire::mm4::{Answer, MmStatus, Request, RequestStatus};

use super::smtp::{Client, Listener, Script, request};
use super::support::{self, MEDIUM_SHA256, mmsc};
use crate::client::within;

#[tokio::test]
async fn a_message_is_taken_answered_and_reported_on() {
    let mut platform = Listener::start(&[]).await;
    let mmsc = mmsc(Options { reply_to: Some(platform.reply_to()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.say("EHLO ours.example.net").await, Some(250));
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));

    let mail = platform.mail().await;
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("mmsc@mms.simulator.example", "system@ours.example.net"));
    let wire::mm4::Mm4::Answer(answer) = mail.mm4 else { panic!("not an answer: {mail:?}") };
    assert_eq!(
        (answer.request, answer.status, answer.transaction_id.as_str(), answer.message_id.as_deref()),
        (Request::Forward, RequestStatus::Ok, "tm1", Some("m1"))
    );
    assert_eq!(answer.sender.unwrap().to_string(), "mmsc@mms.simulator.example");

    let mail = platform.mail().await;
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str()),
        ("mmsc@mms.simulator.example", "+18005559876/TYPE=PLMN@ours.example.net")
    );
    let wire::mm4::Mm4::Report(report) = mail.mm4 else { panic!("not a report: {mail:?}") };
    assert_eq!((report.status, report.message_id.as_str(), report.ack_request), (MmStatus::Retrieved, "m1", true));
    assert_eq!(
        (report.from.as_ref().unwrap().digits(), report.to.as_ref().unwrap().digits()),
        (Some("12025550101"), Some("18005559876"))
    );

    assert_eq!(client.mail("mmsc@mms.simulator.example", &report.answer(RequestStatus::Ok).build()).await, Some(250));
    assert_eq!(client.say("QUIT").await, Some(221));
    within("the session ends", mmsc.wait_for(|seen| seen.mm4_open == 0 && seen.reports_taken == 1)).await;
    let seen = mmsc.summary();
    assert_eq!(
        (seen.mm4_sessions, seen.mm4_taken, seen.answers_taken, seen.report_answers["Ok"], seen.malformed),
        (1, 1, 1, 1, 0)
    );

    let [taken] = &mmsc.taken()[..] else { panic!("one message was taken") };
    assert_eq!(
        (taken.protocol, taken.session, taken.number, taken.transaction_id.as_str(), taken.message_id.as_str()),
        (Protocol::Mm4, 1, 1, "tm1", "m1")
    );
    assert_eq!(
        (taken.from.as_deref(), &taken.to[..], taken.wants_report),
        (Some("18005559876"), &["12025550101".to_owned()][..], true)
    );
    assert_eq!((taken.content.text.as_deref(), taken.content.has_smil), (Some("secret words"), true));
    let [media] = &taken.content.media[..] else { panic!("one medium was taken") };
    assert_eq!(
        (media.content_type.as_str(), media.size_bytes, media.sha256.as_str()),
        ("image/png", support::MEDIUM.len(), MEDIUM_SHA256)
    );
}

#[tokio::test]
async fn a_message_is_met_as_the_rules_say() {
    for (rule, reply, is_taken) in [
        ("to:01=451", Some(451), false),
        ("to:02=451", Some(250), true),
        ("1=554", Some(554), false),
        ("0=554", Some(250), true),
        ("nr:1=452", Some(452), false),
        ("nr:2=452", Some(250), true),
        ("1=close-before", None, false),
        ("1=close-after", None, true),
    ] {
        let mmsc = mmsc(Options { mm4_reply: vec![rule.parse().unwrap()], ..Options::default() }).await;
        let mut client = Client::connect(&mmsc).await;
        assert_eq!(client.forward("+12025550101", "m1").await, reply, "{rule}");
        assert_eq!(mmsc.summary().taken(), u64::from(is_taken), "{rule}");
        let refused = reply.filter(|_| !is_taken).map_or_else(|| "close-before".to_owned(), |code| code.to_string());
        assert_eq!(mmsc.summary().refused.get(&refused), (!is_taken).then_some(&1), "{rule}");
        if reply.is_some() {
            assert_eq!(client.say("NOOP").await, Some(250), "{rule}");
        }
    }
}

#[tokio::test]
async fn a_message_that_was_refused_for_now_is_taken_the_second_time() {
    let mmsc = mmsc(Options { mm4_reply: vec!["nr:1=451".parse().unwrap()], ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550101", "m1").await, Some(451));
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));
    assert_eq!(mmsc.taken()[0].number, 2);
}

#[tokio::test]
async fn silence_follows_a_message_that_is_kept_all_the_same() {
    let mut platform = Listener::start(&[]).await;
    let options = Options {
        mm4_reply: vec!["1=silence".parse().unwrap()],
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut client = Client::connect(&mmsc).await;
    let forward = client.forward("+12025550101", "m1");
    tokio::select! {
        reply = forward => panic!("a reply: {reply:?}"),
        answer = platform.answer() => assert_eq!(answer.status, RequestStatus::Ok),
    }
    mmsc.disconnect_all();
    assert_eq!(client.reply().await, None);
    within("the session ends", mmsc.wait_for(|seen| seen.mm4_open == 0)).await;
    assert_eq!(mmsc.summary().taken(), 1);
}

#[tokio::test]
async fn a_message_whose_session_is_cut_before_the_reply_is_answered_all_the_same() {
    let mut platform = Listener::start(&[]).await;
    let options = Options {
        response_delay_ms: DelayMs(60_000, 60_000),
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut client = Client::connect(&mmsc).await;
    tokio::select! {
        reply = client.forward("+12025550101", "m1") => panic!("a reply: {reply:?}"),
        () = mmsc.wait_for(|seen| seen.taken() == 1) => mmsc.disconnect_all(),
    }
    assert_eq!(platform.answer().await.message_id.as_deref(), Some("m1"));
    assert_eq!(platform.report().await.message_id, "m1");
}

#[tokio::test]
async fn sessions_and_recipients_are_refused_as_the_rules_say() {
    let mmsc_full = mmsc(Options { mm4_sessions_max: 1, ..Options::default() }).await;
    let _first = Client::connect(&mmsc_full).await;
    let mut second = Client::connect_silently(&mmsc_full).await;
    assert_eq!((second.reply().await, second.reply().await), (Some(421), None));

    let mmsc_shut = mmsc(Options { mm4_refuse: Some(554), ..Options::default() }).await;
    let mut client = Client::connect_silently(&mmsc_shut).await;
    assert_eq!((client.reply().await, client.reply().await), (Some(554), None));

    let mmsc = mmsc(Options { mm4_recipient: vec!["to:13=550".parse().unwrap()], ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550113", "m1").await, Some(550));
    assert_eq!(client.say("RSET").await, Some(250));
    assert_eq!(client.forward("+12025550114", "m2").await, Some(250));
    assert_eq!(mmsc.summary().refused["550"], 1);
}

#[tokio::test]
async fn a_dead_peer_takes_a_connection_and_says_nothing() {
    let mmsc = mmsc(Options { silent: true, ..Options::default() }).await;
    let mut client = Client::connect_silently(&mmsc).await;
    client.write(b"EHLO me\r\n").await;
    within("the session opens", mmsc.wait_for(|seen| seen.mm4_open == 1)).await;
    mmsc.disconnect_all();
    assert_eq!(client.line().await, None);
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_sent_and_after() {
    let mmsc = mmsc(Options { message_bytes_max: 1_000, ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    client.write(b"EHLO me\r\n").await;
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line.starts_with("250-")) {
        lines.push(client.line().await.unwrap());
    }
    assert_eq!(lines[1..], ["250-PIPELINING\r\n", "250-8BITMIME\r\n", "250 SIZE 1000\r\n"]);
    assert_eq!(client.say("MAIL FROM:<a@b.example> SIZE=1001").await, Some(552));
    assert_eq!(client.forward("+12025550101", "m1").await, Some(552));
    assert_eq!(client.say("NOOP").await, Some(250));
    assert_eq!(mmsc.summary().refused["552"], 2);
}

#[tokio::test]
async fn commands_are_answered_in_order_and_out_of_order() {
    let mmsc = mmsc(Options::default()).await;
    let mut client = Client::connect(&mmsc).await;
    for (command, code) in [
        ("HELO me", 250),
        ("DATA", 503),
        ("RCPT TO:<+1202@b.example>", 503),
        ("MAIL FROM:<a@b.example>", 250),
        ("MAIL FROM:<a@b.example>", 503),
        ("DATA", 503),
        ("RCPT TO:", 501),
        ("EHLO me", 250),
        ("VRFY me", 500),
        ("NOOP", 250),
        ("QUIT", 221),
    ] {
        assert_eq!(client.say(command).await, Some(code), "{command}");
    }
    assert_eq!(client.line().await, None);
}

#[tokio::test]
async fn commands_may_come_all_at_once() {
    let mmsc = mmsc(Options::default()).await;
    let mut client = Client::connect(&mmsc).await;
    let mut octets =
        b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<+12025550101/TYPE=PLMN@b.example>\r\nDATA\r\n".to_vec();
    octets.extend_from_slice(&request("+12025550101", "m1").build());
    octets.extend_from_slice(b".\r\nQUIT\r\n");
    client.write(&octets).await;
    for code in [250, 250, 250, 354, 250, 221] {
        assert_eq!(client.reply().await, Some(code));
    }
    assert_eq!(mmsc.taken()[0].message_id, "m1");
}

#[tokio::test]
async fn what_is_no_mm4_is_refused_and_the_session_goes_on() {
    let mmsc = mmsc(Options::default()).await;
    let mut client = Client::connect(&mmsc).await;
    for content in [&b"Subject: hello\r\n\r\nhello\r\n"[..], b"", b"X-Mms-Message-Type: MM4_forward.REQ\r\n\r\n\r\n"] {
        assert_eq!(client.mail("+12025550101/TYPE=PLMN@b.example", content).await, Some(554));
    }
    let seen = mmsc.summary();
    assert_eq!((seen.malformed, seen.taken()), (3, 0));
    assert_eq!(client.mail("system@b.example", &request("+12025550101", "m1").build()).await, Some(550));
    let answer = Answer::new(Request::DeliveryReport, "t1".to_owned(), RequestStatus::MessageNotFound);
    assert_eq!(client.mail("mmsc@mms.simulator.example", &answer.build()).await, Some(250));
    assert_eq!(mmsc.summary().report_answers["Error-message-not-found"], 1);
}

#[tokio::test]
async fn answers_say_what_the_rules_say() {
    let rules = ["to:02=content-not-accepted", "to:03=none", "nr:4=network-problem"].map(|rule| rule.parse().unwrap());
    let mut platform = Listener::start(&[]).await;
    let mmsc =
        mmsc(Options { mm4_answer: rules.to_vec(), reply_to: Some(platform.reply_to()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    for (recipient, code) in [
        ("+12025550101", Some("Ok")),
        ("+12025550102", Some("Error-content-not-accepted")),
        ("+12025550103", None),
        ("+12025550104", Some("Error-network-problem")),
    ] {
        let mut request = request(recipient, recipient);
        request.delivery_report = code.is_none();
        assert_eq!(client.forward_req(&request).await, Some(250));
        // Where no answer comes, the report is the next thing that does.
        match code {
            Some(code) => assert_eq!(platform.answer().await.code, code),
            None => assert_eq!(platform.report().await.message_id, "12025550103".replace("1202", "+1202")),
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_that_was_not_asked_for() {
    let mut platform = Listener::start(&[]).await;
    let mmsc = mmsc(Options { reply_to: Some(platform.reply_to()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    for (id, ack_request, delivery_report) in
        [("neither", false, false), ("answer", true, false), ("report", false, true)]
    {
        let mut request = request("+12025550101", id);
        (request.ack_request, request.delivery_report) = (ack_request, delivery_report);
        assert_eq!(client.forward_req(&request).await, Some(250));
        if ack_request {
            assert_eq!(platform.answer().await.message_id.as_deref(), Some("answer"));
        }
    }
    assert_eq!(platform.report().await.message_id, "report");
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    assert_eq!((mmsc.summary().answers_sent, mmsc.summary().reports_sent), (1, 1));
}

#[tokio::test]
async fn reports_say_what_the_rules_say_and_then_what_chance_says() {
    let rules = ["to:02=rejected", "to:03=none", "to:04=unreachable"].map(|rule| rule.parse().unwrap());
    let mut platform = Listener::start(&[]).await;
    let options = Options {
        report: rules.to_vec(),
        reports: "expired".parse().unwrap(),
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut client = Client::connect(&mmsc).await;
    for (recipient, status) in [
        ("+12025550101", Some(MmStatus::Expired)),
        ("+12025550102", Some(MmStatus::Rejected)),
        ("+12025550103", None),
        ("+12025550104", Some(MmStatus::Unreachable)),
    ] {
        assert_eq!(client.forward(recipient, recipient).await, Some(250));
        assert_eq!(platform.answer().await.message_id.as_deref(), Some(recipient));
        if let Some(status) = status {
            let report = platform.report().await;
            assert_eq!((report.status, report.message_id.as_str()), (status, recipient));
        }
    }
    within("the reports are taken", mmsc.wait_for(|seen| seen.reports_taken == 3)).await;
    assert_eq!(mmsc.summary().reports_sent, 3);
}

#[tokio::test]
async fn a_report_comes_before_its_answer_or_twice_where_that_is_asked_for() {
    let mut platform = Listener::start(&[]).await;
    let mmsc = mmsc(Options {
        report_first: 1.0,
        duplicate_report: 1.0,
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    })
    .await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));
    let (first, second) = (platform.report().await, platform.report().await);
    assert_eq!((first.message_id.as_str(), second.message_id.as_str()), ("m1", "m1"));
    assert_ne!(first.transaction_id, second.transaction_id);
    assert_eq!(platform.answer().await.message_id.as_deref(), Some("m1"));
}

#[tokio::test]
async fn a_report_is_sent_until_it_is_taken() {
    let script = [Script::Greet(421), Script::Recipient(451), Script::Mail(452), Script::Cut, Script::Mail(421)];
    let mut platform = Listener::start(&script).await;
    let options = Options {
        mm4_answer: vec!["1=none".parse().unwrap()],
        reply_to: Some(platform.reply_to()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));
    let mut transactions = Vec::new();
    for reply in [Some(452), None, Some(421), Some(250)] {
        let mail = platform.mail().await;
        assert_eq!(mail.reply, reply);
        let wire::mm4::Mm4::Report(report) = mail.mm4 else { panic!("not a report: {mail:?}") };
        transactions.push(report.transaction_id);
    }
    assert!(transactions.iter().all(|id| *id == transactions[0]), "{transactions:?}");
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    let seen = mmsc.summary();
    assert_eq!(seen.reports_sent, 6);
    for (reply, count) in [("421", 2), ("451", 1), ("452", 1), ("broken", 1)] {
        assert_eq!(seen.not_taken.get(reply), Some(&count), "{reply}");
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_sent_again() {
    let mut platform = Listener::start(&[Script::Mail(554)]).await;
    let mmsc = mmsc(Options { reply_to: Some(platform.reply_to()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));
    assert_eq!(platform.mail().await.reply, Some(554));
    assert_eq!(platform.report().await.message_id, "m1");
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    assert_eq!((mmsc.summary().answers_sent, mmsc.summary().answers_taken), (1, 0));
}

#[tokio::test]
async fn answers_wait_for_a_platform_that_is_not_there_yet() {
    let mmsc = mmsc(Options {
        response_delay_ms: DelayMs(1, 3),
        answer_delay_ms: DelayMs(1, 3),
        report_delay_ms: DelayMs(1, 3),
        ..Options::default()
    })
    .await;
    let mut client = Client::connect(&mmsc).await;
    assert_eq!(client.forward("+12025550101", "m1").await, Some(250));
    // A port that nobody listens on: its listener is gone.
    let listener = TcpListener::bind(support::anywhere()).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    mmsc.set_reply_to(address.to_string());
    within("it was tried", mmsc.wait_for(|seen| seen.not_taken.get("unreachable").is_some_and(|count| *count >= 2)))
        .await;
    let mut platform = Listener::on(TcpListener::bind(address).await.unwrap(), &[]);
    assert_eq!(platform.answer().await.message_id.as_deref(), Some("m1"));
    assert_eq!(platform.report().await.message_id, "m1");
}

#[tokio::test]
async fn a_connection_to_the_platform_is_used_again_while_it_lasts() {
    let mut platform = Listener::start(&[Script::Mail(250), Script::Mail(250), Script::Mail(250), Script::Cut]).await;
    let mmsc = mmsc(Options { reply_to: Some(platform.reply_to()), ..Options::default() }).await;
    let mut client = Client::connect(&mmsc).await;
    let mut connections = Vec::new();
    for id in ["m1", "m2"] {
        assert_eq!(client.forward("+12025550101", id).await, Some(250));
        connections.extend([platform.mail().await.connection, platform.mail().await.connection]);
        // What is cut is sent again at once.
        let seen = if id == "m1" { 1 } else { 2 };
        if id == "m2" {
            connections.push(platform.mail().await.connection);
        }
        within("the report is taken", mmsc.wait_for(|summary| summary.reports_taken == seen)).await;
    }
    assert_eq!(connections, [0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn many_answers_share_a_few_connections() {
    let mut platform = Listener::start(&[]).await;
    let mmsc = mmsc(Options::default()).await;
    let mut client = Client::connect(&mmsc).await;
    for number in 0..50 {
        assert_eq!(client.forward("+12025550101", &format!("m{number}")).await, Some(250));
    }
    mmsc.set_reply_to(platform.reply_to());
    for _ in 0..100 {
        let mail = platform.mail().await;
        assert!(mail.connection < 16, "{mail:?}");
    }
}
