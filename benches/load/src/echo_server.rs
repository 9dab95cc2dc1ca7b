//! The limit: an echo server of one thread over epoll, without Python. It does for a message what any server must do:
//! it reads it and writes it, and waits once for all that is ready.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use crate::sys::{Epoll, Event, READABLE, WRITABLE, event_buffer};

/// Bytes read from a connection at a time.
const RECEIVE: usize = 256 * 1024;
const STREAM_LISTENER: u64 = 0;
const CHURN_LISTENER: u64 = 1;
const DATAGRAMS: u64 = 2;
const FIRST_CONNECTION: u64 = 3;

struct Connection {
    stream: TcpStream,
    /// What the kernel did not take yet.
    unsent: Vec<u8>,
    /// Whether the server closes after its first answer.
    once: bool,
}

/// Three servers in one: streams, streams that are closed after one answer, datagrams.
pub struct EchoServer {
    epoll: Epoll,
    streams: TcpListener,
    churn: TcpListener,
    datagrams: UdpSocket,
    connections: HashMap<u64, Connection>,
    next_token: u64,
    buffer: Vec<u8>,
}

impl EchoServer {
    /// Binds to free ports of the loopback interface.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn bind() -> io::Result<EchoServer> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (streams, churn) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
        let datagrams = UdpSocket::bind(any)?;
        let epoll = Epoll::new()?;
        streams.set_nonblocking(true)?;
        churn.set_nonblocking(true)?;
        datagrams.set_nonblocking(true)?;
        epoll.add(&streams, READABLE, STREAM_LISTENER)?;
        epoll.add(&churn, READABLE, CHURN_LISTENER)?;
        epoll.add(&datagrams, READABLE, DATAGRAMS)?;
        Ok(EchoServer {
            epoll,
            streams,
            churn,
            datagrams,
            connections: HashMap::new(),
            next_token: FIRST_CONNECTION,
            buffer: vec![0; RECEIVE],
        })
    }

    /// The ports of streams, churn and datagrams.
    ///
    /// # Errors
    /// As getsockname(2).
    pub fn ports(&self) -> io::Result<[u16; 3]> {
        Ok([
            self.streams.local_addr()?.port(),
            self.churn.local_addr()?.port(),
            self.datagrams.local_addr()?.port(),
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
                    DATAGRAMS => self.answer_datagrams()?,
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
            let token = self.next_token;
            self.next_token += 1;
            self.epoll.add(&stream, READABLE, token)?;
            let connection = Connection {
                stream,
                unsent: Vec::new(),
                once,
            };
            self.connections.insert(token, connection);
        }
    }

    fn answer_datagrams(&mut self) -> io::Result<()> {
        loop {
            match self.datagrams.recv_from(&mut self.buffer) {
                Ok((count, address)) => {
                    match self.datagrams.send_to(&self.buffer[..count], address) {
                        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                            return Err(error);
                        }
                        // Without room the datagram is lost, as datagrams may be.
                        _ => {}
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&mut self, event: &Event) {
        let token = event.u64;
        let Some(connection) = self.connections.get_mut(&token) else {
            return;
        };
        let open = if connection.unsent.is_empty() {
            connection.echo(&mut self.buffer, &self.epoll, token)
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
    /// Reads once and writes that back; tells whether the connection goes on.
    fn echo(&mut self, buffer: &mut [u8], epoll: &Epoll, token: u64) -> io::Result<bool> {
        let count = self.stream.read(buffer)?;
        if count == 0 {
            return Ok(false);
        }
        let sent = match self.stream.write(&buffer[..count]) {
            Ok(sent) => sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if sent < count {
            self.unsent.extend_from_slice(&buffer[sent..count]);
            epoll.modify(&self.stream, WRITABLE, token)?;
            return Ok(true);
        }
        Ok(!self.once)
    }

    fn send_rest(&mut self, epoll: &Epoll, token: u64) -> io::Result<bool> {
        let sent = self.stream.write(&self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            epoll.modify(&self.stream, READABLE, token)?;
            return Ok(!self.once);
        }
        Ok(true)
    }
}
