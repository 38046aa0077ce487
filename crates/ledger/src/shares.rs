//! The segments of a message that carriers took before it was given to another one. When the message comes back to such
//! a carrier, only the others are sent.

use model::CarrierName;
use model::status::SegmentFate;

/// The segments of a message at one carrier, in that carrier's cut. The masks have bit n for segment n + 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// How many segments there are.
    pub(crate) segments: u16,
    /// Those that the carrier took.
    pub(crate) accepted: u64,
    /// Those that arrived.
    pub(crate) delivered: u64,
    /// Those that never will. Segments that were not taken are among them where the carrier refused the message.
    pub(crate) lost: u64,
}

impl Share {
    /// Whether the carrier refused the message.
    const fn is_refusal(&self) -> bool {
        self.lost & !self.accepted != 0
    }

    /// Gives segments their fate. One that arrived is not lost, whatever is said of it.
    pub(crate) const fn settle(&mut self, segments: u64, fate: SegmentFate) {
        match fate {
            SegmentFate::Delivered => {
                self.delivered |= segments;
                self.lost &= !segments;
            }
            SegmentFate::Undelivered(_) => self.lost |= segments & !self.delivered,
            SegmentFate::Pending => {}
        }
    }
}

/// Shares by carrier. A message has one or two of them, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares(Vec<(CarrierName, Share)>);

impl Shares {
    /// Whether a carrier that the message has left took something of it.
    pub(crate) fn took_any(&self) -> bool {
        self.0.iter().any(|(_, share)| share.accepted != 0)
    }

    /// The carriers that refused the message.
    pub fn refused_by(&self) -> Vec<CarrierName> {
        self.0.iter().filter(|(_, share)| share.is_refusal()).map(|(name, _)| name.clone()).collect()
    }

    /// The share of a carrier that the message has left.
    pub(crate) fn of(&mut self, carrier: &str) -> Option<&mut Share> {
        self.0.iter_mut().find(|(name, _)| *name == *carrier).map(|(_, share)| share)
    }

    /// Keeps the share of a carrier that the message leaves, if it took anything or refused the message.
    pub(crate) fn keep(&mut self, carrier: CarrierName, share: Share) {
        if share.accepted != 0 || share.is_refusal() {
            self.0.push((carrier, share));
        }
    }

    /// Takes out the share of a carrier that the message comes back to.
    pub(crate) fn take(&mut self, carrier: &str) -> Option<Share> {
        let at = self.0.iter().position(|(name, _)| *name == *carrier)?;
        Some(self.0.swap_remove(at).1)
    }

    /// The value of the column: `None` where there are none.
    pub fn to_column(&self) -> Option<String> {
        let line = |(carrier, share): &(CarrierName, Share)| {
            let Share { segments, accepted, delivered, lost } = share;
            format!("{segments} {accepted:x} {delivered:x} {lost:x} {carrier}")
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    /// The shares in a column that has some.
    pub fn parse(text: &str) -> Option<Self> {
        let mask = |text: &str| u64::from_str_radix(text, 16).ok();
        let line = |line: &str| {
            let mut fields = line.splitn(5, ' ');
            let segments = fields.next()?.parse().ok()?;
            let (accepted, delivered, lost) = (mask(fields.next()?)?, mask(fields.next()?)?, mask(fields.next()?)?);
            Some((fields.next()?.into(), Share { segments, accepted, delivered, lost }))
        };
        text.lines().map(line).collect::<Option<Vec<_>>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_they_were_written() {
        let mut shares = Shares::default();
        assert_eq!(shares.to_column(), None);
        let (north, south) = (
            Share { segments: 64, accepted: u64::MAX, delivered: 1 << 63, lost: 2 },
            Share { segments: 3, accepted: 1, ..Share::default() },
        );
        shares.keep("north".into(), north);
        shares.keep("south of it".into(), south);
        shares.keep("nothing".into(), Share { segments: 3, ..Share::default() });
        shares.keep("refused".into(), Share { segments: 2, accepted: 1, lost: 0b10, ..Share::default() });
        let column = shares.to_column().unwrap();
        let mut read = Shares::parse(&column).unwrap();
        assert_eq!(read, shares);
        assert_eq!((read.took_any(), read.refused_by()), (true, vec!["refused".into()]));
        assert_eq!(
            (read.take("north"), read.take("nothing"), read.of("south of it").copied()),
            (Some(north), None, Some(south))
        );
        for bad in ["", "3 1 0 0", "x 1 0 0 north", "3 g 0 0 north", "3 1 0 0 north\n\n"] {
            assert_eq!(Shares::parse(bad).filter(|shares| *shares != Shares::default()), None, "{bad:?}");
        }
    }
}
