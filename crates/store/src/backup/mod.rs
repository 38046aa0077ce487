//! A backup: a directory with a copy of the store, the files of media, and a manifest that says what they are.
//!
//! [`make`] writes one while a server runs, [`restore()`] puts one in the place of a store that is gone. Both are done
//! whole or not at all. A restored store is held ([`ledger::contract::holds`]). The pepper is in no backup.
//!
//! Of a database a backup has the media alone: PostgreSQL has its own ways to make a copy of one moment.

mod files;
mod make;
mod manifest;
mod media;
mod restore;

pub use self::make::{Made, Sources, make};
pub use self::manifest::{Manifest, MediaPart, StorePart, read, verify};
pub use self::restore::{Place, Restored, restore, restore_media};

/// What a backup or a restore is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The store is copied.
    Store,
    /// The digests of a backup are compared.
    Verifying,
    /// Media are copied.
    Media,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is at.
    pub stage: Stage,
    /// How many bytes are done in this stage.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Who hears how far it has come.
pub type Heard<'h> = &'h mut (dyn FnMut(Progress) + Send);

/// The name of the store's copy in a backup.
const STORE: &str = "store.db";

/// The directory of media in a backup.
const MEDIA: &str = "media";
