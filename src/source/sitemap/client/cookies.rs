//! Cookies from a file, as browsers' extensions and curl write it (Netscape's format), and which of them fit a url.
//!
//! Lines of seven fields between tabs: domain, whether its subdomains are meant, path, whether TLS is needed, expiry in
//! seconds of the epoch (0: none), name, value. `#HttpOnly_` before a line is a flag, any other `#` a comment.

use url::{Host, Url};

/// One line of the file. Without `Debug`, for its value is a secret.
#[derive(Clone)]
pub(super) struct Cookie {
    domain: String,
    has_subdomains: bool,
    path: String,
    is_secure: bool,
    expires: i64,
    pair: String,
}

/// The cookies of a file; what is no cookie is passed over.
pub(super) fn parse(text: &str) -> Vec<Cookie> {
    text.lines().filter_map(cookie).collect()
}

/// The `Cookie` header for a url, if any cookie fits: longest paths first (RFC 6265, 5.4).
pub(super) fn header(cookies: &[Cookie], url: &Url, now_s: i64) -> Option<String> {
    let mut fits: Vec<&Cookie> = cookies.iter().filter(|cookie| cookie.fits(url, now_s)).collect();
    fits.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
    let pairs: Vec<&str> = fits.iter().map(|cookie| cookie.pair.as_str()).collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

fn cookie(line: &str) -> Option<Cookie> {
    let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
    if line.starts_with('#') {
        return None;
    }
    let mut fields = line.splitn(7, '\t');
    let mut field = || fields.next();
    let (domain, subdomains, path, secure) = (field()?, field()?, field()?, field()?);
    let expires = field()?.trim().parse::<f64>().ok()?;
    let (name, value) = (field()?, field().unwrap_or_default());
    let is_clean = |text: &str| !text.chars().any(|c| c.is_control() || c == ';');
    if name.is_empty() || !is_clean(name) || !is_clean(value) || !path.starts_with('/') {
        return None;
    }
    Some(Cookie {
        has_subdomains: subdomains.eq_ignore_ascii_case("TRUE") || domain.starts_with('.'),
        domain: domain.trim_start_matches('.').to_ascii_lowercase(),
        path: path.to_owned(),
        is_secure: secure.eq_ignore_ascii_case("TRUE"),
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and some write fractions of seconds")]
        expires: expires as i64,
        pair: format!("{name}={value}"),
    })
}

impl Cookie {
    fn fits(&self, url: &Url, now_s: i64) -> bool {
        let fits_host = match url.host() {
            Some(Host::Domain(host)) => {
                let below = host.strip_suffix(self.domain.as_str());
                below == Some("") || (self.has_subdomains && below.is_some_and(|below| below.ends_with('.')))
            }
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => url.host_str() == Some(&self.domain),
            None => false,
        };
        let fits_path = url.path().strip_prefix(self.path.as_str());
        let fits_path =
            fits_path.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'));
        let is_alive = self.expires <= 0 || self.expires > now_s;
        fits_host && fits_path && is_alive && !self.domain.is_empty() && (!self.is_secure || url.scheme() == "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Netscape HTTP Cookie File\n\
        docs.example.com\tFALSE\t/\tFALSE\t0\thost\t1\n\
        .example.com\tTRUE\t/\tFALSE\t0\tdomain\t2\n\
        #HttpOnly_docs.example.com\tFALSE\t/private\tTRUE\t2000\tsecure\t3\n\
        docs.example.com\tFALSE\t/\tFALSE\t999\told\t4\n\
        evil.example.net\tFALSE\t/\tFALSE\t0\tother\t5\n\
        docs.example.com\tFALSE\t/\tFALSE\t0\tsplit\ta;b\n\
        docs.example.com\tFALSE\t/\tFALSE\t0\ttabs\ta\tb\n\
        docs.example.com\tFALSE\t/\tFALSE\tsoon\tx\t6\n\
        127.0.0.1\tFALSE\t/\tFALSE\t0\tlocal\t7\n";

    #[test]
    fn cookies_go_where_domain_path_tls_and_expiry_allow() {
        let cookies = parse(FILE);
        for (url, now, expected) in [
            ("https://docs.example.com/private/a", 1000, Some("secure=3; host=1; domain=2")),
            ("https://docs.example.com/private", 2000, Some("host=1; domain=2")),
            ("https://docs.example.com/privateer", 1000, Some("host=1; domain=2")),
            ("http://docs.example.com/private/a", 1000, Some("host=1; domain=2")),
            ("http://docs.example.com/", 998, Some("host=1; domain=2; old=4")),
            ("http://a.docs.example.com/", 1000, Some("domain=2")),
            ("http://example.com/", 1000, Some("domain=2")),
            ("http://notexample.com/", 1000, None),
            ("http://example.com.evil.net/", 1000, None),
            ("http://127.0.0.1:8080/", 1000, Some("local=7")),
            ("http://1.127.0.0.1.nip.io/", 1000, None),
        ] {
            assert_eq!(header(&cookies, &Url::parse(url).unwrap(), now).as_deref(), expected, "{url}");
        }
    }
}
