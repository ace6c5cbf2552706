//! Which shard a process is: told by an option, by a variable, or by the engine that started it.
//!
//! Refuses to guess: a count that the engine does not give has to be given, and whoever says otherwise than the engine is refused. Slurm
//! says of `--array=2` that there is one task: without the check shard 2 of 4 would be the whole run, at four times its rate.

use thiserror::Error;

use super::Shard;

/// Where a process stands, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIdentity {
    /// Its place.
    pub shard: Shard,
    /// Who said so: `--shard`, a variable's name or an engine's; `None` is nobody, and the whole run is meant.
    pub source: Option<&'static str>,
    /// What the engine calls this run, the same for all its shards; `None` where no engine says.
    pub run: Option<String>,
    /// Which attempt at this shard it is, from 0, as far as the engine says. Only a label: engines have been seen to lie.
    pub attempt: u64,
    /// `LIVEBENCH_GROUP`: the region or account that this shard's figures are kept together by.
    pub group: Option<String>,
}

/// Why nobody knows which shard it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// A variable says something that is no place.
    #[error("{name} is `{value}`; {wanted}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        wanted: &'static str,
    },
    /// An index without a count.
    #[error(
        "{engine} says which shard this is ({index}), but not of how many; set LIVEBENCH_SHARDS to their number, or say --shard 0/1 for a whole run"
    )]
    NoCount {
        /// The engine.
        engine: &'static str,
        /// Its index.
        index: u64,
    },
    /// Two that say different things.
    #[error(
        "{one} says {shard}, {other} says {otherwise}; they must agree (a job array that runs one index again counts only that one: set LIVEBENCH_SHARDS, and keep the array's whole range)"
    )]
    Disagreement {
        /// Who says one thing.
        one: &'static str,
        /// Which.
        shard: String,
        /// Who says another.
        other: &'static str,
        /// Which.
        otherwise: String,
    },
}

/// What an engine exports to its tasks.
struct Engine {
    name: &'static str,
    index: &'static str,
    /// The first index, and the distance of two.
    from: Option<(&'static str, &'static str)>,
    count: Option<&'static str>,
    /// What the index counts from where nothing else says.
    base: u64,
    run: Option<&'static str>,
    attempt: Option<&'static str>,
    /// What the attempt counts from.
    first_attempt: u64,
}

const fn engine(name: &'static str, index: &'static str, count: Option<&'static str>) -> Engine {
    Engine { name, index, from: None, count, base: 0, run: None, attempt: None, first_attempt: 0 }
}

/// The engines, those first whose variables are inside another's job.
// source: sbatch(1) and srun(1), OUTPUT ENVIRONMENT VARIABLES; Kubernetes, "Indexed Job for Parallel Processing"; AWS Batch User Guide,
// "Job environment variables"; Open MPI, mpirun(1); GNU parallel(1); HyperQueue, "Task arrays"; Google Cloud, "Cloud Run jobs" and "Batch"
const ENGINES: [Engine; 9] = [
    Engine {
        run: Some("AWS_BATCH_JOB_ID"),
        attempt: Some("AWS_BATCH_JOB_ATTEMPT"),
        first_attempt: 1,
        ..engine("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", Some("AWS_BATCH_JOB_ARRAY_SIZE"))
    },
    engine("Kubernetes", "JOB_COMPLETION_INDEX", None),
    Engine {
        from: Some(("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP")),
        run: Some("SLURM_ARRAY_JOB_ID"),
        attempt: Some("SLURM_RESTART_COUNT"),
        ..engine("Slurm's job array", "SLURM_ARRAY_TASK_ID", Some("SLURM_ARRAY_TASK_COUNT"))
    },
    Engine {
        run: Some("SLURM_JOB_ID"),
        attempt: Some("SLURM_RESTART_COUNT"),
        ..engine("Slurm's step", "SLURM_PROCID", Some("SLURM_NTASKS"))
    },
    engine("Open MPI", "OMPI_COMM_WORLD_RANK", Some("OMPI_COMM_WORLD_SIZE")),
    Engine {
        attempt: Some("CLOUD_RUN_TASK_ATTEMPT"),
        ..engine("Cloud Run", "CLOUD_RUN_TASK_INDEX", Some("CLOUD_RUN_TASK_COUNT"))
    },
    engine("Google Batch", "BATCH_TASK_INDEX", Some("BATCH_TASK_COUNT")),
    engine("HyperQueue", "HQ_TASK_ID", None),
    Engine { base: 1, ..engine("GNU parallel", "PARALLEL_SEQ", None) },
];

/// Which shard a process is. `typed` is its option, `variable` reads the environment; an empty variable counts as absent.
///
/// # Errors
/// What is said is no place, is not enough, or is contradicted.
pub fn identify(typed: Option<Shard>, variable: impl Fn(&str) -> Option<String>) -> Result<ShardIdentity, IdentityError> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let stated = match variable("LIVEBENCH_SHARD") {
        None => None,
        Some(value) => {
            let wanted = "write it like 0/4, the first of four";
            Some(value.parse::<Shard>().map_err(|_| IdentityError::Variable { name: "LIVEBENCH_SHARD", value, wanted })?)
        }
    };
    let shards = count(&variable, "LIVEBENCH_SHARDS")?;
    let found = ENGINES.iter().find(|engine| variable(engine.index).is_some());
    let placed = found.map(|engine| engine.place(&variable)).transpose()?;
    let said = [typed.map(|shard| ("--shard", shard)), stated.map(|shard| ("LIVEBENCH_SHARD", shard))];
    let said = said.into_iter().flatten().next();
    let (shard, source) = match (said, found, placed) {
        (Some((source, shard)), ..) => (shard, Some(source)),
        (None, Some(engine), Some((index, counted))) => (engine.shard(index, counted, shards)?, Some(engine.name)),
        _ => (Shard::WHOLE, None),
    };
    if let (Some(stated), Some(("--shard", typed))) = (stated, said)
        && stated != typed
    {
        return Err(disagreement(("--shard", typed.to_string()), ("LIVEBENCH_SHARD", stated.to_string())));
    }
    // An engine that counts one task alone says nothing of this run's shards: a batch script that starts them itself, or one index again.
    if let (Some((source, shard)), Some(engine), Some((index, counted))) = (said, found, placed)
        && shard.is_part()
        && counted != Some(1)
        && (index != shard.index || counted.is_some_and(|of| of != shard.of))
    {
        let otherwise = counted.map_or_else(|| format!("number {index}"), |of| format!("{index}/{of}"));
        return Err(disagreement((source, shard.to_string()), (engine.name, otherwise)));
    }
    if let Some(shards) = shards.filter(|shards| *shards != shard.of) {
        let source = source.unwrap_or("the lack of any index");
        return Err(disagreement((source, format!("{} in all", shard.of)), ("LIVEBENCH_SHARDS", shards.to_string())));
    }
    let run = found.and_then(|engine| engine.run).and_then(&variable);
    // A child of an array job of AWS Batch is PARENT:INDEX.
    let run = run.map(|run| run.split(':').next().unwrap_or_default().to_owned());
    let attempt = match found {
        Some(Engine { attempt: Some(name), first_attempt, .. }) => {
            count(&variable, name)?.unwrap_or(*first_attempt).saturating_sub(*first_attempt)
        }
        _ => 0,
    };
    Ok(ShardIdentity { shard, source, run, attempt, group: variable("LIVEBENCH_GROUP") })
}

fn disagreement(one: (&'static str, String), other: (&'static str, String)) -> IdentityError {
    IdentityError::Disagreement { one: one.0, shard: one.1, other: other.0, otherwise: other.1 }
}

/// A whole number in a variable.
fn count(variable: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<u64>, IdentityError> {
    let wanted = "a whole number is needed";
    let read = |value: String| value.parse().map_err(|_| IdentityError::Variable { name, value, wanted });
    variable(name).map(read).transpose()
}

impl Engine {
    /// The index from 0, and the count if the engine says one.
    fn place(&self, variable: &impl Fn(&str) -> Option<String>) -> Result<(u64, Option<u64>), IdentityError> {
        let index = count(variable, self.index)?.unwrap_or_default();
        let (from, step) = match self.from {
            Some((from, step)) => (count(variable, from)?.unwrap_or(0), count(variable, step)?.unwrap_or(1).max(1)),
            None => (self.base, 1),
        };
        let counted = self.count.map(|name| count(variable, name)).transpose()?.flatten();
        Ok((index.saturating_sub(from) / step, counted))
    }

    fn shard(&self, index: u64, counted: Option<u64>, shards: Option<u64>) -> Result<Shard, IdentityError> {
        if let (Some(counted), Some(shards)) = (counted, shards)
            && counted != shards
        {
            return Err(disagreement((self.name, format!("{counted} in all")), ("LIVEBENCH_SHARDS", shards.to_string())));
        }
        let of = counted.or(shards).ok_or(IdentityError::NoCount { engine: self.name, index })?;
        let wanted = "the index must lie below the number of shards";
        Shard::new(index, of).ok_or_else(|| IdentityError::Variable {
            name: self.index,
            value: format!("{index} of {of}"),
            wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: Option<&str>, variables: &str) -> Result<ShardIdentity, IdentityError> {
        let pairs: Vec<(&str, &str)> = variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let lookup = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        identify(typed.map(|text| text.parse().unwrap()), lookup)
    }

    fn place(variables: &str) -> (String, Option<&'static str>) {
        let found = found(None, variables).unwrap();
        (found.shard.to_string(), found.source)
    }

    /// Each engine's own words are understood.
    #[test]
    fn engines_are_understood() {
        assert_eq!(place(""), ("0/1".to_owned(), None));
        assert_eq!(place("LIVEBENCH_SHARD=1/3"), ("1/3".to_owned(), Some("LIVEBENCH_SHARD")));
        let array = "SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_PROCID=0 SLURM_NTASKS=1";
        assert_eq!(place(array), ("1/4".to_owned(), Some("Slurm's job array")));
        assert_eq!(place("SLURM_PROCID=3 SLURM_NTASKS=4"), ("3/4".to_owned(), Some("Slurm's step")));
        assert_eq!(place("JOB_COMPLETION_INDEX=2 LIVEBENCH_SHARDS=8"), ("2/8".to_owned(), Some("Kubernetes")));
        let batch =
            found(None, "AWS_BATCH_JOB_ARRAY_INDEX=5 AWS_BATCH_JOB_ARRAY_SIZE=8 AWS_BATCH_JOB_ID=abc:5 AWS_BATCH_JOB_ATTEMPT=2")
                .unwrap();
        assert_eq!((batch.shard.to_string(), batch.run.as_deref(), batch.attempt), ("5/8".to_owned(), Some("abc"), 1));
        assert_eq!(place("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2"), ("0/2".to_owned(), Some("Open MPI")));
        assert_eq!(place("PARALLEL_SEQ=1 LIVEBENCH_SHARDS=2"), ("0/2".to_owned(), Some("GNU parallel")));
        assert_eq!(found(Some("1/2"), "LIVEBENCH_SHARD=1/2 LIVEBENCH_SHARDS=2").unwrap().source, Some("--shard"));
    }

    /// What is missing or contradicted is refused, never guessed: the array that runs one index again would be the whole run.
    #[test]
    fn nothing_is_guessed() {
        let refused = |typed: Option<&str>, variables: &str| found(typed, variables).unwrap_err().to_string();
        assert!(refused(None, "JOB_COMPLETION_INDEX=2").contains("set LIVEBENCH_SHARDS"));
        let again =
            "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=1 LIVEBENCH_SHARDS=4";
        assert!(refused(None, again).contains("Slurm's job array says 1 in all, LIVEBENCH_SHARDS says 4"));
        assert!(refused(Some("0/4"), "LIVEBENCH_SHARD=1/4").contains("--shard says 0/4, LIVEBENCH_SHARD says 1/4"));
        assert!(refused(Some("0/4"), "JOB_COMPLETION_INDEX=2").contains("--shard says 0/4, Kubernetes says number 2"));
        let second = "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=4";
        assert!(refused(Some("0/4"), second).contains("Slurm's job array says 1/4"));
        assert!(refused(None, &format!("LIVEBENCH_SHARD=1/8 {second}")).contains("Slurm's job array says 1/4"));
        assert_eq!(found(Some("1/4"), second).unwrap().source, Some("--shard"));
        // Whole runs side by side, which have nothing to do with each other.
        assert_eq!(found(Some("0/1"), "PARALLEL_SEQ=3").unwrap().shard, Shard::WHOLE);
        // Started by a script within one task, or one index of an array again: the option is what is known.
        assert_eq!(found(Some("3/4"), "SLURM_PROCID=0 SLURM_NTASKS=1").unwrap().shard.to_string(), "3/4");
        assert!(refused(Some("0/4"), "LIVEBENCH_SHARDS=8").contains("LIVEBENCH_SHARDS says 8"));
        assert!(refused(None, "LIVEBENCH_SHARDS=8").contains("LIVEBENCH_SHARDS says 8"));
        assert!(refused(None, "LIVEBENCH_SHARD=4/4").contains("write it like 0/4"));
        assert!(refused(None, "JOB_COMPLETION_INDEX=9 LIVEBENCH_SHARDS=8").contains("9 of 8"));
        assert!(refused(None, "JOB_COMPLETION_INDEX=x LIVEBENCH_SHARDS=8").contains("JOB_COMPLETION_INDEX is `x`"));
    }
}
