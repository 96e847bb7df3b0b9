//! When a request was signed, told with its answer: a refused HEAD says nothing else of clocks that differ.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef},
            dyn_dispatch_hint,
        },
        orchestrator::HttpResponse,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use chrono::{DateTime, NaiveDateTime, Utc};

/// A header of our own, on answers and never on the wire.
const SIGNED_AT: &str = "x-flex-signed-at";
/// How `x-amz-date` is written.
pub(crate) const TIME: &str = "%Y%m%dT%H%M%SZ";
/// The name of [`SignedAt`].
pub(crate) const INTERCEPTOR: &str = "SignedAt";

/// The time of the attempt's signature, as it was sent.
#[derive(Debug)]
struct Signature(String);

impl Storable for Signature {
    type Storer = StoreReplace<Self>;
}

/// Notes the time of the signature on the answer. It is not the machine's: the SDK signs with the service's time as it
/// learnt it from earlier answers, which is wrong when a clock has jumped since.
#[derive(Debug)]
pub(crate) struct SignedAt;

#[dyn_dispatch_hint]
impl Intercept for SignedAt {
    fn name(&self) -> &'static str {
        INTERCEPTOR
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(at) = context.request().headers().get("x-amz-date") {
            bag.interceptor_state().store_put(Signature(at.to_owned()));
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(context.response_mut(), || bag.load::<Signature>().map(|Signature(at)| at.clone()));
        Ok(())
    }
}

/// Notes on an answer when its request was signed.
pub(crate) fn note(answer: &mut HttpResponse, at: impl FnOnce() -> Option<String>) {
    // Only a refusal asks for it.
    let refused = answer.status().is_client_error();
    let headers = answer.headers_mut();
    // What the service says under that name is not ours.
    headers.remove(SIGNED_AT);
    if let (true, Some(at)) = (refused, at()) {
        headers.insert(SIGNED_AT, at);
    }
}

/// When the request of this answer was signed, in seconds since 1970-01-01 UTC.
pub(crate) fn signed_at(response: &HttpResponse) -> Option<i64> {
    let text = response.headers().get(SIGNED_AT)?;
    time(text).map(|at| at.timestamp())
}

/// The time in an `x-amz-date`.
pub(crate) fn time(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, TIME).ok().map(|at| at.and_utc())
}
