//! Functions that `#[aiomisc::test]` cannot stand on.

#[aiomisc::test]
fn not_async() {}

#[aiomisc::test(runtimes(all))]
async fn arguments(port: u16) {}

#[aiomisc::test]
async fn generic<T>()
where
    T: Default,
{
}

struct Tests;

impl Tests {
    #[aiomisc::test]
    async fn method(&self) {}
}

#[aiomisc::test]
#[test]
async fn a_test_already() {}

#[aiomisc::test]
#[should_panic]
async fn panic_or_error() -> Result<(), String> {
    Ok(())
}

fn main() {}
