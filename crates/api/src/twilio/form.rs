//! A form to parameters: the body of a POST as `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use percent_encoding::percent_decode;

/// The parameters of a form that have not been read yet, in the order in which they stand. Empty ones are as good as
/// absent.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedRequest`] where something is no UTF-8: a text must not lose characters on its way.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut parameters = Vec::new();
        for pair in body.split(|octet| *octet == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|octet| *octet == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &b""[..]),
            };
            let name = decoded(name).ok_or_else(|| wrong("the name of a parameter", UTF_8))?;
            let value = decoded(value).ok_or_else(|| wrong(name.clone(), UTF_8))?;
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        Ok(Self(parameters))
    }

    /// Takes a parameter that stands once, or not at all.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedRequest`] where it stands twice.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Refusal> {
        let mut taken = self.0.extract_if(.., |(known, _)| known == name);
        let (first, second) = (taken.next(), taken.next());
        drop(taken);
        match second {
            Some(_) => Err(wrong(name, "one value")),
            None => Ok(first.map(|(_, value)| value)),
        }
    }

    /// Says that nothing is left.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedRequest`] with the name of what is left and what the client has to know about it.
    pub(super) fn end(self, advice: impl Fn(&str) -> &'static str) -> Result<(), Refusal> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                let expected = advice(&name);
                Err(wrong(name, expected))
            }
        }
    }
}

const UTF_8: &str = "UTF-8, percent-encoded";

/// A plus sign is a blank (URL standard, section 5.1).
fn decoded(octets: &[u8]) -> Option<String> {
    let octets: Vec<u8> = octets.iter().map(|octet| if *octet == b'+' { b' ' } else { *octet }).collect();
    percent_decode(&octets).decode_utf8().ok().map(Cow::into_owned)
}

/// A parameter that is not as it should be.
pub(super) fn wrong(name: impl Into<Cow<'static, str>>, expected: impl Into<Cow<'static, str>>) -> Refusal {
    let info = AdditionalInfo::WrongType { field: name.into(), expected: expected.into() };
    Refusal::new(ErrorCode::MalformedRequest).with_info(info)
}

/// Reads a form and writes it again. Returns the two, or `None` for what is no form: for fuzzing.
pub fn round_trip(body: &[u8]) -> Option<(Vec<(String, String)>, String)> {
    let Form(parameters) = Form::read(body).ok()?;
    let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    Some((parameters, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<(String, String)> {
        Form::read(body.as_bytes()).unwrap().0
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_is_read_as_browsers_and_clients_write_it() {
        for (body, expected) in [
            ("To=%2B18005551234&Body=a+b%20c", pairs(&[("To", "+18005551234"), ("Body", "a b c")])),
            ("Body=Gr%C3%BC%c3%9Fe%21&&X=1&", pairs(&[("Body", "Grüße!"), ("X", "1")])),
            ("Body=a=b&Body=&Empty", pairs(&[("Body", "a=b")])),
            ("Body=100%&X=%zz", pairs(&[("Body", "100%"), ("X", "%zz")])),
            ("", Vec::new()),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
    }

    #[test]
    fn a_text_that_is_no_utf_8_is_refused_and_not_mended() {
        for (body, name) in [("Body=%ff", "Body"), ("Body=%ED%A0%BD", "Body"), ("%ff=1", "the name of a parameter")] {
            let info = Form::read(body.as_bytes()).unwrap_err().info;
            assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == name), "{body}");
        }
        assert!(Form::read(b"Body=\xff").is_err());
    }

    #[test]
    fn a_parameter_that_stands_twice_or_is_left_over_is_named() {
        let mut form = Form::read(b"To=1&To=2&From=3&Nobody=4").unwrap();
        let info = form.take("To").unwrap_err().info;
        assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == "To"));
        assert_eq!((form.take("From"), form.take("Body")), (Ok(Some("3".to_owned())), Ok(None)));
        let info = form.end(|_| "nothing").unwrap_err().info;
        assert!(matches!(info, Some(AdditionalInfo::WrongType { field, .. }) if field == "Nobody"));
    }
}
