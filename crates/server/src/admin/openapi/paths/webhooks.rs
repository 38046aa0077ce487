//! `/webhooks`.

use super::super::admin_path;
use super::super::parts::{of_account, of_mode, pages};
use openapi::deliveries::{self, TAG, endpoint};
use openapi::operation::Operation;
use openapi::parts::{page_of, reference};

pub(super) fn all() -> Vec<Operation> {
    let (all, again) = (admin_path!("/webhooks/{id}/deliveries"), admin_path!("/webhooks/{id}/replay"));
    vec![list(), show(), deliveries::list(all), deliveries::replay(again)]
}

fn list() -> Operation {
    Operation::new("get", admin_path!("/webhooks"), "listWebhooks", (TAG, "List endpoints", "Of all accounts."))
        .parameters([of_account(), of_mode()])
        .parameters(pages())
        .answers(200, "A page of endpoints.", &page_of("Webhook"))
}

fn show() -> Operation {
    Operation::new("get", admin_path!("/webhooks/{id}"), "getWebhook", (TAG, "Get an endpoint", "With its backlog."))
        .parameters([endpoint()])
        .answers(200, "The endpoint.", &reference("Webhook"))
        .of_one()
}
