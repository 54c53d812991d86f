//! `#[aiomisc::asyncbackoff]` and `#[aiomisc::asyncretry]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, FnArg, ItemFn, Lit, Receiver, ReceiverKind, Result, Type};

use crate::args::{Args, Problems};
use crate::function;
use crate::repeated::{block_of, clones, result_of};

/// Which of the two it is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Backoff,
    Retry,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Backoff => "asyncbackoff",
            Self::Retry => "asyncretry",
        }
    }

    fn places(self) -> &'static [&'static str] {
        match self {
            Self::Backoff => &["attempt_timeout", "deadline", "pause"],
            Self::Retry => &["max_tries"],
        }
    }

    fn options(self) -> &'static [&'static str] {
        const ALL: [&str; 11] = [
            "attempt_timeout",
            "deadline",
            "max_tries",
            "pause",
            "retry_if",
            "giveup",
            "retry_after",
            "budget",
            "name",
            "attempt",
            "crate",
        ];
        match self {
            Self::Backoff => const { &ALL },
            Self::Retry => const { ALL.split_at(2).1 },
        }
    }
}

pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    let function = match function::parse(kind.name(), item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(kind, &function));
    let output = problems.take(result_of(kind.name(), &function));
    let options = problems.take(options(kind, args));
    match (problems.none(), output, options) {
        (Ok(()), Some(output), Some(options)) => {
            let output = output.clone();
            repeated(kind, function, &output, &options)
        }
        // Without the function there would be more mistakes, where it is called.
        (problems, ..) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

/// Says what a function must not have that is called again.
fn check(kind: Kind, function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    let mut refuse = |span: Span, why: &str| {
        problems.push(Error::new(
            span,
            format!("`#[aiomisc::{}]` {why}", kind.name()),
        ));
    };
    if function.sig.asyncness.is_none() {
        refuse(function.sig.fn_token.span, "needs an `async fn`");
    }
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) if !is_shared(receiver) => refuse(
                receiver.span(),
                "needs `self` again for each attempt: take it as `&self`",
            ),
            FnArg::Typed(typed) if is_mutable(&typed.ty) => refuse(
                typed.ty.span(),
                "needs the arguments again for each attempt: take this one by value, which is cloned, \
                 or as `&`",
            ),
            _ => {}
        }
    }
    problems.none()
}

fn is_shared(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Value => false,
        ReceiverKind::Reference(..) => receiver.mutability.is_none(),
        ReceiverKind::Typed(_, kind) => {
            matches!(&**kind, Type::Reference(kind) if kind.mutability.is_none())
        }
        _ => false,
    }
}

fn is_mutable(kind: &Type) -> bool {
    matches!(kind, Type::Reference(kind) if kind.mutability.is_some())
}

struct Options {
    library: TokenStream,
    /// Calls of the builder.
    set: TokenStream,
    /// Calls that set rules.
    rules: TokenStream,
    max_tries: Option<Expr>,
    timed: bool,
    name: Option<String>,
    attempt: Option<Ident>,
}

fn options(kind: Kind, args: TokenStream) -> Result<Options> {
    let args = Args::parse_places(args, kind.places(), kind.options())?;
    let mut problems = Problems::default();
    let (mut set, mut rules, mut timed) = (TokenStream::new(), TokenStream::new(), false);
    for key in ["attempt_timeout", "deadline"] {
        // `None` is what there is without the option.
        let limit = args.get(key).filter(|arg| !arg.expr().is_ok_and(is_none));
        if let Some(limit) = limit.and_then(|arg| problems.take(arg.length(false))) {
            let key = format_ident!("{key}");
            set.extend(quote!(.#key(#limit)));
            timed = true;
        }
    }
    if let Some(pause) = args
        .get("pause")
        .and_then(|arg| problems.take(arg.length(true)))
    {
        set.extend(quote!(.pause(#pause)));
    }
    if let Some(budget) = args.get("budget").and_then(|arg| problems.take(arg.expr())) {
        set.extend(quote!(.budget(&#budget)));
    }
    for key in ["retry_if", "giveup", "retry_after"] {
        if let Some(rule) = args.get(key).and_then(|arg| problems.take(arg.expr())) {
            let key = format_ident!("{key}");
            rules.extend(quote!(.#key(#rule)));
        }
    }
    let tries = args
        .get("max_tries")
        .and_then(|arg| problems.take(arg.count_or_expr()));
    if args.get("max_tries").is_none() && matches!(kind, Kind::Retry) {
        let text = "expected how many attempts there are, such as `#[aiomisc::asyncretry(5)]`";
        problems.push(Error::new(Span::call_site(), text));
    }
    let name = args
        .get("name")
        .and_then(|arg| problems.take(arg.text("database")));
    let attempt = args
        .get("attempt")
        .and_then(|arg| problems.take(arg.name()));
    let library = problems.take(args.library());
    let options = Options {
        library: library.unwrap_or_default(),
        set,
        rules,
        max_tries: tries.cloned(),
        timed,
        name: name.map(syn::LitStr::value),
        attempt: attempt.cloned(),
    };
    problems.none().map(|()| options)
}

fn is_none(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("None"))
}

fn repeated(kind: Kind, mut function: ItemFn, output: &Type, options: &Options) -> TokenStream {
    let Options {
        library,
        set,
        rules,
        ..
    } = options;
    let name = function.sig.ident.unraw().to_string();
    let name = options.name.as_ref().unwrap_or(&name);
    let body = block_of(&function);
    let clones = clones(&mut function);
    let private = quote!(#library::__private::retry);
    let (made, of) = match kind {
        Kind::Backoff => (quote!(Backoff), quote!(backoff(#name))),
        Kind::Retry => (quote!(Retry), quote!(retry(#name))),
    };
    let tries = options.max_tries.as_ref().map(|tries| match tries {
        Expr::Lit(ExprLit {
            lit: Lit::Int(tries),
            ..
        }) => {
            let tries: u32 = tries.base10_parse().unwrap_or(u32::MAX);
            quote!(.max_tries(#tries))
        }
        tries => quote!(.max_tries(#tries)),
    });
    let rules = if rules.is_empty() {
        quote!(#private::any_error())
    } else {
        quote!(#private::rules::<#output>() #rules)
    };
    let run = match kind {
        Kind::Backoff if options.timed => quote!(call_timed),
        Kind::Backoff => quote!(call_untimed),
        Kind::Retry => quote!(call_retry),
    };
    let attempt = match &options.attempt {
        Some(attempt) => quote!(#attempt),
        None => quote!(_),
    };
    function.block = syn::parse_quote!({
        static __BACKOFF: ::std::sync::LazyLock<#library::retry::#made> =
            ::std::sync::LazyLock::new(|| #private::made(#private::#of #set #tries .build()));
        let __rules = #rules;
        #private::#run(&__BACKOFF, &__rules, |#attempt: #library::retry::Attempt| {
            #(#clones)*
            #body
        })
        .await
    });
    quote!(#function)
}
