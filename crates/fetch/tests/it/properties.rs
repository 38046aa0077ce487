//! Whatever comes: nothing is allowed that leads to an address which is not public, and nothing panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fetch::guard::{Guard, GuardSettings};
use fetch::media::kind::judge;
use fetch::url::{Target, UrlRules};
use proptest::prelude::*;
use proptest::sample::select;

use crate::kinds::FILES;
use crate::support::media;

/// What may not be connected to, written down a second time: first and last of each range.
const FORBIDDEN_V4: [(&str, &str); 15] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "255.255.255.255"),
];

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let bound = |text: &str| text.parse::<Ipv4Addr>().unwrap();
            FORBIDDEN_V4.iter().any(|(first, last)| (bound(first)..=bound(last)).contains(&address))
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            let in_protocols = first == 0x2001 && second < 0x200;
            let in_documentation = (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
            match address.to_ipv4_mapped() {
                Some(mapped) => is_forbidden(mapped.into()),
                None => !(0x2000..0x4000).contains(&first) || in_protocols || in_documentation || first == 0x2002,
            }
        }
    }
}

/// Addresses, many of them at the edges of what is forbidden.
fn address() -> impl Strategy<Value = IpAddr> {
    let edges: Vec<u32> = FORBIDDEN_V4
        .iter()
        .flat_map(|(first, last)| [first, last])
        .map(|text| text.parse::<Ipv4Addr>().unwrap().to_bits())
        .collect();
    let v4 = prop_oneof![any::<u32>(), (select(edges), -2..=2_i32).prop_map(|(edge, by)| edge.wrapping_add_signed(by))];
    let prefix: Vec<u128> = [
        "::",
        "::ffff:0:0",
        "::ffff:0:0:0",
        "64:ff9b::",
        "64:ff9b:1::",
        "100::",
        "2000::",
        "2001::",
        "2001:1ff::",
        "2001:200::",
        "2001:db8::",
        "2002::",
        "3fff::",
        "3fff:fff::",
        "3fff:1000::",
        "4000::",
        "fc00::",
        "fe80::",
        "fec0::",
        "ff00::",
        "2606::",
    ]
    .iter()
    .map(|text| text.parse::<Ipv6Addr>().unwrap().to_bits())
    .collect();
    let v6 = (select(prefix), any::<u32>(), any::<bool>())
        .prop_map(|(prefix, low, below)| if below { prefix.wrapping_sub(1) } else { prefix | u128::from(low) });
    prop_oneof![
        v4.prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        v6.prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
    ]
}

/// One of the ways to write an address.
fn spelled(address: IpAddr, way: u8) -> String {
    let IpAddr::V4(v4) = address else { return format!("[{address}]") };
    let [a, b, c, d] = v4.octets();
    match way % 9 {
        0 => v4.to_string(),
        1 => v4.to_bits().to_string(),
        2 => format!("0x{:x}", v4.to_bits()),
        3 => format!("0{:o}", v4.to_bits()),
        4 => format!("{a}.{}", v4.to_bits() & 0xFF_FFFF),
        5 => format!("0{a:o}.0x{b:X}.{}", v4.to_bits() & 0xFFFF),
        6 => format!("{a}。{b}．{c}｡{d}."),
        7 => format!("[::ffff:{v4}]"),
        _ => v4.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect(),
    }
}

fn piece() -> impl Strategy<Value = String> {
    let known = select(vec![
        "http",
        "https",
        "ftp",
        ":",
        "//",
        "/",
        "\\",
        "@",
        "#",
        "?",
        "[",
        "]",
        "%",
        "%2e",
        "%00",
        ".",
        "。",
        ":80",
        ":443",
        ":22",
        "localhost",
        "127.0.0.1",
        "0x7f",
        "::1",
        "example",
        ".com",
        "xn--",
        "\t",
        " ",
        "\u{ad}",
        "１",
        "-",
        "_",
        "0",
        "\u{202e}",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-z0-9.]{0,12}"]
}

fn guard() -> Guard {
    Guard::new(&GuardSettings::default())
}

/// Judges, and holds every address that may be connected to against the second table.
fn check(text: &str, answers: &[IpAddr], own: &[IpAddr]) -> Result<bool, TestCaseError> {
    let guard = guard();
    let Ok(target) = Target::parse(text, &UrlRules { ports: vec![80, 443], ..UrlRules::default() }) else {
        return Ok(false);
    };
    let Ok(judged) = guard.verdict(target, answers, own) else { return Ok(false) };
    prop_assert!(!judged.addresses().is_empty());
    for address in judged.addresses() {
        prop_assert!(!is_forbidden(address.ip()) && !own.contains(&address.ip()), "{text:?} leads to {address}");
        prop_assert!([80, 443].contains(&address.port()));
    }
    let _ = guard.read(text, Some(&judged));
    Ok(true)
}

proptest! {
    #![proptest_config(trials::config(100_000))]

    #[test]
    fn an_address_is_allowed_exactly_if_it_is_public(address in address(), way in any::<u8>()) {
        let url = format!("http://{}/", spelled(address, way));
        prop_assert_eq!(check(&url, &[], &[])?, !is_forbidden(address), "{}", url);
        prop_assert_eq!(check("https://media.example.com/", &[address], &[])?, !is_forbidden(address), "{}", address);
    }

    #[test]
    fn a_name_is_allowed_exactly_if_all_its_addresses_are_public(
        answers in prop::collection::vec(address(), 0..4),
        own in prop::collection::vec(address(), 0..2),
    ) {
        let canonical: Vec<IpAddr> = own.iter().map(IpAddr::to_canonical).collect();
        let allowed = !answers.is_empty()
            && answers.iter().all(|address| !is_forbidden(*address) && !canonical.contains(&address.to_canonical()));
        prop_assert_eq!(check("http://media.example.com/", &answers, &own)?, allowed);
    }

    #[test]
    fn no_text_leads_to_a_forbidden_address(
        pieces in prop::collection::vec(piece(), 0..10),
        answers in prop::collection::vec(address(), 0..3),
    ) {
        let text = pieces.concat();
        check(&text, &answers, &[])?;
        check(&format!("http://{text}"), &answers, &[])?;
    }

    #[test]
    fn no_redirect_leads_to_a_forbidden_address(
        pieces in prop::collection::vec(piece(), 0..8),
        answers in prop::collection::vec(address(), 0..3),
    ) {
        let guard = guard();
        for from in ["http://93.184.216.34/a/b?c", "https://93.184.216.34/a/b?c"] {
            let rules = UrlRules { ports: vec![80, 443], ..UrlRules::default() };
            let from = guard.verdict(Target::parse(from, &rules).unwrap(), &[], &[]).unwrap();
            let Ok(target) = guard.read(&pieces.concat(), Some(&from)) else { continue };
            prop_assert!(target.is_https() || !from.target().is_https());
            let Ok(judged) = guard.verdict(target, &answers, &[]) else { continue };
            prop_assert!(judged.addresses().iter().all(|address| !is_forbidden(address.ip())));
        }
    }
}

/// Bytes that begin like one of the types.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let starts: Vec<Vec<u8>> = FILES
        .iter()
        .flat_map(|(file, _)| [4, 12, 40, 200].map(|length| media(file)[..length.min(media(file).len())].to_vec()))
        .collect();
    (select(starts), prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(start, rest)| [start, rest].concat())
}

/// Real files with bytes changed, cut out, doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<Vec<u8>> = FILES.iter().map(|(file, _)| media(file)).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8, 1..40_usize);
    (select(files), prop::collection::vec(change, 1..6)).prop_map(|(mut bytes, changes)| {
        for (at, byte, what, length) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => drop(bytes.drain(at..end)),
                _ => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(trials::config(20_000))]

    #[test]
    fn no_bytes_make_the_judgement_of_types_panic(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        like in bytes(),
        mutated in mutated(),
    ) {
        for bytes in [noise, like, mutated] {
            let _ = judge(&bytes, Some("text/x-vcard"));
        }
    }
}
