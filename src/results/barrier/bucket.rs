//! A prefix of an S3 bucket, as the place where shards meet. A decision is an object that is put if none has its name (`If-None-Match: *`),
//! which succeeds once. Its requests are made on a thread of their own: whoever asks may be on a runtime that must not wait for itself.

use std::fmt;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::path::Path as ObjectPath;
use object_store::{BackoffConfig, Error as StoreError, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig};
use tokio::sync::oneshot;

use super::address::BucketAddress;
use super::error::BarrierError;
use super::place::{BarrierPace, MeetingPlace, PlaceEntry};
use crate::client::net::Trust;
use crate::client::net::objects::{ObjectConnector, unanswered};

/// The pace of a bucket: every look and every beat is a request that is paid for.
const PACE: BarrierPace = BarrierPace {
    // derived: an hour of beats of one shard is 1800 PUTs, which are 0.9 cents
    beat: Duration::from_secs(2),
    // derived: a beat that is given up after 8 s, the pause before the next, and the time that that one and a look may take
    silent: Duration::from_secs(15),
    look: Duration::from_secs(1),
    // derived: a shard looks every second; its look is a list and the decision, either of which may be tried again after a second
    lead: Duration::from_secs(6),
};
/// How long one request is tried again: as often as fits in.
// derived: with the longest pause and a last try of 3 s (`client::net::objects`) 8 s, below the time after which others call a shard gone
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest pause between two tries.
// derived: the time between two looks, which a try that comes late must not exceed
const PAUSE: Duration = Duration::from_secs(1);

/// What is asked of a bucket's store, on a thread of its own that ends with this.
pub(super) struct BucketPlace {
    address: BucketAddress,
    store: AmazonS3,
    runtime: tokio::runtime::Handle,
    /// Ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The store knows keys.
        f.debug_struct("BucketPlace").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What `object_store` takes from the environment, such as keys, region, web identity and encryption.
fn builder(address: &BucketAddress) -> Result<AmazonS3Builder, BarrierError> {
    use AmazonS3ConfigKey::{AccessKeyId, DefaultRegion, Region, SecretAccessKey, Token};
    let mut builder = AmazonS3Builder::new();
    for (name, value) in
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
    {
        let key = name.to_ascii_lowercase().parse().ok();
        let Some(key) = key.filter(|_| name.starts_with("AWS_") && !value.is_empty()) else { continue };
        // They become parts of a header, which the client does not look at twice.
        let is_in_header = matches!(key, AccessKeyId | SecretAccessKey | Token | Region | DefaultRegion);
        if is_in_header && !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = format!("{name} has a space, a line break or another character that it cannot have; set it again");
            return Err(BarrierError::Address { place: address.place.clone(), problem });
        }
        builder = builder.with_config(key, value);
    }
    Ok(builder)
}

/// The client of this bucket.
fn store(address: &BucketAddress) -> Result<AmazonS3, BarrierError> {
    let bundle = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty());
    let trust = bundle.map_or(Trust::System, |path| Trust::Bundle(path.into()));
    // A store on this machine over http needs no certificates, and may be on a machine that has none.
    let trust = (!(address.is_here && address.endpoint.starts_with("http:"))).then_some(trust);
    let connector = ObjectConnector::new(trust.as_ref()).map_err(|e| unusable(address, e.to_string()))?;
    let mut builder = builder(address)?;
    // An emulator: no provider of credentials is asked over the network.
    if address.is_here && builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none() {
        builder = builder.with_access_key_id("test").with_secret_access_key("test");
    }
    // The endpoint that was looked at is the one that is asked, whatever other variables say.
    let builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, &address.endpoint);
    let builder = builder.with_s3_express(false).with_virtual_hosted_style_request(false);
    let backoff = BackoffConfig { max_backoff: PAUSE, ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: usize::MAX, retry_timeout: PATIENCE };
    let builder = builder.with_bucket_name(&address.bucket).with_conditional_put(S3ConditionalPut::ETagMatch);
    builder.with_retry(retry).with_http_connector(connector).build().map_err(|e| unusable(address, e.to_string()))
}

fn unusable(address: &BucketAddress, reason: String) -> BarrierError {
    BarrierError::Bucket { place: address.place.clone(), reason }
}

/// What an error means and what to do, without the answer's body, which may repeat a key or a token: of that only the code.
fn told(error: &StoreError, endpoint: &str) -> String {
    let said = error.to_string();
    let (before, after) = said.split_once("status code: ").unwrap_or((&said, ""));
    let status: String = after.chars().take_while(char::is_ascii_digit).collect();
    let code = after.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    let code = if code.bytes().all(|byte| byte.is_ascii_alphanumeric()) { code } else { "" };
    let answer = format!("{status} {code}");
    let answer = answer.trim();
    // What is asked for keys has another address; its failures name the address, as those of the store do.
    if before.contains(" http") && !before.contains(endpoint) {
        return format!(
            "no credentials were found ({answer}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
        );
    }
    match (status.as_str(), code) {
        (_, "NoSuchBucket") => "there is no such bucket; create it, or correct its name".to_owned(),
        ("301" | "307" | "308", _) | (_, "AuthorizationHeaderMalformed") => {
            format!("the bucket is in another region ({answer}); set AWS_REGION to that")
        }
        ("401" | "403", _) => {
            format!("access was denied ({answer}); allow s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there")
        }
        ("501", _) => format!("the store cannot do that ({answer}); use one that knows If-None-Match, as S3 does"),
        ("", _) if before.contains("redirect") => "the bucket is in another region; set AWS_REGION to that".to_owned(),
        ("", _) => match unanswered(error) {
            Some(cause) => {
                format!("the store cannot be reached: {cause}; try again, or correct AWS_REGION or AWS_ENDPOINT_URL_S3")
            }
            None => "what the store answered cannot be understood; is AWS_ENDPOINT_URL_S3 an S3?".to_owned(),
        },
        _ => format!("the store answered {answer}; try again"),
    }
}

impl BucketPlace {
    /// Makes the client. The first request is that of whoever asks first.
    pub(super) fn open(address: BucketAddress) -> Result<Self, BarrierError> {
        let store = store(&address)?;
        let failed = |e: std::io::Error| unusable(&address, e.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (handle, (stop, stopped)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let thread = std::thread::Builder::new().name("bucket".to_owned()).spawn(move || {
            // Whether it is told to stop or nobody is left to tell it: it ends.
            let _ = runtime.block_on(stopped);
        });
        let thread = thread.map_err(failed)?;
        Ok(Self { address, store, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Makes a request on the thread, and waits for it.
    fn ask<T, F>(&self, request: impl FnOnce(AmazonS3) -> F) -> Result<Result<T, StoreError>, BarrierError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (tell, told) = channel();
        let request = request(self.store.clone());
        self.runtime.spawn(async move {
            // Nobody who asked has gone: the other end waits below.
            let _ = tell.send(request.await);
        });
        told.recv().map_err(|_| BarrierError::Ended(self.address.place.clone()))
    }

    fn path(&self, name: &str) -> ObjectPath {
        ObjectPath::from(format!("{}/{name}", self.address.prefix))
    }

    fn put(&self, name: &str, bytes: &[u8], mode: PutMode) -> Result<Result<(), StoreError>, BarrierError> {
        let (path, bytes, options) = (self.path(name), bytes.to_vec(), PutOptions::from(mode));
        self.ask(|store| async move { store.put_opts(&path, bytes.into(), options).await.map(|_| ()) })
    }

    fn failed(&self, error: &StoreError) -> BarrierError {
        unusable(&self.address, told(error, &self.address.endpoint))
    }
}

impl MeetingPlace for BucketPlace {
    fn pace(&self) -> BarrierPace {
        PACE
    }

    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError> {
        let prefix = ObjectPath::from(self.address.prefix.as_str());
        let listed = self.ask(|store| async move { store.list_with_delimiter(Some(&prefix)).await })?;
        let objects = listed.map_err(|e| self.failed(&e))?.objects.into_iter();
        let entry = |object: object_store::ObjectMeta| {
            let stamp = object.e_tag.unwrap_or_else(|| object.last_modified.to_rfc3339());
            Some(PlaceEntry { name: object.location.filename()?.to_owned(), stamp: Some(stamp) })
        };
        Ok(objects.filter_map(entry).collect())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BarrierError> {
        let path = self.path(name);
        match self.ask(|store| async move { store.get(&path).await?.bytes().await })? {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BarrierError> {
        self.put(name, bytes, PutMode::Overwrite)?.map_err(|e| self.failed(&e))
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, BarrierError> {
        match self.put(name, bytes, PutMode::Create)? {
            Ok(()) => Ok(true),
            // 412, or 409 where two were in each other's way; also after a first try that succeeded without a word.
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn remove(&self, name: &str) -> Result<(), BarrierError> {
        let path = self.path(name);
        match self.ask(|store| async move { store.delete(&path).await })? {
            Err(StoreError::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }
}

impl Drop for BucketPlace {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked has told so itself.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
