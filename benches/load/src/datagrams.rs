//! Echo by datagrams: each socket has one under way.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::answers::Conversation;
use crate::options::Options;
use crate::report::Figures;
use crate::sys::{Epoll, READABLE, event_buffer};
use crate::window::Window;

/// A datagram without an answer for so long is lost, and another one is sent.
const LOST_AFTER: Duration = Duration::from_millis(100);
/// No answer on any socket for so long: the server is stuck.
const STUCK: Duration = Duration::from_secs(5);

struct Peer {
    socket: UdpSocket,
    started: Instant,
}

impl Peer {
    fn send(&mut self, request: &[u8], now: Instant) -> io::Result<()> {
        self.started = now;
        match self.socket.send(request) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            // Without room in the socket's buffer it is lost, and sent again in a while.
            _ => Ok(()),
        }
    }

    fn receive(
        &mut self,
        request: &[u8],
        buffer: &mut [u8],
        window: &mut Window,
    ) -> io::Result<()> {
        loop {
            match self.socket.recv(buffer) {
                Ok(count) if buffer[..count] == *request => {
                    let now = Instant::now();
                    window.answered(self.started, now);
                    self.send(request, now)?;
                }
                Ok(_) => {
                    let words = "the server gave back another datagram than was sent";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, words));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Exchanges datagrams until the window is over.
///
/// # Errors
/// What the kernel says, a wrong answer, or five seconds without any.
pub fn run(options: &Options) -> io::Result<Figures> {
    let echo = Conversation::echo(options.size);
    let request = echo.request();
    let epoll = Epoll::new()?;
    let mut peers = Vec::with_capacity(options.connections);
    for token in 0..options.connections {
        let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        socket.connect(options.address)?;
        socket.set_nonblocking(true)?;
        epoll.add(&socket, READABLE, token as u64)?;
        let mut peer = Peer {
            socket,
            started: Instant::now(),
        };
        peer.send(request, Instant::now())?;
        peers.push(peer);
    }
    let mut window = Window::begin(options)?;
    let mut buffer = vec![0; 65536];
    let mut events = event_buffer(options.connections.min(1024));
    let (mut looked, mut answered) = (Instant::now(), Instant::now());
    loop {
        let count = epoll.wait(&mut events, LOST_AFTER.as_millis() as i32)?;
        for event in &events[..count] {
            peers[event.u64 as usize].receive(request, &mut buffer, &mut window)?;
        }
        let now = Instant::now();
        if count > 0 {
            answered = now;
        } else if now - answered > STUCK {
            let words = format!("no answer within {} s", STUCK.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        if now - looked >= LOST_AFTER {
            looked = now;
            for peer in &mut peers {
                if now - peer.started >= LOST_AFTER {
                    window.lost();
                    peer.send(request, now)?;
                }
            }
        }
        if let Some(figures) = window.at(now)? {
            return Ok(figures);
        }
    }
}
