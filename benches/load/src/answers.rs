//! What is sent, and when an answer to it is complete and right.

use std::io;

/// A request and the check of its answer.
#[derive(Clone, Debug)]
pub enum Conversation {
    /// The answer is the request.
    Echo(Vec<u8>),
    /// The answer is a complete response of HTTP/1.1 with status 200 and a Content-Length.
    Http(Vec<u8>),
}

/// How far an answer has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    received: usize,
    /// The response so far, of HTTP only.
    response: Vec<u8>,
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Conversation {
    /// Echo of so many bytes, no two neighbouring pages alike, so that a mix-up shows.
    pub fn echo(size: usize) -> Conversation {
        let mut state = 0x9E37_79B9_u32;
        let bytes = (0..size).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        });
        Conversation::Echo(bytes.collect())
    }

    /// `GET /` of HTTP/1.1.
    pub fn http(host: &str) -> Conversation {
        let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n");
        Conversation::Http(text.into_bytes())
    }

    /// The bytes of a request.
    #[inline]
    pub fn request(&self) -> &[u8] {
        match self {
            Conversation::Echo(bytes) | Conversation::Http(bytes) => bytes,
        }
    }

    /// Takes the next bytes of the answer; tells whether it is complete, and then begins anew.
    ///
    /// # Errors
    /// `InvalidData` if the bytes are not those of a right answer.
    #[inline]
    pub fn received(&self, progress: &mut Progress, bytes: &[u8]) -> io::Result<bool> {
        match self {
            Conversation::Echo(expected) => {
                let end = progress.received + bytes.len();
                if expected.get(progress.received..end) != Some(bytes) {
                    return Err(wrong("the server gave back other bytes than were sent"));
                }
                progress.received = end % expected.len();
                Ok(progress.received == 0)
            }
            Conversation::Http(_) => {
                progress.response.extend_from_slice(bytes);
                match response_length(&progress.response)? {
                    Some(length) if progress.response.len() == length => {
                        progress.response.clear();
                        Ok(true)
                    }
                    Some(length) if progress.response.len() > length => {
                        Err(wrong("more bytes than the response's length"))
                    }
                    _ => Ok(false),
                }
            }
        }
    }
}

/// The length of a response with its head, once the head is complete.
fn response_length(response: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    if !response.starts_with(b"HTTP/1.1 200 ") {
        return Err(wrong("a response that is not HTTP/1.1 200"));
    }
    for line in response[..end].split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        if line[..colon].eq_ignore_ascii_case(b"content-length") {
            let value = String::from_utf8_lossy(&line[colon + 1..]);
            let body: usize = value
                .trim()
                .parse()
                .map_err(|_| wrong("a Content-Length that is no number"))?;
            return Ok(Some(end + 4 + body));
        }
    }
    Err(wrong("a response without Content-Length"))
}

#[cfg(test)]
mod tests {
    use super::{Conversation, Progress};

    #[test]
    fn an_echo_in_pieces_is_complete_with_its_last_byte() {
        let echo = Conversation::echo(1000);
        let sent = echo.request().to_vec();
        let mut progress = Progress::default();
        for _ in 0..2 {
            assert!(!echo.received(&mut progress, &sent[..999]).unwrap());
            assert!(echo.received(&mut progress, &sent[999..]).unwrap());
        }
    }

    #[test]
    fn an_echo_of_other_bytes_is_an_error() {
        let echo = Conversation::echo(1000);
        let mut altered = echo.request().to_vec();
        altered[500] ^= 1;
        assert!(echo.received(&mut Progress::default(), &altered).is_err());
        let longer = [echo.request(), b"x"].concat();
        assert!(echo.received(&mut Progress::default(), &longer).is_err());
    }

    #[test]
    fn a_response_ends_by_its_length() {
        let http = Conversation::http("localhost");
        let mut progress = Progress::default();
        let response = b"HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length: 5\r\n\r\nHello";
        for cut in 1..response.len() {
            assert!(!http.received(&mut progress, &response[..cut]).unwrap());
            assert!(http.received(&mut progress, &response[cut..]).unwrap());
        }
        assert!(
            http.received(&mut progress, b"HTTP/1.1 500 No\r\n\r\n")
                .is_err()
        );
    }
}
