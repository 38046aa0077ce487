//! `/carriers`.

use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::carrier;
use openapi::operation::Operation;
use openapi::parts::{id, page_of, query, reference};

const TAG: &str = "Carriers";

pub(super) fn all() -> Vec<Operation> {
    let looks = [list(), show(), codes(), unmatched(), test()];
    let changes = [stop(), start(), abandon()];
    let trace = [begin_trace(), read_trace(), end_trace()];
    looks.into_iter().chain(changes).chain(trace).collect()
}

fn list() -> Operation {
    let about = (
        TAG,
        "List carriers",
        "All carriers, on one page: those of the configuration, and those that are not in it but have waiting \
         messages.",
    );
    Operation::new("get", admin_path!("/carriers"), "listCarriers", about).answers(
        200,
        "The carriers.",
        &page_of("Carrier"),
    )
}

fn show() -> Operation {
    let about = (TAG, "Get a carrier", "With its sessions and all counts since the start of this node.");
    Operation::new("get", admin_path!("/carriers/{name}"), "getCarrier", about)
        .parameters([carrier()])
        .answers(200, "The carrier.", &reference("CarrierDetails"))
        .of_one()
}

fn codes() -> Operation {
    let about = (TAG, "List the codes of a carrier", "The codes with which the carrier answered, and their counts.");
    Operation::new("get", admin_path!("/carriers/{name}/codes"), "listCarrierCodes", about)
        .parameters([carrier()])
        .answers(200, "The codes.", &reference("CarrierCodes"))
        .of_one()
}

fn unmatched() -> Operation {
    let about = (TAG, "List unmatched receipts", "The last 100 receipts and messages that could not be used.");
    Operation::new("get", admin_path!("/carriers/{name}/unmatched"), "listUnmatched", about)
        .parameters([carrier()])
        .answers(200, "The receipts, newest first.", &page_of("Unmatched"))
        .of_one()
}

fn test() -> Operation {
    let about = (
        TAG,
        "Test a carrier",
        "DNS, TCP, TLS, bind and `enquire_link`, step by step, up to the first step that fails.",
    );
    Operation::new("post", admin_path!("/carriers/{name}/test"), "testCarrier", about)
        .parameters([carrier()])
        .answers(200, "The outcome of each step.", &reference("CarrierTest"))
        .of_one()
}

fn stop() -> Operation {
    let about = (TAG, "Stop a carrier", "The carrier gets no more messages from any node, also after a restart.");
    Operation::new("post", admin_path!("/carriers/{name}/stop"), "stopCarrier", about)
        .parameters([carrier()])
        .answers_with(204, "The carrier is stopped.", &[], Value::Null)
        .of_one()
}

fn start() -> Operation {
    let about = (TAG, "Start a carrier", "After it was stopped. A repeat changes nothing.");
    Operation::new("post", admin_path!("/carriers/{name}/start"), "startCarrier", about)
        .parameters([carrier()])
        .answers_with(204, "The carrier is not stopped.", &[], Value::Null)
        .of_one()
}

fn abandon() -> Operation {
    let about = (
        TAG,
        "Abandon a carrier",
        "Gives up a carrier that is not in the configuration: its waiting messages get another route, or fail.",
    );
    Operation::new("post", admin_path!("/carriers/{name}/abandon"), "abandonCarrier", about)
        .parameters([carrier()])
        .answers(200, "The counts of its messages.", &reference("Abandoned"))
        .of_one()
}

fn begin_trace() -> Operation {
    let about = (TAG, "Trace a carrier", "Records its PDUs for a time, in the memory of this node.");
    Operation::new("post", admin_path!("/carriers/{name}/trace"), "beginTrace", about)
        .parameters([carrier()])
        .optional_json("NewTrace", &json!({ "seconds": 60, "texts": false }))
        .answers(200, "The trace, which is under way.", &reference("Trace"))
        .of_one()
}

fn read_trace() -> Operation {
    let about = (TAG, "Read a trace", "The PDUs so far. They can be read for 15 minutes after the end of the trace.");
    let wait = json!({ "type": "integer", "minimum": 0, "maximum": 30, "default": 0 });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 2_000, "default": 500 });
    let after = json!({ "type": "integer", "minimum": 0, "default": 0 });
    Operation::new("get", admin_path!("/carriers/{name}/trace"), "readTrace", about)
        .parameters([
            carrier(),
            query("after", "Only PDUs after this one: the `next` of an earlier answer.", &after),
            query("wait", "Seconds to wait for a PDU if there is none yet.", &wait),
            query("limit", "The maximum number of PDUs in an answer.", &limit),
            query("message", "Only PDUs of this message.", &id("msg")),
        ])
        .answers(200, "The trace.", &reference("Trace"))
        .of_one()
}

fn end_trace() -> Operation {
    let about = (TAG, "End a trace", "A repeat changes nothing.");
    Operation::new("delete", admin_path!("/carriers/{name}/trace"), "endTrace", about)
        .parameters([carrier()])
        .answers_with(204, "The carrier is not traced.", &[], Value::Null)
        .of_one()
}
