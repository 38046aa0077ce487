//! URLs: what may be asked for at all, before anybody knows where it leads.
//!
//! In comes text from a client or from a `Location`; out goes a [`Target`] whose host is a name or an address, or a
//! [`Denial`]. The text is read as browsers read it (WHATWG URL Standard), so that every spelling of an address,
//! `0x7f.1` or `２１３０７０６４３３`, is seen as the address that it is. Strings are never taken apart for the host.

use std::net::IpAddr;

use url::{Host, Url};

use crate::denial::Denial;

/// The most characters of a URL that a client gives us.
pub const URL_CHARACTERS_MAX: usize = 2_048;

/// The most characters of a `Location`, and of the URL that is made of it: signed ones are long, and nobody keeps them.
pub const LOCATION_CHARACTERS_MAX: usize = 8_192;

/// What a URL may say.
#[derive(Clone, Debug, Default)]
pub struct UrlRules {
    /// The ports; empty for every port.
    pub ports: Vec<u16>,
    /// Whether nothing but https is allowed.
    pub https_only: bool,
    /// Whether names are allowed that are not of the public DNS.
    pub private_names: bool,
}

/// A URL that keeps the rules which can be judged without its addresses.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
    host: TargetHost,
    port: u16,
}

/// Where a URL points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetHost {
    /// At an address, however it was written.
    Literal(IpAddr),
    /// At a name: in lower case, ASCII, with two labels or more and without a dot at its end.
    Name(String),
}

impl Target {
    /// Reads a URL that a client gave us.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str, rules: &UrlRules) -> Result<Self, Denial> {
        check_length(text, URL_CHARACTERS_MAX)?;
        check_text(text, char::is_whitespace)?;
        let url = Url::parse(text).map_err(|error| Denial::Unreadable(error.to_string()))?;
        check_user_info(text)?;
        Self::of(url, rules)
    }

    /// Reads where an answer of this target sends us, by the same rules but for two: it may be longer, and a blank
    /// within it is encoded as browsers do.
    ///
    /// # Errors
    /// The first rule that it breaks; going from https to http is one.
    pub fn redirected(&self, location: &str, rules: &UrlRules) -> Result<Self, Denial> {
        // Blanks around a field belong to no value (RFC 9110, section 5.5).
        let location = location.trim_matches(' ');
        check_length(location, LOCATION_CHARACTERS_MAX)?;
        check_text(location, |_| false)?;
        let url = self.url.join(location).map_err(|error| Denial::Unreadable(error.to_string()))?;
        if self.url.scheme() == "https" && url.scheme() == "http" {
            return Err(Denial::Downgrade);
        }
        check_length(url.as_str(), LOCATION_CHARACTERS_MAX)?;
        check_user_info(location)?;
        Self::of(url, rules)
    }

    fn of(url: Url, rules: &UrlRules) -> Result<Self, Denial> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Denial::Scheme);
        }
        if rules.https_only && url.scheme() != "https" {
            return Err(Denial::Insecure);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denial::UserInfo);
        }
        let port = url.port_or_known_default().ok_or(Denial::Scheme)?;
        if port == 0 || !(rules.ports.is_empty() || rules.ports.contains(&port)) {
            return Err(Denial::Port(port));
        }
        let host = match url.host() {
            Some(Host::Ipv4(address)) => TargetHost::Literal(address.into()),
            Some(Host::Ipv6(address)) => TargetHost::Literal(address.into()),
            Some(Host::Domain(name)) => TargetHost::Name(check_name(name, rules.private_names)?.to_owned()),
            None => return Err(Denial::Unreadable("there is no host".to_owned())),
        };
        Ok(Self { url, host, port })
    }

    /// Where it points.
    pub const fn host(&self) -> &TargetHost {
        &self.host
    }

    /// The port, that of the scheme where none is named.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is secured by TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What the `Host` header says (RFC 9110, section 7.2): the port only where it is not that of the scheme.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// What the request line asks for: path and query, without the fragment.
    pub fn path_and_query(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.url.path())
    }
}

/// The name that a host's text means, in the form in which [`crate::resolve::Resolve`] is asked for it; `None` where it
/// means an address, or nothing.
pub fn dns_name(host: &str) -> Option<String> {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => Some(name.strip_suffix('.').unwrap_or(&name).to_owned()),
        _ => None,
    }
}

/// What is refused wherever it stands. The parser would drop tabs and line ends, and take a backslash for a slash;
/// others who read the same text may not.
fn check_text(text: &str, is_refused_too: fn(char) -> bool) -> Result<(), Denial> {
    match text.chars().find(|character| character.is_control() || *character == '\\' || is_refused_too(*character)) {
        Some(character) => Err(Denial::Character(character)),
        None => Ok(()),
    }
}

fn check_length(text: &str, characters_max: usize) -> Result<(), Denial> {
    if text.chars().nth(characters_max).is_some() { Err(Denial::TooLong) } else { Ok(()) }
}

/// Looks for an `@` in the text: the parser forgets one that has nothing before it.
fn check_user_info(text: &str) -> Result<(), Denial> {
    let is_scheme =
        |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let rest = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ if text.starts_with("//") => text,
        // Relative: there is no authority, and an `@` belongs to the path.
        _ => return Ok(()),
    };
    let authority = rest.trim_start_matches('/').split(['/', '?', '#']).next();
    if authority.is_some_and(|authority| authority.contains('@')) { Err(Denial::UserInfo) } else { Ok(()) }
}

/// Names that mean something else than a host of the public DNS: RFC 6761 (localhost), RFC 6762 (local), RFC 7686
/// (onion), RFC 8375 (home.arpa), RFC 9476 (alt), ICANN's private-use `internal`, and `localdomain`, which hosts files
/// give to the machine itself.
const SPECIAL_NAMES: [&str; 7] = ["localhost", "local", "internal", "home.arpa", "onion", "alt", "localdomain"];

/// The name without the dot at its end, if it is one of the public DNS, or private ones are allowed.
fn check_name(name: &str, private: bool) -> Result<&str, Denial> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(Denial::Unreadable("the host is no DNS name".to_owned()));
    }
    if private {
        return Ok(name);
    }
    let is_below =
        |special: &&&str| name.strip_suffix(**special).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    match SPECIAL_NAMES.iter().find(is_below) {
        Some(special) => Err(Denial::SpecialName(special)),
        None if !name.contains('.') => Err(Denial::SingleLabel),
        None => Ok(name),
    }
}
