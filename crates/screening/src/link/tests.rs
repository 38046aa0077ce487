//! An account's links to its own domains are no bait, and what only looks like its own domain is none of its own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::category::Category;
use crate::data::BUILTIN;
use crate::policy::Policy;
use crate::screen::Screen;
use crate::text::fold::fold;

static SCREEN: LazyLock<Screen> = LazyLock::new(Screen::builtin);

/// Notices in which `{}` is a link to the sender's own site.
const NOTICES: [&str; 20] = [
    "Your temporary password is 8Hx2. Log in at {} and change it now.",
    "New sign-in to your account from Chrome on Windows. If this wasn't you, secure your account at {}",
    "Your account was locked after five attempts. Verify your identity at {}",
    "Use {} to confirm your email address. The link expires in 24 hours.",
    "We could not verify your account. Update your details at {} within 48 hours.",
    "Reset your password here: {}. If you did not ask for this, ignore the message.",
    "Your session has expired. Sign in again at {} to continue.",
    "Payment failed. Update your card at {} to keep your subscription.",
    "Your invoice of $48.20 is overdue. Pay now at {} to avoid a late fee.",
    "Your bill is ready: $112.03 is due on 5 May. Pay at {}",
    "A refund of $15.00 is waiting. Confirm where to send it at {}",
    "Urgent: your card was declined. Update the billing details at {}",
    "Your rent payment did not go through. Please try again at {}",
    "Your parcel could not be delivered. Choose a new date at {}",
    "Your package is held at customs. Pay the fee of $1.99 at {}",
    "Delivery attempted, nobody was at home. Reschedule at {}",
    "USPS: your parcel arrives on Monday. Track it at {}",
    "Your order has shipped. Follow the courier here: {}",
    "Unpaid toll of $6.99. Pay at {} by Friday to avoid a fine.",
    "Your mailbox is almost full. Get more storage at {}",
];

/// Hosts that would be suspicious of anybody else: telling words, odd endings, hyphens, digits, brands, an address.
const OWN: [(&str, &str); 8] = [
    ("acme.com", "https://portal.acme.com"),
    ("acme.com", "https://verify.account.login.acme.com/secure/update?id=7"),
    ("acme-secure-login.top", "acme-secure-login.top/verify"),
    ("acme-secure-login.top", "http://pay.parcel-redelivery.acme-secure-login.top/a/b"),
    ("4cme247.xyz", "https://my.4cme247.xyz/track/17"),
    ("paypal-partners.net", "https://toll.paypal-partners.net/pay"),
    ("bit.ly", "bit.ly/3xK9a"),
    ("203.0.113.7", "http://203.0.113.7/login"),
];

/// What links say in `text`, and the rules that hold.
fn read(text: &str, policy: &Policy) -> (BTreeSet<String>, BTreeSet<String>) {
    let folded = fold(text);
    let reading = SCREEN.read(&folded, policy);
    let means = SCREEN.means();
    let concepts = reading.hits.iter().map(|hit| means.lexicon.name(hit.concept).to_owned());
    let rules = reading.holding.iter().map(|rule| means.rules.get(*rule).name.clone());
    (concepts.filter(|name| name.starts_with("link.")).collect(), rules.collect())
}

fn vouching_for(domain: &str) -> Policy {
    Policy { allowed_domains: [domain.to_owned()].into(), ..Policy::default() }
}

/// Rules on phishing that need a link which nobody vouches for.
fn of_untrusted_links() -> BTreeSet<String> {
    let rules = std::str::from_utf8(BUILTIN.rules).unwrap();
    let needing = rules.lines().filter(|line| line.contains("& ($untrusted)") || line.contains("& ($shady)"));
    needing
        .map(|line| line.split(" | ").collect::<Vec<_>>())
        .filter(|parts| parts.get(1) == Some(&Category::Phishing.name()))
        .map(|parts| parts[0].to_owned())
        .collect()
}

#[test]
fn a_link_to_an_allowed_domain_is_the_accounts_own_and_nothing_else() {
    let needing = of_untrusted_links();
    assert!(needing.len() >= 8, "{needing:?}");
    let harmless: BTreeSet<&str> = ["link.any", "link.own"].into();
    let mut held_without = BTreeSet::new();
    for notice in NOTICES {
        for (domain, link) in OWN {
            let text = notice.replace("{}", link);
            let (concepts, rules) = read(&text, &vouching_for(domain));
            assert!(concepts.contains("link.own"), "{text}");
            assert!(concepts.iter().all(|concept| harmless.contains(concept.as_str())), "{text}: {concepts:?}");
            assert!(rules.is_disjoint(&needing), "{text}: {rules:?}");
            let (concepts, rules) = read(&text, &Policy::default());
            assert!(!concepts.contains("link.own"), "{text}");
            held_without.extend(rules.intersection(&needing).cloned());
        }
    }
    assert!(held_without.len() >= 4, "the texts try the rules: {held_without:?}");
}

#[test]
fn what_only_looks_like_an_allowed_domain_is_not_the_accounts_own() {
    let policy = vouching_for("acme.com");
    for link in [
        "https://\u{430}cme.com/login",
        "\u{430}cme.com/login",
        "https://\u{e1}cme.com/login",
        "ac\u{200b}me.com/login",
        "https://xn--cme-7cd.com/login",
        "https://acme.com.evil.org/login",
        "https://acme.com@evil.org/login",
        "https://evil-acme.com/login",
        "hxxps://acme[.]com/login",
    ] {
        let (concepts, _) = read(&format!("Your account is locked. Verify at {link}"), &policy);
        assert!(!concepts.contains("link.own") && concepts.len() > 1, "{link}: {concepts:?}");
    }
    // The names that brands own are compared as strictly.
    let (concepts, _) = read("PayPal: log in at https://p\u{e1}ypal.com/signin", &Policy::default());
    assert!(!concepts.contains("link.own"), "{concepts:?}");
}

#[test]
fn a_brand_before_the_at_sign_is_a_brand_in_a_foreign_host() {
    let concepts = |link: &str| read(&format!("Your account is limited. Verify now at {link}"), &Policy::default()).0;
    for link in [
        "https://paypal.com@evil.example.org/x",
        "https://www.paypal.com@evil.example.org",
        "hxxps://paypal[.]com@192.0.2.17/x",
        "http://paypal@evil.example.org/x",
        "https://chase.com:443@evil.example.org/x",
    ] {
        let concepts = concepts(link);
        assert!(concepts.contains("link.user") && concepts.contains("link.foreign"), "{link}: {concepts:?}");
    }
    for link in ["https://me@evil.example.org/x", "https://evil.example.org/@paypal.com"] {
        assert!(!concepts(link).contains("link.foreign"), "{link}: {:?}", concepts(link));
    }
}
