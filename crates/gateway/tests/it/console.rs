//! The web console: it is a client of the admin API, it lets nobody in who has not signed in, and no other page.

use console::ALL;
use model::Role;
use serde_json::json;

use crate::support::Stage;
use crate::support::http::{Ask, Reply};

/// A browser that keeps its cookies.
struct Browser<'a> {
    platform: &'a Stage,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    const fn new(platform: &'a Stage) -> Self {
        Self { platform, cookies: Vec::new() }
    }

    async fn signed_in(platform: &'a Stage) -> Self {
        let mut browser = Self::new(platform);
        let link = browser.link().await;
        browser.get(&format!("/console/login?token={link}")).await.expect_text(200);
        let reply = browser.post("/console/login", &[("link", &link)]).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/console")), "{}", reply.text());
        browser
    }

    async fn link(&self) -> String {
        let name = "ada".parse().unwrap();
        self.platform.app().sign_ins().link_for(&name, Role::Admin).await.unwrap().reveal().to_owned()
    }

    fn host(&self) -> String {
        self.platform.app().admin_address.to_string()
    }

    fn asks(&self, ask: Ask) -> Ask {
        let ask = ask.header("host", &self.host());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) }
    }

    async fn take(&mut self, ask: Ask) -> Reply {
        let reply = self.asks(ask).send(self.platform.app().admin_address).await;
        for (name, line) in &reply.headers {
            let Some((cookie, value)) =
                line.split(';').next().filter(|_| name == "set-cookie").and_then(|pair| pair.split_once('='))
            else {
                continue;
            };
            self.cookies.retain(|(known, _)| known != cookie);
            if !value.is_empty() {
                self.cookies.push((cookie.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.take(Ask::new("GET", path)).await
    }

    /// The token of this browser's forms, from a page.
    async fn token(&mut self) -> String {
        let page = self.get("/console").await;
        let page = if page.status == 303 { self.get("/console/sign-in").await } else { page };
        let text = page.text();
        let (_, rest) = text.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.token().await;
        let origin = format!("http://{}", self.host());
        self.take(form(path, &token, fields).header("origin", &origin)).await
    }
}

fn form(path: &str, token: &str, fields: &[(&str, &str)]) -> Ask {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("token", token).extend_pairs(fields);
    Ask::new("POST", path).header("content-type", "application/x-www-form-urlencoded").octets(body.finish())
}

#[tokio::test]
async fn the_console_makes_no_call_that_the_admin_api_does_not_have() {
    let platform = Stage::start().await;
    for call in ALL {
        let path = call.path(&["x", "y"]);
        let reply = platform.operate("BREW", path.strip_prefix("/admin/v1").unwrap(), json!(null)).await;
        assert_eq!(reply.status, 405, "{path}");
        let allowed = reply.header("allow").unwrap_or_default().to_owned();
        assert!(allowed.split(", ").any(|method| method == call.method.as_str()), "{path}: {allowed}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let platform = Stage::start().await;
    let mut browser = Browser::new(&platform);
    let link = browser.link().await;
    assert_eq!(browser.get("/console").await.header("location"), Some("/console/sign-in"));
    // A program that previews the link does not use it up.
    browser.get(&format!("/console/login?token={link}")).await.expect_text(200);
    assert_eq!(browser.post("/console/login", &[("link", &link)]).await.status, 303);
    assert!(browser.get("/console").await.text().contains("Overview"));
    let mut other = Browser::new(&platform);
    let again = other.post("/console/login", &[("link", &link)]).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("used already"), "{}", again.text());
    assert_eq!(browser.post("/console/sign-out", &[]).await.status, 303);
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn no_other_page_can_send_a_form() {
    let platform = Stage::start().await;
    let mut browser = Browser::signed_in(&platform).await;
    let (token, host) = (browser.token().await, browser.host());
    let (path, fields) = ("/console/accounts/new", [("name", "Foreign")]);
    let own = format!("http://{host}");
    for (what, ask) in [
        ("no token", form(path, "", &fields).header("origin", &own)),
        ("another token", form(path, &token.replace('A', "B").to_lowercase(), &fields).header("origin", &own)),
        ("another origin", form(path, &token, &fields).header("origin", "http://evil.example")),
        ("no origin", form(path, &token, &fields)),
        ("another site", form(path, &token, &fields).header("origin", &own).header("sec-fetch-site", "cross-site")),
    ] {
        assert_eq!(browser.take(ask).await.status, 403, "{what}");
    }
    assert!(!browser.get("/console/accounts").await.text().contains("Foreign"));
    assert_eq!(browser.post(path, &fields).await.status, 303);
    assert!(browser.get("/console/accounts").await.text().contains("Foreign"));
}

#[tokio::test]
async fn a_name_that_leads_to_loopback_is_not_the_consoles() {
    let platform = Stage::start().await;
    let foreign = Ask::new("GET", "/console/sign-in").header("host", "rebound.example:8081");
    let reply = foreign.send(platform.app().admin_address).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("does not answer under this host name"), "{}", reply.text());
}

#[tokio::test]
async fn a_message_is_found_and_its_text_cannot_pretend() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let sent = platform.send(&tenant, "+18005550199", "<b>pay\u{202E}evil</b> https://example.com").await;
    let mut browser = Browser::signed_in(&platform).await;
    for path in ["/console/messages".to_owned(), format!("/console/messages/{}", sent["id"].as_str().unwrap())] {
        let page = browser.get(&path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let text = page.text();
        assert!(text.contains("&lt;b&gt;pay<span class=\"token\">⟨U+202E⟩</span>evil"), "{text}");
        assert!(!text.contains("style=") && !text.contains("href=\"https://example.com"), "{text}");
    }
}

#[tokio::test]
async fn a_key_is_created_shown_once_and_revoked() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let mut browser = Browser::signed_in(&platform).await;
    let account = format!("/console/accounts/{}", tenant.account);
    let created = browser.post(&format!("{account}/keys/new"), &[("mode", "test"), ("expiresAt", "")]).await;
    created.expect_text(200);
    let text = created.text();
    let key = text.split_once("<dt>Key</dt><dd><code>").unwrap().1.split('<').next().unwrap().to_owned();
    let secret = text.split_once("id=\"secret\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert!(secret.len() > 20);
    let page = browser.get(&account).await.text();
    assert!(page.contains(&key) && !page.contains(&secret));
    let revoke = format!("{account}/keys/{key}/revoke");
    assert!(browser.get(&revoke).await.text().contains("This cannot be undone"), "it asks first");
    assert_eq!(browser.post(&revoke, &[]).await.header("location"), Some(account.as_str()));
    assert!(browser.get(&account).await.text().contains("The key is revoked."));
    let wrong = browser.post(&format!("{account}/keys/new"), &[("mode", "live"), ("expiresAt", "tomorrow")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("<code>expiresAt</code>: a time as in RFC 3339"), "{}", wrong.text());
}
