//! `smsfactory backup` and `smsfactory restore`: a copy of the store and of media, and a store made from such a copy.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use model::Timestamp;
use model::key::{Pepper, Peppers};
use runtime::Runtime;
use serde_json::json;
use store::backup::{self, Made, Manifest, MediaPart, Place, Progress, Restored, Sources, Stage, StorePart};
use store::contract::holds::{Hold, Waiting};
use store::{Store, StoreError};

use super::output::counted;
use super::{Failed, machine, output, serve};
use config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The directory of the backup, which must be new or empty
    directory: PathBuf,
    /// The configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Print the content of the backup as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The directory of the backup
    directory: PathBuf,
    /// The configuration file. Its store and its directory of media must be new or empty
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Print the numbers of queued messages and broadcasts as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = serve::read(&self.config)?;
        let sources = Sources {
            store: config.store.url.0.clone(),
            media: media_of(&config),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let (to, runtime) = (self.directory.clone(), machine());
        let now = runtime.now();
        let made = blocking(&runtime, move |heard| backup::make(&sources, &to, now, heard)).await?;
        if self.json {
            let Manifest { made_at, store, media, files, .. } = &made.manifest;
            output::say(json!({ "madeAt": made_at, "store": store, "media": media, "files": files.len(),
                "bytes": made.manifest.bytes(), "mediaGone": made.media_gone }));
        } else {
            tell_of_backup(&self.directory, &made);
        }
        Ok(())
    }
}

fn tell_of_backup(directory: &Path, made: &Made) {
    let Manifest { made_at, store, media, files, .. } = &made.manifest;
    let megabytes = made.manifest.bytes().div_ceil(1_000_000);
    let files = counted(files.len() as u64, "file");
    output::say(format!("{}: a backup of {made_at}, {files}, {megabytes} MB", directory.display()));
    if *store == StorePart::Postgres {
        output::say(
            "The backup does not contain the PostgreSQL database of the store: copy it with pg_basebackup and WAL \
             archiving, or with pg_dump.",
        );
    }
    if *media == MediaPart::Bucket {
        output::say("The backup does not contain the bucket of media: switch on its versioning, or copy it.");
    }
    if made.media_gone > 0 {
        let files = counted(made.media_gone, "media file");
        output::say(format!("The server removed {files} during the backup, because no message needed them any more."));
    }
    output::say(
        "The backup does not contain the pepper and the configuration. Keep them elsewhere: without the pepper, no API \
         key works.",
    );
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let config = serve::read(&self.config)?;
        let peppers = config.keys.read().map_err(Failed::new)?;
        let (from, runtime) = (self.directory.clone(), machine());
        let manifest = backup::read(&from).map_err(Failed::new)?;
        refuse_without_place(&manifest, &config)?;
        let verified = manifest.clone();
        blocking(&runtime, move |heard| backup::verify(&from, &verified, heard)).await?;
        let restored = match manifest.store {
            StorePart::Sqlite { .. } => restore(self.directory, manifest.clone(), &config, &peppers, &runtime).await?,
            StorePart::Postgres => hold_database(self.directory, &manifest, &config, &peppers, &runtime).await?,
        };
        if self.json {
            let Waiting { queued, under_way, broadcasts, recipients, scheduled, overdue } = restored.waiting;
            output::say(json!({ "held": true, "backedUpAt": manifest.made_at, "queuedMessages": queued,
                "underWay": under_way, "openBroadcasts": broadcasts, "recipientsToCome": recipients,
                "scheduledMessages": scheduled, "overdueMessages": overdue }));
        } else {
            tell_of_restore(&manifest, &restored);
        }
        Ok(())
    }
}

/// Refuses a backup with files of media if the configuration has no directory for them.
fn refuse_without_place(manifest: &Manifest, config: &Config) -> Result<(), Failed> {
    let has_files = manifest.media == MediaPart::Directory && manifest.files.iter().any(|file| file.path != "store.db");
    if has_files && media_of(config).is_none() {
        return Err(Failed::new(
            "the backup contains files of media, but `media.url` names a bucket: remove `media.url`, and set \
             `media.directory`",
        ));
    }
    Ok(())
}

async fn restore(
    from: PathBuf,
    manifest: Manifest,
    config: &Config,
    peppers: &Peppers,
    runtime: &Arc<dyn Runtime>,
) -> Result<Restored, Failed> {
    let place = Place {
        store: config.store.url.0.clone(),
        media: media_of(config),
        verifier: peppers.current.verifier(),
        previous: peppers.previous.as_ref().map(Pepper::verifier),
    };
    let now = runtime.now();
    blocking(runtime, move |heard| backup::restore(&from, &manifest, &place, now, heard)).await
}

/// Holds a database that PostgreSQL's own tools restored, and restores the media of the backup.
async fn hold_database(
    from: PathBuf,
    manifest: &Manifest,
    config: &Config,
    peppers: &Peppers,
    runtime: &Arc<dyn Runtime>,
) -> Result<Restored, Failed> {
    if store::path_of(&config.store.url.0).map_err(Failed::new)?.is_some() {
        return Err(Failed::new(
            "the store of the backup is a PostgreSQL database: `store.url` must name the restored database",
        ));
    }
    if store::is_new(&config.store.url.0, Arc::clone(runtime)).await.map_err(Failed::new)? {
        return Err(Failed::new(
            "the database has no tables: restore it with PostgreSQL's tools first, then run this command again",
        ));
    }
    let store = store::open(&config.store.url.0, Arc::clone(runtime)).await.map_err(Failed::new)?;
    let held = hold(&*store, manifest, peppers, runtime).await;
    store.close().await;
    let restored = held.map_err(Failed::new)?;
    if let Some(root) = media_of(config) {
        let manifest = manifest.clone();
        blocking(runtime, move |heard| backup::restore_media(&from, &manifest, &root, heard)).await?;
    }
    Ok(restored)
}

async fn hold(
    store: &dyn Store,
    manifest: &Manifest,
    peppers: &Peppers,
    runtime: &Arc<dyn Runtime>,
) -> Result<Restored, StoreError> {
    let now: Timestamp = runtime.now();
    store.hold(Hold { since: now, backed_up_at: manifest.moment()? }, runtime.steady()).await?;
    store.adopt_pepper(peppers.current.verifier(), peppers.previous.as_ref().map(Pepper::verifier), now).await?;
    Ok(Restored { waiting: store.waiting_in_all(now).await?, is_pepper_known: true })
}

fn tell_of_restore(manifest: &Manifest, restored: &Restored) {
    let Waiting { queued, under_way, broadcasts, recipients, scheduled, overdue } = restored.waiting;
    output::say(format!("Restored as of {}.", manifest.made_at));
    output::say(format!(
        "The backup has {} in the queue ({under_way} of them under way to a carrier), {} with {} to come, and {}. They \
         may have left since. It also has {} for later.",
        counted(queued, "message"),
        counted(broadcasts, "broadcast"),
        counted(recipients, "recipient"),
        counted(overdue, "overdue scheduled message"),
        counted(scheduled, "scheduled message")
    ));
    if manifest.media == MediaPart::Bucket {
        output::say("The backup does not contain the bucket of media.");
    }
    if !restored.is_pepper_known {
        output::say("The backup does not name the pepper of its store: make sure that the configuration has the same.");
    }
    output::say(
        "The store is held: the server accepts and sends no messages. Start the server, look at the queue with \
         `smsfactory hold list`, then use `smsfactory hold end` or `smsfactory hold release`.",
    );
}

/// The directory of media; `None` if they are in a bucket.
fn media_of(config: &Config) -> Option<PathBuf> {
    config.media.url.is_empty().then(|| config.media.directory.clone())
}

/// Does long work beside the tasks, and shows its progress.
async fn blocking<T: Send + 'static>(
    runtime: &Arc<dyn Runtime>,
    work: impl FnOnce(backup::Heard<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failed> {
    let bar = bar();
    let shown = bar.clone();
    let done = runtime.run_blocking("backup", move || work(&mut |progress| show(&shown, progress))).await;
    bar.finish_and_clear();
    done.map_err(|ended| Failed::new(format!("the work {ended}")))?.map_err(Failed::new)
}

fn bar() -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    match ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}") {
        Ok(style) => bar.with_style(style),
        // A wrong template leaves the default bar.
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, Progress { stage, done, total }: Progress) {
    if done < bar.position() {
        // The next stage begins.
        bar.reset();
    }
    bar.set_length(total);
    bar.set_position(done);
    bar.set_message(match stage {
        Stage::Store => "the store",
        Stage::Verifying => "comparing digests",
        Stage::Media => "media",
    });
}
