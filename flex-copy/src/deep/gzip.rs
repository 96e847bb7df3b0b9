//! A gzip file read as a stream (RFC 1952): every member is inflated for real, and its trailer compared with what came out.
//!
//! Memory is the inflater's window and one buffer, whatever the file holds: what comes out is counted and dropped, so a
//! decompression bomb costs time alone. Files of several members, one after the other, are one file, and zeros behind the
//! last member are padding, as gzip(1) has it.

use std::fmt;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Bytes that come out of one call at most.
const OUT: usize = 32 * 1024;
/// The first bytes that are kept, for whoever wants to know what kind of file it is.
pub(crate) const HEAD: usize = 12;

const TEXT: u8 = 1;
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// What is wrong with a gzip file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Empty,
    NotGzip,
    Header,
    HeaderChecksum,
    Data,
    Checksum,
    Length,
    CutOff,
    Trailing,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::NotGzip => "it does not begin as a gzip file does",
            Self::Header => "its header asks for what RFC 1952 does not know",
            Self::HeaderChecksum => "the checksum of its header is wrong",
            Self::Data => "its compressed data cannot be read",
            Self::Checksum => "the checksum in its trailer is not that of the data",
            Self::Length => "the length in its trailer is not that of the data",
            Self::CutOff => "it ends in the middle",
            Self::Trailing => "something that is not gzip follows its end",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between members: the first two bytes of one, or zeros, or the end.
    Between,
    /// So many bytes of the ten that every header has.
    Fixed(u8),
    /// The length of the extra field: so many of its two bytes, and what they say so far.
    ExtraLength(u8, u16),
    Extra(u16),
    Name,
    Comment,
    /// So many bytes of the header's checksum, and what they say so far.
    HeaderCrc(u8, u16),
    Data,
    /// So many bytes of the trailer.
    Trailer(u8),
    Padding,
}

/// Reads a gzip file piece by piece.
pub(crate) struct Gunzip {
    state: State,
    flags: u8,
    header: Crc,
    inflate: Decompress,
    out: Box<[u8]>,
    crc: Crc,
    trailer: [u8; 8],
    members: u64,
    total: u64,
    head: Vec<u8>,
}

impl fmt::Debug for Gunzip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gunzip").field("state", &self.state).field("members", &self.members).finish_non_exhaustive()
    }
}

impl Gunzip {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Between,
            flags: 0,
            header: Crc::new(),
            inflate: Decompress::new(false),
            out: vec![0; OUT].into_boxed_slice(),
            crc: Crc::new(),
            trailer: [0; 8],
            members: 0,
            total: 0,
            head: Vec::with_capacity(HEAD),
        }
    }

    /// The first bytes of what came out.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Bytes that came out.
    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Takes a step: reads from the front of `input` and takes what was read off it, inflating at most one buffer. Tells
    /// how many bytes came out, so that a caller can give way to others in the middle of a bomb.
    pub(crate) fn step(&mut self, input: &mut &[u8]) -> Result<usize, Damage> {
        if self.state == State::Data {
            return self.inflate(input);
        }
        let Some((byte, rest)) = input.split_first() else { return Ok(0) };
        *input = rest;
        self.framing(*byte)?;
        Ok(0)
    }

    /// The file is at its end.
    pub(crate) fn finish(&self) -> Result<(), Damage> {
        match self.state {
            State::Between if self.members == 0 => Err(Damage::Empty),
            State::Between | State::Padding => Ok(()),
            _ => Err(Damage::CutOff),
        }
    }

    fn inflate(&mut self, input: &mut &[u8]) -> Result<usize, Damage> {
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut self.out, FlushDecompress::None).map_err(|_| Damage::Data)?;
        // Both are bounded by the slices.
        let read = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(usize::MAX);
        let made = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(usize::MAX);
        *input = input.get(read..).unwrap_or_default();
        let out = self.out.get(..made).unwrap_or_default();
        self.crc.update(out);
        self.total += made as u64;
        let missing = HEAD.saturating_sub(self.head.len()).min(out.len());
        self.head.extend_from_slice(&out[..missing]);
        if status == Status::StreamEnd {
            self.state = State::Trailer(0);
        } else if read == 0 && made == 0 && !input.is_empty() {
            // Nothing moves although there are bytes to read and room to write.
            return Err(Damage::Data);
        }
        Ok(made)
    }

    /// One byte outside of the compressed data.
    fn framing(&mut self, byte: u8) -> Result<(), Damage> {
        // All of the header but its own checksum counts.
        if !matches!(self.state, State::HeaderCrc(..) | State::Trailer(_) | State::Padding) {
            self.header.update(&[byte]);
        }
        self.state = match self.state {
            State::Between if byte == 0x1f => State::Fixed(1),
            State::Between if byte == 0 && self.members > 0 => State::Padding,
            State::Between if self.members > 0 => return Err(Damage::Trailing),
            State::Between => return Err(Damage::NotGzip),
            State::Fixed(1) if byte != 0x8b => {
                return Err(if self.members > 0 { Damage::Trailing } else { Damage::NotGzip });
            }
            // 8 is deflate, and there is no other.
            State::Fixed(2) if byte != 8 => return Err(Damage::Header),
            State::Fixed(3) => {
                if byte & !(TEXT | HEADER_CRC | EXTRA | NAME | COMMENT) != 0 {
                    return Err(Damage::Header);
                }
                self.flags = byte;
                State::Fixed(4)
            }
            State::Fixed(9) => self.next_field(0),
            State::Fixed(at) => State::Fixed(at + 1),
            State::ExtraLength(0, _) => State::ExtraLength(1, u16::from(byte)),
            State::ExtraLength(_, low) => match low | u16::from(byte) << 8 {
                0 => self.next_field(EXTRA),
                length => State::Extra(length),
            },
            State::Extra(1) => self.next_field(EXTRA),
            State::Extra(left) => State::Extra(left - 1),
            State::Name if byte == 0 => self.next_field(NAME),
            State::Comment if byte == 0 => self.next_field(COMMENT),
            State::HeaderCrc(0, _) => State::HeaderCrc(1, u16::from(byte)),
            State::HeaderCrc(_, low) => {
                if u32::from(low | u16::from(byte) << 8) != self.header.sum() & 0xffff {
                    return Err(Damage::HeaderChecksum);
                }
                self.next_field(HEADER_CRC)
            }
            State::Trailer(at) => {
                self.trailer[usize::from(at)] = byte;
                if at < 7 { State::Trailer(at + 1) } else { self.end_member()? }
            }
            State::Padding if byte != 0 => return Err(Damage::Trailing),
            state => state,
        };
        Ok(())
    }

    /// What comes in a header after this optional field; they stand in the order extra, name, comment, checksum.
    fn next_field(&self, after: u8) -> State {
        let rank = |field| [0, EXTRA, NAME, COMMENT, HEADER_CRC].iter().position(|f| *f == field);
        let wanted = |field| self.flags & field != 0 && rank(field) > rank(after);
        if wanted(EXTRA) {
            State::ExtraLength(0, 0)
        } else if wanted(NAME) {
            State::Name
        } else if wanted(COMMENT) {
            State::Comment
        } else if wanted(HEADER_CRC) {
            State::HeaderCrc(0, 0)
        } else {
            State::Data
        }
    }

    fn end_member(&mut self) -> Result<State, Damage> {
        let [a, b, c, d, e, f, g, h] = self.trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.sum() {
            return Err(Damage::Checksum);
        }
        // The length counts modulo 2^32, and so does `amount`.
        if u32::from_le_bytes([e, f, g, h]) != self.crc.amount() {
            return Err(Damage::Length);
        }
        self.members += 1;
        self.crc.reset();
        self.header.reset();
        self.inflate.reset(false);
        Ok(State::Between)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder, write::GzEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(5);
        (0..length).map(|_| rng.u8(b'a'..=b'f')).collect()
    }

    /// Reads the file in pieces of so many bytes; gives what came out in total and its first bytes.
    fn read(file: &[u8], piece: usize) -> Result<(u64, Vec<u8>), Damage> {
        let mut gunzip = Gunzip::new();
        for mut piece in file.chunks(piece) {
            while !piece.is_empty() {
                gunzip.step(&mut piece)?;
            }
        }
        gunzip.finish().map(|()| (gunzip.total(), gunzip.head().to_vec()))
    }

    #[test]
    fn good_files_are_good_in_pieces_of_any_size() {
        let data = noise(100_000);
        let mut named = GzBuilder::new()
            .extra(vec![7; 300])
            .filename("20210531_1_001.pcap")
            .comment("a comment")
            .write(Vec::new(), Compression::best());
        named.write_all(&data).expect("memory takes it");
        let named = named.finish().expect("memory takes it");
        let two = [gzip(&data), gzip(b""), gzip(&data)].concat();
        let padded = [gzip(&data), vec![0; 513]].concat();
        for (file, want) in
            [(gzip(&data), 100_000), (gzip(b""), 0), (named, 100_000), (two, 200_000), (padded, 100_000)]
        {
            for piece in [1, 2, 7, 1000, file.len()] {
                let (total, head) = read(&file, piece).unwrap_or_else(|damage| panic!("{damage} in pieces of {piece}"));
                assert_eq!(total, want);
                assert_eq!(head, data[..HEAD.min(want as usize)]);
            }
        }
    }

    #[test]
    fn a_header_with_a_checksum_is_checked() {
        let mut file = gzip(b"hello");
        file[3] = HEADER_CRC;
        let mut crc = Crc::new();
        crc.update(&file[..10]);
        let sum = (crc.sum() & 0xffff) as u16;
        file.splice(10..10, sum.to_le_bytes());
        assert_eq!(read(&file, 3).map(|(total, _)| total), Ok(5));
        file[10] ^= 1;
        assert_eq!(read(&file, 3), Err(Damage::HeaderChecksum));
    }

    #[test]
    fn each_damage_has_its_name() {
        let data = noise(50_000);
        let good = gzip(&data);
        let end = good.len();
        let with = |at: usize, bits: u8| {
            let mut file = good.clone();
            file[at] ^= bits;
            file
        };
        for (what, file, want) in [
            ("nothing", Vec::new(), Damage::Empty),
            ("text", b"20210531 text".to_vec(), Damage::NotGzip),
            ("one right byte", vec![0x1f, 0x00], Damage::NotGzip),
            ("zeros alone", vec![0; 40], Damage::NotGzip),
            ("another method", with(2, 1), Damage::Header),
            ("a reserved flag", with(3, 0x80), Damage::Header),
            ("a bit of the checksum", with(end - 8, 1), Damage::Checksum),
            ("a bit of the length", with(end - 1, 1), Damage::Length),
            ("text behind", [good.clone(), b"text".to_vec()].concat(), Damage::Trailing),
            ("padding, then a member", [good.clone(), vec![0], good.clone()].concat(), Damage::Trailing),
            ("half a second member", [good.clone(), good[..end / 2].to_vec()].concat(), Damage::CutOff),
            ("the first byte of a second member", [good.clone(), vec![0x1f]].concat(), Damage::CutOff),
        ] {
            for piece in [1, 13, 1 << 20] {
                assert_eq!(read(&file, piece), Err(want), "{what}, pieces of {piece}");
            }
        }
    }

    #[test]
    fn no_file_that_is_cut_off_is_good() {
        let good = gzip(&noise(3000));
        for end in 1..good.len() {
            assert_eq!(read(&good[..end], 100), Err(Damage::CutOff), "after {end} of {}", good.len());
        }
    }

    #[test]
    fn no_flipped_bit_of_data_or_trailer_is_good() {
        let good = gzip(&noise(400));
        for at in 10..good.len() {
            for bit in 0..8 {
                let mut file = good.clone();
                file[at] ^= 1 << bit;
                // The last byte of the data may have bits that nobody reads.
                if at == good.len() - 9 && read(&file, 64) == read(&good, 64) {
                    continue;
                }
                assert!(read(&file, 64).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_steps() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 16 << 20]).expect("memory takes it");
        let bomb = encoder.finish().expect("memory takes it");
        assert!(bomb.len() < 25_000, "{}", bomb.len());
        let mut gunzip = Gunzip::new();
        let mut input = bomb.as_slice();
        let mut largest = 0;
        while !input.is_empty() {
            largest = largest.max(gunzip.step(&mut input).expect("a bomb is a good file"));
        }
        assert_eq!(gunzip.finish(), Ok(()));
        assert_eq!(gunzip.total(), 16 << 20);
        assert!(largest <= OUT, "{largest}");
    }
}
