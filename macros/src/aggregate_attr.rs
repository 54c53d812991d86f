//! `#[aiomisc::aggregate]` and `aggregate_async`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Pat, PatType, Result, ReturnType};

use crate::args::{Args, Problems};
use crate::function::{self, Attributes};

/// Which of the two it is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Sets its results one by one.
    pub(crate) one_by_one: bool,
}

const OPTIONS: &[&str] = &[
    "leeway_ms",
    "max_count",
    "most_batches",
    "most_waiting",
    "name",
    "crate",
];

pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse(kind.name, item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    let argument = problems.take(check(kind, &function));
    let options = problems.take(options(args));
    match (problems.none(), argument, options) {
        (Ok(()), Some(argument), Some(options)) => aggregate(kind, &function, argument, &options),
        // Without the function there would be more mistakes, where it is called.
        (problems, ..) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

/// The one argument: the values.
fn check(kind: Kind, function: &ItemFn) -> Result<&PatType> {
    function::check_shape(kind.name, function)?;
    let inputs = &function.sig.inputs;
    let what = if kind.one_by_one {
        "the values with their senders, as a `Vec<Arg<V, R, E>>`"
    } else {
        "the values, as a `Vec`"
    };
    match inputs.first() {
        Some(FnArg::Typed(typed)) if inputs.len() == 1 => Ok(typed),
        _ => {
            let span = match inputs.is_empty() {
                true => function.sig.paren_token.span.join(),
                false => inputs.span(),
            };
            let name = kind.name;
            let text =
                format!("`#[aiomisc::{name}]` stands on a function with one argument: {what}");
            Err(Error::new(span, text))
        }
    }
}

struct Options {
    library: TokenStream,
    calls: Vec<TokenStream>,
    name: Option<TokenStream>,
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, OPTIONS)?;
    let mut problems = Problems::default();
    let mut calls = Vec::new();
    if let Some(arg) = args.get("leeway_ms") {
        let millis = problems.take(arg.count());
        calls.push(quote!(.leeway(::core::time::Duration::from_millis(#millis))));
    }
    if let Some(arg) = args.get("max_count") {
        let count = problems.take(arg.count());
        calls.push(quote!(.max_count(#count)));
    }
    if let Some(arg) = args.get("most_batches") {
        let count = problems.take(arg.count());
        calls.push(quote!(.most_batches(#count)));
    }
    if let Some(arg) = args.get("most_waiting") {
        let count = problems.take(arg.count());
        calls.push(quote!(.most_waiting(#count)));
    }
    let name = args.get("name").and_then(|arg| {
        let text = problems.take(arg.text("users"))?;
        Some(quote!(#text))
    });
    let library = problems.take(args.library());
    problems.none()?;
    Ok(Options {
        library: library.unwrap_or_default(),
        calls,
        name,
    })
}

fn aggregate(kind: Kind, function: &ItemFn, argument: &PatType, options: &Options) -> TokenStream {
    let Options {
        library,
        calls,
        name,
    } = options;
    let attributes = Attributes::sort(function.attrs.clone());
    let (outer, inner) = (&attributes.outer, &attributes.inner);
    let (visibility, ident, body) = (&function.vis, &function.sig.ident, &function.block);
    let (pattern, input) = (&argument.pat, &argument.ty);
    let value = match &**pattern {
        Pat::Ident(pattern) => pattern.ident.clone(),
        other => syn::Ident::new("value", other.span()),
    };
    let output = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, output) => quote!(#output),
    };
    let title = name.clone().unwrap_or_else(|| {
        quote!(::core::concat!(
            ::core::module_path!(),
            "::",
            ::core::stringify!(#ident)
        ))
    });
    let input_span = input.span();
    let of_input = |item: TokenStream| {
        let of = if kind.one_by_one {
            quote!(BatchArgs)
        } else {
            quote!(BatchInput)
        };
        quote_spanned!(input_span=> <#input as #library::aggregate::#of>::#item)
    };
    let item = of_input(quote!(Item));
    let (handle, build, result, error) = if kind.one_by_one {
        (
            quote!(AggregatorAsync),
            quote!(build_async),
            of_input(quote!(Output)),
            of_input(quote!(Error)),
        )
    } else {
        let of_output = |item: TokenStream| {
            quote_spanned!(function.sig.output.span()=>
                <#output as #library::aggregate::BatchOutput>::#item)
        };
        (
            quote!(Aggregator),
            quote!(build),
            of_output(quote!(Item)),
            of_output(quote!(Error)),
        )
    };
    quote! {
        #(#outer)*
        #visibility async fn #ident(
            #value: #item,
        ) -> ::core::result::Result<#result, #library::aggregate::AggregateError<#error>> {
            #(#inner)*
            async fn __batch(#pattern: #input) -> #output #body
            static __AGGREGATOR: ::std::sync::LazyLock<#library::#handle<#item, #result, #error>> =
                ::std::sync::LazyLock::new(|| {
                    #library::Aggregator::builder()
                        #(#calls)*
                        .name(#title)
                        .#build(__batch)
                        .expect("the attribute has looked at the options")
                });
            __AGGREGATOR.call(#value).await
        }
    }
}
