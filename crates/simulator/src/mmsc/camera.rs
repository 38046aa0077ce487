//! Pictures that handsets send on request.

use std::sync::Arc;

use bytes::Bytes;

use super::handset::{Handset, InboundVia};
use super::{Mmsc, Shared, inbound};
use crate::handsets::{Handsets, Number, Picture, Place, Written};

/// Why a picture was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// No address is known for messages of handsets.
    #[error(
        "the simulated MMSC has no destination for inbound messages: start it with --reply-to, or for MM7 with \
         --report-to"
    )]
    Unknown,
    /// One of the numbers is none.
    #[error("`to` is a number such as +18005550100, because a picture goes by MM4 or MM7")]
    NoNumber,
}

/// A hand on an MMSC that lets its handsets send pictures.
#[derive(Clone)]
pub(crate) struct Camera(Arc<Shared>);

impl Mmsc {
    /// Lets handsets send pictures.
    pub(crate) fn camera(&self) -> Camera {
        Camera(Arc::clone(&self.shared))
    }
}

impl Camera {
    /// Whether it is known where messages of handsets go.
    pub(crate) fn has_address(&self) -> bool {
        match self.0.options.inbound.inbound_via {
            InboundVia::Mm4 => self.0.reply_to.borrow().is_some(),
            InboundVia::Mm7 => self.0.report_to.borrow().is_some(),
        }
    }

    /// Sends a message of a handset with a picture, and returns its id.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub(crate) fn send(
        &self,
        handsets: &Handsets,
        from: &Number,
        to: &str,
        (text, picture): (&str, (&'static str, Bytes)),
    ) -> Result<u64, NoAddress> {
        let shared = &self.0;
        if !self.has_address() {
            return Err(NoAddress::Unknown);
        }
        let recipient = Number::parse(to).ok_or(NoAddress::NoNumber)?;
        let (content_type, bytes) = picture.clone();
        let kept = Picture { content_type: content_type.to_owned(), bytes };
        let written =
            Written { to: to.to_owned(), text: text.to_owned(), pictures: vec![kept], data_coding: None, parts: 1 };
        let message = handsets.wrote(from, written);
        let handset = Handset { from: from.to_string(), to: vec![recipient.to_string()], text: text.to_owned() };
        let place = Place { handset: from.clone(), message, segment: 0 };
        inbound::send(shared, &handset, &[picture], Some(place));
        Ok(message)
    }
}
