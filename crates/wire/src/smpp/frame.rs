//! Cutting PDUs out of a stream: the header of 16 octets (SMPP 3.4, 3.2).

use super::{CommandId, CommandStatus};

/// How long a header is, in octets.
pub const HEADER_BYTES: usize = 16;

/// What a PDU begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The length of the PDU in octets, this header included.
    pub length: u32,
    /// The operation.
    pub command: CommandId,
    /// How the other side took it; zero in requests.
    pub status: CommandStatus,
    /// What ties an answer to its request.
    pub sequence: u32,
}

impl Header {
    /// Reads a header; `None` while fewer than 16 octets are there.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(octets.get(at..at + 4)?.try_into().ok()?));
        Some(Self {
            length: word(0)?,
            command: CommandId(word(4)?),
            status: CommandStatus(word(8)?),
            sequence: word(12)?,
        })
    }
}

/// The stream has lost its step: this length cannot be, and where the next PDU begins nobody knows. Answer
/// `generic_nack` with `ESME_RINVCMDLEN` and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("command_length {} is not between {HEADER_BYTES} and the most that is taken", header.length)]
pub struct LostStep {
    /// The header that has it. Where only its length has come, the rest is zero.
    pub header: Header,
}

/// The length of the PDU at the beginning of `octets`, once all of it is there.
///
/// # Errors
/// [`LostStep`] when it would be shorter than a header or longer than `max_bytes`.
pub fn next(octets: &[u8], max_bytes: usize) -> Result<Option<usize>, LostStep> {
    // The length alone says whether it can be: waiting for a whole header would take the rest of one from the next PDU.
    let Some(length) = octets.first_chunk().map(|first| u32::from_be_bytes(*first)) else { return Ok(None) };
    if !(HEADER_BYTES..=max_bytes).contains(&(length as usize)) {
        let unread = Header { length, command: CommandId(0), status: CommandStatus(0), sequence: 0 };
        return Err(LostStep { header: Header::read(octets).unwrap_or(unread) });
    }
    Ok((octets.len() >= length as usize).then_some(length as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u32) -> Vec<u8> {
        [length, 0x15, 0, 7].into_iter().flat_map(u32::to_be_bytes).collect()
    }

    #[test]
    fn a_pdu_is_cut_out_once_it_is_whole() {
        assert_eq!(next(&header(16)[..15], 100), Ok(None));
        assert_eq!(next(&header(16), 100), Ok(Some(16)));
        assert_eq!(next(&header(17), 100), Ok(None));
        assert_eq!(next(&[header(16), header(16)].concat(), 100), Ok(Some(16)));
    }

    #[test]
    fn an_impossible_length_is_told_with_its_header() {
        for length in [0, 15, 101, u32::MAX] {
            let lost = next(&header(length), 100).unwrap_err();
            assert_eq!((lost.header.length, lost.header.sequence), (length, 7));
            let lost = next(&header(length)[..4], 100).unwrap_err();
            assert_eq!((lost.header.length, lost.header.sequence), (length, 0));
        }
    }
}
