use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::runtime::Runtime;

/// An address as a user writes it: to listen on, or to connect to.
///
/// | written | means |
/// |---|---|
/// | `"127.0.0.1:80"`, `"[::1]:80"` | that address and port |
/// | `"127.0.0.1"`, `"::1"`, `"localhost"` | port 0: the system's choice |
/// | `"localhost:80"`, `("localhost", 80)` | a name, looked up when it is used |
/// | `"/run/app.sock"`, `"./app.sock"`, `"unix:app.sock"`, a [`Path`] | a Unix socket |
///
/// Text that means nothing is kept, and is an error where the address is used, so that a program
/// can report all of its mistakes together.
///
/// ```
/// use aiomisc::net::Address;
///
/// assert_eq!(Address::from("::1").to_string(), "[::1]:0");
/// assert_eq!(Address::from(("localhost", 80)).to_string(), "localhost:80");
/// assert_eq!(Address::from("unix:app.sock").to_string(), "app.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Socket(SocketAddr),
    Name { host: String, port: u16 },
    Unix(PathBuf),
    Invalid { text: String, reason: &'static str },
}

/// What an address comes to once names are looked up.
pub(super) enum Resolved {
    Inet(Vec<SocketAddr>),
    Unix(PathBuf),
}

impl Address {
    fn parse(text: &str) -> Self {
        let form = if let Some(path) = text.strip_prefix("unix:") {
            Form::Unix(path.strip_prefix("//").unwrap_or(path).into())
        } else if text.starts_with(['/', '.']) {
            Form::Unix(text.into())
        } else if let Ok(addr) = text.parse() {
            Form::Socket(addr)
        } else if let Ok(ip) = text.parse::<IpAddr>() {
            Form::Socket((ip, 0).into())
        } else {
            Self::parse_name(text)
        };
        Self { form }.checked()
    }

    fn parse_name(text: &str) -> Form {
        let invalid = |reason| Form::Invalid {
            text: text.to_owned(),
            reason,
        };
        let (host, port) = match text.rsplit_once(':') {
            None => (text, Ok(0)),
            Some((host, port)) => (host, port.parse()),
        };
        let Ok(port) = port else {
            return invalid("the port must be a number from 0 to 65535");
        };
        if host.contains([':', '/', '[', ']']) || host.contains(char::is_whitespace) {
            return invalid("expected HOST:PORT, [IPV6]:PORT, or the path of a Unix socket");
        }
        Form::Name {
            host: host.to_owned(),
            port,
        }
    }

    fn checked(self) -> Self {
        let reason = match &self.form {
            Form::Name { host, .. } if host.is_empty() => "the host is missing",
            Form::Unix(path) if path.as_os_str().is_empty() => "the path is missing",
            _ => return self,
        };
        let text = self.to_string();
        Self {
            form: Form::Invalid { text, reason },
        }
    }

    /// Whether this is a Unix socket.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        matches!(self.form, Form::Unix(_))
    }

    /// What is wrong with the text, if it means nothing.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match &self.form {
            Form::Invalid { reason, .. } => Some(reason),
            _ => None,
        }
    }

    pub(super) async fn resolve(&self, runtime: &Runtime) -> io::Result<Resolved> {
        match &self.form {
            Form::Socket(addr) => Ok(Resolved::Inet(vec![*addr])),
            Form::Unix(path) => Ok(Resolved::Unix(path.clone())),
            Form::Invalid { reason, .. } => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, *reason))
            }
            Form::Name { host, port } => {
                let found = look_up(runtime, host, *port).await?;
                if found.is_empty() {
                    let text = "the name has no address";
                    return Err(io::Error::new(io::ErrorKind::NotFound, text));
                }
                Ok(Resolved::Inet(found))
            }
        }
    }
}

async fn look_up(runtime: &Runtime, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Some(answer) = runtime.backend().resolve(host, port) {
        return answer.await;
    }
    let host = host.to_owned();
    runtime
        .task("look up a host name")
        .spawn_blocking(move || (host, port).to_socket_addrs().map(Vec::from_iter))
        // Nobody waits for the answer once this future is dropped.
        .abort_on_drop()
        .await
        .map_err(io::Error::other)?
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Socket(addr) => addr.fmt(f),
            Form::Name { host, port } => write!(f, "{host}:{port}"),
            Form::Unix(path) => path.display().fmt(f),
            Form::Invalid { text, .. } => text.fmt(f),
        }
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self {
            form: Form::Socket(addr),
        }
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from(addr: (IpAddr, u16)) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Self {
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).into(),
            Err(_) => Self {
                form: Form::Name {
                    host: host.to_owned(),
                    port,
                },
            }
            .checked(),
        }
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Self {
        (host.as_str(), port).into()
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self {
            form: Form::Unix(path),
        }
        .checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let socket = |text: &str| Form::Socket(text.parse().expect("an address"));
        let name = |host: &str, port| Form::Name {
            host: host.to_owned(),
            port,
        };
        let unix = |path: &str| Form::Unix(path.into());
        for (text, form) in [
            ("127.0.0.1:80", socket("127.0.0.1:80")),
            ("127.0.0.1", socket("127.0.0.1:0")),
            ("::", socket("[::]:0")),
            ("[::1]:8080", socket("[::1]:8080")),
            ("localhost", name("localhost", 0)),
            ("localhost:80", name("localhost", 80)),
            ("/run/x.sock", unix("/run/x.sock")),
            ("./x.sock", unix("./x.sock")),
            ("unix:x.sock", unix("x.sock")),
            ("unix:///run/x.sock", unix("/run/x.sock")),
        ] {
            assert_eq!(Address::from(text).form, form, "{text}");
        }
    }

    #[test]
    fn nonsense_is_kept_with_its_reason() {
        for (text, part) in [
            ("", "host is missing"),
            (":80", "host is missing"),
            ("unix:", "path is missing"),
            ("localhost:http", "number from 0 to 65535"),
            ("localhost:65536", "number from 0 to 65535"),
            ("http://localhost:80", "expected HOST:PORT"),
            ("a b:80", "expected HOST:PORT"),
            ("1:2:3:80", "expected HOST:PORT"),
        ] {
            let Form::Invalid { reason, .. } = Address::from(text).form else {
                panic!("{text} was taken")
            };
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
