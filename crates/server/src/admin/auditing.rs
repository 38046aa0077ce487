//! Every change through the admin API is in the audit log: the request before the change, and the outcome after it.
//! Without the first entry, nothing is changed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, Uri};
use axum::middleware::Next;
use model::error::{ErrorCode, Refusal};
use model::{AuditEntry, AuditId, AuditOutcome};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::access::{Access, Special};
use super::principal::Principal;
use super::{Admin, shade};
use api::http::body;
use api::http::query::Parameters;

/// The most of a resource, or of a request, that an entry keeps.
const KEPT_BYTES_MAX: usize = 16_384;

/// The `Retry-After` for a request that was refused because the audit log could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The recorder of changes.
pub(super) struct Auditing {
    pub(super) admin: Arc<Admin>,
    /// The admin API itself, without its guard, for looks at resources.
    pub(super) looks: Router,
}

/// Records a change. A request that only reads passes unrecorded.
pub(super) async fn audited(State(auditing): State<Arc<Auditing>>, request: Request, next: Next) -> Response<Body> {
    let extensions = request.extensions();
    match (extensions.get::<Principal>().cloned(), extensions.get::<&'static Access>().copied()) {
        (Some(principal), Some(access)) if !super::access::only_reads(request.method()) => {
            let recorded = auditing.recorded(&principal, access, request, next).await;
            recorded.unwrap_or_else(|refusal| auditing.admin.envelope.refuse(refusal))
        }
        _ => next.run(request).await,
    }
}

impl Auditing {
    async fn recorded(
        &self,
        principal: &Principal,
        access: &Access,
        request: Request,
        next: Next,
    ) -> Result<Response<Body>, Refusal> {
        let admin = &self.admin;
        let (request, asked) = self.asked(access, request).await?;
        let path = path_of(request.uri());
        let look = access.look.map(|look| filled(look, access.route, request.uri(), asked.as_ref()));
        let at = admin.runtime.now();
        let entry = AuditEntry {
            id: AuditId::new(at, &*admin.entropy),
            at,
            actor: principal.actor.clone(),
            address: principal.address,
            via: principal.via,
            method: request.method().as_str().into(),
            route: access.route.into(),
            path: path.into(),
            request: asked.as_ref().map(kept),
            before: self.look(look.as_deref()).await.as_ref().map(kept),
        };
        let id = entry.id;
        let unwritten = |error| {
            Refusal::new(ErrorCode::ServiceUnavailable)
                .with_retry_after(RETRY_AFTER)
                .caused_by(format!("nothing was changed, because the audit log cannot be written: {error}"))
        };
        admin.pipeline.store().begin_audit(entry).await.map_err(unwritten)?;
        let (response, answer) = read(next.run(request).await).await?;
        let after = match look {
            Some(look) => self.look(Some(&look)).await,
            None if access.special == Special::Reveals => None,
            None => answer,
        };
        let outcome = AuditOutcome {
            at: admin.runtime.now(),
            status: response.status().as_u16(),
            after: after.as_ref().map(kept),
        };
        if let Err(error) = admin.pipeline.store().end_audit(id, outcome).await {
            tracing::error!(audit.id = %id, %error, "The outcome of the change {id} could not be written to the audit \
                log: {error}");
        }
        Ok(response)
    }

    /// A request in the form for the log, and the unchanged request.
    async fn asked(&self, access: &Access, request: Request) -> Result<(Request, Option<Value>), Refusal> {
        if access.special == Special::File {
            let length = axum::body::HttpBody::size_hint(request.body()).exact();
            return Ok((request, Some(json!({ "bytes": length }))));
        }
        let (head, body) = request.into_parts();
        let bytes = body::read(&self.admin.runtime, body, self.admin.body_limits).await?;
        let asked = if bytes.is_empty() {
            None
        } else {
            let value = serde_json::from_slice(&bytes).map(shade::recorded);
            Some(value.unwrap_or_else(|_| json!({ "unreadable": true, "bytes": bytes.len() })))
        };
        let asked = if access.special == Special::Person { asked.map(shade::masked) } else { asked };
        Ok((Request::from_parts(head, Body::from(bytes)), asked))
    }

    /// A resource as the admin API shows it; `None` if there is none.
    async fn look(&self, path: Option<&str>) -> Option<Value> {
        let request = Request::builder().method(Method::GET).uri(path?).body(Body::empty()).ok()?;
        let Ok(response) = self.looks.clone().oneshot(request).await;
        let is_there = response.status().is_success();
        let (_, shown) = read(response).await.ok()?;
        shown.filter(|_| is_there)
    }
}

/// An answer, and its form for the log.
async fn read(response: Response<Body>) -> Result<(Response<Body>, Option<Value>), Refusal> {
    let (head, body) = response.into_parts();
    let broken = |error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error);
    let bytes = to_bytes(body, usize::MAX).await.map_err(broken)?;
    let value = serde_json::from_slice(&bytes).ok().map(shade::recorded);
    Ok((Response::from_parts(head, Body::from(bytes)), value))
}

/// The path below `/admin/v1`, with its query.
fn path_of(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string)
}

/// A route with what a request says in the places of its names: those of the path are in the path of the request, those
/// of the query in its path, its query or its body. What it does not say is left out of the query.
fn filled(look: &str, route: &str, uri: &Uri, asked: Option<&Value>) -> String {
    let (look, fields) = look.split_once('?').unwrap_or((look, ""));
    let parts = || route.split('/').zip(uri.path().split('/'));
    let of_path = |name: &str| parts().find(|(of, _)| *of == name).map(|(_, value)| value);
    let segment = |part| of_path(part).filter(|_| part.starts_with('{')).unwrap_or(part);
    let path = look.split('/').map(segment).collect::<Vec<&str>>().join("/");
    let query = Parameters::parse(uri.query());
    let said = |name: &str| {
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let of_body = || Some(asked?[name].as_str()?.to_owned());
        let of_query = || query.get(name).map(str::to_owned);
        of_path(&format!("{{{name}}}")).map(decoded).or_else(of_query).or_else(of_body)
    };
    let pairs = fields.split('&').filter_map(|field| {
        let (key, name) = field.split_once('=')?;
        Some((key, said(name.trim_matches(['{', '}']))?))
    });
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// JSON in its stored form. If it is too large, only its size is stored.
fn kept(value: &Value) -> Arc<str> {
    let text = value.to_string();
    if text.len() > KEPT_BYTES_MAX { json!({ "omitted": true, "bytes": text.len() }).to_string() } else { text }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_has_the_names_of_its_request() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let route = "/accounts/{id}/screening";
        assert_eq!(filled(route, route, &uri("/accounts/acc_1/screening"), None), "/accounts/acc_1/screening");
        assert_eq!(filled("/nodes", "/nodes/{name}/drain", &uri("/nodes/a/drain"), None), "/nodes");
        let (look, route) = ("/optouts?number={number}&accountId={account}&mode={mode}", "/optouts/{number}");
        for (request, asked) in [
            ("/optouts/+1800?account=a%26b", json!(null)),
            ("/optouts/%2B1800", json!({ "account": "a&b", "mode": null, "number": "+1" })),
        ] {
            let looked = filled(look, route, &uri(request), Some(&asked));
            assert_eq!(looked, "/optouts?number=%2B1800&accountId=a%26b", "{request}");
        }
    }

    #[test]
    fn what_is_too_large_is_kept_as_its_size() {
        assert_eq!(&*kept(&json!("a")), "\"a\"");
        assert_eq!(&*kept(&json!("a".repeat(KEPT_BYTES_MAX))), r#"{"omitted":true,"bytes":16386}"#);
    }
}
