//! PDUs of any content that the specification allows.

use proptest::prelude::*;
use wire::smpp::{
    Address, Bind, BindKind, Body, CancelSm, CommandId, DataSm, Outbind, Pdu, QueryResult, QuerySm, Sm, Tlvs,
};

/// Which octets text fields may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Octets {
    /// All but NUL, as the field sends them.
    Any,
    /// ASCII, as the specification says.
    Ascii,
}

impl Octets {
    fn text(self, max: usize) -> BoxedStrategy<Vec<u8>> {
        let last = if self == Self::Any { 255u8 } else { 126 };
        prop::collection::vec(1..=last, 0..=max).boxed()
    }

    /// A time is empty or complete (SMPP 3.4, 7.1.1).
    fn time(self) -> BoxedStrategy<Vec<u8>> {
        prop_oneof![Just(Vec::new()), "[0-9]{15}[-+R]".prop_map(String::into_bytes)].boxed()
    }

    fn address(self, max: usize) -> BoxedStrategy<Address> {
        (any::<u8>(), any::<u8>(), self.text(max)).prop_map(|(ton, npi, octets)| Address { ton, npi, octets }).boxed()
    }

    fn sm(self) -> BoxedStrategy<Sm> {
        let texts = (
            self.text(5),
            self.address(20),
            self.address(20),
            self.time(),
            self.time(),
            prop::collection::vec(any::<u8>(), 0..=254),
        );
        let fill =
            |((service_type, source, destination, schedule, validity, short_message), octets): (_, [u8; 7])| Sm {
                service_type,
                source,
                destination,
                esm_class: octets[0],
                protocol_id: octets[1],
                priority_flag: octets[2],
                schedule_delivery_time: schedule,
                validity_period: validity,
                registered_delivery: octets[3],
                replace_if_present_flag: octets[4],
                data_coding: octets[5],
                sm_default_msg_id: octets[6],
                short_message,
            };
        (texts, any::<[u8; 7]>()).prop_map(fill).boxed()
    }

    fn bind(self) -> BoxedStrategy<Bind> {
        let fill = |(system_id, password, system_type, octets, address_range): (_, _, _, [u8; 3], _)| Bind {
            system_id,
            password,
            system_type,
            interface_version: octets[0],
            addr_ton: octets[1],
            addr_npi: octets[2],
            address_range,
        };
        // The specification's password has 8 octets; the field's longer ones are another implementation's error.
        let password = self.text(if self == Self::Any { 16 } else { 8 });
        (self.text(15), password, self.text(12), any::<[u8; 3]>(), self.text(40)).prop_map(fill).boxed()
    }

    fn data_sm(self) -> BoxedStrategy<DataSm> {
        let fill = |(service_type, source, destination, octets): (_, _, _, [u8; 3])| DataSm {
            service_type,
            source,
            destination,
            esm_class: octets[0],
            registered_delivery: octets[1],
            data_coding: octets[2],
        };
        // `rusmpp` takes no more than 20 octets of an address here; the specification (SMPP 3.4, 4.7.1) has 64.
        let address = || self.address(if self == Self::Any { 64 } else { 20 });
        (self.text(5), address(), address(), any::<[u8; 3]>()).prop_map(fill).boxed()
    }
}

/// Every operation that an ESME sends or gets, and whether optional parameters may follow it.
pub(crate) fn bodies(octets: Octets) -> BoxedStrategy<Body> {
    let kinds = prop::sample::select(vec![BindKind::Receiver, BindKind::Transmitter, BindKind::Transceiver]);
    let cancel = (octets.text(5), octets.text(64), octets.address(20), octets.address(20));
    let query_result = (octets.text(64), octets.time(), any::<[u8; 2]>());
    prop_oneof![
        4 => octets.sm().prop_map(|sm| Body::SubmitSm(Box::new(sm))),
        4 => octets.sm().prop_map(|sm| Body::DeliverSm(Box::new(sm))),
        2 => octets.data_sm().prop_map(|data| Body::DataSm(Box::new(data))),
        2 => (kinds.clone(), octets.bind()).prop_map(|(kind, bind)| Body::Bind(kind, bind)),
        1 => (kinds, octets.text(15)).prop_map(|(kind, system_id)| Body::BindResp(kind, system_id)),
        2 => octets.text(64).prop_map(Body::SubmitSmResp),
        1 => octets.text(64).prop_map(Body::DeliverSmResp),
        1 => octets.text(64).prop_map(Body::DataSmResp),
        1 => (octets.text(64), octets.address(20))
            .prop_map(|(message_id, source)| Body::QuerySm(QuerySm { message_id, source })),
        1 => query_result.prop_map(|(message_id, final_date, octets)| {
            Body::QuerySmResp(QueryResult { message_id, final_date, message_state: octets[0], error_code: octets[1] })
        }),
        1 => cancel.prop_map(|(service_type, message_id, source, destination)| {
            Body::CancelSm(Box::new(CancelSm { service_type, message_id, source, destination }))
        }),
        1 => (octets.address(64), octets.address(64))
            .prop_map(|(source, esme)| Body::AlertNotification { source, esme }),
        1 => (octets.text(15), octets.text(8))
            .prop_map(|(system_id, password)| Body::Outbind(Outbind { system_id, password })),
        1 => prop::sample::select(vec![
            Body::Unbind, Body::UnbindResp, Body::EnquireLink, Body::EnquireLinkResp, Body::GenericNack,
            Body::CancelSmResp,
        ]),
    ]
    .boxed()
}

/// Optional parameters, the vendors' own among them.
pub(crate) fn tlvs() -> impl Strategy<Value = Tlvs> {
    let tag = prop_oneof![
        any::<u16>(),
        0x1400u16..=0x3FFF,
        prop::sample::select(vec![0x001E, 0x0427, 0x0424, 0x020C, 0x0423, 0x0428])
    ];
    prop::collection::vec((tag, prop::collection::vec(any::<u8>(), 0..40)), 0..5).prop_map(|list| {
        let mut tlvs = Tlvs::default();
        list.into_iter().for_each(|(tag, value)| tlvs.push(tag, value));
        tlvs
    })
}

/// Whether the specification lets optional parameters follow this operation.
pub(crate) const fn takes_tlvs(command: CommandId) -> bool {
    matches!(
        command,
        CommandId::SUBMIT_SM
            | CommandId::DELIVER_SM
            | CommandId::DATA_SM
            | CommandId::SUBMIT_SM_RESP
            | CommandId::DELIVER_SM_RESP
            | CommandId::DATA_SM_RESP
    )
}

/// PDUs with their optional parameters.
pub(crate) fn pdus() -> impl Strategy<Value = Pdu> {
    (bodies(Octets::Any), any::<u32>(), tlvs()).prop_map(|(body, sequence, tlvs)| {
        let tlvs = if takes_tlvs(body.command()) { tlvs } else { Tlvs::default() };
        Pdu { tlvs, ..Pdu::new(sequence, body) }
    })
}
