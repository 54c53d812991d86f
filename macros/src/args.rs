//! What stands in the parentheses of an attribute.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, ExprLit, Lit, LitBool, LitInt, LitStr, Path, Result, Token, UnOp, parenthesized,
    token,
};

/// The options of an attribute: each is known, and given once.
pub(crate) struct Args(Vec<Arg>);

/// `key = value`, `key(name, …)`, or `key`.
pub(crate) struct Arg {
    key: Ident,
    value: Value,
}

enum Value {
    Nothing,
    Expr(Expr),
    List(Vec<Ident>),
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        // `crate` is a keyword.
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Expr(input.parse()?)
        } else if input.peek(token::Paren) {
            let list;
            parenthesized!(list in input);
            let names = Punctuated::<Ident, Token![,]>::parse_terminated(&list)?;
            Value::List(names.into_iter().collect())
        } else {
            Value::Nothing
        };
        Ok(Self { key, value })
    }
}

impl Args {
    /// Reads the options; those that are not `known` are mistakes.
    pub(crate) fn parse(tokens: TokenStream, known: &[&str]) -> Result<Self> {
        let args = Punctuated::<Arg, Token![,]>::parse_terminated.parse2(tokens)?;
        Self::check(args.into_iter().collect(), known)
    }

    /// As [`parse`](Self::parse), for an attribute whose first options may stand without their names, in this
    /// order. It has no options without a value.
    pub(crate) fn parse_places(
        tokens: TokenStream,
        places: &[&str],
        known: &[&str],
    ) -> Result<Self> {
        let parse = |input: ParseStream<'_>| {
            let (mut args, mut places) = (Vec::new(), places.iter());
            while !input.is_empty() {
                if input.peek(Ident::peek_any) && input.peek2(Token![=]) {
                    args.push(input.parse()?);
                    // What follows an option with a name has one as well.
                    places = [].iter();
                } else {
                    let value: Expr = input.parse()?;
                    let Some(place) = places.next() else {
                        let text = format!("expected options by name; known are {}", names(known));
                        return Err(Error::new(value.span(), text));
                    };
                    args.push(Arg {
                        key: Ident::new(place, value.span()),
                        value: Value::Expr(value),
                    });
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(args)
        };
        Self::check(parse.parse2(tokens)?, known)
    }

    fn check(args: Vec<Arg>, known: &[&str]) -> Result<Self> {
        let mut problems = Problems::default();
        for (index, arg) in args.iter().enumerate() {
            let key = &arg.key;
            if !known.iter().any(|name| key == name) {
                problems.push(Error::new(
                    key.span(),
                    format!("unknown option `{key}`; known are {}", names(known)),
                ));
            } else if args[..index].iter().any(|before| before.key == *key) {
                problems.push(Error::new(key.span(), format!("`{key}` is given twice")));
            }
        }
        problems.none()?;
        Ok(Self(args))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Arg> {
        self.0.iter().find(|arg| arg.key == key)
    }

    /// The path of the library: what `crate = …` says, else `::aiomisc`.
    pub(crate) fn library(&self) -> Result<TokenStream> {
        let Some(arg) = self.get("crate") else {
            return Ok(quote!(::aiomisc));
        };
        let path = match &arg.value {
            Value::Expr(Expr::Path(path)) if path.qself.is_none() => {
                Some(path.path.to_token_stream())
            }
            Value::Expr(Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            })) => text
                .parse_with(Path::parse_mod_style)
                .ok()
                .map(Path::into_token_stream),
            _ => None,
        };
        path.ok_or_else(|| arg.expected("a path, such as `crate = \"other_name\"`"))
    }
}

impl Arg {
    pub(crate) fn key_span(&self) -> Span {
        self.key.span()
    }

    /// A name that stands for itself; gives its place.
    pub(crate) fn flag(&self) -> Result<Span> {
        match &self.value {
            Value::Nothing => Ok(self.key.span()),
            Value::Expr(_) | Value::List(_) => Err(self.expected("no value")),
        }
    }

    /// Any expression.
    pub(crate) fn expr(&self) -> Result<&Expr> {
        match &self.value {
            Value::Expr(expr) => Ok(expr),
            Value::Nothing | Value::List(_) => Err(self.expected("`= EXPRESSION`")),
        }
    }

    /// A literal text; `example` is one for the message.
    pub(crate) fn text(&self, example: &str) -> Result<&LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => Ok(text),
            _ => Err(self.expected(&format!("a text, such as `{} = {example:?}`", self.key))),
        }
    }

    /// A literal number above zero.
    pub(crate) fn count(&self) -> Result<&LitInt> {
        match self.literal() {
            Some(Lit::Int(number)) if number.base10_parse::<usize>().is_ok_and(|n| n > 0) => {
                Ok(number)
            }
            _ => Err(self.expected(&format!(
                "a whole number above zero, such as `{} = 4`",
                self.key
            ))),
        }
    }

    /// A literal `true` or `false`.
    pub(crate) fn switch(&self) -> Result<&LitBool> {
        match self.literal() {
            Some(Lit::Bool(on)) => Ok(on),
            _ => Err(self.expected(&format!("`{} = true` or `{} = false`", self.key, self.key))),
        }
    }

    /// A literal length of time; gives the expression of a `Duration`.
    pub(crate) fn duration(&self) -> Result<TokenStream> {
        let text = self.text("5s")?;
        let millis = millis(&text.value()).map_err(|problem| Error::new(text.span(), problem))?;
        Ok(quote_spanned!(text.span()=> ::core::time::Duration::from_millis(#millis)))
    }

    /// A length of time: a text, a number of seconds, or an expression of a `Duration`.
    pub(crate) fn length(&self, zero: bool) -> Result<TokenStream> {
        let expected = if zero {
            "a length of time, such as \"500ms\" or a number of seconds"
        } else {
            "a length of time above zero, such as \"500ms\" or a number of seconds"
        };
        let seconds = match self.literal() {
            Some(Lit::Str(_)) => return self.duration(),
            Some(Lit::Int(number)) => number.base10_parse::<u64>().ok().map(|n| n as f64),
            Some(Lit::Float(number)) => number.base10_parse::<f64>().ok(),
            Some(_) => None,
            None => match self.expr()? {
                Expr::Unary(negative) if matches!(negative.op, UnOp::Neg(_)) => None,
                other => return Ok(other.to_token_stream()),
            },
        };
        let length = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match length {
            Some(length) if zero || !length.is_zero() => {
                let (seconds, nanos) = (length.as_secs(), length.subsec_nanos());
                Ok(quote!(::core::time::Duration::new(#seconds, #nanos)))
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// A name that is made by the attribute.
    pub(crate) fn name(&self) -> Result<&Ident> {
        let name = match &self.value {
            Value::Expr(Expr::Path(path)) => path.path.get_ident(),
            _ => None,
        };
        name.ok_or_else(|| self.expected(&format!("a name, such as `{0} = {0}`", self.key)))
    }

    /// A number above zero as a literal, or any other expression.
    pub(crate) fn count_or_expr(&self) -> Result<&Expr> {
        let refused = match self.literal() {
            Some(literal) => !matches!(literal, Lit::Int(number)
                if number.base10_parse::<u32>().is_ok_and(|n| n > 0)),
            None => matches!(self.expr()?, Expr::Unary(_)),
        };
        if refused {
            let text = "a whole number above zero, or `None` for no limit";
            return Err(self.expected(text));
        }
        self.expr()
    }

    /// Names in parentheses.
    pub(crate) fn list(&self, example: &str) -> Result<&[Ident]> {
        match &self.value {
            Value::List(list) if !list.is_empty() => Ok(list),
            _ => Err(self.expected(&format!("names, such as `{}({example})`", self.key))),
        }
    }

    fn literal(&self) -> Option<&Lit> {
        match &self.value {
            Value::Expr(Expr::Lit(literal)) => Some(&literal.lit),
            _ => None,
        }
    }

    pub(crate) fn expected(&self, what: &str) -> Error {
        let span = match &self.value {
            Value::Nothing => self.key.span(),
            Value::Expr(expr) => expr.span(),
            Value::List(list) => list.first().unwrap_or(&self.key).span(),
        };
        Error::new(span, format!("`{}`: expected {what}", self.key))
    }
}

/// The same tokens, with messages about them pointing elsewhere.
pub(crate) fn located_at(span: Span, tokens: &TokenStream) -> TokenStream {
    let locate = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    tokens.clone().into_iter().map(locate).collect()
}

/// Mistakes, which are reported together.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, unless it is a mistake.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn none(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// `a`, `b` and `c`, each in backquotes.
pub(crate) fn names(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn millis(text: &str) -> std::result::Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim_start() {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let (Ok(number), Some(scale)) = (number.parse::<u64>(), scale) else {
        return Err(format!(
            "expected a length of time in ms, s or m, such as \"500ms\", \"5s\" or \"2m\", got {text:?}"
        ));
    };
    match number.checked_mul(scale) {
        Some(0) => Err(format!(
            "expected a length of time above zero, got {text:?}"
        )),
        Some(millis) => Ok(millis),
        None => Err(format!("{text:?} is more than can be measured")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("5s"), Ok(5_000));
        assert_eq!(millis(" 2 m "), Ok(120_000));
        for bad in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "5 h",
            "5sec",
            "0s",
            "99999999999999999999s",
        ] {
            assert!(millis(bad).is_err(), "{bad:?}");
        }
        assert!(millis("18446744073709551615m").is_err());
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(names(&["a"]), "`a`");
        assert_eq!(names(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
