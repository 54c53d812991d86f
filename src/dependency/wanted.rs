use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// By what a value is known: its type, and its name if it has one.
#[derive(Clone)]
pub(crate) struct Wanted {
    kind: TypeId,
    type_name: &'static str,
    name: Option<Cow<'static, str>>,
}

impl Wanted {
    pub(crate) fn of<T: ?Sized + 'static>(name: Option<Cow<'static, str>>) -> Self {
        Self {
            kind: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            name,
        }
    }

    pub(super) fn named(self, name: Cow<'static, str>) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// What is written to declare the need of it.
    pub(super) fn declaration(&self) -> String {
        let kind = short(self.type_name);
        match &self.name {
            Some(name) => format!("needs_named::<{kind}>({name:?})"),
            None => format!("needs::<{kind}>()"),
        }
    }

    fn key(&self) -> (TypeId, Option<&str>) {
        (self.kind, self.name.as_deref())
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Wanted {}

impl Hash for Wanted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", short(self.type_name))?;
        match &self.name {
            Some(name) => write!(f, " named `{name}`"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `a::Pool<b::Db>` is called `Pool<Db>`.
fn short(full: &str) -> String {
    let mut text = String::with_capacity(full.len());
    let mut rest = full;
    while !rest.is_empty() {
        let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let (path, after) = rest.split_at(rest.find(|c| !is_path(c)).unwrap_or(rest.len()));
        text.push_str(path.rsplit("::").next().unwrap_or(path));
        let mut after = after.chars();
        text.extend(after.next());
        rest = after.as_str();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_without_their_paths() {
        assert_eq!(short("app::db::Pool<app::Db, u8>"), "Pool<Db, u8>");
        assert_eq!(
            short("dyn app::Store + core::marker::Send"),
            "dyn Store + Send"
        );
        assert_eq!(short("&[(a::B, c::D)]"), "&[(B, D)]");
        assert_eq!(short("u8"), "u8");
    }

    #[test]
    fn a_name_makes_it_another_one() {
        let one = Wanted::of::<str>(None);
        let named = one.clone().named("a".into());
        assert_ne!(one, named);
        assert_eq!(named, Wanted::of::<str>(Some("a".into())));
        assert_ne!(named, Wanted::of::<u8>(Some("a".into())));
        assert_eq!(one.to_string(), "`str`");
        assert_eq!(named.to_string(), "`str` named `a`");
        assert_eq!(named.declaration(), "needs_named::<str>(\"a\")");
    }
}
