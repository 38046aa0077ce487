//! User data as octets that are kept: a version, what is needed to read it, and its own octets.

use super::{Coding, UserData};

/// The form that is written here. Another number is a form of a later release.
const VERSION: u8 = 1;

/// Set where the data is addressed to a port.
const PORT: u8 = 1;

impl UserData {
    /// The octets that [`Self::from_octets`] reads.
    pub fn to_octets(&self) -> Vec<u8> {
        let flags = if self.has_port { PORT } else { 0 };
        let head =
            [VERSION, number_of(self.coding), self.single_shift, self.locking_shift, self.fill_bits.min(6), flags];
        [&head[..], &self.octets].concat()
    }

    /// The user data that was written so; `None` for anything else.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let [VERSION, coding, single_shift, locking_shift, fill_bits @ 0..=6, flags @ (0 | PORT), octets @ ..] = octets
        else {
            return None;
        };
        Some(Self {
            coding: Coding::ALL.into_iter().find(|known| number_of(*known) == *coding)?,
            single_shift: *single_shift,
            locking_shift: *locking_shift,
            has_port: *flags == PORT,
            fill_bits: *fill_bits,
            octets: octets.to_vec(),
        })
    }
}

/// The number of a coding. It is on disk and stays.
const fn number_of(coding: Coding) -> u8 {
    match coding {
        Coding::Gsm7 => 0,
        Coding::Gsm7Packed => 1,
        Coding::Latin1 => 2,
        Coding::Ascii => 3,
        Coding::Ucs2 => 4,
        Coding::Utf8 => 5,
        Coding::Binary => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_on_disk_stays() {
        let data = UserData {
            single_shift: 2,
            locking_shift: 3,
            has_port: true,
            fill_bits: 1,
            ..UserData::new(Coding::Ucs2, vec![0xD8, 0x3D])
        };
        assert_eq!(data.to_octets(), [1, 4, 2, 3, 1, 1, 0xD8, 0x3D]);
        for octets in [&[][..], &[1, 0, 0, 0, 0], &[2, 0, 0, 0, 0, 0], &[1, 7, 0, 0, 0, 0], &[1, 0, 0, 0, 7, 0]] {
            assert_eq!(UserData::from_octets(octets), None, "{octets:?}");
        }
    }

    proptest! {
        #![proptest_config(trials::config(256))]

        #[test]
        fn what_is_written_is_read(
            coding in prop::sample::select(&Coding::ALL),
            shifts: (u8, u8),
            has_port: bool,
            fill_bits in 0u8..=6,
            octets: Vec<u8>,
        ) {
            let data =
                UserData { coding, single_shift: shifts.0, locking_shift: shifts.1, has_port, fill_bits, octets };
            prop_assert_eq!(UserData::from_octets(&data.to_octets()), Some(data));
        }

        #[test]
        fn any_octets_are_user_data_or_none(octets: Vec<u8>) {
            if let Some(data) = UserData::from_octets(&octets) {
                prop_assert_eq!(data.to_octets(), octets);
            }
        }
    }
}
