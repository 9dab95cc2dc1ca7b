//! The load generator: drives a server on the loopback interface and prints one line of JSON.

use std::process::ExitCode;

use bench_load::answers::Conversation;
use bench_load::options::{Kind, Options, parse};
use bench_load::report::reason;
use bench_load::{churn, datagrams, exchange, idle, paced, sys};

fn measure(options: &Options) -> std::io::Result<String> {
    sys::raise_descriptor_limit()?;
    if let Some(core) = options.core {
        sys::pin(core)?;
    }
    if let Some(rate) = options.rate {
        let conversation = match options.kind {
            Kind::Echo => Conversation::echo(options.size),
            Kind::Http => Conversation::http(&options.address.to_string()),
            _ => return Err(std::io::Error::other("--rate is for echo and http")),
        };
        return Ok(paced::run(options, &conversation, rate)?.json());
    }
    Ok(match options.kind {
        Kind::Echo => exchange::run(options, &Conversation::echo(options.size))?.json(),
        Kind::Http => {
            let conversation = Conversation::http(&options.address.to_string());
            exchange::run(options, &conversation)?.json()
        }
        Kind::Datagrams => datagrams::run(options)?.json(),
        Kind::Churn => churn::run(options)?.json(),
        Kind::Idle => idle::run(options)?.json(),
    })
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}", reason(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}
