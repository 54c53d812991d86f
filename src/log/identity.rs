//! The name by which a program is known to the logs of its system.

/// The name of the program's file; `program` where there is none.
pub(super) fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_stem();
    name.map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "program".to_owned())
}
