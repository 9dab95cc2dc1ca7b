//! A connection to the server: bare TCP, or TLS above it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// Takes any certificate: what is measured is the server.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What all TLS connections of a run share. Sessions are not resumed: each handshake is a whole one.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// A client of TLS 1.3.
    ///
    /// # Errors
    /// None in practice: the provider speaks TLS 1.3.
    pub fn new() -> io::Result<Tls> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Tls(Arc::new(config)))
    }
}

/// One connection. After [`Wire::connect`] it does not block.
pub enum Wire {
    /// TCP.
    Plain(TcpStream),
    /// TLS above TCP.
    Sealed(Box<ClientConnection>, TcpStream),
}

impl Wire {
    /// Connects, and shakes hands if that is asked for.
    ///
    /// # Errors
    /// As connect(2); what is wrong with the handshake.
    pub fn connect(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Wire> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let wire = match tls {
            None => Wire::Plain(stream),
            Some(tls) => {
                let name = ServerName::from(address.ip());
                let connection = ClientConnection::new(tls.0.clone(), name);
                let mut connection = connection.map_err(io::Error::other)?;
                connection.set_buffer_limit(None);
                while connection.is_handshaking() {
                    connection.complete_io(&mut stream)?;
                }
                Wire::Sealed(Box::new(connection), stream)
            }
        };
        wire.stream().set_nonblocking(true)?;
        Ok(wire)
    }

    /// The TCP connection.
    pub fn stream(&self) -> &TcpStream {
        match self {
            Wire::Plain(stream) | Wire::Sealed(_, stream) => stream,
        }
    }

    /// Whether a read that gave `count` bytes where there was room for `room` has left nothing behind.
    pub fn is_drained(&self, count: usize, room: usize) -> bool {
        matches!(self, Wire::Plain(_)) && count < room
    }
}

impl AsRawFd for Wire {
    fn as_raw_fd(&self) -> RawFd {
        self.stream().as_raw_fd()
    }
}

/// Sends what is encrypted, as far as the kernel takes it.
fn send_sealed(connection: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while connection.wants_write() {
        match connection.write_tls(stream) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (connection, stream) = match self {
            Wire::Plain(stream) => return stream.read(buffer),
            Wire::Sealed(connection, stream) => (connection, stream),
        };
        loop {
            match connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                answer => return answer,
            }
            if connection.read_tls(stream)? == 0 {
                return Ok(0);
            }
            connection.process_new_packets().map_err(io::Error::other)?;
            send_sealed(connection, stream)?;
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Sealed(connection, stream) => {
                let count = connection.writer().write(bytes)?;
                send_sealed(connection, stream)?;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.flush(),
            Wire::Sealed(connection, stream) => send_sealed(connection, stream),
        }
    }
}
