//! `#[aiomisc::cutout]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Error, Expr, ExprLit, ItemFn, Lit, Result};

use crate::args::{Arg, Args, Problems};
use crate::function;
use crate::repeated::{block_of, has_impl, result_of};

const NAME: &str = "cutout";

const OPTIONS: [&str; 11] = [
    "error_ratio",
    "response_time",
    "broken_time",
    "recovery_time",
    "passing_time",
    "minimum_calls",
    "slow_call",
    "recovery",
    "failure_if",
    "name",
    "crate",
];

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse_any(NAME, item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(&function));
    problems.take(result_of(NAME, &function));
    let options = problems.take(options(args));
    match (problems.none(), options) {
        (Ok(()), Some(options)) => guarded(function, &options),
        // Without the function there would be more mistakes, where it is called.
        (problems, _) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

fn check(function: &ItemFn) -> Result<()> {
    match &function.sig.constness {
        Some(constness) => Err(Error::new_spanned(
            constness,
            "`#[aiomisc::cutout]` stands on a function that is not `const`",
        )),
        None => Ok(()),
    }
}

struct Options {
    library: TokenStream,
    error_ratio: TokenStream,
    response_time: TokenStream,
    /// Calls of the builder.
    set: TokenStream,
    failure_if: Option<Expr>,
    name: Option<String>,
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse_places(args, &["error_ratio", "response_time"], &OPTIONS)?;
    let mut problems = Problems::default();
    let mut needed = |key: &str, read: fn(&Arg) -> Result<TokenStream>| match args.get(key) {
        Some(arg) => problems.take(read(arg)),
        None => {
            let text = format!(
                "expected `{key}`, such as in \
                 `#[aiomisc::cutout(error_ratio = 0.2, response_time = \"30s\")]`"
            );
            problems.push(Error::new(Span::call_site(), text));
            None
        }
    };
    let error_ratio = needed("error_ratio", ratio);
    let response_time = needed("response_time", |arg| arg.length(false));
    let mut set = TokenStream::new();
    for key in ["broken_time", "recovery_time", "passing_time", "slow_call"] {
        let length = args.get(key).map(|arg| arg.length(true));
        if let Some(length) = length.and_then(|length| problems.take(length)) {
            let key = format_ident!("{key}");
            set.extend(quote!(.#key(#length)));
        }
    }
    for key in ["minimum_calls", "recovery"] {
        let value = args.get(key).map(|arg| match key {
            "minimum_calls" => arg
                .count_or_expr()
                .map_err(|_| arg.expected("a whole number above zero")),
            _ => arg.expr(),
        });
        if let Some(value) = value.and_then(|value| problems.take(value)) {
            let key = format_ident!("{key}");
            set.extend(quote!(.#key(#value)));
        }
    }
    let failure_if = args.get("failure_if").map(Arg::expr);
    let failure_if = failure_if.and_then(|rule| problems.take(rule));
    let name = args.get("name").map(|arg| arg.text("github"));
    let name = name.and_then(|name| problems.take(name));
    let library = problems.take(args.library());
    let options = Options {
        library: library.unwrap_or_default(),
        error_ratio: error_ratio.unwrap_or_default(),
        response_time: response_time.unwrap_or_default(),
        set,
        failure_if: failure_if.cloned(),
        name: name.map(syn::LitStr::value),
    };
    problems.none().map(|()| options)
}

/// A literal number above 0 and up to 1, or any other expression.
fn ratio(arg: &Arg) -> Result<TokenStream> {
    let number = match arg.expr()? {
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => number.base10_parse::<f64>().ok(),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse::<f64>().ok(),
        Expr::Lit(_) | Expr::Unary(_) => None,
        expr => return Ok(quote!(#expr)),
    };
    match number {
        Some(number) if number > 0.0 && number <= 1.0 => Ok(quote!(#number)),
        _ => Err(arg.expected("a number above 0 and up to 1, such as `error_ratio = 0.2`")),
    }
}

fn guarded(mut function: ItemFn, options: &Options) -> TokenStream {
    let Options {
        library,
        error_ratio,
        response_time,
        set,
        ..
    } = options;
    let name = function.sig.ident.unraw().to_string();
    let name = options.name.as_ref().unwrap_or(&name);
    let private = quote!(#library::__private::cutout);
    // It was looked for before.
    let output = match &function.sig.output {
        syn::ReturnType::Type(_, output) if !has_impl(output) => quote!(#output),
        _ => quote!(_),
    };
    let inspect = match &options.failure_if {
        Some(rule) if output.to_string() == "_" => quote!(#private::failure_if_of(#rule)),
        Some(rule) => quote!(#private::failure_if::<#output, _>(#rule)),
        None => quote!(#private::any_error()),
    };
    let call = if function.sig.asyncness.is_some() {
        let body = block_of(&function);
        quote!(#private::call_async(&__BREAKER, &__inspect, #body).await)
    } else {
        let body = &function.block;
        let returned = (output.to_string() != "_").then(|| quote!(-> #output));
        quote!(#private::call(&__BREAKER, &__inspect, move || #returned #body))
    };
    function.block = syn::parse_quote!({
        static __BREAKER: ::std::sync::LazyLock<#library::circuit_breaker::CircuitBreaker> =
            ::std::sync::LazyLock::new(|| {
                #private::made(
                    #private::builder(#name, #error_ratio, #response_time) #set .build(),
                )
            });
        let __inspect = #inspect;
        #call
    });
    quote!(#function)
}
