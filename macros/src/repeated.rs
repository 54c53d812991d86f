//! What the attributes need that put the body of an `async fn` into another future.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Pat, Result, ReturnType, Type};

/// What the function returns; that it returns nothing is a mistake.
pub(crate) fn result_of<'a>(attribute: &str, function: &'a ItemFn) -> Result<&'a Type> {
    match &function.sig.output {
        ReturnType::Type(_, output) => Ok(output),
        ReturnType::Default => Err(Error::new(
            function.sig.ident.span(),
            format!("`#[aiomisc::{attribute}]` stands on a function that returns a `Result`"),
        )),
    }
}

/// The body as a future that moves what it uses.
pub(crate) fn block_of(function: &ItemFn) -> TokenStream {
    let body = &function.block;
    let pinned = match &function.sig.output {
        ReturnType::Type(_, output) if !has_impl(output) => Some(quote_spanned! {output.span()=>
            // So that the type is known before the first `?`.
            #[allow(
                clippy::diverging_sub_expression,
                clippy::let_unit_value,
                clippy::needless_return,
                clippy::unreachable,
                unreachable_code,
                reason = "only the type of it matters"
            )]
            if let ::core::option::Option::Some(__output) = ::core::option::Option::None::<#output> {
                return __output;
            }
        }),
        _ => None,
    };
    quote! {
        async move {
            #pinned
            #[allow(unused_braces, reason = "those of the function, which it needs")]
            #body
        }
    }
}

pub(crate) fn has_impl(output: &Type) -> bool {
    let tokens = quote!(#output).into_iter();
    fn any(tokens: impl Iterator<Item = proc_macro2::TokenTree>) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => any(group.stream().into_iter()),
            _ => false,
        })
    }
    any(tokens)
}

/// Takes the patterns out of the parameters, and gives what has each of them again, as a clone.
pub(crate) fn clones(function: &mut ItemFn) -> Vec<TokenStream> {
    let mut clones = Vec::new();
    for (number, input) in function.sig.inputs.iter_mut().enumerate() {
        let FnArg::Typed(typed) = input else { continue };
        if matches!(&*typed.pat, Pat::Wild(_)) {
            continue;
        }
        let pattern = typed.pat.clone();
        let name = match &*typed.pat {
            Pat::Ident(simple) if simple.subpat.is_none() && simple.by_ref.is_none() => {
                simple.ident.clone()
            }
            _ => format_ident!("__argument_{number}"),
        };
        *typed.pat = Pat::Verbatim(quote!(#name));
        let conditions = typed
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg"));
        clones.push(quote_spanned! {typed.ty.span()=>
            #(#conditions)*
            let #pattern = ::core::clone::Clone::clone(&#name);
        });
    }
    clones
}
