//! What each decoder promises.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use carrier::Submission;
use carrier::smpp::config::SmppConfig;
use fetch::guard::{Guard, GuardSettings};
use fetch::media::kind;
use model::message::Message;
use runtime::{Machine, Runtime};
use screening::{BUILTIN, Category, Data, Policy, Screen, Template};
use wire::inbound::{Coding, Decoded, UserData};
use wire::smpp::{decode, encode, frame};
use wire::{concat, gsm, inbound, mm4, mm7, mms, receipt};

/// What was taken leniently is written soundly, and read again as the same operation.
pub fn smpp_pdu(octets: &[u8]) {
    let _ = (
        frame::next(octets, 70_000),
        concat::read(octets),
        concat::header(octets),
        gsm::segment::decode_ucs2(octets),
        gsm::alphabet::decode(octets),
    );
    let Ok(pdu) = decode(octets) else { return };
    let mut again = Vec::new();
    encode(&pdu, &mut again);
    assert_eq!(frame::next(&again, again.len()), Ok(Some(again.len())));
    let read = decode(&again).unwrap_or_else(|error| panic!("what was written cannot be read: {error:?}"));
    assert_eq!(read.body.command(), pdu.body.command());
}

/// Whatever the SMSC says, each submission has one outcome.
pub fn smpp_session(octets: &[u8]) {
    let submissions: Vec<Submission> = (1..=3).map(submission).collect();
    let seen = carrier::bare::smpp_session(SmppConfig::default(), submissions, octets, Instant::now());
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(1, 1), (2, 1), (3, 1)]);
}

fn submission(number: u8) -> Submission {
    let message = Message {
        body: Some("x".repeat(usize::from(number) * 100).into()),
        segments: u16::from(number),
        ..testkit::message(number.into())
    };
    let valid_for = Duration::from_secs(60);
    Submission {
        message: Arc::new(message),
        media: None,
        attempt: 1,
        token: u64::from(number),
        accepted_segments: 0,
        valid_for,
    }
}

/// No text of a receipt stops its reader, under any label of its alphabet.
pub fn receipt(octets: &[u8]) {
    let (label, octets) = octets.split_first().map_or((0, octets), |(label, rest)| (*label, rest));
    for text in receipt::octets::readings(octets, label, 0) {
        let _ = receipt::parse(&text);
        assert!(!receipt::id::canonical(&text).contains(char::is_whitespace));
        let keys = receipt::id::candidates(&text, receipt::id::IdMode::Auto);
        assert!(keys.len() <= 4 && keys.iter().all(|key| !key.is_empty()), "{keys:?}");
    }
}

/// Parts of a message, each behind the number of its octets: what is kept of them is read again as it was, a header
/// says where its text begins, and together they are a text or all of their octets.
pub fn inbound(octets: &[u8]) {
    let mut parts = Vec::new();
    let mut rest = octets;
    while let Some((length, after)) = rest.split_first() {
        let (part, next) = after.split_at(after.len().min(usize::from(*length)));
        let coding = Coding::ALL[part.len() % Coding::ALL.len()];
        let data = UserData::from_octets(part).unwrap_or_else(|| match concat::header(part) {
            Some((header, text)) => {
                assert_eq!(header.octets + text.len(), part.len());
                UserData::behind(&header, coding, text.to_vec())
            }
            None => UserData::new(coding, part.to_vec()),
        });
        assert_eq!(UserData::from_octets(&data.to_octets()).as_ref(), Some(&data));
        parts.push(data);
        rest = next;
    }
    let all: usize = parts.iter().map(|part| part.octets.len()).sum();
    match inbound::decode(&parts) {
        // A septet of a packed part shows at most one character of three octets.
        Decoded::Text(text, _) => assert!(text.len() <= 4 * all + 3),
        Decoded::Binary(octets) => assert_eq!(octets.len(), all),
    }
}

/// Up to the first NUL a presentation, then parts with a NUL between them, each with a type in its first line: each is
/// in the text or a file, and none is lost.
pub fn mms(octets: &[u8]) {
    let mut pieces = octets.split(|octet| *octet == 0);
    let presentation = pieces.next().unwrap_or_default();
    let part = |content_type: String, id: String, bytes: &[u8]| mms::Part {
        content_type,
        id,
        location: String::new(),
        bytes: bytes.to_vec().into(),
    };
    let mut parts = vec![part(mms::SMIL.to_owned(), "smil".to_owned(), presentation)];
    for (at, piece) in pieces.take(64).enumerate() {
        let end = piece.iter().position(|octet| *octet == b'\n').unwrap_or(piece.len());
        let content_type = String::from_utf8_lossy(&piece[..end]).into_owned();
        parts.push(part(content_type, format!("part{at}"), piece.get(end + 1..).unwrap_or_default()));
    }
    let received = mms::received(&parts);
    assert!(received.files.len() < parts.len());
    assert!(received.files.iter().all(|file| parts.iter().any(|part| part.bytes == file.bytes)));
}

/// What is read of a mail can be answered.
pub fn mm4(octets: &[u8]) {
    match mm4::parse(octets, 100_000) {
        Ok(mm4::Mm4::Forward(forward)) => drop(forward.answer(mm4::RequestStatus::Ok).build()),
        Ok(mm4::Mm4::Report(report)) => drop(report.answer(mm4::RequestStatus::Ok).build()),
        Ok(mm4::Mm4::Answer(answer)) => drop(answer.build()),
        Ok(mm4::Mm4::ReadReply) | Err(_) => {}
    }
}

/// The first line is the content type. What is read can be written, and read again.
pub fn mm7(octets: &[u8]) {
    let at = octets.iter().position(|octet| *octet == b'\n').unwrap_or(0);
    let (content_type, body) = (String::from_utf8_lossy(&octets[..at]), octets.get(at + 1..).unwrap_or_default());
    if let Ok((message, parts)) = mm7::post::read(Some(content_type.trim_end()).filter(|text| !text.is_empty()), body) {
        let _ = mm7::post::write(&message, &parts);
    }
}

/// The body of `POST /message` is read or refused.
pub fn message(octets: &[u8]) {
    let _ = api::fields::of_message(octets);
}

/// So is that of `POST /broadcast`.
pub fn broadcast(octets: &[u8]) {
    let _ = api::fields::of_broadcast(octets);
}

/// So are those of opt-outs and endpoints: what is read is an object, or nothing.
pub fn two_way(octets: &[u8]) {
    let read = api::fields::of_two_way(octets);
    assert!(read == 0 || octets.is_empty() || octets.trim_ascii().starts_with(b"{"));
}

/// A form that is read is written again as what it said: nothing of it is lost or replaced.
pub fn form(octets: &[u8]) {
    use api::twilio::form::round_trip;
    let Some((parameters, written)) = round_trip(octets) else { return };
    assert_eq!(round_trip(written.as_bytes()), Some((parameters, written.clone())));
}

/// Each line of an import is an entry, invalid, or empty; the first octet of an input says whether it is CSV.
pub fn import(octets: &[u8]) {
    let Some((kind, file)) = octets.split_first() else { return };
    let csv = kind.is_multiple_of(2);
    let Ok((sound, invalid)) = api::optouts::import::lines(file, csv) else { return };
    let last = 1 + file.iter().filter(|octet| matches!(octet, b'\n' | b'\r')).count() as u64;
    for lines in [&sound, &invalid] {
        assert!(lines.is_sorted() && lines.iter().all(|line| (1..=last).contains(line)), "{lines:?} of {last}");
    }
    assert!(csv || sound.iter().all(|line| !invalid.contains(line)), "a line has one meaning");
}

/// The first line is a URL, the second one that its answer redirects to; what follows are addresses. Nothing leads to
/// an address that is not public.
pub fn url(octets: &[u8]) {
    let mut lines = octets.splitn(3, |octet| *octet == b'\n');
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (first, second) = (text(), text());
    let answers: Vec<IpAddr> = lines.next().unwrap_or_default().chunks(16).filter_map(address).collect();
    let guard = Guard::new(&GuardSettings::default());
    let Ok(judged) = guard.read(&first, None).and_then(|target| guard.verdict(target, &answers, &[])) else { return };
    judged.addresses().iter().for_each(|address| assert!(is_public(address.ip()), "{first:?} leads to {address}"));
    let Ok(next) = guard.read(&second, Some(&judged)).and_then(|target| guard.verdict(target, &answers, &[])) else {
        return;
    };
    next.addresses()
        .iter()
        .for_each(|address| assert!(is_public(address.ip()), "{first:?} and {second:?} lead to {address}"));
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// Far less than the guard knows, and written without it.
fn is_public(address: IpAddr) -> bool {
    let v4 = |ip: Ipv4Addr| {
        let special = ip.is_private()
            || ip.is_loopback()
            || ip.is_link_local()
            || ip.is_multicast()
            || ip.is_broadcast()
            || ip.is_documentation();
        let [first, second, ..] = ip.octets();
        !special && first != 0 && first < 240 && !(first == 100 && second & 0xC0 == 64)
    };
    let v6 = |ip: Ipv6Addr| {
        ip.to_ipv4_mapped().map_or_else(|| ip.segments()[0] & 0xE000 == 0x2000 && ip.segments()[0] != 0x2002, v4)
    };
    match address {
        IpAddr::V4(ip) => v4(ip),
        IpAddr::V6(ip) => v6(ip),
    }
}

/// What servers say media are. The first octet of an input chooses.
const CLAIMS: [&str; 6] = ["", "image/jpeg", "text/vcard", "text/x-vcard", "video/3gpp", "video/mp4; codecs=x"];

/// Media are of a type or none, whatever they begin like.
pub fn media(octets: &[u8]) {
    let Some((claim, bytes)) = octets.split_first() else { return };
    let _ = kind::judge(bytes, CLAIMS.get(usize::from(*claim)).copied());
}

thread_local! {
    static TOKIO: RefCell<Option<tokio::runtime::Runtime>> = const { RefCell::new(None) };
}

/// Runs something that waits for octets that are there.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    TOKIO.with_borrow_mut(|tokio| {
        let make = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap_or_else(|error| panic!("there is no runtime: {error}"))
        };
        tokio.get_or_insert_with(make).block_on(work)
    })
}

fn machine() -> Arc<dyn Runtime> {
    Arc::new(Machine::new())
}

/// A server takes our mail only where it said so three times and more.
pub fn smtp_client(octets: &[u8]) {
    let sent = block_on(carrier::bare::smtp_client(&machine(), octets));
    let successes = octets.windows(2).filter(|pair| pair.starts_with(b"2")).count();
    assert!(
        sent.is_err() || successes >= 5,
        "a greeting, EHLO, MAIL, RCPT and the end of the mail have each their answer"
    );
}

/// No mail is longer than it may be.
pub fn smtp_server(octets: &[u8]) {
    let mails = block_on(carrier::bare::smtp_server(&machine(), octets, 1_000));
    assert!(mails.iter().all(|mail| mail.len() <= 1_000));
}

/// The file of a network is read or refused, and what a network says is a number. Its last eight octets are made the
/// hash of the others, so that changes get past it.
pub fn network(octets: &[u8]) {
    let Some((before, _)) = octets.split_last_chunk::<8>() else { return };
    let hash = before
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3));
    let network = [before, &hash.to_le_bytes()].concat();
    let data = Data { lexicon: &[], brands: b"", domains: b"", rules: b"", weights: None, network: &network };
    let Ok(screen) = Screen::load(&data) else { return };
    for text in ["free spins at casino . com | link: bait", "\u{e9}", &String::from_utf8_lossy(before)] {
        assert!(screen.network_says(text).iter().all(|odds| odds.is_finite()));
    }
}

static SCREEN: LazyLock<Screen> =
    LazyLock::new(|| Screen::load(&BUILTIN).unwrap_or_else(|error| panic!("the data of the crate: {error}")));

/// Every text has scores from 0 to 1, and findings with spans that lie in it, in order.
pub fn screen(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let decision = SCREEN.decide(&text, &Policy::default());
    assert!(Category::ALL.iter().all(|category| (0.0..=1.0).contains(&decision.verdict.score(*category))));
    let length = text.chars().count();
    for finding in &decision.verdict.findings {
        let mut behind = 0;
        assert!(!finding.spans.is_empty());
        for span in &finding.spans {
            assert!(behind < span.start && span.start <= span.end && span.end <= length, "{span:?} of {length}");
            behind = span.end;
        }
    }
}

/// A template and, behind a zero, a text: the text passes under the template or does not, and one that is offered for
/// the text can be approved and passes it.
pub fn template(octets: &[u8]) {
    let mut parts = octets.splitn(2, |octet| *octet == 0).map(String::from_utf8_lossy);
    let (written, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let policy = Policy::default();
    if let Ok(template) = Template::parse(&written) {
        let _ = template.passes(&text, &policy, &SCREEN);
    }
    if let Ok(offer) = screening::offer(&[&text], &policy, &SCREEN) {
        let template = Template::parse(&offer.text).unwrap_or_else(|error| panic!("{}: {error}", offer.text));
        assert!(offer.fits == [true] && template.passes(&text, &policy, &SCREEN), "{}", offer.text);
    }
}
