//! The web console: it is a client of the admin API, it lets nobody in who has not signed in, and no other page.

use console::ALL;
use model::Role;
use serde_json::json;

use crate::support::Stage;
use crate::support::browser::{Browser, form};
use crate::support::http::Ask;

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
    let link = browser.link("ada", Role::Admin).await;
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
async fn a_viewer_is_told_that_the_live_view_of_one_number_does_not_follow() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let sent = platform.send(&tenant, "+18005550199", "hello").await["id"].as_str().unwrap().to_owned();
    let of_number = "?number=%2B18005550199";
    for (name, role, query, follows) in [
        ("vera", Role::Viewer, "", true),
        ("vera", Role::Viewer, of_number, false),
        ("otto", Role::Operator, of_number, true),
    ] {
        let mut browser = Browser::signed_in_as(&platform, name, role).await;
        let page = browser.get(&format!("/console/live{query}")).await.text();
        assert!(page.contains(&sent), "{page}");
        assert_eq!(page.contains("data-events"), follows, "{name} {query}");
        assert_eq!(page.contains("does not follow new ones"), role == Role::Viewer, "{name} {query}");
    }
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
