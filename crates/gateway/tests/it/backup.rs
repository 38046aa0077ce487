//! Backup and restore with the program itself: a copy is made beside a load, and what is made of it is held until an
//! operator releases it. And the pepper, without which a copy is worth nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::Clock;
use rustix::process::Signal;
use serde_json::{Value, json};
use simulator::smsc::{Options, Smsc};
use tempfile::TempDir;

use crate::process::{Service, configured};
use crate::support::http::Ask;
use crate::support::{ANY_PORT, TOKEN, dead_port, eventually};

/// The program with these arguments.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SMSFACTORY_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program with a configuration, and returns its exit code and all that it said.
fn run(arguments: &[&str], config: &Path) -> (Option<i32>, String) {
    told(&command(arguments).arg("--config").arg(config).output().unwrap())
}

fn told(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Asks a running service with the program.
fn ask(service: &Service, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command(arguments);
    command.env("SMSFACTORY_ADMIN_URL", format!("http://{}", service.admin)).env("SMSFACTORY_ADMIN_TOKEN", TOKEN);
    told(&command.output().unwrap())
}

async fn smsc() -> Smsc {
    let options = Options { listen: ANY_PORT, ..Options::default() };
    simulator::smsc::start(options, Arc::new(runtime::Machine::new())).await.unwrap()
}

/// A place with a configuration.
fn place(port: u16) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let file = configured(directory.path(), port, "");
    (directory, file)
}

/// A service whose carrier is down, and where messages wait.
async fn first() -> (Service, PathBuf) {
    let (directory, file) = place(dead_port());
    let mut service = Service::run("", &file, directory).await;
    service.authorization = service.account().await;
    (service, file)
}

/// A service that holds what a backup has, with a carrier that is up, and the credentials of the first one.
async fn held(backup: &Path, authorization: &str, port: u16) -> (Service, PathBuf) {
    let (directory, file) = place(port);
    let (code, said) = run(&["restore", backup.to_str().unwrap()], &file);
    assert!(code == Some(0) && said.contains("The store is held"), "{said}");
    let mut service = Service::run("", &file, directory).await;
    service.authorization = authorization.to_owned();
    (service, file)
}

/// A service on a store that another one had, for the same client.
async fn resumed(config: &Path, before: &Service) -> Service {
    let mut service = Service::run("", config, TempDir::new().unwrap()).await;
    service.authorization = before.authorization.clone();
    service
}

async fn ready(service: &Service) -> (u16, Value) {
    let reply = Ask::new("GET", "/readyz").send(service.admin).await;
    (reply.status, reply.json())
}

async fn send(service: &Service) -> String {
    service.message().send(service.api).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn status(service: &Service, id: &str) -> Value {
    let ask = Ask::new("GET", &format!("/admin/v1/messages/{id}")).header("authorization", &format!("Bearer {TOKEN}"));
    ask.send(service.admin).await.expect(200)["status"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_becomes_a_service_that_is_held_until_it_is_released() {
    let (service, file) = first().await;
    let (service, smsc) = (Arc::new(service), smsc().await);
    let mut before = Vec::new();
    for _ in 0..20 {
        before.push(send(&service).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (service, stop) = (Arc::clone(&service), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut count = 0;
            // The account may send a thousand a minute.
            while !stop.load(Ordering::Relaxed) && count < 800 {
                send(&service).await;
                count += 1;
            }
            count
        })
    };
    let backup = file.with_file_name("backup");
    let to = backup.clone();
    let (config, made) = (file.clone(), file.clone());
    let (code, said) =
        tokio::task::spawn_blocking(move || run(&["backup", to.to_str().unwrap()], &config)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(code == Some(0) && said.contains("a backup of"), "{said}");
    let count = load.await.unwrap();
    assert!(count > 0, "requests were answered meanwhile");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&backup.join("store.db"))), (0o700, 0o600));
    let (code, said) = run(&["backup", backup.to_str().unwrap()], &made);
    assert!(code == Some(1) && said.contains("is not empty"), "{said}");
    service.signal(Signal::KILL);

    let (held, config) = held(&backup, &service.authorization, smsc.address().port()).await;
    assert!(held.has_logged("is held: nothing is accepted and nothing leaves"));
    let (code, told) = ready(&held).await;
    assert!(code == 503 && told["held"].as_str().is_some_and(|words| words.contains("hold release")), "{told}");
    held.message().send(held.api).await.refused(33105, Value::Null);
    let (code, said) = run(&["check", "--offline"], &config);
    assert!(code == Some(0) && said.contains("warning") && said.contains("is held until"), "{said}");
    let (_, shown) = ask(&held, &["hold", "show", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let queued = shown["queuedMessages"].as_u64().unwrap();
    assert!(shown["held"] == true && (20..=20 + count).contains(&queued), "{shown}");
    let (_, listed) = ask(&held, &["hold", "list", "--json", "--limit", "100000"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let listed: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(listed.len() as u64, queued);
    assert!(before.iter().all(|id| listed.contains(&id.as_str())), "what was accepted before the backup is in it");
    assert_eq!((smsc.summary().binds, smsc.summary().submitted), (0, 0), "no carrier is connected to");

    let (code, said) = ask(&held, &["hold", "release"]);
    assert!(code == Some(1) && said.contains("--yes"), "it asks first: {said}");
    let (code, said) = ask(&held, &["hold", "release", "--yes"]);
    assert!(code == Some(0) && said.contains("The store is released"), "{said}");
    smsc.wait_for(|seen| seen.submitted == queued).await;
    assert_eq!(ready(&held).await.0, 200);
    send(&held).await;
    smsc.wait_for(|seen| seen.submitted == queued + 1).await;
    let (code, said) = ask(&held, &["hold", "release", "--yes"]);
    assert!(code == Some(1) && said.contains("is not held"), "{said}");
    let (code, said) = run(&["check", "--offline"], &config);
    assert!(code == Some(0) && !said.contains("is held"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_service_lists_the_scheduled_messages_that_are_overdue() {
    let (service, file) = first().await;
    let queued = send(&service).await;
    let now = runtime::Machine::new().now();
    let [soon, late] = [Duration::from_secs(10), Duration::from_secs(86_400)].map(|ahead| now + ahead);
    let mut scheduled = Vec::new();
    for send_at in [soon, late] {
        let message = service.message_with(json!({ "sendAt": send_at.to_string() }));
        scheduled.push(message.send(service.api).await.expect(201)["id"].as_str().unwrap().to_owned());
    }
    let backup = file.with_file_name("backup");
    assert_eq!(run(&["backup", backup.to_str().unwrap()], &file).0, Some(0));
    service.signal(Signal::KILL);
    let (held, _) = held(&backup, &service.authorization, dead_port()).await;
    let shown = eventually("a scheduled message is overdue", async || {
        let (_, shown) = ask(&held, &["hold", "show", "--json"]);
        Some(serde_json::from_str::<Value>(&shown).unwrap()).filter(|shown| shown["overdueMessages"] == 1)
    })
    .await;
    assert_eq!((&shown["queuedMessages"], &shown["scheduledMessages"]), (&json!(1), &json!(1)), "{shown}");
    let list = |more: &[&str]| {
        let (_, listed) = ask(&held, &[&["hold", "list", "--json"], more].concat());
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let ids = listed["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), listed["nextCursor"].as_str().map(str::to_owned))
    };
    assert_eq!(list(&[]), (vec![scheduled[0].clone(), queued.clone()], None));
    let (first, cursor) = list(&["--limit", "1"]);
    assert_eq!(first, [scheduled[0].clone()]);
    assert_eq!(list(&["--limit", "1", "--cursor", &cursor.unwrap()]).0, [queued]);
    let (_, said) = ask(&held, &["message", "show", &scheduled[0]]);
    assert!(said.contains("has passed, and the store is held"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_a_held_service_can_be_ended_and_a_restart_releases_nothing() {
    let ((mut service, file), smsc) = (first().await, smsc().await);
    let old = send(&service).await;
    let recipients: Vec<String> = (0..30).map(|number| format!("+120255501{number:02}")).collect();
    let broadcast = json!({ "recipients": recipients, "from": "+18005551000", "body": "hello" });
    let post = Ask::new("POST", "/api/v1/messaging/broadcast").header("authorization", &service.authorization);
    post.json(&broadcast).send(service.api).await.expect(201);
    let backup = file.with_file_name("backup");
    assert_eq!(run(&["backup", backup.to_str().unwrap()], &file).0, Some(0));
    service.signal(Signal::TERM);
    service.ended().await;

    let (mut once, config) = held(&backup, &service.authorization, smsc.address().port()).await;
    once.signal(Signal::TERM);
    assert_eq!(once.ended().await.code(), Some(0));
    let again = resumed(&config, &service).await;
    assert_eq!(ready(&again).await.0, 503, "a restart is no release");
    let (code, said) = ask(&again, &["hold", "end", "--yes", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let ended: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(ended["canceledBroadcasts"], 1, "{ended}");
    assert_eq!(ask(&again, &["hold", "release", "--yes"]).0, Some(0));
    let new = send(&again).await;
    smsc.wait_for(|seen| seen.submitted == 1).await;
    eventually("the new message has left", async || (status(&again, &new).await != "queued").then_some(())).await;
    assert_eq!(status(&again, &old).await, "undelivered");
    assert_eq!(smsc.summary().submitted, 1, "nothing of the backup left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_changed_is_refused_and_one_that_is_killed_while_it_is_restored_is_no_store() {
    let (mut service, file) = first().await;
    send(&service).await;
    service.signal(Signal::TERM);
    service.ended().await;
    let backup = file.with_file_name("backup");
    // So many files that a restore takes a while.
    let media = file.with_file_name("media").join("zz");
    std::fs::create_dir_all(&media).unwrap();
    for number in 0..200 {
        std::fs::write(media.join(format!("zz{number}")), vec![number; 100_000]).unwrap();
    }
    assert_eq!(run(&["backup", backup.to_str().unwrap()], &file).0, Some(0));

    let (directory, config) = place(dead_port());
    let object = backup.join("media/zz/zz7");
    let sound = std::fs::read(&object).unwrap();
    std::fs::write(&object, vec![0; sound.len()]).unwrap();
    let (code, said) = run(&["restore", backup.to_str().unwrap()], &config);
    assert!(code == Some(1) && said.contains("media/zz/zz7") && said.contains("SHA-256"), "{said}");
    std::fs::write(&object, sound).unwrap();

    let store = directory.path().join("store.db");
    let staged = directory.path().join("store.db.restoring");
    let unfinished = directory.path().join("media/.restoring/zz/zz150");
    for begun in [&staged, &unfinished] {
        let mut restore = command(&["restore", backup.to_str().unwrap(), "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !begun.exists() {
            assert!(restore.try_wait().unwrap().is_none(), "it is seen before it ends");
            std::thread::yield_now();
        }
        restore.kill().unwrap();
        restore.wait().unwrap();
        assert!(!store.exists(), "there is no store before it is whole");
    }
    let (code, said) = run(&["restore", backup.to_str().unwrap()], &config);
    assert_eq!(code, Some(0), "{said}");
    assert!(store.exists() && !staged.exists() && !directory.path().join("media/.restoring").exists());
    assert_eq!(std::fs::read_dir(directory.path().join("media/zz")).unwrap().count(), 200);
    let (code, said) = run(&["restore", backup.to_str().unwrap()], &config);
    assert!(code == Some(1) && said.contains("is not replaced"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_pepper_is_refused_at_the_start_and_by_check_and_a_new_one_takes_over() {
    let (mut service, file) = first().await;
    service.signal(Signal::TERM);
    service.ended().await;
    let (old, new) = ("pepper".repeat(6), "another".repeat(6));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&old, &new)).unwrap();
    let sentence = "`keys.pepper` is not the pepper that this store was used with";
    let (code, said) = run(&["serve"], &file);
    assert!(code == Some(1) && said.contains(sentence), "{said}");
    let (code, said) = run(&["check", "--offline"], &file);
    assert!(code == Some(1) && said.contains("mistake") && said.contains(sentence), "{said}");

    let pair = format!("{new}\"\nprevious_pepper = \"{old}");
    std::fs::write(&file, text.replace(&old, &pair)).unwrap();
    let (code, said) = run(&["check", "--offline"], &file);
    assert!(code == Some(0) && said.contains("will replace the previous one"), "{said}");
    let mut moved = resumed(&file, &service).await;
    let (_, said) = run(&["check", "--offline"], &file);
    assert!(said.contains("keys that still need `keys.previous_pepper`: 1"), "{said}");
    send(&moved).await;
    eventually("the key has moved", async || moved.has_logged("has a digest of the new pepper").then_some(())).await;
    let (code, said) = run(&["check", "--offline"], &file);
    assert!(code == Some(0) && !said.contains("previous_pepper"), "{said}");
    moved.signal(Signal::TERM);
    moved.ended().await;

    std::fs::write(&file, text.replace(&old, &new)).unwrap();
    send(&resumed(&file, &service).await).await;
}
