//! Functions that `#[aiomisc::main]` cannot stand on.

mod not_async {
    #[aiomisc::main]
    fn main() {}
}

mod arguments {
    #[aiomisc::main]
    async fn main(name: String) {}
}

mod generic {
    #[aiomisc::main]
    async fn main<T>() {}
}

mod another_name {
    #[aiomisc::main]
    async fn start() {}
}

mod no_function {
    #[aiomisc::main]
    struct Main;
}

fn main() {}
