//! What web pages may do.

use super::*;

/// A request with these headers, and nothing else.
fn asked(emulator: &Embedded, line: &str, headers: &[&str]) -> (u16, String) {
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let mut stream = connect(emulator);
    stream
        .write_all(format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

/// The server's own endpoints answer this machine's tools, and no page: not by a name that leads here, not across origins.
#[test]
fn pages_do_not_drive_the_emulator() {
    let emulator = started(|config| config.cors = Some("https://app.example".to_owned()));
    let address = emulator.address();
    let own = format!("Host: {address}");
    let of_own = format!("Origin: http://{address}");
    for endpoint in ["POST /_livebench/reset", "POST /_livebench/fault", "GET /_livebench/state", "GET /_livebench/metrics"] {
        for let_in in [
            vec![own.as_str()],
            vec!["Host: localhost"],
            vec!["Host: LOCALHOST:4566"],
            vec!["Host: emulator.localhost"],
            vec!["Host: [::1]:1"],
            vec!["Host: 127.8.8.8"],
            vec![&own, &of_own, "Sec-Fetch-Site: same-origin"],
            vec![&own, "Sec-Fetch-Site: none"],
        ] {
            assert_eq!(asked(&emulator, endpoint, &let_in).0, 200, "{endpoint} {let_in:?}");
        }
        for kept_out in [
            vec!["Host: attacker.example"],
            vec!["Host: localhost.attacker.example"],
            vec!["Host: 127.0.0.1.attacker.example"],
            vec!["Host: 10.0.0.1"],
            vec!["Host:"],
            vec!["Host: localhost@attacker.example"],
            vec![&own, "Origin: https://app.example"],
            vec![&own, "Origin: null"],
            vec![&own, "Origin: http://localhost:3000"],
            vec![&own, "Sec-Fetch-Site: cross-site"],
            vec![&own, "Sec-Fetch-Site: same-site"],
        ] {
            let (status, answer) = asked(&emulator, endpoint, &kept_out);
            assert_eq!(status, 403, "{endpoint} {kept_out:?}");
            assert!(answer.contains("this machine") && !answer.contains("access-control"), "{answer}");
        }
    }
}

/// An origin that the configuration names may call the operation from a page and read the answer; another one may not.
#[test]
fn a_named_origin_may_call() {
    let emulator = started(|config| config.cors = Some("https://app.example".to_owned()));
    let question =
        ["Host: x", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,x-amz-target"];
    let from = |origin: &'static str| [question.as_slice(), &[origin]].concat();
    let (status, answer) = asked(&emulator, "OPTIONS /", &from("Origin: https://app.example"));
    assert_eq!(status, 204, "{answer}");
    assert!(answer.contains("access-control-allow-origin: https://app.example\r\n"), "{answer}");
    assert!(answer.contains("access-control-allow-headers: authorization,x-amz-target\r\n"), "{answer}");
    let (status, answer) = asked(&emulator, "OPTIONS /", &from("Origin: https://other.example"));
    assert!(status == 403 && !answer.contains("access-control"), "{answer}");

    let call = |origin: &str| exchange_bytes(&mut connect(&emulator), &post(&[TARGET, origin], "{}")).unwrap();
    let read = call("Origin: https://app.example");
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("https://app.example")));
    assert!(read.header("access-control-expose-headers").unwrap().contains("x-amzn-requestid"));
    assert_eq!(call("Origin: https://other.example").header("access-control-allow-origin"), None);
}

/// Without `cors` a browser's question is a method that nobody knows, and no answer may be read across origins.
#[test]
fn it_is_off_by_default() {
    let emulator = started(|_| ());
    let question = ["Host: x", "Origin: https://app.example", "Access-Control-Request-Method: POST"];
    let (status, answer) = asked(&emulator, "OPTIONS /", &question);
    assert!(status == 405 && !answer.contains("access-control"), "{answer}");
    let got = exchange_bytes(&mut connect(&emulator), &post(&[TARGET, "Origin: https://app.example"], "{}")).unwrap();
    assert_eq!((got.status, got.header("access-control-allow-origin")), (200, None));
}
