//! A command line that cannot be understood: clap's findings, in the form of every other error.

use std::{
    error::Error as _,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use convoke::api::Fault;
use convoke_core::{mailbox::TokenError, name::NameError, refusal::Refusal, time::TimeError};

use crate::{
    output::{Output, exit_code},
    stop::{Stop, output_error},
};

/// Reports why the arguments were not understood; or prints the help or version that was asked for.
pub(crate) fn report(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match error.print().and_then(|()| io::stdout().flush()).map_err(|error| output_error(&error)) {
            Err(Stop::NotShown(fault)) => {
                Output::plain(false).fault(&fault);
                exit_code(fault.exit())
            }
            // If nobody reads it, nobody wanted to.
            _ => ExitCode::SUCCESS,
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let mut out = anstream::stderr();
        let _ = io::Write::write_fmt(&mut out, format_args!("{}", error.render().ansi()));
        let _ = out.flush();
        return ExitCode::from(2);
    }
    let json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let fault = fault(error);
    Output::plain(json).fault(&fault);
    exit_code(fault.exit())
}

fn fault(error: &clap::Error) -> Fault {
    let found = error.source().and_then(|source| {
        let refusal = if let Some(error) = source.downcast_ref::<TimeError>() {
            Refusal::BadTime(error.clone())
        } else if let Some(error) = source.downcast_ref::<NameError>() {
            Refusal::BadName(error.clone())
        } else {
            Refusal::BadRequest(source.downcast_ref::<TokenError>()?.to_string())
        };
        Some(Fault::from(refusal))
    });
    if let Some(fault) = found {
        return match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(argument)) => {
                Fault { message: format!("{argument}: {}", fault.message), ..fault }
            }
            _ => fault,
        };
    }
    let text = error.render().to_string();
    let mut message = String::new();
    let mut usage = None;
    let mut tips = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(line) = line.strip_prefix("Usage: ") {
            usage = Some(line.to_owned());
        } else if let Some(line) = line.strip_prefix("tip: ") {
            tips.push(line.to_owned());
        } else if !line.starts_with("For more information") {
            let line = line.strip_prefix("error: ").unwrap_or(line);
            if !message.is_empty() {
                message.push(' ');
            }
            message.push_str(line);
        }
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        tips.push("`convoke --help` lists the commands".to_owned());
    } else if let Some(usage) = usage {
        tips.push(format!("usage: {usage}"));
    } else if tips.is_empty() {
        tips.push("`convoke COMMAND --help` shows what a command takes".to_owned());
    }
    Fault { hint: tips.join("; "), ..Fault::new("usage", message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn of(line: &str) -> Fault {
        fault(&crate::args::Cli::try_parse_from(line.split(' ')).unwrap_err())
    }

    #[test]
    fn a_malformed_value_has_the_code_of_what_it_should_have_been() {
        assert_eq!(of("convoke defer k7q2m9xa --as x/y 5m").code, "bad_name");
        assert_eq!(of("convoke schedule review +5mm").code, "bad_time");
        assert!(of("convoke schedule review +5mm").message.contains("<TIME>: \"+5mm\" is not a time; accepted"));
        assert_eq!(of("convoke ack x").code, "bad_request");
    }

    #[test]
    fn everything_else_is_usage_with_a_way_forward() {
        let fault = of("convoke shedule");
        assert_eq!(fault.code, "usage");
        assert!(fault.message.contains("shedule") && fault.hint.contains("schedule"), "{fault:?}");
        let fault = of("convoke schedule review");
        assert!(fault.message.contains("<TIME>") && fault.hint.contains("usage: convoke schedule"), "{fault:?}");
        assert!(!fault.message.contains('\n'));
    }
}
