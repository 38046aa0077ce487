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
        // The page of the message marks the characters that need UCS-2.
        let text = page.text().replace("<mark>", "").replace("</mark>", "");
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

#[tokio::test]
async fn what_was_typed_into_a_refused_form_is_kept() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let mut browser = Browser::signed_in(&platform).await;
    let path = format!("/console/accounts/{}/optouts/new", tenant.account);
    let typed = [("accountId", &tenant.account[..]), ("number", "<nonsense>"), ("reason", "a letter")];
    let refused = browser.post(&path, &typed).await;
    let text = refused.text();
    assert_eq!(refused.status, 400);
    for part in ["<code>number</code>", "value=\"&lt;nonsense&gt;\"", "value=\"a letter\"", &tenant.account] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let operator = [("name", "ada lovelace"), ("role", "viewer"), ("password", "correct horse battery")];
    let text = browser.post("/console/operators/new", &operator).await.text();
    assert!(text.contains("value=\"ada lovelace\"") && !text.contains("correct horse"), "a secret is not: {text}");
}

#[tokio::test]
async fn keywords_are_changed_as_they_stand_and_the_change_is_on_record() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let mut browser = Browser::signed_in(&platform).await;
    let account = format!("/console/accounts/{}", tenant.account);
    let number = format!("/console/numbers/{}", tenant.number.replace('+', "%2B"));
    for (page, settings, of) in [
        (&account, format!("/accounts/{}/keywords", tenant.account), "halt"),
        (&number, format!("/numbers/{}/keywords", tenant.number), "arrete"),
    ] {
        let form = format!("{page}/keywords");
        let fields = [("stopWords", of), ("languages", "fr"), ("replies", "false"), ("support", "help@example.com")];
        let changed = browser.post(&form, &fields).await;
        assert_eq!((changed.status, changed.header("location")), (303, Some(page.as_str())), "{}", changed.text());
        let set = platform.operate("GET", &settings, json!(null)).await.expect(200);
        assert_eq!(
            [&set["stopWords"], &set["languages"], &set["replies"], &set["yes"]],
            [&json!([of]), &json!(["fr"]), &json!(false), &json!(null)]
        );
        assert!(browser.get(page).await.text().contains(of));
        let asked = browser.get(&form).await.text();
        let as_it_stands = asked.contains(&format!(">{of}</textarea>")) && asked.contains("value=\"help@example.com\"");
        assert!(as_it_stands, "the form has the settings as they are: {asked}");
        // A word more, and one less.
        let fields = [("stopWords", "enough"), ("support", "help@example.com"), ("stopText", "{account}: bye")];
        assert_eq!(browser.post(&form, &fields).await.status, 303);
        let log = platform.operate("GET", "/audit?limit=1", json!(null)).await.expect(200);
        let entry = &log["data"][0];
        assert_eq!(entry["path"], settings.replace('+', "%2B"), "{entry}");
        assert_eq!(
            [&entry["before"]["stopWords"], &entry["after"]["stopWords"], &entry["via"]],
            [&json!([of]), &json!(["enough"]), &json!("console")]
        );
    }
    let wrong = browser.post(&format!("{account}/keywords"), &[("stopWords", "HELP"), ("support", "x")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("stopWords") && wrong.text().contains(">HELP</textarea>"), "{}", wrong.text());
    assert!(browser.get("/console/inbound/keywords").await.text().contains("enough"));
}

#[tokio::test]
async fn a_phrase_is_allowed_out_of_the_decision_about_its_text() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let text = "Hi Bob, cheap vodka delivered to your door tonight, order now and get 20% off";
    platform.ask(&tenant.post(&tenant.message("+18005550199", text))).await.expect(400);
    let log = platform.operate("GET", "/screening", json!(null)).await.expect(200);
    let id = log["data"][0]["id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&platform).await;
    let act = format!("/console/screening/{id}/phrase");
    assert!(browser.get("/console/screening").await.text().contains(&act));
    let form = browser.get(&act).await.text();
    assert!(
        form.contains(">cheap</textarea>") && form.contains(&tenant.account),
        "it is filled in with what was found: {form}"
    );
    let fields = [("account", &tenant.account[..]), ("decisionId", id), ("phrase", text)];
    let done = browser.post(&act, &fields).await;
    assert!(done.status == 200 && done.text().contains("The text passes now."), "{}", done.text());
    platform.send(&tenant, "+18005550199", text).await;
    assert!(browser.get(&format!("/console/screening/{id}")).await.text().contains("an error"));
}

#[tokio::test]
async fn a_page_of_a_message_shows_where_its_text_splits() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let sent = platform.send(&tenant, "+18005550199", &format!("{}’b", "a".repeat(68))).await;
    let mut browser = Browser::signed_in(&platform).await;
    let page = browser.get(&format!("/console/messages/{}", sent["id"].as_str().unwrap())).await.text();
    assert!(page.contains("1 segment") && page.contains("<mark>’</mark>b"), "{page}");
    let sent = platform.send(&tenant, "+18005550199", &format!("{}’b", "a".repeat(80))).await;
    let page = browser.get(&format!("/console/messages/{}", sent["id"].as_str().unwrap())).await.text();
    assert!(page.contains("2 segments of 67 and 15 characters"), "{page}");
    assert!(page.contains("data-segment=\"2\">aaaaaaaaaaaaa<mark>’</mark>b<"), "{page}");
}
