//! The SDK's client in a plain loop: a listing, and one CopyObject an object, so many at once. No comparison, no proof, no
//! parts, no retries but the SDK's. What flex does beside this is what it costs.
//!
//! ```sh
//! AWS_ENDPOINT_URL=http://127.0.0.1:PORT bareloop SOURCE DESTINATION [AT_ONCE]
//! ```

use std::error::Error;
use std::io::{self, Write};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::{StreamExt, stream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (source, destination, at_once) = match &words[..] {
        [source, destination] => (source, destination, 1_024),
        [source, destination, at_once] => (source, destination, at_once.parse()?),
        _ => return Err("bareloop SOURCE DESTINATION [AT_ONCE]".into()),
    };
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-northeast-1"))
        .endpoint_url(std::env::var("AWS_ENDPOINT_URL")?)
        .force_path_style(true)
        .credentials_provider(Credentials::new("AKIALOADMODEL0000000", "load", None, None, "bareloop"))
        .http_client(http)
        .build();
    let client = Client::from_conf(config);

    let pages = client.list_objects_v2().bucket(source).into_paginator().send();
    let keys = stream::unfold(pages, |mut pages| async {
        let page = pages.next().await?;
        let keys = match page {
            Ok(page) => page.contents.unwrap_or_default().into_iter().filter_map(|o| o.key).map(Ok).collect(),
            Err(error) => vec![Err(error.into())],
        };
        Some((stream::iter(keys), pages))
    });
    let copies = keys.flatten().map(|key: Result<String, Box<dyn Error>>| async {
        let key = key?;
        let from = format!("{source}/{key}");
        client.copy_object().bucket(destination).key(key).copy_source(from).send().await?;
        Ok::<_, Box<dyn Error>>(())
    });
    let (mut copied, mut failed, mut first) = (0_u64, 0_u64, None);
    let mut copies = std::pin::pin!(copies.buffer_unordered(at_once));
    while let Some(copy) = copies.next().await {
        match copy {
            Ok(()) => copied += 1,
            Err(error) => {
                failed += 1;
                first.get_or_insert(error);
            }
        }
    }
    writeln!(io::stdout(), "copied {copied}, failed {failed}")?;
    match first {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
