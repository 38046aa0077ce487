//! The OpenAPI document of the admin API, carried out: what can be read is read, every example is sent, and the answers
//! are those that the document has. Every other test that asks the admin API has its answers judged, too.

use model::InboundAddress;
use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::openapi::ADMIN;
use crate::support::{RECIPIENT, Stage, Tenant, dead_port};

/// Under this path everything needs the token.
const BASE: &str = "/admin/v1";

/// The account and the sender of the examples.
const EXAMPLES: [&str; 2] = ["acc_0355LRLC51y5U1oFU5aiXM", "+18005550100"];

/// A text that the screen refuses.
const SCAM: &str =
    "USPS: your package is on hold. Pay the $1.99 fee at http://usps-redelivery.top/pay now or it will be returned";

/// A platform with one of each thing that a path of the admin API can name.
struct Furnished {
    stage: Stage,
    tenant: Tenant,
    /// The id of a template of the account.
    template: String,
    /// What stands in a path for each `{name}`, by the beginning of the path.
    names: Vec<(&'static str, String)>,
}

impl Furnished {
    async fn new() -> Self {
        let stage = Stage::with(|config, _| {
            config.webhooks.allow_http = true;
            config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        })
        .await;
        let tenant = stage.tenant().await;
        let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
        let message = stage.send(&tenant, RECIPIENT, "hello").await;
        stage.reaches(&tenant, &message["id"], "delivered").await;
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, SCAM))).await.expect(400);
        let decisions = stage.operate("GET", "/screening", Value::Null).await.expect(200);
        let broadcast = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello" });
        let broadcast = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201);
        let hook = tenant.sign(Ask::new("POST", "/api/v1/messaging/webhook"));
        let url = format!("http://127.0.0.1:{}/hook", dead_port());
        let webhook = stage.ask(&hook.json(&json!({ "url": url }))).await.expect(201);
        let erasure = json!({ "number": "+18005550144" });
        let erasure = stage.operate("POST", "/erasures", erasure).await.expect(202);
        let operator = json!({ "name": "ada", "role": "viewer" });
        stage.operate("POST", "/operators", operator).await.expect(201);
        let stray =
            stage.text(&tenant, RECIPIENT, "hi", |message| message.to = InboundAddress::of("+18005550999")).await;
        let stray = stage.record_unrouted(stray).await;
        let path = format!("/accounts/{}/screening/templates", tenant.account);
        let template =
            stage.operate("PUT", &path, json!({ "text": "Your parcel {code} is at the desk" })).await.expect(201);
        let names = vec![
            ("/accounts/", tenant.account.clone()),
            ("/blocks/", "+18005550123".to_owned()),
            ("/broadcasts/", id(&broadcast)),
            ("/carriers/", "main".to_owned()),
            ("/erasures/", id(&erasure)),
            ("/inbound/unrouted/", stray.id.to_string()),
            ("/keys/", tenant.key.clone()),
            ("/messages/", id(&message)),
            ("/numbers/", tenant.number.clone()),
            ("/operators/", "ada".to_owned()),
            ("/optouts/", "+18005550166".to_owned()),
            ("/screening/", id(&decisions["data"][0])),
            ("/webhooks/", id(&webhook)),
        ];
        Self { stage, tenant, template: id(&template), names }
    }

    /// A path of the document with the name of a thing that is there, and the required parameters of its query.
    fn filled(&self, path: &str, operation: &Value) -> String {
        let mut filled = path.strip_prefix(BASE).unwrap().to_owned();
        if let Some(begin) = filled.find('{') {
            let known = self.names.iter().find(|(beginning, _)| filled[..begin] == **beginning);
            let (_, name) = known.unwrap_or_else(|| panic!("name a thing for {path} in `Furnished::new`"));
            let end = filled.find('}').unwrap();
            filled.replace_range(begin..=end, name);
        }
        filled = filled.replace("{template}", &self.template);
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true) {
            assert_eq!(parameter["name"], "accountId", "a value is needed for it");
            filled = format!("{filled}?accountId={}", self.tenant.account);
        }
        filled
    }

    /// An example with the account and the sender that are there.
    fn owned(&self, example: &Value) -> Value {
        let [account, sender] = EXAMPLES;
        let text = example.to_string().replace(account, &self.tenant.account).replace(sender, &self.tenant.number);
        serde_json::from_str(&text).unwrap()
    }
}

/// The operations of the document below the base of the admin API, with their paths and methods.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = ADMIN["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with(BASE));
    paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[tokio::test]
async fn every_resource_and_every_list_is_answered_as_the_document_says() {
    let furnished = Furnished::new().await;
    // The stream has no end; it has tests of its own.
    let reads = operations().filter(|(path, method, _)| *method == "get" && !path.ends_with("/live"));
    for (path, _, operation) in reads {
        let asked = furnished.filled(path, operation);
        furnished.stage.operate("GET", &asked, Value::Null).await.expect_text(200);
    }
}

#[tokio::test]
async fn every_example_of_a_body_is_accepted() {
    let furnished = Furnished::new().await;
    let mut sent = 0;
    for (path, method, operation) in operations() {
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        for (kind, content) in contents.filter(|(_, content)| !content["example"].is_null()) {
            let asked = furnished.filled(path, operation);
            let (method, example) = (method.to_uppercase(), &content["example"]);
            let reply = if kind == "application/json" && example.is_object() {
                furnished.stage.operate(&method, &asked, furnished.owned(example)).await
            } else {
                furnished.stage.operate_with(&method, &asked, kind, example.as_str().unwrap()).await
            };
            assert!((200..300).contains(&reply.status), "{method} {path}: {reply}");
            sent += 1;
        }
    }
    assert!(sent > 20, "the document has examples");
}

#[tokio::test]
async fn an_unknown_field_of_a_body_is_refused_and_named() {
    let furnished = Furnished::new().await;
    for (path, method, operation) in operations() {
        let content = &operation["requestBody"]["content"]["application/json"];
        if !content["example"].is_object() {
            continue;
        }
        let mut body = furnished.owned(&content["example"]);
        body["colour"] = "blue".into();
        let asked = furnished.filled(path, operation);
        let refused = furnished.stage.operate(&method.to_uppercase(), &asked, body).await;
        let answer = refused.expect(400);
        assert_eq!((refused.code(), &answer["additionalInfo"]["field"]), (33100, &json!("colour")), "{method} {path}");
    }
}

#[tokio::test]
async fn a_list_is_no_body_whose_values_are_fields() {
    let stage = Stage::start().await;
    let ada = json!({ "name": "ada", "role": "viewer" });
    stage.operate("POST", "/operators", ada).await.expect(201);
    let wrong = json!({ "field": ".", "expected": "an object" });
    for (method, path, body) in [
        ("PATCH", "/operators/ada", json!(["admin", null, null])),
        ("POST", "/operators", json!(["grace", "admin", null])),
        ("POST", "/accounts", json!([])),
    ] {
        stage.operate(method, path, body).await.refused_by_operator(33100, wrong.clone());
    }
}

#[tokio::test]
async fn the_admin_listener_shows_its_document_as_json_and_as_a_page_without_a_token() {
    let stage = Stage::start().await;
    let document = Ask::new("GET", "/openapi.json").send(stage.admin).await;
    assert_eq!(document.header("content-type"), Some("application/json"));
    assert_eq!(document.expect(200), *ADMIN);
    let page = Ask::new("GET", "/docs").send(stage.admin).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").is_some());
    let page = page.text();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{method} {path}: {id}");
    }
    assert!(page.contains("Role: <code>operator</code> or higher."), "{page}");
    // Every link of the page leads somewhere at this listener.
    let links = page.split("href=\"/").skip(1).map(|rest| format!("/{}", rest.split('"').next().unwrap()));
    for link in links.collect::<std::collections::BTreeSet<_>>() {
        Ask::new("GET", &link).send(stage.admin).await.expect_text(200);
    }
}
