use std::sync::mpsc;

use tempfile::TempDir;

use super::*;
use kitfox::{Code, Recovery};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY)";

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a/seen.db"), SCHEMA).await.unwrap();
    (folder, store)
}

async fn add(store: &Store, id: u32) -> Result<(), Error> {
    store
        .write(move |connection| {
            connection.execute("INSERT INTO seen VALUES (?1)", [id])?;
            Ok(())
        })
        .await
}

async fn count(store: &Store) -> Result<u32, Error> {
    let count = |connection: &Connection| {
        Ok(connection.query_row("SELECT count(*) FROM seen", (), |row| row.get(0))?)
    };
    store.read(count).await
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_together_share_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seen.db");
    let open = || Store::open(path.clone(), SCHEMA);
    let (one, two, three) = tokio::try_join!(open(), open(), open()).unwrap();
    add(&one, 1).await.unwrap();
    add(&two, 2).await.unwrap();
    assert_eq!(count(&three).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_job_refuses_leaves_nothing_behind() {
    let (_folder, store) = store().await;
    let refused = store.write(|connection| {
        connection.execute("INSERT INTO seen VALUES (1)", ())?;
        Err::<(), _>(Abort::Refused(Error::new(Code::FailedPrecondition, "on second thoughts")))
    });
    assert_eq!(refused.await.unwrap_err().message(), "on second thoughts");
    assert_eq!(count(&store).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_ends_with_its_call_and_one_that_runs_is_finished() {
    let (_folder, store) = store().await;
    let (let_go, wait) = mpsc::channel::<()>();
    let (tell, told) = tokio::sync::oneshot::channel();
    let runs = store.write::<_, Error>(move |connection| {
        let _ = tell.send(());
        let _ = wait.recv();
        connection.execute("INSERT INTO seen VALUES (1)", ())?;
        Ok(())
    });
    {
        let mut runs = std::pin::pin!(runs);
        tokio::select! {
            biased;
            _ = &mut runs => panic!("it waits"),
            begun = told => begun.unwrap(),
        }
        let mut waits = std::pin::pin!(add(&store, 2));
        assert!(futures_poll(waits.as_mut()).is_pending());
    }
    let_go.send(()).unwrap();
    add(&store, 3).await.unwrap();
    assert_eq!(count(&store).await.unwrap(), 2, "1 and 3");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_gives_its_connection_back() {
    let (_folder, store) = store().await;
    let panics = store.write::<(), Error>(|_| panic!("as this test wants it"));
    assert_eq!(panics.await.unwrap_err().code(), Code::Internal);
    add(&store, 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deleted_file_fails_the_check_and_a_closed_store_refuses() {
    let (folder, store) = store().await;
    store.check().await.unwrap();
    std::fs::remove_file(folder.path().join("a/seen.db")).unwrap();
    let message = store.check().await.unwrap_err().to_string();
    assert!(message.contains("seen.db cannot be used"), "{message}");

    store.close().await;
    let refused = add(&store, 1).await.unwrap_err();
    assert_eq!((refused.code(), refused.recovery()), (Code::Unavailable, Recovery::NeverProcessed));
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
