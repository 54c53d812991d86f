//! A program that names a library in its code, if only so, has its plugins and its dependencies.
#![cfg(any(feature = "smol-app", feature = "tokio-app"))]

use additivity as _;

use aiomisc::{Entrypoint, plugins};

#[test]
fn the_plugins_of_a_library_are_found() {
    let all = plugins::all().into_iter();
    let all: Vec<_> = all.map(|plugin| (plugin.name(), plugin.module())).collect();
    assert_eq!(all, [("extension", "additivity::extension")]);
}

#[test]
fn the_dependencies_of_a_library_are_found() {
    let runtime = if cfg!(feature = "smol-app") {
        "smol"
    } else {
        "tokio"
    };
    let text = Entrypoint::builder()
        .environment(move |name| (name == "AIOMISC_RUNTIME").then(|| runtime.to_owned()))
        .run_with(async |ep| {
            let greeting = ep.dependency::<additivity::extension::Greeting>().await;
            greeting.map(|greeting| greeting.0.clone())
        });
    let text = text
        .expect("all is well")
        .finished()
        .expect("nothing stops it");
    assert_eq!(text.expect("it is made"), "hello from the library");
}
