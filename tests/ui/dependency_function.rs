use std::rc::Rc;
use std::sync::Arc;

struct Db;

#[aiomisc::dependency]
fn not_async() -> Db {
    Db
}

#[aiomisc::dependency]
async fn nothing() {}

#[aiomisc::dependency]
async fn not_an_arc(db: Db) -> u8 {
    drop(db);
    7
}

#[aiomisc::dependency]
async fn not_a_text(#[named(replica)] db: Arc<Db>) -> u8 {
    drop(db);
    7
}

#[aiomisc::dependency]
async fn not_shared() -> Rc<u8> {
    Rc::new(7)
}

#[aiomisc::dependency]
async fn not_an_error() -> Result<Db, u8> {
    Ok(Db)
}

#[aiomisc::dependency]
async fn generic<T>(value: Arc<T>) -> Arc<T> {
    value
}

struct Methods;

impl Methods {
    #[aiomisc::dependency]
    async fn method(&self) -> Db {
        Db
    }
}

#[aiomisc::dependency]
struct NotAFunction;

fn main() {}
