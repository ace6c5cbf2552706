//! Service Quotas, as far as a probe and a plan ask: `GetServiceQuota` for the four quotas of Face Liveness.
//!
//! awsJson1.1, as the service speaks it. The value is what the emulator is configured with, so that what is measured can be held
//! against what is applied. Signatures are not verified here; only the region is read from them. Refuses everything else of that service.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::control::Control;
use super::message::RequestHead;
use crate::emulator::reply::CONTENT_TYPE as JSON;
use crate::service::operation::SERVICE as REKOGNITION;
use crate::service::quota as quota_of;

/// What `X-Amz-Target` puts before an operation's name.
const SERVICE: &str = "ServiceQuotasV20190624.";

/// Whether a request is for that service.
pub(super) fn asked<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    head.fields.text("x-amz-target")?.strip_prefix(SERVICE)
}

/// Answers a request for `operation`; `body` is `None` if it was too large or too slow.
pub(super) fn answer(control: &Control, operation: &str, head: &RequestHead<'_>, body: Option<&[u8]>) -> Response<Bytes> {
    let found = if operation == "GetServiceQuota" {
        quota(control, region(head), body.unwrap_or_default())
    } else {
        Err(("UnknownOperationException", "only GetServiceQuota is emulated".to_owned()))
    };
    let (status, value) = match found {
        Ok(quota) => (StatusCode::OK, json!({ "Quota": quota })),
        Err((exception, message)) => (StatusCode::BAD_REQUEST, json!({ "__type": exception, "Message": message })),
    };
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// The region of the credential scope: `Credential=KEY/DATE/REGION/...`.
fn region<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    head.fields.text("authorization")?.split_once("Credential=")?.1.split('/').nth(2)
}

fn quota(control: &Control, region: Option<&str>, body: &[u8]) -> Result<Value, (&'static str, String)> {
    let asked: Value = serde_json::from_slice(body).map_err(|e| ("SerializationException", e.to_string()))?;
    let member =
        |name: &str| asked[name].as_str().ok_or_else(|| ("IllegalArgumentException", format!("{name} is missing, or no string")));
    let (service, code) = (member("ServiceCode")?, member("QuotaCode")?);
    let unknown =
        || ("NoSuchResourceException", "The request failed because the specified service or quota does not exist.".to_owned());
    let name = quota_of::name(code).filter(|_| service == REKOGNITION).ok_or_else(unknown)?;
    let value = control.quota_value(code, region).ok_or_else(unknown)?;
    Ok(json!({
        "ServiceCode": service,
        "ServiceName": "Amazon Rekognition",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": true,
        "GlobalQuota": false,
    }))
}
