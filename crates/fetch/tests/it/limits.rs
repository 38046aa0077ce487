//! Sizes, waits and numbers: what is bounded, and that nobody gets beyond.

use std::sync::Arc;
use std::time::Duration;

use fetch::media::{FetchError, FetchSettings, Fetcher};
use fetch::resolve::Resolve;
use model::media::MEDIA_BYTES_MAX;
use model::{ErrorCode, Media};
use tokio::time::Instant;

use crate::support::{ALLOWED, Names, Piece, Server, account, fetch, media, response, settings, tick};

fn names() -> Arc<Names> {
    Arc::new(Names::new([("media.example.com", &[&[ALLOWED]])]))
}

async fn fetched(server: &Server) -> Result<Media, FetchError> {
    fetched_within(server, settings(&[server.port()])).await
}

async fn fetched_within(server: &Server, settings: FetchSettings) -> Result<Media, FetchError> {
    fetch(settings, &names(), &format!("http://media.example.com:{}/a.jpg", server.port())).await
}

/// A picture of so many bytes: what stands behind its end is nobody's.
fn picture(bytes: usize) -> Vec<u8> {
    let mut picture = media("photo.jpg");
    picture.resize(bytes, 0);
    picture
}

fn bare(fields: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), body].concat()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let chunks: Vec<u8> = body.chunks(60_000).flat_map(chunk).collect();
    bare("Transfer-Encoding: chunked\r\n", &[&chunks[..], b"0\r\n\r\n"].concat())
}

/// A way to serve a body.
type Way = fn(&[u8]) -> Vec<Piece>;

/// All of them.
const WAYS: [(&str, Way); 5] = [
    ("with its length", |body| vec![Piece::Bytes(response(200, &[], body))]),
    ("until the end of the connection", |body| vec![Piece::Bytes(bare("", body))]),
    ("in chunks", |body| vec![Piece::Bytes(chunked(body))]),
    ("slowly", |body| slowly(&bare("", body))),
    ("slowly, in chunks", |body| slowly(&chunked(body))),
];

fn slowly(answer: &[u8]) -> Vec<Piece> {
    answer
        .chunks(100_000)
        .flat_map(|piece| [Piece::Bytes(piece.to_vec()), Piece::Wait(Duration::from_secs(3))])
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_mebibyte_is_taken_and_a_byte_more_is_not_however_it_comes() {
    tick();
    for (way, script) in WAYS {
        for (bytes, succeeds) in [(MEDIA_BYTES_MAX, true), (MEDIA_BYTES_MAX + 1, false), (4 * MEDIA_BYTES_MAX, false)] {
            let server = Server::start(ALLOWED, move |_| script(&picture(bytes))).await;
            let settings = FetchSettings { timeout: Duration::from_secs(100), ..settings(&[server.port()]) };
            match fetched_within(&server, settings).await {
                Ok(fetched) => assert_eq!((fetched.bytes.len(), succeeds), (bytes, true), "{way}"),
                Err(error) => {
                    assert_eq!((error.code(), succeeds), (ErrorCode::MediaTooLarge, false), "{way}, {bytes}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_length_that_lies_changes_nothing() {
    let photo = media("photo.jpg");
    let long = photo.len() + 1;
    for (answer, code) in [
        (bare(&format!("Content-Length: {long}\r\n"), &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Content-Length: 500\r\n", &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Content-Length: 0\r\n", &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Content-Length: 1048577\r\n", &photo), Some(ErrorCode::MediaTooLarge)),
        (bare("Content-Length: 9223372036854775808\r\n", &photo), Some(ErrorCode::MediaTooLarge)),
        (bare("Content-Length: 99999999999999999999999\r\n", &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Content-Length: -1\r\n", &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Content-Length: 5\r\nContent-Length: 6\r\n", &photo), Some(ErrorCode::MediaUploadFailed)),
        (bare("Transfer-Encoding: chunked\r\n", b"zz\r\n"), Some(ErrorCode::MediaUploadFailed)),
        (bare("Transfer-Encoding: chunked\r\n", &chunk(&photo)), Some(ErrorCode::MediaUploadFailed)),
        (bare("Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n"), Some(ErrorCode::MediaUploadFailed)),
        (response(200, &[], &photo), None),
    ] {
        let head = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let server = Server::of_bytes(ALLOWED, answer).await;
        assert_eq!(fetched(&server).await.err().map(|error| error.code()), code, "{head}");
    }
}

#[tokio::test]
async fn only_a_whole_plain_answer_is_media() {
    let photo = media("photo.jpg");
    let many: String = (0..101).map(|number| format!("X-{number}: y\r\n")).collect();
    for (answer, succeeds) in [
        (response(200, &[("Content-Encoding", "identity")], &photo), true),
        (response(200, &[("Content-Encoding", "gzip")], &photo), true),
        (response(200, &[("Content-Encoding", "gzip")], b"\x1F\x8B\x08\0\0\0\0\0\0\x03"), false),
        (response(200, &[("Content-Encoding", "br")], b"\x0B\x02\x80photo\x03"), false),
        (response(200, &[("Content-Encoding", "identity"), ("Content-Encoding", "deflate")], b"\x78\x9C\x03"), false),
        (response(201, &[], &photo), false),
        (response(204, &[], b""), false),
        (response(206, &[("Content-Range", "bytes 0-9/10")], &photo), false),
        (response(401, &[("WWW-Authenticate", "Basic")], &photo), false),
        (response(404, &[], &photo), false),
        (response(500, &[], &photo), false),
        (bare(&format!("X: {}\r\n", "y".repeat(8_000)), &photo), true),
        (bare(&format!("X: {}\r\n", "y".repeat(20_000)), &photo), false),
        (bare(&many, &photo), false),
        (bare("X y\r\n", &photo), true),
        (photo.clone(), false),
        (b"HTTP/1.1 200 OK\r\nX: ".repeat(2_000), false),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), false),
        (b"HTTP/2 200 OK\r\n\r\n".to_vec(), false),
        (Vec::new(), false),
    ] {
        let head = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let server = Server::of_bytes(ALLOWED, answer).await;
        let told = fetched(&server).await;
        assert_eq!(
            told.as_ref().err().map(|error| error.code()),
            (!succeeds).then_some(ErrorCode::MediaUploadFailed),
            "{head}: {told:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_use_all_of_its_time_for_any_step_and_no_more() {
    tick();
    let (second, whole) = (Duration::from_secs(1), response(200, &[], &media("photo.jpg")));
    let drops = |bytes: &[u8], wait: u32| {
        bytes.iter().flat_map(|byte| [Piece::Bytes(vec![*byte]), Piece::Wait(wait * second)]).collect::<Vec<_>>()
    };
    let interim = [Piece::Bytes(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()), Piece::Wait(second)];
    for (name, script, ends) in [
        ("silent", vec![Piece::Hang], Err(10)),
        ("silent for long", vec![Piece::Wait(9 * second), Piece::Bytes(whole.clone())], Ok(9)),
        ("silent for longer", vec![Piece::Wait(11 * second), Piece::Bytes(whole.clone())], Err(10)),
        ("half a head", vec![Piece::Bytes(whole[..20].to_vec()), Piece::Hang], Err(10)),
        (
            "half a head for long",
            vec![Piece::Bytes(whole[..20].to_vec()), Piece::Wait(8 * second), Piece::Bytes(whole[20..].to_vec())],
            Ok(8),
        ),
        ("a slow head", drops(&whole, 1), Err(10)),
        ("half a body", vec![Piece::Bytes(whole[..100].to_vec()), Piece::Hang], Err(10)),
        (
            "half a body for long",
            vec![Piece::Bytes(whole[..100].to_vec()), Piece::Wait(8 * second), Piece::Bytes(whole[100..].to_vec())],
            Ok(8),
        ),
        ("a slow body", [vec![Piece::Bytes(bare("", b""))], drops(&whole, 4)].concat(), Err(10)),
        ("interim responses", std::iter::repeat_n(interim, 60).flatten().collect(), Err(10)),
    ] {
        let server = Server::start(ALLOWED, move |_| script.clone()).await;
        let start = Instant::now();
        let told = fetched(&server).await.map(|_| ()).map_err(|error| error.code());
        let seconds = start.elapsed().as_secs();
        let wanted = ends.map(|_| ()).map_err(|_| ErrorCode::MediaUploadFailed);
        assert_eq!((told, seconds), (wanted, ends.unwrap_or_else(|seconds| seconds)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_may_use_all_of_the_time_as_well() {
    struct Slow(Duration);
    #[async_trait::async_trait]
    impl Resolve for Slow {
        async fn resolve(&self, _: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
            tokio::time::sleep(self.0).await;
            Ok(vec![ALLOWED.into()])
        }
    }
    tick();
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    for (seconds, succeeds) in [(8, true), (11, false)] {
        let resolver: Arc<dyn Resolve> = Arc::new(Slow(Duration::from_secs(seconds)));
        let fetcher = Fetcher::new(settings(&[server.port()]), resolver, Arc::new(runtime::Machine::new())).unwrap();
        let told = fetcher.fetch(account(1), &format!("http://media.example.com:{}/", server.port())).await;
        assert_eq!(
            told.as_ref().err().map(FetchError::code),
            (!succeeds).then_some(ErrorCode::MediaUploadFailed),
            "{told:?}"
        );
    }
}

/// A listener that answers nobody: its queue is full. The port, and what has to be kept for that.
async fn swallower(address: std::net::Ipv4Addr, port: u16) -> (u16, impl Sized) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind((address, port).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_secs(1), tokio::net::TcpStream::connect(address)).await
    {
        queued.push(stream);
        assert!(queued.len() < 100, "this kernel answers everybody");
    }
    (address.port(), (listener, queued))
}

#[tokio::test(start_paused = true)]
async fn addresses_that_swallow_packets_are_left_when_the_time_is_over() {
    tick();
    let (port, _kept) = swallower(ALLOWED, 0).await;
    let start = Instant::now();
    let told = fetch(settings(&[port]), &names(), &format!("http://media.example.com:{port}/")).await.unwrap_err();
    assert_eq!((told.code(), start.elapsed().as_secs()), (ErrorCode::MediaUploadFailed, 10), "{told}");
}

#[tokio::test(start_paused = true)]
async fn the_one_good_address_among_many_that_swallow_packets_is_reached() {
    use std::net::Ipv4Addr;
    tick();
    let server = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let mut kept = Vec::new();
    for last in 20..26 {
        kept.push(swallower(Ipv4Addr::new(127, 0, 0, last), server.port()).await.1);
    }
    let dead = |last| Ipv4Addr::new(127, 0, 0, last);
    for (name, answers, millis) in [
        ("three.example.com", vec![dead(20), dead(21), dead(22), ALLOWED], 750),
        ("six.example.com", vec![dead(20), dead(21), dead(22), dead(23), dead(24), dead(25), ALLOWED], 1_500),
        ("first.example.com", vec![ALLOWED, dead(20), dead(21)], 0),
    ] {
        let names = Arc::new(Names::new([(name, &[&answers[..]])]));
        let mut settings = settings(&[server.port()]);
        settings.guard.allow_networks = vec!["127.0.0.0/24".parse().unwrap()];
        let start = Instant::now();
        fetch(settings, &names, &format!("http://{name}:{}/", server.port())).await.unwrap();
        let taken = start.elapsed().as_millis();
        assert!((millis..millis + 200).contains(&taken), "{name}: {taken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_hanging_servers_of_one_account_slow_no_other() {
    tick();
    let hanging = Server::start(ALLOWED, |_| vec![Piece::Hang]).await;
    let good = Server::of_bytes(ALLOWED, response(200, &[], &media("photo.jpg"))).await;
    let resolver: Arc<dyn Resolve> = names();
    let fetcher = Arc::new(
        Fetcher::new(settings(&[hanging.port(), good.port()]), resolver, Arc::new(runtime::Machine::new())).unwrap(),
    );
    let url = |server: &Server| format!("http://media.example.com:{}/", server.port());
    let start = Instant::now();
    let many: Vec<_> = (0..1_000)
        .map(|_| {
            let (fetcher, url) = (Arc::clone(&fetcher), url(&hanging));
            tokio::spawn(async move { fetcher.fetch(account(1), &url).await.unwrap_err() })
        })
        .collect();
    while hanging.accepted() < 8 {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        fetcher.fetch(account(2), &url(&good)).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let told = fetcher.fetch(account(1), "http://127.0.0.1:22/").await.unwrap_err();
    assert_eq!(told.code(), ErrorCode::MediaUrlNotAllowed, "what may not be asked for needs no place");
    let mut causes = Vec::new();
    for one in many {
        let error = one.await.unwrap();
        assert_eq!(error.code(), ErrorCode::MediaUploadFailed);
        causes.push(error.to_string());
    }
    // Eight hang until they are left. At that moment the wait of the others is over as well, but for a few that get a
    // place first.
    assert!(
        causes.iter().filter(|cause| *cause == "the account has too many fetches under way").count() >= 984,
        "{causes:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(16), "{:?}", start.elapsed());
    fetcher.fetch(account(1), &url(&good)).await.unwrap();
}
