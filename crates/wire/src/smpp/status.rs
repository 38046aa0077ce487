//! Command statuses: how the other side took a PDU (SMPP 3.4, 5.1.3; SMPP 5.0, 4.7.6).

use std::fmt;

/// A status. Zero is success; 0x400 to 0x4FF are each carrier's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($name:ident = $value:literal;)*) => {
        #[allow(missing_docs, reason = "the names are the specification's, without their ESME_")]
        impl CommandStatus {
            $(pub const $name: Self = Self($value);)*

            const NAMED: &[(u32, &'static str)] = &[$(($value, concat!("ESME_", stringify!($name)))),*];
        }
    };
}

statuses! {
    ROK = 0x0;
    RINVMSGLEN = 0x1;
    RINVCMDLEN = 0x2;
    RINVCMDID = 0x3;
    RINVBNDSTS = 0x4;
    RALYBND = 0x5;
    RINVPRTFLG = 0x6;
    RINVREGDLVFLG = 0x7;
    RSYSERR = 0x8;
    RINVSRCADR = 0xA;
    RINVDSTADR = 0xB;
    RINVMSGID = 0xC;
    RBINDFAIL = 0xD;
    RINVPASWD = 0xE;
    RINVSYSID = 0xF;
    RCANCELFAIL = 0x11;
    RREPLACEFAIL = 0x13;
    RMSGQFUL = 0x14;
    RINVSERTYP = 0x15;
    RINVNUMDESTS = 0x33;
    RINVDLNAME = 0x34;
    RINVDESTFLAG = 0x40;
    RINVSUBREP = 0x42;
    RINVESMCLASS = 0x43;
    RCNTSUBDL = 0x44;
    RSUBMITFAIL = 0x45;
    RINVSRCTON = 0x48;
    RINVSRCNPI = 0x49;
    RINVDSTTON = 0x50;
    RINVDSTNPI = 0x51;
    RINVSYSTYP = 0x53;
    RINVREPFLAG = 0x54;
    RINVNUMMSGS = 0x55;
    RTHROTTLED = 0x58;
    RINVSCHED = 0x61;
    RINVEXPIRY = 0x62;
    RINVDFTMSGID = 0x63;
    RX_T_APPN = 0x64;
    RX_P_APPN = 0x65;
    RX_R_APPN = 0x66;
    RQUERYFAIL = 0x67;
    RINVTLVSTREAM = 0xC0;
    RTLVNOTALLWD = 0xC1;
    RINVTLVLEN = 0xC2;
    RMISSINGTLV = 0xC3;
    RINVTLVVAL = 0xC4;
    RDELIVERYFAILURE = 0xFE;
    RUNKNOWNERR = 0xFF;
    RSERTYPUNAUTH = 0x100;
    RPROHIBITED = 0x101;
    RSERTYPUNAVAIL = 0x102;
    RSERTYPDENIED = 0x103;
    RINVDCS = 0x104;
    RINVSRCADDRSUBUNIT = 0x105;
    RINVDSTADDRSUBUNIT = 0x106;
    RINVBCASTFREQINT = 0x107;
    RINVBCASTALIAS_NAME = 0x108;
    RINVBCASTAREAFMT = 0x109;
    RINVNUMBCAST_AREAS = 0x10A;
    RINVBCASTCNTTYPE = 0x10B;
    RINVBCASTMSGCLASS = 0x10C;
    RBCASTFAIL = 0x10D;
    RBCASTQUERYFAIL = 0x10E;
    RBCASTCANCELFAIL = 0x10F;
    RINVBCAST_REP = 0x110;
    RINVBCASTSRVGRP = 0x111;
    RINVBCASTCHANIND = 0x112;
}

impl CommandStatus {
    /// Whether the PDU was taken.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The specification's name, such as `ESME_RTHROTTLED`; `None` for a carrier's own.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(value, _)| *value == self.0).map(|(_, name)| *name)
    }

    /// What it means, in a few words; `None` for a carrier's own.
    pub fn meaning(self) -> Option<&'static str> {
        MEANINGS.iter().find(|(value, _)| *value == self.0).map(|(_, meaning)| *meaning)
    }

    /// The status with this name (with or without `ESME_`, in any case), or this number (decimal, or hexadecimal after
    /// `0x`).
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        if let Some(hex) = upper.strip_prefix("0X") {
            return u32::from_str_radix(hex, 16).ok().map(Self);
        }
        if let Ok(number) = upper.parse() {
            return Some(Self(number));
        }
        let bare = upper.strip_prefix("ESME_").unwrap_or(&upper);
        Self::NAMED.iter().find(|(_, name)| &name["ESME_".len()..] == bare).map(|(value, _)| Self(*value))
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What statuses mean (SMPP 3.4, 5.1.3; SMPP 5.0, 4.7.6).
const MEANINGS: &[(u32, &str)] = &[
    (0x0, "no error"),
    (0x1, "the length of the message is invalid"),
    (0x2, "the length of the PDU is invalid"),
    (0x3, "the operation is unknown"),
    (0x4, "the session is not bound for this operation"),
    (0x5, "the account is bound already, or has all of its sessions"),
    (0x6, "the priority flag is invalid"),
    (0x7, "the flags of registered_delivery are invalid"),
    (0x8, "the SMSC has a fault of its own"),
    (0xA, "the originator is invalid or not allowed"),
    (0xB, "the recipient is invalid"),
    (0xC, "the message id is invalid"),
    (0xD, "the bind failed"),
    (0xE, "the password is wrong"),
    (0xF, "the system_id is unknown"),
    (0x11, "the message could not be canceled"),
    (0x13, "the message could not be replaced"),
    (0x14, "the queue of the recipient or of the SMSC is full"),
    (0x15, "the service type is invalid"),
    (0x33, "the number of recipients is invalid"),
    (0x34, "the name of the distribution list is invalid"),
    (0x40, "the destination flag is invalid"),
    (0x42, "submitting with replacement is not possible"),
    (0x43, "the esm_class is invalid"),
    (0x44, "the distribution list cannot be submitted to"),
    (0x45, "the SMSC could not take the message"),
    (0x48, "the type of number of the originator is invalid"),
    (0x49, "the numbering plan of the originator is invalid"),
    (0x50, "the type of number of the recipient is invalid"),
    (0x51, "the numbering plan of the recipient is invalid"),
    (0x53, "the system type is wrong"),
    (0x54, "the replace_if_present flag is invalid"),
    (0x55, "the number of messages is invalid"),
    (0x58, "too many messages in too short a time"),
    (0x61, "the scheduled delivery time is invalid"),
    (0x62, "the validity period is invalid"),
    (0x63, "the predefined message is unknown"),
    (0x64, "the receiver has a temporary fault"),
    (0x65, "the receiver has a permanent fault"),
    (0x66, "the receiver refused the message"),
    (0x67, "the query failed"),
    (0xC0, "the optional parameters cannot be read"),
    (0xC1, "an optional parameter is not allowed"),
    (0xC2, "the length of an optional parameter is invalid"),
    (0xC3, "an expected optional parameter is missing"),
    (0xC4, "the value of an optional parameter is invalid"),
    (0xFE, "the message could not be delivered"),
    (0xFF, "an unknown error"),
    (0x100, "the account may not use this service"),
    (0x101, "the account may not do this"),
    (0x102, "the service is unavailable"),
    (0x103, "the service is denied"),
    (0x104, "the data coding is invalid"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_back() {
        for (value, name) in CommandStatus::NAMED {
            assert_eq!(CommandStatus::parse(name), Some(CommandStatus(*value)));
            assert_eq!(CommandStatus(*value).to_string(), *name);
            assert!(*value > 0x104 || CommandStatus(*value).meaning().is_some(), "{name} has no meaning");
        }
        for text in ["0x58", "88", "rthrottled", "ESME_RTHROTTLED"] {
            assert_eq!(CommandStatus::parse(text), Some(CommandStatus::RTHROTTLED), "{text}");
        }
        assert_eq!(CommandStatus(0x401).to_string(), "0x0401");
        assert_eq!(CommandStatus::parse("ESME_RNOSUCH"), None);
    }
}
