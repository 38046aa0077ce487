//! The address of an MMSC: the parts of `url`.

use hyper::Uri;

/// An HTTP address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whether it is `https`.
    pub(crate) secure: bool,
    /// The host's name or address, without brackets.
    pub(crate) host: String,
    /// The port, said or not.
    pub(crate) port: u16,
    /// Host and port as a request names them.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

impl Place {
    /// Reads a URL; what is wrong with it otherwise.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "is no URL")?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("does not begin with http:// or https://"),
        };
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("has a user in it, which belongs into `username`");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("names no host");
        }
        // `Authority::port` takes a port that is out of range for none.
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| "has a port that is none")?,
            None if secure => 443,
            None => 80,
        };
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { secure, host: host.to_owned(), port, authority: authority.as_str().to_owned(), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, secure, host, port, authority, target) in [
            ("http://mmsc.example.net/mm7", false, "mmsc.example.net", 80, "mmsc.example.net", "/mm7"),
            (
                "https://mmsc.example.net:8443/a/b?c=d",
                true,
                "mmsc.example.net",
                8443,
                "mmsc.example.net:8443",
                "/a/b?c=d",
            ),
            ("https://mmsc.example.net", true, "mmsc.example.net", 443, "mmsc.example.net", "/"),
            ("http://mmsc.example.net?a", false, "mmsc.example.net", 80, "mmsc.example.net", "/?a"),
            ("http://[::1]:8080/", false, "::1", 8080, "[::1]:8080", "/"),
        ] {
            let (host, authority, target) = (host.to_owned(), authority.to_owned(), target.to_owned());
            assert_eq!(Place::parse(url), Ok(Place { secure, host, port, authority, target }), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_an_mmsc_is_told() {
        for (url, what) in [
            ("", "is no URL"),
            ("mmsc.example.net", "does not begin with http:// or https://"),
            ("ftp://mmsc.example.net/", "does not begin with http:// or https://"),
            ("/mm7", "does not begin with http:// or https://"),
            ("http://me:secret@mmsc.example.net/", "has a user in it, which belongs into `username`"),
            ("http://:80/", "names no host"),
            ("http://mmsc.example.net:99999/", "has a port that is none"),
            ("http://mmsc example/", "is no URL"),
        ] {
            assert_eq!(Place::parse(url), Err(what), "{url}");
        }
    }
}
