//! Tables that are sound, and tables that are not.

use super::*;

fn sound() -> Mm7Config {
    Mm7Config { name: "mmsc".to_owned(), url: "http://mmsc.example.net/mm7".to_owned(), ..Mm7Config::default() }
}

#[test]
fn a_name_and_a_url_are_enough() {
    assert_eq!(sound().validate(), Ok(()));
    assert_eq!(sound().check_files(), Vec::new());
}

#[test]
fn every_mistake_is_told_by_its_key() {
    let some = |text: &str| Some(text.to_owned());
    for (key, config) in [
        ("name", Mm7Config { name: String::new(), ..sound() }),
        ("url", Mm7Config { url: String::new(), ..sound() }),
        ("url", Mm7Config { url: "mmsc.example.net".to_owned(), ..sound() }),
        ("tls_client_cert", Mm7Config { tls_client_key: Some("key.pem".into()), ..sound() }),
        ("username", Mm7Config { username: "a:b".to_owned(), ..sound() }),
        ("namespace", Mm7Config { namespace: String::new(), ..sound() }),
        ("mm7_version", Mm7Config { mm7_version: String::new(), ..sound() }),
        ("message_class", Mm7Config { message_class: some("personal"), ..sound() }),
        ("priority", Mm7Config { priority: some("Urgent"), ..sound() }),
        ("charged_party", Mm7Config { charged_party: some("Nobody"), ..sound() }),
        ("errors", Mm7Config { errors: [("busy".to_owned(), Action::Retry)].into(), ..sound() }),
        ("max_bytes", Mm7Config { max_bytes: 0, ..sound() }),
        ("window", Mm7Config { window: 0, ..sound() }),
        ("response_timeout_secs", Mm7Config { response_timeout_secs: 0, ..sound() }),
        ("reconnect_floor_ms", Mm7Config { reconnect_floor_ms: 2, reconnect_ceiling_ms: 1, ..sound() }),
        ("listen_path", Mm7Config { listen_path: "mm7".to_owned(), ..sound() }),
        ("listen_username", Mm7Config { listen_username: "a:b".to_owned(), ..sound() }),
        ("allow_peers", Mm7Config { listen: Some(([0, 0, 0, 0], 8080).into()), allow_peers: Vec::new(), ..sound() }),
    ] {
        let mistakes = config.validate().unwrap_err().mistakes;
        assert_eq!(mistakes.iter().map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(), [key]);
    }
}

#[test]
fn secrets_and_certificates_are_tried_before_a_start() {
    let missing = || Some(PathBuf::from("/nonexistent/file"));
    let secret = || Secret("secret".to_owned());
    for (key, config) in [
        ("password_file", Mm7Config { username: "me".to_owned(), password_file: missing(), ..sound() }),
        (
            "listen_password_file",
            Mm7Config { listen_username: "mmsc".to_owned(), listen_password_file: missing(), ..sound() },
        ),
        ("password", Mm7Config { password: secret(), ..sound() }),
        ("listen_password", Mm7Config { listen_password: secret(), ..sound() }),
        ("tls_ca", Mm7Config { url: "https://mmsc.example.net/".to_owned(), tls_ca: missing(), ..sound() }),
    ] {
        let found = config.check_files();
        assert_eq!(
            found.iter().flat_map(|error| &error.mistakes).map(|mistake| mistake.key.as_str()).collect::<Vec<_>>(),
            [key]
        );
    }
}

#[test]
fn a_release_is_enough_of_a_namespace() {
    for (given, namespace) in [
        ("REL-6-MM7-1-4", "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"),
        ("http://example.net/own", "http://example.net/own"),
    ] {
        assert_eq!(Mm7Config { namespace: given.to_owned(), ..sound() }.dialect().namespace, namespace);
    }
}
