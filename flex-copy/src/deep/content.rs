//! What passes by of one object: digests, the inside of a gzip file, the first bytes.

use super::{
    digest::{Compared, Hashes, Said},
    gzip::{Gunzip, HEAD},
    pcap,
};

/// Bytes that are hashed before others get their turn.
const TURN: usize = 64 * 1024;
/// Bytes that come out of a gzip file before others get their turn.
const TURN_OUT: usize = 1024 * 1024;

/// Which checks a file's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) gzip: bool,
    pub(super) capture: bool,
}

impl Kind {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let (gzip, inner) = match name.strip_suffix(".gz") {
            Some(inner) => (true, inner),
            None => (false, name.as_str()),
        };
        Self { gzip, capture: inner.ends_with(".pcap") || inner.ends_with(".pcapng") }
    }
}

/// Looks at an object's bytes as they come, and keeps none but the first.
pub(super) struct Content {
    kind: Kind,
    hashes: Hashes,
    gunzip: Option<Gunzip>,
    damage: Option<String>,
    head: Vec<u8>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) compared: Compared,
    /// What is wrong with a gzip file.
    pub(super) damage: Option<String>,
    /// A capture's name, and no capture.
    pub(super) no_capture: bool,
}

impl Content {
    pub(super) fn new(kind: Kind, said: &Said) -> Self {
        Self {
            kind,
            hashes: Hashes::new(said),
            gunzip: kind.gzip.then(Gunzip::new),
            damage: None,
            head: Vec::with_capacity(HEAD),
        }
    }

    /// Takes the next bytes. Hashing and inflating are work for the processor: others get their turn in between.
    pub(super) async fn take(&mut self, bytes: &[u8]) {
        let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        for mut piece in bytes.chunks(TURN) {
            self.hashes.update(piece);
            let mut out = 0;
            while let Some(gunzip) = self.gunzip.as_mut().filter(|_| !piece.is_empty()) {
                match gunzip.step(&mut piece) {
                    Ok(made) => out += made,
                    Err(damage) => {
                        // The rest is read for its digests alone.
                        self.damage = Some(damage.to_string());
                        self.head = gunzip.head().to_vec();
                        self.gunzip = None;
                    }
                }
                if out >= TURN_OUT {
                    out = 0;
                    tokio::task::yield_now().await;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// The object is at its end.
    pub(super) fn finish(mut self, said: &Said) -> Seen {
        if let Some(gunzip) = &self.gunzip {
            self.damage = gunzip.finish().err().map(|damage| damage.to_string());
            self.head = gunzip.head().to_vec();
        }
        let no_capture = self.kind.capture && self.damage.is_none() && !pcap::is_capture(&self.head);
        Seen { compared: self.hashes.compare(said), damage: self.damage, no_capture }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    async fn seen(name: &str, pieces: &[&[u8]]) -> (Option<String>, bool) {
        let said = Said::default();
        let mut content = Content::new(Kind::of(name), &said);
        for piece in pieces {
            content.take(piece).await;
        }
        let seen = content.finish(&said);
        (seen.damage, seen.no_capture)
    }

    #[test]
    fn names_tell_what_is_checked() {
        for (name, gzip, capture) in [
            ("20210531_1_001.pcap.gz", true, true),
            ("20210531_1_001.PCAP.GZ", true, true),
            ("20210531_1_001.pcapng.gz", true, true),
            ("20210531_1_001.pcap", false, true),
            ("20210521_1_001.txt.gz", true, false),
            ("a.tgz", false, false),
            ("pcap", false, false),
            ("document.pdf", false, false),
        ] {
            assert_eq!(Kind::of(name), Kind { gzip, capture }, "{name}");
        }
    }

    #[tokio::test]
    async fn a_capture_is_known_inside_its_gzip_and_without() {
        let capture = [&[0xd4, 0xc3, 0xb2, 0xa1][..], &[7; 90]].concat();
        let (packed, text) = (gzip(&capture), gzip(b"20210531 text"));
        let bytewise: Vec<&[u8]> = packed.chunks(1).collect();
        assert_eq!(seen("a.pcap.gz", &[&packed]).await, (None, false));
        assert_eq!(seen("a.pcap.gz", &bytewise).await, (None, false));
        assert_eq!(seen("a.pcap", &[&capture]).await, (None, false));
        assert_eq!(seen("a.pcap", &[&capture[..2], &capture[2..]]).await, (None, false));
        assert_eq!(seen("a.pcap.gz", &[&text]).await, (None, true));
        assert_eq!(seen("a.txt.gz", &[&text]).await, (None, false));
        assert_eq!(seen("a.pcap", &[&packed]).await, (None, true), "a gzip file is no capture");
        assert_eq!(seen("a.pcap.gz", &[&gzip(b"")]).await, (None, true), "nothing is no capture");
    }

    #[tokio::test]
    async fn damage_is_told_and_is_not_called_a_wrong_capture() {
        let packed = gzip(&[0xd4, 0xc3, 0xb2, 0xa1, 7, 7, 7]);
        let cut = seen("a.pcap.gz", &[&packed[..packed.len() - 3]]).await;
        assert_eq!(cut, (Some("it ends in the middle".into()), false));
        let (damage, no_capture) = seen("a.pcap.gz", &[b"not gzip", &packed]).await;
        assert!(damage.is_some_and(|what| what.contains("does not begin as a gzip file")) && !no_capture);
        assert_eq!(seen("a.txt.gz", &[]).await.0, Some("it is empty".into()));
    }
}
