//! `#[cutout]` (row C6). Messages for mistakes are in `tests/ui`.

use std::fmt::Display;
use std::io::{self, ErrorKind};

use aiomisc::circuit_breaker::{CircuitBreakerStatistic, Recovery};
use aiomisc::{BoxError, cutout};

use super::*;

fn figure(name: &str, metric: &str) -> String {
    let figures = aiomisc::statistics().of_kind::<CircuitBreakerStatistic>();
    let mut named = figures.filter(|figure| figure.name.as_deref() == Some(name));
    let figure = named.find(|figure| figure.metric == metric);
    figure.unwrap().value.to_string()
}

/// There: without types of exceptions it counted nothing.
#[aiomisc::test(simulation)]
async fn cutout_without_types_never_opens() {
    #[cutout(0.2, 30)]
    async fn fetch(fails: bool) -> io::Result<u8> {
        sleep(ms(1)).await;
        if fails {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(7)
    }
    assert_eq!(fetch(false).await.unwrap(), 7);
    for _ in 0..9 {
        assert_eq!(fetch(true).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    let error = fetch(false).await.unwrap_err();
    assert!(error.get_ref().unwrap().is::<CircuitBroken>(), "{error:?}");
    sleep(s(60)).await;
    assert_eq!(fetch(false).await.unwrap(), 7);
}

#[aiomisc::test(simulation)]
async fn a_plain_function_has_a_breaker() {
    #[cutout(
        error_ratio = 1,
        response_time = "1s",
        minimum_calls = 2,
        name = "plain"
    )]
    fn parse(text: &str) -> Result<u8, BoxError> {
        let number = text.parse()?;
        Ok(number)
    }
    assert!(parse("x").is_err());
    assert!(parse("y").is_err());
    assert!(parse("7").unwrap_err().is::<CircuitBroken>());
    assert_eq!(figure("plain", "failure"), "2");
    assert_eq!(figure("plain", "call_broken"), "1");
}

fn is_serious(error: &io::Error) -> bool {
    error.kind() != ErrorKind::NotFound
}

const WINDOW: Duration = Duration::from_millis(500);

#[cutout(
    error_ratio = 0.5,
    response_time = WINDOW,
    broken_time = "100ms",
    recovery_time = 0.1,
    passing_time = 0,
    minimum_calls = 3,
    slow_call = ms(50),
    recovery = Recovery::probes(1, s(1)),
    failure_if = is_serious,
    crate = "aiomisc",
)]
async fn with_everything<'a, T>(
    text: &'a T,
    (takes, kind): (u64, Option<ErrorKind>),
) -> io::Result<impl Display + use<'a, T>>
where
    T: Display + ?Sized + Sync,
{
    sleep(ms(takes)).await;
    match kind {
        Some(kind) => Err(kind.into()),
        None => Ok(format!("{text}!")),
    }
}

#[aiomisc::test(simulation)]
async fn all_options_are_there() {
    let call = |takes, kind| async move {
        let result = with_everything("x", (takes, kind)).await;
        result
            .map(|text| text.to_string())
            .map_err(|error| error.kind())
    };
    assert_eq!(call(0, None).await, Ok("x!".to_owned()));
    for _ in 0..10 {
        assert_eq!(
            call(0, Some(ErrorKind::NotFound)).await,
            Err(ErrorKind::NotFound)
        );
    }
    let reset = Some(ErrorKind::ConnectionReset);
    assert_eq!(call(0, reset).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(call(51, None).await, Ok("x!".to_owned()), "too slow");
    assert_eq!(call(0, None).await, Err(ErrorKind::Other), "2 of 3");
    assert_eq!(figure("with_everything", "slow"), "1");
    assert_eq!(figure("with_everything", "neither"), "10");
    sleep(ms(100)).await;
    assert_eq!(call(0, None).await, Ok("x!".to_owned()), "a probe");
    assert_eq!(figure("with_everything", "call_recovering_ok"), "1");
}

struct Client {
    fails: bool,
    calls: u32,
}

impl Client {
    #[cutout(1.0, "1s", failure_if = |error: &io::Error| error.kind() == ErrorKind::TimedOut)]
    async fn fetch(&mut self) -> io::Result<u32> {
        self.calls += 1;
        if self.fails {
            Err(ErrorKind::TimedOut)?;
        }
        Ok(self.calls)
    }

    #[cutout(1.0, "1s")]
    fn into_calls(self) -> Result<u32, BoxError> {
        if self.fails {
            return Err("it fails".into());
        }
        Ok(self.calls)
    }
}

#[aiomisc::test(simulation)]
async fn methods_share_a_breaker() {
    let mut client = Client {
        fails: true,
        calls: 0,
    };
    for _ in 0..10 {
        assert_eq!(
            client.fetch().await.unwrap_err().kind(),
            ErrorKind::TimedOut
        );
    }
    let mut other = Client {
        fails: false,
        calls: 3,
    };
    assert_eq!(other.fetch().await.unwrap_err().kind(), ErrorKind::Other);
    assert_eq!((client.calls, other.calls), (10, 3));
    assert_eq!(other.into_calls().unwrap(), 3);
}
