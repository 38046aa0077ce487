//! What is measured of messages of handsets and of opt-outs. Labels are from closed lists: carriers, kinds, reasons.

use pipeline::Counters;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Writes all of it, for these carriers.
pub(super) fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    counters: &Counters,
    carriers: &[String],
) -> std::fmt::Result {
    let inbound = &counters.inbound;
    let messages = carriers.iter().flat_map(|carrier| {
        let of = counters.inbound_of(carrier);
        [("sms", of.sms.get()), ("mms", of.mms.get())]
            .map(|(kind, count)| ([("carrier", &**carrier), ("kind", kind)], count))
    });
    family(encoder, "inbound_messages", "Inbound messages for accounts", messages)?;
    let arrivals = carriers.iter().flat_map(|carrier| {
        let of = counters.inbound_of(carrier);
        [("part", of.parts.get()), ("repeat", of.repeated.get())]
            .map(|(kind, count)| ([("carrier", &**carrier), ("kind", kind)], count))
    });
    let help = "Parts of inbound messages that waited for others, and repeats";
    family(encoder, "inbound_arrivals", help, arrivals)?;
    let unrouted =
        carriers.iter().map(|carrier| ([("carrier", &**carrier)], counters.inbound_of(carrier).unrouted.get()));
    family(encoder, "inbound_unrouted", "Inbound messages to numbers of no account", unrouted)?;
    let refused =
        carriers.iter().map(|carrier| ([("carrier", &**carrier)], counters.inbound_of(carrier).not_recorded.get()));
    let help = "Inbound messages that could not be stored; their carriers send them again";
    family(encoder, "inbound_not_recorded", help, refused)?;
    let waiting = ConstGauge::new(i64::try_from(inbound.waiting_parts.get()).unwrap_or(i64::MAX));
    let help = "Parts of inbound messages that wait for other parts";
    waiting.encode(encoder.encode_descriptor("inbound_parts_waiting", help, None, waiting.metric_type())?)?;
    let totals: [(&str, &str, u64); 3] = [
        ("inbound_partial", "Inbound messages shown without their missing parts", inbound.partial.get()),
        (
            "inbound_suspected_opt_outs",
            "Texts that seem to ask for an end in other words than a keyword",
            inbound.suspected.get(),
        ),
        ("optout_messages_canceled", "Queued messages that failed because of an opt-out", inbound.canceled.get()),
    ];
    for (name, help, value) in totals {
        let counter = ConstCounter::new(value);
        counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
    }
    let keywords = inbound.keywords().map(|(kind, count)| ([("keyword", kind.as_str())], count));
    family(encoder, "inbound_keywords", "Keywords that handsets sent", keywords)?;
    let replies = inbound.replies().map(|(kind, count)| ([("keyword", kind.as_str())], count));
    family(encoder, "automatic_messages", "Automatic messages, by keyword", replies)?;
    let suppressed = inbound.suppressed().map(|(why, count)| ([("reason", why.as_str())], count));
    family(encoder, "automatic_suppressed", "Automatic messages not sent, by reason", suppressed)?;
    let changes = counters.opt_outs.all().flat_map(|(source, outs, ins)| {
        [("opted_out", outs), ("opted_in", ins)]
            .map(|(change, count)| ([("source", source.as_str()), ("change", change)], count))
    });
    family(encoder, "optout_changes", "Changes of opt-outs, by their source", changes)
}

/// Counters of one name, told apart by labels.
pub(super) fn family<'a, const LABELS: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = ([(&'static str, &'a str); LABELS], u64)>,
) -> std::fmt::Result {
    let kind = ConstCounter::new(0u64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
