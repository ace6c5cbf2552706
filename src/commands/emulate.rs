//! `livebench emulate`

use std::io::Write as _;
use std::net::SocketAddr;

use serde::Serialize;

use super::check::refuse;
use super::{Error, Exit};
use crate::cli::{EmulateArgs, Output};
use crate::emulator::http::{Control, Error as EdgeError, Log, listen, serve, server_config};
use crate::scenario::emulator::EmulatorConfig;
use crate::scenario::load_emulator;
use crate::target::request::Operation;

pub(super) async fn emulate(args: &EmulateArgs) -> Result<Exit, Error> {
    let config = match args.config.as_deref().map(load_emulator) {
        // What a scenario gets that says nothing of its emulator.
        None => EmulatorConfig::of_region("us-east-1", 1),
        Some(Ok(config)) => config,
        Some(Err(problems)) => return Ok(refuse(&problems)),
    };
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(server_config(cert, key).map_err(could_not_run)?),
        _ => None,
    };
    let listener = listen(args.listen).map_err(could_not_run)?;
    let address = listener.local_addr().map_err(could_not_run)?;
    let log = args.log.as_deref().map(Log::append).transpose().map_err(could_not_run)?;
    let stop = stop_signal().map_err(could_not_run)?;
    announce(&Ready::new(address, tls.is_some(), &config), args.output).map_err(could_not_run)?;

    let stop = async {
        match &log {
            Some(log) => tokio::select! { () = stop => {}, () = log.failed() => {} },
            None => stop.await,
        }
    };
    serve(listener, Control::new(config), tls, log.as_ref(), stop).await.map_err(|e| match e {
        EdgeError::Log(e) => Error::NotTrusted(e.to_string()),
        e => could_not_run(e),
    })?;
    log.map_or(Ok(()), Log::finish).map_err(|e| Error::NotTrusted(e.to_string()))?;
    Ok(Exit::Good)
}

#[allow(clippy::needless_pass_by_value)] // `map_err` hands it over
fn could_not_run(error: impl ToString) -> Error {
    Error::CouldNotRun(error.to_string())
}

/// Ready at Ctrl-C or SIGTERM. Both end a server in the ordinary way.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async { drop(tokio::signal::ctrl_c().await) })
    }
}

/// The ready line: what is served, and where.
#[derive(Debug, Serialize)]
struct Ready {
    endpoint: String,
    region: String,
    seed: u64,
    quota: String,
    latency: String,
}

impl Ready {
    fn new(address: SocketAddr, tls: bool, config: &EmulatorConfig) -> Self {
        Self {
            endpoint: format!("{}://{address}", if tls { "https" } else { "http" }),
            region: config.region.clone(),
            seed: config.seed,
            quota: config.quota_of(Operation::Create, &config.region).to_string(),
            latency: config.latency.to_string(),
        }
    }

    fn text(&self) -> String {
        let Self { endpoint, region, seed, quota, latency } = self;
        format!("listening on {endpoint} (region {region}, quota {quota}, latency {latency}, seed {seed}); stop with Ctrl-C")
    }
}

/// One line, flushed, so that a script can wait for it.
fn announce(ready: &Ready, output: Output) -> std::io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match output {
        Output::Json => writeln!(stdout, "{}", serde_json::to_string(ready)?)?,
        Output::Text | Output::Markdown => writeln!(stdout, "{}", ready.text())?,
    }
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::emulator::{Latency, Quota};
    use crate::units::Rate;

    /// The ready line, as people and scripts read it.
    #[test]
    fn ready_line() {
        let config = EmulatorConfig {
            quota: Some(Quota::TokenBucket { rate: Rate::per_second(25.0).unwrap(), burst: 50 }),
            latency: Latency::LogNormal { median: Duration::from_millis(45), p99: Duration::from_millis(160) },
            ..EmulatorConfig::default()
        };
        let ready = Ready::new("127.0.0.1:4566".parse().unwrap(), false, &config);
        insta::assert_snapshot!(ready.text(), @"listening on http://127.0.0.1:4566 (region us-east-1, quota 25/s burst 50, latency median 45.0ms p99 160ms, seed 1); stop with Ctrl-C");
        insta::assert_snapshot!(serde_json::to_string(&ready).unwrap(), @r#"{"endpoint":"http://127.0.0.1:4566","region":"us-east-1","seed":1,"quota":"25/s burst 50","latency":"median 45.0ms p99 160ms"}"#);
        let plain = Ready::new("[::1]:4566".parse().unwrap(), true, &EmulatorConfig::default());
        insta::assert_snapshot!(plain.text(), @"listening on https://[::1]:4566 (region us-east-1, quota none, latency none, seed 1); stop with Ctrl-C");
    }
}
