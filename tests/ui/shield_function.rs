//! What `#[aiomisc::shield]` stands on.

struct Own;

impl Own {
    #[aiomisc::shield]
    async fn borrows_itself(&self) {}

    #[aiomisc::shield]
    async fn typed(self: &std::sync::Arc<Self>) {}
}

#[aiomisc::shield]
fn plain() {}

#[aiomisc::shield]
async fn borrows(text: &str, fixed: &'static str) {
    let _ = (text, fixed);
}

#[aiomisc::shield(name = "x")]
async fn unknown() {}

#[aiomisc::shield]
struct NoFunction;

fn main() {}
