//! From a message to its envelope. Elements stand in the order of the schema (3GPP TS 23.140, annex L): it is a
//! sequence, and some peers check it.

use super::xml::Writer;
use super::{
    Address, Content, DeliverReq, DeliverRsp, DeliveryReportReq, Fault, FaultKind, Message, Operation, Recipients,
    Status, SubmitReq, SubmitRsp,
};

/// The namespace of SOAP 1.1.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// The envelope of a message.
pub fn write(message: &Message) -> String {
    let dialect = &message.dialect;
    let (prefix, declaration) = if dialect.prefixed { ("mm7:", "xmlns:mm7") } else { ("", "xmlns") };
    let namespace = (declaration, dialect.namespace.as_str());
    let mut writer = Writer { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), prefix };
    writer.out.push_str(&format!("<env:Envelope xmlns:env=\"{SOAP}\"><env:Header>"));
    writer.element("TransactionID", &[namespace, ("env:mustUnderstand", "1")], |writer| {
        super::xml::escape(&message.transaction_id, &mut writer.out);
    });
    writer.out.push_str("</env:Header><env:Body>");
    let version = dialect.version.as_str();
    match &message.operation {
        Operation::SubmitReq(request) => submit_req(&mut writer, namespace, version, request),
        Operation::SubmitRsp(answer) => submit_rsp(&mut writer, namespace, version, answer),
        Operation::DeliverReq(request) => deliver_req(&mut writer, namespace, version, request),
        Operation::DeliverRsp(answer) => deliver_rsp(&mut writer, namespace, version, answer),
        Operation::DeliveryReportReq(request) => delivery_report_req(&mut writer, namespace, version, request),
        Operation::DeliveryReportRsp(answer) => answer_of(&mut writer, "DeliveryReportRsp", namespace, version, answer),
        Operation::Fault(error) => fault(&mut writer, namespace, version, error),
        // Nothing else is written here; a name that was read is no content to give back.
        Operation::Other(_) => {}
    }
    writer.out.push_str("</env:Body></env:Envelope>");
    writer.out
}

type Namespace<'a> = (&'a str, &'a str);

fn submit_req(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, request: &SubmitReq) {
    writer.element("SubmitReq", &[namespace], |writer| {
        writer.text("MM7Version", version);
        writer.element("SenderIdentification", &[], |writer| {
            writer.text_if("VASPID", request.vasp_id.as_deref());
            writer.text_if("VASID", request.vas_id.as_deref());
            address_in(writer, "SenderAddress", request.sender_address.as_ref());
        });
        recipients(writer, &request.recipients);
        writer.text_if("ServiceCode", request.service_code.as_deref());
        writer.text_if("LinkedID", request.linked_id.as_deref());
        writer.text_if("MessageClass", request.message_class.as_deref());
        writer.text_if("TimeStamp", request.time_stamp.as_deref());
        writer.text_if("EarliestDeliveryTime", request.earliest_delivery_time.as_deref());
        writer.text_if("ExpiryDate", request.expiry_date.as_deref());
        writer.text_if("DeliveryReport", request.delivery_report.map(boolean));
        writer.text_if("ReadReply", request.read_reply.map(boolean));
        writer.text_if("Priority", request.priority.as_deref());
        writer.text_if("Subject", request.subject.as_deref());
        writer.text_if("ChargedParty", request.charged_party.as_deref());
        writer.text_if("DistributionIndicator", request.distribution_indicator.map(boolean));
        content(writer, request.content.as_ref());
    });
}

fn submit_rsp(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, answer: &SubmitRsp) {
    writer.element("SubmitRsp", &[namespace], |writer| {
        writer.text("MM7Version", version);
        status(writer, &answer.status);
        writer.text_if("MessageID", answer.message_id.as_deref());
    });
}

fn deliver_req(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, request: &DeliverReq) {
    writer.element("DeliverReq", &[namespace], |writer| {
        writer.text("MM7Version", version);
        writer.text_if("MMSRelayServerID", request.relay_server_id.as_deref());
        writer.text_if("LinkedID", request.linked_id.as_deref());
        address_in(writer, "Sender", request.sender.as_ref());
        recipients(writer, &request.recipients);
        writer.text_if("TimeStamp", request.time_stamp.as_deref());
        writer.text_if("Priority", request.priority.as_deref());
        writer.text_if("Subject", request.subject.as_deref());
        content(writer, request.content.as_ref());
    });
}

fn deliver_rsp(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, answer: &DeliverRsp) {
    writer.element("DeliverRsp", &[namespace], |writer| {
        writer.text("MM7Version", version);
        status(writer, &answer.status);
        writer.text_if("ServiceCode", answer.service_code.as_deref());
    });
}

fn delivery_report_req(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, request: &DeliveryReportReq) {
    writer.element("DeliveryReportReq", &[namespace], |writer| {
        writer.text("MM7Version", version);
        writer.text_if("MMSRelayServerID", request.relay_server_id.as_deref());
        writer.text("MessageID", &request.message_id);
        address_in(writer, "Recipient", request.recipient.as_ref());
        address_in(writer, "Sender", request.sender.as_ref());
        writer.text_if("Date", request.date.as_deref());
        writer.text("MMStatus", request.mm_status.as_str());
        writer.text_if("StatusText", request.status_text.as_deref());
    });
}

/// An answer that says nothing but a status.
fn answer_of(writer: &mut Writer<'_>, name: &str, namespace: Namespace<'_>, version: &str, answer: &Status) {
    writer.element(name, &[namespace], |writer| {
        writer.text("MM7Version", version);
        status(writer, answer);
    });
}

/// A fault. Its own elements have no namespace, and its code has the envelope's prefix (SOAP 1.1, section 4.4).
fn fault(writer: &mut Writer<'_>, namespace: Namespace<'_>, version: &str, fault: &Fault) {
    let mut plain = Writer { out: std::mem::take(&mut writer.out), prefix: "" };
    plain.element("env:Fault", &[], |plain| {
        plain.text("faultcode", &format!("env:{}", fault.fault_code));
        plain.text("faultstring", &fault.fault_string);
        if let (Some(kind), Some(status)) = (fault.kind, &fault.status) {
            let name = match kind {
                FaultKind::RelayServer => "RSErrorRsp",
                FaultKind::Vasp => "VASPErrorRsp",
            };
            plain.element("detail", &[], |plain| {
                let mut inner = Writer { out: std::mem::take(&mut plain.out), prefix: writer.prefix };
                answer_of(&mut inner, name, namespace, version, status);
                plain.out = inner.out;
            });
        }
    });
    writer.out = plain.out;
}

fn status(writer: &mut Writer<'_>, status: &Status) {
    writer.element("Status", &[], |writer| {
        writer.text("StatusCode", &status.code.0.to_string());
        writer.text("StatusText", &status.text);
        writer.text_if("Details", status.details.as_deref());
    });
}

fn recipients(writer: &mut Writer<'_>, recipients: &Recipients) {
    let lists = [("To", &recipients.to), ("Cc", &recipients.cc), ("Bcc", &recipients.bcc)];
    if lists.iter().all(|(_, list)| list.is_empty()) {
        return;
    }
    writer.element("Recipients", &[], |writer| {
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            writer.element(name, &[], |writer| list.iter().for_each(|one| address(writer, one)));
        }
    });
}

fn address_in(writer: &mut Writer<'_>, name: &str, inner: Option<&Address>) {
    if let Some(inner) = inner {
        writer.element(name, &[], |writer| address(writer, inner));
    }
}

fn address(writer: &mut Writer<'_>, address: &Address) {
    writer.text(address.element(), address.text());
}

fn content(writer: &mut Writer<'_>, content: Option<&Content>) {
    if let Some(content) = content {
        let href = format!("cid:{}", content.id);
        let mut attributes = vec![("href", href.as_str())];
        attributes.extend(content.allow_adaptations.map(|allow| ("allowAdaptations", boolean(allow))));
        writer.empty("Content", &attributes);
    }
}

/// A truth value as XML Schema writes it (part 2, 3.2.2).
const fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
