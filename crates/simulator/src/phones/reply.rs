//! Messages that handsets send on request.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::answer::{Answered, Refusal, json_answer};
use super::input::Fields;
use super::{PICTURE, Phones};
use crate::handsets::{Change, Number, Progress};
use crate::mmsc::NoAddress;
use crate::smsc::{How, NotSent};

/// How long an answer of the platform is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest text, in characters.
const TEXT_CHARS_MAX: usize = 10_000;

/// The types that a picture may have.
const TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/gif"];

/// A message that a handset is asked to send.
pub(super) struct Reply<'a> {
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) how: How,
    /// A media type and what the picture holds: then it goes by MM4, whatever `how` is.
    pub(super) picture: Option<(&'static str, Bytes)>,
}

/// A message that is on its way.
pub(super) struct OnItsWay {
    id: u64,
    by: &'static str,
    changes: Receiver<Change>,
}

/// The picture for those who have none at hand.
pub(super) const fn sample() -> (&'static str, Bytes) {
    ("image/jpeg", Bytes::from_static(PICTURE))
}

/// Sends a message of a handset as the fields say, and tells what the platform made of it.
pub(super) async fn send(phones: &Phones, from: &Number, fields: &Fields) -> Answered {
    let reply = Reply {
        to: fields.needed("to")?,
        text: fields.text("text")?.unwrap_or_default(),
        how: fields.text("how")?.map_or(Ok(How::Plain), str::parse).map_err(Refusal::wrong)?,
        picture: fields.value("picture").map(picture).transpose()?,
    };
    let OnItsWay { id, by, changes } = reply.write(phones, from)?;
    let progress = settled(phones, from, id, changes).await;
    Ok(json_answer(StatusCode::ACCEPTED, &told(id, by, &progress)))
}

impl Reply<'_> {
    /// Hands it to the simulator, without waiting for the platform's answer.
    ///
    /// # Errors
    /// A 400 that names the field, or a 409 where nothing can be sent.
    pub(super) fn write(self, phones: &Phones, from: &Number) -> Result<OnItsWay, Refusal> {
        let Self { to, text, how, picture } = self;
        if to.is_empty() || to.len() > 20 || !to.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::wrong("`to` is one of the platform's numbers, such as +18005550100"));
        }
        let makes_text = matches!(how, How::Long | How::Emoji | How::OutOfOrder | How::Stop);
        if text.is_empty() && picture.is_none() && !makes_text {
            return Err(Refusal::wrong("`text` is missing: it is a text that is not empty"));
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(Refusal::wrong(format!("`text` has at most {TEXT_CHARS_MAX} characters")));
        }
        let changes = phones.handsets.changes();
        let (id, by) = match picture {
            Some(picture) => (by_mail(phones, from, to, (text, picture))?, "MM4_forward.REQ"),
            None => (by_smpp(phones, from, to, (text, how))?, "deliver_sm"),
        };
        Ok(OnItsWay { id, by, changes })
    }
}

fn by_smpp(phones: &Phones, from: &Number, to: &str, message: (&str, How)) -> Result<u64, Refusal> {
    let Some(keyboard) = &phones.keyboard else {
        let sentence = "this simulator has no SMSC: handsets send only pictures, by MM4";
        return Err(Refusal::new(StatusCode::CONFLICT, "no_smsc", sentence));
    };
    keyboard.write(&phones.handsets, from, to, message).map_err(|why| match why {
        NotSent::NoSession => Refusal::new(StatusCode::CONFLICT, "no_session", why.to_string()),
        NotSent::Text(_) => Refusal::wrong(why.to_string()),
    })
}

fn by_mail(phones: &Phones, from: &Number, to: &str, message: (&str, (&'static str, Bytes))) -> Result<u64, Refusal> {
    let Some(camera) = &phones.camera else {
        let sentence = "this simulator has no MMSC: handsets send no pictures";
        return Err(Refusal::new(StatusCode::CONFLICT, "no_mmsc", sentence));
    };
    camera.send(&phones.handsets, from, to, message).map_err(|why| match why {
        NoAddress::Unknown => Refusal::new(StatusCode::CONFLICT, "no_address", why.to_string()),
        NoAddress::NoNumber => Refusal::wrong(why.to_string()),
    })
}

/// A picture of a request: the word `sample`, or an object with `type` and `base64`.
fn picture(value: &Value) -> Result<(&'static str, Bytes), Refusal> {
    if value.as_str() == Some("sample") {
        return Ok(sample());
    }
    let of = |name: &str| value.get(name).and_then(Value::as_str);
    let wrong = || {
        Refusal::wrong(
            "`picture` is \"sample\", or an object with `type` (image/jpeg, image/png or image/gif) \
        and `base64`",
        )
    };
    let content_type = TYPES.into_iter().find(|known| of("type") == Some(*known)).ok_or_else(wrong)?;
    let octets = STANDARD.decode(of("base64").ok_or_else(wrong)?).map_err(|_| wrong())?;
    if octets.is_empty() { Err(wrong()) } else { Ok((content_type, octets.into())) }
}

/// How far a message has come once the platform has answered every part, or [`ANSWER_TIMEOUT`] has passed.
async fn settled(phones: &Phones, from: &Number, id: u64, mut changes: Receiver<Change>) -> Progress {
    let now = || phones.handsets.progress(from, id).unwrap_or_default();
    let is_settled = |progress: &Progress| progress.acknowledged + progress.refused.len() >= progress.parts;
    let answered = async {
        while !is_settled(&now()) {
            if let Err(RecvError::Closed) = changes.recv().await {
                return;
            }
        }
    };
    // What has not come by then is told as it stands.
    let _ = phones.runtime.timeout(ANSWER_TIMEOUT, answered).await;
    now()
}

fn told(id: u64, by: &str, progress: &Progress) -> Value {
    json!({
        "id": id, "by": by, "parts": progress.parts, "sent": progress.sent, "acknowledged": progress.acknowledged,
        "refused": progress.refused,
    })
}
