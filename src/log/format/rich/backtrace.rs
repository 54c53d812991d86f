//! Which frames of a backtrace are the program's own.

/// A line of what is shown of a backtrace.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A frame of the program.
    Own {
        number: &'a str,
        name: &'a str,
        place: Option<&'a str>,
    },
    /// So many frames of libraries, one after another.
    Foreign(usize),
    /// Something else.
    Text(&'a str),
}

/// Reads what the standard library writes: `  12: name` and below it `at file:line:column`.
pub(super) fn lines_of(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let Some((number, name)) = frame_of(line) else {
            lines.push(Line::Text(line));
            continue;
        };
        let place = rest.next_if(|next| next.trim_start().starts_with("at "));
        let place = place.map(|place| place.trim_start().trim_start_matches("at ").trim_end());
        if !is_foreign(name, place.unwrap_or_default()) {
            lines.push(Line::Own {
                number,
                name,
                place,
            });
        } else if let Some(Line::Foreign(count)) = lines.last_mut() {
            *count += 1;
        } else {
            lines.push(Line::Foreign(1));
        }
    }
    lines
}

/// The number and the name of `12: name::h0123456789abcdef`, without the hash.
fn frame_of(line: &str) -> Option<(&str, &str)> {
    let (number, name) = line.split_once(": ")?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let name = match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => name,
    };
    Some((number, name))
}

/// Libraries are told by where their source lies, and the standard library, built elsewhere, by its names.
fn is_foreign(name: &str, place: &str) -> bool {
    const PLACES: [&str; 4] = [
        "/rustc/",
        "/.cargo/registry/",
        "/.cargo/git/",
        "/lib/rustlib/",
    ];
    const NAMES: [&str; 8] = [
        "std::",
        "core::",
        "alloc::",
        "test::",
        "backtrace::",
        "aiomisc::",
        "__rust",
        "rust_",
    ];
    const SYMBOLS: [&str; 7] = [
        "<unknown>",
        "_start",
        "main",
        "clone",
        "clone3",
        "start_thread",
        "__libc_start_main",
    ];
    // `<alloc::boxed::Box<…> as core::ops::FnOnce<…>>::call_once`
    let first = name.trim_start_matches(['<', '&']);
    PLACES.iter().any(|part| place.contains(part))
        || NAMES.iter().any(|start| first.starts_with(start))
        || SYMBOLS.contains(&name)
        || name.starts_with("__libc_start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_libraries_are_counted() {
        let text = "\
   0: std::backtrace::Backtrace::create
             at /rustc/0123/library/std/src/backtrace.rs:331:13
   1: app::store::load::h0123456789abcdef
             at ./src/store.rs:12:5
   2: <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once
   3: serde_json::de::from_str
             at /home/me/.cargo/registry/src/index/serde_json-1.0.0/src/de.rs:1:1
   4: app::main
   5: main
   6: <unknown>
note: some were left out
";
        let own = |number, name, place| Line::Own {
            number,
            name,
            place,
        };
        assert_eq!(
            lines_of(text),
            [
                Line::Foreign(1),
                own("1", "app::store::load", Some("./src/store.rs:12:5")),
                Line::Foreign(2),
                own("4", "app::main", None),
                Line::Foreign(2),
                Line::Text("note: some were left out"),
            ]
        );
    }

    #[test]
    fn what_is_no_backtrace_stays_as_it_is() {
        assert_eq!(
            lines_of("disabled backtrace"),
            [Line::Text("disabled backtrace")]
        );
        assert_eq!(lines_of("x: y\n"), [Line::Text("x: y")]);
        assert!(lines_of(" \n").is_empty());
    }
}
