//! `#[aiomisc::threaded]`, `threaded_separate`, `threaded_iterable` and `threaded_iterable_separate`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    AssocType, Attribute, Error, Expr, FnArg, GenericArgument, GenericParam, ItemFn, LitStr, Pat,
    PathArguments, Receiver, ReceiverKind, Result, ReturnType, Safety, Signature, Stmt, Type,
    TypeParamBound,
};

use crate::args::{Args, Problems};
use crate::function::Attributes;

/// Which of the four it is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// On a thread of its own, and not on one of a pool.
    pub(crate) separate: bool,
    /// Gives items as they come, and not one result.
    pub(crate) iterable: bool,
}

impl Kind {
    fn options(self) -> &'static [&'static str] {
        match (self.iterable, self.separate) {
            (false, false) => &["name", "pool", "associated", "crate"],
            (false, true) => &["name", "detach", "associated", "crate"],
            (true, false) => &["max_size", "name", "pool", "associated", "crate"],
            (true, true) => &["max_size", "name", "associated", "crate"],
        }
    }
}

pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item) {
        Ok(function) => function,
        Err(error) => {
            let text = format!(
                "`#[aiomisc::{}]` stands on a function with a body: {error}",
                kind.name
            );
            return Error::new(error.span(), text).into_compile_error();
        }
    };
    let mut problems = Problems::default();
    problems.take(check(kind, &function));
    let output = problems.take(Output::of(kind, &function.sig.output));
    let options = problems.take(options(kind, args));
    match (problems.none(), output, options) {
        (Ok(()), Some(output), Some(options)) => threaded(&function, &output, &options),
        // Without the function there would be more mistakes, where it is called.
        (problems, ..) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

/// Says what a function must not have that runs on another thread.
fn check(kind: Kind, function: &ItemFn) -> Result<()> {
    let sig = &function.sig;
    let mut problems = Problems::default();
    let mut refuse = |span: Span, why: &str| {
        problems.push(Error::new(
            span,
            format!("`#[aiomisc::{}]` {why}", kind.name),
        ));
    };
    if let Some(asyncness) = &sig.asyncness {
        refuse(
            asyncness.span(),
            "stands on a function that blocks, not on an `async fn`: tasks are begun by `aiomisc::spawn`",
        );
    }
    if let Some(constness) = &sig.constness {
        refuse(constness.span(), "stands on a function that is not `const`");
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        refuse(
            unsafety.span(),
            "stands on a function that is not `unsafe`: call that one in a function that is safe",
        );
    }
    if let Some(abi) = &sig.abi {
        refuse(abi.span(), "stands on a function without an ABI of its own");
    }
    if let Some(variadic) = &sig.variadic {
        refuse(
            variadic.span(),
            "stands on a function whose arguments are known",
        );
    }
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) if is_borrowed(receiver) => refuse(
                receiver.span(),
                "moves `self` to another thread: take it as `self`, or as `self: Arc<Self>`",
            ),
            FnArg::Typed(typed) => {
                if let Type::Reference(reference) = &*typed.ty
                    && reference
                        .lifetime
                        .as_ref()
                        .is_none_or(|lifetime| lifetime.ident != "static")
                {
                    refuse(
                        reference.span(),
                        "moves the arguments to another thread: take this one by value, or in an `Arc`",
                    );
                }
            }
            FnArg::Receiver(_) => {}
        }
    }
    problems.none()
}

fn is_borrowed(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Value => false,
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, kind) => matches!(&**kind, Type::Reference(_)),
        _ => false,
    }
}

/// What the call gives.
enum Output {
    /// A job with a result of this type.
    Job(TokenStream),
    /// A stream of items of this type.
    Stream(TokenStream),
}

impl Output {
    fn of(kind: Kind, output: &ReturnType) -> Result<Self> {
        let kind_of = match output {
            ReturnType::Default => None,
            ReturnType::Type(_, output) => Some(&**output),
        };
        match kind_of {
            Some(Type::Never(never)) => Err(Error::new(
                never.span(),
                format!(
                    "`#[aiomisc::{}]` needs a type that a value can have: for a function without an end, \
                     `std::convert::Infallible`",
                    kind.name
                ),
            )),
            Some(Type::ImplTrait(imp)) if item_of(&imp.bounds).is_some() => {
                let item = item_of(&imp.bounds).flatten();
                item.map(Self::Stream).ok_or_else(|| {
                    let text = "name the type of the items, such as `impl Iterator<Item = u8>`";
                    Error::new(imp.span(), text)
                })
            }
            // It is an iterator of one item, or of none: its error would be lost.
            Some(output) if kind.iterable && is_result(output) => Err(Error::new(
                output.span(),
                format!(
                    "`#[aiomisc::{}]` stands on a function that returns an iterator, whose items may be \
                     results: for one that may fail before, there is `thread::Iterate::push`",
                    kind.name
                ),
            )),
            Some(output) if kind.iterable => Ok(Self::Stream(quote_spanned! {output.span()=>
                <#output as ::core::iter::IntoIterator>::Item
            })),
            None if kind.iterable => Err(Error::new(
                Span::call_site(),
                format!(
                    "`#[aiomisc::{}]` stands on a function that returns an iterator",
                    kind.name
                ),
            )),
            Some(output) => Ok(Self::Job(output.to_token_stream())),
            None => Ok(Self::Job(quote!(()))),
        }
    }
}

fn is_result(output: &Type) -> bool {
    let Type::Path(path) = output else {
        return false;
    };
    let last = path.path.segments.last();
    path.qself.is_none() && last.is_some_and(|last| last.ident == "Result")
}

/// Of `impl Iterator<Item = T>`: the `T`, if it is there. `None` if it is something else.
fn item_of<'a>(
    bounds: impl IntoIterator<Item = &'a TypeParamBound>,
) -> Option<Option<TokenStream>> {
    let mut found = None;
    for bound in bounds {
        let TypeParamBound::Trait(bound) = bound else {
            continue;
        };
        let Some(last) = bound.path.segments.last() else {
            continue;
        };
        if !last.ident.to_string().ends_with("Iterator") {
            continue;
        }
        let item = found.get_or_insert(None);
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            continue;
        };
        for argument in &arguments.args {
            if let GenericArgument::AssocType(AssocType { ident, ty, .. }) = argument
                && ident == "Item"
            {
                *item = Some(ty.to_token_stream());
            }
        }
    }
    found
}

struct Options {
    kind: Kind,
    library: TokenStream,
    name: Option<LitStr>,
    pool: Option<Expr>,
    /// Calls of a builder.
    set: TokenStream,
    associated: bool,
}

fn options(kind: Kind, args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, kind.options())?;
    let mut problems = Problems::default();
    let mut set = TokenStream::new();
    if let Some(size) = args
        .get("max_size")
        .and_then(|arg| problems.take(arg.expr()))
    {
        set.extend(quote!(.max_size(#size)));
    }
    if let Some(detach) = args
        .get("detach")
        .and_then(|arg| problems.take(arg.switch()))
    {
        set.extend(quote!(.detach(#detach)));
    }
    let name = args
        .get("name")
        .and_then(|arg| problems.take(arg.text("reader")));
    let pool = args.get("pool").and_then(|arg| problems.take(arg.expr()));
    let associated = args
        .get("associated")
        .and_then(|arg| problems.take(arg.flag()));
    let library = problems.take(args.library()).unwrap_or_default();
    let options = Options {
        kind,
        library,
        name: name.cloned(),
        pool: pool.cloned(),
        set,
        associated: associated.is_some(),
    };
    problems.none().map(|()| options)
}

/// The plain function under another name, and one of its own name that calls it on a thread.
fn threaded(function: &ItemFn, output: &Output, options: &Options) -> TokenStream {
    let library = &options.library;
    let attributes = Attributes::sort(function.attrs.clone());
    let (docs, outer): (Vec<_>, Vec<_>) = attributes
        .outer
        .iter()
        .partition(|attribute| attribute.path().is_ident("doc"));
    // What the plain one has for itself: how it is compiled, and what is expected of its body.
    let common = outer.iter().filter(|attribute| {
        const SHARED: [&str; 7] = [
            "cfg",
            "cfg_attr",
            "allow",
            "warn",
            "deny",
            "forbid",
            "deprecated",
        ];
        let path = attribute.path();
        path.segments.len() > 1 || SHARED.iter().any(|name| path.is_ident(name))
    });
    let silent = outer
        .iter()
        .any(|attribute| attribute.path().is_ident("deprecated"))
        .then(|| quote!(#[allow(deprecated, reason = "whoever calls this was told")]));

    let name = &function.sig.ident;
    let plain_name = format_ident!("{name}_sync", span = name.span());
    let plain = plain_function(function, &plain_name, &outer, &attributes);
    let (inputs, values) = inputs(function);
    let call = call(function, &plain_name, &values, options);
    let begun = begin(&function.sig, output, &call, options);
    let output = match output {
        Output::Job(result) => quote!(#library::thread::Job<#result>),
        Output::Stream(item) => quote!(#library::thread::ThreadedIter<#item>),
    };
    let visible = &function.vis;
    let (generics, _, clause) = function.sig.generics.split_for_impl();
    quote! {
        #(#docs)*
        #(#common)*
        #silent
        #[track_caller]
        #visible fn #name #generics(#(#inputs),*) -> #output #clause {
            #begun
        }

        #plain
    }
}

fn plain_function(
    function: &ItemFn,
    name: &Ident,
    outer: &[&Attribute],
    attributes: &Attributes,
) -> TokenStream {
    let Attributes { test, inner, .. } = attributes;
    let doc = format!(
        "`{}`, on the thread that calls this, which is blocked meanwhile.",
        function.sig.ident.unraw()
    );
    let mut plain = function.clone();
    plain.attrs = Vec::new();
    plain.sig.ident = name.clone();
    quote! {
        #[doc = #doc]
        #[allow(
            clippy::boxed_local,
            clippy::needless_pass_by_value,
            reason = "what is borrowed cannot go to another thread"
        )]
        #(#outer)* #(#test)* #(#inner)*
        #plain
    }
}

/// The parameters of the function that submits, and the values that they are.
fn inputs(function: &ItemFn) -> (Vec<FnArg>, Vec<TokenStream>) {
    let input = |(number, input): (usize, &FnArg)| match input {
        FnArg::Receiver(receiver) => {
            let mut receiver = receiver.clone();
            receiver.mutability = None;
            let value = receiver.self_token.to_token_stream();
            (FnArg::Receiver(receiver), value)
        }
        FnArg::Typed(typed) => {
            let name = match &*typed.pat {
                Pat::Ident(simple) if simple.subpat.is_none() => simple.ident.clone(),
                _ => format_ident!("argument_{number}", span = Span::mixed_site()),
            };
            let mut typed = typed.clone();
            typed
                .attrs
                .retain(|attribute| attribute.path().is_ident("cfg"));
            *typed.pat = Pat::Verbatim(name.to_token_stream());
            (FnArg::Typed(typed), name.into_token_stream())
        }
    };
    function.sig.inputs.iter().enumerate().map(input).unzip()
}

/// The call of the plain function.
fn call(function: &ItemFn, name: &Ident, values: &[TokenStream], options: &Options) -> TokenStream {
    let sig = &function.sig;
    let associated = options.associated
        || matches!(sig.inputs.first(), Some(FnArg::Receiver(_)))
        || names_self_outside_of_items(function);
    // What cannot be sent is a mistake of the function, and told at its name.
    let span = located(sig.ident.span());
    let path = associated.then(|| quote_spanned!(span=> Self::));
    // What the arguments do not tell is told by name.
    let named: Vec<_> = sig
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    let generics = (!named.is_empty()).then(|| quote!(::<#(#named),*>));
    quote_spanned!(span=> #path #name #generics(#(#values),*))
}

/// For tokens of ours that messages are to show elsewhere.
fn located(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Items inside of a function have a `Self` of their own.
fn names_self_outside_of_items(function: &ItemFn) -> bool {
    let body = &function.block.stmts;
    let mut body = body.iter().filter(|part| !matches!(part, Stmt::Item(_)));
    names_self(function.sig.to_token_stream())
        || body.any(|part| names_self(part.to_token_stream()))
}

/// Whether there is a `Self` in it, which only what belongs to a type has.
fn names_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => names_self(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Begins a job, or an iterator, that makes the call.
fn begin(
    function: &Signature,
    output: &Output,
    call: &TokenStream,
    options: &Options,
) -> TokenStream {
    let Options {
        kind,
        library,
        set,
        pool,
        ..
    } = options;
    let name = match &options.name {
        Some(name) => name.to_token_stream(),
        None => function.ident.unraw().to_string().to_token_stream(),
    };
    // A result that cannot be sent is a mistake of its type.
    let at_name = located(function.ident.span());
    let job = quote_spanned!(at_name=> move || #call);
    let run = match &function.output {
        ReturnType::Default => at_name,
        ReturnType::Type(_, output) => located(output.span()),
    };
    // The pool may be a part of what moves.
    let pool = pool
        .as_ref()
        .map(|pool| quote!(#library::thread::ThreadPool::clone(&#pool)));
    // A name that no argument has, whatever it is called.
    let how = Ident::new("how", Span::mixed_site());
    match output {
        Output::Stream(_) => {
            let run = Ident::new("run", run);
            let separate = kind.separate;
            let of_pool = pool.map(|pool| quote!(.pool(#pool)));
            quote! {
                let #how = #library::thread::Iterate::new().name(#name).separate(#separate)#set #of_pool;
                #how.#run(#job)
            }
        }
        Output::Job(_) if kind.separate => {
            let run = Ident::new("run", run);
            quote!(#library::thread::Separate::new().name(#name)#set.#run(#job))
        }
        Output::Job(_) => {
            let run = Ident::new("run_as", run);
            let pool = pool.unwrap_or_else(|| quote!(#library::thread::ThreadPool::current()));
            quote! {
                let #how = #pool;
                #how.#run(#name, #job)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Kind; 4] {
        [(false, false), (false, true), (true, false), (true, true)].map(|(iterable, separate)| {
            Kind {
                name: "threaded",
                separate,
                iterable,
            }
        })
    }

    #[test]
    fn attributes_go_where_they_belong() {
        let item = quote! {
            /// Reads.
            #[cfg(unix)]
            #[inline]
            #[deprecated]
            #[must_use]
            #[other::instrument]
            pub fn read() -> Vec<u8> {}
        };
        for kind in all() {
            let text = expand(kind, TokenStream::new(), item.clone()).to_string();
            let (submits, plain) = text.split_once("`read`, on the thread").unwrap();
            for both in ["# [cfg (unix)]", "# [deprecated]"] {
                assert!(
                    submits.contains(both) && plain.contains(both),
                    "{both}: {text}"
                );
            }
            assert!(submits.contains("\" Reads.\""), "{submits}");
            assert!(!plain.contains("\" Reads.\""), "{plain}");
            for alone in ["# [inline]", "# [must_use]", "# [other :: instrument]"] {
                assert!(
                    !submits.contains(alone) && plain.contains(alone),
                    "{alone}: {text}"
                );
            }
            assert!(
                plain.contains("pub fn read_sync () -> Vec < u8 >"),
                "{plain}"
            );
        }
    }

    #[test]
    fn attributes_may_stand_in_the_body() {
        let item = quote! {
            fn read() -> u8 {
                #![allow(unused)]
                7
            }
        };
        for kind in all() {
            let text = expand(kind, TokenStream::new(), item.clone()).to_string();
            assert!(text.contains("# [allow (unused)]"), "{text}");
            assert!(!text.contains("# !"), "{text}");
        }
    }

    #[test]
    fn another_name_of_the_library_is_used_everywhere() {
        let item = quote!(
            fn read(path: String) -> impl Iterator<Item = u8> {}
        );
        for kind in all() {
            let text = expand(kind, quote!(crate = "other"), item.clone()).to_string();
            assert!(text.contains("other :: thread"), "{text}");
            assert!(!text.contains("aiomisc"), "{text}");
        }
    }

    #[test]
    fn an_iterator_that_may_fail_to_be_made_is_refused() {
        let item = quote!(
            fn lines(path: String) -> std::io::Result<Vec<String>> {}
        );
        for kind in all() {
            let text = expand(kind, TokenStream::new(), item.clone()).to_string();
            assert_eq!(text.contains("Iterate::push"), kind.iterable, "{text}");
        }
    }

    /// The compiler's own messages about these depend on its version.
    #[test]
    fn variadics_are_refused() {
        let item = quote!(
            unsafe extern "C" fn many(_: u8, ...) {}
        );
        let text = expand(all()[0], TokenStream::new(), item).to_string();
        for why in [
            "not `unsafe`",
            "without an ABI",
            "whose arguments are known",
        ] {
            assert!(text.contains(why), "{why}: {text}");
        }
    }

    #[test]
    fn iterators_are_known_by_their_bounds() {
        let item = |output: TokenStream| {
            let Type::ImplTrait(imp) = syn::parse2(output).unwrap() else {
                panic!("it is no `impl`");
            };
            item_of(&imp.bounds).map(|item| item.map(|item| item.to_string()))
        };
        let number = Some(Some("u8".to_owned()));
        assert_eq!(item(quote!(impl Iterator<Item = u8>)), number);
        assert_eq!(
            item(quote!(impl Send + std::iter::IntoIterator<Item = u8>)),
            number
        );
        assert_eq!(item(quote!(impl Iterator + Send)), Some(None));
        assert_eq!(item(quote!(impl Clone + 'static)), None);
    }
}
