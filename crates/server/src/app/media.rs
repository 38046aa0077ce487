//! The place of media: a directory, or a bucket.

use std::path::PathBuf;
use std::sync::Arc;

use runtime::Runtime;
use store::objects::{Bucket, Directory, Objects};

use config::Config;

/// The place of media that a configuration names.
pub enum Place {
    /// `media.directory`.
    Directory(PathBuf),
    /// `media.url`.
    Bucket(Box<Bucket>),
}

impl Place {
    /// The place of a configuration. Nothing is opened yet.
    ///
    /// # Errors
    /// A sentence for the operator where the settings of a bucket are not sound.
    pub fn of(config: &Config, runtime: &Arc<dyn Runtime>) -> Result<Self, String> {
        let Some(settings) = config.media.bucket()? else {
            return Ok(Self::Directory(config.media.directory.clone()));
        };
        let bucket = Bucket::open(&settings, Arc::clone(runtime)).map_err(|error| format!("`media.url`: {error}"))?;
        Ok(Self::Bucket(Box::new(bucket)))
    }

    /// The key that names it.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Directory(_) => "media.directory",
            Self::Bucket(_) => "media.url",
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// A sentence for the operator where it cannot be used.
    pub(crate) fn open(self, runtime: &Arc<dyn Runtime>) -> Result<Arc<dyn Objects>, String> {
        match self {
            Self::Directory(path) => match Directory::open(&path, Arc::clone(runtime)) {
                Ok(directory) => Ok(Arc::new(directory)),
                Err(error) => Err(format!("cannot keep media in {}: {error}", path.display())),
            },
            Self::Bucket(bucket) => Ok(Arc::new(*bucket)),
        }
    }

    /// Tries whether media can be kept there, and leaves everything as it was. What was found, in a sentence.
    ///
    /// # Errors
    /// A sentence for the operator where they cannot.
    pub async fn check(&self) -> Result<String, String> {
        let found = match self {
            Self::Directory(path) => Directory::check(path),
            Self::Bucket(bucket) => bucket.check().await,
        };
        found.map(|words| format!("media: {words}")).map_err(|error| format!("`{}`: {error}", self.key()))
    }

    /// Refuses a place that holds media for a store that is yet to be made: they belong to another store, which is lost
    /// or elsewhere, and the new one would remove them as left over.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn refuse_without_store(&self, store: &str, runtime: &Arc<dyn Runtime>) -> Result<(), String> {
        let (place, held) = match self {
            Self::Directory(path) => (path.display().to_string(), Directory::holds_objects(path)),
            Self::Bucket(bucket) => (bucket.to_string(), bucket.holds_objects().await),
        };
        let holds_objects = held.map_err(|error| format!("cannot read {place}: {error}"))?;
        if holds_objects && store::is_new(store, Arc::clone(runtime)).await.map_err(|error| error.to_string())? {
            return Err(format!(
                "there is no store yet, and {place} holds the media of one: restore that store, or move {place} away; \
                 a new store would remove them"
            ));
        }
        Ok(())
    }
}
