//! What the compiler says about mistakes with the attributes. After a change of the texts:
//! `TRYBUILD=overwrite cargo test --all-features --test ui`, and read what it wrote.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
