//! An SMTP reply (RFC 5321, 4.2): a code of three digits, perhaps an enhanced one (RFC 3463), and a text.

use std::io;

use super::lines::Lines;
use crate::connect::Stream;

/// The longest line of a reply that is read. RFC 5321, 4.5.3.1.5 says 512; some servers explain themselves at length.
const LINE_BYTES_MAX: usize = 4_096;
/// The most lines of a reply.
const LINES_MAX: usize = 128;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Three digits.
    pub(crate) code: u16,
    /// Its lines without the code.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// Reads one of any number of lines. A last line that the end of the connection cut counts if its code is there:
    /// nothing else of it matters.
    ///
    /// # Errors
    /// `InvalidData` for what is no reply, and what goes wrong with the connection.
    pub(super) async fn read<S: Stream>(from: &mut Lines<S>) -> io::Result<Self> {
        let no_reply = || io::Error::new(io::ErrorKind::InvalidData, "the input is not an SMTP reply");
        let mut reply = Self { code: 0, lines: Vec::new() };
        loop {
            let line = match from.line(LINE_BYTES_MAX).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Some(from.rest()).filter(|rest| has_code(rest)).ok_or(error)?
                }
                line => line?,
            };
            let line = String::from_utf8_lossy(&line);
            let code: u16 = line
                .get(..3)
                .and_then(|code| code.parse().ok())
                .filter(|code| (200..600).contains(code))
                .ok_or_else(no_reply)?;
            let (is_last, text) = match line.as_bytes().get(3) {
                None | Some(b'\r') => (true, ""),
                Some(b' ') => (true, line.get(4..).unwrap_or_default()),
                Some(b'-') => (false, line.get(4..).unwrap_or_default()),
                Some(_) => return Err(no_reply()),
            };
            if reply.lines.len() == LINES_MAX || !reply.lines.is_empty() && code != reply.code {
                return Err(no_reply());
            }
            reply.code = code;
            reply.lines.push(text.to_owned());
            if is_last {
                return Ok(reply);
            }
        }
    }

    /// Whether what was asked is done.
    pub(crate) const fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// The finer code, as `5.1.1`: class, subject and detail (RFC 3463, 2).
    pub(crate) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut numbers = word.split('.');
        let is_number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        (numbers.clone().count() == 3 && numbers.all(is_number)).then_some(word)
    }

    /// Both codes, and none of the words: they may hold a number.
    pub(crate) fn codes(&self) -> String {
        self.enhanced()
            .map_or_else(|| format!("SMTP {}", self.code), |enhanced| format!("SMTP {} {enhanced}", self.code))
    }
}

/// Whether a line begins with a code that no other digits continue, and is the last of its reply.
fn has_code(line: &[u8]) -> bool {
    line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit) && matches!(line.get(3), None | Some(b' ' | b'\r'))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::machine;

    async fn read(octets: &[u8]) -> Option<(u16, String)> {
        let (mut peer, ours) = tokio::io::duplex(100_000);
        peer.write_all(octets).await.unwrap();
        drop(peer);
        let reply = Reply::read(&mut Lines::of_replies(machine(), ours, machine().instant() + Duration::from_secs(60)))
            .await
            .ok()?;
        Some((reply.code, reply.codes()))
    }

    #[tokio::test(start_paused = true)]
    async fn replies_are_read_with_their_codes_or_not_at_all() {
        for (octets, codes) in [
            (&b"250 ok\r\n"[..], Some((250, "SMTP 250"))),
            (b"250\r\n", Some((250, "SMTP 250"))),
            (b"250-mms.example.net\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", Some((250, "SMTP 250"))),
            (b"550 5.1.1 +12025550101 is unknown\r\n", Some((550, "SMTP 550 5.1.1"))),
            (b"550-5.7.1 no\r\n550 5.7.1 way\r\n", Some((550, "SMTP 550 5.7.1"))),
            (b"450 4.2 later\r\n", Some((450, "SMTP 450"))),
            (b"250 ok\n", Some((250, "SMTP 250"))),
            (b"250-mms.example.net\n250-SIZE 1000\r\n250 STARTTLS\n", Some((250, "SMTP 250"))),
            (b"421\n", Some((421, "SMTP 421"))),
            (b"250", Some((250, "SMTP 250"))),
            (b"250 queued as 4", Some((250, "SMTP 250"))),
            (b"250-more\n250 queued", Some((250, "SMTP 250"))),
            (b"250-more", None),
            (b"2501", None),
            (b"25", None),
            (b"\n", None),
            (b"99 what\r\n", None),
            (b"700 what\r\n", None),
            (b"2500 ok\r\n", None),
            (b"250-a\r\n251 b\r\n", None),
            (b"HTTP/1.1 400 Bad Request\r\n", None),
            (b"\xff\xff\xff\r\n", None),
            (b"", None),
            (&b"250-again\r\n".repeat(LINES_MAX + 1), None),
            (&b"2".repeat(LINE_BYTES_MAX + 9), None),
        ] {
            assert_eq!(read(octets).await, codes.map(|(code, text)| (code, text.to_owned())));
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn any_octets_are_a_reply_or_none(
            octets in prop::collection::vec(any::<u8>(), 0..200),
            head in "[2-5][0-9]{2}[- ]([0-9]\\.){0,3}",
        ) {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let _ = read(&octets).await;
                let _ = read(&[head.as_bytes(), &octets, b"\r\n"].concat()).await;
            });
        }
    }
}
