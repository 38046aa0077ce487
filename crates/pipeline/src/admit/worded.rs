//! The text of what a request makes.

use std::sync::Arc;

use model::{Broadcast, Message};

/// What has a text that may be removed before its request is forgotten.
pub(super) trait Worded: Clone {
    /// The text, and the address of the media.
    fn text(&mut self) -> (&mut Option<Arc<str>>, &mut Option<String>);
}

impl Worded for Message {
    fn text(&mut self) -> (&mut Option<Arc<str>>, &mut Option<String>) {
        (&mut self.body, &mut self.media_url)
    }
}

impl Worded for Broadcast {
    fn text(&mut self) -> (&mut Option<Arc<str>>, &mut Option<String>) {
        (&mut self.body, &mut self.media_url)
    }
}
