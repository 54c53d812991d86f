//! A client of one's own, and how to test it: through a proxy that delays, cuts, refuses and garbles.
//!
//! ```sh
//! cargo run --example test_with_proxy --features testing     # shows what the client makes of trouble
//! cargo test --example test_with_proxy --all-features        # runs its tests, on every runtime
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use aiomisc::net::{self, Stream};
use aiomisc::testing::TcpProxy;
use aiomisc::{BoxError, Context, Key, Service, TcpServer, services, time};
use futures::io::BufReader;
use futures::{AsyncBufReadExt, AsyncWriteExt};

/// Asks a server for prices: a line with the name of a thing, answered by its name and its price.
///
/// What goes wrong is tried again, over a new connection.
struct Prices {
    server: SocketAddr,
    stream: Option<BufReader<Stream>>,
    /// How long one try may take.
    limit: Duration,
    /// How often to try, and how long to rest before the next time.
    tries: u32,
    rest: Duration,
}

#[derive(Debug)]
enum Trouble {
    Late,
    Io(io::Error),
    /// An answer that makes no sense.
    Garbage(String),
}

impl Prices {
    fn new(server: SocketAddr) -> Self {
        Self {
            server,
            stream: None,
            limit: Duration::from_secs(10),
            tries: 3,
            rest: Duration::from_millis(20),
        }
    }

    /// The price of a thing, and how many tries it took.
    async fn of(&mut self, thing: &str) -> Result<(u32, u32), Trouble> {
        let mut tried = 0;
        loop {
            tried += 1;
            let trouble = match time::timeout(self.limit, self.try_once(thing)).await {
                Ok(Ok(price)) => return Ok((price, tried)),
                Ok(Err(trouble)) => trouble,
                Err(_) => Trouble::Late,
            };
            // Its answer may still come, and must not be taken for another one.
            self.stream = None;
            if tried == self.tries {
                return Err(trouble);
            }
            time::sleep(self.rest).await;
        }
    }

    async fn try_once(&mut self, thing: &str) -> Result<u32, Trouble> {
        let answer = self.exchange(thing).await.map_err(Trouble::Io)?;
        let price = answer.trim_end().strip_prefix(thing);
        price
            .and_then(|price| price.trim_start().parse().ok())
            .ok_or(Trouble::Garbage(answer))
    }

    async fn exchange(&mut self, thing: &str) -> io::Result<String> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(net::connect(self.server).await?)),
        };
        let question = format!("{thing}\n");
        stream.get_mut().write_all(question.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_until(b'\n', &mut answer).await?;
        match answer.last() {
            Some(b'\n') => Ok(String::from_utf8_lossy(&answer).into_owned()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("no answer in time"),
            Self::Io(error) => write!(f, "{}", error.kind()),
            Self::Garbage(answer) => write!(f, "an answer that makes no sense: {answer:?}"),
        }
    }
}

/// Where the server listens.
static SERVER: Key<SocketAddr> = Key::new("server");

/// The server: everything costs as much as its name is long.
fn server() -> impl Service {
    let server = TcpServer::new("127.0.0.1:0", |stream, _| async move {
        let mut stream = BufReader::new(stream);
        let mut thing = String::new();
        while stream.read_line(&mut thing).await? > 0 {
            let answer = format!("{0} {1}\n", thing.trim_end(), thing.trim_end().len());
            stream.get_mut().write_all(answer.as_bytes()).await?;
            thing.clear();
        }
        Ok(())
    });
    server.on_listening(|addr| {
        if let (Some(context), Some(addr)) = (Context::current(), addr.inet()) {
            context.set(&SERVER, addr);
        }
    })
}

/// A proxy in front of the server, and a client that knows nothing of it.
async fn through_a_proxy() -> Result<(TcpProxy, Prices), BoxError> {
    let context = Context::current().ok_or("this runs inside of an entrypoint")?;
    let proxy = TcpProxy::start(context.get(&SERVER).await?).await?;
    let prices = Prices::new(proxy.addr());
    Ok((proxy, prices))
}

#[aiomisc::main(services = services![server()], log_level = "critical")]
async fn main() -> Result<(), BoxError> {
    let (proxy, mut prices) = through_a_proxy().await?;
    prices.tries = 2;
    let mut show = async |when: &str| match prices.of("apple").await {
        Ok((price, tries)) => println!("{when}: an apple is {price}, tries: {tries}"),
        Err(trouble) => println!("{when}: {trouble}"),
    };
    show("as it is").await;
    {
        let _slow = proxy.slowdown(Duration::from_millis(10), Duration::from_millis(20));
        show("with delays").await;
    }
    proxy.disconnect_all().await;
    show("after a cut").await;
    proxy.set_write_processor(|_| b"who?\n".to_vec());
    show("with garbage").await;
    proxy.clear_processors();
    proxy.refuse_connections(true)?;
    show("when refused").await;
    proxy.refuse_connections(false)?;
    show("as it was").await;
    proxy.close().await;
    Ok(())
}

/// The tests are what you would write for a client of yours.
#[cfg(test)]
mod tests {
    use super::*;

    #[aiomisc::test(runtimes(all), services = services![server()])]
    async fn a_delay_within_the_limit_costs_nothing_but_time() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        let slow = proxy.slowdown(Duration::from_millis(10), Duration::from_millis(20));
        let answer = prices.of("pear").await;
        assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
        drop(slow);
        proxy.close().await;
        Ok(())
    }

    #[aiomisc::test(runtimes(all), services = services![server()])]
    async fn an_answer_that_never_comes_is_not_waited_for() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        let limit = std::mem::replace(&mut prices.limit, Duration::from_millis(20));
        {
            let _never = proxy.slowdown(Duration::ZERO, Duration::MAX);
            let answer = prices.of("pear").await;
            assert!(matches!(answer, Err(Trouble::Late)), "{answer:?}");
        }
        prices.limit = limit;
        let answer = prices.of("plum").await;
        assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
        proxy.close().await;
        Ok(())
    }

    #[aiomisc::test(runtimes(all), services = services![server()])]
    async fn after_a_cut_the_second_try_succeeds() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        for hard in [false, true] {
            let answer = prices.of("pear").await;
            assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
            match hard {
                false => proxy.disconnect_all().await,
                true => proxy.reset_all().await,
            };
            let answer = prices.of("pear").await;
            assert!(matches!(answer, Ok((4, 2))), "{answer:?}");
        }
        assert_eq!(proxy.statistics().accepted, 3);
        proxy.close().await;
        Ok(())
    }

    #[aiomisc::test(runtimes(all), services = services![server()])]
    async fn garbage_is_no_price() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        for garbage in [&b"who?\n"[..], b"pear\n", b"pear 4,00\n", b"\xff\n"] {
            proxy.set_write_processor(|_| garbage.to_vec());
            let answer = prices.of("pear").await;
            assert!(matches!(answer, Err(Trouble::Garbage(_))), "{answer:?}");
        }
        proxy.clear_processors();
        let answer = prices.of("pear").await;
        assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
        proxy.close().await;
        Ok(())
    }

    #[aiomisc::test(runtimes(all), services = services![server()])]
    async fn a_server_that_does_not_run_is_an_error() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        proxy.refuse_connections(true)?;
        let answer = prices.of("pear").await;
        let refused = io::ErrorKind::ConnectionRefused;
        assert!(
            matches!(&answer, Err(Trouble::Io(error)) if error.kind() == refused),
            "{answer:?}"
        );
        proxy.refuse_connections(false)?;
        let answer = prices.of("pear").await;
        assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
        proxy.close().await;
        Ok(())
    }

    /// In a simulation all of it takes no time at all, and how long it takes is exact.
    #[cfg(feature = "simulation")]
    #[aiomisc::test(simulation, seeds = 100, services = services![server()])]
    async fn the_limit_holds_to_the_nanosecond() -> Result<(), BoxError> {
        let (proxy, mut prices) = through_a_proxy().await?;
        let runtime = aiomisc::Runtime::current()?;
        let begun = runtime.now();
        let instant = Duration::from_nanos(1);
        let in_time = prices.limit.saturating_sub(instant);
        proxy.set_write_delay(in_time);
        let answer = prices.of("pear").await;
        assert!(matches!(answer, Ok((4, 1))), "{answer:?}");
        assert_eq!(runtime.now() - begun, in_time);

        proxy.set_write_delay(prices.limit + instant);
        let (begun, answer) = (runtime.now(), prices.of("pear").await);
        assert!(matches!(answer, Err(Trouble::Late)), "{answer:?}");
        assert_eq!(runtime.now() - begun, 3 * prices.limit + 2 * prices.rest);
        proxy.close().await;
        Ok(())
    }
}
