//! Cases from the field, in `tests/field/media.jsonl` at the root of the repository: a line each with a title and its
//! variants, which the real fetcher fetches from a server on this machine.
//!
//! A variant has a `name`, a body `of` pieces, and what to `expect`: a type, or a code. It may say how the server is
//! asked and answers: `claimed` (its `Content-Type`), `fields` and `status`, a whole `head`, a `location` that `/`
//! redirects to (and the `path` that must be asked for then), `needs` and `without` (what the request's head must and
//! must not have, or else a status), `addresses` of the name, `silent` seconds before the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fetch::UserAgent;
use fetch::media::FetchSettings;
use serde_json::Value;

use crate::support::{ALLOWED, FORBIDDEN, Names, Piece, Server, fetch, media, response, settings, tick};

const CASES: &str = include_str!("../../../../tests/field/media.jsonl");

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The octets of a piece: `file:NAME`, `cut:NAME:LENGTH`, `from:NAME:OFFSET`, `hex:DIGITS`, `zeros:COUNT`, or an object
/// with a piece and how many `times`.
fn piece(piece: &Value) -> Vec<u8> {
    if let Some(times) = piece["times"].as_u64() {
        return self::piece(&piece["of"]).repeat(times as usize);
    }
    let (way, what) = piece.as_str().unwrap().split_once(':').unwrap();
    let part = || what.split_once(':').map(|(name, at)| (media(name), at.parse::<usize>().unwrap())).unwrap();
    match way {
        "file" => media(what),
        "cut" => part().0[..part().1].to_vec(),
        "from" => part().0[part().1..].to_vec(),
        "hex" => hex(what),
        "zeros" => vec![0; what.parse().unwrap()],
        _ => panic!("{piece}"),
    }
}

/// The octets of a `Location`: text, `hex`, or `text` and so many `times` an `A`.
fn location(value: &Value, port: u16) -> Vec<u8> {
    match (value.as_str(), value["hex"].as_str(), value["text"].as_str()) {
        (Some(text), ..) => text.replace("PORT", &port.to_string()).into_bytes(),
        (_, Some(digits), _) => hex(digits),
        (_, _, Some(text)) => format!("{text}{}", "A".repeat(value["times"].as_u64().unwrap() as usize)).into_bytes(),
        _ => panic!("{value}"),
    }
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// What a server of this variant answers to a request with this head.
fn answer(variant: &Value, head: &str, port: u16) -> Vec<Piece> {
    let body: Vec<u8> = variant["of"].as_array().unwrap().iter().flat_map(piece).collect();
    let fits = words(&variant["needs"]).iter().all(|word| head.contains(word.as_str()))
        && !words(&variant["without"]).iter().any(|word| head.contains(word.as_str()));
    if !fits {
        return vec![Piece::Bytes(response(variant["else"].as_u64().unwrap() as u16, &[], b""))];
    }
    if variant["location"] != Value::Null && head.starts_with("get / ") {
        let line = [
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ",
            &location(&variant["location"], port)[..],
            b"\r\n\r\n",
        ]
        .concat();
        return vec![Piece::Bytes(line)];
    }
    let whole = match variant["head"].as_str() {
        Some(head) => [head.as_bytes(), &body].concat(),
        None => {
            let claimed = variant["claimed"].as_str().map(|claimed| ("Content-Type", claimed));
            let pairs: Vec<(&str, &str)> = variant["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
                .chain(claimed)
                .collect();
            response(variant["status"].as_u64().unwrap_or(200) as u16, &pairs, &body)
        }
    };
    let silent = variant["silent"].as_u64().map(|seconds| Piece::Wait(Duration::from_secs(seconds)));
    silent.into_iter().chain([Piece::Bytes(whole)]).collect()
}

/// What becomes of a variant.
async fn outcome(variant: &Value) -> (Value, Vec<String>) {
    let reply = variant.clone();
    let server = Server::heard(ALLOWED, move |head, port| answer(&reply, head, port)).await;
    let good = [IpAddr::V4(ALLOWED)];
    let addresses: Vec<IpAddr> = words(&variant["addresses"]).iter().map(|address| address.parse().unwrap()).collect();
    let names = Names::of([
        ("media.example.com", if addresses.is_empty() { good.to_vec() } else { addresses }),
        ("evil.example.com", vec![IpAddr::V4(FORBIDDEN)]),
    ]);
    let mut settings =
        FetchSettings { user_agent: UserAgent::with_contact("https://docs.example.com"), ..settings(&[server.port()]) };
    settings.guard.allow_networks.extend(
        ["127.0.0.11/32", "127.0.0.12/30", "127.0.0.16/29", "127.0.0.24/32", "127.0.0.25/32", "100::/64"]
            .map(|network| network.parse::<ipnet::IpNet>().unwrap()),
    );
    let told = fetch(settings, &Arc::new(names), &format!("http://media.example.com:{}/", server.port())).await;
    let told = match told {
        Ok(media) => Value::from(media.kind.as_str()),
        Err(error) => Value::from(error.code().number()),
    };
    (told, server.heads())
}

#[tokio::test(start_paused = true)]
async fn media_of_the_field_are_taken_or_refused_as_their_viewers_would() {
    tick();
    let mut wrong = Vec::new();
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        for variant in case["variants"].as_array().unwrap() {
            let (told, heads) = outcome(variant).await;
            if told != variant["expect"] {
                wrong.push(format!("{}, {}: {told} and not {}", case["id"], variant["name"], variant["expect"]));
            }
            if let Some(path) = variant["path"].as_str() {
                let wanted = format!("get {path} ");
                if !heads.last().unwrap().starts_with(&wanted) {
                    wrong.push(format!(
                        "{}, {}: not asked for {path}: {:?}",
                        case["id"],
                        variant["name"],
                        heads.last()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
