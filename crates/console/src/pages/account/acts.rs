//! What can be changed about one account.

use crate::acts::{Act, Field, Filled, Kind, Then, same_names, secrets};
use crate::calls;
use crate::door::Role;
use crate::frame::Part;
use crate::pages::accounts::{LIMITS, RETENTION};
use crate::parts::word;

const ONE: &str = "/console/accounts/{id}";
const OF_ACCOUNT: &str = "/console/accounts/{account}";

const ACCOUNT: Field = Field { name: "accountId", label: "", hint: "", kind: Kind::Given };

const fn typed(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, kind: Kind::Text }
}

const ACTIONS: &[&str] = &["block", "flag", "off"];

const CATEGORIES: &[&str] = &[
    "shaft.sex",
    "shaft.hate",
    "shaft.alcohol",
    "shaft.firearms",
    "shaft.tobacco",
    "phishing",
    "fraud",
    "regulated.cannabis",
    "regulated.gambling",
    "regulated.lending",
];

/// What the acts of an account have in common.
const fn of_account(verb: &'static str, path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Admin,
        part: Part::Accounts,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "Done.",
        back: ONE,
        then: Then::Back,
    }
}

pub(crate) static CHANGE: Act = Act {
    about: "A suspended account sends nothing. Limits hold from the next request on, on every node.",
    fields: &[
        Field { name: "state", label: "State", hint: "", kind: Kind::One(&["active", "suspended", "disabled"]) },
        LIMITS[0],
        LIMITS[1],
        LIMITS[2],
        LIMITS[3],
    ],
    filled: Some(Filled { call: calls::ACCOUNT, values: same_names }),
    done: "The account is changed.",
    ..of_account("Change limits and state", "/console/accounts/{id}/change", calls::ACCOUNT_CHANGE)
};

pub(crate) static RETAIN: Act = Act {
    about: "Texts and media of this account that are older are removed within minutes. This cannot be undone. Their \
            messages stay, with numbers and status. The configuration's rule applies if it has fewer days.",
    is_destructive: true,
    fields: &[RETENTION],
    filled: Some(Filled { call: calls::ACCOUNT, values: same_names }),
    done: "The retention of texts is changed.",
    ..of_account("Change the retention of texts", "/console/accounts/{id}/retention", calls::ACCOUNT_CHANGE)
};

pub(crate) static KEY_CREATE: Act = Act {
    about: "A live key sends to carriers, a test key to the sandbox.",
    fields: &[
        typed("name", "Name", "Such as the program that uses it"),
        Field { name: "mode", label: "Mode", hint: "", kind: Kind::One(&["live", "test"]) },
        typed("expiresAt", "Expires", "Such as 2027-01-31T00:00:00Z; never, if this is empty"),
    ],
    done: "The key is created.",
    then: Then::Shows(|answer| secrets(&[("Key", word(answer, "keyId")), ("Secret", word(answer, "keySecret"))])),
    ..of_account("New key", "/console/accounts/{id}/keys/new", calls::KEY_CREATE)
};

pub(crate) static KEY_REVOKE: Act = Act {
    about: "Every request with this key is refused at once, on every node. This cannot be undone.",
    is_destructive: true,
    done: "The key is revoked.",
    back: OF_ACCOUNT,
    ..of_account("Revoke", "/console/accounts/{account}/keys/{id}/revoke", calls::KEY_REVOKE)
};

pub(crate) static NUMBER_CREATE: Act = Act {
    about: "The account may send from this number, short code or name, and gets the messages that come to it.",
    fields: &[ACCOUNT, typed("number", "Number", "Such as +18005550100, 72345 or ACME")],
    done: "The number is added.",
    ..of_account("New number", "/console/accounts/{id}/numbers/new", calls::NUMBER_CREATE)
};

pub(crate) static BLOCK: Act = Act {
    about: "A blocked recipient gets nothing from this account; from a blocked sender it sends nothing.",
    least: Role::Operator,
    fields: &[
        ACCOUNT,
        typed("number", "Number", ""),
        Field { name: "kind", label: "Kind", hint: "", kind: Kind::One(&["recipient", "sender"]) },
        typed("reason", "Reason", "For the record"),
    ],
    done: "The number is blocked.",
    ..of_account("New block", "/console/accounts/{id}/blocks/new", calls::BLOCK_SET)
};

pub(crate) static LIFT: Act = Act {
    about: "The block ends at once.",
    least: Role::Operator,
    is_destructive: true,
    fields: &[ACCOUNT, Field { name: "kind", label: "", hint: "", kind: Kind::Given }],
    done: "The block is lifted.",
    back: OF_ACCOUNT,
    ..of_account("Lift", "/console/accounts/{account}/blocks/{number}/lift", calls::BLOCK_LIFT)
};

pub(crate) static OPT_OUT: Act = Act {
    about: "The handset gets nothing from this account any more, until it is opted in.",
    least: Role::Operator,
    fields: &[
        ACCOUNT,
        typed("number", "Handset", "Such as +18005550199"),
        typed("from", "From", "One number of the account; every number, if this is empty"),
        typed("reason", "Reason", "For the record"),
    ],
    done: "The handset is opted out.",
    ..of_account("New opt-out", "/console/accounts/{id}/optouts/new", calls::OPTOUT_SET)
};

pub(crate) static OPT_IN: Act = Act {
    about: "Opt a handset in only if its owner has asked for it.",
    least: Role::Operator,
    is_destructive: true,
    fields: &[
        ACCOUNT,
        Field { name: "from", label: "", hint: "", kind: Kind::Given },
        typed("reason", "Reason", "For the record, such as how the owner asked"),
    ],
    done: "The handset is opted in.",
    back: OF_ACCOUNT,
    ..of_account("Opt in", "/console/accounts/{account}/optouts/{number}/end", calls::OPTOUT_END)
};

pub(crate) static POLICY: Act = Act {
    fields: &[
        Field { name: "sure", label: "Sure findings", hint: "", kind: Kind::One(ACTIONS) },
        Field { name: "unsure", label: "Unsure findings", hint: "", kind: Kind::One(ACTIONS) },
        Field { name: "exempt", label: "Exempt categories", hint: "", kind: Kind::Many(CATEGORIES) },
        Field {
            name: "allowedDomains",
            label: "Allowed domains",
            hint: "One a line, without scheme. Subdomains are allowed too",
            kind: Kind::Lines,
        },
        Field { name: "allowedPhrases", label: "Allowed phrases", hint: "One a line", kind: Kind::Lines },
    ],
    filled: Some(Filled { call: calls::POLICY, values: same_names }),
    done: "The policy is set.",
    ..of_account("Change the policy", "/console/accounts/{id}/policy", calls::POLICY_SET)
};

pub(crate) static TEMPLATE: Act = Act {
    about: "Texts of this shape pass, although the screen finds something in them.",
    least: Role::Operator,
    fields: &[
        Field { name: "text", label: "Text", hint: "{…} stands for the variable parts", kind: Kind::Long },
        typed("note", "Note", "For the record, at most 500 characters"),
    ],
    done: "The template is approved.",
    ..of_account("New template", "/console/accounts/{id}/templates/new", calls::TEMPLATE_APPROVE)
};

pub(crate) static TEMPLATE_REMOVE: Act = Act {
    about: "Texts of this shape are screened again.",
    least: Role::Operator,
    is_destructive: true,
    done: "The template is removed.",
    ..of_account("Remove", "/console/accounts/{id}/templates/{template}/remove", calls::TEMPLATE_REMOVE)
};
