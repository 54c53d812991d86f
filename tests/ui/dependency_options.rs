#[aiomisc::dependency(once)]
async fn unknown_option() -> u8 {
    7
}

#[aiomisc::dependency(name = 7)]
async fn not_a_text() -> u8 {
    7
}

#[aiomisc::dependency(make_limit = "soon", teardown_limit = 5)]
async fn not_a_time() -> u8 {
    7
}

fn main() {}
