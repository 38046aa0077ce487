//! Tricks with links.

use crate::SCREEN;
use screening::Category;

fn phishing(text: &str) {
    let verdict = SCREEN.screen(text);
    assert!(
        verdict.categories().any(|category| matches!(category, Category::Phishing | Category::Fraud)),
        "{text}: {verdict:?}"
    );
}

#[test]
fn the_same_notice_is_phishing_on_any_domain_but_the_brands_own() {
    for link in [
        "paypal-secure.top",
        "paypa1.com/login",
        "xn--pypal-4ve.com",
        "http://192.0.2.17/paypal",
        "https://paypal.com@evil.example.org/x",
        "bit.ly/3xK9a",
        "paypal.com.account-verify.xyz",
        "paypaI-resolve.cc",
        "hxxps://paypal-help[.]online",
        "p\u{430}ypal.com/login",
        "paypall.support",
    ] {
        phishing(&format!("PayPal: your account is limited. Verify now at {link}"));
    }
    for link in ["paypal.com", "https://www.paypal.com/signin", "paypal.com/myaccount"] {
        let text = format!("PayPal: your account is limited. Log in at {link}");
        assert!(!SCREEN.screen(&text).is_violation(), "{text}");
    }
}

#[test]
fn parcels_and_tolls_are_paid_on_the_owners_domain_only() {
    phishing("USPS: your package is held, pay 1.99 at usps-redelivery.top");
    phishing("Unpaid toll of 6.99, pay today or a fine follows: tolls-pay.vip");
    for text in
        ["USPS: your package was delivered. Details at usps.com", "Sunpass: your statement is ready at sunpass.com"]
    {
        assert!(!SCREEN.screen(text).is_violation(), "{text}");
    }
}

#[test]
fn a_business_may_link_to_its_own_site() {
    for text in [
        "Oakwood Vets: confirm your visit at oakwoodvets.co.uk/confirm",
        "Bella Hair: book your next cut at bellahair.co.uk",
        "Your invoice is overdue, please pay at harperplumbing.com/pay. Harper Plumbing",
    ] {
        assert!(!SCREEN.screen(text).is_violation(), "{text}: {:?}", SCREEN.screen(text).findings);
    }
}

#[test]
fn a_host_that_spells_the_senders_name_is_its_own() {
    let text =
        |host: &str| format!("OneMile Finance: your account is 5 days past due. Log in at {host} to make a payment");
    assert!(!SCREEN.screen(&text("onemilefinance.com")).is_violation());
    assert!(!SCREEN.screen("Bank: statement overdue, fee applies. See firstdirect.com or chase.com").is_violation());
    phishing("Chase: your account is locked, verify now at chase-account-locked.com");
}
