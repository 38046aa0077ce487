//! Optional parameters: a tag, a length and a value (SMPP 3.4, 5.3).

/// Tags of the optional parameters (SMPP 3.4, 5.3.2; SMPP 5.0, 4.8.4). 0x1400 to 0x3FFF are the vendors' own.
#[allow(missing_docs, reason = "the names are the specification's")]
pub mod tag {
    pub const DEST_ADDR_SUBUNIT: u16 = 0x0005;
    pub const DEST_NETWORK_TYPE: u16 = 0x0006;
    pub const DEST_BEARER_TYPE: u16 = 0x0007;
    pub const DEST_TELEMATICS_ID: u16 = 0x0008;
    pub const SOURCE_ADDR_SUBUNIT: u16 = 0x000D;
    pub const SOURCE_NETWORK_TYPE: u16 = 0x000E;
    pub const SOURCE_BEARER_TYPE: u16 = 0x000F;
    pub const SOURCE_TELEMATICS_ID: u16 = 0x0010;
    pub const QOS_TIME_TO_LIVE: u16 = 0x0017;
    pub const PAYLOAD_TYPE: u16 = 0x0019;
    pub const ADDITIONAL_STATUS_INFO_TEXT: u16 = 0x001D;
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub const MS_MSG_WAIT_FACILITIES: u16 = 0x0030;
    pub const PRIVACY_INDICATOR: u16 = 0x0201;
    pub const SOURCE_SUBADDRESS: u16 = 0x0202;
    pub const DEST_SUBADDRESS: u16 = 0x0203;
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    pub const USER_RESPONSE_CODE: u16 = 0x0205;
    pub const SOURCE_PORT: u16 = 0x020A;
    pub const DESTINATION_PORT: u16 = 0x020B;
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    pub const LANGUAGE_INDICATOR: u16 = 0x020D;
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    pub const CALLBACK_NUM_PRES_IND: u16 = 0x0302;
    pub const CALLBACK_NUM_ATAG: u16 = 0x0303;
    pub const NUMBER_OF_MESSAGES: u16 = 0x0304;
    pub const CALLBACK_NUM: u16 = 0x0381;
    pub const DPF_RESULT: u16 = 0x0420;
    pub const SET_DPF: u16 = 0x0421;
    pub const MS_AVAILABILITY_STATUS: u16 = 0x0422;
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub const DELIVERY_FAILURE_REASON: u16 = 0x0425;
    pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
    pub const MESSAGE_STATE: u16 = 0x0427;
    pub const CONGESTION_STATE: u16 = 0x0428;
    pub const USSD_SERVICE_OP: u16 = 0x0501;
    pub const BILLING_IDENTIFICATION: u16 = 0x060B;
    pub const SOURCE_NETWORK_ID: u16 = 0x060D;
    pub const DEST_NETWORK_ID: u16 = 0x060E;
    pub const SOURCE_NODE_ID: u16 = 0x060F;
    pub const DEST_NODE_ID: u16 = 0x0610;
    pub const DISPLAY_TIME: u16 = 0x1201;
    pub const SMS_SIGNAL: u16 = 0x1203;
    pub const MS_VALIDITY: u16 = 0x1204;
    pub const ALERT_ON_MESSAGE_DELIVERY: u16 = 0x130C;
    pub const ITS_REPLY_TYPE: u16 = 0x1380;
    pub const ITS_SESSION_INFO: u16 = 0x1383;
}

/// One optional parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// What it is.
    pub tag: u16,
    /// Its value, at most 65,535 octets.
    pub value: Vec<u8>,
}

/// The optional parameters of a PDU, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlvs {
    list: Vec<Tlv>,
    is_malformed: bool,
}

impl Tlvs {
    /// The value of the first parameter with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.list.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value.as_slice())
    }

    /// A number, in as many octets as it came: some peers write one octet as two, or the reverse. `None` when absent,
    /// empty or over 4 octets.
    pub fn number(&self, tag: u16) -> Option<u32> {
        let value = self.get(tag).filter(|value| (1..=4).contains(&value.len()))?;
        Some(value.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    /// A text, with or without its NUL; octets above ASCII are read as Latin-1.
    pub fn text(&self, tag: u16) -> Option<String> {
        let value = self.get(tag)?;
        let end = value.iter().position(|octet| *octet == 0).unwrap_or(value.len());
        Some(value[..end].iter().map(|octet| char::from(*octet)).collect())
    }

    /// The parameters in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tlv> {
        self.list.iter()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether octets after the last one made no parameter and were left out. Nothing to refuse a PDU for, but worth a
    /// counter.
    pub const fn is_malformed(&self) -> bool {
        self.is_malformed
    }

    /// Adds a parameter.
    pub fn push(&mut self, tag: u16, value: impl Into<Vec<u8>>) {
        self.list.push(Tlv { tag, value: value.into() });
    }

    /// Whether parameters fill `octets` to the last one. Where `strict`, each has a tag that is defined; elsewhere no
    /// tag is zero, which is reserved.
    pub(super) fn fill(octets: &[u8], strict: bool) -> bool {
        let tlvs = Self::decode(octets);
        !tlvs.is_malformed && tlvs.list.iter().all(|tlv| if strict { is_defined(tlv.tag) } else { tlv.tag != 0 })
    }

    /// Reads parameters up to the end of the PDU. A last one that is cut short, or stray octets too few for one, are
    /// left out: peers send both, and what came before is sound.
    pub(super) fn decode(mut octets: &[u8]) -> Self {
        let mut list = Vec::new();
        while let [t1, t2, l1, l2, rest @ ..] = octets {
            let length = usize::from(u16::from_be_bytes([*l1, *l2]));
            let Some((value, next)) = rest.split_at_checked(length) else { break };
            list.push(Tlv { tag: u16::from_be_bytes([*t1, *t2]), value: value.to_vec() });
            octets = next;
        }
        Self { list, is_malformed: !octets.is_empty() }
    }
}

/// Whether the specification defines this tag, or leaves it to vendors (SMPP 5.0, 4.8.1 and 4.8.4).
const fn is_defined(tag: u16) -> bool {
    matches!(
        tag,
        0x0005..=0x0008 | 0x000D..=0x0010 | 0x0017 | 0x0019 | 0x001D | 0x001E | 0x0030 | 0x0201..=0x0210
            | 0x0302..=0x0304 | 0x0381 | 0x0420..=0x0428 | 0x0501 | 0x0600..=0x0613 | 0x1201 | 0x1203
            | 0x1204 | 0x130C | 0x1380 | 0x1383 | 0x1400..=0x3FFF
    )
}

impl<'a> IntoIterator for &'a Tlvs {
    type Item = &'a Tlv;
    type IntoIter = std::slice::Iter<'a, Tlv>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
