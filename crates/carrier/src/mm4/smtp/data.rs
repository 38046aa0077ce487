//! The mail between `DATA` and the line with nothing but a dot (RFC 5321, 4.5.2).

use std::io;

use super::lines::Lines;
use crate::connect::Stream;

/// A mail as it is sent, without the line that ends it: a line that begins with a dot gets another, and the last line
/// has an end.
pub(super) fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

/// Reads a mail to its end. `None` when it has more than `bytes_max` octets; it is read to its end all the same, so
/// that the peer gets its answer.
pub(super) async fn read<S: Stream>(lines: &mut Lines<S>, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut mail = Vec::new();
    let mut is_too_long = false;
    loop {
        let line = lines.line(bytes_max).await?;
        if line[..] == b"."[..] {
            return Ok((!is_too_long).then_some(mail));
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        is_too_long |= mail.len() + line.len() + 2 > bytes_max;
        if is_too_long {
            mail = Vec::new();
        } else {
            mail.extend_from_slice(line);
            mail.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::machine;

    /// What is read of these octets, with room for them all.
    fn received(octets: &[u8], bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut peer, ours) = tokio::io::duplex(octets.len() + 1);
            peer.write_all(octets).await.unwrap();
            drop(peer);
            read(&mut Lines::new(machine(), ours, machine().instant() + Duration::from_secs(60)), bytes_max).await
        })
    }

    #[test]
    fn only_a_dot_between_two_whole_line_ends_ends_a_mail() {
        for (sent, mail) in [
            (&b".\r\n"[..], Some(&b""[..])),
            (b"a\r\n.\r\n", Some(b"a\r\n")),
            (b"a\r\n..b\r\n...\r\n.\r\n", Some(b"a\r\n.b\r\n..\r\n")),
            // What servers were smuggled mails with: none of these is an end.
            (b"a\n.\r\nb\r\n.\r\n", Some(b"a\n.\r\nb\r\n")),
            (b"a\n.\nb\r\n.\r\n", Some(b"a\n.\nb\r\n")),
            (b"a\r\n.\nb\r\n.\r\n", Some(b"a\r\n\nb\r\n")),
            (b"a\r\n.\rb\r\n.\r\n", Some(b"a\r\n\rb\r\n")),
            (b"a\r.\r\nb\r\n.\r\n", Some(b"a\r.\r\nb\r\n")),
            (b"a\r\n", None),
            (b"a\r\n.\r", None),
        ] {
            let read = received(sent, 1_000);
            assert_eq!(read.ok().flatten().as_deref(), mail, "{:?}", sent.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_mail_that_is_too_long_is_read_to_its_end_and_not_kept() {
        let long = b"0123456789\r\n".repeat(20);
        let sent = [&long[..], b".\r\n"].concat();
        assert_eq!(received(&sent, 100).unwrap(), None);
        assert_eq!(received(&sent, long.len()).unwrap(), Some(long));
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn a_mail_arrives_as_it_was_sent(lines in prop::collection::vec("[.a\u{fc}]{0,5}", 0..20)) {
            let mail: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let sent = [&stuffed(mail.as_bytes())[..], b".\r\n"].concat();
            let expected = if mail.is_empty() { "\r\n" } else { mail.as_str() };
            prop_assert_eq!(received(&sent, 1_000).unwrap(), Some(expected.as_bytes().to_vec()));
        }
    }
}
