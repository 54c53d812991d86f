//! Options that `#[aiomisc::main]` does not take.

mod unknown {
    #[aiomisc::main(treads = 2)]
    async fn main() {}
}

mod twice {
    #[aiomisc::main(threads = 2, threads = 3)]
    async fn main() {}
}

mod unknown_runtime {
    #[aiomisc::main(runtime = "async-std")]
    async fn main() {}
}

mod several {
    #[aiomisc::main(threads = 0, shutdown_timeout = "5 sec", log_level = 10, services, crate = 1)]
    async fn main() {}
}

mod zero {
    #[aiomisc::main(shutdown_timeout = "0s")]
    async fn main() {}
}

mod switches {
    #[aiomisc::main(debug = 1, pool_size = 0)]
    async fn main() {}
}

fn main() {}
