//! What a JSON record says of where it comes from: put together once, and copied then.

use std::cell::RefCell;
use std::sync::OnceLock;

use tracing::callsite::Identifier;

use super::escape::{key, string};
use crate::log::digits::number;
use crate::log::record::Record;

/// A place in the program, and what is written for it.
type Known = Option<(Identifier, Vec<u8>)>;

/// Opens `@fields` with what is the same for all records of a place in the program, and is put together
/// once for it.
pub(super) fn write_origin(record: &Record<'_>, out: &mut Vec<u8>) {
    /// For so many places; one that falls together with another is put together again.
    const PLACES: usize = 128;
    thread_local! {
        static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
    }
    let Some(callsite) = record.callsite() else {
        return put_origin_together(record, out);
    };
    // Lines that are far apart share a place; most programs log from few of them all the time.
    let place = record.line().unwrap_or(0) as usize % PLACES;
    let known = KNOWN.try_with(|known| {
        let mut known = known.borrow_mut();
        known.resize(PLACES, None);
        match &known[place] {
            Some((of, text)) if *of == callsite => out.extend_from_slice(text),
            _ => {
                let mut text = Vec::new();
                put_origin_together(record, &mut text);
                out.extend_from_slice(&text);
                known[place] = Some((callsite, text));
            }
        }
    });
    // Without memory of it, in a thread that ends.
    if known.is_err() {
        put_origin_together(record, out);
    }
}

fn put_origin_together(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"@fields\":{\"identifier\":");
    string(out, record.target());
    if let Some(file) = record.file() {
        key(out, "code_file");
        string(out, file);
    }
    if let Some(line) = record.line() {
        key(out, "code_line");
        number(out, line.into());
    }
    if let Some(module) = record.module() {
        key(out, "code_module");
        string(out, module);
    }
}

/// `pid` and `process_name`, which never change.
pub(super) fn of_process() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut out = format!(",\"pid\":{},\"process_name\":", std::process::id()).into_bytes();
        string(&mut out, &process_name());
        String::from_utf8_lossy(&out).into_owned()
    })
}

/// The name of the program's file.
pub(super) fn process_name() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&program)
        .file_name()
        .unwrap_or(&program);
    name.to_string_lossy().into_owned()
}

/// `thread_name`, which is made once in a thread.
pub(super) fn of_thread(out: &mut Vec<u8>) {
    thread_local! {
        static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    // Left out in a thread that ends.
    let _ = TEXT.try_with(|text| {
        let mut text = text.borrow_mut();
        if text.is_empty() {
            let thread = std::thread::current();
            text.extend_from_slice(b",\"thread_name\":");
            match thread.name() {
                Some(name) => string(&mut text, name),
                None => string(&mut text, &format!("{:?}", thread.id())),
            }
        }
        out.extend_from_slice(&text);
    });
}
