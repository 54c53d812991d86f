//! A small client that tries again, proved by the proxy: under delay, cuts, refusals and garbage, and
//! under all of them at random.

use std::fmt;
use std::io;

use aiomisc::{BoxError, Runtime, TcpServer, services, spawn, time};
use futures::io::BufReader;
use futures::{AsyncBufReadExt, StreamExt};

use super::*;

/// How long an answer may take, and how long the client rests after trouble.
const LIMIT: Duration = ms(500);
const REST: Duration = ms(100);

/// Asks lines of a server that answers each with `ok` and the line.
struct Client {
    addr: SocketAddr,
    stream: Option<BufReader<Stream>>,
    /// What went wrong so far.
    troubles: Vec<Trouble>,
}

#[derive(Clone, Debug, PartialEq)]
enum Trouble {
    Late,
    Io(io::ErrorKind),
    Garbage(String),
}

impl Client {
    fn new(addr: SocketAddr) -> Self {
        let (stream, troubles) = (None, Vec::new());
        Self {
            addr,
            stream,
            troubles,
        }
    }

    /// Asks until there is an answer to this question.
    async fn ask(&mut self, word: &str) {
        loop {
            let trouble = match time::timeout(LIMIT, self.try_once(word)).await {
                Ok(Ok(())) => return,
                Ok(Err(trouble)) => trouble,
                Err(_) => Trouble::Late,
            };
            // An answer that is late must not be taken for that to the next question.
            self.stream = None;
            self.troubles.push(trouble);
            time::sleep(REST).await;
        }
    }

    async fn try_once(&mut self, word: &str) -> Result<(), Trouble> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let connected = connect(self.addr).await;
                let stream = connected.map_err(|error| Trouble::Io(error.kind()))?;
                none.insert(BufReader::new(stream))
            }
        };
        let mut answer = Vec::new();
        let exchange = async {
            let question = format!("{word}\n");
            stream.get_mut().write_all(question.as_bytes()).await?;
            stream.read_until(b'\n', &mut answer).await?;
            match answer.ends_with(b"\n") {
                true => Ok(()),
                false => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            }
        };
        exchange.await.map_err(|error| Trouble::Io(error.kind()))?;
        if answer == format!("ok {word}\n").into_bytes() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer).trim_end().to_owned();
        Err(Trouble::Garbage(text))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.troubles)
    }
}

async fn answer(stream: Stream) -> Result<(), BoxError> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = format!("ok {line}");
        stream.get_mut().write_all(answer.as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

/// A server of a whole program, the proxy, and a client of it.
async fn start() -> (TcpProxy, Client, aiomisc::RunningEntrypoint) {
    let server = TcpServer::new((localhost(), 0), |stream, _| answer(stream));
    let server = std::sync::Arc::new(server);
    let program = aiomisc::Entrypoint::builder()
        .services(services![std::sync::Arc::clone(&server)])
        .environment(|_| None)
        .start()
        .await
        .unwrap();
    let addr = server.address().unwrap().inet().unwrap();
    let proxy = TcpProxy::start(addr).await.unwrap();
    let client = Client::new(proxy.addr());
    (proxy, client, program)
}

/// How long something takes.
async fn timed<T>(future: impl Future<Output = T>) -> Duration {
    let runtime = Runtime::current().unwrap();
    let begun = runtime.now();
    future.await;
    runtime.now() - begun
}

#[aiomisc::test(simulation, seeds = 100)]
async fn under_a_delay_it_waits_and_no_longer_than_its_limit() {
    let (proxy, mut client, program) = start().await;
    {
        let _slow = proxy.slowdown(ms(100), ms(200));
        assert_eq!(timed(client.ask("slow")).await, ms(300));
        assert_eq!(client.troubles, []);
    }
    assert_eq!(timed(client.ask("fast")).await, ms(0));

    // Beyond its limit it gives up, rests, and tries again; the third time there is no delay.
    proxy.set_write_delay(ms(501));
    let mending = async {
        time::sleep(ms(1_150)).await;
        proxy.set_write_delay(ms(0));
    };
    let (taken, ()) = futures::join!(timed(client.ask("late")), mending);
    assert_eq!(taken, ms(1_200));
    assert_eq!(client.troubles, [Trouble::Late, Trouble::Late]);
    proxy.close().await;
    program.graceful_shutdown("done").await.unwrap();
}

#[aiomisc::test(simulation, seeds = 100)]
async fn after_a_cut_it_connects_again() {
    let (proxy, mut client, program) = start().await;
    client.ask("before").await;
    assert_eq!(proxy.disconnect_all().await, 1);
    assert_eq!(timed(client.ask("after")).await, REST);
    let [Trouble::Io(kind)] = client.troubles[..] else {
        panic!("{client}");
    };
    // Whether the write or the read finds out.
    let known = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
    assert!(known.contains(&kind), "{kind:?}");

    // In the middle of an exchange.
    proxy.set_write_delay(ms(300));
    client.troubles.clear();
    let cutting = async {
        time::sleep(ms(200)).await;
        assert_eq!(proxy.reset_all().await, 1);
    };
    let (taken, ()) = futures::join!(timed(client.ask("cut")), cutting);
    assert_eq!(taken, ms(200) + REST + ms(300));
    let reset = Trouble::Io(io::ErrorKind::ConnectionReset);
    assert_eq!(client.troubles, [reset]);
    assert_eq!(proxy.statistics().accepted, 3);
    proxy.close().await;
    program.graceful_shutdown("done").await.unwrap();
}

#[aiomisc::test(simulation, seeds = 100)]
async fn it_waits_for_a_server_that_refuses() {
    let (proxy, mut client, program) = start().await;
    proxy.refuse_connections(true).unwrap();
    let opening = async {
        time::sleep(ms(450)).await;
        proxy.refuse_connections(false).unwrap();
    };
    let (taken, ()) = futures::join!(timed(client.ask("hello")), opening);
    assert_eq!(taken, ms(500));
    let refused = Trouble::Io(io::ErrorKind::ConnectionRefused);
    assert_eq!(client.troubles, vec![refused; 5]);
    proxy.close().await;
    program.graceful_shutdown("done").await.unwrap();
}

#[aiomisc::test(simulation, seeds = 100)]
async fn it_knows_garbage_when_it_sees_it() {
    let (proxy, mut client, program) = start().await;
    let mut times = 0;
    proxy.set_write_processor(move |data| {
        times += 1;
        match times {
            1 => b"no such thing\n".to_vec(),
            2 => data[..1].to_vec(),
            3 => vec![0xff, b'\n'],
            _ => data,
        }
    });
    let taken = timed(client.ask("hello")).await;
    assert_eq!(taken, REST + LIMIT + REST + REST);
    let garbage = |text: &str| Trouble::Garbage(text.to_owned());
    let expected = [garbage("no such thing"), Trouble::Late, garbage("\u{fffd}")];
    assert_eq!(client.troubles, expected);
    proxy.close().await;
    program.graceful_shutdown("done").await.unwrap();
}

/// Three clients, and trouble of every kind at every moment: in the end each question has its answer, and
/// nothing is left.
#[aiomisc::test(simulation, seeds = 300, timeout = "120s")]
async fn it_gets_over_any_trouble_that_ends() {
    let (proxy, client, program) = start().await;
    let addr = client.addr;
    let clients: Vec<_> = (0..3)
        .map(|number| {
            spawn(async move {
                let mut client = Client::new(addr);
                for question in 0..20 {
                    client.ask(&format!("{number}/{question}")).await;
                    time::sleep(ms(20)).await;
                }
            })
        })
        .collect();

    let backend = std::sync::Arc::clone(Runtime::current().unwrap().backend());
    let mut chance = futures::stream::repeat_with(move || backend.seed());
    for _ in 0..40 {
        let number = chance.next().await.unwrap();
        time::sleep(ms(number >> 32 & 0x7f)).await;
        let some = number >> 8 & 0xff;
        match number % 10 {
            0 => drop(proxy.disconnect_all().await),
            1 => drop(proxy.reset_all().await),
            2 => proxy.refuse_connections(some < 128).unwrap(),
            3 => proxy.set_read_delay(ms(some)),
            4 => proxy.set_write_delay(ms(some)),
            5 => proxy.set_read_rate(some * 4),
            6 => proxy.set_write_rate(some * 4),
            7 => proxy.set_write_processor(move |mut data| {
                data[0] ^= 1;
                data
            }),
            8 => proxy.set_read_processor(move |data| {
                assert!(some < 200, "on purpose");
                data
            }),
            _ => proxy.clear_processors(),
        }
    }
    proxy.refuse_connections(false).unwrap();
    proxy.clear_processors();
    proxy.set_read_rate(None);
    proxy.set_write_rate(None);
    proxy.set_read_delay(ms(0));
    proxy.set_write_delay(ms(0));
    for client in clients {
        client.await.unwrap();
    }
    proxy.wait_disconnected().await;
    proxy.close().await;
    program.graceful_shutdown("done").await.unwrap();
    drop(client);
}
