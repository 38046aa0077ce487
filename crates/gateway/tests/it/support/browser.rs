//! A browser at the console.

use model::Role;

use super::Stage;
use super::http::{Ask, Reply};

/// A browser that keeps its cookies.
pub(crate) struct Browser<'a> {
    platform: &'a Stage,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) const fn new(platform: &'a Stage) -> Self {
        Self { platform, cookies: Vec::new() }
    }

    pub(crate) async fn signed_in(platform: &'a Stage) -> Self {
        Self::signed_in_as(platform, "ada", Role::Admin).await
    }

    pub(crate) async fn signed_in_as(platform: &'a Stage, name: &str, role: Role) -> Self {
        let mut browser = Self::new(platform);
        let link = browser.link(name, role).await;
        browser.get(&format!("/console/login?token={link}")).await.expect_text(200);
        let reply = browser.post("/console/login", &[("link", &link)]).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/console")), "{}", reply.text());
        browser
    }

    pub(crate) async fn link(&self, name: &str, role: Role) -> String {
        let name = name.parse().unwrap();
        self.platform.app().sign_ins().link_for(&name, role).await.unwrap().reveal().to_owned()
    }

    pub(crate) fn host(&self) -> String {
        self.platform.app().admin_address.to_string()
    }

    fn asks(&self, ask: Ask) -> Ask {
        let ask = ask.header("host", &self.host());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) }
    }

    pub(crate) async fn take(&mut self, ask: Ask) -> Reply {
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

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.take(Ask::new("GET", path)).await
    }

    /// The token of this browser's forms, from a page.
    pub(crate) async fn token(&mut self) -> String {
        let page = self.get("/console").await;
        let page = if page.status == 303 { self.get("/console/sign-in").await } else { page };
        let text = page.text();
        let (_, rest) = text.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.token().await;
        let origin = format!("http://{}", self.host());
        self.take(form(path, &token, fields).header("origin", &origin)).await
    }
}

/// A form as a browser sends it.
pub(crate) fn form(path: &str, token: &str, fields: &[(&str, &str)]) -> Ask {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("token", token).extend_pairs(fields);
    Ask::new("POST", path).header("content-type", "application/x-www-form-urlencoded").octets(body.finish())
}
