//! Multimedia messages of handsets that the MMSC sends: `MM4_forward.REQ` and `DeliverReq`, again and again until they
//! are taken.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use wire::mm4::{Address, ForwardReq, MessageType, Request};
use wire::mm7::{self, Content, DeliverReq, Dialect, Message, Operation, Recipients};
use wire::mms::{self, Attachment, Part};

use super::handset::{Handset, InboundOptions, InboundVia};
use super::mm4::Mail;
use super::mm7::Delivered;
use super::notice::{About, Notice};
use super::{Protocol, Shared};
use crate::handsets::Place;

/// The files that messages of handsets carry.
///
/// # Errors
/// When one cannot be read.
pub(super) fn media(options: &InboundOptions) -> io::Result<Vec<(&'static str, Bytes)>> {
    let file = |path: &std::path::PathBuf| match std::fs::read(path) {
        Ok(bytes) => Ok((type_of(path), Bytes::from(bytes))),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    };
    options.inbound_media.iter().map(file).collect()
}

/// The media type that the name of a file suggests.
fn type_of(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "mp4" => "video/mp4",
        "3gp" => "video/3gpp",
        "amr" => "audio/amr",
        "mp3" => "audio/mpeg",
        "vcf" => "text/vcard",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// Sends a message until it is taken, or refused for good.
pub(super) fn send(shared: &Arc<Shared>, message: &Handset, media: &[(&'static str, Bytes)], place: Option<Place>) {
    let parts = parts(&message.text, media);
    let number = shared.next_transaction();
    let (id, transaction) = (format!("handset-{number}@{}", shared.options.domain), format!("handset-{number}"));
    let recipient = Some(message.to.join(","));
    let status = |protocol: Protocol| protocol.to_string();
    let to_spawn = Arc::clone(shared);
    match shared.options.inbound.inbound_via {
        InboundVia::Mm4 => {
            let Some(mail) = mail(shared, message, &transaction, &id, parts) else { return };
            let kind = MessageType { request: Request::Forward, is_answer: false }.name();
            let notice = Notice::new(kind, About::Message, id, recipient, status(Protocol::Mm4), mail).at(place);
            shared.spawn(async move { notice.until_taken(&to_spawn).await });
        }
        InboundVia::Mm7 => {
            let parcel = Delivered { message: deliver(shared, message, transaction), parts };
            let notice = Notice::new("DeliverReq", About::Message, id, recipient, status(Protocol::Mm7), parcel);
            let notice = notice.at(place);
            shared.spawn(async move { notice.until_taken(&to_spawn).await });
        }
    }
}

/// The text and the files, with a presentation of the text and the first of them.
fn parts(text: &str, media: &[(&'static str, Bytes)]) -> Vec<Part> {
    let mut files = media.iter();
    let first = files.next().map(|(content_type, bytes)| Attachment { content_type, extension: "bin", bytes });
    let mut parts = mms::parts(Some(text).filter(|text| !text.is_empty()), first);
    parts.extend(files.enumerate().map(|(at, (content_type, bytes))| Part {
        content_type: (*content_type).to_owned(),
        id: format!("file{at}"),
        location: format!("file{at}.bin"),
        bytes: bytes.clone(),
    }));
    parts
}

fn mail(shared: &Shared, message: &Handset, transaction: &str, id: &str, parts: Vec<Part>) -> Option<Mail> {
    let at = |number: &str, domain: &str| Address::number(number)?.at(domain);
    let from = at(&message.from, &shared.options.domain)?;
    let ours = &shared.options.inbound.inbound_domain;
    let to: Vec<Address> = message.to.iter().filter_map(|number| at(number, ours)).collect();
    let forward = ForwardReq {
        sender: Some(shared.system.clone()),
        originator_system: Some(shared.system.clone()),
        date: Some(shared.now_ms() / 1_000),
        ..ForwardReq::new(transaction.to_owned(), id.to_owned(), from, to.clone(), parts)
    };
    Some(Mail { from: shared.system.clone(), to, content: forward.build() })
}

fn deliver(shared: &Shared, message: &Handset, transaction_id: String) -> Box<Message> {
    let number = |number: &String| mm7::Address::Number(number.clone());
    let deliver = DeliverReq {
        relay_server_id: Some(shared.options.domain.clone()),
        sender: Some(number(&message.from)),
        recipients: Recipients { to: message.to.iter().map(number).collect(), ..Recipients::default() },
        content: Some(Content { id: "content".to_owned(), allow_adaptations: None }),
        ..DeliverReq::default()
    };
    let operation = Operation::DeliverReq(Box::new(deliver));
    Box::new(Message { dialect: Dialect::default(), transaction_id, operation })
}
