//! `#[aiomisc::dependency]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ItemFn, LitStr, Result, ReturnType, Type};

use crate::args::{Args, Problems, located_at};
use crate::function::{self, Attributes};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match function::parse("dependency", item) {
        Ok(function) => function,
        Err(error) => return error.into_compile_error(),
    };
    let mut problems = Problems::default();
    problems.take(check(&function));
    // They are for us, and nobody else knows them.
    let parameters = problems.take(parameters(&mut function));
    let options = problems.take(options(args));
    match (problems.none(), parameters, options) {
        (Ok(()), Some(parameters), Some(options)) => dependency(&function, &parameters, &options),
        // Without the function there would be more mistakes, where it is called.
        (problems, ..) => {
            let errors = problems.err().map(Error::into_compile_error);
            quote!(#errors #function)
        }
    }
}

fn check(function: &ItemFn) -> Result<()> {
    let mut problems = Problems::default();
    problems.take(function::check_shape("dependency", function));
    if matches!(function.sig.output, ReturnType::Default) {
        problems.push(Error::new(
            function.sig.ident.span(),
            "`#[aiomisc::dependency]` stands on a function that returns the value",
        ));
    }
    problems.none()
}

/// What a function needs.
struct Parameter {
    kind: Type,
    name: Option<LitStr>,
}

/// Takes `#[named("…")]` from the parameters.
fn parameters(function: &mut ItemFn) -> Result<Vec<Parameter>> {
    let mut problems = Problems::default();
    let mut parameters = Vec::new();
    for input in &mut function.sig.inputs {
        // A receiver is a mistake that was found already.
        let FnArg::Typed(input) = input else { continue };
        let of_ours = |attribute: &Attribute| attribute.path().is_ident("named");
        let (named, others) = std::mem::take(&mut input.attrs)
            .into_iter()
            .partition::<Vec<_>, _>(of_ours);
        input.attrs = others;
        let mut name = None;
        for attribute in named {
            let text = attribute.parse_args::<LitStr>().map_err(|error| {
                let text = "expected a text, such as `#[named(\"replica\")]`";
                Error::new(error.span(), text)
            });
            let text = problems.take(text);
            if name.is_some() {
                problems.push(Error::new(attribute.span(), "`named` is given twice"));
            }
            name = text;
        }
        parameters.push(Parameter {
            kind: (*input.ty).clone(),
            name,
        });
    }
    problems.none()?;
    Ok(parameters)
}

struct Options {
    /// The calls that set them.
    set: TokenStream,
    library: TokenStream,
}

fn options(args: TokenStream) -> Result<Options> {
    let args = Args::parse(args, &["name", "make_limit", "teardown_limit", "crate"])?;
    let mut problems = Problems::default();
    let mut set = TokenStream::new();
    if let Some(name) = args.get("name")
        && let Some(name) = problems.take(name.text("replica"))
    {
        set.extend(quote!(.named(#name)));
    }
    if let Some(limit) = args.get("make_limit")
        && let Some(limit) = problems.take(limit.duration())
    {
        set.extend(quote!(.make_limit(#limit)));
    }
    if let Some(limit) = args.get("teardown_limit")
        && let Some(limit) = problems.take(limit.duration())
    {
        set.extend(quote!(.teardown_limit(#limit)));
    }
    let library = problems.take(args.library());
    problems.none()?;
    Ok(Options {
        set,
        library: library.unwrap_or_default(),
    })
}

fn dependency(function: &ItemFn, parameters: &[Parameter], options: &Options) -> TokenStream {
    let Options { set, library } = options;
    let name = &function.sig.ident;
    let attributes = Attributes::sort(function.attrs.clone());
    let conditions = attributes.conditions();
    let needs = parameters.iter().map(|parameter| {
        let (parameter, name) = access(parameter, library);
        quote!(#parameter::need(#name))
    });
    let values = parameters.iter().map(|parameter| {
        let span = parameter.kind.span();
        let (parameter, name) = access(parameter, library);
        quote_spanned!(span=> #parameter::get(&__deps, #name).await?)
    });
    // A value that cannot be one is a mistake of the type.
    let span = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, output) => output.span(),
    };
    let located = located_at(span, library);
    let make = quote_spanned! {span=>
        #located::__private::dependency::Function::dependency
    };
    let take = quote_spanned!(span=> (&__value).way().take(__value));
    // Names of ours must not be that of the function.
    quote! {
        #function

        #(#conditions)*
        const _: () = {
            #[#library::__private::linkme::distributed_slice(
                #library::__private::dependency::DEPENDENCIES
            )]
            #[linkme(crate = #library::__private::linkme)]
            static DEPENDENCY: #library::__private::dependency::Function =
                #library::__private::dependency::Function::new(
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                    ::core::file!(),
                    ::core::line!(),
                    |__function| {
                        #[allow(unused_imports, reason = "which one depends on the function's result")]
                        use #library::__private::dependency::{Fallible as _, Infallible as _};

                        let __factory = |__deps: #library::dependency::Dependencies| async move {
                            let _ = &__deps;
                            // As a value, so that nobody asks why it has no `await`.
                            let __call = #name;
                            let __value = __call(#(#values),*).await;
                            #take
                        };
                        #make(__function, ::std::vec![#(#needs),*], __factory) #set
                    },
                );
        };
    }
}

/// The trait of a parameter, and its name as an option.
fn access(parameter: &Parameter, library: &TokenStream) -> (TokenStream, TokenStream) {
    let Parameter { kind, name } = parameter;
    let span = kind.span();
    let located = located_at(span, library);
    let access = quote_spanned! {span=>
        <#kind as #located::__private::dependency::Parameter>
    };
    let name = match name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    };
    (access, name)
}
