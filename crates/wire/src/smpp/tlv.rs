//! Optional parameters: a tag, a length and a value (SMPP 3.4, 5.3).

/// Tags of the optional parameters (SMPP 3.4, 5.3.2; SMPP 5.0, 4.8.4). 0x1400 to 0x3FFF are the vendors' own.
#[allow(missing_docs, reason = "the names are the specification's")]
pub mod tag {
    macro_rules! tags {
        ($($name:ident = $value:literal;)*) => {
            $(pub const $name: u16 = $value;)*

            const NAMED: &[(u16, &str)] = &[$(($value, stringify!($name))),*];
        };
    }

    tags! {
        DEST_ADDR_SUBUNIT = 0x0005;
        DEST_NETWORK_TYPE = 0x0006;
        DEST_BEARER_TYPE = 0x0007;
        DEST_TELEMATICS_ID = 0x0008;
        SOURCE_ADDR_SUBUNIT = 0x000D;
        SOURCE_NETWORK_TYPE = 0x000E;
        SOURCE_BEARER_TYPE = 0x000F;
        SOURCE_TELEMATICS_ID = 0x0010;
        QOS_TIME_TO_LIVE = 0x0017;
        PAYLOAD_TYPE = 0x0019;
        ADDITIONAL_STATUS_INFO_TEXT = 0x001D;
        RECEIPTED_MESSAGE_ID = 0x001E;
        MS_MSG_WAIT_FACILITIES = 0x0030;
        PRIVACY_INDICATOR = 0x0201;
        SOURCE_SUBADDRESS = 0x0202;
        DEST_SUBADDRESS = 0x0203;
        USER_MESSAGE_REFERENCE = 0x0204;
        USER_RESPONSE_CODE = 0x0205;
        SOURCE_PORT = 0x020A;
        DESTINATION_PORT = 0x020B;
        SAR_MSG_REF_NUM = 0x020C;
        LANGUAGE_INDICATOR = 0x020D;
        SAR_TOTAL_SEGMENTS = 0x020E;
        SAR_SEGMENT_SEQNUM = 0x020F;
        SC_INTERFACE_VERSION = 0x0210;
        CALLBACK_NUM_PRES_IND = 0x0302;
        CALLBACK_NUM_ATAG = 0x0303;
        NUMBER_OF_MESSAGES = 0x0304;
        CALLBACK_NUM = 0x0381;
        DPF_RESULT = 0x0420;
        SET_DPF = 0x0421;
        MS_AVAILABILITY_STATUS = 0x0422;
        NETWORK_ERROR_CODE = 0x0423;
        MESSAGE_PAYLOAD = 0x0424;
        DELIVERY_FAILURE_REASON = 0x0425;
        MORE_MESSAGES_TO_SEND = 0x0426;
        MESSAGE_STATE = 0x0427;
        CONGESTION_STATE = 0x0428;
        USSD_SERVICE_OP = 0x0501;
        BILLING_IDENTIFICATION = 0x060B;
        SOURCE_NETWORK_ID = 0x060D;
        DEST_NETWORK_ID = 0x060E;
        SOURCE_NODE_ID = 0x060F;
        DEST_NODE_ID = 0x0610;
        DISPLAY_TIME = 0x1201;
        SMS_SIGNAL = 0x1203;
        MS_VALIDITY = 0x1204;
        ALERT_ON_MESSAGE_DELIVERY = 0x130C;
        ITS_REPLY_TYPE = 0x1380;
        ITS_SESSION_INFO = 0x1383;
    }

    /// The specification's name, such as `receipted_message_id`; `None` for a vendor's own.
    pub fn name(tag: u16) -> Option<String> {
        NAMED.iter().find(|(value, _)| *value == tag).map(|(_, name)| name.to_ascii_lowercase())
    }
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
