//! `#[aiomisc::test]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, Result, ReturnType, Visibility};

use crate::args::{Arg, Args, Problems, located_at, names};
use crate::function::{self, Attributes};

const KNOWN: [&str; 9] = [
    "runtimes",
    "simulation",
    "seeds",
    "timeout",
    "services",
    "context",
    "entrypoint",
    "strict",
    "crate",
];

/// The runtimes that a test can ask for, and the feature that each needs.
const RUNTIMES: [(&str, &str); 5] = [
    ("smol", "smol"),
    ("smol_threads", "smol"),
    ("tokio", "tokio"),
    ("tokio_current_thread", "tokio"),
    ("simulation", "simulation"),
];

/// Names for several of them.
const GROUPS: [&str; 2] = ["all", "real"];

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
    /// The simulation, under the name of the function.
    Simulation(Span),
    /// `all` or `real`.
    Group(Ident),
    Named(Vec<(Ident, &'static str)>),
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, &KNOWN)?;
    let mut problems = Problems::default();
    let library = problems.take(args.library()).unwrap_or_default();
    let runtimes = problems.take(chosen(&args)).unwrap_or(Runtimes::Default);
    let mut calls = TokenStream::new();
    if let Some(seeds) = args.get("seeds")
        && let Some(count) = problems.take(seeds.count())
    {
        if !runtimes.may_simulate() {
            let text = "`seeds` is for tests that are simulated: `simulation`, \
                        `runtimes(simulation)` or `runtimes(all)`";
            problems.push(Error::new(seeds.key_span(), text));
        }
        calls.extend(quote!(.seeds(#count)));
    }
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
    for (key, method) in [
        ("context", quote!(context)),
        ("entrypoint", quote!(entrypoint)),
    ] {
        if let Some(arg) = args.get(key)
            && let Some(closure) = problems.take(arg.expr())
        {
            calls.extend(quote!(.#method(#closure)));
        }
    }
    if let Some(strict) = args.get("strict")
        && let Some(on) = problems.take(strict.switch())
    {
        calls.extend(quote!(.strict(#on)));
    }
    problems.none()?;
    Ok(Options {
        library,
        runtimes,
        calls,
    })
}

impl Runtimes {
    fn may_simulate(&self) -> bool {
        match self {
            Self::Default => false,
            Self::Simulation(_) => true,
            Self::Group(name) => name == "all",
            Self::Named(named) => named.iter().any(|(name, _)| name == "simulation"),
        }
    }
}

fn chosen(args: &Args) -> Result<Runtimes> {
    match (args.get("runtimes"), args.get("simulation")) {
        (None, None) => Ok(Runtimes::Default),
        (Some(arg), None) => runtimes(arg),
        (None, Some(flag)) => flag.flag().map(Runtimes::Simulation),
        (Some(_), Some(flag)) => {
            let text = "`simulation` does not go with `runtimes`, which takes it as a name: \
                        `runtimes(simulation, smol)`";
            Err(Error::new(flag.key_span(), text))
        }
    }
}

fn runtimes(arg: &Arg) -> Result<Runtimes> {
    let list = arg.list("smol, tokio")?;
    if let Some(group) = list.iter().find(|name| GROUPS.iter().any(|g| name == g)) {
        if list.len() > 1 {
            let text = format!("`{group}` stands alone");
            return Err(Error::new(group.span(), text));
        }
        return Ok(Runtimes::Group(group.clone()));
    }
    let mut problems = Problems::default();
    let mut named = Vec::new();
    for (index, name) in list.iter().enumerate() {
        let Some((_, feature)) = RUNTIMES.iter().find(|(known, _)| name == known) else {
            let mut known = GROUPS.to_vec();
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
    let run = quote_spanned!(span=> .run_each(#name));
    let text = name.to_string();

    let alone = |body: TokenStream| {
        quote! {
            #[::core::prelude::v1::test]
            #(#outer)* #(#test)*
            #vis fn #name() {
                #(#inner)* #function
                #body
            }
        }
    };
    let on = match runtimes {
        Runtimes::Default => {
            return alone(quote!(#library::testing::Harness::new(#text)#calls #run));
        }
        Runtimes::Simulation(span) => {
            let library = located_at(*span, library);
            return alone(quote_spanned! {*span=>
                #library::__private::only_with_simulation! {
                    #library::__private::simulated(#text)#calls #run
                }
            });
        }
        Runtimes::Group(group) => {
            let library = located_at(group.span(), library);
            let test_on = format_ident!("test_on_{group}", span = group.span());
            quote_spanned! {group.span()=>
                #library::__private::#test_on! { #text, super::#name, [#(#test)*] }
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
    // A name of ours must not be that of the function.
    quote! {
        #[cfg(test)]
        #(#outer)*
        #vis fn #name(__harness: #library::testing::Harness) {
            #(#inner)* #function
            __harness #calls #run
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
            quote!(, runtimes(real)),
            quote!(, runtimes(smol, tokio)),
            quote!(, simulation, seeds = 3),
        ] {
            let args = quote!(crate = "other", timeout = "1s", services = [] #runtimes);
            let text = expand(args, item.clone()).to_string();
            assert!(text.contains("other :: "), "{text}");
            assert!(!text.contains("aiomisc"), "{text}");
        }
    }
}
