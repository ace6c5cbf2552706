//! `--debug`: what went over the wire, `>` there and `<` back. Its secrets were masked where they were kept.

use std::io::{self, Write};

use crate::client::sdk::{Exchange, Message};

/// Writes both messages, as far as there are any.
pub fn write(exchange: &Exchange, out: &mut impl Write) -> io::Result<()> {
    match &exchange.request {
        Some(request) => message('>', request, out)?,
        None => writeln!(out, "* nothing was sent")?,
    }
    match (&exchange.response, &exchange.cause) {
        (Some(response), _) => message('<', response, out),
        (None, Some(cause)) => {
            writeln!(out, "* no answer: {cause}")?;
            exchange.causes.iter().try_for_each(|cause| writeln!(out, "* because: {cause}"))
        }
        (None, None) => Ok(()),
    }
}

fn message(mark: char, message: &Message, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{mark} {}", message.first_line)?;
    for (name, value) in &message.headers {
        writeln!(out, "{mark} {name}: {value}")?;
    }
    writeln!(out, "{mark}")?;
    for line in String::from_utf8_lossy(&message.body).lines() {
        writeln!(out, "{mark} {}", line.replace(char::is_control, "\u{fffd}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Answer;
    use crate::client::outcome::Outcome;

    /// Both ways, and a call without an answer.
    #[test]
    fn both_ways() {
        let sent = Message {
            first_line: "POST / HTTP/1.1".to_owned(),
            headers: vec![("x-amz-target".to_owned(), "T".to_owned()), ("host".to_owned(), "h".to_owned())],
            body: b"{}".to_vec(),
        };
        let back = Message { first_line: "HTTP/1.1 200 OK".to_owned(), headers: Vec::new(), body: b"a\n\x1b[1mb".to_vec() };
        let answer = Answer::without_reply(Outcome::ReadTimeout);
        let mut exchange =
            Exchange { answer, request: Some(sent), response: Some(back), connected: true, cause: None, causes: Vec::new() };
        let text = |exchange: &Exchange| {
            let mut out = Vec::new();
            write(exchange, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(text(&exchange), @r"
        > POST / HTTP/1.1
        > x-amz-target: T
        > host: h
        >
        > {}
        < HTTP/1.1 200 OK
        <
        < a
        < �[1mb
        ");
        let causes = vec!["dispatch failure".to_owned(), "no complete answer within 1s".to_owned()];
        exchange = Exchange { response: None, cause: causes.last().cloned(), causes, ..exchange };
        let end = "> {}\n* no answer: no complete answer within 1s\n* because: dispatch failure\n* because: no complete answer within 1s\n";
        assert!(text(&exchange).ends_with(end));
    }
}
