//! `#[aiomisc::receiver]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Path, Result, ReturnType, Token};

use crate::args::{Args, Problems, located_at};
use crate::function::{self, Attributes};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse("receiver", item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(&function));
    let options = problems.take(options(args));
    match (problems.none(), options) {
        (Ok(()), Some(options)) => receiver(&function, &options),
        // Without the function there would be more mistakes, where it is called.
        (problems, _) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

fn check(function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    problems.take(function::check_shape("receiver", function));
    let inputs = &function.sig.inputs;
    let event = inputs
        .first()
        .filter(|first| !matches!(first, FnArg::Receiver(_)));
    if inputs.len() != 1 && (event.is_some() || inputs.is_empty()) {
        let span = if inputs.is_empty() {
            function.sig.paren_token.span.join()
        } else {
            inputs.span()
        };
        problems.push(Error::new(
            span,
            "`#[aiomisc::receiver]` stands on a function with one argument, the event",
        ));
    }
    problems.none()
}

struct Options {
    signal: Path,
    library: TokenStream,
}

/// `SIGNAL`, and options after a comma.
fn options(args: TokenStream) -> Result<Options> {
    let parse = |input: ParseStream<'_>| {
        let signal: Path = input.call(Path::parse_mod_style).map_err(|error| {
            let text = "expected a signal, such as `#[aiomisc::receiver(PRE_START)]`";
            Error::new(error.span(), text)
        })?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok((signal, input.parse::<TokenStream>()?))
    };
    let (signal, rest) = parse.parse2(args)?;
    let library = Args::parse(rest, &["crate"])?.library()?;
    Ok(Options { signal, library })
}

fn receiver(function: &ItemFn, options: &Options) -> TokenStream {
    let Options { signal, library } = options;
    let name = &function.sig.ident;
    let attributes = Attributes::sort(function.attrs.clone());
    let conditions = attributes.conditions();
    // A signal of another event is a mistake of the signal's name; a value that cannot be a result,
    // of its type.
    let span = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let located = located_at(span, library);
    // A name of ours must not be that of the function.
    let attach = quote_spanned! {span=>
        #located::__private::attach(__registration, &#signal, #name)
    };
    quote! {
        #function

        #(#conditions)*
        const _: () = {
            #[#library::__private::linkme::distributed_slice(#library::__private::RECEIVERS)]
            #[linkme(crate = #library::__private::linkme)]
            static RECEIVER: #library::__private::Registration =
                #library::__private::Registration::new(
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                    |__registration| #attach,
                );
        };
    }
}
