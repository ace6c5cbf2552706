use std::path::Path;

use super::*;

fn preview(text: &str) -> Preview {
    Preview::of(&super::super::read("a.toml", text, Path::new("")).unwrap())
}

fn drawn(text: &str) -> String {
    let mut out = Vec::new();
    preview(text).write_text(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The whole page for a ramp, a plateau and a burst.
#[test]
fn open_page() {
    let page = drawn(
        "name = \"a\"\ndescription = \"First.\\nSecond.\"\n[load]\nstages = [ { for = \"30s\", from = 5.0, to = 40.0 }, { for = \"60s\", rate = 40 }, { calls = 100 } ]\n\
         [emulator]\nquota = { rate = 60 }\nlatency = { median = \"45ms\", p99 = \"160ms\" }\n",
    );
    insta::assert_snapshot!(page, @r##"
    a  (open model, seed 1)
      First.
      Second.

     calls/s
          40 │                  ▂▄▇███████████████████████████████████████████
             │               ▂▅▇██████████████████████████████████████████████
             │            ▂▅▇█████████████████████████████████████████████████
             │         ▂▅▇████████████████████████████████████████████████████
          20 │      ▂▅████████████████████████████████████████████████████████
             │   ▂▅███████████████████████████████████████████████████████████
             │▃▅██████████████████████████████████████████████████████████████
             │████████████████████████████████████████████████████████████████
           0 └───────────────────────────────────────────────────────────────▲
              0s                              45s                       1m 30s
              ▲ 100 calls at one instant, at 1m 30s

      stages      30s from 5/s to 40/s
                  1m at 40/s
                  100 calls at one instant
      length      1m 30s
      calls       3175
      peak rate   40/s
      in flight   up to 64; 107 expected at the peak (rate x p99 latency, bursts)
      throttled   about 40 by the emulator's quota
      sessions    about 3135 on the emulator
      cost        nothing on the emulator; on AWS $47.63 at worst ($0.015 a check)
                  whether AWS bills a session that is never streamed is undocumented
      mixes
         100%  default      token fresh  {}
      warning: up to 107 calls may be in flight, concurrency is 64: calls may be missed
      warning: the emulator's quota of 60/s with burst 60 will throttle about 40 calls
    "##);
    assert!(page.lines().all(|l| l.chars().count() <= 96), "{page}");
}

/// The whole page for workers.
#[test]
fn closed_page() {
    let page = drawn(
        "name = \"a\"\n[load]\nmodel = \"closed\"\nthink_time = \"150ms\"\nstages = [ { for = \"10s\", workers = 1 }, { for = \"20s\", workers = 8 } ]\n\
         [emulator]\nlatency = \"50ms\"\n",
    );
    insta::assert_snapshot!(page, @r##"
    a  (closed model, seed 1)

     workers
           8 │                     ███████████████████████████████████████████
             │                     ███████████████████████████████████████████
             │                     ███████████████████████████████████████████
             │                     ███████████████████████████████████████████
           4 │                     ███████████████████████████████████████████
             │                     ███████████████████████████████████████████
             │                     ███████████████████████████████████████████
             │████████████████████████████████████████████████████████████████
           0 └────────────────────────────────────────────────────────────────
              0s                              15s                          30s

      stages      10s with 1 worker
                  20s with 8 workers
      length      30s
      calls       about 850, as fast as the answers come
      cost        nothing on the emulator; on AWS $12.75 at worst ($0.015 a check)
                  whether AWS bills a session that is never streamed is undocumented
      mixes
         100%  default      token fresh  {}
    "##);
}

/// Everything that can be overlooked is said.
#[test]
fn warnings_are_given() {
    let p = preview(
        "name = \"a\"\n[load]\nconcurrency = 2\nmax_rate = 9\nstages = [ { for = \"10s\", rate = 30 } ]\n\
         [[mix]]\nname = \"fixed\"\nrequest = { ClientRequestToken = \"x\" }\n[[mix]]\nname = \"fresh\"\n\
         [idempotency]\nexpired = 0.1\nafter_loss = 0.1\nafter_throttle = 0.1\n[budget]\nmax_calls = 10\n\
         [thresholds]\n\"response.p99\" = \"< 1s\"\n[emulator]\nlatency = \"100ms\"\nsession_ttl = \"5s\"\n",
    );
    insta::assert_snapshot!(p.warnings.join("\n"), @r##"
    up to 3 calls may be in flight, concurrency is 2: calls may be missed
    max_rate 9/s is below the peak of 30/s: calls will be capped, never sent
    budget.max_calls stops the run after 10 of 300 calls
    the peak rate is above the emulator's quota of 25/s: calls may be throttled
    mix fixed has a fixed ClientRequestToken: all its calls share one session at a time
    idempotency.expired cannot happen: the run lasts 10s, a session lives 3m
    idempotency.session_ttl is 3m, the emulator's 5s: `expired` will not mean what it says
    idempotency.after_loss cannot happen on the emulator: no answer is lost
    response.p99 needs 1000 samples, and there are 300 calls at most
    "##);
    let p = preview(
        "name = \"a\"\n[load]\nstages = [ { calls = 40 } ]\n[idempotency]\nafter_throttle = 0.1\n[emulator]\nregion = \"eu-central-1\"\n",
    );
    insta::assert_snapshot!(p.warnings.join("\n"), @r##"
    eu-central-1 has no Face Liveness: every call is answered with AccessDeniedException
    "##);
}

/// A token bucket accepts its burst and its rate, within one call; a quota at the load's own rate refuses nothing.
#[test]
fn throttles_are_those_of_a_token_bucket() {
    let load = |rate: &str, quota: &str| {
        preview(&format!("name = \"a\"\n[load]\nstages = [ {{ for = \"60s\", rate = {rate} }} ]\n[emulator]\nquota = {quota}\n"))
    };
    let p = load("40", "{ rate = 25, burst = 25 }");
    assert_eq!(p.calls, Some(2400));
    let accepted = 2400 - p.expected_throttled.unwrap();
    assert!((1524..=1526).contains(&accepted), "{accepted}");
    assert_eq!(p.expected_sessions, Some(accepted));
    assert_eq!(load("7", "{ rate = 7, burst = 2 }").expected_throttled, Some(0));
    assert_eq!(load("1000", "{ kind = \"none\" }").expected_throttled, Some(0));
}

/// Repeats and fixed tokens make no session of their own.
#[test]
fn sessions_are_fewer_than_calls() {
    let p = preview(
        "name = \"a\"\n[load]\nstages = [ { for = \"50s\", rate = 20 } ]\n[[mix]]\nname = \"a\"\nweight = 4\n[[mix]]\nname = \"b\"\nweight = 1\n\
         request = { ClientRequestToken = \"x\" }\n[idempotency]\nreplay = 0.1\nrace = 0.1\nexpired = 0.1\n[emulator]\nsession_ttl = \"20s\"\n",
    );
    assert_eq!((p.calls, p.expected_repeats, p.expected_sessions), (Some(1000), Some(160), Some(643)));
}
