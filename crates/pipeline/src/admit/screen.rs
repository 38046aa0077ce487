//! The screen's place in admission: a text in, and out what is to be recorded of it, or the refusal.

use std::sync::{Arc, PoisonError};

use model::error::{AdditionalInfo, ContentMatch, ErrorCode, Refusal};
use model::{Originator, ScreeningCertainty, ScreeningId, ScreeningOutcome, ScreeningRecord, Timestamp};
use screening::{Action, Certainty, Screen, Verdict};

use super::Admission;
use crate::screened::Fate;
use crate::tenants::Caller;

impl Admission {
    /// What texts are screened with now.
    pub(crate) fn screen_in_force(&self) -> Arc<Screen> {
        Arc::clone(&self.screen.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Screens a text under its account's policy (33019). A text that passes under a template of its account passes
    /// unmarked, whatever was found in it. What is flagged is returned, to be written with what the text
    /// becomes, which is its subject then.
    ///
    /// What is blocked is recorded for review before it is refused; where that fails it is refused all the same.
    pub(super) async fn screen(
        &self,
        caller: &Caller,
        originator: Originator,
        body: Option<&Arc<str>>,
        now: Timestamp,
    ) -> Result<Option<ScreeningRecord>, Refusal> {
        let Some(body) = body else { return Ok(None) };
        let finding = match self.examine(caller, originator, body, now) {
            Examined::Passed(verdict) => {
                self.counters.screened.screened(caller.account, &verdict, Fate::Passed, || self.runtime.instant());
                return Ok(None);
            }
            Examined::Known => {
                self.counters.known.add();
                return Ok(None);
            }
            Examined::Found(finding) => finding,
        };
        self.count_finding(&finding);
        let Finding { record, verdict } = *finding;
        if record.outcome == ScreeningOutcome::Flagged {
            return Ok(Some(record));
        }
        if let Err(error) = self.store.record_screening(record).await {
            tracing::warn!(%error, "A text that was blocked could not be recorded for review: {error}");
        }
        Err(Refusal::new(ErrorCode::NonCompliantMessageContent).with_info(info(&verdict)))
    }

    /// Examines a text under its account's policy of now. Counts and records nothing.
    pub(super) fn examine(&self, caller: &Caller, originator: Originator, body: &Arc<str>, now: Timestamp) -> Examined {
        let screen = self.screen_in_force();
        let decision = screen.decide(body, &caller.screening);
        let verdict = decision.verdict;
        let outcome = match decision.action {
            Action::Off => return Examined::Passed(verdict),
            Action::Flag => ScreeningOutcome::Flagged,
            Action::Block => ScreeningOutcome::Blocked,
        };
        // Only what was found is compared with templates, so that they cost other texts nothing.
        if self.tenants.is_known(caller.account, body, &caller.screening, &screen) {
            return Examined::Known;
        }
        let record = ScreeningRecord {
            id: ScreeningId::minted(&self.mint, now, &*self.entropy),
            account: caller.account,
            mode: caller.mode,
            at: now,
            outcome,
            certainty: certainty(verdict.certainty().unwrap_or(Certainty::Sure)),
            about: None,
            originator,
            categories: verdict.categories().map(|category| category.name().to_owned()).collect(),
            findings: findings(&verdict),
            body: Arc::clone(body),
            review: None,
        };
        Examined::Found(Box::new(Finding { record, verdict }))
    }

    /// Counts what was found in a text.
    pub(super) fn count_finding(&self, Finding { record, verdict }: &Finding) {
        let fate = Fate::Found(record.outcome);
        self.counters.screened.screened(record.account, verdict, fate, || self.runtime.instant());
        match record.outcome {
            ScreeningOutcome::Flagged => self.counters.flagged.add(),
            ScreeningOutcome::Blocked => self.counters.blocked.add(),
        }
    }
}

/// What the screen says of a text under a policy.
pub(super) enum Examined {
    /// Nothing is in it to which the policy objects.
    Passed(Verdict),
    /// It passes under a template of its account.
    Known,
    /// The policy objects to something.
    Found(Box<Finding>),
}

/// What was found in a text: what is to be recorded, and the verdict.
pub(super) struct Finding {
    pub(super) record: ScreeningRecord,
    verdict: Verdict,
}

const fn certainty(certainty: Certainty) -> ScreeningCertainty {
    match certainty {
        Certainty::Sure => ScreeningCertainty::Sure,
        Certainty::Unsure => ScreeningCertainty::Unsure,
    }
}

fn info(verdict: &Verdict) -> AdditionalInfo {
    let found = |found: screening::Match| ContentMatch {
        start: found.span.start,
        end: found.span.end,
        category: found.category.name(),
    };
    AdditionalInfo::NonCompliant {
        categories: verdict.categories().map(screening::Category::name).collect(),
        matches: verdict.matches().into_iter().map(found).collect(),
        help: verdict.help().into_iter().map(str::to_owned).collect(),
    }
}

/// The findings for a reviewer.
fn findings(verdict: &Verdict) -> String {
    let finding = |finding: &screening::Finding| {
        let spans: Vec<_> =
            finding.spans.iter().map(|span| serde_json::json!({ "start": span.start, "end": span.end })).collect();
        let reasons: Vec<String> = finding.reasons.iter().map(ToString::to_string).collect();
        serde_json::json!({
            "category": finding.category.name(),
            "certainty": certainty(finding.certainty).as_str(),
            "score": f64::from((finding.score * 1000.0).round()) / 1000.0,
            "spans": spans,
            "reasons": reasons,
            "help": finding.help,
        })
    };
    serde_json::Value::from(verdict.findings.iter().map(finding).collect::<Vec<_>>()).to_string()
}
