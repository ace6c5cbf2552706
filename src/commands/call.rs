//! `livebench call`: one call, typed and printed as with `aws rekognition create-face-liveness-session`.
//!
//! The preflight before a run. It differs from the AWS CLI v1 on purpose: one request and no retry; DESIGN's exit codes; without an
//! endpoint the embedded emulator answers; a 200 without a session id is an error; a loopback endpoint needs no credentials.

use std::io::{BufWriter, Write as _};

use clap::ValueEnum as _;

use super::connect::{self, Asked, Target, TargetOptions};
use super::{Error, Exit, could_not_run, talk, written};
use crate::awscli::answer::{self, OPERATION};
use crate::awscli::data::Data;
use crate::awscli::input::{self, Typed as TypedInput};
use crate::awscli::query::Query;
use crate::awscli::render::{self, Look};
use crate::awscli::{model, wire};
use crate::cli::{AnswerForm, CallArgs, Skeleton};
use crate::client::outcome::Outcome;
use crate::client::request::CreateRequest;
use crate::client::sdk::{self, Destination, Exchange, Origin};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::http::{Embedded, Extras};
use crate::live::PatientStderr;
use crate::scenario::Budget;
use crate::service::price::USD_PER_CHECK;
use crate::service::region;

/// What nobody can know of a call whose answer does not say.
const MAY_EXIST: &str = "A session may exist all the same; a call with the same --client-request-token would return it";

/// Columns of a table where stdout is no terminal, as for the AWS CLI.
const WIDTH: usize = 80;

pub(super) async fn call(args: &CallArgs, debug: bool) -> Result<Exit, Error> {
    let typed = match read(args)? {
        Ok(typed) => typed,
        Err(problem) => return Ok(refuse(&problem)),
    };
    let request = match typed.wanted {
        Wanted::InputSkeleton => return print(&render::json(&model::input_skeleton())).map(|()| Exit::Good),
        Wanted::OutputSkeleton => return show(&model::output_skeleton(), &typed.printing),
        Wanted::Call(request) => request,
    };
    let (exchange, region) = Box::pin(reached(args, &request)).await?;
    if debug {
        // What cannot be told on stderr is lost; the answer is not.
        let _ = wire::write(&exchange, &mut BufWriter::new(PatientStderr));
    }
    let exit = finish(&exchange, &typed.printing)?;
    if let Some(hint) = connect::region_hint(&region).filter(|_| exchange.answer.outcome == Outcome::AccessDenied) {
        talk(&hint);
    }
    Ok(exit)
}

/// What was typed, once all of it makes sense.
struct ParsedCall {
    wanted: Wanted,
    printing: Printing,
}

enum Wanted {
    InputSkeleton,
    OutputSkeleton,
    Call(CreateRequest),
}

/// How the answer is printed.
struct Printing {
    form: AnswerForm,
    query: Option<Query>,
}

/// Reads all options; the inner error is the text of a refusal.
fn read(args: &CallArgs) -> Result<Result<ParsedCall, String>, Error> {
    let form = match args.output {
        Some(form) => Ok(form),
        None => configured_form(args)?,
    };
    Ok(form.and_then(|form| typed(args, form)))
}

fn typed(args: &CallArgs, form: AnswerForm) -> Result<ParsedCall, String> {
    let query = args.query.as_deref().map(Query::new).transpose()?;
    let members = input::members(&typed_input(args))?;
    // The sample input is for those who do not know yet what to say; everything else needs a sound input.
    let wanted = match args.generate_cli_skeleton {
        Some(Skeleton::Input) => Wanted::InputSkeleton,
        Some(Skeleton::Output) => input::request(members).map(|_| Wanted::OutputSkeleton)?,
        None => Wanted::Call(input::request(members)?),
    };
    Ok(ParsedCall { wanted, printing: Printing { form, query } })
}

/// What of the options says what is asked.
fn typed_input(args: &CallArgs) -> TypedInput {
    TypedInput {
        kms_key_id: args.kms_key_id.clone(),
        settings: args.settings.clone(),
        client_request_token: args.client_request_token.clone(),
        cli_input_json: args.cli_input_json.clone(),
    }
}

/// The form that environment or profile ask for.
fn configured_form(args: &CallArgs) -> Result<Result<AnswerForm, String>, Error> {
    let from_env = std::env::var("AWS_DEFAULT_OUTPUT").ok().filter(|name| !name.is_empty());
    let name = match from_env {
        Some(name) => Some(name),
        None => sdk::configured_output(args.connection.profile.as_deref()).map_err(could_not_run)?,
    };
    Ok(name.map_or(Ok(AnswerForm::Json), |name| {
        AnswerForm::from_str(&name, false).map_err(|_| format!("Unknown output type: {name}; it is json, text or table"))
    }))
}

/// Finds out where to send, says so, and sends. Also tells the region that it was.
async fn reached(args: &CallArgs, request: &CreateRequest) -> Result<(Exchange, String), Error> {
    // A single call is its own budget.
    let budget = Budget { max_calls: Some(1), max_spend_usd: USD_PER_CHECK };
    let region = args.connection.region.as_deref().unwrap_or(region::DEFAULT);
    let mut embedded = None;
    let options = TargetOptions {
        target: args.target,
        yes: args.yes,
        connection: &args.connection,
        region,
        budget: &budget,
        asked: Asked::SCENARIO,
    };
    let destination = match connect::resolve(options).await? {
        Target::Loopback(destination) => {
            if destination.origin != Origin::Flag {
                announce(&destination);
            }
            connect::talk_of_keys(&destination);
            destination
        }
        Target::Aws(destination) => {
            announce_aws(&destination).await;
            destination
        }
        Target::Embedded => {
            let emulator = Embedded::start(EmulatorConfig::of_region(region, 1), Extras::default()).map_err(could_not_run)?;
            let options = connect::embedded(&args.connection, emulator.endpoint_url(), region);
            talk(&format!("target   embedded emulator, region {region}; AWS needs --target aws"));
            embedded = Some(emulator);
            sdk::resolve(options).await.map_err(could_not_run)?
        }
    };
    destination.warm().await.map_err(could_not_run)?;
    let exchange = Box::pin(sdk::call_once(&destination, request)).await.map_err(could_not_run)?;
    embedded.map_or(Ok(()), Embedded::stop).map_err(could_not_run)?;
    explain(&exchange, &destination);
    Ok((exchange, destination.region))
}

fn announce(destination: &Destination) {
    talk(&format!("target   {} (from {}), region {}", destination.endpoint, destination.origin, destination.region));
}

async fn announce_aws(destination: &Destination) {
    announce(destination);
    talk(&format!("account  {}", destination.account().await.as_deref().unwrap_or("unknown (STS did not say)")));
    talk(&format!("budget   1 call, ${USD_PER_CHECK} at worst"));
}

/// Says why no answer came.
fn explain(exchange: &Exchange, destination: &Destination) {
    let url = format!("{}/", destination.endpoint.trim_end_matches('/'));
    let outcome = exchange.answer.outcome;
    if exchange.response.is_none() {
        let cause = exchange.cause.as_deref().unwrap_or("the SDK does not say why");
        let what = match outcome {
            Outcome::ConnectTimeout => "Connect timeout on endpoint URL",
            Outcome::ReadTimeout => "Read timeout on endpoint URL",
            Outcome::ConnectionLost => "Connection was closed before we received a valid response from endpoint URL",
            _ if exchange.request.is_none() => "The request could not be made, and nothing was sent to the endpoint URL",
            _ if exchange.connected => "Received an answer that cannot be read from endpoint URL",
            _ => "Could not connect to the endpoint URL",
        };
        talk(&format!("\n{what}: \"{url}\" ({cause})"));
        if outcome.is_lost() || exchange.connected {
            talk(MAY_EXIST);
        }
    }
}

/// Prints the answer; it decides how the process ends.
fn finish(exchange: &Exchange, printing: &Printing) -> Result<Exit, Error> {
    let (Some(response), Some(status)) = (&exchange.response, exchange.answer.status) else { return Ok(Exit::CouldNotRun) };
    if status >= 300 {
        talk(&format!("\n{}", answer::error_line(status, &response.body)));
        return Ok(Exit::Bad);
    }
    let shown = show(&answer::output(&response.body), printing)?;
    if exchange.answer.outcome == Outcome::Ok {
        if shown != Exit::Good {
            talk(&format!("The call itself succeeded: {}", String::from_utf8_lossy(&response.body)));
        }
        return Ok(shown);
    }
    talk(&format!(
        "\nThe {OPERATION} operation answered {status} without a session id of 36 lower-case characters; --debug shows it"
    ));
    talk(MAY_EXIST);
    Ok(Exit::Bad)
}

/// Queries, renders and prints.
fn show(data: &Data, printing: &Printing) -> Result<Exit, Error> {
    let found = printing.query.as_ref().map_or_else(|| Ok(data.clone()), |query| query.search(data));
    let text = found.and_then(|found| match printing.form {
        AnswerForm::Json => Ok(render::json(&found)),
        AnswerForm::Text => Ok(render::text(&found)),
        AnswerForm::Table => render::table(OPERATION, &found, look()),
    });
    match text {
        Ok(text) => print(&text).map(|()| Exit::Good),
        Err(problem) => Ok(refuse(&problem)),
    }
}

fn look() -> Look {
    let width = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(WIDTH, |size| size.ws_col.into());
    Look { width, coloured: anstream::stdout().current_choice() != anstream::ColorChoice::Never }
}

fn print(text: &str) -> Result<(), Error> {
    written(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// A refusal, after an empty line, as the AWS CLI prints it.
fn refuse(problem: &str) -> Exit {
    talk(&format!("\n{problem}"));
    Exit::CouldNotRun
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    /// The last of an option that is given twice counts, as for the AWS CLI.
    #[test]
    fn the_last_one_counts() {
        let line = "livebench call --kms-key-id a --kms-key-id b --region us-east-1 --region eu-west-1";
        let Command::Call(args) = Cli::parse_from(line.split(' ')).command else { panic!("{line}") };
        let members = input::members(&typed_input(&args)).unwrap();
        assert_eq!(serde_json::Value::Object(members), serde_json::json!({"KmsKeyId": "b"}));
        assert_eq!(args.connection.region.as_deref(), Some("eu-west-1"));
    }
}
