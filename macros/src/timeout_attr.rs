//! `#[aiomisc::timeout]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, Result};

use crate::args::{Args, Problems};
use crate::function;
use crate::repeated::{block_of, result_of};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match function::parse("timeout", item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(&function));
    let options = problems.take(options(args));
    match (problems.none(), options) {
        (Ok(()), Some((limit, library))) => {
            let body = block_of(&function);
            function.block = syn::parse_quote!({
                #library::__private::retry::within(#limit, #body).await
            });
            quote!(#function)
        }
        // Without the function there would be more mistakes, where it is called.
        (problems, _) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

fn check(function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    if function.sig.asyncness.is_none() {
        let text = "`#[aiomisc::timeout]` needs an `async fn`";
        problems.push(Error::new(function.sig.fn_token.span, text));
    }
    problems.take(result_of("timeout", function));
    problems.none()
}

/// The limit, and the path of the library.
fn options(args: TokenStream) -> Result<(TokenStream, TokenStream)> {
    let nothing = args.is_empty();
    let args = Args::parse_places(args, &["limit"], &["limit", "crate"])?;
    let mut problems = Problems::default();
    let limit = match args.get("limit") {
        Some(limit) => problems.take(limit.length(false)),
        None => {
            let text = "expected a length of time, such as `#[aiomisc::timeout(\"5s\")]`";
            let span = proc_macro2::Span::call_site();
            problems.push(Error::new(span, text));
            None
        }
    };
    let library = if nothing {
        None
    } else {
        problems.take(args.library())
    };
    problems.none()?;
    Ok((limit.unwrap_or_default(), library.unwrap_or_default()))
}
