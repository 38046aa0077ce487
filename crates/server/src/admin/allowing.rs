//! A phrase or a domain that an account may use from now on, mostly out of a text that was screened.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use model::error::{AdditionalInfo, ErrorCode, Refusal, WrongField};
use model::{AccountId, ScreeningId, ScreeningRecord};
use pipeline::refusal::refused_by_store;
use pipeline::run::{Judgement, ReviewError};
use screening::{Action, Policy};
use serde::Deserialize;
use serde_json::json as object;

use super::input::{body, meaning, not_there, wrong};
use super::screening::{account, sized};
use super::templates::{not_approved, note};
use super::{Admin, Answered, Shared, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AllowInput {
    phrase: Option<String>,
    domain: Option<String>,
    /// The decision about a text that may be sent now. It is marked as wrong.
    decision_id: Option<String>,
    note: Option<String>,
}

pub(super) async fn allow(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let allowed = allowed(&admin, id, request).await;
    admin.answer(allowed)
}

async fn allowed(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id = account(admin, id)?;
    let AllowInput { phrase, domain, decision_id, note: given } = body(admin, request).await?;
    let note = note(given)?;
    let decision = match decision_id {
        Some(text) => Some(decision(admin, id, &text).await?),
        None => None,
    };
    let tenants = admin.pipeline.tenants();
    let mut policy = Policy::clone(&tenants.screening(id));
    match (phrase, domain) {
        (Some(phrase), None) => {
            policy.allowed_phrases.insert(phrase.trim().to_owned());
        }
        (None, Some(domain)) => {
            policy.allowed_domains.insert(meaning(&domain, "domain", "a domain such as acme.com", domain_of)?);
        }
        (None, None) => {
            let fields = vec!["phrase", "domain"];
            return Err(Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::Fields(fields)));
        }
        (Some(_), Some(_)) => {
            let absent = |field: &'static str, other| WrongField {
                field: field.into(),
                expected: format!("absent if `{other}` is given: a request allows one of the two").into(),
            };
            let wrong = vec![absent("phrase", "domain"), absent("domain", "phrase")];
            return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(AdditionalInfo::WrongFields(wrong)));
        }
    }
    sized(&policy, ("domain", "phrase"))?;
    let passes =
        decision.as_ref().map(|record| admin.pipeline.screen().decide(&record.body, &policy).action == Action::Off);
    tenants.set_screening(id, policy.clone()).await.map_err(not_there)?;
    if let Some(record) = decision {
        let judgement = Judgement { is_correct: false, note, approve: None };
        admin.pipeline.review_screening(record.id, judgement).await.map_err(|error| match error {
            ReviewError::NotFound => ErrorCode::NotFound.into(),
            ReviewError::Approve(error) => not_approved(error, "decisionId"),
        })?;
    }
    json(StatusCode::OK, &object!({ "policy": policy, "passes": passes }))
}

/// A decision about a text of this account.
async fn decision(admin: &Admin, account: AccountId, text: &str) -> Result<ScreeningRecord, Refusal> {
    let id: ScreeningId = meaning(text, "decisionId", "one that is kept", |text| text.parse().ok())?;
    let record = admin.pipeline.store().screening_record(id).await.map_err(refused_by_store)?;
    let own = record.filter(|record| record.account == account);
    own.ok_or_else(|| wrong("decisionId", "a decision about a text of this account"))
}

/// A domain in lower case, without the dots around it. `None` for a text that is none.
fn domain_of(text: &str) -> Option<String> {
    let domain = text.trim().trim_matches('.').to_lowercase();
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || letter == '-');
    (domain.contains('.') && domain.split('.').all(is_part)).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_neither_scheme_nor_path() {
        for (text, domain) in [
            ("Acme.com", Some("acme.com")),
            (" shop.acme.com. ", Some("shop.acme.com")),
            ("käse.example", Some("käse.example")),
            ("https://acme.com", None),
            ("acme.com/sale", None),
            ("acme..com", None),
            ("acme", None),
            ("", None),
        ] {
            assert_eq!(domain_of(text).as_deref(), domain, "{text}");
        }
    }
}
