//! What a client of SMTP says (RFC 5321, 4.1.1), and lines as they are read on both sides.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The longest line: four times what RFC 5321, 4.5.3.1.4, asks for.
const LINE_BYTES_MAX: u64 = 2_048;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    /// From whom, and how large the message will be (RFC 1870).
    Mail {
        path: String,
        size_bytes: Option<usize>,
    },
    Rcpt {
        path: String,
    },
    Data,
    Rset,
    Noop,
    Quit,
    /// A command that is known, with something that is not.
    Malformed,
    Unknown,
}

impl Command {
    pub(super) fn parse(line: &str) -> Self {
        let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Self::Ehlo,
            "HELO" => Self::Helo,
            "MAIL" => path(rest, "FROM:").map_or(Self::Malformed, |(path, parameters)| {
                let size = parameters.split(' ').find_map(|word| {
                    word.get(..5).filter(|name| name.eq_ignore_ascii_case("SIZE=")).map(|_| &word[5..])
                });
                match size.map(str::parse).transpose() {
                    Ok(size_bytes) => Self::Mail { path, size_bytes },
                    Err(_) => Self::Malformed,
                }
            }),
            "RCPT" => path(rest, "TO:")
                .filter(|(path, _)| !path.is_empty())
                .map_or(Self::Malformed, |(path, _)| Self::Rcpt { path }),
            "DATA" => Self::Data,
            "RSET" => Self::Rset,
            "NOOP" => Self::Noop,
            "QUIT" => Self::Quit,
            _ => Self::Unknown,
        }
    }
}

/// What stands in the angle brackets after `FROM:` or `TO:`, and what follows them. Many write a blank before them.
fn path<'a>(text: &'a str, name: &str) -> Option<(String, &'a str)> {
    let rest =
        text.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name)).and_then(|_| text.get(name.len()..))?;
    let (path, parameters) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some((path.to_owned(), parameters.trim()))
}

/// The next line, with its end; `None` at the end of the connection.
///
/// # Errors
/// Also when a line is too long.
pub(super) async fn line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut octets = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut octets).await?;
    match octets.last() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Some(_) if octets.len() as u64 == LINE_BYTES_MAX => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"))
        }
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        let mail = |path: &str, size_bytes| Command::Mail { path: path.to_owned(), size_bytes };
        let rcpt = |path: &str| Command::Rcpt { path: path.to_owned() };
        for (line, command) in [
            ("EHLO me\r\n", Command::Ehlo),
            ("helo me\r\n", Command::Helo),
            ("MAIL FROM:<a@b>\r\n", mail("a@b", None)),
            ("mail from: <a@b> BODY=8BITMIME size=42\r\n", mail("a@b", Some(42))),
            ("MAIL FROM:<>\r\n", mail("", None)),
            ("MAIL FROM:a@b\r\n", Command::Malformed),
            ("MAIL FROM:<a@b> SIZE=x\r\n", Command::Malformed),
            ("MAIL\r\n", Command::Malformed),
            ("RCPT TO:<+1/TYPE=PLMN@b>\r\n", rcpt("+1/TYPE=PLMN@b")),
            ("RCPT TO:<>\r\n", Command::Malformed),
            ("RCPT \u{e9}\u{e9}\u{e9}\r\n", Command::Malformed),
            ("DATA\r\n", Command::Data),
            ("RSET\n", Command::Rset),
            ("NOOP\r\n", Command::Noop),
            ("QUIT\r\n", Command::Quit),
            ("STARTTLS\r\n", Command::Unknown),
            ("\r\n", Command::Unknown),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_a_bound() {
        let mut octets = &b"a\r\nb"[..];
        assert_eq!(line(&mut octets).await.unwrap().as_deref(), Some("a\r\n"));
        assert!(line(&mut octets).await.is_err());
        assert_eq!(line(&mut octets).await.unwrap(), None);
        assert!(line(&mut [b'x'; 5_000].as_slice()).await.is_err());
    }
}
