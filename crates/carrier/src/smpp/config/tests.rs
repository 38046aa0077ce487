//! Mistakes, secrets and extra parameters.

use super::*;

fn sound() -> SmppConfig {
    SmppConfig { name: "main".into(), host: "smsc.example.net".into(), system_id: "me".into(), ..SmppConfig::default() }
}

#[test]
fn every_mistake_is_told_at_once_and_names_its_key() {
    let config = SmppConfig {
        window: 0,
        priority: 9,
        errors: [("ESME_NONSENSE".to_owned(), Action::Retry)].into(),
        ..SmppConfig::default()
    };
    let told = config.validate().unwrap_err().to_string();
    for key in ["`name`", "`host`", "`system_id`", "`window`", "`priority`", "ESME_NONSENSE"] {
        assert!(told.contains(key), "{key} in {told}");
    }
    assert_eq!(sound().validate(), Ok(()));
}

#[test]
fn a_mistake_names_its_key() {
    let mistaken = |config: SmppConfig| {
        config.validate().unwrap_err().mistakes.into_iter().map(|mistake| mistake.key).collect::<Vec<_>>()
    };
    for (config, key) in [
        (SmppConfig { enquire_link_secs: u64::MAX / 2, ..sound() }, "enquire_link_secs"),
        (SmppConfig { response_timeout_secs: u64::MAX, ..sound() }, "response_timeout_secs"),
        (SmppConfig { connect_timeout_secs: 0, ..sound() }, "connect_timeout_secs"),
        (SmppConfig { bind_timeout_secs: u64::MAX, ..sound() }, "bind_timeout_secs"),
        (SmppConfig { refused_retry_secs: 0, ..sound() }, "refused_retry_secs"),
        (SmppConfig { reconnect_floor_ms: 0, ..sound() }, "reconnect_floor_ms"),
        (SmppConfig { reconnect_floor_ms: 70_000, ..sound() }, "reconnect_floor_ms"),
        (SmppConfig { reconnect_ceiling_ms: u64::MAX, ..sound() }, "reconnect_ceiling_ms"),
        (SmppConfig { throttle_floor_ms: 20_000, ..sound() }, "throttle_floor_ms"),
        (SmppConfig { throttle_floor_ms: 0, ..sound() }, "throttle_floor_ms"),
        (SmppConfig { receipts_pending_max: 0, ..sound() }, "receipts_pending_max"),
        (SmppConfig { national_prefix: Some("1".into()), ..sound() }, "national_prefix"),
        (SmppConfig { national_prefix: Some("+".into()), ..sound() }, "national_prefix"),
    ] {
        assert_eq!(mistaken(config), [key]);
    }
}

#[test]
fn a_password_that_a_bind_cannot_carry_is_refused_wherever_it_comes_from() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (length, fits) in [(16, true), (17, false)] {
        let password = "p".repeat(length);
        std::fs::write(file.path(), format!("{password}\n")).unwrap();
        let given = SmppConfig { password: Secret(password.clone()), ..sound() };
        let in_file = SmppConfig { password_file: Some(file.path().to_owned()), ..sound() };
        for (config, key) in [(given, "password"), (in_file, "password_file")] {
            let read = config.read_password();
            assert_eq!(read.as_deref() == Ok(&password), fits, "{read:?}");
            if let Err(error) = read {
                assert!(
                    error.mistakes[0].key == key
                        && error.to_string().contains("17 octets")
                        && !error.to_string().contains(&password),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn the_files_of_a_tls_connection_are_looked_at_without_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(SmppConfig { tls_ca: Some("/nope".into()), ..sound() }.check_tls(), Ok(()), "there is no TLS");
    for path in [std::path::Path::new("/nope"), file.path()] {
        let error = SmppConfig { tls: true, tls_ca: Some(path.to_owned()), ..sound() }.check_tls().unwrap_err();
        assert!(
            error.mistakes[0].key == "tls_ca" && error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn the_password_stays_out_of_debug_output() {
    let config = SmppConfig { password: Secret("hunter2".into()), ..sound() };
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.read_password().as_deref(), Ok("hunter2"));
}

#[test]
fn extra_parameters_are_text_or_octets() {
    assert_eq!(parse_tlv("0x1400", "entity"), Some((0x1400, b"entity".to_vec())));
    assert_eq!(parse_tlv("0x1401", "0x00FF"), Some((0x1401, vec![0, 0xFF])));
    assert_eq!(parse_tlv("tag", "x"), None);
    assert_eq!(parse_tlv("0x1401", "0x0F0"), None);
}
