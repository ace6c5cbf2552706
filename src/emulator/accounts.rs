//! What is kept: limits of each account and region, tokens of each scope, sessions of all.
//!
//! Refuses to decide anything.

use std::collections::BTreeMap;

use super::sessions::SessionTable;
use super::snapshot::{RestoreError, ScopeState, TokensState, known_region};
use super::tokens::TokenBook;
use crate::emulator::config::{EmulatorConfig, TokenScope};
use crate::limiter::{Limiter, Limits};
use crate::service::operation::Operation;
use crate::units::Text64;

/// An account in a region; an empty name stands for all of them.
type ScopeKey = (Text64, &'static str);

/// An account in a region, with its limits.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The account.
    pub(super) account: Text64,
    /// The region.
    pub(super) region: &'static str,
    create: Limits,
    get: Limits,
    /// On starting streams, and on how many there are at once; made for the first.
    streams: Option<[Limiter; 2]>,
}

impl Scope {
    const fn limits(&mut self, operation: Operation) -> &mut Limits {
        match operation {
            Operation::Create => &mut self.create,
            Operation::GetResults => &mut self.get,
        }
    }
}

/// Everything that is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Accounts {
    scopes: Vec<Scope>,
    index: BTreeMap<ScopeKey, usize>,
    /// The scope that was asked for last: nearly always the next one, too.
    recent: usize,
    tokens: BTreeMap<ScopeKey, TokenBook>,
    /// The sessions of all accounts and regions.
    pub(super) sessions: SessionTable,
}

impl Accounts {
    /// The number of a scope, which is opened with fresh limits when it is new.
    pub(super) fn open_scope(&mut self, config: &EmulatorConfig, account: &str, region: &'static str) -> usize {
        let recent = self.scopes.get(self.recent);
        if recent.is_some_and(|scope| scope.account.as_str() == account && scope.region == region) {
            return self.recent;
        }
        let key = (Text64::cut(account), region);
        self.recent = *self.index.entry(key).or_insert_with(|| {
            let limits = |operation| Limits::new(limiter(config, operation, region), config.ramp, config.scaling);
            let (create, get) = (limits(Operation::Create), limits(Operation::GetResults));
            self.scopes.push(Scope { account: key.0, region, create, get, streams: None });
            self.scopes.len() - 1
        });
        self.recent
    }

    /// The scope of a number that [`open_scope`](Self::open_scope) gave.
    pub(super) fn scope(&self, number: usize) -> &Scope {
        &self.scopes[number]
    }

    /// The limits on an operation in a scope.
    pub(super) fn limits(&mut self, scope: usize, operation: Operation) -> &mut Limits {
        self.scopes[scope].limits(operation)
    }

    /// The limits on streams in a scope: on starting them, and on how many there are at once.
    pub(super) fn streams(&mut self, config: &EmulatorConfig, scope: usize) -> &mut [Limiter; 2] {
        let Scope { region, streams, .. } = &mut self.scopes[scope];
        streams.get_or_insert_with(|| config.stream_quotas(region).map(|quota| Limiter::new(quota, false)))
    }

    /// The tokens that a scope shares with others, as far as `sharing` says.
    pub(super) fn token_book(&mut self, sharing: TokenScope, scope: usize) -> &mut TokenBook {
        let Scope { account, region, .. } = self.scopes[scope];
        let everywhere = Text64::default();
        let key = match sharing {
            TokenScope::AccountRegion => (account, region),
            TokenScope::Account => (account, ""),
            TokenScope::Region => (everywhere, region),
            TokenScope::Global => (everywhere, ""),
        };
        self.tokens.entry(key).or_default()
    }

    /// Tokens that still lead somewhere, as of the last call.
    pub(super) fn live_tokens(&self) -> usize {
        self.tokens.values().map(TokenBook::live).sum()
    }

    /// Fresh quotas for one operation, everywhere.
    pub(super) fn renew_quotas(&mut self, config: &EmulatorConfig, operation: Operation) {
        for scope in &mut self.scopes {
            let limiter = limiter(config, operation, scope.region);
            scope.limits(operation).set_quota(limiter);
        }
    }

    /// Every scope, for a snapshot.
    pub(super) fn save_scopes(&self) -> Vec<ScopeState> {
        let saved = |Scope { account, region, create, get, streams }: &Scope| ScopeState {
            account: *account,
            region: (*region).to_owned(),
            create: create.clone(),
            get: get.clone(),
            streams: streams.clone(),
        };
        self.scopes.iter().map(saved).collect()
    }

    /// Every live token, for a snapshot.
    pub(super) fn save_tokens(&self) -> Vec<TokensState> {
        let saved = |((account, region), book): (&ScopeKey, &TokenBook)| TokensState {
            account: *account,
            region: (*region).to_owned(),
            tokens: book.entries().collect(),
        };
        self.tokens.iter().map(saved).collect()
    }

    /// Takes a scope of a snapshot; limits of other settings than `config` has start afresh.
    pub(super) fn load_scope(&mut self, config: &EmulatorConfig, saved: ScopeState) -> Result<(), RestoreError> {
        let ScopeState { account, region, create, get, streams } = saved;
        let number = self.open_scope(config, account.as_str(), known_region(&region)?);
        self.limits(number, Operation::Create).resume(create);
        self.limits(number, Operation::GetResults).resume(get);
        if let Some(saved) = streams {
            let own = self.streams(config, number);
            for (own, saved) in own.iter_mut().zip(saved) {
                if own.fits(&saved) {
                    *own = saved;
                }
            }
        }
        Ok(())
    }

    /// Takes the tokens of a snapshot.
    pub(super) fn load_tokens(&mut self, saved: TokensState) -> Result<(), RestoreError> {
        let TokensState { account, region, tokens } = saved;
        let region = if region.is_empty() { "" } else { known_region(&region)? };
        let mut book = TokenBook::default();
        for entry in tokens {
            book.remember(entry);
        }
        self.tokens.insert((account, region), book);
        Ok(())
    }
}

fn limiter(config: &EmulatorConfig, operation: Operation, region: &str) -> Limiter {
    Limiter::new(config.quota_of(operation, region), config.charge.rejected)
}
