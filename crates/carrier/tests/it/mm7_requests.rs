//! What an MMSC gets: the head of a request, its envelope, its content; and over which connections.

use std::sync::Arc;
use std::time::Duration;

use carrier::keys::Secret;
use carrier::keys::ValidityForm;
use carrier::mm7::config::Mm7Config;
use carrier::{SegmentOutcome, Submission};
use model::{ErrorType, Originator};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wire::mm7::{Address, NAMESPACE_ROOT};

use crate::support::mmsc::{Heard, Line, Mmsc, bench, config, picture, submit_rsp};
use crate::support::{accepted, first_attempt, skip, within};

/// What a carrier of this configuration sends for a submission.
async fn sent(configure: impl FnOnce(Mm7Config) -> Mm7Config, submission: Submission) -> Heard {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&configure(config(mmsc.address())));
    bench.submit(submission).await;
    let mut line = mmsc.accept().await;
    let heard = line.hear().await;
    line.say(submit_rsp(1000, Some("m-1"))).await;
    assert_eq!(bench.segments().await, [accepted("m-1")]);
    heard
}

#[tokio::test]
async fn the_head_says_where_it_goes_and_what_it_is() {
    let heard = sent(|config| Mm7Config { url: format!("{}?a=b", config.url), ..config }, picture(1, 100)).await;
    assert_eq!(heard.start(), "POST /vasp?a=b HTTP/1.1");
    assert_eq!(heard.header("soapaction"), Some("\"\""));
    assert!(heard.header("host").unwrap().starts_with("127.0.0.1:"));
    assert_eq!(heard.header("authorization"), None);
    assert!(
        heard
            .header("content-type")
            .unwrap()
            .starts_with("multipart/related; type=\"text/xml\"; start=\"<envelope>\"; boundary=")
    );
    assert_eq!(heard.header("content-length"), Some(heard.body.len().to_string().as_str()));
}

#[tokio::test]
async fn credentials_are_said_where_there_are_some() {
    let login =
        |config| Mm7Config { username: "Aladdin".to_owned(), password: Secret("open sesame".to_owned()), ..config };
    let heard = sent(login, picture(1, 100)).await;
    // The example of RFC 7617, section 2.
    assert_eq!(heard.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn the_envelope_says_who_and_whom_and_what_is_wanted() {
    let (message, _) = sent(|config| config, picture(7, 100)).await.message();
    assert_eq!(message.transaction_id, format!("{}-1", first_attempt(7, "").message.id));
    let (request, _) = sent(|config| config, picture(7, 100)).await.submit_req();
    assert_eq!(request.sender_address, Some(Address::Number("+18005559876".to_owned())));
    assert_eq!(request.recipients.to, [Address::Number("+18005550007".to_owned())]);
    assert_eq!(request.time_stamp.as_deref(), Some("2026-03-15T14:30:12.345Z"));
    assert_eq!(request.expiry_date.as_deref(), Some("PT86400S"));
    assert_eq!((request.delivery_report, request.vasp_id, request.priority), (Some(true), None, None));

    for (sender, keep_plus, address) in [
        ("+18005559876", false, Address::Number("18005559876".to_owned())),
        ("72345", true, Address::ShortCode("72345".to_owned())),
        ("ACME & Co.", true, Address::ShortCode("ACME & Co.".to_owned())),
    ] {
        let mut submission = picture(7, 100);
        Arc::make_mut(&mut submission.message).originator = Originator::parse(sender).unwrap();
        let (request, _) = sent(|config| Mm7Config { keep_plus, ..config }, submission).await.submit_req();
        assert_eq!(request.sender_address, Some(address));
    }

    let some = |text: &str| Some(text.to_owned());
    let every_key = |config| Mm7Config {
        vasp_id: some("TNN"),
        vas_id: some("News"),
        service_code: some("gold"),
        message_class: some("Informational"),
        priority: some("High"),
        charged_party: some("Sender"),
        distribution_indicator: Some(false),
        allow_adaptations: Some(true),
        delivery_reports: false,
        validity: ValidityForm::Absolute,
        keep_plus: false,
        namespace: "REL-6-MM7-1-4".to_owned(),
        mm7_version: "6.8.0".to_owned(),
        prefix: true,
        ..config
    };
    let heard = sent(every_key, picture(7, 100)).await;
    let (message, _) = heard.message();
    assert_eq!(
        (message.dialect.namespace, message.dialect.version, message.dialect.prefixed),
        (format!("{NAMESPACE_ROOT}REL-6-MM7-1-4"), "6.8.0".to_owned(), true)
    );
    let (request, _) = heard.submit_req();
    assert_eq!((request.vasp_id, request.vas_id, request.service_code), (some("TNN"), some("News"), some("gold")));
    assert_eq!(
        (request.message_class, request.priority, request.charged_party),
        (some("Informational"), some("High"), some("Sender"))
    );
    assert_eq!(
        (request.distribution_indicator, request.delivery_report, request.content.unwrap().allow_adaptations),
        (Some(false), Some(false), Some(true))
    );
    assert_eq!(request.expiry_date.as_deref(), Some("2026-03-16T14:30:12.345Z"));
    assert_eq!(request.sender_address, Some(Address::Number("18005559876".to_owned())));
    assert_eq!(
        sent(|config| Mm7Config { validity: ValidityForm::Omit, ..config }, picture(7, 1))
            .await
            .submit_req()
            .0
            .expiry_date,
        None
    );
}

#[tokio::test]
async fn the_content_arrives_octet_for_octet() {
    let submission = picture(1, 500_000);
    let (request, parts) = sent(|config| config, submission.clone()).await.submit_req();
    assert_eq!(request.content.unwrap().id, "content");
    let kinds: Vec<_> = parts.iter().map(|part| (part.content_type.as_str(), part.id.as_str())).collect();
    assert_eq!(
        kinds,
        [("application/smil; charset=utf-8", "smil"), ("text/plain; charset=utf-8", "text"), ("image/png", "media")]
    );
    assert_eq!((&parts[1].bytes[..], &parts[2].bytes), ("Grüße".as_bytes(), &submission.media.unwrap().bytes));

    let (_, parts) = sent(|config| config, first_attempt(1, "text alone")).await.submit_req();
    assert_eq!(parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["smil", "text"]);
}

#[tokio::test]
async fn a_message_that_is_too_large_does_not_leave() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { max_bytes: 2_000, ..config(mmsc.address()) });
    bench.submit(picture(1, 2_000)).await;
    let segments = bench.segments().await;
    assert!(
        matches!(
            &segments[..],
            [SegmentOutcome::Refused { error_type: ErrorType::MediaFailed, status }]
                if status.ends_with("at most 2000")
        ),
        "{segments:?}"
    );
    assert_eq!((mmsc.was_called().await, bench.carrier.status().state), (false, "ready"));
}

#[tokio::test]
async fn a_message_that_does_not_leave_says_nothing_of_the_mmsc() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { max_bytes: 2_000, ..config(mmsc.address()) });
    bench.submit(picture(1, 1_000)).await;
    drop(mmsc.accept().await);
    assert!(matches!(bench.segments().await[0], SegmentOutcome::Unknown { .. }));
    bench.submit(picture(2, 2_000)).await;
    assert!(matches!(bench.segments().await[0], SegmentOutcome::Refused { .. }));
    assert_eq!(bench.carrier.status().state, "down");
}

#[tokio::test]
async fn a_connection_serves_one_message_after_the_other() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    bench.submit(picture(1, 100)).await;
    let mut line = mmsc.accept().await;
    for number in 1..=5 {
        assert_eq!(line.hear().await.submit_req().0.recipients.to, [Address::Number(format!("+1800555000{number}"))]);
        line.say(submit_rsp(1000, Some(&number.to_string()))).await;
        assert_eq!(bench.segments().await, [accepted(&number.to_string())]);
        bench.submit(picture(number + 1, 100)).await;
    }
    assert!(!mmsc.was_called().await);
}

#[tokio::test]
async fn a_connection_that_ended_or_idled_is_replaced() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&config(mmsc.address()));
    let mut lines = Vec::new();
    for number in 1..=3u32 {
        bench.submit(picture(number, 100)).await;
        let mut line = mmsc.accept().await;
        line.hear().await;
        line.say(submit_rsp(1000, Some(&number.to_string()))).await;
        assert_eq!(bench.segments().await, [accepted(&number.to_string())]);
        if number == 1 {
            drop(line);
            // The end of a connection is noticed by the task that moves its octets.
            bench.status("nothing is under way", |status| status.window_in_use == 0).await;
            skip(Duration::from_millis(1)).await;
        } else {
            lines.push(line);
            skip(Duration::from_secs(4)).await;
        }
    }
}

#[tokio::test]
async fn as_many_messages_are_under_way_as_the_window_has() {
    let mmsc = Mmsc::start().await;
    let mut bench = bench(&Mm7Config { window: 3, ..config(mmsc.address()) });
    let mut lines = Vec::new();
    for number in 1..=3 {
        bench.submit(picture(number, 100)).await;
        let mut line = mmsc.accept().await;
        line.hear().await;
        lines.push(line);
    }
    assert_eq!(bench.carrier.status().window_in_use, 3);
    for mut line in lines.into_iter().rev() {
        line.say(submit_rsp(1000, Some("m"))).await;
        assert_eq!(bench.segments().await, [accepted("m")]);
    }
    assert_eq!(within("room", bench.carrier.ready()).await, 3);
}

#[tokio::test]
async fn messages_go_over_tls_to_whom_we_trust_and_to_nobody_else() {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, other) = (authority(), authority());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: String| {
        std::fs::write(directory.path().join(name), pem).unwrap();
        directory.path().join(name)
    };
    let (ours_file, other_file) = (file("ours.pem", ours.pem()), file("other.pem", other.pem()));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["mmsc.example.net".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let server = server
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    for (what, ca, name, is_trusted) in [
        ("as it should be", &ours_file, Some("mmsc.example.net"), true),
        ("another name", &ours_file, None, false),
        ("another authority", &other_file, Some("mmsc.example.net"), false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/vasp", listener.local_addr().unwrap());
        let tls_server_name = name.map(str::to_owned);
        let mut bench =
            bench(&Mm7Config { url, tls_ca: Some(ca.clone()), tls_server_name, ..config(([127, 0, 0, 1], 1).into()) });
        bench.submit(picture(1, 100)).await;
        let (stream, _) = within("a connection", listener.accept()).await.unwrap();
        match within("a handshake", acceptor.accept(stream)).await {
            Ok(stream) => {
                let mut line = Line::new(stream);
                line.hear().await;
                line.say(submit_rsp(1000, Some("m-1"))).await;
                assert!(is_trusted, "{what}");
                assert_eq!(bench.segments().await, [accepted("m-1")], "{what}");
            }
            Err(_) => {
                assert!(!is_trusted, "{what}");
                assert_eq!(bench.segments().await, [SegmentOutcome::NotSent], "{what}");
            }
        }
    }
}
