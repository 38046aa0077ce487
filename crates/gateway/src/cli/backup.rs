//! `smsfactory backup` and `smsfactory restore`: a copy of the store and of media, and a store made of such a copy.

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

use super::{Failed, machine, output, serve};
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// Where the backup is made: a directory that is new or empty
    directory: PathBuf,
    /// The configuration
    #[arg(long, short)]
    config: PathBuf,
    /// Print what is in it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The backup
    directory: PathBuf,
    /// The configuration, whose store and directory of media are new or empty
    #[arg(long, short)]
    config: PathBuf,
    /// Print what waits in the store as JSON
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
    output::say(format!("{}: a backup of {made_at}, {} files, {megabytes} MB", directory.display(), files.len()));
    if *store == StorePart::Postgres {
        output::say(
            "The store is a database, and is not in it: copy that with pg_basebackup and an archive of its log, or \
             with pg_dump.",
        );
    }
    if *media == MediaPart::Bucket {
        output::say("Media are in a bucket, and are not in it: have the bucket keep versions, or copy it.");
    }
    if made.media_gone > 0 {
        output::say(format!(
            "{} media were removed during the backup, because no message needed them any more.",
            made.media_gone
        ));
    }
    output::say("The pepper and the configuration are not in it: keep them elsewhere, for no API key works without.");
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
            let Waiting { queued, under_way, broadcasts, recipients, scheduled } = restored.waiting;
            output::say(json!({ "held": true, "backedUpAt": manifest.made_at, "queuedMessages": queued,
                "underWay": under_way, "openBroadcasts": broadcasts, "recipientsToCome": recipients,
                "scheduledMessages": scheduled }));
        } else {
            tell_of_restore(&manifest, &restored);
        }
        Ok(())
    }
}

/// Media of a backup need a directory.
fn refuse_without_place(manifest: &Manifest, config: &Config) -> Result<(), Failed> {
    let has_files = manifest.media == MediaPart::Directory && manifest.files.iter().any(|file| file.path != "store.db");
    if has_files && media_of(config).is_none() {
        return Err(Failed::new(
            "the backup holds files of media, and `media.url` names a bucket: leave that out, and set \
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

/// Holds a database that was restored by its own means, and puts the media of the backup back.
async fn hold_database(
    from: PathBuf,
    manifest: &Manifest,
    config: &Config,
    peppers: &Peppers,
    runtime: &Arc<dyn Runtime>,
) -> Result<Restored, Failed> {
    if store::path_of(&config.store.url.0).map_err(Failed::new)?.is_some() {
        return Err(Failed::new(
            "the backup was made beside a database: `store.url` must name the one that was restored",
        ));
    }
    if store::is_new(&config.store.url.0, Arc::clone(runtime)).await.map_err(Failed::new)? {
        return Err(Failed::new(
            "the database has no tables: restore it first by the means of PostgreSQL, and run this then",
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
    Ok(Restored { waiting: store.waiting_in_all().await?, is_pepper_known: true })
}

fn tell_of_restore(manifest: &Manifest, restored: &Restored) {
    let Waiting { queued, under_way, broadcasts, recipients, scheduled } = restored.waiting;
    output::say(format!("Restored as of {}.", manifest.made_at));
    output::say(format!(
        "{queued} messages ({under_way} of them were under way to a carrier), {broadcasts} broadcasts with \
         {recipients} recipients to come and {scheduled} scheduled messages waited then, and may have left since."
    ));
    if manifest.media == MediaPart::Bucket {
        output::say("Media were in a bucket and are not in the backup.");
    }
    if !restored.is_pepper_known {
        output::say("The backup does not say with which pepper its store was used: see that it is the right one.");
    }
    output::say(
        "The store is held: start the server, look with `smsfactory hold list`, and decide with `smsfactory hold end` \
         and `smsfactory hold release`. Nothing is accepted and nothing leaves before.",
    );
}

/// The directory of media; `None` where a bucket has them.
fn media_of(config: &Config) -> Option<PathBuf> {
    config.media.url.is_empty().then(|| config.media.directory.clone())
}

/// Does long work beside the tasks, and shows how far it has come.
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
        // A template that cannot be read leaves the bar as it is by default.
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
