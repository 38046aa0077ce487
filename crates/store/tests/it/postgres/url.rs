//! URLs of databases: what is understood, what is refused, and that no message has a password.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::Machine;
use store::StoreError;
use testkit::postgres::Database;

async fn open(url: &str) -> Result<(), StoreError> {
    let store = store::open(url, Arc::new(Machine::new())).await?;
    store.probe().await?;
    store.close().await;
    Ok(())
}

/// The sentence with which a URL is refused.
async fn refusal(url: &str) -> String {
    match open(url).await {
        Err(StoreError::Refused(sentence)) => sentence,
        other => panic!("`{url}` is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_url_that_is_not_understood_is_refused_without_its_password() {
    for (url, why) in [
        ("postgres://", "no host"),
        ("postgres://me:secret@/x", "no host"),
        ("postgresql://me:secret@h", "no database"),
        ("postgres://me:secret@h/", "no database"),
        ("postgres://me:secret@h:port/x", "`port`"),
        ("postgres://me:secret@h:99999/x", "`port`"),
        ("postgres://me:se@cret@h/x", "no name and no address"),
        ("postgres://me:secret@h one/x", "no name and no address"),
        ("postgres://me:secret@h,/x", "no name and no address"),
        ("postgres://me:secret@h/x?sslmode=prefer", "sslmode"),
        ("postgres://me:secret@h/x?sslmode=", "sslmode"),
        ("postgres://me:secret@h/x?speed=11", "unknown option `speed`"),
        ("postgres://me:secret@h/x?target_session_attrs=fast", "`target_session_attrs`"),
        ("postgres://me:secret@h/x?sslmode=require&sslcert=me.pem", "unknown option `sslcert`"),
        ("postgres://me:secret@h/x?sslmode=require&sslrootcert=/nope/secret-less.pem", "/nope/secret-less.pem"),
    ] {
        let sentence = refusal(url).await;
        assert!(sentence.contains(why) && !sentence.contains("secret@"), "{url}: {sentence}");
        assert!(!sentence.contains("cret@") && !sentence.contains(":se"), "{url}: {sentence}");
    }
}

#[tokio::test]
async fn hosts_and_options_are_those_of_libpq() {
    let database = Database::fresh().await;
    let url = database.url();
    let (begin, place) = url.split_once('@').unwrap();
    let (host, name) = place.split_once('/').unwrap();
    let (_, port) = host.split_once(':').unwrap();
    for url in [
        url.clone(),
        url.replace("postgres://", "postgresql://"),
        format!("{begin}:no%40pass%2Fword%3F@{place}"),
        format!("{begin}:que?stion&mark@{place}?sslmode=disable"),
        format!("{begin}@localhost:{port}/{name}"),
        format!("{begin}@127.0.0.1:1,{host}/{name}?target_session_attrs=read-write"),
        format!("{url}?application_name=a+b&sslmode=disable&connect_timeout=2&&sslrootcert=system"),
    ] {
        assert_eq!(open(&url).await, Ok(()), "{url}");
    }
}

#[tokio::test]
async fn tls_is_asked_for_unless_the_database_is_on_this_machine() {
    let database = Database::fresh().await;
    let url = database.url();
    // The server of the tests has no TLS.
    let refused = open(&format!("{url}?sslmode=verify-full")).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("TLS")), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_within_seconds() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = nobody.local_addr().unwrap().port();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [silent, free] {
        let url = format!("postgres://me:secret@127.0.0.1:{port}/x");
        let began = Instant::now();
        let machine = || Arc::new(Machine::new());
        let (opened, checked, new) =
            tokio::join!(open(&url), store::check(&url, machine()), store::is_new(&url, machine()));
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        for error in [opened.err(), checked.err(), new.err()] {
            assert!(matches!(&error, Some(StoreError::Unavailable(why)) if !why.contains("secret")), "{error:?}");
        }
    }
    drop(nobody);
}
