//! Optional parameters: a tag, a length and a value (SMPP 3.4, 5.3).

/// Tags of the optional parameters that we read or write (SMPP 3.4, 5.3.2; SMPP 5.0, 4.8.4).
#[allow(missing_docs, reason = "the names are the specification's")]
pub mod tag {
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
    pub const MESSAGE_STATE: u16 = 0x0427;
    pub const CONGESTION_STATE: u16 = 0x0428;
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
pub struct Tlvs(pub Vec<Tlv>);

impl Tlvs {
    /// The value of the first parameter with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.0.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value.as_slice())
    }

    /// A number, in as many octets as it came: some peers write one octet as two, or the reverse. `None` when absent, empty or over 4 octets.
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

    /// Adds a parameter.
    pub fn push(&mut self, tag: u16, value: impl Into<Vec<u8>>) {
        self.0.push(Tlv { tag, value: value.into() });
    }

    /// Reads parameters up to the end of the PDU. A last one that is cut short, or stray octets too few for one, are left out: peers send
    /// both, and what came before is sound.
    pub(super) fn decode(mut octets: &[u8]) -> Self {
        let mut tlvs = Vec::new();
        while let [t1, t2, l1, l2, rest @ ..] = octets {
            let length = usize::from(u16::from_be_bytes([*l1, *l2]));
            let Some((value, next)) = rest.split_at_checked(length) else { break };
            tlvs.push(Tlv { tag: u16::from_be_bytes([*t1, *t2]), value: value.to_vec() });
            octets = next;
        }
        Self(tlvs)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for tlv in &self.0 {
            let length = u16::try_from(tlv.value.len()).unwrap_or(u16::MAX);
            out.extend(tlv.tag.to_be_bytes());
            out.extend(length.to_be_bytes());
            out.extend(&tlv.value[..usize::from(length)]);
        }
    }
}
