//! What a seed plants in the two buckets.

use crate::sandbox::ObjectSpec;

use super::chance::Dice;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// An object of the vendor's, and what the destination has under its key before the first run.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) layout: Planned,
    pub(crate) full_checksum: bool,
    pub(crate) archived: bool,
    /// Listed, and not licensed.
    pub(crate) refused: bool,
    pub(crate) already: Already,
    /// Which content.
    pub(crate) content: u64,
}

/// How the vendor uploaded it.
#[derive(Clone, Debug)]
pub(crate) enum Planned {
    Whole,
    Uniform(u64),
    Parts(Vec<u64>),
}

/// What the destination has under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Already {
    Nothing,
    Identical,
    OtherContent,
    OtherSize,
    /// The same content, uploaded in one piece.
    Whole,
}

impl Planted {
    pub(crate) fn is_marker(&self) -> bool {
        self.key.ends_with('/')
    }

    pub(crate) fn is_spec(&self) -> bool {
        self.key.starts_with("ConnectionSpec/")
    }

    /// The vendor's object with this content.
    pub(crate) fn spec(&self, content: u64) -> ObjectSpec {
        let mut spec = ObjectSpec::new(self.size).seed(content);
        spec = match &self.layout {
            Planned::Whole => spec,
            Planned::Uniform(size) => spec.part_size(*size),
            Planned::Parts(sizes) => spec.parts(sizes),
        };
        if self.full_checksum {
            spec = spec.full_checksum();
        }
        if self.archived {
            spec = spec.storage_class("GLACIER");
        }
        spec
    }

    /// What the destination has before the first run.
    pub(crate) fn copy(&self) -> Option<ObjectSpec> {
        let here = Self { archived: false, ..self.clone() };
        match self.already {
            Already::Nothing => None,
            Already::Identical => Some(here.spec(self.content)),
            Already::OtherContent => Some(here.spec(self.content ^ 0xffff)),
            Already::OtherSize => Some(ObjectSpec::new(self.size + 1).seed(self.content)),
            Already::Whole => Some(ObjectSpec::new(self.size.min(GIB)).seed(self.content)),
        }
    }
}

const FOLDERS: [&str; 8] = [
    "2021/05/31/",
    "2021/05/31/",
    "2021/5/31/",
    "2021/05/28/",
    "2021/06/01/",
    "2021/6/2/",
    "testdata/2021/05/31/",
    "2022/01/04/",
];

/// The vendor's objects.
pub(crate) fn plant(dice: &mut Dice) -> Vec<Planted> {
    let count = if dice.per_mille(300) { dice.skewed(0, 8) } else { dice.between(3, 30) };
    let mut objects: Vec<_> = (0..count).map(|n| one(dice, n)).collect();
    // A specification is looked up by its folders before anything is listed: there is one always.
    let key = "ConnectionSpec/Standard/Version 18.3/Japanese/index.pdf".to_owned();
    objects.push(Planted { key, size: 5000, refused: false, archived: false, ..one(dice, count) });
    if let Some(last) = objects.last_mut() {
        last.layout = Planned::Whole;
        last.already = Already::Nothing;
    }
    objects
}

fn one(dice: &mut Dice, n: u64) -> Planted {
    let folder = *dice.pick(&FOLDERS);
    let mut key = format!("{folder}20210531_{n}_001.pcap.gz");
    // Small ones, as their bytes are hashed.
    let (mut size, mut layout, mut full_checksum) = (dice.between(1, 2_000), Planned::Whole, false);
    match dice.below(20) {
        0 => size = 0,
        1 => {
            size = 0;
            key = format!("{folder}{n}/");
        }
        2 => key = format!("{folder}仕様 {n}+%20.txt"),
        3..=6 => {
            size = dice.between(5 * MIB, 60 * MIB);
            layout = Planned::Uniform(8 * MIB);
        }
        7 => {
            let sizes = vec![5 * MIB, 6 * MIB, 5 * MIB, dice.between(1, 5 * MIB)];
            size = sizes.iter().sum();
            layout = Planned::Parts(sizes);
        }
        8 => {
            size = dice.between(5 * MIB, 60 * MIB);
            layout = Planned::Uniform(16 * MIB);
            full_checksum = true;
        }
        9 => {
            size = 5 * GIB + dice.between(1, GIB);
            full_checksum = dice.per_mille(500);
            layout = if dice.per_mille(500) { Planned::Uniform(512 * MIB) } else { Planned::Whole };
        }
        10 => full_checksum = true,
        _ => {}
    }
    let already = match dice.below(12) {
        0 | 1 => Already::Identical,
        2 => Already::OtherContent,
        3 => Already::OtherSize,
        4 if size > 0 && size <= GIB => Already::Whole,
        _ => Already::Nothing,
    };
    Planted {
        size,
        layout,
        full_checksum,
        archived: dice.per_mille(30),
        refused: dice.per_mille(80),
        already: if key.ends_with('/') { Already::Nothing } else { already },
        content: n + 1,
        key,
    }
}

/// Keys that only the destination has.
pub(crate) fn extras(dice: &mut Dice) -> Vec<String> {
    (0..dice.skewed(0, 3)).map(|n| format!("2021/05/31/mine_{n}.csv")).collect()
}
