//! What a self-test measured, for the terminal, for pull requests and for programs.

use std::io::{self, Write};

use super::parts::{self, TableRows};
use crate::num::float;
use crate::selftest::{CallCost, Ceiling, Honesty, PacingResult, SelfTest, StallTimes};

/// The contract.
pub fn json(result: &SelfTest, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    writeln!(out)
}

/// For people, with tables that fit into `columns`.
pub fn terminal(result: &SelfTest, columns: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", subject(result))?;
    for (title, meaning, rows) in tables(result) {
        writeln!(out, "\n{title}: {meaning}")?;
        for line in parts::fitted(&rows, 2, columns.saturating_sub(2)).concat() {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out, "\nTRUST")?;
    for says in &result.trust.says {
        writeln!(out, "  - {says}")?;
    }
    Ok(())
}

/// For pull requests.
pub fn markdown(result: &SelfTest, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}", subject(result))?;
    for (title, meaning, rows) in tables(result) {
        writeln!(out, "\n**{title}**: {meaning}\n\n{}", parts::piped(rows, 2))?;
    }
    writeln!(out)?;
    for says in &result.trust.says {
        writeln!(out, "- {says}")?;
    }
    Ok(())
}

fn subject(result: &SelfTest) -> String {
    let machine = &result.machine;
    let word = if result.trust.trusted { "can be trusted" } else { "NOT TRUSTED" };
    let cores = machine.cores.map_or_else(unknown, |cores| cores.to_string());
    format!("selftest: {word}   livebench {}, {} {}, {cores} cores", machine.livebench, machine.os, machine.arch)
}

type SelftestTable = (&'static str, &'static str, TableRows);

/// The tables that have something to say.
fn tables(result: &SelfTest) -> Vec<SelftestTable> {
    let all = [
        ("PACING", "arrival at the server against the schedule, us", pacing(&result.pacing)),
        ("HONESTY", "the server answers nothing for a while; what users felt, beside what is told, ms", honesty(&result.honesty)),
        ("CEILING", "closed model, the emulator on the same machine", ceiling(&result.ceiling)),
        (
            "COST",
            "CPU of a call, without driver and files; bare is hyper's client: unsigned, the answer dropped",
            cost(&result.cost),
        ),
    ];
    all.into_iter().filter(|(_, _, rows)| rows.len() > 1).collect()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn pacing(measured: &[PacingResult]) -> TableRows {
    let head =
        row(["transport", "pacing", "rate/s", "missed", "p50", "p99", "max", "lag p50", "p99", "rate error", "CV", "CPU", "run"]);
    let line = |m: &PacingResult| {
        vec![
            m.way.transport.clone(),
            m.way.pacing.clone(),
            m.rate_per_s.to_string(),
            m.missed.to_string(),
            m.deviation.p50_us.to_string(),
            m.deviation.p99_us.to_string(),
            m.deviation.max_us.to_string(),
            m.send_lag.p50_us.to_string(),
            m.send_lag.p99_us.to_string(),
            m.rate_error.map_or_else(unknown, |error| format!("{:+.4} %", error * 100.0)),
            m.inter_arrival_cv.map_or_else(unknown, |cv| format!("{cv:.3}")),
            m.load_cpu_share.map_or_else(unknown, |share| format!("{:.0} %", share * 100.0)),
            parts::validity(m.validity).to_owned(),
        ]
    };
    std::iter::once(head).chain(measured.iter().map(line)).collect()
}

fn honesty(measured: &[Honesty]) -> TableRows {
    let head = row(["transport", "what", "p50", "p95", "p99", "mean", "p99 off"]);
    let lines = measured.iter().flat_map(|m| {
        let off = m.p99_off.map_or_else(unknown, |off| format!("{:.3} %", off * 100.0));
        [
            times(&m.transport, "felt (the server's log)", &m.truth, ""),
            times(&m.transport, "reported: response", &m.reported, &off),
            times(&m.transport, "beside it: service", &m.service, ""),
        ]
    });
    std::iter::once(head).chain(lines).collect()
}

fn times(transport: &str, what: &str, times: &StallTimes, off: &str) -> Vec<String> {
    let ms = |us: u64| format!("{:.1}", float(us) / 1e3);
    let numbers = [times.p50_us, times.p95_us, times.p99_us, times.mean_us].map(ms);
    [transport.to_owned(), what.to_owned()].into_iter().chain(numbers).chain([off.to_owned()]).collect()
}

fn ceiling(measured: &[Ceiling]) -> TableRows {
    let head = row(["transport", "workers", "calls/s", "CPU us a call"]);
    let line = |m: &Ceiling| {
        vec![
            m.transport.clone(),
            m.workers.to_string(),
            format!("{:.0}", m.calls_per_s),
            m.cpu_us_per_call.map_or_else(unknown, |us| format!("{us:.1}")),
        ]
    };
    std::iter::once(head).chain(measured.iter().map(line)).collect()
}

fn cost(measured: &[CallCost]) -> TableRows {
    let head = row(["what", "thread", "CPU us a call", "x bare"]);
    let line = |m: &CallCost| {
        let thread = if m.what == "emulator" { "server" } else { "client" };
        vec![m.what.clone(), thread.to_owned(), format!("{:.1}", m.cpu_us_per_call), format!("{:.2}", m.of_bare)]
    };
    std::iter::once(head).chain(measured.iter().map(line)).collect()
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::{Claim, CostRound, DelayPercentiles, Reported, SendSetup, ServedCall, ServerStall, TestedMachine};
    use crate::summary::Validity;

    fn result() -> SelfTest {
        let seen: Vec<ServedCall> = (0..1000u64)
            .map(|k| ServedCall { due_us: k * 5000, arrived_us: k * 5000 + 80 + k % 7, replied_us: Some(k * 5000 + 300 + k) })
            .collect();
        let lag = DelayPercentiles { p50_us: 60, p99_us: 170, max_us: 900 };
        let told = |transport: &str, validity| Reported {
            way: SendSetup { transport: transport.to_owned(), pacing: "timer".to_owned() },
            rate_per_s: 200.0,
            missed: 0,
            send_lag: lag,
            load_cpu_share: Some(0.031),
            validity,
        };
        let pacing = vec![
            PacingResult::of(&seen, told("sdk", Validity::Valid)),
            PacingResult::of(&seen[..1], told("wire", Validity::Invalid)),
        ];
        let reported = StallTimes { p50_us: 805, p95_us: 1256, p99_us: 1294, mean_us: 806 };
        let stall = ServerStall { rate_per_s: 200.0, stall_s: 2.0 };
        let claim = Claim { reported, service: StallTimes::default(), missed: 0, validity: Validity::Valid };
        let honesty = vec![Honesty::of("sdk", stall, &seen, claim)];
        let ceiling = |transport: &str, cpu| Ceiling {
            transport: transport.to_owned(),
            workers: 64,
            calls: 5000,
            calls_per_s: 1000.4,
            cpu_us_per_call: cpu,
        };
        let machine =
            TestedMachine { livebench: "0.1.0".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned(), cores: Some(2) };
        SelfTest::new(
            machine,
            pacing,
            honesty,
            vec![ceiling("sdk", Some(61.26)), ceiling("wire", Some(14.2)), ceiling("other", None)],
            &[CostRound { bare_us: 8.0, wire_us: 6.0, sdk_us: 40.0, emulator_us: 12.0 }],
        )
    }

    fn printed(write: fn(&SelfTest, &mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&result(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Each form says the same, unknown figures included.
    #[test]
    fn formats() {
        insta::assert_snapshot!("selftest_terminal", printed(|result, out| terminal(result, 100, out)));
        insta::assert_snapshot!("selftest_markdown", printed(markdown));
        insta::assert_snapshot!("selftest_json", printed(json));
    }
}
