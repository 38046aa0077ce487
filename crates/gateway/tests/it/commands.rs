//! The command line, as a shell sees it: what it prints, what it asks, and how it exits.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use config::RouteConfig;
use tempfile::TempDir;

use crate::support::{Stage, carrier, dead_port};

/// The program, with nothing of this process's environment that it would heed.
pub(crate) fn smsfactory(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SMSFACTORY_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Writes a file that its owner alone may read.
fn write_private(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Writes a configuration, and checks it without a network.
fn check(directory: &Path, text: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let file = directory.join("my.toml");
    write_private(&file, text);
    let mut command = smsfactory(&["check", "--offline", "--config", file.to_str().unwrap()]);
    told(&command.envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn a_sound_configuration_is_sound_whatever_the_commands_environment() {
    let directory = TempDir::new().unwrap();
    let text = format!(
        "[store]\nurl = \"sqlite:{}/data/x.db\"\n[[carrier]]\nname = \"main\"\nhost = \"smsc\"\nsystem_id = \"me\"\n",
        directory.path().display()
    );
    let pepper = "p".repeat(32);
    let variables = [("SMSFACTORY_ADMIN_URL", "http://127.0.0.1:8081"), ("SMSFACTORY_KEYS_PEPPER", pepper.as_str())];
    let (code, out, err) = check(directory.path(), &text, &variables);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("read, 1 carrier, 0 routes") && out.contains("will be created"), "{out}");
    assert!(!directory.path().join("data").exists(), "a check leaves nothing behind");
}

#[test]
fn a_file_with_secrets_is_for_its_owner() {
    let directory = TempDir::new().unwrap();
    let (file, token) = (directory.path().join("my.toml"), directory.path().join("token"));
    let store =
        format!("[store]\nurl = \"sqlite:{}/x.db\"\n[media]\ndirectory = \"{0}/media\"\n", directory.path().display());
    let pepper = format!("[keys]\npepper = \"{}\"\n", "p".repeat(32));
    let token_file = format!("[admin]\ntoken_file = \"{}\"\n", token.display());
    for (text, file_mode, token_mode, found) in [
        (format!("{store}{pepper}"), 0o600, 0o600, None),
        (format!("{store}{pepper}"), 0o640, 0o600, None),
        (format!("{store}{pepper}"), 0o644, 0o600, Some("my.toml: ")),
        (format!("{store}{token_file}"), 0o644, 0o600, None),
        (format!("{store}{token_file}"), 0o644, 0o644, Some("my.toml:6: ")),
    ] {
        std::fs::write(&file, &text).unwrap();
        write_private(&token, "a-token-of-the-operator");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(file_mode)).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(token_mode)).unwrap();
        let mut command = smsfactory(&["check", "--offline", "--config", file.to_str().unwrap()]);
        let (code, out, _) = told(&command.env("SMSFACTORY_KEYS_PEPPER", "q".repeat(32)).output().unwrap());
        match found {
            None => assert_eq!(code, Some(0), "{out}"),
            Some(place) => {
                assert!(code == Some(1) && out.contains(place) && out.contains("every user of this machine"), "{out}");
            }
        }
        assert!(!out.contains("ppppp") && !out.contains("a-token"), "{out}");
    }
}

#[test]
fn media_without_their_store_are_a_mistake() {
    let directory = TempDir::new().unwrap();
    let text = format!(
        "[keys]\npepper = \"{}\"\n[store]\nurl = \"sqlite:{1}/x.db\"\n[media]\ndirectory = \"{1}/media\"\n",
        "p".repeat(32),
        directory.path().display()
    );
    let media = directory.path().join("media/ab");
    std::fs::create_dir_all(&media).unwrap();
    assert_eq!(check(directory.path(), &text, &[]).0, Some(0), "an empty directory is no mistake");
    std::fs::write(media.join("abcd"), "a picture").unwrap();
    let (code, out, _) = check(directory.path(), &text, &[]);
    assert!(code == Some(1) && out.contains("my.toml:6: ") && out.contains("holds the media of one"), "{out}");
}

#[test]
fn what_only_a_look_finds_out_is_told_with_its_line() {
    let directory = TempDir::new().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.display();
    let sound = "[keys]\npepper = \"pppppppppppppppppppppppppppppppp\"\n[store]\nurl = \"sqlite:x.db\"\n";
    for (text, place) in [
        (sound.replace("sqlite:x.db", "sqlite:/proc/nope/x.db"), "my.toml:4: `store.url`: cannot make /proc/nope"),
        (sound.replace("pppppppp\"", "\""), "my.toml:2: `keys.pepper` has fewer"),
        (sound.replace("[keys]\npepper", "[keys]\npepper_file"), "my.toml:2: `keys.pepper_file`: cannot read"),
        (format!("{sound}[admin]\ntoken_file = \"/nope\"\n"), "my.toml:6: `admin.token_file`: cannot read"),
        (format!("{sound}[admin]\n\ntoken = \"short\"\n"), "my.toml:7: `admin.token` has fewer"),
        (
            format!("{sound}[api]\ntls_cert = \"{empty}\"\ntls_key = \"/nope\"\n"),
            "my.toml:7: `api.tls_key`: cannot use /nope",
        ),
    ] {
        let (code, out, err) = check(directory.path(), &text, &[]);
        assert_eq!((code, err.as_str()), (Some(1), "smsfactory: 1 mistake\n"), "{out}");
        assert!(out.lines().any(|line| line.starts_with("mistake ") && line.contains(place)), "{place} in {out}");
    }
}

#[test]
fn a_mistake_has_one_line() {
    let directory = TempDir::new().unwrap();
    let (code, _, err) = check(directory.path(), "[api]\nlisten = \"nowhere\"\n[dispatch]\nbatch = 0\n", &[]);
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!((code, lines.len()), (Some(1), 2), "{err}");
    assert!(
        lines[0].contains("my.toml:2: `api.listen`: ") && lines[1].contains("my.toml:4: `dispatch.batch`: "),
        "{err}"
    );
}

/// The table by which `pipeline`'s tests judge the guard.
const URLS: &str = include_str!("../../../fetch/tests/urls.jsonl");

/// Gives a program its standard input, and has what it says.
pub(crate) fn fed(command: &mut Command, input: &str) -> (Option<i32>, String, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    told(&output)
}

#[test]
fn a_batch_of_urls_is_judged_line_by_line() {
    let (code, out, err) = fed(&mut smsfactory(&["check-url", "--jsonl"]), URLS);
    assert_eq!((code, err.as_str(), out.lines().count()), (Some(0), "", URLS.lines().count()));
    for (asked, answered) in URLS.lines().zip(out.lines()) {
        let [asked, answered]: [serde_json::Value; 2] =
            [asked, answered].map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(asked["allowed"], answered["allowed"], "{asked}: {answered}");
        let why = answered["why"].as_str();
        assert!(why.is_none_or(|why| why.contains(asked["why"].as_str().unwrap_or_default())), "{asked}: {answered}");
        assert_eq!(answered["allowed"] == true, why.is_none(), "{answered}");
    }
    let lines = "{\"url\": \"http://8.8.8.8/\"}\n{\"url\": 8}\n\n\
                 {\"url\": \"http://a.example.com/\", \"resolves_to\": [\"a\"]}\n";
    let (code, out, err) = fed(&mut smsfactory(&["check-url", "--jsonl"]), lines);
    assert_eq!((code, err.as_str()), (Some(1), "smsfactory: 3 lines could not be read\n"));
    let answers: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], serde_json::json!({ "allowed": true, "why": null }));
    for (line, answer) in answers.iter().enumerate().skip(1) {
        assert!(answer["error"].is_string() && answer["line"] == line + 1, "{answer}");
    }
    assert!(answers[3]["error"].as_str().unwrap().contains("`a` is not an IP address"), "{}", answers[3]);
}

#[test]
fn a_url_is_judged_without_being_fetched() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("my.toml");
    std::fs::write(
        &file,
        "[media]\nallow_networks = [\"127.0.0.0/8\"]\ndeny_networks = [\"8.8.8.0/24\"]\nports = [81]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for (arguments, code, line) in [
        (&["http://8.8.8.8/a.jpg"][..], 0, "allowed"),
        (&["http://0x7f.1/"], 1, "refused: 127.0.0.1 is not public: loopback (RFC 1122)"),
        (&["http://localhost./"], 1, "refused: the host is a special-use name: localhost"),
        (&["http://a.example.com/", "--resolve", "a.example.com=8.8.8.8,2606:4700::1111"], 0, "allowed"),
        (
            &["http://a.example.com/", "--resolve", "A.example.com.=8.8.8.8,::1"],
            1,
            "refused: ::1 is not public: not global unicast (RFC 4291)",
        ),
        (
            &["--resolve", "b.example.com=8.8.8.8", "--resolve", "a.example.com=10.0.0.1", "http://b.example.com/"],
            0,
            "allowed",
        ),
        (&["--config", file, "http://127.0.0.1:81/"], 0, "allowed"),
        (&["--config", file, "http://127.0.0.1/"], 1, "refused: port 80 is not allowed"),
        (&["--config", file, "http://8.8.8.8:81/"], 1, "refused: 8.8.8.8 is not public: denied by the operator"),
        (&[], 2, ""),
        (&["http://a.example.com/", "--resolve", "a.example.com"], 2, ""),
        (&["http://a.example.com/", "--resolve", "a.example.com=1.2.3"], 2, ""),
        (&["http://a.example.com/", "--jsonl"], 2, ""),
    ] {
        let (told_code, out, err) = told(&smsfactory(&[&["check-url"], arguments].concat()).output().unwrap());
        assert_eq!((told_code, out.trim_end()), (Some(code), line), "{arguments:?}: {err}");
        assert_eq!(err.is_empty(), code != 2, "{err}");
    }
}

#[test]
fn what_clients_notice_is_not_done_unasked() {
    for arguments in [
        &["account", "suspend", "acc_x"][..],
        &["account", "disable", "acc_x"],
        &["key", "revoke", "uk_x"],
        &["block", "remove", "+12025550143"],
        &["number", "set", "+12025550143", "--no-account"],
        &["number", "set", "+12025550143", "--state", "suspended"],
        &["operator", "disable", "ada"],
        &["operator", "password", "ada", "--none"],
        &["account", "retention", "acc_x", "discard"],
        &["message", "again", "msg_x"],
        &["broadcast", "cancel", "brc_x"],
        &["carrier", "stop", "main"],
        &["carrier", "abandon", "main"],
        &["node", "drain", "a"],
        &["optout", "remove", "+12025550143", "--account", "acc_x"],
        &["inbound", "unrouted", "assign", "msg_x", "acc_x"],
        &["screening", "template", "remove", "acc_x", "tpl_x"],
        &["erase", "+12025550143"],
    ] {
        let (code, out, err) = told(&smsfactory(arguments).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(err.contains("Without a terminal, say --yes"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_simulator_that_cannot_be_meant_is_wrong_usage() {
    for (flag, value, words) in [
        ("--lose-response", "5", "from 0 to 1"),
        ("--disconnect", "-0.1", "from 0 to 1"),
        ("--garbage", "NaN", "from 0 to 1"),
        ("--reject", "1.5=ESME_RSYSERR", "from 0 to 1"),
        ("--receipts", "delivrd=-1", "weight"),
        ("--receipts", "delivrd=0", "weight"),
        ("--receipt-date-digits", "11", "10, 12 or 14"),
        ("--response-delay-ms", "50..5", "50 is more than 5"),
        ("--receipt-delay-ms", "0..18446744073709551615", "a day"),
        ("--late-ms", "18446744073709551615", "86400000"),
        ("--congestion", "101", "100"),
    ] {
        let (code, out, err) = told(&smsfactory(&["simulate", "smsc", &format!("{flag}={value}")]).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{flag} {value}: {err}");
        assert!(err.contains(words), "{flag} {value}: {err}");
    }
}

/// A process that is ended with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is no concern.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_simulator_says_what_it_saw_as_often_as_it_is_told() {
    let mut command = smsfactory(&["simulate", "smsc", "--listen", "127.0.0.1:0", "--summary-secs", "1"]);
    let mut smsc = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(smsc.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("listening"));
    for _ in 0..2 {
        assert!(lines.next().unwrap().contains("\"submitted\":0"), "a summary while it runs");
    }
}

#[test]
fn the_hint_of_dev_works_as_it_is_printed() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("some data");
    let data = data.to_str().unwrap();
    let mut command = smsfactory(&["dev", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut dev = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(dev.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let hint = lines.find(|line| line.contains(" message show ")).expect("a hint is printed");
    let shown = Command::new("sh").args(["-c", &hint]).output().unwrap();
    let (code, out, err) = told(&shown);
    assert!(code == Some(0) && out.contains("delivered"), "{hint}: {out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_wrote_cannot_control_the_operators_terminal() {
    let server = crate::support::Stage::start().await;
    let reason = "\x1b[2J\u{9b}31m\nforged row\u{202e}";
    let put = server
        .operate("PUT", "/blocks/+18005559999", serde_json::json!({ "kind": "recipient", "reason": reason }))
        .await;
    assert_eq!(put.status, 200);
    let url = format!("http://{}", server.app().admin_address);
    for (arguments, shown) in [
        (&["block", "--url", &url, "list"][..], r"\u001b[2J\u009b31m\nforged row\u202e"),
        (&["block", "--url", &url, "--json", "list"], r#"\u001b[2J\u009b31m\nforged row\u202e""#),
    ] {
        let mut command = smsfactory(arguments);
        command.env("SMSFACTORY_ADMIN_TOKEN", crate::support::TOKEN);
        let (code, out, err) = told(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap());
        assert_eq!(code, Some(0), "{err}");
        assert!(
            out.contains(shown) && !out.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{out:?}"
        );
    }
}

#[test]
fn text_names_the_characters_that_make_a_text_ucs2() {
    let (code, out, _) =
        told(&smsfactory(&["text", "Monday at 3:30\u{202f}PM, it\u{2019}s \u{416}"]).output().unwrap());
    assert_eq!(code, Some(0));
    for line in [
        "UCS-2 because of U+202F (narrow no-break space) at position 15",
        "UCS-2 because of U+2019 (right single quotation mark) at position 22",
        "UCS-2 because of U+0416 (\u{416}) at position 25",
    ] {
        assert!(out.lines().any(|found| found == line), "{out}");
    }
    let (_, out, _) = told(&smsfactory(&["text", "--json", "3:30 PM"]).output().unwrap());
    let measured: serde_json::Value = serde_json::from_str(&out).unwrap();
    let expected =
        serde_json::json!({ "encoding": "GSM-7", "segments": 1, "characters": 7, "invalid": [], "ucs2Characters": [] });
    assert_eq!(measured, expected);
}

#[test]
fn text_lists_lone_surrogates_with_the_other_invalid_characters_and_reads_on_after_a_line_that_is_no_json() {
    let mut command = smsfactory(&["text", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: [&[u8]; 5] = [
        br#"{"body":"a\ud83d\u0007"}"#,
        b"{\"body\":\"\xED\xA0\xBD\"}",
        br#"{"body":"\ud83d\ude00"}"#,
        b"{\"body\":\"\xFF\"}\r",
        br#"{"body":"\u0416\ude00"}"#,
    ];
    command.stdin.take().unwrap().write_all(&lines.join(&b'\n')).unwrap();
    let (code, out, _) = told(&command.wait_with_output().unwrap());
    let answers: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (Some(1), 5), "{out}");
    let invalid = |character: &str, position: u64| serde_json::json!({ "character": character, "position": position });
    assert_eq!(answers[0]["invalid"], serde_json::json!([invalid("\\ud83d", 2), invalid("\u{7}", 3)]));
    assert_eq!((&answers[1]["line"], &answers[3]["line"]), (&2.into(), &4.into()), "{out}");
    assert_eq!((&answers[2]["invalid"], &answers[2]["characters"]), (&serde_json::json!([]), &1.into()));
    assert_eq!(answers[4]["invalid"], serde_json::json!([invalid("\\ude00", 2)]));
    assert_eq!(answers[4]["ucs2Characters"], serde_json::json!([invalid("\u{416}", 1)]));
}

/// Runs the program beside the runtime of a test, with the operator's token.
async fn run(mut command: Command) -> (Option<i32>, String, String) {
    command.env("SMSFACTORY_ADMIN_TOKEN", crate::support::TOKEN);
    told(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

/// A server that has left a carrier out of its configuration, for which so many messages wait, and the route of these
/// messages to another carrier.
async fn without_a_carrier(messages: usize) -> Stage {
    let route = |carrier: &str| RouteConfig {
        prefix: "+44".to_owned(),
        kind: None,
        carriers: vec![carrier.to_owned()],
        on_unknown: Default::default(),
    };
    let mut stage = Stage::with(|config, _| {
        config.carrier.push(carrier("old", dead_port()));
        config.route.insert(0, route("old"));
    })
    .await;
    let tenant = stage.tenant().await;
    for _ in 0..messages {
        stage.send(&tenant, "+442071838750", "hello").await;
    }
    stage
        .restart(|config| {
            config.carrier.retain(|carrier| carrier.name() != "old");
            config.route[0] = route("main");
        })
        .await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_is_abandoned_by_those_who_say_yes() {
    let server = Box::pin(without_a_carrier(3)).await;
    let url = format!("http://{}", server.admin);
    let abandon = |arguments: &[&str]| run(smsfactory(&[&["carrier", "--url", &url, "abandon"], arguments].concat()));
    let (code, out, err) = abandon(&["old"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("Abandon carrier old?") && err.contains("say --yes"), "{err}");
    assert_eq!(server.carrier("old").await["queued"], 3, "nothing was changed");
    let (code, out, err) = abandon(&["old", "--yes"]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows, [["name", "old"], ["rerouted", "3"], ["failed", "0"], ["held", "0"]]);
    for known_or_empty in ["main", "old"] {
        let (code, out, err) = abandon(&[known_or_empty, "--yes"]).await;
        assert_eq!((code, out.as_str()), (Some(1), ""), "{known_or_empty}");
        assert!(err.starts_with("smsfactory: ") && err.contains("33101"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_by_those_who_say_yes() {
    const PERSON: &str = "+442071838750";
    let server = Box::pin(without_a_carrier(3)).await;
    let url = format!("http://{}", server.admin);
    let erase = |arguments: &[&str]| run(smsfactory(&[&["erase", "--url", &url], arguments].concat()));
    let (code, out, err) = erase(&[PERSON]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("Erase +") && err.contains("say --yes"), "{err}");
    let counted = |out: &str, name: &str| {
        let row = out.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        row.split_whitespace().last().unwrap_or_default().to_owned()
    };
    let (code, out, err) = erase(&[PERSON, "--dry-run"]).await;
    assert_eq!((code, err.as_str(), counted(&out, "canceled").as_str()), (Some(0), "", "3"), "{out}");
    assert_eq!(server.carrier("old").await["queued"], 3, "nothing was changed");
    let (code, out, err) = erase(&[PERSON, "--yes", "--reference", "DSR-12"]).await;
    assert_eq!((code, err.as_str(), counted(&out, "canceled").as_str()), (Some(0), "", "3"), "{out}");
    assert_eq!(counted(&out, "state"), "completed");
    let (code, out, _) = erase(&["list", "--number", PERSON]).await;
    assert_eq!((code, out.lines().count(), out.contains("DSR-12")), (Some(0), 2, true), "{out}");
    assert!(!out.contains(&PERSON[1..]), "{out}");
    let id = out.lines().nth(1).and_then(|line| line.split_whitespace().next()).unwrap().to_owned();
    let (code, out, _) = erase(&["show", &id]).await;
    assert_eq!((code, counted(&out, "messages").as_str()), (Some(0), "3"), "{out}");
    assert_eq!(erase(&[]).await.0, Some(2), "which number?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_warns_of_carriers_that_messages_wait_for_and_the_configuration_lacks() {
    let mut server = Box::pin(without_a_carrier(2)).await;
    let (file, store) = (server.directory.path().join("my.toml"), server.config.store.url.0.clone());
    let media = server.config.media.directory.display();
    let sound = format!(
        "[keys]\npepper = \"{}\"\n[store]\nurl = \"{store}\"\n[media]\ndirectory = \"{media}\"\n",
        "pepper".repeat(6)
    );
    write_private(&file, &sound);
    let warning = "my.toml:4: 2 messages wait for the carrier `old`, which is not in this configuration: \
                   `smsfactory carrier abandon old` gives them to other carriers of their routes";
    let check = |more: &'static [&'static str]| {
        run(smsfactory(&[&["check", "--config", file.to_str().unwrap()], more].concat()))
    };
    for is_running in [true, false] {
        if !is_running {
            server.stop().await;
        }
        let (code, out, _) = check(&[]).await;
        assert!(
            code == Some(0) && out.lines().any(|line| line.starts_with("warning ") && line.ends_with(warning)),
            "{out}"
        );
        assert!(!check(&["--offline"]).await.1.contains("wait for"), "{out}");
    }
    write_private(&file, &format!("{sound}[[carrier]]\nname = \"old\"\nkind = \"sandbox\"\n"));
    let (code, out, _) = check(&[]).await;
    assert!(code == Some(0) && !out.contains("wait for"), "{out}");
}
