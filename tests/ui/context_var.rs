use std::cell::Cell;

use aiomisc::ContextVar;

aiomisc::context_var! { static MISSING = 7; }

aiomisc::context_var! { const NOT_STATIC: u8 = 7; }

aiomisc::context_var! { static NOT_SHARED: Cell<u8>; }

aiomisc::context_var! { static OTHER_TYPE: u8 = "seven"; }

struct NoClone;

static NO_CLONE: ContextVar<NoClone> = ContextVar::new("NO_CLONE");

fn main() {
    NO_CLONE.get();
    let local: ContextVar<u8> = ContextVar::new("local");
    local.set(7).unwrap();
}
