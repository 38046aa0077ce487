//! Servers that say no, say nonsense, say nothing or hang up, at each step.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::machine;

/// What a server does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Says this.
    Say(&'static str),
    /// Waits for a line that begins so.
    Hear(&'static str),
    /// Waits for the end of the mail.
    HearMail,
    /// Reads so many octets.
    HearOctets(usize),
    /// Says nothing for ever.
    Sleep,
}
use Act::{Hear, HearMail, HearOctets, Say, Sleep};

const GREETING: Act = Say("220 mms.peer.example\r\n");
const EHLO: [Act; 3] = [GREETING, Hear("EHLO mms.ours.example"), Say("250-mms.peer.example\r\n250 SIZE 100000\r\n")];
const SENDER: [Act; 2] = [Hear("MAIL FROM:<system@mms.ours.example> SIZE="), Say("250 2.1.0 ok\r\n")];
const RECIPIENT: [Act; 2] = [Hear("RCPT TO:<+12025550101/TYPE=PLMN@mms.peer.example>"), Say("250 2.1.5 ok\r\n")];
const DATA: [Act; 2] = [Hear("DATA"), Say("354 go on\r\n")];

/// Plays a server to its last act, and then hangs up.
async fn play(mut stream: DuplexStream, acts: Vec<Act>) {
    let mut input = Vec::new();
    for act in acts {
        match act {
            Say(text) => drop(stream.write_all(text.as_bytes()).await),
            Sleep => std::future::pending().await,
            HearOctets(count) => drop(stream.read_exact(&mut vec![0; count]).await),
            Hear(_) | HearMail => {
                let end: &[u8] = if matches!(act, HearMail) { b"\r\n.\r\n" } else { b"\r\n" };
                let line = loop {
                    if let Some(at) = input.windows(end.len()).position(|found| found == end) {
                        break input.drain(..at + end.len()).collect::<Vec<u8>>();
                    }
                    assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0, "the client hung up before {act:?}");
                };
                let line = String::from_utf8_lossy(&line);
                assert!(!matches!(act, Hear(wanted) if !line.starts_with(wanted)), "{act:?} and not {line}");
            }
        }
    }
}

/// Hands a mail to a server that does this, over a connection that holds `buffer` octets.
async fn send_to(acts: Vec<Act>, buffer: usize) -> Result<(), Failure> {
    let (theirs, ours) = tokio::io::duplex(buffer);
    let server = tokio::spawn(play(theirs, acts));
    let envelope = Envelope {
        from: "system@mms.ours.example".to_owned(),
        to: "+12025550101/TYPE=PLMN@mms.peer.example".to_owned(),
        mail: b"Subject: x\r\n\r\n.dot\r\n".repeat(20),
    };
    let deadline = machine().instant() + Duration::from_secs(60);
    let security = Security { starttls: None, is_required: false };
    let sent = match Connection::open(&machine(), Box::new(ours), "mms.ours.example", security, deadline).await {
        Ok(mut connection) => connection.send(&envelope, deadline).await,
        Err(failure) => Err(failure),
    };
    assert!(!server.is_finished() || server.await.is_ok(), "the server was told what it should not be");
    sent
}

fn acts(parts: &[&[Act]]) -> Vec<Act> {
    parts.concat()
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_handed_over_once_its_end_is_answered() {
    let taken = [HearMail, Say("250 2.0.0 taken\r\n")];
    assert_eq!(send_to(acts(&[&EHLO, &SENDER, &RECIPIENT, &DATA, &taken]), 64_000).await, Ok(()));
    let old = [
        GREETING,
        Hear("EHLO"),
        Say("502 what\r\n"),
        Hear("HELO mms.ours.example"),
        Say("250 hello\r\n"),
        Hear("MAIL FROM:<system@mms.ours.example>\r\n"),
        Say("250 ok\r\n"),
    ];
    assert_eq!(send_to(acts(&[&old, &RECIPIENT, &DATA, &taken]), 64_000).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn before_the_mail_nothing_has_left() {
    for script in [
        acts(&[]),
        acts(&[&[GREETING]]),
        acts(&[&[Say("220-mms\r\n")]]),
        acts(&[&[Say("SSH-2.0-OpenSSH\r\n")]]),
        acts(&[&[Sleep]]),
        acts(&[&[GREETING, Hear("EHLO")]]),
        acts(&[&[GREETING, Hear("EHLO"), Sleep]]),
        acts(&[&EHLO]),
        acts(&[&EHLO, &[Hear("MAIL"), Sleep]]),
        acts(&[&EHLO, &SENDER]),
        acts(&[&EHLO, &SENDER, &[Hear("RCPT"), Say("what\r\n")]]),
        acts(&[&EHLO, &SENDER, &RECIPIENT]),
        acts(&[&EHLO, &SENDER, &RECIPIENT, &[Hear("DATA")]]),
        acts(&[&EHLO, &SENDER, &RECIPIENT, &[Hear("DATA"), Sleep]]),
    ] {
        let sent = send_to(script.clone(), 64).await;
        assert!(matches!(sent, Err(Failure::NotSent(_))), "{script:?} {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_end_of_the_mail_only_a_part_has_left() {
    for during in [&[HearOctets(100)][..], &[HearOctets(100), Sleep]] {
        let sent = send_to(acts(&[&EHLO, &SENDER, &RECIPIENT, &DATA, during]), 64).await;
        assert!(matches!(sent, Err(Failure::InPart(_))), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_end_of_the_mail_only_an_answer_tells() {
    for (after, why) in [
        (&[HearMail][..], "the connection broke before the answer to the mail"),
        (&[HearMail, Say("25")], "the connection broke before the answer to the mail"),
        (&[HearMail, Sleep], "no answer to the mail in time"),
        (&[HearMail, Say("hello?\r\n")], "the reply is not an answer to the mail"),
        (&[HearMail, Say("354 more\r\n")], "the reply is not an answer to the mail"),
    ] {
        let script = acts(&[&EHLO, &SENDER, &RECIPIENT, &DATA, after]);
        assert_eq!(send_to(script, 64).await, Err(Failure::Unknown(why)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_say_no_at_each_step() {
    let no = |code: u16| Reply { code, lines: vec!["no".to_owned()] };
    for (script, step, code) in [
        (acts(&[&[Say("554 no\r\n")]]), Step::Hello, 554),
        (acts(&[&[Say("421 no\r\n")]]), Step::Hello, 421),
        (acts(&[&[GREETING, Hear("EHLO"), Say("450 no\r\n")]]), Step::Hello, 450),
        (acts(&[&[GREETING, Hear("EHLO"), Say("500 what\r\n"), Hear("HELO"), Say("504 no\r\n")]]), Step::Hello, 504),
        (acts(&[&EHLO, &[Hear("MAIL"), Say("451 no\r\n")]]), Step::Sender, 451),
        (acts(&[&EHLO, &SENDER, &[Hear("RCPT"), Say("550 no\r\n")]]), Step::Recipient, 550),
        (acts(&[&EHLO, &SENDER, &RECIPIENT, &[Hear("DATA"), Say("554 no\r\n")]]), Step::Data, 554),
        (acts(&[&EHLO, &SENDER, &RECIPIENT, &DATA, &[HearMail, Say("451 no\r\n")]]), Step::End, 451),
        (acts(&[&EHLO, &SENDER, &RECIPIENT, &DATA, &[HearMail, Say("554 no\r\n")]]), Step::End, 554),
    ] {
        assert_eq!(send_to(script, 64_000).await, Err(Failure::Refused(step, no(code))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_longer_than_the_server_takes_is_not_begun() {
    let small = [GREETING, Hear("EHLO"), Say("250-mms\r\n250 size 100\r\n"), Sleep];
    assert_eq!(send_to(acts(&[&small]), 64_000).await, Err(Failure::TooLong));
    let unbounded = [GREETING, Hear("EHLO"), Say("250-mms\r\n250 SIZE 0\r\n")];
    let taken = [HearMail, Say("250 taken\r\n")];
    assert_eq!(send_to(acts(&[&unbounded, &SENDER, &RECIPIENT, &DATA, &taken]), 64_000).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_in_the_clear_where_tls_is_required() {
    let (theirs, ours) = tokio::io::duplex(1_000);
    let server = tokio::spawn(play(theirs, acts(&[&EHLO])));
    let security = Security { starttls: None, is_required: true };
    let opened = Connection::open(
        &machine(),
        Box::new(ours),
        "mms.ours.example",
        security,
        machine().instant() + Duration::from_secs(60),
    )
    .await;
    assert_eq!(opened.err(), Some(Failure::NotSent("it does not offer STARTTLS".to_owned())));
    server.await.unwrap();
}
