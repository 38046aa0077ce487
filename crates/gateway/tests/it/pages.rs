//! The error pages: one for each code, for whoever follows `moreInfo`.

use serde_json::Value;

use crate::support::Stage;
use crate::support::http::{Ask, PUBLISHED, Reply};

#[track_caller]
fn page(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(reply.header("content-security-policy").is_some());
    reply.has_rate_limit();
    reply.text()
}

#[tokio::test]
async fn every_code_has_its_page_and_stands_in_the_index() {
    let stage = Stage::start().await;
    let index = page(&stage.ask(&Ask::new("GET", "/page/errors")).await);
    for (code, status, message) in PUBLISHED {
        let text = page(&stage.ask(&Ask::new("GET", &format!("/page/errors/{code}"))).await);
        let says = |text: &str| {
            text.contains(message) && text.contains(&status.to_string()) && text.contains(&code.to_string())
        };
        assert!(says(&text) && text.starts_with("<!DOCTYPE html>"), "{code} {text}");
        assert!(says(&index) && index.contains(&format!("href=\"/page/errors/{code}\"")), "{code} {index}");
    }
    assert_eq!(index.matches("href=\"/page/errors/").count(), PUBLISHED.len(), "and no code that is not published");
}

#[tokio::test]
async fn every_page_of_an_error_shows_a_request_and_the_answer() {
    let stage = Stage::start().await;
    for (code, status, message) in PUBLISHED {
        let text = page(&stage.ask(&Ask::new("GET", &format!("/page/errors/{code}"))).await);
        for part in [
            "How to fix it".to_owned(),
            "A request that causes it".to_owned(),
            format!("&quot;status&quot;: {status}"),
            format!("&quot;message&quot;: &quot;{message}&quot;"),
        ] {
            assert!(text.contains(&part), "{code} lacks {part}: {text}");
        }
    }
    for (code, part) in [(33015, "<code>text/x-vcard</code>"), (33018, "8443"), (33017, "empty or truncated")] {
        assert!(page(&stage.ask(&Ask::new("GET", &format!("/page/errors/{code}"))).await).contains(part), "{code}");
    }
}

#[tokio::test]
async fn the_reference_names_every_operation_and_has_its_style_beside_it() {
    let stage = Stage::start().await;
    let text = page(&stage.ask(&Ask::new("GET", "/docs")).await);
    let document = stage.ask(&Ask::new("GET", "/openapi.json")).await.expect(200);
    let paths = document["paths"].as_object().unwrap();
    for operation in paths.values().flat_map(|methods| methods.as_object().unwrap().values()) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    let style = stage.ask(&Ask::new("GET", "/page/style.css")).await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
}

#[tokio::test]
async fn what_is_no_code_has_no_page() {
    let stage = Stage::start().await;
    for name in ["33020", "33110", "0", "99999", "99999999999", "abc", "-33001", "33001.0", "%ff", "%3Cscript%3E"] {
        stage.ask(&Ask::new("GET", &format!("/page/errors/{name}"))).await.refused(33101, Value::Null);
    }
}

#[tokio::test]
async fn more_info_leads_to_the_configured_place() {
    let stage = Stage::with(|config, _| config.api.docs_base_url = "http://docs.example.com/".to_owned()).await;
    let reply = stage.ask(&Ask::new("GET", "/nothing")).await;
    assert_eq!(reply.expect(404)["moreInfo"], "http://docs.example.com/page/errors/33101");
}
