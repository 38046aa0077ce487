//! SIDs: our ids as Twilio's clients write them, two letters and 32 hexadecimal digits. Both forms name the same 128
//! bits, so that one message has one identity behind both interfaces.

use model::{AccountId, MessageId};

/// What begins the SID of an account.
const ACCOUNT: &str = "AC";

/// What begins the SID of a message.
const MESSAGE: &str = "SM";

/// The SID of an account.
pub fn of_account(id: AccountId) -> String {
    written(ACCOUNT, id.to_bytes())
}

/// The SID of a message, whether it has media or not.
pub(super) fn of_message(id: MessageId) -> String {
    written(MESSAGE, id.to_bytes())
}

/// The account with this SID, if there is one; `None` for what is no SID.
pub(super) fn account(text: &str) -> Option<AccountId> {
    read(ACCOUNT, text).map(AccountId::from_bytes)
}

/// The message with this SID, likewise.
pub(super) fn message(text: &str) -> Option<MessageId> {
    read(MESSAGE, text).map(MessageId::from_bytes)
}

fn written(prefix: &str, octets: [u8; 16]) -> String {
    format!("{prefix}{:032x}", u128::from_be_bytes(octets))
}

/// One SID for one id: digits are in lower case.
fn read(prefix: &str, text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix(prefix).filter(|digits| digits.len() == 32)?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let number = digits.bytes().all(is_digit).then(|| u128::from_str_radix(digits, 16).ok())?;
    number.map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(trials::config(300))]

        #[test]
        fn a_sid_and_its_id_name_each_other(octets: [u8; 16]) {
            let (sid, id) = (of_message(MessageId::from_bytes(octets)), MessageId::from_bytes(octets));
            prop_assert_eq!(sid.len(), 34);
            prop_assert_eq!(message(&sid), Some(id));
            prop_assert_eq!(account(&of_account(AccountId::from_bytes(octets))), Some(AccountId::from_bytes(octets)));
            prop_assert_eq!(account(&sid), None);
        }
    }

    #[test]
    fn what_is_no_sid_names_nothing() {
        let sid = of_message(MessageId::from_bytes([0xAB; 16]));
        assert_eq!(sid, "SMabababababababababababababababab");
        for wrong in ["", "SM", "msg_1r9XkqZ0bD3m5tLwQyVh2C", &sid[..33], &format!("{sid}0"), &sid.to_uppercase()] {
            assert_eq!(message(wrong), None, "{wrong}");
        }
        assert_eq!(message("SM+bababababababababababababababab"), None);
    }
}
