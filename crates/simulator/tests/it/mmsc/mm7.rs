//! MM7: submissions over HTTP, and reports on them.

use simulator::mmsc::{DelayMs, Options, Protocol};
use wire::mm7::{Dialect, FaultKind, Malformed, MmStatus, NAMESPACE_ROOT, Operation, post};

use super::support::{self, MEDIUM_SHA256, mmsc};
use super::vasp::{Listener, Script, exchange, request, send, submit};
use crate::client::within;

#[tokio::test]
async fn a_submission_is_taken_answered_and_reported_on() {
    let mut vasp = Listener::start(&[]).await;
    let mmsc = mmsc(Options { report_to: Some(vasp.url().parse().unwrap()), first_id: 42, ..Options::default() }).await;
    let mut message = request("+12025550101", "t1");
    message.dialect =
        Dialect { namespace: format!("{NAMESPACE_ROOT}REL-6-MM7-1-4"), version: "6.8.0".to_owned(), prefixed: true };
    let answer = send(&mmsc, &message).await.unwrap();
    assert_eq!((answer.http, answer.submitted()), (200, (1000, Some("42".to_owned()))));

    let came = vasp.report().await;
    assert!(came.request_line.starts_with("POST /mm7?a=b HTTP/1.1"), "{}", came.request_line);
    assert_eq!(came.message.dialect, message.dialect);
    assert_eq!((came.report.message_id.as_str(), &came.report.mm_status), ("42", &MmStatus::Retrieved));
    assert_eq!(came.report.recipient.unwrap().digits().as_deref(), Some("12025550101"));
    assert_eq!(came.report.sender.unwrap().digits().as_deref(), Some("18005559876"));
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1 && seen.mm7_open == 0)).await;
    assert_eq!((mmsc.summary().mm7_taken, mmsc.summary().mm7_sessions), (1, 1));

    let [taken] = &mmsc.taken()[..] else { panic!("one message was taken") };
    assert_eq!(
        (taken.protocol, taken.session, taken.number, taken.transaction_id.as_str(), taken.message_id.as_str()),
        (Protocol::Mm7, 1, 1, "t1", "42")
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
async fn a_submission_is_met_as_the_rules_say() {
    for (rule, http, code, is_taken) in [
        ("to:01=2004", Some(200), Some(2004), false),
        ("to:02=2004", Some(200), Some(1000), true),
        ("nr:1=4006", Some(200), Some(4006), false),
        ("nr:2=4006", Some(200), Some(1000), true),
        ("1=1100", Some(200), Some(1100), true),
        ("1=fault-3000", Some(500), None, false),
        ("1=http-503", Some(503), None, false),
        ("1=http-404", Some(404), None, false),
        ("1=blank", Some(200), None, true),
        ("1=garbage", Some(200), None, true),
        ("1=close-before", None, None, false),
        ("to:01=close-before", None, None, false),
        ("1=close-after", None, None, true),
    ] {
        let mmsc = mmsc(Options { mm7_reply: vec![rule.parse().unwrap()], ..Options::default() }).await;
        let answer = submit(&mmsc, "+12025550101", "t1").await;
        assert_eq!(answer.as_ref().map(|answer| answer.http), http, "{rule}");
        if let Some(code) = code {
            let (said, id) = answer.as_ref().unwrap().submitted();
            assert_eq!((said, id.is_some()), (code, is_taken), "{rule}");
        }
        match (rule, answer.as_ref().map(|answer| answer.operation())) {
            ("1=fault-3000", Some(Ok(Operation::Fault(fault)))) => {
                assert_eq!((fault.kind, fault.code().0), (Some(FaultKind::RelayServer), 3000));
            }
            ("1=blank" | "1=http-503" | "1=http-404", said) => assert_eq!(said, Some(Err(Malformed::Blank))),
            ("1=garbage", said) => assert!(said.as_ref().is_some_and(Result::is_err), "{said:?}"),
            (rule, said) => assert_eq!(said.is_some_and(|said| said.is_ok()), code.is_some(), "{rule}"),
        }
        assert_eq!(mmsc.summary().taken(), u64::from(is_taken), "{rule}");
        let reply = rule.split_once('=').unwrap().1;
        assert_eq!(mmsc.summary().refused.get(reply), (!is_taken).then_some(&1), "{rule}");
    }
}

#[tokio::test]
async fn a_submission_that_was_refused_for_now_is_taken_the_second_time() {
    let mmsc = mmsc(Options {
        mm7_reply: vec!["nr:1=http-503".parse().unwrap(), "nr:2=close-before".parse().unwrap()],
        ..Options::default()
    })
    .await;
    assert_eq!(submit(&mmsc, "+12025550101", "t1").await.unwrap().http, 503);
    assert!(submit(&mmsc, "+12025550101", "t1").await.is_none());
    assert_eq!(submit(&mmsc, "+12025550101", "t1").await.unwrap().submitted().0, 1000);
    assert_eq!(mmsc.taken()[0].number, 3);
}

#[tokio::test]
async fn silence_follows_a_submission_that_is_kept_all_the_same() {
    let mut vasp = Listener::start(&[]).await;
    let options = Options {
        mm7_reply: vec!["1=silence".parse().unwrap()],
        report_to: Some(vasp.url().parse().unwrap()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut submission = std::pin::pin!(submit(&mmsc, "+12025550101", "t1"));
    tokio::select! {
        answer = &mut submission => panic!("an answer: {answer:?}"),
        came = vasp.report() => assert_eq!(came.report.mm_status, MmStatus::Retrieved),
    }
    mmsc.disconnect_all();
    assert!(submission.await.is_none());
    assert_eq!(mmsc.summary().taken(), 1);
}

#[tokio::test]
async fn a_submission_whose_session_is_cut_before_the_answer_is_reported_on_all_the_same() {
    let mut vasp = Listener::start(&[]).await;
    let options = Options {
        response_delay_ms: DelayMs(60_000, 60_000),
        report_to: Some(vasp.url().parse().unwrap()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    tokio::select! {
        answer = submit(&mmsc, "+12025550101", "t1") => panic!("an answer: {answer:?}"),
        () = mmsc.wait_for(|seen| seen.taken() == 1) => mmsc.disconnect_all(),
    }
    assert_eq!(vasp.report().await.report.message_id, "1000000001");
}

#[tokio::test]
async fn a_dead_peer_takes_a_submission_and_says_nothing() {
    let mmsc = mmsc(Options { silent: true, ..Options::default() }).await;
    let mut submission = std::pin::pin!(submit(&mmsc, "+12025550101", "t1"));
    tokio::select! {
        answer = &mut submission => panic!("an answer: {answer:?}"),
        () = mmsc.wait_for(|seen| seen.mm7_open == 1) => mmsc.disconnect_all(),
    }
    assert!(submission.await.is_none());
    assert_eq!(mmsc.summary().taken(), 0);
}

#[tokio::test]
async fn who_is_not_known_is_not_let_in() {
    let mmsc = mmsc(Options {
        mm7_user: Some("us".to_owned()),
        mm7_password: Some("secret".to_owned()),
        ..Options::default()
    })
    .await;
    let post = post::write(&request("+12025550101", "t1"), &support::content());
    // `us:secret` and `us:other` in base64.
    for (header, http) in
        [("", 401), ("Authorization: Basic dXM6b3RoZXI=\r\n", 401), ("Authorization: Basic dXM6c2VjcmV0\r\n", 200)]
    {
        assert_eq!(
            exchange(&mmsc, "POST", header, &post.content_type, &post.body).await.unwrap().http,
            http,
            "{header}"
        );
    }
    assert_eq!((mmsc.summary().refused["http-401"], mmsc.summary().taken()), (2, 1));
}

#[tokio::test]
async fn what_is_no_submission_is_refused() {
    let mmsc = mmsc(Options { message_bytes_max: 2_000, ..Options::default() }).await;
    let other = post::write(
        &request("+12025550101", "t1")
            .answer(Operation::DeliveryReportRsp(wire::mm7::Status::new(wire::mm7::StatusCode::SUCCESS))),
        &[],
    );
    for (method, body, http, code) in [
        ("GET", &b""[..], 405, None),
        ("POST", b"", 500, Some(2007)),
        ("POST", b"hello", 500, Some(2007)),
        ("POST", b"<hello/>", 500, Some(4004)),
        ("POST", &other.body, 500, Some(4003)),
        ("POST", &[b'x'; 3_000], 413, None),
    ] {
        let answer = exchange(&mmsc, method, "", "text/xml", body).await.unwrap();
        assert_eq!(answer.http, http);
        if let Some(code) = code {
            let Ok(Operation::Fault(fault)) = answer.operation() else { panic!("not a fault: {answer:?}") };
            assert_eq!(fault.code().0, code);
        }
    }
    assert_eq!((mmsc.summary().malformed, mmsc.summary().taken()), (3, 0));
}

#[tokio::test]
async fn a_report_is_sent_until_it_is_answered_with_success() {
    let script = [Script::Http(503), Script::Answer(3000), Script::Cut, Script::Http(200), Script::Answer(2005)];
    let mut vasp = Listener::start(&script).await;
    let options = Options {
        report_user: Some("mmsc".to_owned()),
        report_password: Some("secret".to_owned()),
        report_delay_ms: DelayMs(1, 2),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let answer = submit(&mmsc, "+12025550101", "t1").await.unwrap();
    // The platform comes up later, and what waited comes then.
    mmsc.set_report_to(vasp.url().parse().unwrap());
    for attempt in 0..6 {
        let came = vasp.report().await;
        assert_eq!(Some(came.report.message_id), answer.submitted().1, "{attempt}");
        assert!(came.request_line.ends_with("Basic bW1zYzpzZWNyZXQ="), "{}", came.request_line);
    }
    within("the report is taken", mmsc.wait_for(|seen| seen.reports_taken == 1)).await;
    let seen = mmsc.summary();
    assert_eq!(seen.reports_sent, 6);
    for (reply, count) in [("http-503", 1), ("3000", 1), ("broken", 1), ("blank", 1), ("2005", 1)] {
        assert_eq!(seen.not_taken.get(reply), Some(&count), "{reply}");
    }
}

#[tokio::test]
async fn reports_say_what_the_rules_say_to_those_who_asked_for_them() {
    let rules = ["to:02=rejected", "to:03=none"].map(|rule| rule.parse().unwrap());
    let mut vasp = Listener::start(&[]).await;
    let options = Options {
        report: rules.to_vec(),
        reports: "expired".parse().unwrap(),
        report_to: Some(vasp.url().parse().unwrap()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    for (recipient, wanted, status) in [
        ("+12025550103", Some(true), None),
        ("+12025550101", Some(false), None),
        ("+12025550101", None, None),
        ("+12025550102", Some(true), Some(MmStatus::Rejected)),
        ("+12025550101", Some(true), Some(MmStatus::Expired)),
    ] {
        let mut message = request(recipient, "t");
        let Operation::SubmitReq(submission) = &mut message.operation else { unreachable!() };
        submission.delivery_report = wanted;
        let (_, id) = send(&mmsc, &message).await.unwrap().submitted();
        if let Some(status) = status {
            let came = vasp.report().await;
            assert_eq!((Some(came.report.message_id), came.report.mm_status), (id, status));
        }
    }
    within("the reports are taken", mmsc.wait_for(|seen| seen.reports_taken == 2)).await;
    assert_eq!(mmsc.summary().reports_sent, 2);
}

#[tokio::test]
async fn a_report_comes_before_its_answer_where_that_is_asked_for() {
    let mut vasp = Listener::start(&[]).await;
    let options = Options {
        report_first: 1.0,
        response_delay_ms: DelayMs(60_000, 60_000),
        report_to: Some(vasp.url().parse().unwrap()),
        ..Options::default()
    };
    let mmsc = mmsc(options).await;
    let mut submission = std::pin::pin!(submit(&mmsc, "+12025550101", "t1"));
    tokio::select! {
        answer = &mut submission => panic!("an answer: {answer:?}"),
        came = vasp.report() => assert_eq!(came.report.message_id, "1000000001"),
    }
}
