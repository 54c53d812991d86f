//! CPU time, memory and place of processes.

use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// How long a process has been on a CPU so far, all its threads together.
pub fn cpu_time(pid: u32) -> Duration {
    let pid = Pid::from_raw(pid.try_into().expect("a process"));
    let clock = clock_getcpuclockid(pid).expect("a process that lives");
    clock.now().expect("a process that lives").into()
}

/// Keeps this thread, and those that it starts, on one CPU. Where there is only one this does nothing.
pub fn stay_on(cpu: usize) {
    let mut set = CpuSet::new();
    if set.set(cpu).is_ok() {
        // A machine with fewer CPUs measures all the same.
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}
