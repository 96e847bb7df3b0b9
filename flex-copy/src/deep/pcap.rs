//! Whether a file begins as a capture does.

/// The first bytes of a classic capture, with micro- or nanoseconds, in either order of bytes (libpcap's
/// pcap-savefile(5)).
const CLASSIC: [[u8; 4]; 4] =
    [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];
/// The type of pcapng's first block, which reads alike in both orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// The word behind that block's length that tells the order.
const ORDER: [[u8; 4]; 2] = [[0x1a, 0x2b, 0x3c, 0x4d], [0x4d, 0x3c, 0x2b, 0x1a]];

/// Whether these are the first bytes of a capture.
pub(crate) fn is_capture(head: &[u8]) -> bool {
    let word = |at: usize| head.get(at..at + 4);
    CLASSIC.iter().any(|magic| word(0) == Some(magic))
        || (word(0) == Some(&SECTION) && ORDER.iter().any(|magic| word(8) == Some(magic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        let pcapng = |order: [u8; 4]| [SECTION, [28, 0, 0, 0], order].concat();
        for (head, want) in [
            (vec![0xa1, 0xb2, 0xc3, 0xd4], true),
            (vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], true),
            (vec![0xa1, 0xb2, 0x3c, 0x4d], true),
            (vec![0x4d, 0x3c, 0xb2, 0xa1], true),
            (pcapng([0x1a, 0x2b, 0x3c, 0x4d]), true),
            (pcapng([0x4d, 0x3c, 0x2b, 0x1a]), true),
            (pcapng([0, 0, 0, 0]), false),
            (SECTION.to_vec(), false),
            (vec![0xa1, 0xb2, 0xc3], false),
            (vec![0xa1, 0xb2, 0xc3, 0xd5], false),
            (vec![0x1f, 0x8b, 8, 0], false),
            (Vec::new(), false),
        ] {
            assert_eq!(is_capture(&head), want, "{head:x?}");
        }
    }
}
