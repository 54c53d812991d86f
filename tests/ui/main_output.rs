//! The compiler points at a type that no program can return.

#[aiomisc::main]
async fn main() -> Vec<u8> {
    Vec::new()
}
