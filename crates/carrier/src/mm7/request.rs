//! From a submission to the `SubmitReq` that hands it over.

use model::{Msisdn, Originator};
use wire::mm7::post::{self, Post};
use wire::mm7::{Address, Content, Dialect, Message, Operation, Recipients, SubmitReq};

use super::config::Mm7Config;
use crate::Submission;
use crate::keys::ValidityForm;

/// The `Content-ID` of what is sent.
const CONTENT_ID: &str = "content";

/// Writes requests in the manner that one MMSC wants.
pub(crate) struct Writer {
    dialect: Dialect,
    /// What every request says.
    every: SubmitReq,
    validity: ValidityForm,
    keep_plus: bool,
    max_bytes: usize,
}

/// What a submission is to the MMSC.
pub(crate) enum Request {
    /// This is sent.
    Post(Post),
    /// More than it takes.
    TooLarge {
        /// How much, for the event.
        status: String,
    },
}

impl Writer {
    pub(crate) fn new(config: &Mm7Config) -> Self {
        let every = SubmitReq {
            vasp_id: config.vasp_id.clone(),
            vas_id: config.vas_id.clone(),
            service_code: config.service_code.clone(),
            message_class: config.message_class.clone(),
            delivery_report: Some(config.delivery_reports),
            priority: config.priority.clone(),
            charged_party: config.charged_party.clone(),
            distribution_indicator: config.distribution_indicator,
            content: Some(Content { id: CONTENT_ID.to_owned(), allow_adaptations: config.allow_adaptations }),
            ..SubmitReq::default()
        };
        Self {
            dialect: config.dialect(),
            every,
            validity: config.validity,
            keep_plus: config.keep_plus,
            max_bytes: config.max_bytes,
        }
    }

    pub(crate) fn request(&self, submission: &Submission) -> Request {
        let parts = submission.parts();
        let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
        if bytes > self.max_bytes {
            return Request::TooLarge {
                status: format!("{bytes} octets, and the carrier takes at most {}", self.max_bytes),
            };
        }
        let message = &submission.message;
        let request = SubmitReq {
            sender_address: Some(self.sender(message.originator)),
            recipients: Recipients { to: vec![self.number(message.recipient)], ..Recipients::default() },
            time_stamp: Some(message.created_at.to_string()),
            expiry_date: self.expiry_date(submission),
            ..self.every.clone()
        };
        // Another attempt is another transaction, since the one before may have been taken.
        let transaction_id = format!("{}-{}", message.id, submission.attempt);
        let message = Message {
            dialect: self.dialect.clone(),
            transaction_id,
            operation: Operation::SubmitReq(Box::new(request)),
        };
        Request::Post(post::write(&message, &parts))
    }

    /// A short code's element is one for service providers' addresses of any form, so that names stand there too (3GPP
    /// TS 23.140, 8.7.1).
    fn sender(&self, originator: Originator) -> Address {
        match originator {
            Originator::Number(number) => self.number(number),
            Originator::ShortCode(_) | Originator::Name(_) => Address::ShortCode(originator.to_string()),
        }
    }

    fn number(&self, number: Msisdn) -> Address {
        Address::Number(if self.keep_plus { number.text() } else { number.digits() }.to_string())
    }

    /// A time or a duration as XML Schema writes them (part 2, 3.2.7 and 3.2.6).
    fn expiry_date(&self, submission: &Submission) -> Option<String> {
        match self.validity {
            ValidityForm::Relative => Some(format!("PT{}S", submission.valid_for.as_secs().max(1))),
            ValidityForm::Absolute => Some(submission.message.expires_at.to_string()),
            ValidityForm::Omit => None,
        }
    }
}
