//! For job 16: ours as it comes, with log, signals and watchdog.
fn main() {
    aiomisc::run(async {}, []).expect("nothing to fail");
}
