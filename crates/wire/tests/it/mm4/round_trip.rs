//! What is written is read again as it was.

use bytes::Bytes;
use proptest::prelude::*;
use wire::mm4::{
    Address, Answer, DeliveryReportReq, Expiry, ForwardReq, Mm4, MmStatus, Priority, Request, RequestStatus, parse,
};
use wire::mms::Part;

use super::BYTES_MAX;

/// Text as a header keeps it: without controls, and without blanks at its ends.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,200}", "\\PC{1,60}", "(Gr\u{fc}\u{df}e |=\\?x\\?| {1,3}|word ){1,40}"]
        .prop_map(|text| text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned())
        .prop_filter("says something", |text| !text.is_empty())
}

fn ids() -> impl Strategy<Value = String> {
    "[0-9a-zA-Z.@_+-]{1,80}"
}

fn addresses() -> impl Strategy<Value = Address> {
    "([+]?[0-9]{3,15}/TYPE=PLMN|[a-z]{1,8})@[a-z]{1,8}(\\.[a-z]{1,8}){0,2}"
        .prop_map(|text| Address::parse(&text).unwrap())
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let types = prop::sample::select(vec![
        "application/smil; charset=utf-8",
        "text/plain; charset=utf-8",
        "image/jpeg",
        "application/octet-stream",
    ]);
    let part = (types, "[a-z0-9.@]{1,20}", "[a-z]{0,9}\\.?[a-z]{1,3}", prop::collection::vec(any::<u8>(), 1..400));
    prop::collection::vec(part, 0..5).prop_map(|parts| {
        let numbered = parts.into_iter().enumerate();
        numbered
            .map(|(index, (content_type, id, location, bytes))| Part {
                // A presentation stands first, where it is not moved.
                content_type: if index > 0 { content_type.replace("smil", "json") } else { content_type.to_owned() },
                id: format!("{id}{index}"),
                location,
                bytes: Bytes::from(bytes),
            })
            .collect()
    })
}

fn maybe<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

fn forwards() -> impl Strategy<Value = ForwardReq> {
    let who = (
        "[0-9.]{1,8}",
        ids(),
        ids(),
        maybe(addresses()),
        prop::collection::vec(addresses(), 1..12),
        maybe(addresses()),
        maybe(addresses()),
    );
    let priority = prop::sample::select(vec![Priority::Low, Priority::Normal, Priority::High]);
    let expiry = prop_oneof![any::<u64>().prop_map(Expiry::After), (0i64..32_000_000_000).prop_map(Expiry::At)];
    let what = (
        any::<[bool; 4]>(),
        maybe(priority),
        maybe(expiry),
        maybe(0i64..32_000_000_000),
        maybe(texts()),
        maybe(any::<u32>()),
        any::<[Option<bool>; 2]>(),
    );
    (who, what, parts()).prop_map(
        |((version, transaction_id, message_id, from, to, sender, originator_system), what, parts)| {
            let (
                [ack_request, delivery_report, read_reply, is_sender_hidden],
                priority,
                expiry,
                date,
                subject,
                forward_counter,
                [adaptation_allowed, drm_content],
            ) = what;
            ForwardReq {
                version,
                transaction_id,
                message_id,
                from,
                cc: to.iter().skip(1).cloned().collect(),
                to,
                sender,
                originator_system,
                ack_request,
                delivery_report,
                read_reply,
                message_class: Some("Personal".to_owned()),
                priority,
                expiry,
                date,
                subject,
                is_sender_hidden,
                forward_counter,
                adaptation_allowed,
                content_class: None,
                drm_content,
                parts,
            }
        },
    )
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn a_forwarded_message_arrives_as_it_was_sent(message in forwards()) {
        prop_assert_eq!(parse(&message.build(), BYTES_MAX), Ok(Mm4::Forward(Box::new(message))));
    }

    #[test]
    fn an_answer_arrives_as_it_was_sent(
        request in prop::sample::select(vec![Request::Forward, Request::DeliveryReport, Request::ReadReply]),
        status in prop::sample::select(RequestStatus::ALL.to_vec()),
        (transaction, message_id) in (ids(), maybe(ids())),
        (sender, to, recipients) in (maybe(addresses()), maybe(addresses()), prop::collection::vec(addresses(), 0..40)),
        status_text in maybe(texts()),
    ) {
        let version = "6.10.0".to_owned();
        let answer = Answer {
            version,
            message_id,
            sender,
            to,
            status_text,
            recipients,
            ..Answer::new(request, transaction, status)
        };
        prop_assert_eq!(parse(&answer.build(), BYTES_MAX), Ok(Mm4::Answer(Box::new(answer))));
    }

    #[test]
    fn a_report_arrives_as_it_was_sent(
        status in prop::sample::select(MmStatus::ALL.to_vec()),
        (transaction, message) in (ids(), ids()),
        (from, to, sender) in (maybe(addresses()), maybe(addresses()), maybe(addresses())),
        (date, status_extension, status_text) in (maybe(0i64..32_000_000_000), maybe(texts()), maybe(texts())),
    ) {
        let version = "6.10.0".to_owned();
        let report = DeliveryReportReq {
            version,
            from,
            to,
            sender,
            date,
            status_extension,
            status_text,
            ..DeliveryReportReq::new(transaction, message, status)
        };
        prop_assert_eq!(parse(&report.build(), BYTES_MAX), Ok(Mm4::Report(Box::new(report))));
    }

    #[test]
    fn no_line_is_longer_than_smtp_carries(message in forwards()) {
        let mail = message.build();
        prop_assert!(mail.is_ascii());
        prop_assert!(mail.split(|byte| *byte == b'\n').all(|line| line.len() <= 998));
    }
}
