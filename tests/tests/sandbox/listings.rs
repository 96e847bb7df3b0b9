//! ListObjectsV2 over the wire.

use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use flex_tests::sandbox::{Algorithm, ChecksumKind, ObjectSpec, VENDOR_BUCKET};

use super::{Scene, is, refusal, scene};

fn listing(scene: &Scene) -> ListObjectsV2FluentBuilder {
    scene.role.list_objects_v2().bucket(VENDOR_BUCKET)
}

async fn lines(listing: ListObjectsV2FluentBuilder) -> Vec<String> {
    let page = listing.send().await.expect("listed");
    let keys = page.contents().iter().filter_map(|object| object.key()).map(str::to_owned);
    let prefixes = page.common_prefixes().iter().filter_map(|common| common.prefix()).map(|p| format!("PRE {p}"));
    keys.chain(prefixes).collect()
}

fn filled(keys: &[&str]) -> Scene {
    let scene = scene();
    for key in keys {
        scene.world.put_object(VENDOR_BUCKET, key, ObjectSpec::new(1));
    }
    scene
}

#[tokio::test]
async fn keys_come_in_the_order_of_their_bytes() {
    let keys = ["2021/5/31", "2021/05/a", "2021/5/31/b", "B", "a", "a b", "a+b", "aあ", "ア", "\u{ff71}", "😀", "~"];
    let scene = filled(&keys);
    let mut sorted = keys.map(str::to_owned).to_vec();
    sorted.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    assert_eq!(lines(listing(&scene)).await, sorted);
}

#[tokio::test]
async fn prefix_delimiter_and_start_after() {
    let scene = filled(&["2021/05/31/a", "2021/05/31/b", "2021/06/01/a", "2021/x", "2022/01/04/a"]);
    assert_eq!(lines(listing(&scene).prefix("2021/0").delimiter("/")).await, ["PRE 2021/05/", "PRE 2021/06/"]);
    assert_eq!(lines(listing(&scene).delimiter("/")).await, ["PRE 2021/", "PRE 2022/"]);
    assert_eq!(lines(listing(&scene).prefix("2021/").delimiter("/")).await, ["2021/x", "PRE 2021/05/", "PRE 2021/06/"]);
    assert_eq!(lines(listing(&scene).prefix("2021/1")).await, Vec::<String>::new());
    assert_eq!(
        lines(listing(&scene).start_after("2021/05/31/a").prefix("2021/")).await,
        ["2021/05/31/b", "2021/06/01/a", "2021/x"]
    );
    assert_eq!(lines(listing(&scene).start_after("2021/05/31/aa").prefix("2021/05/")).await, ["2021/05/31/b"]);
    // A start after everything, and one before the prefix.
    assert_eq!(lines(listing(&scene).start_after("3")).await, Vec::<String>::new());
    assert_eq!(lines(listing(&scene).start_after("1").prefix("2022/")).await, ["2022/01/04/a"]);
}

#[tokio::test]
async fn pages_hold_at_most_a_thousand() {
    let scene = scene();
    for n in 0..2500 {
        scene.world.put_object(VENDOR_BUCKET, &format!("k{n:04}"), ObjectSpec::new(n));
    }
    let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = listing(&scene).max_keys(5000).set_continuation_token(token).send().await.expect("listed");
        pages += 1;
        assert_eq!(page.key_count(), i32::try_from(page.contents().len()).ok());
        assert_eq!(page.max_keys(), Some(1000));
        seen.extend(page.contents().iter().filter_map(|o| o.key()).map(str::to_owned));
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated(), Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, scene.world.objects(VENDOR_BUCKET));
    let none = listing(&scene).max_keys(0).send().await.expect("listed");
    assert_eq!((none.key_count(), none.is_truncated()), (Some(0), Some(false)));
    assert_eq!(refusal(listing(&scene).continuation_token("made up").send().await), is(400, "InvalidArgument"));
    assert_eq!(refusal(listing(&scene).max_keys(-1).send().await), is(400, "InvalidArgument"));
}

#[tokio::test]
async fn lines_tell_size_etag_class_and_checksum_kind() {
    let scene = scene();
    let spec = ObjectSpec::new(10).seed(4).checksum(Algorithm::Crc32, ChecksumKind::FullObject);
    scene.world.put_object(VENDOR_BUCKET, "k", spec);
    scene.world.put_object(VENDOR_BUCKET, "plain", ObjectSpec::new(0));
    let page = listing(&scene).send().await.expect("listed");
    let [with, without] = page.contents() else { panic!("two objects") };
    assert_eq!(with.size(), Some(10));
    assert_eq!(with.e_tag(), scene.world.object(VENDOR_BUCKET, "k").map(|o| o.etag).as_deref());
    assert_eq!(with.storage_class().map(|c| c.as_str()), Some("STANDARD"));
    assert_eq!(with.checksum_algorithm().first().map(|a| a.as_str()), Some("CRC32"));
    assert_eq!(with.checksum_type().map(|t| t.as_str()), Some("FULL_OBJECT"));
    assert_eq!(with.last_modified().map(|at| at.subsec_nanos()), Some(0));
    assert_eq!(without.size(), Some(0));
    assert!(without.checksum_algorithm().is_empty() && without.checksum_type().is_none());
    assert_eq!(without.e_tag(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
}

#[tokio::test]
async fn keys_survive_with_and_without_encoding() {
    let keys = ["100%/a b", "a&b<c>\"d'", "a+b", "日本語/テスト.txt"];
    let scene = filled(&keys);
    let mut sorted = keys.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(lines(listing(&scene)).await, sorted);
    let encoded = lines(listing(&scene).encoding_type("url".into())).await;
    let decoded: Vec<String> = encoded
        .iter()
        .map(|key| {
            percent_encoding::percent_decode_str(&key.replace('+', " ")).decode_utf8().expect("utf-8").into_owned()
        })
        .collect();
    assert_eq!(decoded, sorted);
    assert!(encoded.contains(&"a%2Bb".to_owned()) && encoded.contains(&"100%25/a+b".to_owned()), "{encoded:?}");
    let folders = lines(listing(&scene).delimiter("/").encoding_type("url".into())).await;
    assert!(folders.contains(&"PRE 100%25/".to_owned()), "{folders:?}");
}
