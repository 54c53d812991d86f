//! The attribute macros of `aiomisc`, which re-exports and documents them.
//!
//! They parse and delegate: what runs is in the library, in `__private` and in `testing`.

mod aggregate_attr;
mod args;
mod cutout_attr;
mod dependency_attr;
mod function;
mod main_attr;
mod receiver_attr;
mod repeated;
mod retry_attr;
mod shield_attr;
mod test_attr;
mod threaded_attr;
mod timeout_attr;

use proc_macro::TokenStream;

use self::threaded_attr::Kind;

/// Makes an `async fn main` the program's `main`; `aiomisc::main` documents it.
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    main_attr::expand(args.into(), item.into()).into()
}

/// Makes a dependency of an `async fn`; `aiomisc::dependency` documents it.
#[proc_macro_attribute]
pub fn dependency(args: TokenStream, item: TokenStream) -> TokenStream {
    dependency_attr::expand(args.into(), item.into()).into()
}

/// Connects an `async fn` to a signal; `aiomisc::receiver` documents it.
#[proc_macro_attribute]
pub fn receiver(args: TokenStream, item: TokenStream) -> TokenStream {
    receiver_attr::expand(args.into(), item.into()).into()
}

/// Has an `async fn` come to its end; `aiomisc::shield` documents it.
#[proc_macro_attribute]
pub fn shield(args: TokenStream, item: TokenStream) -> TokenStream {
    shield_attr::expand(args.into(), item.into()).into()
}

/// Makes tests of an `async fn`; `aiomisc::test` documents it.
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    test_attr::expand(args.into(), item.into()).into()
}

/// Has a function run on a thread of the pool; `aiomisc::threaded` documents it.
#[proc_macro_attribute]
pub fn threaded(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = Kind {
        name: "threaded",
        separate: false,
        iterable: false,
    };
    threaded_attr::expand(kind, args.into(), item.into()).into()
}

/// Has a function run on a thread of its own; `aiomisc::threaded_separate` documents it.
#[proc_macro_attribute]
pub fn threaded_separate(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = Kind {
        name: "threaded_separate",
        separate: true,
        iterable: false,
    };
    threaded_attr::expand(kind, args.into(), item.into()).into()
}

/// Makes a stream of a function's iterator, on a thread of the pool; `aiomisc::threaded_iterable` documents it.
#[proc_macro_attribute]
pub fn threaded_iterable(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = Kind {
        name: "threaded_iterable",
        separate: false,
        iterable: true,
    };
    threaded_attr::expand(kind, args.into(), item.into()).into()
}

/// Makes a stream of a function's iterator, on a thread of its own; `aiomisc::threaded_iterable_separate` documents it.
#[proc_macro_attribute]
pub fn threaded_iterable_separate(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = Kind {
        name: "threaded_iterable_separate",
        separate: true,
        iterable: true,
    };
    threaded_attr::expand(kind, args.into(), item.into()).into()
}

/// Gives an `async fn` a limit on its time; `aiomisc::timeout` documents it.
#[proc_macro_attribute]
pub fn timeout(args: TokenStream, item: TokenStream) -> TokenStream {
    timeout_attr::expand(args.into(), item.into()).into()
}

/// Has an `async fn` tried again, with limits on its time; `aiomisc::asyncbackoff` documents it.
#[proc_macro_attribute]
pub fn asyncbackoff(args: TokenStream, item: TokenStream) -> TokenStream {
    retry_attr::expand(retry_attr::Kind::Backoff, args.into(), item.into()).into()
}

/// Has an `async fn` tried again; `aiomisc::asyncretry` documents it.
#[proc_macro_attribute]
pub fn asyncretry(args: TokenStream, item: TokenStream) -> TokenStream {
    retry_attr::expand(retry_attr::Kind::Retry, args.into(), item.into()).into()
}

/// Gathers calls into batches; `aiomisc::aggregate` documents it.
#[proc_macro_attribute]
pub fn aggregate(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = aggregate_attr::Kind {
        name: "aggregate",
        one_by_one: false,
    };
    aggregate_attr::expand(kind, args.into(), item.into()).into()
}

/// Gathers calls into batches whose results are set one by one; `aiomisc::aggregate_async` documents it.
#[proc_macro_attribute]
pub fn aggregate_async(args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = aggregate_attr::Kind {
        name: "aggregate_async",
        one_by_one: true,
    };
    aggregate_attr::expand(kind, args.into(), item.into()).into()
}

/// Has a function call itself through a circuit breaker; `aiomisc::cutout` documents it.
#[proc_macro_attribute]
pub fn cutout(args: TokenStream, item: TokenStream) -> TokenStream {
    cutout_attr::expand(args.into(), item.into()).into()
}
