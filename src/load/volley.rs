//! A volley: a list of due instants, sent as it stands, and the answers to all of it. What a probe makes of an experiment.
//!
//! Nothing waits for an answer within a volley, and the next volley is only known when this one is answered.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};

use super::PreparedCall;
use super::call_plan::fresh_token;
use super::pool::LoadThread;
use crate::client::{Ask, Client};
use crate::record::sample::{Role, Sample};

/// What a volley's calls are numbered and named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolleyNames {
    /// Keeps the tokens of this run apart from those of every other run.
    pub nonce: u64,
    /// Seed of the tokens.
    pub seed: u64,
    /// Number of the volley's first call.
    pub first: u64,
}

/// Makes a call at each of the instants and returns when the last answer is in. After a stop nothing more is sent, and what was
/// not sent is not in the list, nor what was given up. A denied call stops the session if it shall.
pub async fn volley<T: Client>(thread: &LoadThread, client: &T, dues: &[Duration], names: VolleyNames) -> Vec<Sample> {
    let LoadThread { pacer, admission, .. } = thread;
    let call = async |(k, due): (u64, &Duration)| {
        let prepared = PreparedCall {
            seq: k,
            due: *due,
            mix: 0,
            role: Role::Fresh,
            attempt: 1,
            ask: Ask { request: 0, token: Some(fresh_token(names.nonce, names.seed, k)) },
        };
        match select(pacer.until(*due), admission.signal()).await {
            Either::Left(_) if admission.stopped().is_none() && admission.spend() => {}
            _ => return None,
        }
        let calling = std::pin::pin!(prepared.call(client, pacer));
        let Either::Left((sample, _)) = select(calling, admission.given_up()).await else { return None };
        if sample.answer.refuses_caller() {
            admission.denied();
        }
        Some(sample)
    };
    join_all((names.first..).zip(dues).map(call)).await.into_iter().flatten().collect()
}
