//! A sentence for each rule that finds something, by the beginning of its name. It says what the message does, and what
//! would help.

use super::Say::{self, Link, Text};

const DISGUISED: Say = Text(
    "A word is disguised by other characters, digits or gaps: write it as it is spelled, and leave out what carriers \
     do not allow.",
);
const ALCOHOL: Say = Text(
    "The message offers alcohol: confirm the booking, the order or the event without drinks and prices; the operator \
     can exempt an account whose age gate it has checked.",
);
const FIREARMS: Say = Text(
    "The message offers firearms, ammunition or accessories: confirm the appointment or the collection without goods \
     and prices; the operator can exempt an account whose licence and age gate it has checked.",
);
const TOBACCO: Say = Text(
    "The message offers tobacco or nicotine: leave products and prices out; the operator can exempt an account whose \
     age gate it has checked.",
);
const CANNABIS: Say = Text(
    "The message offers cannabis: write that the shop is open or the order is ready, without products and prices; the \
     operator can exempt an account whose licence and age gate it has checked.",
);
const CALL: Say = Text(
    "The message warns about an account and asks for a call: leave the telephone number out, and let the recipient \
     use the number on the card, the bill or your website.",
);
const SECRET: Say = Link(
    "The message asks for a password, a code or a card number: never ask for one by text, and let the recipient sign \
     in on your own website.",
);
const RELATIVE: Say = Text(
    "The message reads like a relative or a friend in trouble who asks for money: say which business writes, and \
     leave the request out.",
);
const GIFT_CARDS: Say = Text("The message asks for gift cards or their codes: leave the request out.");
const JOB: Say = Text(
    "The message offers easy earnings: name the employer and the position, link to a domain of your own, and leave \
     out earnings and private chats.",
);
const CRYPTO: Say = Text(
    "The message promises returns on cryptocurrency: leave out returns, deposits and invitations, and link to a \
     domain of your own.",
);
const GAMBLING: Say = Text(
    "The message invites to gamble: confirm the booking or the account's event without bonuses, odds and invitations; \
     the operator can exempt an account whose licence it has checked.",
);
const LENDING: Say = Text(
    "The message offers credit: write about the recipient's own loan with you, name the lender, and link to its own \
     domain; the operator can exempt a lender whose licence it has checked.",
);
const SEX: Say = Text(
    "The message offers sex or adult content: leave the offer out; a clinic, a shop or an educator names the \
     appointment or the order and nothing else.",
);
const PARCEL: Say = Link(
    "The message asks for a fee for a parcel: let the recipient pay on the carrier's own website, and link to it.",
);
const TOLL: Say =
    Link("The message threatens over a toll or a fine: link to the authority's own domain, and leave the threat out.");
const REFUND: Say =
    Link("The message offers a refund or a benefit of an authority: link to the authority's own domain.");
const UTILITY: Say = Text(
    "The message threatens to cut something off, or offers help that was not asked for: name the company, link to its \
     own domain, and leave the threat and the telephone number out.",
);

/// For each rule, by the beginning of its name, what it says. The first row that fits counts.
pub(super) const RULES: &[(&str, Say)] = &[
    ("alcohol.disguised", DISGUISED),
    (
        "alcohol.venue-invite",
        Text(
            "The message invites to drinks: invite to the place or the event without drinks and prices; the operator \
             can exempt an account whose age gate it has checked.",
        ),
    ),
    ("alcohol.", ALCOHOL),
    ("firearms.disguised", DISGUISED),
    ("firearms.", FIREARMS),
    ("tobacco.disguised", DISGUISED),
    ("tobacco.", TOBACCO),
    ("cannabis.disguised", DISGUISED),
    ("cannabis.", CANNABIS),
    ("gambling.disguised", DISGUISED),
    (
        "gambling.tips",
        Text(
            "The message offers tips for bets: leave odds, picks and invitations out; the operator can exempt an \
             account whose licence it has checked.",
        ),
    ),
    ("gambling.", GAMBLING),
    ("lending.disguised", DISGUISED),
    ("lending.", LENDING),
    ("sex.disguised", DISGUISED),
    ("sex.chat-line", Text("The message offers a chat line at a premium rate: leave the offer and the number out.")),
    ("sex.", SEX),
    ("hate.disguised", DISGUISED),
    ("hate.slur", Text("The message has a slur: remove it; to report abuse, describe it without repeating it.")),
    (
        "hate.weak-slur",
        Text("The message insults people by a slur: remove it, and describe abuse without repeating it."),
    ),
    (
        "hate.creed",
        Text("The message has a slogan of hate: remove it; to report one, describe it without repeating it."),
    ),
    (
        "hate.",
        Text(
            "The message attacks or insults a group of people: remove the attack; to report abuse, describe it \
             without repeating it.",
        ),
    ),
    ("phishing.lookalike-domain", Link("Link to the brand's own domain, or to a domain of your own.")),
    ("phishing.notice-call", CALL),
    ("phishing.kyc-call", CALL),
    ("phishing.kyc-phone", CALL),
    ("phishing.crypto-call", CALL),
    ("phishing.order-call", CALL),
    ("phishing.fine", CALL),
    (
        "phishing.ready-to-tell",
        Text(
            "The message asks the recipient to have a card or a password ready for a call: leave the request and the \
             telephone number out.",
        ),
    ),
    (
        "phishing.sent-by-mistake",
        Text(
            "The message asks to send back what was sent by mistake: leave the request out, and reverse the payment \
             with your own bank.",
        ),
    ),
    (
        "phishing.code-wanted",
        Text(
            "The message asks for a code: let the recipient enter it in your own app or website, and never ask for it \
             in an answer or a call.",
        ),
    ),
    ("phishing.secret-at-odd-host", SECRET),
    ("phishing.credentials-", SECRET),
    ("phishing.wallet", SECRET),
    ("phishing.parcel-", PARCEL),
    ("phishing.toll-", TOLL),
    ("phishing.refund-", REFUND),
    ("phishing.gov-bait", REFUND),
    ("phishing.disguised", DISGUISED),
    (
        "phishing.brand-disguised",
        Text("A brand's name or a word is disguised: write it as it is spelled, and link to the brand's own domain."),
    ),
    (
        "phishing.",
        Link("The message warns or asks in the name of a brand: name your business, and link to a domain of your own."),
    ),
    (
        "fraud.extortion",
        Text("The message threatens the recipient unless something is paid: no other wording makes it acceptable."),
    ),
    (
        "fraud.prize",
        Text(
            "The message has a prize to claim: name your business and the promotion that the recipient joined, and \
             ask for no call, no payment and no code.",
        ),
    ),
    (
        "fraud.premium",
        Text(
            "The message asks for a call or an answer at a premium rate: leave the number out, and let recipients \
             answer on your own website.",
        ),
    ),
    ("fraud.family", RELATIVE),
    ("fraud.relative", RELATIVE),
    ("fraud.emergency", RELATIVE),
    ("fraud.boss-cards", GIFT_CARDS),
    ("fraud.gift-card", GIFT_CARDS),
    (
        "fraud.deposit-abroad",
        Text(
            "The message asks for a deposit before the recipient has seen the place: leave the request out, and take \
             payments on your own website.",
        ),
    ),
    (
        "fraud.pay-to-get",
        Text("The message asks for a payment in advance: leave the payment out, or take it on your own website."),
    ),
    ("fraud.flip", Text("The message promises to multiply money: leave the promise out.")),
    ("fraud.job", JOB),
    ("fraud.chat-job", JOB),
    ("fraud.crypto", CRYPTO),
    (
        "fraud.advance",
        Text(
            "The message asks for a fee or for details before money is paid out: leave the request out, and say which \
             contract with you the money comes from.",
        ),
    ),
    (
        "fraud.romance",
        Text(
            "The message reads like a stranger in search of contact: say who you are and how the recipient knows you.",
        ),
    ),
    ("fraud.utility", UTILITY),
    (
        "fraud.warrant",
        Text(
            "The message threatens in the name of an authority: link to the authority's own domain, and leave the \
             threat out.",
        ),
    ),
    ("fraud.chain-letter", Text("The message asks to be passed on: leave the request out.")),
    ("fraud.forged", Text("The message offers forged or stolen goods: leave the offer out.")),
    ("fraud.disguised", DISGUISED),
    (
        "fraud.charity",
        Text("The message asks for donations: name the charity, link to its own domain, and leave cryptocurrency out."),
    ),
];
