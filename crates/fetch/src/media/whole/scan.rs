//! Whether the scans of a JPEG have every block (ITU-T T.81, annex F): their codes are walked, and nothing is decoded.

use super::huffman::{Bits, Code};
use super::input::Input;

/// Frames that are coded block by block, by Huffman's codes: baseline and extended sequential.
const SEQUENTIAL: [u8; 2] = [0xC0, 0xC1];

/// How many coefficients a block has.
const COEFFICIENTS: u32 = 64;

/// What a sequential picture says of itself, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Sequential {
    frame: Option<Frame>,
    /// Codes of the first coefficient of blocks, and of the others, by their numbers.
    tables: [[Option<Code>; 4]; 2],
    /// After how many units the codes begin anew; 0 for never.
    restart_interval: u32,
    /// The components whose scans were there.
    scanned: Vec<u8>,
    /// Whether the data of a scan ended before its last block.
    is_cut: bool,
}

/// What a scan has of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    /// All of them.
    All,
    /// The data end before the last one.
    Some,
    /// The data cannot be followed to their end: their codes are unknown, or something is damaged within them.
    Unknown,
}

#[derive(Debug)]
struct Frame {
    lines: u32,
    width: u32,
    components: Vec<Component>,
}

/// A component, and how many samples it has across and down in a unit.
#[derive(Clone, Copy, Debug)]
struct Component {
    id: u8,
    across: u32,
    down: u32,
}

impl Sequential {
    /// A frame begins. One that is coded otherwise, or that cannot be read, is never complete here.
    pub(super) fn note_frame(&mut self, code: u8, header: &[u8]) {
        self.frame = Frame::read(Input(header)).filter(|_| SEQUENTIAL.contains(&code));
        self.scanned.clear();
        self.is_cut = false;
    }

    /// Tables of codes (section B.2.4.2).
    pub(super) fn note_tables(&mut self, segment: &[u8]) {
        let mut input = Input(segment);
        while let (Ok(place), Ok(counts)) = (input.u8(), input.take(16)) {
            let symbols = input.take(counts.iter().copied().map(usize::from).sum());
            let Ok(symbols) = symbols else { return };
            if let Some(table) =
                self.tables.get_mut(usize::from(place >> 4)).and_then(|class| class.get_mut(usize::from(place & 0x0F)))
            {
                *table = Some(Code::of_counts(counts, symbols));
            }
        }
    }

    /// The restart interval (section B.2.4.4).
    pub(super) fn note_restarts(&mut self, segment: &[u8]) {
        self.restart_interval = Input(segment).u16().unwrap_or(0).into();
    }

    /// Takes the data of a scan, and says what they have of its blocks.
    pub(super) fn take_scan(&mut self, header: &[u8], data: &[u8]) -> Blocks {
        self.scanned.extend(selectors(header).map(|(id, _)| id));
        let blocks = self.frame.as_ref().and_then(|frame| self.walk(frame, header, data)).unwrap_or(Blocks::Unknown);
        self.is_cut |= blocks == Blocks::Some;
        blocks
    }

    /// Whether every component of a sequential picture has had a scan.
    pub(super) fn has_every_scan(&self) -> bool {
        self.frame
            .as_ref()
            .is_some_and(|frame| frame.components.iter().all(|component| self.scanned.contains(&component.id)))
    }

    /// Whether a sequential picture is known to lack blocks, at its end.
    pub(super) fn lacks_any(&self) -> bool {
        self.is_cut || self.frame.is_some() && !self.has_every_scan()
    }

    /// Walks a scan to its last block; `None` where it has codes that nothing described.
    fn walk(&self, frame: &Frame, header: &[u8], data: &[u8]) -> Option<Blocks> {
        let mut parts = Vec::new();
        for (id, tables) in selectors(header) {
            let component = *frame.components.iter().find(|component| component.id == id)?;
            let table = |class: usize, number: u8| self.tables[class].get(usize::from(number))?.as_ref();
            parts.push((component, table(0, tables >> 4)?, table(1, tables & 0x0F)?));
        }
        let units = match parts.as_mut_slice() {
            [] => return None,
            // Alone, a component comes block by block, and no block lies outside of its samples (sections A.1.1 and
            // A.2.2).
            [(component, ..)] => {
                let blocks = frame.blocks_of(component);
                (component.across, component.down) = (1, 1);
                blocks
            }
            _ => frame.units(),
        };
        let mut bits = HighFirst::new(data);
        let mut walked = || {
            for unit in 0..units {
                if unit > 0 && self.restart_interval > 0 && unit % u64::from(self.restart_interval) == 0 {
                    bits.restart()?;
                }
                for (component, first, others) in &parts {
                    for _ in 0..component.across * component.down {
                        block(first, others, &mut bits)?;
                    }
                }
            }
            Some(())
        };
        let has_all = walked().is_some();
        Some(if has_all { Blocks::All } else { bits.what_is_missing() })
    }
}

impl Frame {
    fn read(mut input: Input<'_>) -> Option<Self> {
        input.u8().ok()?;
        let (lines, width, count) = (input.u16().ok()?, input.u16().ok()?, input.u8().ok()?);
        let mut components = Vec::new();
        for _ in 0..count {
            let (id, samples, _) = (input.u8().ok()?, input.u8().ok()?, input.u8().ok()?);
            let (across, down) = (u32::from(samples >> 4), u32::from(samples & 0x0F));
            // There are one to four (section B.2.2).
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            components.push(Component { id, across, down });
        }
        (lines > 0 && width > 0).then_some(Self { lines: lines.into(), width: width.into(), components })
    }

    fn across(&self) -> u32 {
        self.components.iter().map(|component| component.across).max().unwrap_or(1)
    }

    fn down(&self) -> u32 {
        self.components.iter().map(|component| component.down).max().unwrap_or(1)
    }

    /// How many units of all components cover the picture.
    fn units(&self) -> u64 {
        u64::from(self.width.div_ceil(8 * self.across())) * u64::from(self.lines.div_ceil(8 * self.down()))
    }

    /// How many blocks cover the samples of a component: as many samples as its share of the finest one's, rounded up
    /// (section A.1.1).
    fn blocks_of(&self, component: &Component) -> u64 {
        let blocks = |size: u32, share: u32, most: u32| u64::from((size * share).div_ceil(most.max(1)).div_ceil(8));
        blocks(self.width, component.across, self.across()) * blocks(self.lines, component.down, self.down())
    }
}

/// The components of a scan, and the numbers of their tables (section B.2.3).
fn selectors(header: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    let (count, rest) = header.split_first().unwrap_or((&0, &[]));
    rest.chunks_exact(2).take((*count).into()).map(|pair| (pair[0], pair[1]))
}

/// Walks a block (section F.2.2).
fn block(first: &Code, others: &Code, bits: &mut HighFirst<'_>) -> Option<()> {
    let size = first.next(bits)?;
    bits.skip(size.min(16))?;
    let mut place = 1;
    while place < COEFFICIENTS {
        let symbol = others.next(bits)?;
        let (zeros, size) = (u32::from(symbol >> 4), symbol & 0x0F);
        match (zeros, size) {
            (15, 0) => place += 16,
            (_, 0) => return Some(()),
            _ => {
                bits.skip(size)?;
                place += zeros + 1;
            }
        }
    }
    Some(())
}

/// Bits of entropy-coded data, the high one first, without the zero behind an octet of ones.
struct HighFirst<'a> {
    data: &'a [u8],
    held: u8,
    count: u8,
}

impl<'a> HighFirst<'a> {
    const fn new(data: &'a [u8]) -> Self {
        Self { data, held: 0, count: 0 }
    }

    fn skip(&mut self, count: u16) -> Option<()> {
        (0..count).try_for_each(|_| self.bit().map(|_| ()))
    }

    /// Goes on behind a restart marker.
    fn restart(&mut self) -> Option<()> {
        let at = self.data.windows(2).position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7))?;
        self.data = &self.data[at + 2..];
        self.count = 0;
        Some(())
    }

    /// Why a walk did not come to its end: because the data did, or for another reason. Half of an escaped octet is no
    /// data.
    fn what_is_missing(&self) -> Blocks {
        if self.data.is_empty() || self.data == [0xFF] { Blocks::Some } else { Blocks::Unknown }
    }
}

impl Bits for HighFirst<'_> {
    fn bit(&mut self) -> Option<u32> {
        if self.count == 0 {
            (self.held, self.data) = match self.data {
                [0xFF, 0, rest @ ..] => (0xFF, rest),
                [0xFF, ..] | [] => return None,
                [octet, rest @ ..] => (*octet, rest),
            };
            self.count = 8;
        }
        self.count -= 1;
        Some(u32::from(self.held >> self.count & 1))
    }
}
