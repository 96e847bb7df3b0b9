//! The model as a client sees it, without a socket.

use std::future::ready;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::reply::Content;
use super::text::elements;
use super::{DESTINATION, Model, SOURCE, Scene};

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

/// Without latency and bandwidth: the tests do not wait.
fn model(name: &str) -> Model {
    Model::new(Scene { latency: 0.0, bandwidth: None, ..Scene::named(name).expect("a scene") })
}

async fn ask(model: &Model, method: Method, target: &str, headers: &[(&'static str, String)], body: &str) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
    }
    let place = target.split_once('?').unwrap_or((target, ""));
    let body = ready(Some(body.to_owned().into()));
    let (parts, content) = model.serve(&method, place, &map, false, body).await.into_response().into_parts();
    let body = match content {
        Content::Whole(bytes) => String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text"),
        Content::Zeros(count) => format!("{count} zeros"),
    };
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn get(model: &Model, target: &str) -> Answer {
    ask(model, Method::GET, target, &[], "").await
}

async fn stats(model: &Model) -> Value {
    serde_json::from_str(&get(model, "/_model/stats").await.body).expect("JSON")
}

async fn copy(model: &Model, from: &str, to: &str) -> Answer {
    let source = [("x-amz-copy-source", format!("{SOURCE}/{from}"))];
    ask(model, Method::PUT, &format!("/{DESTINATION}/{to}"), &source, "").await
}

/// All keys and common prefixes, page by page, and how many pages.
async fn walk(model: &Model, bucket: &str, query: &str) -> (Vec<String>, usize) {
    let (mut all, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = get(model, &format!("/{bucket}?list-type=2&{query}{token}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        pages += 1;
        all.extend(elements(&page.body, "Key").map(str::to_owned));
        // The first is the listing's own.
        let prefixes = page.body.split_once("<CommonPrefixes>").map_or("", |(_, rest)| rest);
        all.extend(elements(prefixes, "Prefix").map(str::to_owned));
        match elements(&page.body, "NextContinuationToken").next() {
            Some(next) => token = format!("&continuation-token={}", next.replace('/', "%2F")),
            None => return (all, pages),
        }
    }
}

#[tokio::test]
async fn pages_hold_every_key_once() {
    let model = model("nothing-10k");
    let keys: Vec<String> = (0..model.source.len()).map(|index| model.source.key(index)).collect();
    for bucket in [SOURCE, DESTINATION] {
        assert_eq!(walk(&model, bucket, "").await, (keys.clone(), 10), "{bucket}");
        let (february, pages) = walk(&model, bucket, "prefix=2023%2F02%2F&max-keys=7").await;
        let want: Vec<_> = keys.iter().filter(|key| key.starts_with("2023/02/")).cloned().collect();
        assert_eq!((february, pages), (want.clone(), want.len().div_ceil(7)), "{bucket}");
        let after = format!("start-after={}", keys[41]);
        assert_eq!(walk(&model, bucket, &after).await.0, keys[42..], "{bucket}");
        assert_eq!(walk(&model, bucket, "start-after=2023%2F01%2F05").await.0, keys[40..], "{bucket}");
        assert_eq!(walk(&model, bucket, "prefix=2022%2F").await, (vec![], 1), "{bucket}");
    }
}

#[tokio::test]
async fn delimiters_make_folders() {
    let model = model("nothing-10k");
    for bucket in [SOURCE, DESTINATION] {
        let (months, pages) = walk(&model, bucket, "delimiter=%2F&prefix=2023%2F&max-keys=5").await;
        assert_eq!((months.len(), pages, &*months[0], &*months[11]), (12, 3, "2023/01/", "2023/12/"), "{bucket}");
        let (years, _) = walk(&model, bucket, "delimiter=%2F").await;
        assert_eq!(years, ["2023/", "2024/"], "{bucket}");
        let (files, _) = walk(&model, bucket, "delimiter=%2F&prefix=2023%2F01%2F04%2F").await;
        assert_eq!((files.len(), &*files[0]), (40, "2023/01/04/20230104_1_001.pcap.gz"), "{bucket}");
    }
}

#[tokio::test]
async fn the_old_listing_goes_on_by_markers() {
    let model = model("nothing-10k");
    let first = get(&model, &format!("/{SOURCE}?delimiter=%2F&prefix=2023%2F&max-keys=3")).await;
    let marker = elements(&first.body, "NextMarker").next().expect("a marker");
    assert_eq!(marker, "2023/03/");
    let next = get(&model, &format!("/{SOURCE}?delimiter=%2F&prefix=2023%2F&max-keys=1&marker={marker}")).await;
    assert!(next.body.contains("<Prefix>2023/04/</Prefix>"), "{}", next.body);
    let last = model.source.key(9_998);
    let rest = get(&model, &format!("/{SOURCE}?marker={last}")).await;
    assert_eq!(elements(&rest.body, "Key").collect::<Vec<_>>(), [model.source.key(9_999)]);
}

#[tokio::test]
async fn what_is_copied_is_listed_with_the_sources_etag() {
    let model = model("small");
    let (first, third) = (model.source.key(0), model.source.key(2));
    let etag = |answer: &Answer| elements(&answer.body, "ETag").next().expect("an ETag").to_owned();
    let copied = copy(&model, &third, &third).await;
    copy(&model, &first, &first).await;
    assert_eq!(walk(&model, DESTINATION, "").await.0, [first, third.clone()]);
    let listed = get(&model, &format!("/{SOURCE}?list-type=2&prefix={third}")).await;
    assert_eq!(etag(&copied), etag(&listed));
    let head = ask(&model, Method::HEAD, &format!("/{DESTINATION}/{third}"), &[], "").await;
    assert_eq!(head.headers["etag"].to_str().expect("text").replace('"', "&quot;"), etag(&listed));
    assert_eq!(head.headers["content-length"], "65536");
    assert_eq!(head.body, "");
    let told = stats(&model).await;
    assert_eq!((&told["copied"], &told["same_etag"], &told["complete"]), (&2.into(), &2.into(), &false.into()));
    assert_eq!((&told["right"], &told["by_operation"]["CopyObject"]), (&true.into(), &2.into()));
}

#[tokio::test]
async fn a_copy_under_another_key_is_not_right() {
    let model = model("small");
    copy(&model, &model.source.key(0), &model.source.key(1)).await;
    copy(&model, &model.source.key(0), "2022/zzz").await;
    let told = stats(&model).await;
    assert_eq!((&told["content_right"], &told["foreign"], &told["right"]), (&0.into(), &1.into(), &false.into()));
    assert_eq!(walk(&model, DESTINATION, "").await.0, [model.source.key(1), "2022/zzz".to_owned()]);
    assert_eq!(copy(&model, "2022/none", "x").await.status, 404);
    ask(&model, Method::POST, "/_model/reset", &[], "").await;
    let told = stats(&model).await;
    assert_eq!((&told["present"], &told["foreign"], &told["requests"]), (&0.into(), &0.into(), &0.into()));
}

#[tokio::test]
async fn the_source_can_be_asked_for() {
    let model = model("year");
    let (index, size) =
        (0..).map(|index| (index, model.source.size(index))).find(|(_, size)| *size > 5 << 30).expect("one");
    let key = model.source.key(index);
    assert_eq!(copy(&model, &key, &key).await.status, 400, "above 5 GiB");
    let part = ask(&model, Method::HEAD, &format!("/{SOURCE}/{key}?partNumber=1"), &[], "").await;
    assert_eq!((part.status, &part.headers["content-length"]), (206, &HeaderValue::from(64_u64 << 20)));
    assert_eq!(part.headers["x-amz-mp-parts-count"], size.div_ceil(64 << 20).to_string().as_str());
    let none = ask(&model, Method::HEAD, &format!("/{SOURCE}/{key}?partNumber=9999"), &[], "").await;
    assert_eq!((none.status, none.body.as_str()), (416, ""));
    let other = [("x-amz-copy-source-if-match", "\"0\"".to_owned()), ("x-amz-copy-source", format!("{SOURCE}/{key}"))];
    assert_eq!(ask(&model, Method::PUT, &format!("/{DESTINATION}/{key}"), &other, "").await.status, 412);
}

#[tokio::test]
async fn a_multipart_copy_is_judged_by_its_parts() {
    let model = model("latency");
    let (index, size) =
        (0..).map(|index| (index, model.source.size(index))).find(|(_, size)| *size > 17 << 20).expect("one");
    let key = model.source.key(index);
    let target = format!("/{DESTINATION}/{key}");
    let created = ask(&model, Method::POST, &format!("{target}?uploads"), &[], "").await;
    let id = elements(&created.body, "UploadId").next().expect("an id").to_owned();
    let mut listed = String::new();
    for (number, start) in (1..).zip((0..size).step_by(8 << 20)) {
        let range = format!("bytes={start}-{}", (start + (8 << 20)).min(size) - 1);
        let from = [("x-amz-copy-source", format!("/{SOURCE}/{key}")), ("x-amz-copy-source-range", range)];
        let part = ask(&model, Method::PUT, &format!("{target}?partNumber={number}&uploadId={id}"), &from, "").await;
        let etag = elements(&part.body, "ETag").next().expect("an ETag");
        listed.push_str(&format!("<Part><ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>"));
    }
    let told = stats(&model).await;
    assert_eq!((&told["open_uploads"], &told["present"]), (&1.into(), &0.into()));
    let parts = get(&model, &format!("{target}?uploadId={id}&max-parts=2")).await;
    assert_eq!(elements(&parts.body, "NextPartNumberMarker").collect::<Vec<_>>(), ["2"]);
    let done = ask(&model, Method::POST, &format!("{target}?uploadId={id}"), &[], &listed).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let told = stats(&model).await;
    assert_eq!((&told["open_uploads"], &told["same_etag"], &told["right"]), (&0.into(), &1.into(), &true.into()));
    assert_eq!(told["bound"]["writes"], size.div_ceil(8 << 20) + 2);
}

#[tokio::test]
async fn writes_above_the_rate_are_told_to_slow_down() {
    let model = model("limited");
    let mut answers = Vec::new();
    for index in 0..200 {
        let key = model.source.key(index);
        answers.push(copy(&model, &key, &key).await.status);
    }
    let taken = answers.iter().filter(|status| **status == 200).count();
    assert!((30..200).contains(&taken), "the burst at once, and what the time allowed: {taken}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 503)));
    let told = stats(&model).await;
    assert_eq!((&told["copied"], &told["slow_downs"]), (&taken.into(), &(200 - taken).into()));
    assert_eq!(get(&model, &format!("/{SOURCE}?list-type=2")).await.status, 200, "reads have their own limit");
    let scene: Value = serde_json::from_str(&get(&model, "/_model/scene").await.body).expect("JSON");
    let bound = scene["bound_in_source_layout"]["seconds"].as_f64().expect("a number");
    assert!((bound - (6_000.0 - 30.0) / 300.0).abs() < 0.01, "{bound}");
}

#[tokio::test]
async fn anybody_is_somebody() {
    let model = model("small");
    let who = ask(&model, Method::POST, "/", &[], "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(elements(&who.body, "Account").collect::<Vec<_>>(), ["111122223333"]);
    let form = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A461810399597%3Arole%2FCopy&RoleSessionName=flex";
    let role = ask(&model, Method::POST, "/", &[], form).await;
    let arn = elements(&role.body, "Arn").next();
    assert_eq!(arn, Some("arn:aws:sts::461810399597:assumed-role/Copy/flex"));
    assert_eq!(ask(&model, Method::PUT, &format!("/{DESTINATION}/x"), &[], "bytes").await.status, 501);
    assert_eq!(get(&model, "/elsewhere?list-type=2").await.status, 404);
}
