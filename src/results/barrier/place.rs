//! What a place must be able to do for shards to meet there: hold small objects by name, and create one exactly once.

use std::fmt::Debug;
use std::time::Duration;

use super::error::BarrierError;

/// How fast things go at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct BarrierPace {
    /// How often a shard shows that it is there.
    pub(super) beat: Duration,
    /// Who has not been seen to beat for so long is gone.
    pub(super) silent: Duration,
    /// How often others are looked for.
    pub(super) look: Duration,
    /// Time for every shard to hear of the decision and to be ready for the first call.
    pub(super) lead: Duration,
}

/// An object's name, and what tells that it was written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlaceEntry {
    pub(super) name: String,
    /// Another text after each write of other bytes; `None` if only reading the object tells.
    pub(super) stamp: Option<String>,
}

/// Where shards meet.
pub(super) trait MeetingPlace: Debug + Send + Sync {
    /// How fast things go here.
    fn pace(&self) -> BarrierPace;

    /// Everything that is here, in no order.
    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError>;

    /// The object of this name; `None` if it is not there (any more).
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BarrierError>;

    /// Writes an object as a whole, over the one that is there.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BarrierError>;

    /// Creates an object unless there is one, in one step: of all who try at the same time at most one hears `true`. After `false` there
    /// may be none yet, if two were in each other's way: whoever wants to know looks again.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, BarrierError>;

    /// Removes an object. One that is not there is no error.
    fn remove(&self, name: &str) -> Result<(), BarrierError>;
}
