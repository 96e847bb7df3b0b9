//! One object: what the source says, what the destination holds, and the verdict.

use flex_keys::ObjectKey;

use super::{
    DeepProof, DeepVerdict, Fault,
    content::{Content, Kind, Seen},
    digest::{Compared, Pair},
    fetch::{Reader, Wanted},
    source::{Asked, Excuse, Unequal},
};
use crate::{ETag, ListedObject, plan::Scene, requests::Requests};

/// What the digests say of the content.
#[derive(Debug)]
enum Equality {
    Equal(DeepProof),
    Differs(String),
    Unknown(Excuse),
}

/// Reads what the destination has under a key, and compares.
pub(super) async fn read(
    scene: &Scene,
    requests: &Requests,
    reader: &Reader,
    object: &ListedObject,
    destination_etag: &ETag,
) -> Result<DeepVerdict, Fault> {
    let mut asked = Asked::new(scene, requests, object);
    let mut said = asked.said().await?;
    let name = ObjectKey::parse(&object.key);
    let kind = Kind::of(name.file_name());
    let wanted = Wanted { key: &object.key, etag: destination_etag, size: object.size };
    let mut again = false;
    loop {
        let mut content = Content::new(kind, &said);
        reader.read(wanted, &mut content).await?;
        let Seen { compared, damage, no_capture } = content.finish(&said);
        let equality = match judge(&mut asked, compared).await? {
            Judged::Equality(equality) => equality,
            Judged::OtherParts(pair) => match asked.other_parts(&said).await? {
                // Once: the sizes were asked for, part by part.
                Unequal::Again(sizes) if !again => {
                    (said, again) = (sizes, true);
                    continue;
                }
                Unequal::Again(_) | Unequal::Differs => Equality::Differs(unequal("the ETag of its parts", &pair)),
                Unequal::Nothing(why) => Equality::Unknown(why),
            },
        };
        let proof = match equality {
            Equality::Differs(detail) => {
                let detail = match damage {
                    Some(damage) => format!("{detail}; as a gzip file, {damage}"),
                    None => detail,
                };
                return Ok(DeepVerdict::Differs { detail });
            }
            Equality::Equal(proof) => Ok(proof),
            Equality::Unknown(why) => Err(why),
        };
        return Ok(if let Some(detail) = damage {
            DeepVerdict::DamagedGzip { detail, proof: proof.ok() }
        } else if no_capture {
            DeepVerdict::NotPcap { proof: proof.ok() }
        } else if name.has_foreign_date() {
            DeepVerdict::WrongDate { proof: proof.ok() }
        } else {
            match proof {
                Ok(proof) => DeepVerdict::Verified(proof),
                Err(Excuse { detail, lasting }) => DeepVerdict::NotComparable { detail, lasting },
            }
        });
    }
}

enum Judged {
    Equality(Equality),
    /// The parts may have other sizes.
    OtherParts(Pair),
}

async fn judge(asked: &mut Asked<'_>, compared: Compared) -> Result<Judged, Fault> {
    let Compared { md5, parts, crc } = compared;
    let differs = |what: &str, pair: &Pair| Ok(Judged::Equality(Equality::Differs(unequal(what, pair))));
    let equal = |proof| Ok(Judged::Equality(Equality::Equal(proof)));
    if let Some((proof, pair)) = &crc
        && !pair.equal()
    {
        return differs(&format!("its {proof}"), pair);
    }
    match (&md5, &parts, &crc) {
        (Some(pair), ..) if pair.equal() => equal(DeepProof::Md5),
        (Some(pair), _, Some(_)) if asked.etag_matters() => differs("its MD5", pair),
        (_, _, Some((proof, _))) => equal(*proof),
        (Some(pair), ..) => match asked.other_md5().await? {
            Unequal::Nothing(why) => Ok(Judged::Equality(Equality::Unknown(why))),
            Unequal::Differs | Unequal::Again(_) => differs("its MD5", pair),
        },
        (None, Some(pair), None) if pair.equal() => equal(DeepProof::EtagLayout),
        (None, Some(pair), None) => Ok(Judged::OtherParts(pair.clone())),
        (None, None, None) => Ok(Judged::Equality(Equality::Unknown(asked.nothing_said()))),
    }
}

fn unequal(what: &str, pair: &Pair) -> String {
    format!("{what} is {}, by the source {}", pair.ours, pair.theirs)
}
