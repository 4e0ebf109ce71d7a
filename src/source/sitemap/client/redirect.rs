//! Where an answer sends us, and whether we go there.
//!
//! Invariants: at most so many hops and none twice; hosts of the configuration only; never from TLS to none; and whoever
//! has once been sent to an origin that is not configured shows no credentials on the rest of the way.

use std::collections::HashSet;

use url::{Origin, Url};

use super::{ClientOptions, Trouble};

/// Hops of one way.
const HOPS_MAX: usize = 10;

/// The places that the configuration names: the sitemap's own, and those that `fetch_from` leads to.
#[derive(Debug)]
pub(super) struct Places {
    origins: Vec<Origin>,
    hosts: HashSet<String>,
}

impl Places {
    pub(super) fn new(options: &ClientOptions, origin: &Url) -> Self {
        let urls = || std::iter::once(origin).chain(options.fetch_from.iter().map(|(_, to)| to));
        Self {
            origins: urls().map(Url::origin).collect(),
            hosts: urls().filter_map(Url::host_str).map(str::to_owned).collect(),
        }
    }
}

/// The way of one request.
#[derive(Debug)]
pub(super) struct Trail {
    seen: Vec<Url>,
    here: Url,
    has_strayed: bool,
}

impl Trail {
    /// Begins at a public url.
    pub(super) fn begin(public: &Url, options: &ClientOptions, places: &Places) -> Result<Self, Trouble> {
        let here = bare(options.fetched_at(public));
        check(&here, options, places)?;
        let has_strayed = !places.origins.contains(&here.origin());
        Ok(Self { seen: Vec::new(), here, has_strayed })
    }

    /// Where to ask.
    pub(super) fn here(&self) -> &Url {
        &self.here
    }

    /// Whether credentials are shown here.
    pub(super) fn is_known(&self) -> bool {
        !self.has_strayed
    }

    /// Goes where the answer says.
    pub(super) fn follow(&mut self, location: &[u8], options: &ClientOptions, places: &Places) -> Result<(), Trouble> {
        let to = str::from_utf8(location).ok().and_then(|to| self.here.join(to).ok());
        let to = to.ok_or_else(|| Trouble::Broken("the answer redirects to what is no url".into()))?;
        let to = bare(options.fetched_at(&to));
        check(&to, options, places)?;
        if self.here.scheme() == "https" && to.scheme() == "http" {
            let message = format!(
                "the website redirects from https to `{}`, without TLS: mend the website's redirect",
                options.published_at(&to)
            );
            return Err(Trouble::Refused(message));
        }
        self.seen.push(std::mem::replace(&mut self.here, to));
        if self.seen.len() > HOPS_MAX || self.seen.contains(&self.here) {
            return Err(Trouble::Loop);
        }
        self.has_strayed |= !places.origins.contains(&self.here.origin());
        Ok(())
    }
}

fn check(url: &Url, options: &ClientOptions, places: &Places) -> Result<(), Trouble> {
    if !matches!(url.scheme(), "http" | "https") {
        let message = format!("the website leads to a `{}:` address, which is never asked", url.scheme());
        return Err(Trouble::Refused(message));
    }
    if !url.host_str().is_some_and(|host| places.hosts.contains(host)) {
        return Err(Trouble::OtherHost(options.published_at(url)));
    }
    Ok(())
}

/// A url as it is asked: what a link carries of credentials is no reason to show them.
fn bare(mut url: Url) -> Url {
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}
