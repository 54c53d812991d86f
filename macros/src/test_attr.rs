//! `#[aiomisc::test]`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Result, ReturnType, Visibility};

use crate::args::{Arg, Args, Problems, located_at, names};
use crate::function::{self, Attributes};

const KNOWN: [&str; 4] = ["runtimes", "timeout", "services", "crate"];

/// The runtimes that a test can ask for, and the feature that each needs.
const RUNTIMES: [(&str, &str); 5] = [
    ("smol", "smol"),
    ("smol_threads", "smol"),
    ("tokio", "tokio"),
    ("tokio_current_thread", "tokio"),
    ("simulation", "simulation"),
];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse("test", item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(function::check("test", &function));
    problems.take(check_attributes(&function));
    let options = problems.take(options(args));
    match (problems.none(), options) {
        (Ok(()), Some(options)) => tests(function, &options),
        (problems, _) => problems
            .err()
            .map(Error::into_compile_error)
            .into_token_stream(),
    }
}

/// Attributes that do not go with this one.
fn check_attributes(function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    for attribute in &function.attrs {
        let path = attribute.path();
        if path
            .segments
            .last()
            .is_some_and(|last| last.ident == "test")
        {
            problems.push(Error::new(
                attribute.span(),
                "`#[aiomisc::test]` makes the tests; a second attribute for that is too many",
            ));
        }
        if path.is_ident("should_panic") && !matches!(function.sig.output, ReturnType::Default) {
            problems.push(Error::new(
                function.sig.output.span(),
                "a test with `#[should_panic]` returns `()`",
            ));
        }
    }
    problems.none()
}

struct Options {
    library: TokenStream,
    runtimes: Runtimes,
    /// Calls of the methods of `testing::Harness`.
    calls: TokenStream,
}

enum Runtimes {
    Default,
    All(Ident),
    Named(Vec<(Ident, &'static str)>),
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, &KNOWN)?;
    let mut problems = Problems::default();
    let library = problems.take(args.library()).unwrap_or_default();
    let runtimes = args.get("runtimes").map_or(Ok(Runtimes::Default), runtimes);
    let runtimes = problems.take(runtimes).unwrap_or(Runtimes::Default);
    let mut calls = TokenStream::new();
    if let Some(timeout) = args.get("timeout")
        && let Some(limit) = problems.take(timeout.duration())
    {
        calls.extend(quote!(.timeout(#limit)));
    }
    if let Some(services) = args.get("services")
        && let Some(services) = problems.take(services.expr())
    {
        calls.extend(quote!(.services(|| #services)));
    }
    problems.none()?;
    Ok(Options {
        library,
        runtimes,
        calls,
    })
}

fn runtimes(arg: &Arg) -> Result<Runtimes> {
    let list = arg.list("smol, tokio")?;
    if let Some(all) = list.iter().find(|name| *name == "all") {
        if list.len() > 1 {
            return Err(Error::new(all.span(), "`all` stands alone"));
        }
        return Ok(Runtimes::All(all.clone()));
    }
    let mut problems = Problems::default();
    let mut named = Vec::new();
    for (index, name) in list.iter().enumerate() {
        let Some((_, feature)) = RUNTIMES.iter().find(|(known, _)| name == known) else {
            let mut known = vec!["all"];
            known.extend(RUNTIMES.map(|(name, _)| name));
            let text = format!("unknown runtime `{name}`; known are {}", names(&known));
            problems.push(Error::new(name.span(), text));
            continue;
        };
        if list[..index].contains(name) {
            problems.push(Error::new(name.span(), format!("`{name}` is given twice")));
        }
        named.push((name.clone(), *feature));
    }
    problems.none()?;
    Ok(Runtimes::Named(named))
}

fn tests(mut function: ItemFn, options: &Options) -> TokenStream {
    let Options {
        library,
        runtimes,
        calls,
    } = options;
    let attributes = Attributes::sort(std::mem::take(&mut function.attrs));
    let Attributes { outer, test, inner } = &attributes;
    let conditions = attributes.conditions();
    let vis = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let name = function.sig.ident.clone();
    // Where a test cannot return such a value, the compiler points at the type.
    let span = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let run = quote_spanned!(span=> .run(#name));
    let text = name.to_string();

    let on = match runtimes {
        Runtimes::Default => {
            return quote! {
                #[::core::prelude::v1::test]
                #(#outer)* #(#test)*
                #vis fn #name() {
                    #(#inner)* #function
                    #library::testing::Harness::new(#text)#calls #run
                }
            };
        }
        Runtimes::All(all) => {
            let library = located_at(all.span(), library);
            quote_spanned! {all.span()=>
                #library::__private::test_on_all! { #text, super::#name, [#(#test)*] }
            }
        }
        Runtimes::Named(named) => named
            .iter()
            .map(|(runtime, feature)| {
                let only = format_ident!("only_with_{feature}", span = runtime.span());
                let library = located_at(runtime.span(), library);
                quote_spanned! {runtime.span()=>
                    #library::__private::#only! {
                        #library::__private::test_on! { #runtime, #text, super::#name, [#(#test)*] }
                    }
                }
            })
            .collect(),
    };
    quote! {
        #[cfg(test)]
        #(#outer)*
        #vis fn #name(harness: #library::testing::Harness) {
            #(#inner)* #function
            harness #calls #run
        }

        #[cfg(test)]
        #(#conditions)*
        mod #name {
            #on
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn attributes_go_where_they_belong() {
        let item = quote! {
            #[cfg(unix)]
            #[allow(unused)]
            #[cfg_attr(miri, ignore)]
            #[should_panic(expected = "x")]
            #[other::instrument]
            pub async fn works() {}
        };
        let text = expand(quote!(runtimes(smol)), item.clone()).to_string();
        let (launch, module) = text.split_once("mod works").unwrap();
        let (outer, inner) = launch.split_once("pub fn works").unwrap();
        assert!(
            outer.contains("cfg (unix)") && outer.contains("allow (unused)"),
            "{outer}"
        );
        assert!(
            inner.contains("# [other :: instrument] async fn works ()"),
            "{inner}"
        );
        let tests = "[# [cfg_attr (miri , ignore)] # [should_panic (expected = \"x\")]]";
        assert!(module.contains(tests), "{module}");
        assert!(
            launch.ends_with("# [cfg (unix)] "),
            "the module is conditional too: {launch}"
        );

        let text = expand(TokenStream::new(), item).to_string();
        let (outer, _) = text.split_once("pub fn works").unwrap();
        for part in ["cfg (unix)", "allow (unused)", "miri", "should_panic"] {
            assert!(outer.contains(part), "{part}: {outer}");
        }
    }

    #[test]
    fn another_name_of_the_library_is_used_everywhere() {
        let item = quote!(
            async fn works() {}
        );
        for runtimes in [
            quote!(),
            quote!(, runtimes(all)),
            quote!(, runtimes(smol, tokio)),
        ] {
            let args = quote!(crate = "other", timeout = "1s", services = [] #runtimes);
            let text = expand(args, item.clone()).to_string();
            assert!(text.contains("other :: testing"), "{text}");
            assert!(!text.contains("aiomisc"), "{text}");
        }
    }
}
