//! What shows who asks: read anew for every request, and put on it only where the way has not left the configured origins.
//!
//! `Set-Cookie` is not obeyed: cookies come from the configured file only.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::cookies::{self, Cookie};
use super::{ClientOptions, Credential, Login, Trouble};

/// A larger file is no token, and none of cookies.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The credentials of one request, read. Without `Debug`, for it is secrets.
pub(super) struct Shown {
    headers: HeaderMap,
    basic: Option<(String, SecretString)>,
    cookies: Vec<Cookie>,
    now_s: i64,
}

impl Shown {
    /// Reads the files; fails where one cannot be read.
    pub(super) fn read(options: &ClientOptions, now_s: i64) -> Result<Self, Trouble> {
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let unfit = || Trouble::Credential(format!("the header `{name}` cannot be sent: check `headers`"));
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            headers.append(key, secret(value.expose_secret()).ok_or_else(unfit)?);
        }
        let mut basic = None;
        match &options.login {
            Login::None => {}
            Login::Bearer(token) => {
                let token = token_of("bearer", token)?;
                let value = secret(&format!("Bearer {}", token.expose_secret()));
                let unfit = || Trouble::Credential("the token of `bearer` has characters that no header takes".into());
                headers.insert(AUTHORIZATION, value.ok_or_else(unfit)?);
            }
            Login::Basic(name, password) => {
                headers.remove(AUTHORIZATION);
                basic = Some((name.clone(), token_of("password", password)?));
            }
        }
        let cookies = match &options.cookies_file {
            Some(path) => cookies::parse(text("cookies_file", path)?.expose_secret()),
            None => Vec::new(),
        };
        Ok(Self { headers, basic, cookies, now_s })
    }

    /// Puts on a request to this url what it is to carry.
    pub(super) fn show(&self, mut request: RequestBuilder, url: &Url) -> RequestBuilder {
        let mut headers = self.headers.clone();
        if let Some(mut pairs) = cookies::header(&self.cookies, url, self.now_s) {
            if let Some(own) = headers.get(COOKIE).and_then(|own| own.to_str().ok()) {
                pairs = format!("{own}; {pairs}");
            }
            if let Some(value) = secret(&pairs) {
                headers.insert(COOKIE, value);
            }
        }
        request = request.headers(headers);
        match &self.basic {
            Some((name, password)) => request.basic_auth(name, Some(password.expose_secret())),
            None => request,
        }
    }
}

/// A value that is not printed by mistake either.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn token_of(key: &str, credential: &Credential) -> Result<SecretString, Trouble> {
    let path = match credential {
        Credential::Value(token) => return Ok(token.clone()),
        Credential::File(path) => path,
    };
    let key = format!("{key}_file");
    let token = text(&key, path)?;
    // Editors end files with a line break, which is no part of a token.
    let token = token.expose_secret().trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        return Err(Trouble::Credential(format!("{key} `{}` is empty", path.display())));
    }
    Ok(token.to_owned().into())
}

fn text(key: &str, path: &Path) -> Result<SecretString, Trouble> {
    let fault = |why: &str| Trouble::Credential(format!("{key} `{}` {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| fault(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(fault(&format!("is over {FILE_MAX_BYTES} bytes")));
    }
    Ok(String::from_utf8(bytes).map_err(|_| fault("is no text in UTF-8"))?.into())
}
