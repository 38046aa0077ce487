//! The other format of requests: a form as Twilio's API sends it, and its signature.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::webhook::Webhook;
use ring::hmac;
use store::contract::webhooks::{EventContent, EventRecord};

use super::seal::Secret;

/// The parameters of a form, in the order in which they are sent.
pub type Form = Vec<(Cow<'static, str>, String)>;

/// The body of a request: a form in UTF-8, percent-encoded.
pub fn encoded(form: &Form) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// Where an event goes: to the URL that the client of its message named, where that is this endpoint's but for a query,
/// and otherwise to the endpoint's own.
pub(super) fn destination<'a>(webhook: &'a Webhook, event: &'a EventRecord) -> &'a str {
    let named = match &event.content {
        EventContent::Message(record) => record.message.status_callback.as_deref(),
        _ => None,
    };
    named.filter(|url| webhook.is_at(url)).unwrap_or(&webhook.url)
}

/// The header `X-Twilio-Signature`: HMAC-SHA-1 over the URL and then, in the order of their names, the names and values
/// of all parameters. The key is the text of the secret, `whsec_` included.
pub fn signature(secret: &Secret, url: &str, body: &str) -> String {
    let mut parameters: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
    parameters.sort();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.reveal().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(url.as_bytes());
    for (name, value) in parameters {
        context.update(name.as_bytes());
        context.update(value.as_bytes());
    }
    STANDARD.encode(context.sign())
}

#[cfg(test)]
mod tests {
    use model::SeededEntropy;

    use super::*;

    #[test]
    fn a_form_is_signed_with_its_url_and_its_parameters_in_the_order_of_their_names() {
        let secret = Secret::parse("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
        let form = vec![("To".into(), "+1800".to_owned()), ("Body".into(), "Grüße & more".to_owned())];
        let body = encoded(&form);
        assert_eq!(body, "To=%2B1800&Body=Gr%C3%BC%C3%9Fe+%26+more");
        // What `twilio.request_validator.RequestValidator` computes of the same.
        let expected = "QmKsOsCp+T/2GpCkCVL5TeWbZFM=";
        assert_eq!(signature(&secret, "https://a.example/status?order=7", &body), expected);
        let turned: Form = form.into_iter().rev().collect();
        assert_eq!(signature(&secret, "https://a.example/status?order=7", &encoded(&turned)), expected);
        let other = Secret::new(&SeededEntropy::new(1));
        for (secret, url, body) in [
            (&secret, "https://a.example/status?order=8", &*body),
            (&secret, "https://a.example/status?order=7", "To=%2B1801&Body=Gr%C3%BC%C3%9Fe+%26+more"),
            (&other, "https://a.example/status?order=7", &*body),
        ] {
            assert_ne!(signature(secret, url, body), expected, "{url} {body}");
        }
    }
}
