//! The function that an attribute stands on, and where its other attributes go.

use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{AttrStyle, Attribute, Error, FnArg, ItemFn, Meta, Result, Token};

use crate::args::Problems;

/// Reads the item; anything but a function is a mistake.
pub(crate) fn parse(attribute: &str, item: TokenStream) -> Result<ItemFn> {
    parse_as("an `async fn`", attribute, item)
}

/// As [`parse`], for an attribute that stands on plain functions as well.
pub(crate) fn parse_any(attribute: &str, item: TokenStream) -> Result<ItemFn> {
    parse_as("a function", attribute, item)
}

fn parse_as(what: &str, attribute: &str, item: TokenStream) -> Result<ItemFn> {
    syn::parse2(item).map_err(|error| {
        let text = format!("`#[aiomisc::{attribute}]` stands on {what}: {error}");
        Error::new(error.span(), text)
    })
}

/// Says what an `async fn` without arguments must not have.
pub(crate) fn check(attribute: &str, function: &ItemFn) -> Result<()> {
    let inputs = &function.sig.inputs;
    let mut problems = Problems::default();
    problems.take(check_shape(attribute, function));
    if !matches!(inputs.first(), None | Some(FnArg::Receiver(_))) {
        let text = format!("`#[aiomisc::{attribute}]` stands on a function without arguments");
        problems.push(Error::new(inputs.span(), text));
    }
    problems.none()
}

/// Says what an `async fn` must not have, whatever its arguments are.
pub(crate) fn check_shape(attribute: &str, function: &ItemFn) -> Result<()> {
    let sig = &function.sig;
    let mut problems = Problems::default();
    let mut refuse = |span, why: &str| {
        problems.push(Error::new(span, format!("`#[aiomisc::{attribute}]` {why}")));
    };
    if let Some(constness) = &sig.constness {
        refuse(
            constness.span(),
            "stands on an `async fn`, which is never `const`",
        );
    } else if sig.asyncness.is_none() {
        refuse(sig.fn_token.span, "needs an `async fn`");
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        refuse(
            receiver.span(),
            "stands on a free function, not on a method",
        );
    }
    if !sig.generics.params.is_empty() {
        refuse(sig.generics.span(), "stands on a function without generics");
    } else if let Some(clause) = &sig.generics.where_clause {
        refuse(clause.span(), "stands on a function without generics");
    }
    if let Some(abi) = &sig.abi {
        refuse(abi.span(), "stands on a function without an ABI of its own");
    }
    problems.none()
}

/// The attributes of a function, by what they are about.
#[derive(Default)]
pub(crate) struct Attributes {
    /// Those that the compiler reads and that hold for all that is inside.
    pub(crate) outer: Vec<Attribute>,
    /// `#[should_panic]` and `#[ignore]`, which belong to a test.
    pub(crate) test: Vec<Attribute>,
    /// Those of other macros, which are to see the `async fn`.
    pub(crate) inner: Vec<Attribute>,
}

impl Attributes {
    pub(crate) fn sort(attributes: Vec<Attribute>) -> Self {
        let mut sorted = Self::default();
        for mut attribute in attributes {
            // Those at the beginning of the body hold for it as well, and go to where the others do.
            attribute.style = AttrStyle::Outer;
            let place = if is_of_tests(&attribute.meta) {
                &mut sorted.test
            } else if is_of_the_compiler(&attribute) {
                &mut sorted.outer
            } else {
                &mut sorted.inner
            };
            place.push(attribute);
        }
        sorted
    }

    /// Those that say whether the function exists.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.outer
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

/// Also inside of `#[cfg_attr(condition, …)]`.
fn is_of_tests(meta: &Meta) -> bool {
    let path = meta.path();
    if path.is_ident("should_panic") || path.is_ident("ignore") {
        return true;
    }
    let Meta::List(list) = meta else { return false };
    list.path.is_ident("cfg_attr")
        && list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|metas| metas.iter().skip(1).any(is_of_tests))
}

fn is_of_the_compiler(attribute: &Attribute) -> bool {
    const NAMES: [&str; 15] = [
        "cfg",
        "cfg_attr",
        "doc",
        "allow",
        "warn",
        "deny",
        "forbid",
        "expect",
        "deprecated",
        "must_use",
        "inline",
        "cold",
        "track_caller",
        "no_mangle",
        "export_name",
    ];
    const TOOLS: [&str; 4] = ["clippy", "diagnostic", "rustdoc", "rustfmt"];
    let path = attribute.path();
    if path.segments.len() > 1 {
        let tool = &path.segments[0].ident;
        return TOOLS.iter().any(|name| tool == name);
    }
    NAMES.iter().any(|name| path.is_ident(name))
}
