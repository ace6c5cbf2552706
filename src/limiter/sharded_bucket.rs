//! `sharded-bucket`: several token buckets that know nothing of each other.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::amount::TokenAmount;
use super::keys::{Unfit, depth, depth_of, needed, rate};
use super::suspect::{CallMoment, FAR, Facts, InWave, LimiterNumbers, Range, Remembered, Suspect, Traits, cauchy, logistic};
use super::token_bucket::Bucket;
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant, Words as _, words};
use crate::num::count;
use crate::units::Rate;

/// How calls are spread over the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// By chance.
    #[default]
    Random,
    /// One after the other.
    InTurn,
}

words!(Spread { "random" => Random, "in-turn" => InTurn });

impl Spread {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
    fn is_random(&self) -> bool {
        *self == Self::Random
    }
}

/// `nodes` token buckets that know nothing of each other and share `rate` and `burst` evenly; every call lands on one of them:
/// enforcement that is only right on average. A node's depth is at least one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardedBucket {
    /// How many, 1 to 1000.
    pub nodes: u32,
    /// Tokens per second of all together, above 0.
    pub rate: Rate,
    /// Depth of all together, at least 1.
    pub burst: TokenAmount,
    /// How calls are spread over them.
    #[serde(default, skip_serializing_if = "Spread::is_random")]
    pub spread: Spread,
}

impl ShardedBucket {
    /// Full buckets over which calls are spread by chance.
    pub fn at_random(nodes: u32, rate: Rate, burst: impl Into<TokenAmount>) -> Self {
        Self { nodes, rate, burst: burst.into(), spread: Spread::Random }
    }

    /// Full buckets over which calls are spread one after the other.
    pub fn in_turn(nodes: u32, rate: Rate, burst: impl Into<TokenAmount>) -> Self {
        Self { spread: Spread::InTurn, ..Self::at_random(nodes, rate, burst) }
    }
}

impl LimiterKind for ShardedBucket {
    type State = Nodes;

    const KEYS: &'static Variant = &Variant {
        name: "sharded-bucket",
        help: "Token buckets that know nothing of each other, over which calls are spread: approximate enforcement.",
        keys: &[
            TableKey::required(
                "nodes",
                ValueForm::Integer(1..=1000),
                "`nodes`, over how many nodes it is spread: nodes = 4",
                "Number of buckets.",
            )
            .like("4"),
            rate("Tokens per second of all together."),
            depth("Depth of all together."),
            TableKey::default(
                "spread",
                ValueForm::Word(Spread::NAMES),
                Given::Text("random"),
                "How calls are spread over the nodes: by chance, or one after the other.",
            ),
        ],
    };

    const WORDS: &'static str = "several buckets that know nothing of each other";

    const TOLD_BY: &'static str = "more calls, as each node has few";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&ShardsSuspect { in_turn: false }, &ShardsSuspect { in_turn: true }];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (nodes, rate) = (needed(given.count("nodes"))?, needed(given.rate("rate"))?);
        Ok(Self { nodes, rate, burst: depth_of(given, rate), spread: given.word("spread").unwrap_or_default() })
    }

    fn start(&self) -> Nodes {
        let buckets = (0..self.nodes.max(1)).map(|_| Bucket::shared(self.rate, self.burst, self.nodes)).collect();
        Nodes { buckets, turn: (self.spread == Spread::InTurn).then_some(0) }
    }

    fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate.as_f64())
    }
}

impl fmt::Display for ShardedBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let turn = if self.spread == Spread::InTurn { ", round robin" } else { "" };
        write!(f, "{} burst {} over {} nodes{turn}", self.rate, self.burst, self.nodes)
    }
}

/// The bucket of each node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "NodesForm", into = "NodesForm")]
pub(super) struct Nodes {
    buckets: Vec<Bucket>,
    /// The node of the next call, if they take turns.
    turn: Option<usize>,
}

/// On disk: the buckets alone where there are no turns, as it always was.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NodesForm {
    Random(Vec<Bucket>),
    InTurn { buckets: Vec<Bucket>, turn: usize },
}

impl From<NodesForm> for Nodes {
    fn from(form: NodesForm) -> Self {
        match form {
            NodesForm::Random(buckets) => Self { buckets, turn: None },
            NodesForm::InTurn { buckets, turn } => Self { buckets, turn: Some(turn) },
        }
    }
}

impl From<Nodes> for NodesForm {
    fn from(Nodes { buckets, turn }: Nodes) -> Self {
        match turn {
            None => Self::Random(buckets),
            Some(turn) => Self::InTurn { buckets, turn },
        }
    }
}

impl Nodes {
    /// Where a call lands.
    fn node(&self, arrival: &Arrival) -> usize {
        let nodes = self.buckets.len().max(1);
        // Below the number of nodes, which is a usize.
        self.turn.map_or_else(|| usize::try_from(arrival.node % nodes as u64).unwrap_or(0), |turn| turn % nodes)
    }
}

impl State for Nodes {
    /// Each node goes on when a call lands on it.
    fn advance(&mut self, _: Duration) {}

    /// Where the same call would land another time is chance unless they take turns, so a refusal names no instant.
    fn decide(&self, arrival: &Arrival) -> Passing {
        let Some(bucket) = self.buckets.get(self.node(arrival)) else { return Ok(Duration::ZERO) };
        let mut bucket = bucket.clone();
        bucket.advance(arrival.now);
        bucket.decide(arrival).map_err(|until| if self.turn.is_some() { until } else { NotUntil::UNKNOWN })
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        let node = self.node(arrival);
        if let Some(bucket) = self.buckets.get_mut(node) {
            bucket.advance(arrival.now);
            bucket.pay(arrival, toll);
        }
        self.turn = self.turn.map(|_| (node + 1) % self.buckets.len().max(1));
    }
}

// How it shows itself to a probe: several buckets that know nothing of each other; each call lands on one of them by chance.

/// Numbers: nodes, rate and depth of all together.
struct ShardsSuspect {
    /// Calls take turns; else each lands by chance.
    in_turn: bool,
}

/// Nodes at most.
const MOST: usize = 8; // derived: a call in eight lands on one that is full; more cannot be told apart in 600 calls

/// Where the last instant is kept.
const LAST: usize = MOST;

/// Where it is kept whose turn it is.
const TURN: usize = MOST + 1;

/// Where it is kept how many calls of a wave each node still gets.
const DUE: usize = TURN + 1;

/// What is surely open is refused by chance so often, and what is surely shut let through.
const UNSURE: f64 = 1e-6; // derived: a million calls are more than a probe sends

/// Where a logistic is nearer to its end than [`UNSURE`].
const SURE: f64 = 13.815_51; // derived: ln(1e6)

impl ShardsSuspect {
    fn nodes(n: &LimiterNumbers) -> usize {
        crate::num::place(n[0]).clamp(1, MOST)
    }

    /// At the first call of a wave: how many of it each node gets, one after the other.
    fn take_turns(n: &LimiterNumbers, s: &mut Remembered, wave: InWave) {
        if wave.place > 0 {
            return;
        }
        let (nodes, turn) = (Self::nodes(n), crate::num::place(s[TURN]));
        for node in 0..nodes {
            let later = (node + nodes - turn % nodes) % nodes;
            s[DUE + node] = count((wave.calls + nodes - 1 - later) / nodes);
        }
    }

    /// The fullest or the emptiest of the nodes that still get a call of the wave: in which order they get them nobody knows.
    fn due(n: &LimiterNumbers, s: &Remembered, fullest: bool) -> usize {
        let nodes = 0..Self::nodes(n);
        let held = |node: &usize| if fullest { s[*node] } else { -s[*node] };
        let left = nodes.filter(|node| s[DUE + node] > 0.0).max_by(|a, b| held(a).total_cmp(&held(b)));
        left.unwrap_or(crate::num::place(s[TURN]) % Self::nodes(n))
    }

    /// By how many seconds a node lets one more call through, or refuses it.
    fn room(n: &LimiterNumbers, s: &Remembered, node: usize) -> f64 {
        (s[node] - 1.0) / (n[1] / n[0])
    }

    fn fill(n: &LimiterNumbers, s: &mut Remembered, t: f64) {
        let dt = t - s[LAST];
        s[LAST] = t;
        for held in &mut s[..Self::nodes(n)] {
            *held = (*held + n[1] / n[0] * dt).min(n[2] / n[0]);
        }
    }

    /// How surely each node lets a call through.
    fn open(n: &LimiterNumbers, s: &Remembered) -> [f64; MOST] {
        // derived: the jitter of a round trip is milliseconds; a token more or less by so much
        let sharp = n[0] / (n[1] * 0.004);
        let mut open = [0.0; MOST];
        for (open, held) in open.iter_mut().zip(&s[..Self::nodes(n)]) {
            let edge = (held - 1.0) * sharp;
            // Where the bounds are reached anyway, which is most of the time, no exponential is taken.
            *open = if edge > SURE {
                1.0 - UNSURE
            } else if edge < -SURE {
                UNSURE
            } else {
                logistic(edge)
            };
        }
        open
    }

    /// A node by chance, by the weight of each.
    fn drawn(weights: &[f64], chance: f64) -> usize {
        let mut left = chance * weights.iter().sum::<f64>();
        for (at, weight) in weights.iter().enumerate() {
            left -= weight;
            if left <= 0.0 {
                return at;
            }
        }
        weights.len() - 1
    }
}

impl Suspect for ShardsSuspect {
    fn kind(&self) -> Kind {
        Kind::ShardedBucket
    }

    fn name(&self) -> &'static str {
        if self.in_turn { "several buckets, round robin" } else { "several buckets, by chance" }
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        // The first refused call comes when one of them is empty.
        vec![Range::whole(2.0, 8.0), facts.rates(), Range::log(facts.burst.max(2.0), facts.burst * 8.0 + 8.0)] // derived: MOST
    }

    fn start(&self, n: &LimiterNumbers, s: &mut Remembered) {
        for held in &mut s[..Self::nodes(n)] {
            *held = (n[2] / n[0]).max(1.0);
        }
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        Self::fill(n, s, now.t);
        if self.in_turn {
            Self::take_turns(n, s, now.wave);
            return Self::room(n, s, Self::due(n, s, true));
        }
        // A simulation lands by chance.
        let at = Self::drawn(&[1.0; MOST][..Self::nodes(n)], now.chance);
        if s[at] >= 1.0 { FAR } else { -FAR }
    }

    fn chance(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>, sigma: f64) -> f64 {
        if self.in_turn {
            return cauchy(self.margin(n, s, now) / sigma);
        }
        Self::fill(n, s, now.t);
        Self::open(n, s).iter().sum::<f64>() / n[0].round()
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let at = if self.in_turn { Self::due(n, s, true) } else { Self::drawn(&Self::open(n, s)[..Self::nodes(n)], now.chance) };
        s[TURN] += 1.0;
        if self.in_turn {
            s[DUE + at] -= 1.0;
        }
        s[at] = (s[at] - 1.0).max(0.0);
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        let at = if self.in_turn {
            Self::due(n, s, false)
        } else {
            Self::drawn(&Self::open(n, s).map(|open| 1.0 - open)[..Self::nodes(n)], now.chance)
        };
        s[TURN] += 1.0;
        if self.in_turn {
            s[DUE + at] -= 1.0;
        }
        s[at] = s[at].min(0.999); // derived: less than a token
    }

    fn excuse(&self, n: &LimiterNumbers, s: &Remembered, _now: &CallMoment<'_>) -> f64 {
        if self.in_turn { Self::room(n, s, Self::due(n, s, false)) } else { FAR }
    }

    fn hidden(&self) -> bool {
        !self.in_turn
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        Traits { rate: Some(n[1]), burst: Some(n[2].floor()), nodes: Some(n[0]), ..Traits::default() }
    }
}
