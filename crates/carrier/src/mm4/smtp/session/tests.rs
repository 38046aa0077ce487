//! The commands of a peer: their order and their limits.

use std::sync::Mutex;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::machine;

/// Keeps what comes, and answers by the mail's first letter.
#[derive(Default)]
struct Kept(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Inbox for Kept {
    async fn take(&self, envelope: &Envelope, mail: &[u8]) -> Taken {
        self.0.lock().unwrap().push((envelope.from().to_owned(), String::from_utf8_lossy(mail).into_owned()));
        let verdict = match mail.first() {
            Some(b'L') => Verdict::TryLater,
            Some(b'N') => Verdict::NotUnderstood,
            Some(b'S') => Verdict::TooLarge,
            _ => Verdict::Taken,
        };
        verdict.into()
    }

    fn too_long(&self) {}
}

struct Stage {
    peer: tokio::io::DuplexStream,
    kept: std::sync::Arc<Kept>,
    closing: watch::Sender<bool>,
    served: JoinHandle<io::Result<()>>,
}

fn stage() -> Stage {
    let (peer, ours) = tokio::io::duplex(100_000);
    let (closing, is_closing) = watch::channel(false);
    let kept = std::sync::Arc::new(Kept::default());
    let inbox = std::sync::Arc::clone(&kept);
    let served = tokio::spawn(async move {
        let rules =
            Rules { domain: "mms.ours.example".to_owned(), bytes_max: 1_000, idle: Duration::from_secs(60), tls: None };
        Session::new(&machine(), &rules, &*inbox).serve(Box::new(ours), is_closing).await
    });
    Stage { peer, kept, closing, served }
}

impl Stage {
    /// Says all of it and nothing more; what was answered.
    async fn say(mut self, text: &[u8]) -> (Vec<String>, Vec<(String, String)>) {
        self.peer.write_all(text).await.unwrap();
        self.peer.shutdown().await.unwrap();
        let mut answers = String::new();
        self.peer.read_to_string(&mut answers).await.unwrap();
        let kept = std::mem::take(&mut *self.kept.0.lock().unwrap());
        (answers.split_terminator("\r\n").map(str::to_owned).collect(), kept)
    }

    /// The next answer of one line.
    async fn hear(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.peer.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}

/// The codes of the answers to these lines, the greeting's left out.
async fn codes(lines: &[&str]) -> Vec<u16> {
    let (answers, _) = stage().say(lines.iter().map(|line| format!("{line}\r\n")).collect::<String>().as_bytes()).await;
    answers
        .iter()
        .skip(1)
        .filter(|answer| answer.as_bytes()[3] == b' ')
        .map(|answer| answer[..3].parse().unwrap())
        .collect()
}

const MAIL: &str = "MAIL FROM:<system@mms.peer.example> SIZE=100 BODY=8BITMIME";
const RCPT: &str = "RCPT TO:<+12025550101/TYPE=PLMN@mms.ours.example>";

#[tokio::test(start_paused = true)]
async fn mails_are_taken_as_they_are_sent_one_after_the_other() {
    let talk = format!(
        "EHLO peer\r\n{MAIL}\r\n{RCPT}\r\nRCPT TO:<b@c>\r\nDATA\r\n..a\r\nb\r\n.\r\nMAIL \
         FROM:<>\r\n{RCPT}\r\nDATA\r\nLater\r\n.\r\nQUIT\r\n"
    );
    let (answers, kept) = stage().say(talk.as_bytes()).await;
    assert_eq!(answers[0], "220 mms.ours.example ESMTP MM4");
    assert_eq!(
        answers[1..6],
        ["250-mms.ours.example", "250-PIPELINING", "250-8BITMIME", "250-ENHANCEDSTATUSCODES", "250 SIZE 1000"]
    );
    let codes: Vec<&str> = answers[6..].iter().map(|answer| &answer[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "354", "250", "250", "250", "354", "451", "221"]);
    let kept: Vec<_> = kept.iter().map(|(from, mail)| (from.as_str(), mail.as_str())).collect();
    assert_eq!(kept, [("system@mms.peer.example", ".a\r\nb\r\n"), ("", "Later\r\n")]);
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_mail_is_told_by_its_code() {
    for (mail, code) in [("Taken", 250), ("Later", 451), ("Not understood", 554), ("Served: too large", 552)] {
        assert_eq!(codes(&["HELO x", MAIL, RCPT, "DATA", mail, "."]).await, [250, 250, 250, 354, code], "{mail}");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_have_an_order_and_a_form() {
    for (lines, expected) in [
        (&["MAIL FROM:<a@b>"][..], &[503][..]),
        (&["EHLO x", "RCPT TO:<a@b>"], &[250, 503]),
        (&["EHLO x", "DATA"], &[250, 503]),
        (&["EHLO x", "MAIL FROM:<a@b>", "DATA"], &[250, 250, 503]),
        (&["EHLO x", "MAIL FROM:<a@b>", "MAIL FROM:<a@b>"], &[250, 250, 503]),
        (&["EHLO x", "MAIL FROM:<a@b>", "RSET", "RCPT TO:<a@b>"], &[250, 250, 250, 503]),
        (&["EHLO x", "MAIL FROM:<a@b>", "EHLO x", "RCPT TO:<a@b>"], &[250, 250, 250, 503]),
        (&["EHLO x", "MAIL FROM:<a@b> SIZE=1001"], &[250, 552]),
        (&["EHLO x", "MAIL FROM: a"], &[250, 501]),
        (&["helo x", "noop", "vrfy root", "quit", "noop"], &[250, 250, 252, 221]),
        (&["STARTTLS", "AUTH PLAIN AAAA", "BDAT 10", "HELP", "GET / HTTP/1.1", ""], &[502, 502, 502, 502, 502, 502]),
        (&["EHLO x\rMAIL FROM:<a@b>", "NOOP\0"], &[500, 500]),
        (&["EHLO x\nMAIL FROM:<a@b>", "NOOP"], &[500]),
    ] {
        let found = codes(lines).await;
        // What is no command may be answered as that or as one that is not understood.
        let alike = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(found, expected)| found == expected || *expected == 502 && (500..505).contains(found));
        assert!(alike, "{lines:?} {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_a_bound_to_everything() {
    let recipients: Vec<&str> =
        ["EHLO x", MAIL].into_iter().chain(std::iter::repeat_n(RCPT, RECIPIENTS_MAX + 1)).collect();
    assert_eq!(codes(&recipients).await.last(), Some(&452));
    assert_eq!(codes(&[&"x".repeat(COMMAND_BYTES_MAX + 1), "NOOP"]).await, [500]);
    let long = "x".repeat(900);
    assert_eq!(codes(&["EHLO x", MAIL, RCPT, "DATA", &long, &long, ".", "NOOP"]).await, [250, 250, 250, 354, 552, 250]);
    let mistakes = codes(&vec!["what"; MISTAKES_MAX as usize + 10]).await;
    assert_eq!((mistakes.len(), mistakes.last()), (MISTAKES_MAX as usize + 2, Some(&421)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_told_and_left() {
    let mut stage = stage();
    assert!(stage.hear().await.starts_with("220 "));
    assert_eq!(stage.hear().await, "421 4.4.2 Nothing was said for too long");
    assert!(stage.served.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_left() {
    let (mut peer, ours) = tokio::io::duplex(256);
    let (_closing, is_closing) = watch::channel(false);
    let served = tokio::spawn(async move {
        let rules =
            Rules { domain: "mms.ours.example".to_owned(), bytes_max: 1_000, idle: Duration::from_secs(60), tls: None };
        Session::new(&machine(), &rules, &Kept::default()).serve(Box::new(ours), is_closing).await
    });
    let start = Instant::now();
    while peer.write_all(b"NOOP\r\n").await.is_ok() {}
    assert_eq!(
        (served.await.unwrap().unwrap_err().kind(), start.elapsed()),
        (io::ErrorKind::TimedOut, Duration::from_secs(60))
    );
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_does_not_end_is_given_up() {
    let mut stage = stage();
    stage.peer.write_all(format!("HELO x\r\n{MAIL}\r\n{RCPT}\r\nDATA\r\nhalf").as_bytes()).await.unwrap();
    let start = Instant::now();
    assert_eq!(stage.served.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!((start.elapsed(), stage.kept.0.lock().unwrap().len()), (DATA_TIMEOUT, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_the_listener_closes() {
    let mut stage = stage();
    assert!(stage.hear().await.starts_with("220 "));
    stage.closing.send_replace(true);
    assert_eq!(stage.hear().await, "421 4.3.2 Closing");
    assert!(stage.served.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_smuggled_mail_is_seen() {
    let inner = "MAIL FROM:<evil@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nevil\r\n";
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r"] {
        let talk = format!("HELO x\r\n{MAIL}\r\n{RCPT}\r\nDATA\r\ngood{end}{inner}.\r\nQUIT\r\n");
        let (_, kept) = stage().say(talk.as_bytes()).await;
        assert_eq!(kept.len(), 1, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_whose_lines_end_with_a_line_feed_alone_hears_so_at_once() {
    for said in ["EHLO x\n", "EHLO x\r\nMAIL FROM:<a@b>\n", "\n"] {
        let mut stage = stage();
        stage.peer.write_all(said.as_bytes()).await.unwrap();
        let mut last = String::new();
        while !last.starts_with("500") {
            last = stage.hear().await;
        }
        assert_eq!(last, "500 5.5.2 A line ends with CR LF", "{said:?}");
        assert!(stage.served.await.unwrap().is_ok());
    }
}

/// Talks that are nearly SMTP.
fn almost_talks() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "EHLO x",
        "HELO",
        "MAIL FROM:<",
        "a@b>",
        "> SIZE=",
        "RCPT TO:<",
        "+12025550101/TYPE=PLMN@x>",
        "DATA",
        "RSET",
        "QUIT",
        "STARTTLS",
        "BDAT 99999999999999999999",
        "NOOP",
        "AUTH PLAIN ",
        "BODY=8BITMIME",
        "ORCPT=rfc822;",
        "HOLDFOR=99999999999999999999",
        ".",
        "..",
        "\"",
        "\\",
        "",
    ];
    let piece = (
        prop::sample::select(words),
        prop::collection::vec(any::<u8>(), 0..8),
        prop::sample::select(vec!["\r\n", "\r\n", "\n", "\r", " ", ""]),
    );
    prop::collection::vec(piece, 0..40).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(word, octets, end)| [word.as_bytes(), &octets, end.as_bytes()].concat()).collect()
    })
}

proptest! {
    #![proptest_config(trials::config(256))]

    #[test]
    fn whatever_a_peer_says_it_is_answered_and_left(
        talk in prop_oneof![almost_talks(), prop::collection::vec(any::<u8>(), 0..400)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (answers, _) = runtime.block_on(async { stage().say(&talk).await });
        prop_assert!(
            answers.iter().all(|answer| answer.as_bytes().iter().take(3).all(u8::is_ascii_digit)),
            "{:?}",
            answers
        );
    }
}
