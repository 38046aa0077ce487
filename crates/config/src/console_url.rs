//! The address at which browsers reach the console.

use http::Uri;

/// The meaning of `console.url`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleUrl {
    /// The names in addition to those of loopback; none if the key is empty.
    pub hosts: Vec<String>,
    /// Whether browsers come over TLS.
    pub is_secure: bool,
}

impl ConsoleUrl {
    /// Reads the key; `None` if it is not the address of a site.
    pub fn parse(url: &str) -> Option<Self> {
        if url.is_empty() {
            return Some(Self::default());
        }
        let url: Uri = url.parse().ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && !url.authority()?.as_str().contains('@');
        let is_secure = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        is_bare.then_some(Self { hosts: vec![url.host()?.to_owned()], is_secure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_console_is_a_name_and_whether_it_is_behind_tls() {
        let of = |host: &str, is_secure| Some(ConsoleUrl { hosts: vec![host.to_owned()], is_secure });
        for (url, read) in [
            ("", Some(ConsoleUrl::default())),
            ("https://sms.example.com", of("sms.example.com", true)),
            ("http://sms.example.com:8080/", of("sms.example.com", false)),
            ("https://sms.example.com/console", None),
            ("https://ada@sms.example.com", None),
            ("ftp://sms.example.com", None),
            ("sms.example.com", None),
        ] {
            assert_eq!(ConsoleUrl::parse(url), read, "{url}");
        }
    }
}
