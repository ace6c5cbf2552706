//! What is kept: limits of each account and region, tokens of each scope, sessions of all.
//!
//! Refuses to decide anything.

use std::collections::BTreeMap;

use super::sessions::Sessions;
use super::tokens::TokenBook;
use crate::emulator::config::{EmulatorConfig, TokenScope};
use crate::limiter::{Limiter, Limits};
use crate::service::operation::Operation;
use crate::units::Text64;

/// An account in a region.
pub(super) type PlaceKey = (Text64, &'static str);

/// The limits of an account in a region.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account: Text64,
    pub(super) region: &'static str,
    create: Limits,
    get: Limits,
}

impl Place {
    pub(super) const fn limits(&mut self, operation: Operation) -> &mut Limits {
        match operation {
            Operation::Create => &mut self.create,
            Operation::GetResults => &mut self.get,
        }
    }

    pub(super) const fn key(&self) -> PlaceKey {
        (self.account, self.region)
    }
}

/// Everything that is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    pub(super) places: Vec<Place>,
    index: BTreeMap<PlaceKey, usize>,
    pub(super) tokens: BTreeMap<PlaceKey, TokenBook>,
    pub(super) sessions: Sessions,
}

impl Books {
    /// The number of a place, which is opened with fresh limits when it is new.
    pub(super) fn place(&mut self, config: &EmulatorConfig, account: &str, region: &'static str) -> usize {
        let key = (Text64::cut(account), region);
        *self.index.entry(key).or_insert_with(|| {
            let limits = |operation| Limits::new(limiter(config, operation, region), config.ramp, config.scaling);
            let (create, get) = (limits(Operation::Create), limits(Operation::GetResults));
            self.places.push(Place { account: key.0, region, create, get });
            self.places.len() - 1
        })
    }

    /// The tokens that a place shares.
    pub(super) fn token_book(&mut self, scope: TokenScope, place: PlaceKey) -> &mut TokenBook {
        let (account, region) = place;
        let everywhere = Text64::default();
        let key = match scope {
            TokenScope::AccountRegion => (account, region),
            TokenScope::Account => (account, ""),
            TokenScope::Region => (everywhere, region),
            TokenScope::Global => (everywhere, ""),
        };
        self.tokens.entry(key).or_default()
    }

    /// Fresh quotas for one operation, everywhere.
    pub(super) fn renew_quotas(&mut self, config: &EmulatorConfig, operation: Operation) {
        for place in &mut self.places {
            let limiter = limiter(config, operation, place.region);
            place.limits(operation).set_quota(limiter);
        }
    }
}

fn limiter(config: &EmulatorConfig, operation: Operation, region: &str) -> Limiter {
    Limiter::new(config.quota_of(operation, region), config.charge.rejected)
}
