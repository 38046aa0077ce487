//! What is not there is not seen.

use crate::SCREEN;

fn pass(texts: &[&str]) {
    let refused: Vec<String> = texts
        .iter()
        .map(|text| (text, SCREEN.screen(text)))
        .filter(|(_, verdict)| verdict.is_violation())
        .map(|(text, verdict)| format!("{text}: {:?}", verdict.findings))
        .collect();
    assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));
}

#[test]
fn signs_and_numbers_alone_mean_nothing() {
    for one in ["\u{20ac}", "$", "1", "\u{1f600}", "\u{4f60}", "!", "a", "\u{44f}"] {
        for times in [1, 2, 35, 80, 160, 1_600] {
            for text in [one.repeat(times), format!("x{}", one.repeat(times)), format!("\u{436} {}", one.repeat(times))]
            {
                assert!(!SCREEN.screen(&text).is_violation(), "{text}");
            }
        }
    }
}

/// What varies in a template is screened alone.
#[test]
fn a_name_and_a_number_mean_nothing() {
    pass(&["Bob 20", "Bob", "Maria 30", "ANNA 5", "Joe 10", "Chidi 15", "Paris", "Room 12", "Tomorrow 5pm"]);
}

#[test]
fn names_of_places_and_people_hold_no_words() {
    pass(&[
        "Essex",
        "Scunthorpe",
        "Scunthorpe General Hospital: appointment Monday 9am",
        "Middlesex and Sussex results",
        "Penistone market",
        "Mr Dick Cockburn will see you now",
        "Shitake mushrooms",
    ]);
}

#[test]
fn words_with_two_meanings_pass_in_the_harmless_one() {
    pass(&[
        "weed the garden",
        "Please weed the garden before the rain",
        "bank holiday",
        "Bank holiday hours: closed Monday",
        "shoot you an email",
        "I'll shoot you an email tonight",
        "wine tasting booking confirmed for 7pm",
        "Your wine tasting booking is confirmed for 7pm, see you there",
    ]);
}

#[test]
fn codes_pass() {
    pass(&[
        "482910 is your code. Never share this code",
        "Your Chase one-time passcode is 118204. We will never ask you for it",
        "G-402931 is your Google verification code",
        "PayPal: 114 920 is your security code. Don't share your code.",
        "Coinbase: your verification code is 220193",
        "OTP for your SBI transaction of Rs 2,300 is 771 204. Do not share it with anyone",
        "Use 7719 to confirm your Uber account",
    ]);
}

#[test]
fn a_bank_may_write_about_its_own_accounts() {
    pass(&[
        "HSBC: did you spend 230.00 at Currys? Reply Y or N",
        "Chase: your account is locked after three attempts. Sign in at chase.com or visit a branch",
        "Barclays: your balance is 250.00 as of 25 March",
        "SBI: Rs 1,200 debited from A/c XX3391 on 04-Feb. Not you? Call the number on your card",
        "Lloyds: new payee added. If this was not you, call the number on the back of your card",
        "Wells Fargo: your statement is ready. See it at wellsfargo.com",
    ]);
}

#[test]
fn deliveries_and_appointments_pass() {
    pass(&[
        "DHL: your shipment arrives today. Follow it at dhl.com/track",
        "USPS: your item was delivered at the front door. usps.com",
        "Evri: your driver is 4 stops away",
        "Royal Mail: we tried to deliver your parcel. Rearrange at royalmail.com/redelivery",
        "Reminder: your appointment with Dr Shah is Tuesday 9.20. Reply C to confirm",
        "Acme Plumbing: invoice 4471 is overdue, please pay at acmeplumbing.co.uk/pay",
    ]);
}

#[test]
fn nothing_is_found_in_nothing() {
    pass(&["", " ", "\n", "\u{200b}", ".", "\u{1f600}", "0"]);
}

#[test]
fn a_bank_may_report_an_event_and_give_its_number() {
    pass(&[
        "Tangerine: we noticed a login from a new browser in Calgary. Not you? Call 1-888-826-4374",
        "Barclays: you've a new payee, J SMITH. If this wasn't you, call 0800 160 1160 right away",
        "Citizens Bank: did you use card 8821 for $312.90 at LOWES today? Reply 1 for YES, 2 for NO. Fraud line \
         877-671-0001",
    ]);
}

#[test]
fn codes_of_any_sender_pass_and_so_do_codes_for_the_door() {
    pass(&[
        "gov.uk One Login: 331290 is your security code. The code expires after 15 minutes",
        "Your PokerStars login PIN is 4471. If this was not you, contact support",
        "Share OTP 4410 with your driver to start the ride",
        "OnTrac: your package could not be delivered, gate code needed. Reply with your gate code or call 800-334-5000",
        "need the code for the alarm, is it still nan's birthday?",
    ]);
}

#[test]
fn talk_among_friends_passes() {
    pass(&[
        "poker at mine thurs, $20 buy in, bring snacks not your crying face",
        "running 10 late sorry!! order me a pint",
        "need to borrow 50 till payday, is that ok mum? x",
        "won 60 quid on a scratchcard today!! curry's on me",
        "i'm 3 months off the fags today, feeling proud",
    ]);
}

#[test]
fn a_number_or_a_name_that_also_means_something_else_passes() {
    pass(&[
        "AEP: your service is scheduled for disconnection on 10/22 for $188.10. Pay at aepohio.com",
        "Riverside Mobile: your plan expires tomorrow. Pay at riverside-mobile.example.com to stay connected",
        "Jiffy Lube: your car is ready. Total $84.12. See you soon",
    ]);
}
