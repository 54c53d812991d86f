//! Options that `#[aiomisc::test]` does not take.

#[aiomisc::test(runtime = "smol")]
async fn unknown() {}

#[aiomisc::test(runtimes(smol, glommio, smol))]
async fn unknown_runtime() {}

#[aiomisc::test(runtimes(all, smol))]
async fn not_alone() {}

#[aiomisc::test(runtimes())]
async fn nothing() {}

#[aiomisc::test(runtimes = "all", timeout = 5)]
async fn wrong_form() {}

#[aiomisc::test(timeout = "5 minutes")]
async fn wrong_unit() {}

#[aiomisc::test(context, entrypoint(debug), strict = "no")]
async fn wrong_form_of_the_entrypoint() {}

#[aiomisc::test(strict)]
async fn neither_true_nor_false() {}

fn main() {}
