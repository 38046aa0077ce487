//! Where a message or a broadcast stood when its client was answered, as an idempotency record keeps it.
//!
//! The answer itself is written anew for each repeat, from the request, which is the same, and from this: so no text
//! and no number lies in the record, and the texts of messages may be removed while their keys are remembered. Earlier
//! builds kept the whole answer, which begins with `{`.

use model::{BroadcastStatus, Delivery, ErrorType, Status, Timestamp};

/// What a record says of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Recorded<T> {
    /// Where it stood.
    Standing(T),
    /// The answer, to the letter.
    Whole(String),
}

/// What a client hears of where a message stands.
pub(crate) fn of_message(delivery: &Delivery) -> String {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.as_millis().to_string());
    format!(
        "{} {} {} {} {} {} {}",
        delivery.status.as_str(),
        time(delivery.sent_at),
        time(delivery.delivered_at),
        time(delivery.failed_at),
        u8::from(delivery.receipt_missing),
        delivery.error_type.map_or("-", ErrorType::as_str),
        delivery.error_message.as_deref().map(|sentence| format!("+{sentence}")).unwrap_or_default(),
    )
}

/// Reads what [`of_message`] wrote; what it did not write is an answer.
pub(crate) fn message(record: String) -> Recorded<Delivery> {
    read(&record).map_or(Recorded::Whole(record), Recorded::Standing)
}

fn read(record: &str) -> Option<Delivery> {
    let mut fields = record.splitn(7, ' ');
    let status = Status::parse(fields.next()?)?;
    let time = |field: Option<&str>| match field? {
        "-" => Some(None),
        millis => millis.parse().ok().map(Timestamp::from_millis).map(Some),
    };
    let (sent_at, delivered_at, failed_at) = (time(fields.next())?, time(fields.next())?, time(fields.next())?);
    let receipt_missing = fields.next()? == "1";
    let error_type = match fields.next()? {
        "-" => None,
        word => Some(ErrorType::parse(word)?),
    };
    let error_message = fields.next()?.strip_prefix('+').map(str::to_owned);
    Some(Delivery {
        status,
        sent_at,
        delivered_at,
        failed_at,
        receipt_missing,
        error_type,
        error_message,
        ..Delivery::queued("")
    })
}

/// Reads the status of a broadcast; what is none is an answer.
pub(crate) fn broadcast(record: String) -> Recorded<BroadcastStatus> {
    BroadcastStatus::parse(&record).map_or(Recorded::Whole(record), Recorded::Standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_message_stood_reads_back_and_older_answers_are_kept_to_the_letter() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let sent = Delivery { status: Status::Sent, sent_at: at(1_773_585_000_000), ..Delivery::queued("") };
        let failed = Delivery {
            status: Status::Failed,
            failed_at: at(-1),
            error_type: Some(ErrorType::CarrierRejected),
            error_message: Some("refused: 0x0B, no such number".to_owned()),
            ..Delivery::queued("")
        };
        let told = Delivery { error_message: Some(String::new()), receipt_missing: true, ..sent.clone() };
        for delivery in [Delivery::queued(""), sent, failed, told] {
            assert_eq!(message(of_message(&delivery)), Recorded::Standing(delivery));
        }
        for whole in ["{\"id\":\"msg_1\",\"status\":\"sent\"}", "", "sent", "sent - - -", "sent x - - 0 - "] {
            assert_eq!(message(whole.to_owned()), Recorded::Whole(whole.to_owned()));
            let known = BroadcastStatus::parse(whole).is_some();
            assert!(known || broadcast(whole.to_owned()) == Recorded::Whole(whole.to_owned()));
        }
        assert_eq!(broadcast("sending".to_owned()), Recorded::Standing(BroadcastStatus::Sending));
    }
}
