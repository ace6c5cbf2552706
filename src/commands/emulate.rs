//! `livebench emulate`

use std::io::Write as _;
use std::net::SocketAddr;

use serde::Serialize;

use super::check::refuse;
use super::{Error, Exit, could_not_run, not_trusted, raise_open_files, talk};
use crate::cli::{EmulateArgs, Output};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::http::{
    ArrivalLog, Control, SeenClient, ServeError, TlsFiles, generate_tls, listen, load_state, save_state, serve, server_config,
};
use crate::scenario::load_emulator;
use crate::service::operation::Operation;
use crate::service::region;

pub(super) async fn emulate(args: &EmulateArgs) -> Result<Exit, Error> {
    let config = match args.config.as_deref().map(load_emulator) {
        // What a scenario gets that says nothing of its emulator.
        None => EmulatorConfig::of_region(region::DEFAULT, 1),
        Some(Ok(config)) => config,
        Some(Err(problems)) => return Ok(refuse(&problems)),
    };
    let files = tls_files(args)?;
    let tls = files.as_ref().map(|files| server_config(&files.cert, &files.key)).transpose().map_err(could_not_run)?;
    raise_open_files();
    let listener = listen(args.listen).map_err(could_not_run)?;
    let address = listener.local_addr().map_err(could_not_run)?;
    let log = args.log.as_deref().map(ArrivalLog::append).transpose().map_err(could_not_run)?;
    let stop = stop_signal().map_err(could_not_run)?;
    let ready = Ready::new(address, files.as_ref(), &config);
    let control = Control::new(config);
    if let Some(path) = &args.state {
        load_state(&control, path).map_err(could_not_run)?;
    }
    announce(&ready, args.output).map_err(could_not_run)?;

    let stop = async {
        match &log {
            Some(log) => tokio::select! { () = stop => {}, () = log.failed() => {} },
            None => stop.await,
        }
    };
    let served = serve(listener, control.clone(), tls, log.as_ref(), stop).await.map_err(|e| match e {
        ServeError::Log(e) => not_trusted(e),
        e => could_not_run(e),
    });
    let logged = log.map_or(Ok(()), ArrivalLog::finish).map_err(not_trusted);
    // Whatever else went wrong, what the server knows is kept.
    let kept = args.state.as_deref().map_or(Ok(()), |path| save_state(&control, path)).map_err(not_trusted);
    tell_retries(&control.clients());
    served.and(logged).and(kept)?;
    Ok(Exit::Good)
}

/// The identity to serve TLS with: given, made, or none.
fn tls_files(args: &EmulateArgs) -> Result<Option<TlsFiles>, Error> {
    match (&args.tls_generate, &args.tls_cert, &args.tls_key) {
        (Some(directory), ..) => generate_tls(directory).map(Some).map_err(could_not_run),
        // Only the authority's clients know the authority.
        (None, Some(cert), Some(key)) => Ok(Some(TlsFiles { ca: None, cert: cert.clone(), key: key.clone() })),
        _ => Ok(None),
    }
}

/// What a client that retries behind its caller's back has to be told at the end.
fn tell_retries(clients: &[SeenClient]) {
    clients.iter().filter(|client| client.requests > client.calls).for_each(|client| talk(&client.text()));
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
    /// What `--ca-bundle` of a client needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_bundle: Option<String>,
    region: String,
    seed: u64,
    quota: String,
    latency: String,
}

impl Ready {
    fn new(address: SocketAddr, tls: Option<&TlsFiles>, config: &EmulatorConfig) -> Self {
        Self {
            endpoint: format!("{}://{address}", if tls.is_some() { "https" } else { "http" }),
            ca_bundle: tls.and_then(|files| files.ca.as_ref()).map(|path| path.display().to_string()),
            region: config.region.clone(),
            seed: config.seed,
            quota: config.quota_of(Operation::Create, &config.region).to_string(),
            latency: config.latency.to_string(),
        }
    }

    fn text(&self) -> String {
        let Self { endpoint, ca_bundle, region, seed, quota, latency } = self;
        let trust = ca_bundle.as_ref().map(|path| format!(", CA bundle {path}")).unwrap_or_default();
        format!(
            "listening on {endpoint}{trust} (region {region}, quota {quota}, latency {latency}, seed {seed}); stop with Ctrl-C"
        )
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
    use crate::emulator::config::LatencyModel;
    use crate::limiter::{Quota, TokenBucket};
    use crate::units::Rate;

    /// The ready line, as people and scripts read it.
    #[test]
    fn ready_line() {
        let config = EmulatorConfig {
            quota: Some(Quota::TokenBucket(TokenBucket::full(Rate::per_second(25.0).unwrap(), 50))),
            latency: LatencyModel::LogNormal { median: Duration::from_millis(45), p99: Duration::from_millis(160) },
            ..EmulatorConfig::default()
        };
        let ready = Ready::new("127.0.0.1:4566".parse().unwrap(), None, &config);
        insta::assert_snapshot!(ready.text(), @"listening on http://127.0.0.1:4566 (region us-east-1, quota 25/s burst 50, latency median 45.0ms p99 160ms, seed 1); stop with Ctrl-C");
        insta::assert_snapshot!(serde_json::to_string(&ready).unwrap(), @r#"{"endpoint":"http://127.0.0.1:4566","region":"us-east-1","seed":1,"quota":"25/s burst 50","latency":"median 45.0ms p99 160ms"}"#);
        let files = TlsFiles { ca: Some("tls/ca.pem".into()), cert: "tls/cert.pem".into(), key: "tls/key.pem".into() };
        let plain = Ready::new("[::1]:4566".parse().unwrap(), Some(&files), &EmulatorConfig::default());
        insta::assert_snapshot!(plain.text(), @"listening on https://[::1]:4566, CA bundle tls/ca.pem (region us-east-1, quota none, latency none, seed 1); stop with Ctrl-C");
    }
}
