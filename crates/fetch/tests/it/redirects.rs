//! Where redirects and names lead, by who was connected to.

use std::net::Ipv4Addr;
use std::sync::Arc;

use fetch::UserAgent;
use fetch::media::FetchSettings;
use model::ErrorCode;

use crate::support::{ALLOWED, FORBIDDEN, Names, Piece, Server, fetch, media, response, settings};

/// A server on the allowed address that redirects `/` to what `location` makes of the two servers' ports, and has a
/// picture everywhere else; a server on the forbidden one.
async fn pair(location: &str, status: u16) -> (Server, Server) {
    let forbidden = Server::of_bytes(FORBIDDEN, response(200, &[], &media("photo.jpg"))).await;
    let location = location.replace("FORBIDDEN", &forbidden.port().to_string());
    let allowed = Server::start(ALLOWED, move |path| {
        let answer = match path {
            "/" => response(status, &[("Location", &location)], b""),
            _ => response(200, &[("Content-Type", "image/jpeg")], &media("photo.jpg")),
        };
        vec![Piece::Bytes(answer)]
    })
    .await;
    (allowed, forbidden)
}

fn names() -> Arc<Names> {
    Arc::new(Names::new([
        ("media.example.com", &[&[ALLOWED]]),
        ("evil.example.com", &[&[FORBIDDEN]]),
        ("both.example.com", &[&[ALLOWED, FORBIDDEN]]),
        ("ebto.example.com", &[&[FORBIDDEN, ALLOWED]]),
        ("late.example.com", &[&[ALLOWED], &[FORBIDDEN]]),
    ]))
}

#[tokio::test]
async fn no_redirect_leads_to_a_forbidden_address() {
    for location in [
        "http://127.0.0.3:FORBIDDEN/x.jpg",
        "http://127.0.0.3.:FORBIDDEN/x.jpg",
        "http://127.3:FORBIDDEN/x.jpg",
        "http://2130706435:FORBIDDEN/x.jpg",
        "http://0x7f000003:FORBIDDEN/x.jpg",
        "http://0x7f.0.0.3:FORBIDDEN/x.jpg",
        "http://0177.0.0.03:FORBIDDEN/x.jpg",
        "http://127%2e0.0.3:FORBIDDEN/x.jpg",
        "http://[::ffff:127.0.0.3]:FORBIDDEN/x.jpg",
        "http://[::ffff:7f00:3]:FORBIDDEN/x.jpg",
        "http://[::127.0.0.3]:FORBIDDEN/x.jpg",
        "http://[64:ff9b::7f00:3]:FORBIDDEN/x.jpg",
        "//127.0.0.3:FORBIDDEN/x.jpg",
        "///127.0.0.3:FORBIDDEN/x.jpg",
        "http:127.0.0.3:FORBIDDEN",
        "http://evil.example.com:FORBIDDEN/x.jpg",
        "http://EVIL.example.com.:FORBIDDEN/x.jpg",
        "//evil.example.com:FORBIDDEN/x.jpg",
        "http://both.example.com:FORBIDDEN/x.jpg",
        "http://ebto.example.com:FORBIDDEN/x.jpg",
        "http://media.example.com@127.0.0.3:FORBIDDEN/x.jpg",
        "http://127.0.0.3:FORBIDDEN\\@media.example.com/x.jpg",
        "http://localhost:FORBIDDEN/x.jpg",
        "http://evil:FORBIDDEN/x.jpg",
        "http:\\\\127.0.0.3:FORBIDDEN/x.jpg",
        "http:\\/\\/127.0.0.3:FORBIDDEN/x.jpg",
        "\\\\127.0.0.3:FORBIDDEN/x.jpg",
        "/\\127.0.0.3:FORBIDDEN/x.jpg",
        "http://１２７.0.0.３:FORBIDDEN/x.jpg",
        "http://127。0。0。3:FORBIDDEN/my photo.jpg",
        "  http://127.0.0.3:FORBIDDEN/x.jpg  ",
        "http://%31%32%37.0.0.3:FORBIDDEN/x.jpg",
        "http://%65vil.example.com:FORBIDDEN/x y.jpg",
        "http://ｅｖｉｌ.example.com:FORBIDDEN/é.jpg",
        "http://u:p@evil.example.com:FORBIDDEN/x y.jpg",
        "http:// @127.0.0.3:FORBIDDEN/x.jpg",
        "//u p@127.0.0.3:FORBIDDEN/x.jpg",
    ] {
        let (allowed, forbidden) = pair(location, 302).await;
        let url = format!("http://media.example.com:{}/", allowed.port());
        let told = fetch(settings(&[allowed.port(), forbidden.port()]), &names(), &url).await.map(|_| ());
        // Of the one that is relative a path of the same server is made, which has a picture.
        if location.starts_with("http:1") {
            assert_eq!((told, allowed.accepted()), (Ok(()), 2), "{location}");
        } else {
            // How a redirect is written is the server's affair; where it leads is judged as ever.
            let is_unreadable = location.contains('\\') || location.starts_with("///");
            let code = if is_unreadable { ErrorCode::MediaUploadFailed } else { ErrorCode::MediaUrlNotAllowed };
            assert_eq!(told.unwrap_err().code(), code, "{location}");
            assert_eq!(allowed.accepted(), 1, "{location}");
        }
        assert_eq!(forbidden.accepted(), 0, "{location}");
    }
}

#[tokio::test]
async fn what_is_forbidden_is_not_asked_at_first_either() {
    let forbidden = Server::of_bytes(FORBIDDEN, response(200, &[], &media("photo.jpg"))).await;
    let port = forbidden.port();
    for host in [
        "127.0.0.3",
        "127.3",
        "2130706435",
        "[::ffff:127.0.0.3]",
        "evil.example.com",
        "both.example.com",
        "ebto.example.com",
    ] {
        let told = fetch(settings(&[port]), &names(), &format!("http://{host}:{port}/x.jpg")).await;
        assert_eq!(told.unwrap_err().code(), ErrorCode::MediaUrlNotAllowed, "{host}");
    }
    assert_eq!(forbidden.accepted(), 0);
}

#[tokio::test]
async fn a_redirect_within_the_rules_is_followed_and_asks_for_what_it_says() {
    for (location, status, path) in [
        ("/b.jpg", 301, "/b.jpg"),
        ("b.jpg?x=1#frag", 302, "/b.jpg?x=1"),
        ("../b%20c.jpg", 303, "/b%20c.jpg"),
        ("?y", 307, "/?y"),
        ("/@me", 308, "/@me"),
    ] {
        let (allowed, _) = pair(location, status).await;
        let url = format!("http://media.example.com:{}/", allowed.port());
        let names = names();
        let fetched = fetch(settings(&[allowed.port()]), &names, &url).await.unwrap();
        assert_eq!((fetched.kind.as_str(), allowed.accepted()), ("image/jpeg", 2), "{location}");
        assert_eq!(names.asked(), ["media.example.com"; 2], "each step is resolved, and once");
        let heads = allowed.heads();
        assert!(heads[1].starts_with(&format!("get {path} http/1.1\r\n")), "{}", heads[1]);
    }
}

#[tokio::test]
async fn the_request_says_who_asks_and_what_for() {
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    for (agent, said) in [
        (UserAgent::default(), format!("smsfactory/{}", env!("CARGO_PKG_VERSION"))),
        (
            UserAgent::with_contact("https://docs.example.com"),
            format!("smsfactory/{} (+https://docs.example.com)", env!("CARGO_PKG_VERSION")),
        ),
        (UserAgent::with_contact("https://docs.example.com/\n"), format!("smsfactory/{}", env!("CARGO_PKG_VERSION"))),
        (UserAgent::parse("ours/1.0 (ops@example.com)").unwrap(), "ours/1.0 (ops@example.com)".to_owned()),
    ] {
        let settings = FetchSettings { user_agent: agent, ..settings(&[server.port()]) };
        fetch(settings, &names(), &format!("http://Media.example.com:{}/a/../b?c#d", server.port())).await.unwrap();
        let head = server.heads().pop().unwrap();
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("get /b?c http/1.1"));
        let fields: Vec<&str> = lines.collect();
        let (host, agent) = (format!("host: media.example.com:{}", server.port()), format!("user-agent: {said}"));
        let accept = "accept: image/jpeg, image/png, image/gif, video/mp4, video/mpeg, audio/mpeg, application/pdf, \
            text/vcard, text/x-vcard, */*;q=0.1";
        for field in [&host, &agent, accept, "accept-encoding: identity", "connection: close"] {
            assert!(fields.contains(&field), "{field}: {head}");
        }
        assert_eq!(fields.len(), 6, "five fields and an empty line: {head}");
    }
}

#[test]
fn an_agent_is_text_that_a_head_can_hold() {
    for text in ["", " ", "a ", "a\r\nX: y", "ü", &"a".repeat(257)] {
        assert_eq!(UserAgent::parse(text), None, "{text:?}");
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    for (redirects, succeeds) in [(3, true), (4, false), (1_000, false)] {
        let server = Server::start(ALLOWED, move |path| {
            let step: u32 = path.trim_start_matches('/').parse().unwrap();
            let next = (step + 1).to_string();
            vec![Piece::Bytes(if step < redirects {
                response(302, &[("Location", &next)], b"")
            } else {
                response(200, &[], &media("photo.jpg"))
            })]
        })
        .await;
        let told =
            fetch(settings(&[server.port()]), &names(), &format!("http://media.example.com:{}/0", server.port())).await;
        assert_eq!(server.accepted(), 4);
        assert_eq!(
            told.as_ref().err().map(|error| error.code()),
            (!succeeds).then_some(ErrorCode::MediaUploadFailed),
            "{redirects}"
        );
    }
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_a_failure() {
    for answer in [
        response(302, &[], b""),
        response(304, &[("Location", "/b.jpg")], b""),
        response(300, &[("Location", "/b.jpg")], b""),
    ] {
        let server = Server::of_bytes(ALLOWED, answer).await;
        let told =
            fetch(settings(&[server.port()]), &names(), &format!("http://media.example.com:{}/", server.port())).await;
        assert_eq!((told.unwrap_err().code(), server.accepted()), (ErrorCode::MediaUploadFailed, 1));
    }
}

/// A name whose second answer is another one: between judging and connecting nobody asks again.
#[tokio::test]
async fn a_name_is_resolved_once_and_the_judged_address_is_connected_to() {
    let allowed = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let forbidden = Server::on((FORBIDDEN, allowed.port()).into(), |_| {
        vec![Piece::Bytes(response(200, &[], &media("picture.png")))]
    })
    .await;
    let names = names();
    let url = format!("http://late.example.com:{}/x", allowed.port());
    let fetched = fetch(settings(&[allowed.port()]), &names, &url).await.unwrap();
    assert_eq!((fetched.kind.as_str(), names.asked()), ("image/jpeg", vec!["late.example.com".to_owned()]));
    let again = fetch(settings(&[allowed.port()]), &names, &url).await;
    assert_eq!(
        again.unwrap_err().code(),
        ErrorCode::MediaUrlNotAllowed,
        "the second answer is judged when it is the answer"
    );
    assert_eq!((allowed.accepted(), forbidden.accepted()), (1, 0));
}

#[tokio::test]
async fn a_name_that_changes_within_a_redirect_is_judged_again() {
    let allowed = Server::of_bytes(ALLOWED, response(302, &[("Location", "/b.jpg")], b"")).await;
    let port = allowed.port();
    let forbidden =
        Server::on((FORBIDDEN, port).into(), |_| vec![Piece::Bytes(response(200, &[], &media("photo.jpg")))]).await;
    let told = fetch(settings(&[port]), &names(), &format!("http://late.example.com:{port}/a.jpg")).await;
    assert_eq!(told.unwrap_err().code(), ErrorCode::MediaUrlNotAllowed);
    assert_eq!((allowed.accepted(), forbidden.accepted()), (1, 0));
}

#[tokio::test]
async fn another_judged_address_is_tried_where_one_does_not_answer() {
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let closed = Ipv4Addr::new(127, 0, 0, 4);
    let names = Arc::new(Names::new([("two.example.com", &[&[closed, ALLOWED]])]));
    let mut settings = settings(&[server.port()]);
    settings.guard.allow_networks.push(std::net::IpAddr::V4(closed).into());
    assert!(fetch(settings, &names, &format!("http://two.example.com:{}/", server.port())).await.is_ok());
}

#[tokio::test]
async fn refused_names_are_all_refused_with_the_same_words() {
    let mut told = Vec::new();
    for url in [
        "http://evil.example.com:80/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://intranet/",
        "ftp://evil.example.com/",
        "http://8.8.8.8:22/",
        "x",
    ] {
        let error = fetch(settings(&[80]), &names(), url).await.unwrap_err();
        let refusal = model::Refusal::from(error);
        assert!(refusal.cause.is_some(), "{url}");
        told.push((refusal.code, refusal.info, refusal.retry_after));
    }
    told.dedup();
    assert_eq!(told, [(ErrorCode::MediaUrlNotAllowed, None, None)]);
}
