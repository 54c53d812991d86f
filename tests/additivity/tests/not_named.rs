//! A program that has a library in its `Cargo.toml` and nowhere in its code does not have its plugins: it is
//! not linked. The documentation says so, because it surprises.

#[test]
fn a_library_that_the_code_does_not_name_adds_nothing() {
    assert!(aiomisc::plugins::all().is_empty());
}
