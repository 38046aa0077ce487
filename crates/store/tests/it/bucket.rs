//! Objects in a bucket of a real service that speaks S3.

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use runtime::Runtime;
use store::StoreError;
use store::objects::{Bucket, BucketSettings, Objects};

fn open(settings: &BucketSettings) -> Bucket {
    Bucket::open(settings, Arc::new(runtime::Machine::new())).unwrap()
}

/// What a trial of these settings is refused with.
async fn refusal(settings: &BucketSettings) -> String {
    match open(settings).check().await {
        Err(StoreError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_put_is_there_until_it_is_removed() {
    let settings = testkit::bucket::fresh().await;
    let bucket = open(&settings);
    assert!(!bucket.holds_objects().await.unwrap());
    let bytes = Bytes::from((0..1_048_576_u32).map(|at| at as u8).collect::<Vec<_>>());
    bucket.put("abcdef-1", bytes.clone()).await.unwrap();
    bucket.put("ab-2", Bytes::new()).await.unwrap();
    let again = open(&settings);
    assert!(again.holds_objects().await.unwrap());
    assert_eq!(again.get("abcdef-1").await.unwrap(), bytes);
    assert_eq!(again.get("ab-2").await.unwrap(), Bytes::new());
    assert_eq!(again.names().await.unwrap(), ["ab-2", "abcdef-1"]);
    for _ in 0..2 {
        again.remove("abcdef-1").await.unwrap();
    }
    assert_eq!(again.get("abcdef-1").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(again.names().await.unwrap(), ["ab-2"]);
}

#[tokio::test]
async fn a_part_of_an_object_is_read_by_its_place() {
    let bucket = open(&testkit::bucket::fresh().await);
    bucket.put("ab-1", Bytes::from_static(b"0123456789")).await.unwrap();
    for (offset, length, expected) in
        [(0, 4, "0123"), (4, 4, "4567"), (8, 4, "89"), (10, 4, ""), (40, 4, ""), (3, 0, ""), (0, 99, "0123456789")]
    {
        assert_eq!(bucket.read("ab-1", offset, length).await.unwrap(), expected, "{offset} {length}");
    }
    assert_eq!(bucket.read("ab-2", 0, 4).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn names_are_listed_beyond_the_first_page_and_those_of_other_paths_are_not() {
    let settings = testkit::bucket::fresh().await;
    let (bucket, other) = (open(&settings), open(&BucketSettings { url: format!("{}0", settings.url), ..settings }));
    other.put("ab-0", Bytes::new()).await.unwrap();
    let mut expected: Vec<String> = (0..1_010).map(|at| format!("ab-{at:04}")).collect();
    for names in expected.chunks(16) {
        for put in names.iter().map(|name| bucket.put(name, Bytes::from_static(b"x"))) {
            put.await.unwrap();
        }
    }
    expected.sort();
    assert_eq!(bucket.names().await.unwrap(), expected);
}

#[tokio::test]
async fn a_trial_says_what_is_wrong_and_leaves_nothing() {
    let settings = testkit::bucket::fresh().await;
    let sound = open(&settings);
    let found = sound.check().await.unwrap();
    assert!(found.contains("the bucket tests") && found.contains(&settings.endpoint), "{found}");
    assert!(!sound.holds_objects().await.unwrap());
    let unknown = BucketSettings { url: "s3://nowhere".to_owned(), ..settings.clone() };
    let stranger = BucketSettings { secret_key: "another".to_owned(), ..settings.clone() };
    for (wrong, word) in [(unknown, "NoSuchBucket"), (stranger, "SignatureDoesNotMatch")] {
        let why = refusal(&wrong).await;
        assert!(why.contains(word) && why.contains("cannot list the bucket"), "{why}");
        assert!(!why.contains("another"), "no secret is in {why}");
    }
    let closed = BucketSettings { endpoint: "http://127.0.0.1:9".to_owned(), ..settings };
    assert!(refusal(&closed).await.contains("cannot list the bucket tests at http://127.0.0.1:9"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_nothing_is_given_up_after_ten_seconds() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let settings = BucketSettings {
        url: "s3://tests".to_owned(),
        endpoint,
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    };
    let machine = runtime::Machine::new();
    let began = machine.instant();
    let error = open(&settings).put("ab-1", Bytes::from_static(b"0123456789")).await.unwrap_err();
    assert_eq!(error.to_string(), "the service did not answer within 10 s");
    assert_eq!((machine.instant() - began).as_secs(), 10);
}
