//! The variables of a broadcast: the values of each recipient, and the checks of each text with its values.

use std::borrow::Cow;
use std::sync::Arc;

use model::error::{AdditionalInfo, ErrorCode, MissingValue, Refusal};
use model::message::{Encoding, MessageType};
use model::variables::{NoTemplate, Template, VARIABLES_MAX, Values};
use model::{Originator, ScreeningRecord, Timestamp};
use wire::text::LooseText;

use super::parse::measured;
use super::recipients::RecipientList;
use super::{Admission, AdmissionLimits};
use crate::tenants::Caller;

/// The number of missing values in an answer.
const MISSING_MAX: usize = 100;

/// The number of texts that are screened before other tasks have their turn.
const SCREENED_AT_ONCE: usize = 100;

/// The values of each recipient for the variables in a text; none where it has no variables.
///
/// # Errors
/// 33100 for a text with `{{…}}` where no recipient has variables, and for one that is no template; 33005 where values
/// are missing, empty or blank.
pub(super) fn values_of(body: Option<&LooseText>, list: &RecipientList) -> Result<Vec<Values>, Refusal> {
    let template = Template::parse(body.map(LooseText::as_str).unwrap_or_default()).map_err(no_template)?;
    if template.names().is_empty() {
        return Ok(Vec::new());
    }
    if list.variables.is_empty() {
        return Err(wrong_body("a text without `{{…}}`, because no recipient has `variables`"));
    }
    let (mut values, mut missing) = (Vec::with_capacity(list.count), Vec::new());
    let mut given = list.variables.iter().peekable();
    for index in 0..list.count {
        let own = given.next_if(|(of, _)| *of == index).map_or(&[][..], |(_, own)| own);
        let mut of_one = Vec::with_capacity(template.names().len());
        for name in template.names() {
            match own.iter().find(|(own, value)| **own == **name && !value.trim().is_empty()) {
                Some((_, value)) => of_one.push(value.clone()),
                None if missing.len() < MISSING_MAX => missing.push(MissingValue { index, name: (*name).to_owned() }),
                None => {}
            }
        }
        values.push(of_one.into());
    }
    if missing.is_empty() {
        return Ok(values);
    }
    Err(Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::MissingValues(missing)))
}

fn no_template(why: NoTemplate) -> Refusal {
    match why {
        NoTemplate::NoName => wrong_body("a text in which each `{{…}}` has the name of a variable, such as `{{name}}`"),
        NoTemplate::TooMany => wrong_body(format!("a text with at most {VARIABLES_MAX} variables")),
    }
}

fn wrong_body(expected: impl Into<Cow<'static, str>>) -> Refusal {
    let info = AdditionalInfo::WrongType { field: "body".into(), expected: expected.into() };
    Refusal::new(ErrorCode::MalformedRequest).with_info(info)
}

/// The same refusal, of the text of one recipient.
fn of_recipient(index: usize, refusal: Refusal) -> Refusal {
    let info = Some(AdditionalInfo::OfRecipient { index, info: refusal.info.map(Box::new) });
    Refusal { info, ..refusal }
}

/// Measures every text (33016, 33107): the encoding that one of them needs, and the most segments that one of them
/// takes.
pub(super) fn measured_each(
    body: Option<LooseText>,
    values: &[Values],
    kind: MessageType,
    limits: &AdmissionLimits,
) -> Result<(Option<Arc<str>>, Encoding, u16), Refusal> {
    if values.is_empty() {
        return measured(body, kind, limits);
    }
    let Some(body) = body else { return measured(None, kind, limits) };
    let invalid = body.invalid_characters();
    if !invalid.is_empty() {
        let info = AdditionalInfo::InvalidCharacters(invalid);
        return Err(Refusal::new(ErrorCode::InvalidMessageContent).with_info(info));
    }
    let (mut encoding, mut segments) = (Encoding::Gsm7, 0);
    let template = Template::parse(body.as_str()).map_err(no_template)?;
    for (index, of_one) in values.iter().enumerate() {
        let text = LooseText::from(&*template.render(of_one));
        let (_, needed, taken) = measured(Some(text), kind, limits).map_err(|refusal| of_recipient(index, refusal))?;
        segments = segments.max(taken);
        if needed != Encoding::Gsm7 {
            encoding = needed;
        }
    }
    Ok((body.into_text().map(Arc::from), encoding, segments))
}

impl Admission {
    /// Screens every text of a broadcast (33019), also those to recipients who are skipped. Returns the record of the
    /// first one that was flagged.
    pub(super) async fn screen_each(
        &self,
        caller: &Caller,
        originator: Originator,
        (body, values): (Option<&Arc<str>>, &[Values]),
        now: Timestamp,
    ) -> Result<Option<ScreeningRecord>, Refusal> {
        let Some(template) = body.filter(|_| !values.is_empty()) else {
            return self.screen(caller, originator, body, now).await;
        };
        let template = Template::parse(template).map_err(no_template)?;
        let mut flagged = None;
        for (index, of_one) in values.iter().enumerate() {
            let text = Arc::from(template.render(of_one));
            let found = self.screen(caller, originator, Some(&text), now).await;
            flagged = flagged.or(found.map_err(|refusal| of_recipient(index, refusal))?);
            if index % SCREENED_AT_ONCE == SCREENED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(flagged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of recipients with these values for `name` and `code`; an empty one is not given.
    fn list(of: &[(&str, &str)]) -> RecipientList {
        let mut list = RecipientList::default();
        for (number, (name, code)) in of.iter().enumerate() {
            let given = [("name", name), ("code", code), ("other", &"x")];
            let given = given.into_iter().filter(|(_, value)| !value.is_empty());
            let variables = given.map(|(name, value)| (name.into(), (*value).into())).collect();
            list.push_with(&format!("+1800555{number:04}"), variables);
        }
        list
    }

    fn values(body: &str, list: &RecipientList) -> Result<Vec<Values>, Option<AdditionalInfo>> {
        values_of(Some(&body.into()), list).map_err(|refusal| refusal.info)
    }

    #[test]
    fn values_come_in_the_order_of_the_text() {
        let list = list(&[("Ada", "1"), ("Bob", "2")]);
        let found = values("{{code}} for {{name}}, {{code}}", &list).unwrap();
        let found: Vec<Vec<&str>> = found.iter().map(|of| of.iter().map(|value| &**value).collect()).collect();
        assert_eq!(found, [["1", "Ada"], ["2", "Bob"]]);
        assert_eq!(values("nothing", &list), Ok(Vec::new()), "what the text does not name is left out");
        assert_eq!(values_of(None, &list), Ok(Vec::new()));
    }

    #[test]
    fn a_value_that_is_missing_or_blank_is_named_with_its_recipient() {
        let mut some = list(&[("Ada", "1"), (" ", "2"), ("Bob", "")]);
        some.push("+18005559999");
        let missing = [1, 3].map(|index| MissingValue { index, name: "name".to_owned() }).to_vec();
        assert_eq!(values("Hi {{name}}", &some), Err(Some(AdditionalInfo::MissingValues(missing))));
        let many = list(&[("", "1"); 200]);
        let Err(Some(AdditionalInfo::MissingValues(missing))) = values("{{name}}", &many) else { panic!() };
        assert_eq!(missing.len(), 100);
    }

    #[test]
    fn braces_without_variables_are_refused_in_clear_words() {
        let mut plain = RecipientList::default();
        plain.push("+18005551001");
        for (body, list, words) in [
            ("Hi {{name}}", &plain, "no recipient has `variables`"),
            ("Hi {{ }}", &plain, "the name of a variable"),
            ("Hi {{first name}}", &list(&[("Ada", "1")]), "the name of a variable"),
        ] {
            match values(body, list) {
                Err(Some(AdditionalInfo::WrongType { field, expected })) => {
                    assert!(field == "body" && expected.contains(words), "{body}: {expected}");
                }
                other => panic!("{body}: {other:?}"),
            }
        }
        assert_eq!(values("a {{ b", &plain), Ok(Vec::new()));
    }

    #[test]
    fn every_text_is_measured_as_it_is_sent() {
        let limits = AdmissionLimits { sms_characters_max: 200, ..AdmissionLimits::SMALLEST };
        let measure = |names: &[&str]| {
            let list = list(&names.iter().map(|name| (*name, "1")).collect::<Vec<_>>());
            let values = values("Hi {{name}}", &list).unwrap();
            measured_each(Some("Hi {{name}}".into()), &values, MessageType::Sms, &limits)
        };
        let long = "x".repeat(160);
        assert_eq!(measure(&["Ada"]).unwrap().1, Encoding::Gsm7);
        assert_eq!(measure(&["Ada", "Zoë", "Łukasz"]).map(|found| (found.1, found.2)), Ok((Encoding::Ucs2, 1)));
        assert_eq!(measure(&["Ada", &long]).map(|found| (found.1, found.2)), Ok((Encoding::Gsm7, 2)));
        let refusal = measure(&["Ada", &"x".repeat(198)]).unwrap_err();
        let info = AdditionalInfo::OfRecipient { index: 1, info: None };
        assert_eq!((refusal.code, refusal.info), (ErrorCode::MessageTooLong, Some(info)));
        let refusal = measure(&["Ada", "B\u{7}b"]).unwrap_err();
        let Some(AdditionalInfo::OfRecipient { index: 1, info: Some(info) }) = refusal.info else { panic!() };
        assert!(matches!(*info, AdditionalInfo::InvalidCharacters(found) if found[0].position == 5));
    }
}
