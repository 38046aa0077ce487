//! What follows from each answer of an MMSC, for the message and for the carrier.

use carrier::SegmentOutcome;
use carrier::action::Action;
use carrier::mm7::config::Mm7Config;
use model::ErrorType;
use wire::mm7::{DeliverRsp, Fault, FaultKind, Operation, Status, StatusCode};

use crate::support::mmsc::{Mmsc, bench, config, envelope, http, picture, submit_rsp};

fn accepted(id: Option<&str>) -> SegmentOutcome {
    SegmentOutcome::Accepted { carrier_id: id.map(str::to_owned), remark: None }
}

fn refused(error_type: ErrorType, status: &str) -> SegmentOutcome {
    SegmentOutcome::Refused { error_type, status: status.to_owned() }
}

fn later(status: &str) -> SegmentOutcome {
    SegmentOutcome::TryLater { status: status.to_owned() }
}

fn fault(http_status: &str, code: u16) -> String {
    http(
        http_status,
        "text/xml",
        &envelope(Operation::Fault(Fault::new(FaultKind::RelayServer, Status::new(StatusCode(code))))),
    )
}

/// What becomes of a message that is answered so, and what the carrier's state is then. A rest that lasts shows.
async fn answered(answer: &str, config: impl Fn(Mm7Config) -> Mm7Config) -> (SegmentOutcome, &'static str) {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(Mm7Config {
        reconnect_floor_ms: 60_000,
        reconnect_ceiling_ms: 60_000,
        ..self::config(mmsc.address())
    }));
    bench.submit(picture(1, 100)).await;
    let mut line = mmsc.accept().await;
    line.hear().await;
    line.say(answer).await;
    drop(line);
    (bench.segments().await.remove(0), bench.carrier.status().state)
}

#[tokio::test]
async fn a_status_of_the_mmsc_decides_under_whatever_http_says() {
    for (what, answer, outcome, state) in [
        ("success", submit_rsp(1000, Some("m-1")), accepted(Some("m-1")), "ready"),
        ("success without an id", submit_rsp(1000, None), accepted(None), "ready"),
        ("success in part", submit_rsp(1100, Some("m-1")), accepted(Some("m-1")), "ready"),
        (
            "a wrong address",
            submit_rsp(2002, None),
            refused(ErrorType::InvalidDestination, "2002 Address error"),
            "ready",
        ),
        (
            "no such address",
            submit_rsp(2003, None),
            refused(ErrorType::InvalidDestination, "2003 Address not found"),
            "ready",
        ),
        (
            "content refused",
            submit_rsp(2004, None),
            refused(ErrorType::MediaFailed, "2004 Multimedia content refused"),
            "ready",
        ),
        (
            "restricted",
            submit_rsp(2001, None),
            refused(ErrorType::BlockedByCarrier, "2001 Operation restricted"),
            "ready",
        ),
        ("rejected", submit_rsp(3002, None), refused(ErrorType::CarrierRejected, "3002 Message rejected"), "ready"),
        ("a code of its own", submit_rsp(2999, None), refused(ErrorType::CarrierRejected, "2999"), "ready"),
        ("a code of no class", submit_rsp(9000, None), later("9000"), "ready"),
        (
            "not to be sent again",
            submit_rsp(4005, None),
            refused(ErrorType::CarrierRejected, "4005 Service error"),
            "ready",
        ),
        ("away for a while", submit_rsp(4006, None), later("4006 Service unavailable"), "throttled"),
        ("a failure", submit_rsp(3000, None), later("3000 Server error"), "ready"),
        ("not known", submit_rsp(4001, None), later("4001 Improper identification"), "refused"),
        (
            "a fault under 500",
            fault("500 Internal Server Error", 2003),
            refused(ErrorType::InvalidDestination, "2003 Address not found"),
            "ready",
        ),
        ("a fault under 200", fault("200 OK", 4006), later("4006 Service unavailable"), "throttled"),
        ("a fault under 400", fault("400 Bad Request", 3000), later("3000 Server error"), "ready"),
        (
            "success under 500",
            submit_rsp(1000, Some("m-1")).replace("200 OK", "500 Internal Server Error"),
            accepted(Some("m-1")),
            "ready",
        ),
    ] {
        assert_eq!(answered(&answer, |config| config).await, (outcome, state), "{what}");
    }
}

#[tokio::test]
async fn http_decides_where_the_mmsc_says_nothing() {
    let blank = |status: &str| http(status, "text/xml", "");
    let page = |status: &str| http(status, "text/html", "<html><body>nginx</body></html>");
    for (what, answer, outcome, state) in [
        ("a blank 200", blank("200 OK"), accepted(None), "ready"),
        ("blanks", http("200 OK", "text/plain", "\r\n"), accepted(None), "ready"),
        ("a blank 202", blank("202 Accepted"), accepted(None), "ready"),
        ("a 204", "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), accepted(None), "ready"),
        ("wrong credentials", page("401 Unauthorized"), later("HTTP 401"), "refused"),
        ("not let in", page("403 Forbidden"), later("HTTP 403"), "refused"),
        ("too many", blank("429 Too Many Requests"), later("HTTP 429"), "throttled"),
        ("away", page("503 Service Unavailable"), later("HTTP 503"), "throttled"),
        ("a failure", page("500 Internal Server Error"), later("HTTP 500"), "ready"),
        ("a proxy that finds nobody", page("502 Bad Gateway"), later("HTTP 502"), "down"),
        ("a proxy that gave up", page("504 Gateway Timeout"), SegmentOutcome::Unknown { why: "HTTP 504" }, "down"),
        ("no such place", page("404 Not Found"), later("HTTP 404"), "down"),
        ("another place", page("302 Found"), later("HTTP 302"), "down"),
        ("too large", page("413 Payload Too Large"), refused(ErrorType::MediaFailed, "HTTP 413"), "ready"),
        ("wrong", page("400 Bad Request"), refused(ErrorType::CarrierRejected, "HTTP 400"), "ready"),
    ] {
        assert_eq!(answered(&answer, |config| config).await, (outcome, state), "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_the_outcome_unknown() {
    let unreadable = SegmentOutcome::Unknown { why: "the answer cannot be read" };
    let broken = SegmentOutcome::Unknown { why: "the answer broke off or was too long" };
    let no_http = SegmentOutcome::Unknown { why: "the connection ended before the answer" };
    let other =
        envelope(Operation::DeliverRsp(DeliverRsp { status: Status::new(StatusCode::SUCCESS), service_code: None }));
    for (what, answer, outcome) in [
        ("a page", http("200 OK", "text/html", "<html><body>It works!</body></html>"), unreadable.clone()),
        ("words", http("200 OK", "text/plain", "OK"), unreadable.clone()),
        (
            "an envelope without a status",
            http("200 OK", "text/xml", "<Envelope><Body><SubmitRsp/></Body></Envelope>"),
            unreadable.clone(),
        ),
        ("an envelope cut short", http("200 OK", "text/xml", "<Envelope><Body>"), unreadable.clone()),
        (
            "a document type",
            http("200 OK", "text/xml", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
            unreadable,
        ),
        (
            "an answer to something else",
            http("200 OK", "text/xml", &other),
            SegmentOutcome::Unknown { why: "the answer is to something else" },
        ),
        (
            "an answer that breaks off",
            http("200 OK", "text/xml", &"x".repeat(100)).replace("100", "200"),
            broken.clone(),
        ),
        ("an answer without end", http("200 OK", "text/xml", &"x".repeat(300_000)), broken),
        ("no HTTP", "220 smtp.example.net ESMTP\r\n".to_owned(), no_http.clone()),
        ("nothing", String::new(), no_http),
    ] {
        assert_eq!(answered(&answer, |config| config).await, (outcome, "down"), "{what}");
    }
}

#[tokio::test]
async fn a_carrier_has_its_own_exceptions() {
    for (action, outcome, state) in [
        (Action::Accept, accepted(Some("m-1")), "ready"),
        (Action::Throttle, later("2101"), "throttled"),
        (Action::Retry, later("2101"), "ready"),
        (Action::Block, refused(ErrorType::BlockedByCarrier, "2101"), "ready"),
        (Action::Expire, refused(ErrorType::Expired, "2101"), "ready"),
    ] {
        let config = |config| Mm7Config { errors: [("2101".to_owned(), action)].into(), ..config };
        assert_eq!(answered(&submit_rsp(2101, Some("m-1")), config).await, (outcome, state), "{action:?}");
    }
}

#[tokio::test]
async fn a_carrier_that_answers_again_is_up_again() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    for (answer, state) in
        [(http("401 Unauthorized", "text/html", ""), "refused"), (submit_rsp(1000, Some("m-1")), "ready")]
    {
        bench.submit(picture(1, 100)).await;
        let mut line = mmsc.accept().await;
        line.hear().await;
        line.say(answer.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
        bench.outcome().await;
        assert_eq!((bench.carrier.status().state, bench.carrier.down_for().is_some()), (state, state != "ready"));
    }
}
