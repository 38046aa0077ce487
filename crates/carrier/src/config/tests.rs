//! Mistakes, secrets and extra parameters.

use super::*;

fn sound() -> CarrierConfig {
    CarrierConfig { name: "main".into(), host: "smsc.example.net".into(), system_id: "me".into(), ..CarrierConfig::default() }
}

#[test]
fn every_mistake_is_told_at_once_and_names_its_key() {
    let config = CarrierConfig { window: 0, priority: 9, errors: [("ESME_NONSENSE".to_owned(), Action::Retry)].into(), ..CarrierConfig::default() };
    let told = config.validate().unwrap_err().to_string();
    for key in ["`name`", "`host`", "`system_id`", "`window`", "`priority`", "ESME_NONSENSE"] {
        assert!(told.contains(key), "{key} in {told}");
    }
    assert_eq!(sound().validate(), Ok(()));
}

#[test]
fn the_password_stays_out_of_debug_output() {
    let config = CarrierConfig { password: Secret("hunter2".into()), ..sound() };
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
