//! The lines of the contract in short; in full they stand in the documentation of the traits.

/// What a line says.
pub(super) fn text(line: &str) -> &'static str {
    LINES
        .iter()
        .find(|(name, _)| *name == line)
        .map_or("", |(_, text)| text)
}

#[rustfmt::skip]
pub(super) const LINES: &[(&str, &str)] = &[
    ("S1", "`spawn` may be called from any thread, does not block and does not poll the future before it returns"),
    ("S2", "a future is polled until it is ready, one poll at a time, and no wake is lost"),
    ("S3", "dropping the handle detaches the task: it goes on"),
    ("S4", "`abort` drops the future soon and without another poll, from any thread and at any time"),
    ("S5", "a future that is ready or aborted is dropped at once, not when its handle is"),
    ("S6", "a panic is the task's own affair: it is reported, and the others go on"),
    ("S7", "when the runtime ends, the futures left are dropped, and so is what is spawned afterwards"),
    ("S8", "`enter` calls its argument exactly once, before it returns"),
    ("S9", "a task runs with every `Placement`"),
    ("V1", "`block_on` returns when its future is ready, whichever thread wakes it, and tasks go on meanwhile"),
    ("V2", "several threads may block on one runtime, and each gets its own result"),
    ("V3", "a panic of the future is passed on and leaves the runtime usable"),
    ("T1", "`sleep` may be called and polled on any thread, inside or outside of the runtime"),
    ("T2", "a wait is counted from the call and is never shorter than asked for"),
    ("T3", "the waker of the last poll is woken, once"),
    ("T4", "`reset` starts a new wait from now, which the old one does not end"),
    ("T5", "dropping a sleep frees its timer and wakes nobody"),
    ("T6", "any duration is allowed: zero is ready soon, `Duration::MAX` never"),
    ("T7", "`now` never goes back"),
    ("T8", "once the runtime has ended, polling a sleep does not hang or says why it panics"),
    ("B1", "`run_blocking` does not block its caller, and runs the job on a thread that may block, or drops it"),
    ("B2", "`run_separate` does not block its caller, and runs the job on a thread of this name, or drops it"),
    ("B3", "`wait_in_job` returns when the future is ready, and the tasks go on meanwhile"),
    ("N1", "every method may be called, and every future and socket polled, on any thread and in any runtime"),
    ("N2", "nothing here blocks"),
    ("N3", "dropping a connect future closes the half-made socket"),
    ("N4", "`adopt_*` owns the socket from then on"),
    ("N5", "errors of the system keep their kind and code"),
    ("N6", "what an adapter does not have is `Unsupported`"),
    ("C1", "`poll_read` gives zero bytes only at the end of the stream or for an empty buffer"),
    ("C2", "`poll_close` ends the writing half: the peer reads the end, reading here goes on"),
    ("C3", "a reset by the peer is an error, not the end of the stream"),
    ("C4", "reading and writing wait in different tasks, each with the waker of its last poll"),
    ("C5", "dropping the stream closes it, and what was written is delivered"),
    ("C6", "`poll_write_vectored` hands several buffers to the system at once"),
    ("C7", "`local_addr` and `peer_addr` name the ends of the connection"),
    ("C8", "after `reset_on_drop` the drop resets the connection, or resets are `Unsupported`"),
    ("L1", "an accepted stream belongs to this runtime, whoever polls the listener"),
    ("L2", "after an error the listener finds the next connection"),
    ("L3", "dropping a listener closes it: later connects are refused"),
    ("L4", "a pending poll holds no connection: none is lost, and none is left out"),
    ("L5", "`into_std` gives the listening socket back, in non-blocking mode"),
    ("L6", "`accept_ready` finds every connection that the system has made by then"),
    ("D1", "each receive takes one whole datagram, which may be empty, and tells if it was cut"),
    ("D2", "an error that an earlier send caused is reported and leaves the socket usable"),
    ("D3", "every sender waits for itself and makes progress"),
    ("D4", "a batch takes what is there, in order, and waits for one datagram at most"),
    ("D5", "a pending receive holds no datagram"),
    ("D6", "a failed send concerns one datagram; the rest of a batch can still be sent"),
    ("D7", "senders keep the socket open, and `into_std` fails while one lives"),
];
