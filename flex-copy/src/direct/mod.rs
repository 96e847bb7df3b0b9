//! The requests of a copy, past the SDK's orchestrator: a run sends some for each object or part, and little else.
//!
//! The orchestrator resolves the endpoint, the scheme of authentication, the signing key and some twenty interceptors anew
//! for each request, which takes more processor time than all the rest of it. What it finds is the same for all requests of one
//! kind to one bucket. So the SDK makes and signs the first of them without sending it ([`example`]), and the others are
//! made after it, with the SDK's own serializer, deserializer, identity and HTTP client. That holds only where our
//! signature of the example is the SDK's, to the letter; in any other case the SDK sends, as it does where the client has
//! interceptors or time limits of an embedder's own, which would go unheard here.

mod clock;
mod example;
mod part_result;
mod signature;

use aws_sdk_s3::{
    error::{BuildError, SdkError},
    operation::{
        complete_multipart_upload::{self as complete, CompleteMultipartUpload},
        copy_object::{self as copy, CopyObject},
        create_multipart_upload::{self as create, CreateMultipartUpload},
        head_object::{self as head, HeadObject},
        upload_part_copy::{self as part, UploadPartCopy},
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpClient, HttpConnector},
        interceptors::{
            Intercept,
            context::{Error, Input},
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_plugin::RuntimePlugin,
        ser_de::{DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer},
    },
    http::Headers,
};
use aws_smithy_types::{
    DateTime,
    body::SdkBody,
    byte_stream::ByteStream,
    config_bag::{ConfigBag, FrozenLayer},
    date_time::Format,
};
use std::{error::Error as StdError, fmt, future::Future};
use tokio::sync::OnceCell;

use crate::signed;
use example::{Capture, Example};

/// The ways of a bucket's requests, each found with the first of its kind.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    copy_object: OnceCell<Way>,
    head_object: OnceCell<Way>,
    create_multipart_upload: OnceCell<Way>,
    upload_part_copy: OnceCell<Way>,
    complete_multipart_upload: OnceCell<Way>,
}

#[derive(Debug)]
pub(crate) enum Way {
    /// After the example.
    Direct(Box<Example>),
    /// Through the SDK's orchestrator.
    Sdk,
}

pub(crate) type Answer<C> = Result<<C as Call>::Output, SdkError<<C as Call>::Error, HttpResponse>>;

/// A request that can be sent past the orchestrator.
pub(crate) trait Call: Clone + Sized {
    type Input: std::fmt::Debug + Send + Sync + 'static;
    type Output: std::fmt::Debug + Send + Sync + 'static;
    type Error: StdError + Send + Sync + 'static;
    /// Its answer may carry an `Expires`, which need not be a date.
    const EXPIRES: bool = false;

    /// An answer that is plain enough to be read here, as far as a copy needs it.
    fn plain(_: &HttpResponse) -> Option<Self::Output> {
        None
    }

    /// How the SDK writes the request and reads the answer.
    fn operation() -> Option<FrozenLayer>;
    fn way(direct: &Direct) -> &OnceCell<Way>;
    fn input(&self) -> Result<Self::Input, BuildError>;
    fn through_sdk(self, capture: Option<Capture>) -> impl Future<Output = Answer<Self>> + Send;
}

macro_rules! call {
    ($operation:ty, $builder:ty, $input:ty, $output:ty, $error:ty, $way:ident $(, { $($more:tt)* })?) => {
        impl Call for $builder {
            type Input = $input;
            type Output = $output;
            type Error = $error;
            $($($more)*)?

            fn operation() -> Option<FrozenLayer> {
                <$operation>::new().config()
            }

            fn way(direct: &Direct) -> &OnceCell<Way> {
                &direct.$way
            }

            fn input(&self) -> Result<Self::Input, BuildError> {
                self.as_input().clone().build()
            }

            async fn through_sdk(self, capture: Option<Capture>) -> Answer<Self> {
                match capture {
                    None => self.send().await,
                    Some(capture) => self.customize().interceptor(capture).send().await,
                }
            }
        }
    };
}

call!(
    CopyObject,
    copy::builders::CopyObjectFluentBuilder,
    copy::CopyObjectInput,
    copy::CopyObjectOutput,
    copy::CopyObjectError,
    copy_object
);
call!(
    HeadObject,
    head::builders::HeadObjectFluentBuilder,
    head::HeadObjectInput,
    head::HeadObjectOutput,
    head::HeadObjectError,
    head_object,
    {
        const EXPIRES: bool = true;
    }
);
call!(
    CreateMultipartUpload,
    create::builders::CreateMultipartUploadFluentBuilder,
    create::CreateMultipartUploadInput,
    create::CreateMultipartUploadOutput,
    create::CreateMultipartUploadError,
    create_multipart_upload
);
call!(
    UploadPartCopy,
    part::builders::UploadPartCopyFluentBuilder,
    part::UploadPartCopyInput,
    part::UploadPartCopyOutput,
    part::UploadPartCopyError,
    upload_part_copy,
    {
        fn plain(answer: &HttpResponse) -> Option<Self::Output> {
            let result = part_result::read(answer)?;
            Some(part::UploadPartCopyOutput::builder().copy_part_result(result).build())
        }
    }
);
call!(
    CompleteMultipartUpload,
    complete::builders::CompleteMultipartUploadFluentBuilder,
    complete::CompleteMultipartUploadInput,
    complete::CompleteMultipartUploadOutput,
    complete::CompleteMultipartUploadError,
    complete_multipart_upload
);

impl Direct {
    pub(crate) async fn send<C: Call>(&self, client: &aws_sdk_s3::Client, call: &C) -> Answer<C> {
        let found = C::way(self);
        let way = match found.get() {
            Some(way) => way,
            // On the heap, like all of the SDK's futures: they take 9 KB, and most requests need none.
            None => found.get_or_try_init(|| Box::pin(way(client, call))).await?,
        };
        match way {
            Way::Direct(example) => example.send(call).await,
            Way::Sdk => Box::pin(call.clone().through_sdk(None)).await,
        }
    }
}

/// Has the SDK make the request, and sees whether we would make the same.
async fn way<C: Call>(client: &aws_sdk_s3::Client, call: &C) -> Result<Way, SdkError<C::Error, HttpResponse>> {
    let config = client.config();
    let limits = config.timeout_config();
    let own_limits = limits.is_some_and(|l| l.operation_timeout().is_some() || l.operation_attempt_timeout().is_some());
    let (true, false, Some(operation)) =
        (config.interceptors().all(|i| i.name() == signed::INTERCEPTOR), own_limits, C::operation())
    else {
        return Ok(Way::Sdk);
    };
    let capture = Capture::default();
    let stopped = call.clone().through_sdk(Some(capture.clone())).await;
    let Some(captured) = capture.take() else {
        // It failed before it was signed, for want of credentials for instance.
        return stopped.map(|_| Way::Sdk);
    };
    let learns_time = config.disable_clock_skew_correction() != Some(true);
    let relative = call.input().ok().and_then(|input| serialized(&operation, input).ok());
    let example = match relative {
        Some(relative) => captured.example(operation, relative, learns_time).await,
        None => None,
    };
    let answer = std::any::type_name::<C::Output>().rsplit("::").next();
    tracing::debug!(answer, direct = example.is_some(), "how requests are sent");
    Ok(example.map_or(Way::Sdk, |example| Way::Direct(Box::new(example))))
}

fn serialized(
    operation: &FrozenLayer,
    input: impl std::fmt::Debug + Send + Sync + 'static,
) -> Result<HttpRequest, BoxError> {
    let serializer = operation.load::<SharedRequestSerializer>().ok_or("the operation has no serializer")?;
    serializer.serialize_input(Input::erase(input), &mut ConfigBag::base())
}

impl Example {
    async fn send<C: Call>(&self, call: &C) -> Answer<C> {
        let input = call.input().map_err(SdkError::construction_failure)?;
        let request = serialized(&self.operation, input).map_err(SdkError::construction_failure)?;
        let (request, stamp) = self.signed(request).await.map_err(SdkError::construction_failure)?;
        let sent = self.clock.now();
        let connector = self.http.http_connector(&self.settings, &self.components);
        let mut answer = connector.call(request).await.map_err(SdkError::dispatch_failure)?;
        self.clock.learn(answer.headers(), sent);
        signed::note(&mut answer, || Some(stamp.time.clone()));
        if C::EXPIRES {
            keep_expires(answer.headers_mut());
        }
        if answer.body().bytes().is_none() {
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            match ByteStream::new(body).collect().await {
                Ok(bytes) => *answer.body_mut() = SdkBody::from(bytes.into_bytes()),
                Err(error) => return Err(SdkError::response_error(error, answer)),
            }
        }
        match C::plain(&answer) {
            Some(output) => Ok(output),
            None => self.read::<C>(answer),
        }
    }

    #[expect(clippy::result_large_err, reason = "it is the SDK's, handed on")]
    fn read<C: Call>(&self, answer: HttpResponse) -> Answer<C> {
        let Some(deserializer) = self.operation.load::<SharedResponseDeserializer>() else {
            return Err(SdkError::response_error("the operation has no deserializer", answer));
        };
        let unknown = "an answer of an unknown type";
        match deserializer.deserialize_nonstreaming_with_config(&answer, &self.bag) {
            Ok(output) => output.downcast().map_err(|_| SdkError::response_error(unknown, answer)),
            Err(error) => {
                let mut told = None;
                // The type that remains is of no account, as long as it is an error's.
                let other = error.map_operation_error(|error: Error| {
                    told = Some(error);
                    fmt::Error
                });
                match told.map(Error::downcast::<C::Error>) {
                    Some(Ok(told)) => Err(SdkError::service_error(told, answer)),
                    Some(Err(_)) => Err(SdkError::response_error(unknown, answer)),
                    None => Err(SdkError::response_error(other, answer)),
                }
            }
        }
    }
}

/// What the SDK does by an interceptor of the operation: the deserializer finds the text of an `Expires` header under a name
/// of the SDK's, and under its own name only what is a date.
fn keep_expires(headers: &mut Headers) {
    let Some(text) = headers.get("expires").map(str::to_owned) else { return };
    if DateTime::from_str(&text, Format::HttpDate).is_err() {
        headers.remove("expires");
    }
    headers.insert("ExpiresString", text);
}

#[cfg(test)]
mod tests;
