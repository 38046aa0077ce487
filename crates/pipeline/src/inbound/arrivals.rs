//! What a carrier brought, as the store records it: one arrival for each recipient that is ours.

use std::sync::Arc;

use carrier::{Inbound, InboundContent, InboundPart, PartForm};
use model::{CarrierName, InboundAddress, InboundMedia, Timestamp};
use store::contract::inbound::{Arrival, PartName, ReferenceForm};

use super::content::{Content, Mms, OTHERS_MAX};

/// What is recorded of a message that came at `at`. Its files are `media`, and in their place. `is_ours` knows the
/// numbers of the platform.
pub(crate) fn arrivals_of(
    carrier: &CarrierName,
    inbound: Inbound,
    media: Vec<InboundMedia>,
    at: Timestamp,
    is_ours: impl Fn(&InboundAddress) -> bool,
) -> Vec<Arrival> {
    let Inbound { from, to, content } = inbound;
    let media: Arc<[InboundMedia]> = media.into();
    let arrival = |to: &InboundAddress, part: Option<PartName>, content: Content| Arrival {
        carrier: carrier.clone(),
        from: from.clone(),
        to: to.clone(),
        at,
        part,
        content: content.encode(),
        media: Arc::clone(&media),
    };
    let mut ours: Vec<&InboundAddress> = Vec::new();
    to.iter().filter(|address| is_ours(address)).for_each(|address| {
        // A sender may name a number twice.
        if !ours.contains(&address) {
            ours.push(address);
        }
    });
    // A message for none of our numbers is kept for the operator, once.
    if ours.is_empty() {
        ours.extend(to.first());
    }
    match content {
        InboundContent::Sms(data, part) => {
            let part = part.map(part_name);
            ours.into_iter().map(|to| arrival(to, part.clone(), Content::Sms(data.clone()))).collect()
        }
        InboundContent::Mms(mms) => ours
            .into_iter()
            .map(|own| {
                let others = to.iter().filter(|other| *other != own).take(OTHERS_MAX).cloned().collect();
                let content = Mms { subject: mms.subject.clone(), text: mms.text.clone(), others };
                arrival(own, None, Content::Mms(content))
            })
            .collect(),
    }
}

fn part_name(part: InboundPart) -> PartName {
    let InboundPart { form, reference, total, number, other_elements } = part;
    let form = match form {
        PartForm::Header8 => ReferenceForm::Header8,
        PartForm::Header16 => ReferenceForm::Header16,
        PartForm::Parameters => ReferenceForm::Parameters,
    };
    PartName { form, reference, total, number, other_elements }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use carrier::InboundMms;

    const AT: Timestamp = Timestamp::from_millis(1_773_585_000_000);

    fn arrivals(to: &[&str], content: InboundContent) -> Vec<Arrival> {
        let to = to.iter().map(|address| InboundAddress::of(address)).collect();
        let inbound = Inbound { from: InboundAddress::of("+12025550143"), to, content };
        arrivals_of(&"main".into(), inbound, Vec::new(), AT, |address| address.to_string().starts_with("+1800"))
    }

    #[test]
    fn a_group_message_becomes_one_for_each_recipient_that_is_ours() {
        let mms = || InboundContent::Mms(InboundMms { text: "hi".to_owned(), ..InboundMms::default() });
        for (to, ours) in [
            (&["+18005550001"] as &[&str], &["+18005550001 []"] as &[&str]),
            (
                &["+18005550001", "+12025550199", "+18005550002"],
                &["+18005550001 [+12025550199 +18005550002]", "+18005550002 [+18005550001 +12025550199]"],
            ),
            (&["+18005550001", "+18005550001"], &["+18005550001 []"]),
            (&["+12025550199", "a@example.com"], &["+12025550199 [a@example.com]"]),
        ] {
            let shown: Vec<String> = arrivals(to, mms())
                .iter()
                .map(|arrival| {
                    let Some(Content::Mms(Mms { others, .. })) = Content::decode(&arrival.content) else { panic!() };
                    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
                    format!("{} [{}]", arrival.to, others.join(" "))
                })
                .collect();
            assert_eq!(shown, ours);
        }
    }

    #[test]
    fn a_part_keeps_how_it_is_numbered() {
        let data = testing::plain("A");
        for (form, wanted) in [
            (PartForm::Header8, ReferenceForm::Header8),
            (PartForm::Header16, ReferenceForm::Header16),
            (PartForm::Parameters, ReferenceForm::Parameters),
        ] {
            let part = InboundPart { form, reference: 7, total: 2, number: 1, other_elements: [1, 2].into() };
            let arrivals = arrivals(&["+18005550001"], InboundContent::Sms(data.clone(), Some(part)));
            let name = PartName { form: wanted, reference: 7, total: 2, number: 1, other_elements: [1, 2].into() };
            assert_eq!(arrivals.len(), 1);
            assert_eq!((arrivals[0].part.clone(), arrivals[0].at), (Some(name), AT));
        }
    }
}
