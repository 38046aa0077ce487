//! What is measured of the compliance screen. Labels are from closed lists: categories, certainties, outcomes, and the
//! languages and scripts that the screen knows.

use pipeline::Counters;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;

use super::inbound::family;

/// Writes all of it.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, counters: &Counters) -> std::fmt::Result {
    let totals = [
        ("screening_blocked", "Texts refused by the compliance screen", counters.blocked.get()),
        ("screening_flagged", "Texts marked by the compliance screen", counters.flagged.get()),
        (
            "screening_templates_passed",
            "Texts with findings, accepted under an approved template",
            counters.known.get(),
        ),
    ];
    for (name, help, value) in totals {
        let counter = ConstCounter::new(value);
        counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
    }
    let screened = &counters.screened;
    let findings = screened.findings().map(|(category, certainty, outcome, count)| {
        let labels = [("category", category.name()), ("certainty", certainty.as_str()), ("outcome", outcome.as_str())];
        (labels, count)
    });
    let help = "Findings by category; a text with several categories counts for each";
    family(encoder, "screening_findings", help, findings)?;
    let languages = screened
        .languages()
        .map(|(language, fate, count)| ([("language", language), ("outcome", fate.as_str())], count));
    let help = "Texts in other languages than English, which the network does not judge";
    family(encoder, "screening_other_language", help, languages)
}
