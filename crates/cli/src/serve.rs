//! `smsfactory serve`: the service, until a signal ends it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::service_manager::ServiceManager;
use super::{Failed, logging, machine};
use config::{self, Config, ConfigErrors, secrets};
use server::app::App;
use server::real::OsEntropy;
use server::reload::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The configuration file
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failed> {
        // From now on a hang-up does not end the process.
        let mut hang_ups = signal(SignalKind::hangup()).map_err(Failed::new)?;
        let config = read(&self.config)?;
        let set_log_level = logging::start(config.log.format, &config.log.level).map_err(Failed::new)?;
        warn_of_exposures(&self.config, &config);
        let app = App::start(config, machine(), Arc::new(OsEntropy)).await.map_err(Failed::new)?;
        app.reloader().set_source(Source { read: Box::new(move || read_again(&self.config)), set_log_level });
        tracing::info!("The public API listens on {}, the admin API on {}", app.api_address, app.admin_address);
        let manager = ServiceManager::of_environment();
        let mut signals = Signals::new()?;
        manager.is_ready(app.api_address, app.admin_address);
        until_the_end(app, &manager, &mut signals, &mut hang_ups).await
    }
}

/// Serves until a signal or a failure ends the platform, and ends it in order. A failure is the error.
async fn until_the_end(
    app: App,
    manager: &ServiceManager,
    signals: &mut Signals,
    hang_ups: &mut Signal,
) -> Result<(), Failed> {
    let runtime = machine();
    let pause = async || match manager.every() {
        Some(time) => runtime.sleep(time).await,
        None => std::future::pending().await,
    };
    let ended = loop {
        tokio::select! {
            () = pause() => manager.lives(),
            () = signals.next() => break Ok(()),
            why = app.failed() => break Err(Failed::new(why)),
            Some(()) = hang_ups.recv() => reload(&app),
        }
    };
    tracing::info!(
        "Stopping: the server refuses new requests, and waits for the carriers' answers to messages under way. A \
         second signal ends it at once"
    );
    manager.ends_within(app.ends_within());
    stop(app, signals).await?;
    ended
}

/// Reloads the configuration. The report is in the log.
fn reload(app: &App) {
    let reloader = Arc::clone(app.reloader());
    // Signals are heard meanwhile.
    machine().spawn("reload", Box::pin(async move { drop(reloader.reload().await) }));
}

/// Ends the platform in order, or at once when a second signal comes.
pub(super) async fn stop(app: App, signals: &mut Signals) -> Result<(), Failed> {
    tokio::select! {
        () = app.stop() => Ok(()),
        () = signals.next() => Err(Failed::new("a second signal ended the process at once; the outcome of attempts \
            under way is unknown")),
    }
}

/// Warns of files with secrets that every user of this machine can read.
fn warn_of_exposures(file: &Path, config: &Config) {
    for (_, file) in secrets::readable_by_everybody(file, config) {
        tracing::warn!("{}", secrets::exposure(&file));
    }
}

/// Reads the configuration of a running service.
fn read_again(file: &Path) -> Result<Config, ConfigErrors> {
    let config = config::read(file, environment())?;
    warn_of_exposures(file, &config);
    Ok(config)
}

/// Reads a configuration under the environment of this process.
pub(super) fn read(file: &Path) -> Result<Config, Failed> {
    config::read(file, environment()).map_err(Failed::new)
}

/// The environment of this process. A variable that is no text is none of ours.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
}

/// SIGTERM and SIGINT, one after the other.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals do not end the process by themselves.
    pub(super) fn new() -> Result<Self, Failed> {
        let listen = |kind| signal(kind).map_err(Failed::new);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::process::ExitCode;

    use runtime::{Breakable, Machine, Runtime};

    use super::super::report;
    use super::*;
    use config::read;

    /// An app with nothing but what it needs.
    async fn app(directory: &Path, runtime: Arc<dyn Runtime>) -> App {
        let mut config = read::parse("", std::iter::empty()).unwrap();
        (config.api.listen, config.admin.listen) = (([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into());
        config.keys.pepper = Some(carrier::keys::Secret("pepper".repeat(6)));
        config.store.url.0 = format!("sqlite:{}", directory.join("store.db").display());
        config.media.directory = directory.join("media");
        App::start(config, runtime, Arc::new(OsEntropy)).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_task_that_ends_before_its_time_is_the_sentence_that_the_process_ends_with() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Breakable::new(Arc::new(Machine::new()), "omitted log lines");
        runtime.break_task();
        let app = app(directory.path(), Arc::new(runtime)).await;
        let address = app.api_address;
        let mut hang_ups = signal(SignalKind::hangup()).unwrap();
        let ended = until_the_end(app, &ServiceManager::of_environment(), &mut Signals::new().unwrap(), &mut hang_ups)
            .await
            .unwrap_err();
        let sentence = "the task `omitted log lines` panicked: broken by a test; the process ends, because it cannot \
            work without that task";
        assert_eq!(ended.to_string(), sentence);
        assert!(TcpStream::connect(address).is_err(), "it ended in order: nothing listens");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_service_whose_epoch_is_over_ends_with_a_sentence_and_the_exit_code_of_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let app = app(directory.path(), machine()).await;
        // On this store the next process cannot join before this one has ended; on another it could.
        app.pipeline().store().join("another".to_owned(), "0".to_owned(), machine().look()).await.unwrap();
        let mut hang_ups = signal(SignalKind::hangup()).unwrap();
        let ended = until_the_end(app, &ServiceManager::of_environment(), &mut Signals::new().unwrap(), &mut hang_ups)
            .await
            .unwrap_err();
        assert_eq!(
            ended.to_string(),
            "another node took over the work of this node, because this node did not renew its epoch in time"
        );
        assert_eq!(format!("{:?}", report(&ended)), format!("{:?}", ExitCode::from(1)));
    }
}
