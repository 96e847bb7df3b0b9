//! Reads the body of a page into the SDK's own output: the SDK's reader takes two thirds of the CPU that a listing needs.
//!
//! Only bodies of an answer with status 200 come here; all others, and whatever is not a page, are the SDK's to understand.

use aws_sdk_s3::{
    error::ErrorMetadata,
    operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output, builders::ListObjectsV2OutputBuilder},
    types::{ChecksumType, CommonPrefix, EncodingType, Object, ObjectStorageClass},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeDeserializationInterceptorContextMut, Error, Output},
            dyn_dispatch_hint,
        },
        orchestrator::{HttpResponse, OrchestratorError},
        runtime_components::RuntimeComponents,
        ser_de::{DeserializeResponse, SharedResponseDeserializer},
    },
};
use aws_smithy_types::{DateTime, config_bag::ConfigBag, date_time::Format};
use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};
use thiserror::Error;

/// Has the page of a ListObjectsV2 read here. Of an entry it reads what a plan needs.
#[derive(Debug)]
pub(super) struct ReadPage;

#[dyn_dispatch_hint]
impl Intercept for ReadPage {
    fn name(&self) -> &'static str {
        "ReadPage"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().as_u16() == 200 {
            bag.interceptor_state().store_put(SharedResponseDeserializer::new(ReadPage));
        }
        Ok(())
    }
}

impl DeserializeResponse for ReadPage {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        let error = match read(body) {
            Ok(page) => return Ok(Output::erase(page)),
            Err(Fault::Refused(meta)) => ListObjectsV2Error::generic(meta),
            Err(fault) => ListObjectsV2Error::unhandled(fault),
        };
        Err(OrchestratorError::operation(Error::erase(error)))
    }
}

/// Why a body is no page.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("the answer is no XML: {0}")]
    Xml(String),
    #[error("the answer is not UTF-8")]
    Encoding(#[from] quick_xml::encoding::EncodingError),
    #[error("the answer ends early")]
    CutOff,
    #[error("the answer is a <{0}> and not a <ListBucketResult>")]
    Foreign(String),
    #[error("\"{value}\" is no {field}")]
    Value { field: &'static str, value: String },
    #[error("the answer names the entity &{0};, which XML does not know")]
    Entity(String),
    /// An error in an answer with status 200.
    #[error("refused")]
    Refused(ErrorMetadata),
}

impl From<quick_xml::Error> for Fault {
    fn from(error: quick_xml::Error) -> Self {
        Self::Xml(quoted(&error.to_string()))
    }
}

/// Of what an answer says, as much as helps in a message.
fn quoted(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

/// What the fields that are read belong to. What lies deeper is of no interest.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Contents,
    CommonPrefixes,
}

pub(super) fn read(body: &[u8]) -> Result<ListObjectsV2Output, Fault> {
    let mut reader = Reader::from_reader(body);
    // `<a/>` is then told as `<a></a>`.
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0_u32;
    let mut rooted = false;
    let mut refused = None;
    let mut place = Place::Root;
    let mut text = String::new();
    let mut page = ListObjectsV2Output::builder();
    let mut objects = Vec::new();
    let mut entry = Entry::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                depth += 1;
                rooted = true;
                text.clear();
                let name = start.local_name();
                match (depth, name.as_ref()) {
                    (1, b"ListBucketResult") => {}
                    (1, b"Error") => refused = Some(ErrorMetadata::builder()),
                    (1, other) => return Err(Fault::Foreign(quoted(&String::from_utf8_lossy(other)))),
                    (2, b"Contents") => place = Place::Contents,
                    (2, b"CommonPrefixes") => place = Place::CommonPrefixes,
                    (2, _) => place = Place::Root,
                    _ => {}
                }
            }
            Event::Text(piece) => text.push_str(&piece.decode()?),
            Event::CData(piece) => text.push_str(&piece.decode()?),
            Event::GeneralRef(entity) => match entity.resolve_char_ref()? {
                Some(character) => text.push(character),
                None => {
                    let name = entity.decode()?;
                    text.push_str(resolve_predefined_entity(&name).ok_or_else(|| Fault::Entity(quoted(&name)))?);
                }
            },
            Event::End(end) => {
                let name = end.local_name();
                match (depth, place) {
                    (2, _) if refused.is_some() => {
                        let told = std::mem::take(&mut text);
                        refused = refused.map(|meta| match name.as_ref() {
                            b"Code" => meta.code(told),
                            b"Message" => meta.message(told),
                            _ => meta,
                        });
                    }
                    (2, Place::Root) => page = field(page, name.as_ref(), &mut text)?,
                    (2, Place::Contents) => objects.push(std::mem::take(&mut entry).object()),
                    (3, Place::Contents) => entry.field(name.as_ref(), &mut text)?,
                    (3, Place::CommonPrefixes) if name.as_ref() == b"Prefix" => {
                        page = page.common_prefixes(CommonPrefix::builder().prefix(std::mem::take(&mut text)).build());
                    }
                    _ => {}
                }
                depth -= 1;
            }
            Event::Eof if depth == 0 && rooted => break,
            Event::Eof => return Err(Fault::CutOff),
            _ => {}
        }
    }
    match refused {
        Some(meta) => Err(Fault::Refused(meta.build())),
        None => Ok(page.set_contents(Some(objects)).build()),
    }
}

fn field(
    page: ListObjectsV2OutputBuilder,
    name: &[u8],
    text: &mut String,
) -> Result<ListObjectsV2OutputBuilder, Fault> {
    Ok(match name {
        b"IsTruncated" => page.is_truncated(match text.as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(Fault::Value { field: "IsTruncated", value: quoted(text) }),
        }),
        b"NextContinuationToken" => page.next_continuation_token(std::mem::take(text)),
        b"EncodingType" => page.encoding_type(EncodingType::from(text.as_str())),
        _ => page,
    })
}

/// An entry, built when it is complete: the SDK's builder is a large value that each of its methods moves.
#[derive(Default)]
struct Entry {
    key: Option<String>,
    etag: Option<String>,
    size: Option<i64>,
    last_modified: Option<DateTime>,
    storage_class: Option<ObjectStorageClass>,
    checksum_type: Option<ChecksumType>,
}

impl Entry {
    fn field(&mut self, name: &[u8], text: &mut String) -> Result<(), Fault> {
        let wrong = |field, text: &str| Fault::Value { field, value: quoted(text) };
        match name {
            b"Key" => self.key = Some(std::mem::take(text)),
            b"ETag" => self.etag = Some(std::mem::take(text)),
            b"Size" => self.size = Some(text.parse().map_err(|_| wrong("Size", text))?),
            b"LastModified" => {
                let at = DateTime::from_str(text, Format::DateTimeWithOffset);
                self.last_modified = Some(at.map_err(|_| wrong("LastModified", text))?);
            }
            b"StorageClass" => self.storage_class = Some(ObjectStorageClass::from(text.as_str())),
            b"ChecksumType" => self.checksum_type = Some(ChecksumType::from(text.as_str())),
            _ => {}
        }
        Ok(())
    }

    fn object(self) -> Object {
        Object::builder()
            .set_key(self.key)
            .set_e_tag(self.etag)
            .set_size(self.size)
            .set_last_modified(self.last_modified)
            .set_storage_class(self.storage_class)
            .set_checksum_type(self.checksum_type)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{Client, config::Region, error::ProvideErrorMetadata, types::OptionalObjectAttributes};
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    };
    use aws_smithy_types::body::SdkBody;
    use proptest::prelude::*;

    use super::*;

    /// Answers every request with this body.
    #[derive(Clone, Debug)]
    struct Says(String);

    impl HttpConnector for Says {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let status = 200.try_into().expect("a status");
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.0.clone()))))
        }
    }

    /// What the SDK makes of a body, and what is made of it here.
    async fn both(body: &str) -> [Result<ListObjectsV2Output, Option<String>>; 2] {
        let says = Says(body.to_owned());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .region(Region::new("r"))
            .allow_no_auth()
            .http_client(http_client_fn(move |_: &HttpConnectorSettings, _: &RuntimeComponents| {
                SharedHttpConnector::new(says.clone())
            }));
        let client = Client::from_conf(config.build());
        let call =
            client.list_objects_v2().bucket("b").optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        let (theirs, ours) = (call.clone().send().await, call.customize().interceptor(ReadPage).send().await);
        [theirs, ours].map(|answer| answer.map_err(|error| error.code().map(str::to_owned)))
    }

    /// What a plan needs of a page.
    fn needed(page: &ListObjectsV2Output) -> String {
        let objects: Vec<_> = page
            .contents()
            .iter()
            .map(|o| (o.key(), o.size(), o.e_tag(), o.last_modified(), o.storage_class(), o.checksum_type()))
            .collect();
        format!(
            "{objects:?} {:?} {:?} {:?} {:?}",
            page.common_prefixes(),
            page.is_truncated(),
            page.next_continuation_token(),
            page.encoding_type()
        )
    }

    async fn assert_same(body: &str) {
        let [theirs, ours] = both(body).await;
        match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => assert_eq!(needed(theirs), needed(ours), "{body}"),
            (Err(theirs), Err(ours)) => assert_eq!(theirs, ours, "{body}"),
            _ => panic!("{theirs:?}\n{ours:?}\n{body}"),
        }
    }

    fn page(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inside}</ListBucketResult>"
        )
    }

    #[tokio::test]
    async fn pages_are_read_as_the_sdk_reads_them() {
        let object = "<Contents><Key>2021/05/a</Key><LastModified>2021-05-31T01:02:03.000Z</LastModified>\
            <ETag>&quot;0cc175b9c0f1b6a831c399e269772661-2&quot;</ETag><Size>7</Size><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>\
            <ChecksumType>FULL_OBJECT</ChecksumType><Owner><ID>x</ID><Key>no</Key></Owner>\
            <RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>\
            <StorageClass>DEEP_ARCHIVE</StorageClass></Contents>";
        for inside in [
            "",
            "<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Name>b</Name><Prefix/><KeyCount>0</KeyCount>",
            "<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b&#x3d;&#61;</NextContinuationToken>",
            object,
            &object.replace("a</Key>", "&lt;&gt;&apos;é 仕様+%20</Key>"),
            &object.replace("<Size>7</Size>", ""),
            &object.replace("</ETag>", "</ETag><!-- a comment --><New><Key>x</Key></New>"),
            &format!("{object}\n  {object}<CommonPrefixes><Prefix>2021/</Prefix></CommonPrefixes>{object}"),
            "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>",
            // No page.
            "<IsTruncated>perhaps</IsTruncated>",
            &object.replace("<Size>7", "<Size>seven"),
            &object.replace("2021-05-31T", "yesterday "),
            &object.replace("&quot;", "&nothing;"),
        ] {
            assert_same(&page(inside)).await;
        }
        for body in [
            "",
            "no XML",
            "<html><body>It works!</body></html>",
            "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>",
            "<Error><Message>without a code</Message></Error>",
        ] {
            assert_same(body).await;
        }
    }

    #[test]
    fn a_page_that_ends_early_is_none() {
        let whole = page("<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>");
        assert!(read(whole.as_bytes()).is_ok());
        for end in 0..whole.len() {
            assert!(read(&whole.as_bytes()[..end]).is_err(), "{}", &whole[..end]);
        }
    }

    #[test]
    fn a_key_may_be_written_as_cdata() {
        // The SDK reads nothing there.
        let page = read(page("<Contents><Key><![CDATA[a<b]]>&amp;c</Key></Contents>").as_bytes()).expect("a page");
        assert_eq!(page.contents()[0].key(), Some("a<b&c"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(keys in proptest::collection::vec("[^\\p{C}\\p{Z}]([^\\p{C}]{0,20}[^\\p{C}\\p{Z}])?", 0..5)) {
            let entries: String = keys
                .iter()
                .map(|key| {
                    let key = quick_xml::escape::escape(key.as_str());
                    format!("<Contents><Key>{key}</Key><ETag>&#34;e&#34;</ETag><Size>1</Size></Contents>")
                })
                .collect();
            let body = page(&entries);
            let read = read(body.as_bytes()).expect("a page");
            let found: Vec<_> = read.contents().iter().filter_map(|object| object.key()).collect();
            prop_assert_eq!(found, keys);
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(assert_same(&body));
        }
    }
}
