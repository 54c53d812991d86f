//! `#[aiomisc::shield]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, ReceiverKind, Result, Type};

use crate::args::{Args, Problems};
use crate::function;

const NAME: &str = "shield";

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse(NAME, item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(&function));
    let args = problems.take(Args::parse(args, &["crate"]));
    let library = args.and_then(|args| problems.take(args.library()));
    match (problems.none(), library) {
        (Ok(()), Some(library)) => shielded(&function, &library),
        // Without the function there would be more mistakes, where it is called.
        (problems, _) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

/// Says what a function must not have whose body becomes a task.
fn check(function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    let mut refuse = |span: Span, why: &str| {
        problems.push(Error::new(span, format!("`#[aiomisc::{NAME}]` {why}")));
    };
    if function.sig.asyncness.is_none() {
        refuse(function.sig.fn_token.span(), "needs an `async fn`");
    }
    for input in &function.sig.inputs {
        let borrowed = match input {
            FnArg::Receiver(receiver) => match &receiver.kind {
                ReceiverKind::Value => false,
                ReceiverKind::Typed(_, kind) => is_borrowed(kind),
                _ => true,
            },
            FnArg::Typed(typed) => is_borrowed(&typed.ty),
        };
        if borrowed {
            refuse(
                input.span(),
                "has the body outlive the call: take this one by value, or in an `Arc`",
            );
        }
    }
    problems.none()
}

fn is_borrowed(kind: &Type) -> bool {
    let Type::Reference(reference) = kind else {
        return false;
    };
    let lifetime = reference.lifetime.as_ref();
    lifetime.is_none_or(|lifetime| lifetime.ident != "static")
}

/// The same function, whose body is a task from its first poll on.
fn shielded(function: &ItemFn, library: &TokenStream) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
        ..
    } = function;
    quote! {
        #(#attrs)*
        #vis #sig {
            #library::utils::shield(async move #block).await
        }
    }
}
