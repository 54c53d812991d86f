//! `#[aiomisc::main]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Result, ReturnType, Visibility};

use crate::args::{Arg, Args, Problems, located_at};
use crate::function::{self, Attributes};

const KNOWN: [&str; 9] = [
    "runtime",
    "threads",
    "services",
    "log_level",
    "log_format",
    "pool_size",
    "debug",
    "shutdown_timeout",
    "crate",
];

/// The runtimes that a program can ask for; each is behind the feature of its name.
const RUNTIMES: [&str; 2] = ["smol", "tokio"];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse("main", item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(function::check("main", &function));
    if function.sig.ident != "main" {
        problems.push(Error::new(
            function.sig.ident.span(),
            "`#[aiomisc::main]` stands on `main`; another function is run by `aiomisc::run`",
        ));
    }
    let options = problems.take(options(args));
    match (problems.none(), options) {
        (Ok(()), Some(options)) => program(function, options),
        // A program without `main` would be one more mistake.
        (problems, _) => {
            let errors = problems.err().map(Error::into_compile_error);
            let name = &function.sig.ident;
            quote!(#errors fn #name() {})
        }
    }
}

struct Options {
    library: TokenStream,
    /// Calls of the methods of `__private::Main`.
    calls: TokenStream,
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, &KNOWN)?;
    let mut problems = Problems::default();
    let library = problems.take(args.library()).unwrap_or_default();
    let mut calls = TokenStream::new();
    for key in &KNOWN {
        if let Some(arg) = args.get(key)
            && *key != "crate"
            && let Some(value) = problems.take(value(key, arg, &args, &library))
        {
            let method = Ident::new(key, arg.key_span());
            calls.extend(quote!(.#method(#value)));
        }
    }
    problems.none()?;
    Ok(Options { library, calls })
}

fn value(key: &str, arg: &Arg, args: &Args, library: &TokenStream) -> Result<TokenStream> {
    Ok(match key {
        "runtime" => runtime(arg, args.get("threads"), library)?,
        "threads" | "pool_size" => {
            let count = arg.count()?;
            quote!(#count)
        }
        "shutdown_timeout" => arg.duration()?,
        "debug" => {
            let on = arg.switch()?;
            quote!(#on)
        }
        "services" => {
            let services = arg.expr()?;
            quote!(#services)
        }
        "log_level" => {
            let text = arg.text("debug")?;
            quote!(#text)
        }
        _ => {
            let text = arg.text("plain")?;
            quote!(#text)
        }
    })
}

/// The call that makes a runtime, for builds that have it.
fn runtime(arg: &Arg, threads: Option<&Arg>, library: &TokenStream) -> Result<TokenStream> {
    let text = arg.text("smol")?;
    let name = text.value();
    if !RUNTIMES.contains(&name.as_str()) {
        let known = RUNTIMES.map(|name| format!("{name:?}")).join(" or ");
        let text_of = format!("`runtime`: expected {known}, got {name:?}");
        return Err(Error::new(text.span(), text_of));
    }
    let make = Ident::new(&name, text.span());
    let only = format_ident!("only_with_{name}", span = text.span());
    let threads = match threads {
        Some(threads) => {
            let count = threads.count()?;
            quote!(::core::option::Option::Some(#count))
        }
        None => quote!(::core::option::Option::None),
    };
    let library = located_at(text.span(), library);
    Ok(quote_spanned! {text.span()=>
        #library::__private::#only! { #library::__private::#make(#threads) }
    })
}

fn program(mut function: ItemFn, options: Options) -> TokenStream {
    let Options { library, calls } = options;
    let attributes = Attributes::sort(std::mem::take(&mut function.attrs));
    let Attributes { outer, test, inner } = &attributes;
    let vis = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let name = function.sig.ident.clone();
    // Where the value is of a type that no program can end with, the compiler points at the type.
    let span = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let run = quote_spanned!(span=> .run(#name));
    quote! {
        #(#outer)* #(#test)*
        #vis fn #name() -> ::std::process::ExitCode {
            #(#inner)* #function
            #library::__private::Main::new()#calls #run
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The program's `main`, before and after the `async fn` begins.
    fn parts(item: TokenStream) -> (String, String) {
        let text = expand(TokenStream::new(), item).to_string();
        let (before, after) = text.split_once("-> :: std :: process :: ExitCode").unwrap();
        (before.to_owned(), after.to_owned())
    }

    #[test]
    fn attributes_and_visibility_are_carried_over() {
        let (before, after) = parts(quote! {
            /// A text.
            #[cfg(unix)]
            #[clippy::msrv = "1.95"]
            #[other::instrument(fields(a = 1))]
            #[inline]
            pub(crate) async fn main() -> Result<(), ()> { Ok(()) }
        });
        for part in [
            "A text",
            "cfg (unix)",
            "clippy :: msrv",
            "inline",
            "pub (crate) fn main",
        ] {
            assert!(
                before.contains(part) && !after.contains(part),
                "{part}: {before} {after}"
            );
        }
        let inner = "# [other :: instrument (fields (a = 1))] async fn main () -> Result";
        assert!(
            after.contains(inner) && !before.contains("instrument"),
            "{before} {after}"
        );
    }

    #[test]
    fn another_name_of_the_library_is_used_everywhere() {
        let item = quote!(
            async fn main() {}
        );
        for name in [quote!("other::path"), quote!(other::path)] {
            let args = quote!(crate = #name, runtime = "smol", threads = 2, services = [], shutdown_timeout = "1s");
            let text = expand(args, item.clone()).to_string();
            assert!(text.contains("other :: path :: __private"), "{text}");
            assert!(!text.contains("aiomisc"), "{text}");
        }
    }
}
