//! The limit above TLS: an echo server of one thread over epoll and OpenSSL, which runs no Python.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use crate::openssl::{Context, Echoed, RECORD, Session};
use crate::sys::{Epoll, Event, READABLE, WRITABLE, event_buffer};

/// Bytes read from a connection at a time.
const RECEIVE: usize = 256 * 1024;
const STREAM_LISTENER: u64 = 0;
const CHURN_LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 2;

struct Connection {
    stream: TcpStream,
    session: Session,
    /// What the kernel did not take yet.
    unsent: Vec<u8>,
    /// Whether the server says good-bye after its first answer.
    once: bool,
}

/// Two servers in one: echo, and echo that ends after one answer.
pub struct TlsEchoServer {
    epoll: Epoll,
    context: Context,
    streams: TcpListener,
    churn: TcpListener,
    connections: HashMap<u64, Connection>,
    next_token: u64,
    received: Vec<u8>,
    plain: [u8; RECORD],
    sealed: Vec<u8>,
}

impl TlsEchoServer {
    /// Binds to free ports of the loopback interface. The texts are those of [`Context::new`].
    ///
    /// # Errors
    /// What the kernel says; `Unsupported` without an OpenSSL that takes certificate and key.
    pub fn bind(
        module: &CStr,
        certificate: &CStr,
        key: &CStr,
        frugal: bool,
    ) -> io::Result<TlsEchoServer> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (streams, churn) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
        let epoll = Epoll::new()?;
        streams.set_nonblocking(true)?;
        churn.set_nonblocking(true)?;
        epoll.add(&streams, READABLE, STREAM_LISTENER)?;
        epoll.add(&churn, READABLE, CHURN_LISTENER)?;
        let context =
            Context::new(module, certificate, key, frugal).ok_or(io::ErrorKind::Unsupported)?;
        Ok(TlsEchoServer {
            epoll,
            context,
            streams,
            churn,
            connections: HashMap::new(),
            next_token: FIRST_CONNECTION,
            received: vec![0; RECEIVE],
            plain: [0; RECORD],
            sealed: Vec::new(),
        })
    }

    /// The ports of echo and churn.
    ///
    /// # Errors
    /// As getsockname(2).
    pub fn ports(&self) -> io::Result<[u16; 2]> {
        Ok([
            self.streams.local_addr()?.port(),
            self.churn.local_addr()?.port(),
        ])
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// What the kernel says of the server's own sockets; an error of a connection ends that connection.
    pub fn serve(&mut self) -> io::Result<()> {
        let mut events = event_buffer(1024);
        loop {
            let count = self.epoll.wait(&mut events, -1)?;
            for event in &events[..count] {
                match event.u64 {
                    STREAM_LISTENER | CHURN_LISTENER => self.accept(event.u64)?,
                    _ => self.answer(event),
                }
            }
        }
    }

    fn accept(&mut self, listener: u64) -> io::Result<()> {
        loop {
            let once = listener == CHURN_LISTENER;
            let accepted = if once {
                self.churn.accept()
            } else {
                self.streams.accept()
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let session = self.context.accept().ok_or(io::ErrorKind::OutOfMemory)?;
            let token = self.next_token;
            self.next_token += 1;
            self.epoll.add(&stream, READABLE, token)?;
            let connection = Connection {
                stream,
                session,
                unsent: Vec::new(),
                once,
            };
            self.connections.insert(token, connection);
        }
    }

    fn answer(&mut self, event: &Event) {
        let token = event.u64;
        let Some(connection) = self.connections.get_mut(&token) else {
            return;
        };
        let open = if connection.unsent.is_empty() {
            connection
                .echo(&mut self.received, &mut self.plain, &mut self.sealed)
                .and_then(|open| Ok(open && connection.send(&self.sealed, &self.epoll, token)?))
        } else {
            connection.send_rest(&self.epoll, token)
        };
        // Whether the peer closed or broke off, the connection is over.
        if !open.unwrap_or(false) {
            self.connections.remove(&token);
        }
    }
}

impl Connection {
    /// Reads once and seals what is to be answered; tells whether the connection goes on.
    fn echo(
        &mut self,
        received: &mut [u8],
        plain: &mut [u8; RECORD],
        sealed: &mut Vec<u8>,
    ) -> io::Result<bool> {
        sealed.clear();
        let count = self.stream.read(received)?;
        if count == 0 {
            return Ok(false);
        }
        match self.session.echo(&received[..count], plain, sealed) {
            Echoed::Bytes(total) => {
                if self.once && total > 0 {
                    self.session.end(sealed);
                }
                Ok(true)
            }
            Echoed::Over => Ok(false),
        }
    }

    fn send(&mut self, sealed: &[u8], epoll: &Epoll, token: u64) -> io::Result<bool> {
        if sealed.is_empty() {
            return Ok(true);
        }
        let sent = match self.stream.write(sealed) {
            Ok(sent) => sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if sent < sealed.len() {
            self.unsent.extend_from_slice(&sealed[sent..]);
            epoll.modify(&self.stream, WRITABLE, token)?;
        }
        Ok(true)
    }

    fn send_rest(&mut self, epoll: &Epoll, token: u64) -> io::Result<bool> {
        let sent = self.stream.write(&self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            epoll.modify(&self.stream, READABLE, token)?;
        }
        Ok(true)
    }
}
