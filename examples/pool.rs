//! A pool of connections to a Redis server: checked by `PING`, replaced when they break.
//!
//! ```sh
//! cargo run --example pool                              # with a small server of its own
//! POOL_ADDRESS=127.0.0.1:6379 cargo run --example pool  # with a real one
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::io;
use std::time::Duration;

use aiomisc::net::{self, Addr, Stream};
use aiomisc::{BoxError, Key, Pool, PoolManager, TcpServer, time};
use futures::io::BufReader;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

#[path = "common/cli.rs"]
mod cli;

type Connection = BufReader<Stream>;

/// Makes connections to this address.
struct Redis(String);

impl PoolManager for Redis {
    type Object = Connection;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Connection> {
        let stream = net::connect(self.0.as_str()).await;
        Ok(BufReader::new(stream.map_err(io::Error::other)?))
    }

    async fn check(&self, connection: &mut Connection) -> io::Result<bool> {
        Ok(call(connection, &["PING"]).await? == "PONG")
    }

    async fn destroy(&self, mut connection: Connection) -> io::Result<()> {
        connection.close().await
    }
}

/// Where a server listens that is not ours.
#[allow(
    clippy::disallowed_methods,
    reason = "a program reads its own environment"
)]
fn address_of_the_environment() -> String {
    std::env::var("POOL_ADDRESS").unwrap_or_default()
}

/// Where the small server of the example listens.
static ADDRESS: Key<String> = Key::new("address");

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime", "--address"])?;
    let given = args.get("--address", &address_of_the_environment());
    let mut entrypoint = args.entrypoint()?.log_config(false);
    if given.is_empty() {
        let server = TcpServer::new("127.0.0.1:0", |stream, _| serve(stream));
        entrypoint = entrypoint.service(server.on_listening(|addr: &Addr| {
            println!("listening {}", cli::url("tcp", addr));
            if let Some(context) = aiomisc::Context::current() {
                context.set(&ADDRESS, addr.to_string());
            }
        }));
    }
    let outcome = entrypoint.run(async move {
        let address = match given.is_empty() {
            true => aiomisc::Context::current()
                .ok_or("no entrypoint")?
                .get(&ADDRESS)
                .await?
                .as_str()
                .to_owned(),
            false => given,
        };
        use_pool(address).await
    })?;
    outcome.finished().unwrap_or(Ok(()))
}

async fn use_pool(address: String) -> Result<(), BoxError> {
    let pool = Pool::builder(Redis(address))
        .maximum(3)
        .recycle(Duration::from_secs(3600))
        .acquire_timeout(Duration::from_secs(5))
        .name("redis")
        .build()?;

    let callers = (0..20).map(|number: u32| {
        let pool = pool.clone();
        aiomisc::spawn(async move {
            let mut connection = pool.acquire().await?;
            let answer = call(&mut connection, &["ECHO", &number.to_string()]).await?;
            Ok::<_, BoxError>(answer == number.to_string())
        })
    });
    let mut right = 0;
    for caller in callers.collect::<Vec<_>>() {
        right += u32::from(caller.await??);
    }
    let made = pool.statistics().created.total();
    println!("{right} right answers over {made} connections");

    // The server closes this one; that is found when it is to be lent again.
    let mut connection = pool.acquire().await?;
    println!("QUIT: {}", call(&mut connection, &["QUIT"]).await?);
    drop(connection);
    let mut connection = pool.acquire().await?;
    println!("PING: {}", call(&mut connection, &["PING"]).await?);
    let failed = pool.statistics().check_errors.total();
    println!("replaced after a failed check: {failed}");

    let others = (pool.acquire().await?, pool.acquire().await?);
    if let Err(error) = pool.acquire_within(Duration::from_millis(10)).await {
        println!("a fourth one: {error}");
    }
    drop(others);
    let giving_back = aiomisc::spawn(async move {
        time::sleep(Duration::from_millis(50)).await;
        drop(connection);
    });
    pool.close(Duration::from_secs(5)).await?;
    giving_back.await?;
    if let Err(error) = pool.acquire().await {
        println!("closed: {error}");
    }
    Ok(())
}

/// Sends a command and reads its answer: a line, or a text with its length.
async fn call(connection: &mut Connection, words: &[&str]) -> io::Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    connection.get_mut().write_all(request.as_bytes()).await?;
    let line = read_line(connection).await?;
    match line.split_at_checked(1) {
        Some(("+", text)) => Ok(text.to_owned()),
        Some(("$", length)) => read_text(connection, length).await,
        _ => Err(io::Error::other(format!("an unexpected answer: {line}"))),
    }
}

/// What the small server does: `PING`, `ECHO` and `QUIT`.
async fn serve(stream: Stream) -> Result<(), BoxError> {
    let mut connection = BufReader::new(stream);
    loop {
        let mut words = Vec::new();
        let count = match read_line(&mut connection).await {
            Ok(line) => line.trim_start_matches('*').parse::<usize>()?,
            // The client has gone.
            Err(_) => return Ok(()),
        };
        for _ in 0..count.min(8) {
            let length = read_line(&mut connection).await?;
            let length = length.trim_start_matches('$');
            words.push(read_text(&mut connection, length).await?);
        }
        let answer = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["PING"] => "+PONG\r\n".to_owned(),
            ["ECHO", text] => format!("${}\r\n{text}\r\n", text.len()),
            ["QUIT"] => {
                connection.get_mut().write_all(b"+OK\r\n").await?;
                return Ok(());
            }
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        connection.get_mut().write_all(answer.as_bytes()).await?;
    }
}

async fn read_line(connection: &mut Connection) -> io::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(end)
}

async fn read_text(connection: &mut Connection, length: &str) -> io::Result<String> {
    let length: usize = length.parse().map_err(io::Error::other)?;
    let mut text = vec![0; length.min(1024) + 2];
    connection.read_exact(&mut text).await?;
    text.truncate(text.len() - 2);
    String::from_utf8(text).map_err(io::Error::other)
}
