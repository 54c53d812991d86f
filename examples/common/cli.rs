//! The few options that the examples share: `--name value`.
#![allow(dead_code, reason = "each example takes what it needs")]

use std::collections::HashMap;

use aiomisc::entrypoint::EntrypointBuilder;
use aiomisc::net::Addr;
use aiomisc::{BoxError, Entrypoint, Runtime};

pub(crate) struct Args(HashMap<String, String>);

impl Args {
    /// Reads the command line; only these options are known.
    pub(crate) fn parse(known: &[&str]) -> Result<Self, BoxError> {
        let mut found = HashMap::new();
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            if !known.contains(&name.as_str()) {
                return Err(format!("unknown option {name}; known: {}", known.join(" ")).into());
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            found.insert(name, value);
        }
        Ok(Self(found))
    }

    /// The value of an option, or its default.
    pub(crate) fn get(&self, name: &str, default: &str) -> String {
        self.0
            .get(name)
            .cloned()
            .unwrap_or_else(|| default.to_owned())
    }

    /// The runtime that `--runtime` names, if it is given.
    pub(crate) fn runtime(&self) -> Result<Option<Runtime>, BoxError> {
        let Some(name) = self.0.get("--runtime") else {
            return Ok(None);
        };
        match name.as_str() {
            #[cfg(feature = "smol")]
            "smol" => Ok(Some(aiomisc::adapters::Smol::new().into())),
            #[cfg(feature = "tokio")]
            "tokio" => Ok(Some(aiomisc::adapters::Tokio::multi_thread(2)?.into())),
            _ => Err(format!("--runtime {name} is not compiled in").into()),
        }
    }

    /// An entrypoint on the runtime that `--runtime` names, or else on the default one.
    pub(crate) fn entrypoint(&self) -> Result<EntrypointBuilder, BoxError> {
        let entrypoint = Entrypoint::builder();
        Ok(match self.runtime()? {
            Some(runtime) => entrypoint.runtime(runtime),
            None => entrypoint,
        })
    }
}

/// Where something listens, as an address of the web is written.
pub(crate) fn url(scheme: &str, addr: &Addr) -> String {
    match addr {
        Addr::Unix(_) => format!("unix://{addr}"),
        _ => format!("{scheme}://{addr}"),
    }
}
