//! What happens to one message: decided when it comes, from the seed and its number alone, however messages overtake
//! each other.

use std::time::Duration;

use wire::mm4::RequestStatus;
use wire::mm7::MmStatus;

use super::options::Options;
use super::rule::{self, Rule, Subject};
use crate::random::Random;

/// What happens to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fate<R> {
    /// How it is met; taken when `None`.
    pub(crate) reply: Option<R>,
    /// When it is replied to.
    pub(crate) reply_in: Duration,
    /// What `MM4_forward.RES` says; `None` when it is not sent.
    pub(crate) answer: Option<RequestStatus>,
    /// When it is sent, after the reply.
    pub(crate) answer_in: Duration,
    /// Whether reports go before the answer.
    pub(crate) report_first: bool,
}

/// A delivery report to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) status: MmStatus,
    /// When, after the answer.
    pub(crate) delay: Duration,
}

/// Throws the dice, in a fixed order, so that a seed tells the whole story.
pub(crate) fn decide<R: Clone>(options: &Options, replies: &[Rule<R>], subject: Subject<'_>) -> Fate<R> {
    let random = &mut dice(options, subject.number, 0);
    Fate {
        reply: rule::first(replies, subject, random),
        reply_in: options.response_delay_ms.pick(random),
        answer: rule::first(&options.mm4_answer, subject, random).unwrap_or(Some(RequestStatus::Ok)),
        answer_in: options.answer_delay_ms.pick(random),
        report_first: random.happens(options.report_first),
    }
}

/// How a recipient is met at SMTP's RCPT; taken when `None`. `index` counts the recipients of the message.
pub(crate) fn recipient<R: Clone>(
    options: &Options,
    rules: &[Rule<R>],
    subject: Subject<'_>,
    index: usize,
) -> Option<R> {
    rule::first(rules, subject, &mut dice(options, subject.number, 0x1_0000 + index as u64))
}

/// The reports on one recipient of a message: none, one, or the same twice.
pub(crate) fn reports(options: &Options, subject: Subject<'_>, index: usize) -> Vec<Report> {
    let random = &mut dice(options, subject.number, 1 + index as u64);
    let usual = options.reports.pick(random);
    let status = rule::first(&options.report, subject, random).unwrap_or(usual);
    let delay = options.report_delay_ms.pick(random);
    let copies = if random.happens(options.duplicate_report) { 2 } else { 1 };
    let reports = status.map(|status| vec![Report { status, delay }; copies]);
    reports.unwrap_or_default()
}

/// Dice of their own for each message and each of its recipients.
fn dice(options: &Options, number: u64, of: u64) -> Random {
    Random::new(options.seed.wrapping_mul(1_000_003).wrapping_add(number) ^ (of << 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmsc::Mm4Reply;

    fn story(seed: u64) -> Vec<(Option<Mm4Reply>, Vec<Report>)> {
        let options = Options {
            seed,
            mm4_reply: vec!["0.3=451".parse().unwrap(), "0.2=silence".parse().unwrap()],
            reports: "retrieved=3,expired=1,none=1".parse().unwrap(),
            duplicate_report: 0.2,
            ..Options::default()
        };
        let at = |number| Subject { number, recipient: "12025550101" };
        (1..200)
            .map(|number| (decide(&options, &options.mm4_reply, at(number)).reply, reports(&options, at(number), 0)))
            .collect()
    }

    #[test]
    fn a_seed_tells_the_whole_story() {
        assert_eq!(story(1), story(1));
        assert_ne!(story(1), story(2));
        let refused = story(1).iter().filter(|(reply, _)| *reply == Some(Mm4Reply::Refuse(451))).count();
        assert!((30..90).contains(&refused), "3 in 10 of 199: {refused}");
    }
}
