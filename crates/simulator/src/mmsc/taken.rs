//! A message that was taken, and what is kept of it.

use std::fmt;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use wire::mms::{Part, SMIL};

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// By MM4.
    Mm4,
    /// By MM7.
    Mm7,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mm4 => "mm4",
            Self::Mm7 => "mm7",
        })
    }
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How it came.
    pub protocol: Protocol,
    /// The session that it came in.
    pub session: u64,
    /// Its number, counted from 1 over its protocol.
    pub number: u64,
    /// The id of its transaction.
    pub transaction_id: String,
    /// The id that reports name it by: its sender's in MM4, this MMSC's in MM7.
    pub message_id: String,
    /// Who sends it: digits, or what else stands there.
    pub from: Option<String>,
    /// For whom it is: digits, or what else stands there.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// Whether reports are wanted.
    pub wants_report: bool,
    /// What it holds.
    pub content: Content,
}

/// What a message holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Its first plain text.
    pub text: Option<String>,
    /// Everything else but the presentation, in order.
    pub media: Vec<Media>,
    /// Whether it has a presentation.
    pub has_smil: bool,
}

/// A part that is neither the presentation nor the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its media type, without parameters.
    pub content_type: String,
    /// How large it is.
    pub size_bytes: usize,
    /// The SHA-256 of its octets, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Media {
    fn line(&self) -> serde_json::Value {
        serde_json::json!({"type": self.content_type, "bytes": self.size_bytes, "sha256": self.sha256})
    }
}

impl Content {
    /// What these parts hold, and the octets of the media.
    pub(crate) fn of(parts: &[Part]) -> (Self, Vec<&Part>) {
        let (mut content, mut kept) = (Self::default(), Vec::new());
        for part in parts {
            let content_type = part.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if content_type == SMIL {
                content.has_smil = true;
            } else if content_type == "text/plain" && content.text.is_none() {
                content.text = Some(String::from_utf8_lossy(&part.bytes).into_owned());
            } else {
                let sha256 = Sha256::digest(&part.bytes).iter().map(|octet| format!("{octet:02x}")).collect();
                content.media.push(Media { content_type, size_bytes: part.bytes.len(), sha256 });
                kept.push(part);
            }
        }
        (content, kept)
    }
}

impl Taken {
    /// The line of the log about it.
    pub(crate) fn line(&self, reply: &str, log_text: bool) -> serde_json::Value {
        let media: Vec<_> = self.content.media.iter().map(Media::line).collect();
        let mut line = serde_json::json!({
            "event": "taken", "protocol": self.protocol.to_string(), "session": self.session, "number": self.number,
            "transaction_id": self.transaction_id, "message_id": self.message_id, "from": self.from, "to": self.to,
            "wants_report": self.wants_report, "smil": self.content.has_smil,
            "text_bytes": self.content.text.as_ref().map(String::len), "media": media, "reply": reply,
        });
        if log_text {
            line["text"] = self.content.text.clone().into();
            line["subject"] = self.subject.clone().into();
        }
        line
    }
}

/// Writes a medium under its hash. Whoever finds the file finds all of it.
pub(crate) async fn keep(directory: &Path, media: &Media, octets: &[u8], number: u64) -> io::Result<()> {
    let path = directory.join(&media.sha256);
    if tokio::fs::try_exists(&path).await? {
        return Ok(());
    }
    let unfinished = directory.join(format!("{}.{number}.part", media.sha256));
    tokio::fs::write(&unfinished, octets).await?;
    tokio::fs::rename(&unfinished, &path).await
}
