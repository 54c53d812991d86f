aiomisc::plugin! {
    doc: "The order is another one.",
    name: "order",
    setup: || (),
}

aiomisc::plugin! {
    name: "result",
    doc: "Returns a number.",
    setup: || 7,
}

aiomisc::plugin! {
    name: "argument",
    doc: "Wants an argument.",
    setup: |_: u8| (),
}

fn main() {}
