//! Is it enough, what do we ask for, and what will users feel?
//!
//! A [`Plan`] is a file as it was read ([`read`]): demand as a curve ([`demand`]), what a user and a client do, four quotas and how each is
//! known ([`limit`]). Every number may be uncertain ([`spread`]).
//!
//! Refuses to simulate, to read a clock and to send anything: `commands` hands it what the drivers counted.

pub mod assemble;
pub mod chance;
pub mod contract;
pub mod demand;
pub mod document;
pub mod import;
pub mod judge;
pub mod keys;
pub mod launch;
pub mod limit;
mod probed;
pub mod proof;
mod read;
pub mod scene;
pub mod spread;
#[cfg(test)]
pub(crate) mod tests;
pub mod whatif;

pub use contract::{PlanReport, report_schema};
pub use document::Plan;
pub use probed::Probes;
pub use read::{load, read};

/// What a plan comes to as expected, without a forecast or a simulation: a line each.
pub fn outline(plan: &Plan) -> Vec<String> {
    let load = scene::Situation::as_is(plan).load(&spread::Case::Expected);
    let quotas = chance::operations(plan).map(|quota| format!("{}/s", quota.rate[1]));
    vec![
        format!("plan of {:.0} users in {}: {}", load.users, plan.region.name, plan.demand.source),
        format!("peak {:.2} users/s, {:.2} checks/s, {:.0} sessions at once", load.users_peak, load.calls[1], load.erlangs),
        format!(
            "quotas: Create {}, Start {}, Get {}, {} at once",
            quotas[0], quotas[1], quotas[2], plan.quotas.concurrent.sessions
        ),
        format!("{} uncertain numbers, {} assumptions; sends nothing", plan.inputs.len(), plan.assumed.len()),
    ]
}

/// A commented plan to start from.
pub const TEMPLATE: &str = include_str!("template.toml");

/// The published JSON Schema (draft 2020-12) of a plan's file.
pub fn schema() -> String {
    crate::scenario::schema_document(&keys::PLAN, serde_json::Map::new())
}
