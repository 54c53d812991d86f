//! What goes wrong in the middle of something else.

use std::sync::mpsc;
use std::task::Poll;

use aiomisc::adapters::simulation::{CONNECT_TIMEOUT, Conditions};
use aiomisc::time;
use futures::StreamExt;

use super::*;

/// The answer to a connect may be lost in a partition, as the wish may.
#[test]
fn a_connect_whose_answer_is_held_up_is_given_up_in_time() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(Conditions::new().latency(ms(10)));
    lab.sim.block_on(async {
        let (_listener, addr) = lab.listen().await;
        // The wish has arrived, and the answer has not.
        net.after(ms(15), |net| net.partition(SERVER, CLIENT));
        let (result, took) = lab.timed(lab.connect(addr)).await;
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(took, CONNECT_TIMEOUT);
    });
}

#[test]
fn a_connect_whose_answer_was_lost_succeeds_at_its_next_try() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(Conditions::new().latency(ms(10)));
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        net.after(ms(15), |net| net.partition(SERVER, CLIENT));
        net.after(ms(2_000), |net| net.heal(SERVER, CLIENT));
        let (near, took) = lab.timed(lab.connect(addr)).await;
        // The second try is 3 s after the first.
        assert_eq!(took, ms(3_020));
        let (mut near, (mut far, _)) = (near.unwrap(), listener.accept().await.unwrap());
        write(&mut near, b"hello").await;
        assert_eq!(read_exact(&mut far, 5).await.unwrap(), b"hello");
        // There is one connection, not two.
        let another = time::timeout(secs(200), listener.accept()).await;
        assert!(another.is_err());
    });
}

/// What was written during a partition needs its time on the way, as everything does.
#[test]
fn bandwidth_holds_after_a_partition_as_well() {
    let lab = Lab::new();
    let net = lab.sim.network();
    net.set(Conditions::new().bandwidth(10_000));
    lab.sim.block_on(async {
        let (mut near, mut far) = lab.pair().await;
        net.partition(SERVER, CLIENT);
        write(&mut near, &[1; 20_000]).await;
        time::sleep(secs(5)).await;
        net.heal(SERVER, CLIENT);
        let (result, took) = lab.timed(read_exact(&mut far, 20_000)).await;
        assert_eq!(result.unwrap().len(), 20_000);
        assert_eq!(took, secs(2));
    });
}

/// A place in the queue of a Unix listener goes to somebody who still wants it.
#[test]
fn a_connect_that_was_given_up_does_not_keep_those_behind_it_waiting() {
    let lab = Lab::new();
    lab.sim.block_on(async {
        let bound = bind_socket("/run/server").backlog(1).listen().await;
        let mut listener = bound.unwrap();
        let connect = || aiomisc::net::connect("/run/server");
        let _first = connect().await.unwrap();
        let (mut second, mut third) = (Box::pin(connect()), Box::pin(connect()));
        assert!(futures::poll!(&mut second).is_pending());
        assert!(futures::poll!(&mut third).is_pending());
        drop(second);
        listener.accept().await.unwrap();
        listener.accept().await.unwrap();
        assert!(matches!(futures::poll!(&mut third), Poll::Ready(Ok(_))));
    });
}

/// What a step of the schedule holds may use the simulation when it goes.
#[test]
fn a_step_that_comes_after_the_end_is_dropped_without_a_lock() {
    struct Uses(aiomisc::adapters::simulation::Network);
    impl Drop for Uses {
        fn drop(&mut self) {
            self.0.heal_all();
        }
    }

    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let net = Simulation::new(1).network();
        let uses = Uses(net.clone());
        net.after(ms(1), move |_| drop(uses));
        done.send(()).unwrap();
    });
    wait.recv_timeout(secs(10)).expect("nothing is locked");
}

/// Nothing is ready for the one who drives, and the other thread has just been woken.
#[test]
fn what_another_thread_is_about_to_do_is_waited_for() {
    const ROUNDS: u32 = 2_000;
    let sim = Simulation::new(1);
    let (to_there, mut there) = futures::channel::mpsc::unbounded();
    let (to_here, mut here) = futures::channel::mpsc::unbounded();
    let (begins, begun) = mpsc::channel();
    let answers = sim.clone();
    let thread = sim.block_on(async {
        let thread = std::thread::spawn(move || {
            answers.block_on(async {
                begins.send(()).unwrap();
                while let Some(number) = there.next().await {
                    to_here.unbounded_send(number).unwrap();
                }
            });
        });
        begun.recv_timeout(secs(10)).unwrap();
        for number in 0..ROUNDS {
            to_there.unbounded_send(number).unwrap();
            assert_eq!(here.next().await, Some(number));
        }
        drop(to_there);
        thread
    });
    thread.join().unwrap();
}

/// Two threads that wait for nothing in particular are a deadlock of both.
#[test]
fn two_threads_that_wait_for_each_other_are_told_so() {
    let sim = Simulation::new(1);
    let (begins, begun) = mpsc::channel();
    let other = sim.clone();
    let (thread, here) = sim.block_on(async {
        let thread = std::thread::spawn(move || {
            panic_of(|| {
                other.block_on(async {
                    begins.send(()).unwrap();
                    std::future::pending::<()>().await;
                });
            })
        });
        begun.recv_timeout(secs(10)).unwrap();
        let sim = sim.clone();
        (thread, sim)
    });
    let here = panic_of(|| here.block_on(std::future::pending::<()>()));
    let there = thread.join().unwrap();
    for text in [here, there] {
        assert!(text.contains("stands still"), "{text}");
    }
}

/// A task may have a simulation of its own, and a program of another runtime as well.
#[test]
fn simulations_may_be_nested() {
    let outer = Simulation::new(1);
    let elapsed = outer.block_on(async {
        let (mut far, addr) = {
            let listener = bind_socket("127.0.0.1:80").listen().await.unwrap();
            let addr = listener.local_addr().unwrap().inet().unwrap();
            (listener, addr)
        };
        let inner = Simulation::new(2);
        let elapsed = inner.block_on(async {
            time::sleep(secs(10)).await;
            // Nobody listens there in this one.
            let refused = aiomisc::net::connect(addr).await;
            assert!(refused.is_err());
            inner.elapsed()
        });
        time::sleep(secs(1)).await;
        aiomisc::net::connect(addr).await.unwrap();
        far.accept().await.unwrap();
        elapsed
    });
    assert_eq!((elapsed, outer.elapsed()), (secs(10), secs(1)));
}

#[test]
#[cfg(feature = "tokio")]
fn a_simulation_runs_inside_of_another_runtime() {
    let tokio = aiomisc::adapters::Tokio::current_thread().unwrap();
    tokio.block_on(async {
        let sim = Simulation::new(1);
        let answer = sim.block_on(async {
            time::sleep(secs(3_600)).await;
            Runtime::current().unwrap().name().to_owned()
        });
        assert_eq!((&*answer, sim.elapsed()), ("simulation", secs(3_600)));
        assert_eq!(Runtime::current().unwrap().name(), "tokio");
    });
}

/// Ten thousand streams, full in both directions, and every task aborted at one moment.
#[test]
fn everything_full_and_everybody_aborted() {
    const STREAMS: usize = 5_000;
    let lab = Lab::new();
    lab.sim.block_on(async {
        let (mut listener, addr) = lab.listen().await;
        let mut tasks = Vec::new();
        for _ in 0..STREAMS {
            let near = lab.connect(addr).await.unwrap();
            let (far, _) = listener.accept().await.unwrap();
            for mut end in [near, far] {
                tasks.push(lab.client.spawn(async move {
                    let _ = end.write_all(&[0; 70_000]).await;
                }));
            }
        }
        time::sleep(secs(1)).await;
        tasks.iter().for_each(aiomisc::runtime::Task::abort);
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
    });
    assert_eq!(lab.sim.elapsed(), secs(1));
}

/// One connect is dropped at each moment of its way, with the network cut at each moment as well.
#[test]
fn a_connect_is_dropped_and_cut_at_every_moment() {
    for (dropped, cut) in (0..50).flat_map(|dropped| (0..50).map(move |cut| (dropped, cut))) {
        let lab = Lab::new();
        let net = lab.sim.network();
        net.set(Conditions::new().latency(ms(20)));
        net.after(ms(cut), |net| net.cut(SERVER, CLIENT));
        lab.sim.block_on(async {
            let (mut listener, addr) = lab.listen().await;
            let near = time::timeout(ms(dropped), lab.connect(addr)).await;
            let far = time::timeout(secs(200), listener.accept()).await;
            match near {
                Ok(Ok(mut near)) => {
                    let (mut far, _) = far.unwrap().unwrap();
                    if cut < dropped {
                        return;
                    }
                    // It comes through, or both are told of the cut.
                    let written = near.write_all(b"x").await;
                    let _ = (written, far.read(&mut [0]).await);
                }
                Ok(Err(error)) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                    assert!(cut <= dropped, "{dropped} {cut}");
                }
                Err(_) => {
                    // The other side is told, if it has heard of it.
                    if let Ok(Ok((mut far, _))) = far {
                        assert!(dropped >= 20 && cut >= 20, "{dropped} {cut}");
                        let end = time::timeout(secs(200), far.read(&mut [0])).await;
                        assert!(end.expect("it is told").is_err(), "{dropped} {cut}");
                    }
                }
            }
        });
    }
}
