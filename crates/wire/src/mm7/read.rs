//! From an envelope to its message.

use super::xml::{self, Element};
use super::{
    Address, Content, DEFAULT_VERSION, DeliverReq, DeliverRsp, DeliveryReportReq, Dialect, Fault, FaultKind, Malformed,
    Message, MmStatus, Operation, Recipients, Status, StatusCode, SubmitReq, SubmitRsp,
};

/// The message of an envelope.
///
/// # Errors
/// [`Malformed`] where it is none, or lacks what it cannot do without.
pub fn read(octets: &[u8]) -> Result<Message, Malformed> {
    let envelope = xml::parse(octets)?;
    if !envelope.is("Envelope") {
        return Err(Malformed::Missing("Envelope"));
    }
    let operation = envelope.child("Body").and_then(|body| body.children.first()).ok_or(Malformed::Missing("Body"))?;
    let transaction_id =
        envelope.child("Header").and_then(|header| header.text_of("TransactionID")).unwrap_or_default();
    Ok(Message { dialect: dialect(operation), transaction_id, operation: self::operation(operation)? })
}

/// How the peer writes. The operation of a fault is in its detail.
fn dialect(operation: &Element) -> Dialect {
    let detail = operation.descendant("RSErrorRsp").or_else(|| operation.descendant("VASPErrorRsp"));
    let spoken = if operation.is("Fault") { detail.unwrap_or(&NOTHING) } else { operation };
    let usual = Dialect::default();
    Dialect {
        namespace: if spoken.namespace.is_empty() { usual.namespace } else { spoken.namespace.clone() },
        version: spoken.text_of("MM7Version").unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
        prefixed: spoken.prefixed,
    }
}

static NOTHING: Element = Element {
    name: String::new(),
    namespace: String::new(),
    prefixed: false,
    attributes: Vec::new(),
    text: String::new(),
    children: Vec::new(),
};

fn operation(element: &Element) -> Result<Operation, Malformed> {
    Ok(match element.name.to_ascii_lowercase().as_str() {
        "submitreq" => Operation::SubmitReq(Box::new(submit_req(element))),
        "submitrsp" => Operation::SubmitRsp(submit_rsp(element)?),
        "deliverreq" => Operation::DeliverReq(Box::new(deliver_req(element))),
        "deliverrsp" => {
            Operation::DeliverRsp(DeliverRsp { status: status(element)?, service_code: element.text_of("ServiceCode") })
        }
        "deliveryreportreq" => Operation::DeliveryReportReq(Box::new(delivery_report_req(element)?)),
        "deliveryreportrsp" => Operation::DeliveryReportRsp(status(element)?),
        "fault" => Operation::Fault(fault(element)),
        // Some peers leave the fault around it away.
        "rserrorrsp" | "vasperrorrsp" => {
            Operation::Fault(Fault { kind: kind(element), status: Some(status(element)?), ..fault(&NOTHING) })
        }
        _ => Operation::Other(element.name.clone()),
    })
}

fn submit_req(element: &Element) -> SubmitReq {
    let sender = element.child("SenderIdentification").unwrap_or(&NOTHING);
    SubmitReq {
        vasp_id: sender.text_of("VASPID"),
        vas_id: sender.text_of("VASID"),
        sender_address: address_in(sender, "SenderAddress"),
        recipients: recipients(element),
        service_code: element.text_of("ServiceCode"),
        linked_id: element.text_of("LinkedID"),
        message_class: element.text_of("MessageClass"),
        time_stamp: element.text_of("TimeStamp"),
        earliest_delivery_time: element.text_of("EarliestDeliveryTime"),
        expiry_date: element.text_of("ExpiryDate"),
        delivery_report: boolean(element.text_of("DeliveryReport").as_deref()),
        read_reply: boolean(element.text_of("ReadReply").as_deref()),
        priority: element.text_of("Priority"),
        subject: element.text_of("Subject"),
        charged_party: element.text_of("ChargedParty"),
        distribution_indicator: boolean(element.text_of("DistributionIndicator").as_deref()),
        content: content(element),
    }
}

/// An answer without a status that gives the message an id has taken it.
fn submit_rsp(element: &Element) -> Result<SubmitRsp, Malformed> {
    let message_id = element.text_of("MessageID");
    let status = match status(element) {
        Err(Malformed::Missing(_)) if message_id.is_some() => Status::new(StatusCode::SUCCESS),
        status => status?,
    };
    Ok(SubmitRsp { status, message_id })
}

fn deliver_req(element: &Element) -> DeliverReq {
    DeliverReq {
        relay_server_id: element.text_of("MMSRelayServerID"),
        linked_id: element.text_of("LinkedID"),
        sender: address_in(element, "Sender"),
        recipients: recipients(element),
        time_stamp: element.text_of("TimeStamp"),
        priority: element.text_of("Priority"),
        subject: element.text_of("Subject"),
        content: content(element),
    }
}

fn delivery_report_req(element: &Element) -> Result<DeliveryReportReq, Malformed> {
    Ok(DeliveryReportReq {
        relay_server_id: element.text_of("MMSRelayServerID"),
        message_id: element.text_of("MessageID").ok_or(Malformed::Missing("MessageID"))?,
        recipient: address_in(element, "Recipient"),
        sender: address_in(element, "Sender"),
        // Some peers call it as the other operations do.
        date: element.text_of("Date").or_else(|| element.text_of("TimeStamp")),
        mm_status: MmStatus::parse(&element.text_of("MMStatus").ok_or(Malformed::Missing("MMStatus"))?),
        status_text: element.text_of("StatusText"),
    })
}

/// A fault of SOAP 1.1, or of 1.2, whose words are others.
fn fault(element: &Element) -> Fault {
    let error = element.descendant("RSErrorRsp").or_else(|| element.descendant("VASPErrorRsp"));
    let code = element.text_of("faultcode").or_else(|| element.child("Code").and_then(|code| code.text_of("Value")));
    let string =
        element.text_of("faultstring").or_else(|| element.child("Reason").and_then(|reason| reason.text_of("Text")));
    Fault {
        fault_code: code.map(|code| code.rsplit(':').next().unwrap_or_default().trim().to_owned()).unwrap_or_default(),
        fault_string: string.unwrap_or_default(),
        kind: error.and_then(kind),
        status: status(error.unwrap_or(element)).ok(),
    }
}

fn kind(element: &Element) -> Option<FaultKind> {
    match () {
        () if element.is("RSErrorRsp") => Some(FaultKind::RelayServer),
        () if element.is("VASPErrorRsp") => Some(FaultKind::Vasp),
        () => None,
    }
}

/// The status of an answer. It may be deeper than it should, or have no element of its own around it.
fn status(element: &Element) -> Result<Status, Malformed> {
    let found = element.descendant("StatusCode").ok_or(Malformed::Missing("StatusCode"))?;
    let code = StatusCode::parse(&found.text).ok_or(Malformed::Missing("StatusCode"))?;
    let text_of = |name| element.descendant(name).map(|text| text.text.clone()).filter(|text| !text.is_empty());
    Ok(Status { code, text: text_of("StatusText").unwrap_or_default(), details: text_of("Details") })
}

fn recipients(element: &Element) -> Recipients {
    let recipients = element.child("Recipients").unwrap_or(&NOTHING);
    let list = |name: &str| recipients.children.iter().filter(|list| list.is(name)).flat_map(addresses).collect();
    Recipients { to: list("To"), cc: list("Cc"), bcc: list("Bcc") }
}

/// The addresses in an element; a bare text is one as well.
fn addresses(element: &Element) -> Vec<Address> {
    let in_elements = element
        .children
        .iter()
        .filter(|child| !child.text.is_empty())
        .map(|child| Address::named(&child.name, child.text.clone()));
    let bare = Some(&element.text).filter(|text| !text.is_empty()).map(|text| Address::Number(text.clone()));
    in_elements.chain(bare).collect()
}

fn address_in(element: &Element, name: &str) -> Option<Address> {
    element.child(name).and_then(|inner| addresses(inner).into_iter().next())
}

fn content(element: &Element) -> Option<Content> {
    let content = element.child("Content")?;
    let href = content.attribute("href").unwrap_or_default().trim();
    let id = href.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).map_or(href, |_| &href[4..]);
    let id = id.trim_start_matches('<').trim_end_matches('>').to_owned();
    Some(Content { id, allow_adaptations: boolean(content.attribute("allowAdaptations")) })
}

/// A truth value in the words of XML Schema (part 2, 3.2.2), in any case.
fn boolean(text: Option<&str>) -> Option<bool> {
    match text?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
