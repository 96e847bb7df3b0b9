//! Services, programs and files that say what they should not. Each ends in an error, in bounded time and memory.

#![cfg(unix)]

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Run, Subscriber,
    hostile::{Answer, black_hole, hostile},
};

/// No run takes more memory than this, whatever it is told, in KiB.
const MOST_MEMORY: u64 = 300 << 10;
/// What a person may be shown of a failure.
const MOST_WORDS: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(50);

/// Runs flex with no more than that: Linux then refuses memory, of heap and stacks alike, and flex would abort.
fn bounded(user: &Subscriber, arguments: &[&str]) -> Run {
    user.machine.flex_limited(&format!("ulimit -d {MOST_MEMORY}"), arguments)
}

/// Runs flex on the case and expects one of these exit codes and a message of bearable length.
#[track_caller]
fn judge(what: &str, user: &Subscriber, arguments: &[&str], codes: &[i32]) -> Run {
    let begun = Instant::now();
    let run = bounded(user, arguments);
    assert!(run.code.is_some_and(|code| codes.contains(&code)), "{what}\n{}", cut(&run));
    assert!(run.err.len() < MOST_WORDS, "{what}: {} bytes of message", run.err.len());
    assert!(run.err.contains("flex: ") && !run.err.contains("panicked"), "{what}\n{}", cut(&run));
    assert!(begun.elapsed() < PATIENCE, "{what} took {:?}", begun.elapsed());
    run
}

fn cut(run: &Run) -> String {
    run.to_string().chars().take(4000).collect()
}

/// All cases at once: most of them wait between attempts.
async fn each<T: Send + Sync>(cases: &[(&'static str, T)], judge_one: impl Fn(&str, &T, &mut Subscriber) + Sync) {
    let mut users = Vec::new();
    for _ in cases {
        users.push(Subscriber::plain().await);
    }
    let judge_one = &judge_one;
    thread::scope(|scope| {
        for ((what, case), mut user) in cases.iter().zip(users) {
            scope.spawn(move || judge_one(what, case, &mut user));
        }
    });
}

fn lots(element: &str, times: usize) -> String {
    element.repeat(times)
}

const LOL: &str = concat!(
    r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">"#,
    r#"<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">"#,
    r#"<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">"#,
    r#"<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]>"#,
);

/// What is wrong with any XML, inside this root element.
fn bad_xml(root: &str) -> Vec<(&'static str, Answer)> {
    let utf16: Vec<u8> = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?><{root}/>")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let headers = |text: String| Answer::Bytes(format!("HTTP/1.1 200 OK\r\n{text}\r\n").into_bytes());
    vec![
        ("elements 200,000 deep", Answer::body(format!("<{root}>{}", lots("<a>", 200_000)))),
        (
            "elements 200,000 deep and closed",
            Answer::body(format!("<{root}>{}{}</{root}>", lots("<a>", 200_000), lots("</a>", 200_000))),
        ),
        ("entities that grow", Answer::body(format!("{LOL}<{root}><Key>&g;</Key></{root}>"))),
        (
            "an entity from a file",
            Answer::body(format!("<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><{root}>&x;</{root}>")),
        ),
        ("bytes that are no UTF-8", Answer::body([b"<", root.as_bytes(), b"><Key>\xff\xfe\x80</Key>"].concat())),
        ("UTF-16", Answer::body([vec![0xff, 0xfe], utf16].concat())),
        ("JSON", Answer::body("{\"Contents\": [1, 2, {\"Key\": null}]}")),
        ("nothing but white space", Answer::body(" ".repeat(1 << 20))),
        ("HTML", Answer::body("<!doctype html><html><body><h1>Sign in to the hotel's network</h1>")),
        ("another root element", Answer::body("<Something/>")),
        ("a million attributes", Answer::body(format!("<{root} {}/>", lots("a=\"b\" ", 1_000_000)))),
        ("a text of 7 MB", Answer::body(format!("<{root}><Name>{}</Name>", lots("x", 7 << 20)))),
        ("a body that never ends", Answer::endless(&format!("<{root}><Name>"), "x")),
        ("white space that never ends", Answer::endless("", " ")),
        ("elements that never end", Answer::endless(&format!("<{root}>"), "<Contents><Key>k</Key></Contents>")),
        ("a header of 2 MB", headers(format!("x: {}\r\n", lots("y", 2 << 20)))),
        ("10,000 headers", headers(lots("x-amz-meta-a: b\r\n", 10_000))),
        (
            "headers that never end",
            Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), lots("x-amz-meta-a: b\r\n", 4096).into_bytes()),
        ),
        ("no HTTP at all", Answer::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
        ("a status of 999", Answer::Bytes(b"HTTP/1.1 999 ?\r\ncontent-length: 0\r\n\r\n".to_vec())),
        ("a length that is none", Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_vec())),
        (
            "a body shorter than its length",
            Answer::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n<{root}>").into_bytes()),
        ),
        (
            "chunks of absurd sizes",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n<".to_vec()),
        ),
        (
            "an error with a message of 5 MB",
            Answer::status(400, format!("<Error><Code>Odd</Code><Message>{}</Message></Error>", lots("z", 5 << 20))),
        ),
        (
            "an error without end",
            Answer::Endless(b"HTTP/1.1 400 X\r\n\r\n<Error><Code>".to_vec(), lots("c", 64 * 1024).into_bytes()),
        ),
    ]
}

fn listing(inside: &str) -> Answer {
    Answer::body(format!(
        "<ListBucketResult><Name>b</Name><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>{inside}</ListBucketResult>"
    ))
}

const KEY: &str = "<Contents><Key>2021/05/31/a</Key><Size>1</Size><ETag>\"e\"</ETag>\
                   <LastModified>2021-05-31T00:00:00Z</LastModified></Contents>";

#[tokio::test]
async fn hostile_listings_end_in_an_error() {
    let mut cases = bad_xml("ListBucketResult");
    let odd = |name: &str, value: &str| {
        let old = KEY.split_once(&format!("<{name}>")).unwrap();
        let rest = old.1.split_once(&format!("</{name}>")).unwrap().1;
        listing(&format!("{}<{name}>{value}</{name}>{rest}", old.0))
    };
    cases.extend([
        ("a size that is no number", odd("Size", "many")),
        ("a size below nothing", odd("Size", "-1")),
        ("a size beyond 64 bits", odd("Size", "99999999999999999999999")),
        ("a time that is none", odd("LastModified", "yesterday")),
        ("a key of another folder", odd("Key", "../../etc/passwd")),
        ("a key of 1 MB", odd("Key", &lots("k", 1 << 20))),
        ("a key encoded wrongly", odd("Key", "2021/05/31/%ff%fe")),
        (
            "pages that never end",
            listing(&format!("{KEY}<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>")),
        ),
        ("not said whether there is more", listing(KEY)),
        ("more to come but no token", listing(&format!("{KEY}<IsTruncated>true</IsTruncated>"))),
    ]);
    each(&cases, |what, answer, user| {
        let server = hostile(answer.clone());
        user.machine.set("AWS_ENDPOINT_URL_S3", format!("http://{server}"));
        let run = judge(what, user, &["verify", "2021/05/31", "--answer-timeout", "5"], &[1, 3]);
        assert!(!run.err.contains("root:x:"), "{what}: a file of this machine was read");
    })
    .await;
}

#[tokio::test]
async fn half_a_listing_is_not_taken_for_a_whole_one() {
    let head = "<ListBucketResult><IsTruncated>false</IsTruncated>";
    let cases = [
        ("between two keys", Answer::body(format!("{head}{KEY}"))),
        ("before the first key", Answer::body(head)),
        ("in the end of the list", Answer::body(format!("{head}{KEY}</ListBucketRes"))),
    ];
    each(&cases, |what, answer, user| {
        let server = hostile(answer.clone());
        user.machine.set("AWS_ENDPOINT_URL_S3", format!("http://{server}"));
        judge(what, user, &["verify", "prefix:2021/05/31/"], &[1, 3]).says(&["breaks off"]);
    })
    .await;
    // The same, but whole: both sides hold one and the same object.
    let user = &mut Subscriber::plain().await;
    let server = hostile(Answer::body(format!("{head}{KEY}</ListBucketResult>")));
    user.machine.set("AWS_ENDPOINT_URL_S3", format!("http://{server}"));
    user.flex(&["verify", "prefix:2021/05/31/"]).expect(0);
}

#[tokio::test]
async fn hostile_answers_of_sts_end_in_an_error() {
    let mut cases = bad_xml("GetCallerIdentityResponse");
    let who = |account: &str| {
        Answer::body(format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/\u{1b}[2J\u{202e}</Arn>\
             <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ))
    };
    cases.extend([
        ("an account that is none", who("twelve")),
        ("an account of 1 MB", who(&lots("1", 1 << 20))),
        ("nothing inside", Answer::body("<GetCallerIdentityResponse/>")),
    ]);
    each(&cases, |what, answer, user| {
        let server = hostile(answer.clone());
        user.machine.set("AWS_ENDPOINT_URL_STS", format!("http://{server}"));
        judge(what, user, &["ls", "2021/05/31", "--answer-timeout", "5"], &[1, 2, 3]);
        assert_eq!(user.world.requests().len(), 0, "{what}: nothing was asked of S3");
    })
    .await;
}

#[tokio::test]
async fn hostile_output_of_a_credential_process_ends_in_an_error() {
    let json = |inside: &str| {
        format!("{{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": {inside}}}").into_bytes()
    };
    let cases: Vec<(&'static str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("no JSON", b"please sign in first".to_vec()),
        ("JSON 200,000 deep", json(&lots("[", 200_000))),
        ("objects 200,000 deep", lots("{\"a\":", 200_000).into_bytes()),
        ("a number for a secret", json("1")),
        ("null for a secret", json("null")),
        ("a list for all of it", b"[1, 2, 3]".to_vec()),
        ("bytes that are no UTF-8", json("\"\u{1}\"").into_iter().map(|b| if b == 1 { 0xff } else { b }).collect()),
        ("half a surrogate", json("\"\\ud800\"")),
        ("another version", b"{\"Version\": 99, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\"}".to_vec()),
        ("a time that is none", json("\"S\", \"Expiration\": \"soon\"")),
        ("30 MB of text", lots("x", 30 << 20).into_bytes()),
        ("a secret of 1 MB with line ends", json(&format!("\"{}\"", lots("ab\\n", 250_000)))),
    ];
    each(&cases, |what, output, user| {
        let file = user.machine.file("output", output);
        let config = format!("[profile odd]\ncredential_process = cat {}\n", file.display());
        let config = user.machine.file(".aws/config", config);
        user.machine.no_identity().set("AWS_CONFIG_FILE", config.to_str().unwrap());
        judge(what, user, &["ls", "2021/05/31", "--profile", "odd"], &[1, 2, 3]);
    })
    .await;
}

#[tokio::test]
async fn hostile_configuration_files_end_in_an_error() {
    let cases: Vec<(&'static str, Vec<u8>)> = vec![
        ("lists 100,000 deep", format!("bucket = {}", lots("[", 100_000)).into_bytes()),
        ("tables 100,000 deep", format!("{}\n", lots("a.", 100_000) + "b = 1").into_bytes()),
        ("inline tables 50,000 deep", format!("bucket = {}", lots("{a=", 50_000)).into_bytes()),
        ("bytes that are no UTF-8", b"bucket = \"\xff\"".to_vec()),
        ("UTF-16", b"\xff\xfeb\0u\0".to_vec()),
        ("20 MB of one text", format!("bucket = \"{}\"", lots("x", 20 << 20)).into_bytes()),
        ("a million keys", (0..1_000_000).map(|n| format!("k{n}=1\n")).collect::<String>().into_bytes()),
        ("a switch of files that is none", b"allow-http = true\n".to_vec()),
        ("control characters", b"bucket = \"\x1b[2J\"\n".to_vec()),
    ];
    each(&cases, |what, text, user| {
        user.machine.file("flex.toml", text);
        user.machine.unset("FLEX_BUCKET");
        judge(what, user, &["ls", "2021/05/31"], &[2]);
        assert_eq!(user.world.requests().len(), 0, "{what}");
    })
    .await;
}

#[tokio::test]
async fn a_service_that_accepts_and_never_answers_is_given_up_by_name() {
    let cases = [("S3", "AWS_ENDPOINT_URL_S3"), ("STS", "AWS_ENDPOINT_URL_STS")];
    each(&cases, |service, variable, user| {
        let silent = black_hole();
        user.machine.set(variable, format!("http://{silent}"));
        let begun = Instant::now();
        let run = user.flex(&["copy", "2021/05/31", "--answer-timeout", "1"]);
        // 20 s for a service that never answered once, and what was under way.
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        run.expect(3).says(&[&silent.to_string(), "network", "HTTPS_PROXY"]);
        assert_eq!(user.world.count("CopyObject"), 0, "{service}");
    })
    .await;
}
