//! S3 that nobody reaches: clients get no answer at all, and all is there again once it is plugged in.

use std::time::{Duration, Instant};

use aws_sdk_s3::error::SdkError;
use casefile_local::s3::{Fault, FaultRule, S3Server, Unplugged, When};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Target;
use super::target::embedded;

fn server(s3: &Target) -> &S3Server {
    &s3.embedded.as_ref().unwrap().server
}

/// A connection over which something was answered already.
async fn used(s3: &Target) -> TcpStream {
    let mut stream = TcpStream::connect(server(s3).address()).await.unwrap();
    ask(&mut stream).await;
    assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
    stream
}

async fn ask(stream: &mut TcpStream) {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
}

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn refused_connections_end_at_once_whether_old_or_new() {
    let s3 = embedded().await;
    let mut old = used(&s3).await;
    server(&s3).unplug(Unplugged::Refuses);
    assert_eq!(old.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let begun = Instant::now();
    let error = s3.create("a", "x").await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(1));
    server(&s3).plug_in();
    s3.create("a", "x").await.unwrap();
}

#[tokio::test]
async fn connections_that_hang_are_never_answered_and_end_once_it_is_plugged_in() {
    let s3 = embedded().await;
    let mut old = used(&s3).await;
    server(&s3).unplug(Unplugged::Hangs);
    let mut new = TcpStream::connect(server(&s3).address()).await.unwrap();
    for stream in [&mut old, &mut new] {
        ask(stream).await;
        assert!(timeout(SOON, stream.read(&mut [0; 1])).await.is_err());
    }
    let put = timeout(SOON, s3.create("a", "x"));
    assert!(put.await.is_err());
    server(&s3).plug_in();
    for mut stream in [old, new] {
        let ended = timeout(Duration::from_secs(5), stream.read(&mut [0; 1])).await;
        assert_eq!(ended.unwrap().unwrap_or(0), 0);
    }
    // What was sent into it is lost.
    assert_eq!(s3.keys("").await, [""; 0]);
    s3.create("a", "x").await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_under_way_gets_no_answer_either() {
    for how in [Unplugged::Refuses, Unplugged::Hangs] {
        let s3 = embedded().await;
        let mut pause = server(&s3)
            .faults()
            .pause(FaultRule::on("PutObject"), When::After);
        let pull = async {
            let held = pause.arrived().await.unwrap();
            server(&s3).unplug(how);
            held.release();
            tokio::time::sleep(SOON).await;
            server(&s3).plug_in();
        };
        let (put, ()) = tokio::join!(s3.create("a", "x"), pull);
        assert!(put.unwrap_err().raw_response().is_none());
        assert_eq!(s3.keys("").await, ["a"], "{how:?}");
    }
}

#[tokio::test]
async fn an_unplugged_server_stops_like_any_other() {
    for how in [Unplugged::Refuses, Unplugged::Hangs] {
        let mut s3 = embedded().await;
        let embedded = s3.embedded.take().unwrap();
        embedded.server.unplug(how);
        let _waiting = TcpStream::connect(embedded.server.address()).await.unwrap();
        timeout(Duration::from_secs(5), embedded.server.stop())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn nothing_of_an_unplugged_server_counts_for_its_faults() {
    let s3 = embedded().await;
    let fault = server(&s3)
        .faults()
        .inject(FaultRule::any(), When::Before, Fault::Cut);
    server(&s3).unplug(Unplugged::Refuses);
    s3.create("a", "x").await.unwrap_err();
    assert_eq!(fault.matched(), 0);
}
