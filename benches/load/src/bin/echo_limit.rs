//! The limit: prints its ports as one line of JSON, then echoes until it is killed.

use std::io;

use bench_load::echo_server::EchoServer;
use bench_load::sys;

fn main() -> io::Result<()> {
    sys::raise_descriptor_limit()?;
    if let Some(core) = std::env::args().nth(1).and_then(|core| core.parse().ok()) {
        sys::pin(core)?;
    }
    let mut server = EchoServer::bind()?;
    let [streams, churn, datagrams] = server.ports()?;
    println!(r#"{{"ports": {{"echo": {streams}, "churn": {churn}, "datagrams": {datagrams}}}}}"#);
    server.serve()
}
