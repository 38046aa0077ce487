//! Forms of the console: what they do once, what they keep, and the change that they make.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::http::Reply;
use crate::support::{RECIPIENT, Stage};

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_message() {
    let platform = Stage::start().await;
    let tenant = platform.tenant().await;
    let mut browser = Browser::signed_in(&platform).await;
    let original = platform.send(&tenant, "+18005550199", "hello").await["id"].as_str().unwrap().to_owned();
    let typed = |body| {
        [
            ("accountId", &tenant.account[..]),
            ("mode", "live"),
            ("from", &tenant.number),
            ("to", RECIPIENT),
            ("body", body),
        ]
    };
    for (path, carrier, fields, other) in [
        ("/console/messages/new".to_owned(), "", typed("hello").to_vec(), typed("goodbye").to_vec()),
        ("/console/carriers/main/message".to_owned(), "main", typed("hello").to_vec(), typed("goodbye").to_vec()),
        (format!("/console/messages/{original}/again"), "", vec![], vec![("other", "form")]),
    ] {
        let mut made = Vec::new();
        for page in [1, 2] {
            let once = once(&browser.get(&path).await);
            let send = async |browser: &mut Browser<'_>, fields: &[(&str, &str)]| {
                let hidden = [("idempotencyKey", &once[..]), ("carrier", carrier)];
                let sent = browser.post(&path, &[&hidden[..], fields].concat()).await;
                assert_eq!(sent.status, 303, "{path}, page {page}: {}", sent.text());
                sent.header("location").unwrap().to_owned()
            };
            let first = send(&mut browser, &fields).await;
            assert_eq!(send(&mut browser, &fields).await, first, "{path}, page {page}");
            made.extend([first, send(&mut browser, &other).await]);
        }
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), 4, "{path}: another page, or another text, is another message");
    }
    assert_eq!(platform.count(&tenant).await, 1 + 3 * 4);
    let once = once(&browser.get("/console/messages/new").await);
    let refused = browser.post("/console/messages/new", &[("idempotencyKey", &once), ("to", "nobody")]).await;
    assert!(
        refused.status == 400 && refused.text().contains(&once),
        "a form to fix is the same form: {}",
        refused.text()
    );
}

/// The random value of a form that is done once.
fn once(page: &Reply) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"idempotencyKey\" value=\"").unwrap_or_else(|| panic!("{text}"));
    let once = rest.split('"').next().unwrap().to_owned();
    assert!(once.len() > 20, "{once}");
    once
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
async fn an_account_is_found_by_its_name_and_its_texts_are_kept_for_other_days() {
    let platform = Stage::start().await;
    let mut browser = Browser::signed_in(&platform).await;
    for (name, days) in [("Shop", ""), ("Other", "7")] {
        let made = browser.post("/console/accounts/new", &[("name", name), ("retentionDays", days)]).await;
        assert_eq!(made.status, 303, "{}", made.text());
    }
    let found = browser.get("/console/accounts?name=sho").await.text();
    assert!(found.contains("Shop") && !found.contains("Other"), "{found}");
    assert!(browser.get("/console/accounts?name=none").await.text().contains("No account has such a name"));
    let listed = platform.operate("GET", "/accounts", json!(null)).await.expect(200);
    assert_eq!([&listed["data"][0]["retentionDays"], &listed["data"][1]["retentionDays"]], [&json!(null), &json!(7)]);
    let id = listed["data"][1]["id"].as_str().unwrap();
    let page = format!("/console/accounts/{id}");
    for (typed, kept, shown) in [
        ("30", json!(30), "30 days"),
        ("discard", json!("discard"), "discard"),
        ("", json!(null), "as the configuration says"),
    ] {
        let changed = browser.post(&format!("{page}/retention"), &[("retentionDays", typed)]).await;
        assert_eq!((changed.status, changed.header("location")), (303, Some(&page[..])), "{}", changed.text());
        let account = platform.operate("GET", &format!("/accounts/{id}"), json!(null)).await.expect(200);
        assert_eq!(account["retentionDays"], kept);
        assert!(browser.get(&page).await.text().contains(shown), "{shown}");
        let form = browser.get(&format!("{page}/retention")).await.text();
        assert!(form.contains(&format!("value=\"{typed}\"")) && form.contains("This cannot be undone"), "{form}");
    }
    let wrong = browser.post(&format!("{page}/retention"), &[("retentionDays", "never")]).await;
    assert!(wrong.status == 400 && wrong.text().contains("<code>retentionDays</code>"), "{}", wrong.text());
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
