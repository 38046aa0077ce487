//! Senders, their keyword settings, and blocks.

use model::SenderKind;
use model::number::{BlockKind, NumberState};
use pipeline::keywords::settings::{STOP_WORDS_MAX, SUPPORT_CHARACTERS_MAX, TEXT_CHARACTERS_MAX};
use serde_json::{Value, json};

use super::{account_id_or_null, body, limit, one_of_or_null, short, whole};
use openapi::schemas::{list, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Number", number()),
        ("NewNumber", new_number()),
        ("NumberChange", body(&[], &settings())),
        ("Keywords", whole(&keywords())),
        ("NewKeywords", body(&[], &keywords())),
        ("Block", block()),
        ("NewBlock", new_block()),
    ]
}

fn number() -> Value {
    whole(&json!({
        "number": text("The number in E.164 form, the short code or the name."),
        "kind": one_of(&SenderKind::ALL.map(SenderKind::as_str), "Its kind."),
        "accountId": account_id_or_null("The account that sends from it; `null` for no account."),
        "state": one_of(&NumberState::ALL.map(NumberState::as_str), "Only an active sender may send."),
        "segmentsPerSecond": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "Its pace in segments a second; `null` for no pace of its own.",
        },
        "createdAt": time("The time of its creation."),
    }))
}

fn settings() -> Value {
    json!({
        "accountId": account_id_or_null("The account that sends from it; `null` takes it away from its account."),
        "state": one_of_or_null(&NumberState::ALL.map(NumberState::as_str), "Its state."),
        "segmentsPerSecond": limit(1, u32::MAX.into(), "Its pace in segments a second; `null` removes the pace."),
    })
}

fn new_number() -> Value {
    let mut fields = settings();
    fields["number"] = text("A number in E.164 form, a short code of 3 to 8 digits, or a name of 1 to 11 characters.");
    body(&["number"], &fields)
}

fn keywords() -> Value {
    let words = "Words that opt a recipient out, beside the fixed ones.";
    let text_of = |keyword: &str| short(TEXT_CHARACTERS_MAX, &format!("The answer to {keyword}."));
    let flag = |description: &str| json!({ "type": ["boolean", "null"], "description": description });
    let mut stop_words = list(&json!({ "type": "string" }), words);
    stop_words["maxItems"] = STOP_WORDS_MAX.into();
    let languages = json!({ "type": "string", "enum": ["fr", "es"] });
    json!({
        "stopWords": stop_words,
        "languages": list(&languages, "Languages whose words opt a recipient out, too."),
        "yes": flag("Whether YES opts a recipient in again; by default `false`."),
        "suspected": one_of_or_null(
            &["flag", "opt_out", "ignore"],
            "The action on a text that seems to ask for an opt-out in other words; by default `flag`.",
        ),
        "optOutScope": one_of_or_null(
            &["account", "number"],
            "The scope of an opt-out by keyword; by default `account`. Only accounts have it.",
        ),
        "replies": flag("Whether keywords are answered; by default `true`."),
        "support": short(SUPPORT_CHARACTERS_MAX, "The contact of the account, for `{support}` in texts."),
        "stopText": text_of("STOP"),
        "startText": text_of("START"),
        "helpText": text_of("HELP"),
    })
}

/// The kinds of blocks.
pub(in crate::admin::openapi) fn block_kind() -> Value {
    let kinds = [BlockKind::Recipient, BlockKind::Sender].map(BlockKind::as_str);
    one_of(&kinds, "`recipient`: no message is sent to it. `sender`: no message is sent from it.")
}

fn block() -> Value {
    whole(&json!({
        "number": text("The blocked number, short code or name."),
        "kind": block_kind(),
        "accountId": account_id_or_null("The account whose messages are blocked; `null` for those of all accounts."),
        "reason": text_or_null("The reason that was given."),
        "createdAt": time("The time of its creation."),
    }))
}

fn new_block() -> Value {
    body(
        &["kind"],
        &json!({
            "kind": block_kind(),
            "accountId": account_id_or_null("The account whose messages are blocked; absent for all accounts."),
            "reason": text_or_null("The reason, for the operator."),
        }),
    )
}
