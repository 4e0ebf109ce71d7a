//! What a genuine call is about: which repository, which refs.
//!
//! Pure. Reads of each forge's payload the few fields that tell it, and believes them no further than to wake whoever reads
//! that repository. A repository is its host and path, however it is spelled: one has many urls.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::signature::{Forge, Signed};

/// A push.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Push {
    /// The repository, under every name that the forge gives it.
    pub(super) repositories: Vec<Repository>,
    /// The refs that were moved, in full.
    refs: Vec<String>,
    /// The branch that is read where none is named, if the forge says it.
    default_branch: Option<String>,
}

/// A repository by host and path: without scheme, user, port, `.git` and case, in which its urls differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    host: String,
    path: String,
}

impl Push {
    /// The push that a call tells of; `None`: it tells of something else. Fails where it is not understood.
    pub(super) fn read(signed: &Signed, headers: &HeaderMap, body: &[u8]) -> Result<Option<Self>, String> {
        let payload = payload(headers, body)?;
        let event = signed.event.as_str();
        Ok(match (signed.from, event) {
            (Forge::GitHub | Forge::Gitea, "push") => Some(parse::<HubPush>(&payload)?.into()),
            (Forge::GitLab, "Push Hook" | "Tag Push Hook") => Some(parse::<LabPush>(&payload)?.into()),
            // An administrator's hook tells of everything under one name.
            (Forge::GitLab, "System Hook") => {
                let push: LabPush = parse(&payload)?;
                matches!(push.object_kind.as_deref(), Some("push" | "tag_push")).then(|| push.into())
            }
            (Forge::Bitbucket, "repo:push") => Some(parse::<CloudPush>(&payload)?.into()),
            (Forge::Bitbucket, "repo:refs_changed" | "mirror:repo_synchronized") => {
                Some(parse::<ServerPush>(&payload)?.into())
            }
            _ => None,
        })
    }

    /// Why the push is nothing to a source that reads this ref of the repository (`None`: the remote's own branch).
    pub(super) fn misses(&self, reference: Option<&str>) -> Option<String> {
        let reference = reference.filter(|reference| *reference != "HEAD").or(self.default_branch.as_deref())?;
        let full = [reference.to_owned(), format!("refs/heads/{reference}"), format!("refs/tags/{reference}")];
        if self.refs.iter().any(|moved| full.contains(moved)) {
            return None;
        }
        let moved = match self.refs.as_slice() {
            [] => "nothing".to_owned(),
            [one] => format!("`{one}`"),
            [one, others @ ..] => format!("`{one}` and {} more", others.len()),
        };
        Some(format!("it reads `{reference}`, and the push is of {moved}"))
    }

    fn of(urls: impl IntoIterator<Item = Option<String>>, refs: Vec<String>, default_branch: Option<String>) -> Self {
        let mut repositories: Vec<Repository> = Vec::new();
        for repository in urls.into_iter().flatten().filter_map(|url| Repository::of_url(&url)) {
            if !repositories.contains(&repository) {
                repositories.push(repository);
            }
        }
        Self { repositories, refs, default_branch }
    }
}

impl Repository {
    /// The repository of a url, as git takes them; `None` for a folder of this machine.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (authority, path) = match url.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => return None,
            Some((_, rest)) => rest.split_once('/')?,
            // As ssh writes it: a colon before any slash.
            None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?,
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(address) => address.split_once(']')?.0,
            None => host.split(':').next().unwrap_or(host),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        // Where ssh has to go through the port of HTTPS, the forges have another name for it.
        let host = match host.as_str() {
            "ssh.github.com" => "github.com".to_owned(),
            "altssh.gitlab.com" => "gitlab.com".to_owned(),
            "altssh.bitbucket.org" => "bitbucket.org".to_owned(),
            _ => host,
        };
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/').to_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path);
        // Bitbucket Data Center puts it before the paths of HTTPS, not of ssh.
        let path = path.strip_prefix("scm/").unwrap_or(path).to_owned();
        (!host.is_empty() && !path.is_empty()).then_some(Self { host, path })
    }
}

/// GitHub sends forms where its hook says so, with the JSON in a field; the signature is of the form.
fn payload<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"));
    if !is_form {
        return Ok(Cow::Borrowed(body));
    }
    let field = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    let (_, payload) = field.ok_or("the form has no `payload`: let the hook send application/json\n")?;
    Ok(Cow::Owned(payload.into_owned().into_bytes()))
}

/// Of what is wrong with it the place is told and nothing else: the parser would quote the body.
fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload)
        .map_err(|error| format!("the push is not understood (line {}, column {})\n", error.line(), error.column()))
}

/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>; Gitea's is the same.
#[derive(Deserialize)]
struct HubPush {
    #[serde(rename = "ref")]
    reference: String,
    repository: HubRepository,
}

#[derive(Deserialize)]
struct HubRepository {
    html_url: Option<String>,
    clone_url: Option<String>,
    ssh_url: Option<String>,
    default_branch: Option<String>,
}

impl From<HubPush> for Push {
    fn from(push: HubPush) -> Self {
        let HubRepository { html_url, clone_url, ssh_url, default_branch } = push.repository;
        Self::of([clone_url, ssh_url, html_url], vec![push.reference], default_branch)
    }
}

/// <https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events>
#[derive(Deserialize)]
struct LabPush {
    object_kind: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    project: Option<LabProject>,
}

#[derive(Deserialize)]
struct LabProject {
    web_url: Option<String>,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
    default_branch: Option<String>,
}

impl From<LabPush> for Push {
    fn from(push: LabPush) -> Self {
        let refs = push.reference.into_iter().collect();
        let Some(LabProject { web_url, git_http_url, git_ssh_url, default_branch }) = push.project else {
            return Self::of([], refs, None);
        };
        Self::of([git_http_url, git_ssh_url, web_url], refs, default_branch)
    }
}

/// <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push>: no url of git's is among it, nor the main
/// branch; a ref that was deleted has no `new`.
#[derive(Deserialize)]
struct CloudPush {
    push: CloudChanges,
    repository: CloudRepository,
}

#[derive(Deserialize)]
struct CloudChanges {
    #[serde(default)]
    changes: Vec<CloudChange>,
}

#[derive(Deserialize)]
struct CloudChange {
    new: Option<CloudRef>,
    old: Option<CloudRef>,
}

#[derive(Deserialize)]
struct CloudRef {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct CloudRepository {
    links: CloudLinks,
    mainbranch: Option<CloudRef>,
}

#[derive(Deserialize)]
struct CloudLinks {
    html: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Option<String>,
}

impl From<CloudPush> for Push {
    fn from(push: CloudPush) -> Self {
        let full = |CloudRef { kind, name }| {
            let folder = if kind.as_deref() == Some("tag") { "tags" } else { "heads" };
            format!("refs/{folder}/{name}")
        };
        let refs = push.push.changes.into_iter().filter_map(|change| change.new.or(change.old)).map(full).collect();
        let main = push.repository.mainbranch.map(|branch| branch.name);
        Self::of([push.repository.links.html.and_then(|html| html.href)], refs, main)
    }
}

/// <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html>: the repository by its project and slug;
/// its links only in newer versions.
#[derive(Deserialize)]
struct ServerPush {
    repository: ServerRepository,
    #[serde(default)]
    changes: Vec<ServerChange>,
}

#[derive(Deserialize)]
struct ServerRepository {
    #[serde(default)]
    links: ServerLinks,
}

#[derive(Default, Deserialize)]
struct ServerLinks {
    #[serde(default)]
    clone: Vec<Link>,
    #[serde(default, rename = "self")]
    own: Vec<Link>,
}

#[derive(Deserialize)]
struct ServerChange {
    #[serde(rename = "ref")]
    reference: ServerRef,
}

#[derive(Deserialize)]
struct ServerRef {
    id: String,
}

impl From<ServerPush> for Push {
    fn from(push: ServerPush) -> Self {
        let ServerLinks { clone, own } = push.repository.links;
        // `https://host/projects/KEY/repos/slug/browse` is the page of `https://host/scm/KEY/slug.git`.
        let cloned = |page: String| {
            let (host, rest) = page.split_once("/projects/")?;
            let (key, rest) = rest.split_once("/repos/")?;
            Some(format!("{host}/{key}/{}", rest.split('/').next()?))
        };
        let pages = own.into_iter().map(|link| link.href.and_then(cloned));
        let refs = push.changes.into_iter().map(|change| change.reference.id).collect();
        Self::of(clone.into_iter().map(|link| link.href).chain(pages), refs, None)
    }
}
