//! The table of URLs in `tests/urls.jsonl`, a line each: a URL, what its name resolves to, where it redirects to, and
//! whether that is allowed. `smsfactory check-url` is asked the same in `gateway`'s tests.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;
use fetch::denial::Denial;
use fetch::guard::{Guard, GuardSettings, Refused};
use fetch::resolve::Resolve;
use serde_json::Value;

const TABLE: &str = include_str!("../urls.jsonl");

/// Every name resolves to these.
struct Fixed(Option<Vec<IpAddr>>);

#[async_trait]
impl Resolve for Fixed {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.0.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Fixed {
    fn of(addresses: &Value) -> Self {
        let address = |text: &Value| text.as_str().unwrap().split('%').next().unwrap().parse().unwrap();
        Self(addresses.as_array().map(|addresses| addresses.iter().map(address).collect()))
    }
}

async fn judge(guard: &Guard, row: &Value) -> Result<(), Refused> {
    let first = guard.judge(row["url"].as_str().unwrap(), None, &Fixed::of(&row["resolves_to"])).await?;
    let Some(location) = row["redirects_to"].as_str() else { return Ok(()) };
    let again = if row["redirect_resolves_to"].is_null() { &row["resolves_to"] } else { &row["redirect_resolves_to"] };
    guard.judge(location, Some(&first), &Fixed::of(again)).await.map(|_| ())
}

#[tokio::test]
async fn every_url_of_the_table_is_judged_as_it_says() {
    let guard = Guard::new(&GuardSettings::default());
    let (mut allowed, mut refused) = (0, 0);
    for row in TABLE.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        match judge(&guard, &row).await {
            Ok(()) => {
                allowed += 1;
                assert_eq!(row["allowed"], true, "{row}");
            }
            Err(why) => {
                refused += 1;
                assert_eq!(row["allowed"], false, "{why}: {row}");
                let wanted = row["why"].as_str().unwrap_or_default();
                assert!(why.to_string().contains(wanted), "{why}: {row}");
            }
        }
    }
    assert!(allowed >= 100 && refused >= 250, "{allowed} and {refused}");
}

async fn outcome(settings: GuardSettings, url: &str, answers: &[&str]) -> Result<(), Denial> {
    let answers = answers.iter().map(|text| text.parse().unwrap()).collect();
    match Guard::new(&settings).judge(url, None, &Fixed(Some(answers))).await {
        Ok(_) => Ok(()),
        Err(Refused::Denied(denial)) => Err(denial),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_url_has_at_most_2048_characters_and_not_bytes() {
    let url = |letter: &str, count: usize| format!("http://8.8.8.8/{}", letter.repeat(count - "http://8.8.8.8/".len()));
    for letter in ["a", "ü", "字", "😀"] {
        assert_eq!(outcome(GuardSettings::default(), &url(letter, 2_048), &[]).await, Ok(()), "{letter}");
        assert_eq!(outcome(GuardSettings::default(), &url(letter, 2_049), &[]).await, Err(Denial::TooLong), "{letter}");
    }
}

#[tokio::test]
async fn the_operator_opens_and_closes_networks_and_closed_is_closed() {
    let networks = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
    let settings = |allow: &[&str], deny: &[&str]| GuardSettings {
        allow_networks: networks(allow),
        deny_networks: networks(deny),
        ..GuardSettings::default()
    };
    for (allow, deny, address, allowed) in [
        (&["127.0.0.0/8"][..], &[][..], "127.0.0.1", true),
        (&["127.0.0.0/8"], &[], "::ffff:127.0.0.1", true),
        (&["127.0.0.0/8"], &[], "10.0.0.1", false),
        (&["127.0.0.0/8"], &["127.0.0.1/32"], "127.0.0.1", false),
        (&["127.0.0.0/8"], &["127.0.0.1/32"], "127.0.0.2", true),
        (&["::ffff:127.0.0.0/104"], &[], "127.0.0.1", true),
        (&[], &["::ffff:8.8.8.0/120"], "8.8.8.8", false),
        (&[], &["8.8.8.0/24"], "::ffff:8.8.8.8", false),
        (&[], &["8.8.8.0/24"], "8.8.9.8", true),
        (&["fd00::/8"], &[], "fd00::1", true),
        (&["::1/128"], &[], "127.0.0.1", false),
        (&["0.0.0.0/0"], &[], "::1", false),
        (&[], &["2606::/16"], "2606:4700::1", false),
    ] {
        let told = outcome(settings(allow, deny), "http://media.example.com/", &[address]).await;
        assert_eq!(told.is_ok(), allowed, "{address} with {allow:?} without {deny:?}: {told:?}");
    }
}

#[tokio::test]
async fn the_operator_names_the_ports() {
    let settings = || GuardSettings { ports: vec![81], ..GuardSettings::default() };
    assert_eq!(outcome(settings(), "http://8.8.8.8:81/", &[]).await, Ok(()));
    assert_eq!(outcome(settings(), "http://8.8.8.8/", &[]).await, Err(Denial::Port(80)));
}

#[test]
fn the_addresses_of_this_host_are_refused_although_they_are_public() {
    use fetch::url::{Target, UrlRules};
    let own: Vec<IpAddr> = ["93.184.216.34".parse().unwrap(), "2606:2800::7".parse().unwrap()].to_vec();
    let guard = Guard::new(&GuardSettings::default());
    for (url, answers, allowed) in [
        ("http://93.184.216.34/", &[][..], false),
        ("http://[::ffff:93.184.216.34]/", &[], false),
        ("http://[2606:2800:0::7]/", &[], false),
        ("http://media.example.com/", &[own[0]], false),
        ("http://93.184.216.35/", &[], true),
    ] {
        let target = Target::parse(url, &UrlRules { ports: vec![80], ..UrlRules::default() }).unwrap();
        assert_eq!(guard.verdict(target, answers, &own).is_ok(), allowed, "{url}");
    }
}
