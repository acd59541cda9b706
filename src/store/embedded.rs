//! DynamoDB inside this process, for local use and tests: `dynoxide-rs` over SQLite, behind HTTP on loopback, so that
//! everything above it is the code that runs against AWS.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Index, Key, Query, StoreError, Table, TableOptions, private};

/// The table's file in its folder.
const TABLE_FILE: &str = "table.db";

/// A running embedded table server. Dropping it stops the server; what was written stays in the file.
///
/// Several processes may open one file: SQLite's locks order their transactions, and a writer that waits in vain for
/// five seconds gets an `InternalServerError`, which counts as busy.
#[derive(Debug)]
pub struct Embedded {
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    stopped: Option<oneshot::Receiver<()>>,
}

impl Embedded {
    /// Serves the file `table.db` of this folder, both made when missing. Only the process's own user can read the file.
    ///
    /// # Errors
    /// When the folder or file cannot be made, opened or read.
    pub async fn open(folder: &Path) -> Result<Embedded, StoreError> {
        let failed = |what: &str| format!("{}: {what}", folder.display());
        let file = folder.join(TABLE_FILE);
        let Some(path) = file.to_str().map(str::to_owned) else {
            return Err(StoreError::Embedded(failed("not a UTF-8 path")));
        };
        private::folder(folder)
            .and_then(|()| private::file(&file))
            .map_err(|error| StoreError::Embedded(failed(&error.to_string())))?;
        Embedded::serve(move || Database::new(&path).map_err(|error| format!("{path}: {error}")))
            .await
    }

    /// Serves a table that is gone with this value.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn in_memory() -> Result<Embedded, StoreError> {
        Embedded::serve(|| Database::memory().map_err(|error| error.to_string())).await
    }

    /// Its URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The table of this name, created when missing.
    ///
    /// # Errors
    /// As [`Table::create_if_missing`].
    pub async fn table(&self, name: &str) -> Result<Table, StoreError> {
        let options = TableOptions {
            name: name.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: None,
        };
        let table = Table::connect(&local_config(), &options);
        if !is_there(&table).await {
            table.create_if_missing().await?;
        }
        Ok(table)
    }

    /// Stops serving and waits until calls under way are answered.
    pub async fn stop(mut self) {
        self.stop.take();
        if let Some(stopped) = self.stopped.take() {
            stopped.await.ok();
        }
    }

    /// SQLite blocks while it waits for the disk: on a thread of its own that delays no stream.
    async fn serve<F>(open: F) -> Result<Embedded, StoreError>
    where
        F: FnOnce() -> Result<Database, String> + Send + 'static,
    {
        let (ready, is_ready) = oneshot::channel::<Result<SocketAddr, String>>();
        let (stop, stops) = oneshot::channel::<()>();
        let (done, stopped) = oneshot::channel::<()>();
        let server = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let served = runtime
                .map_err(|error| error.to_string())
                .and_then(|runtime| Ok((runtime.block_on(bind())?, open()?, runtime)));
            match served {
                Err(error) => ready.send(Err(error)).unwrap_or_default(),
                Ok(((listener, address), database, runtime)) => {
                    ready.send(Ok(address)).unwrap_or_default();
                    let until = async { stops.await.unwrap_or_default() };
                    let serving = dynoxide::server::serve_with_shutdown(listener, database, until);
                    if let Err(error) = runtime.block_on(serving) {
                        tracing::error!(error, "the embedded table stopped");
                    }
                }
            }
            done.send(()).unwrap_or_default();
        };
        let failed = |error: String| StoreError::Embedded(error);
        thread::Builder::new()
            .name("embedded-table".to_owned())
            .spawn(server)
            .map_err(|error| failed(error.to_string()))?;
        let address = is_ready
            .await
            .map_err(|_| failed("its thread ended".to_owned()))?
            .map_err(failed)?;
        Ok(Embedded {
            endpoint: format!("http://{address}"),
            stop: Some(stop),
            stopped: Some(stopped),
        })
    }
}

/// Whether the table is there, with its indexes. To describe itself the embedded table reads every entry of them, which
/// takes longer than any call may where there are many records.
async fn is_there(table: &Table) -> bool {
    for index in [Index::ByKey, Index::BySession] {
        let none = Query {
            index: Some(index),
            ..Query::all("-".to_owned())
        };
        let found: Result<Vec<Key>, StoreError> = table.run(&none, 1).await;
        if found.is_err() {
            return false;
        }
    }
    true
}

async fn bind() -> Result<(TcpListener, SocketAddr), String> {
    let bound = async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    bound.await.map_err(|error| error.to_string())
}

/// Credentials that an SDK client needs and the embedded table does not check.
pub(super) fn local_config() -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "embedded");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{Item, Order, Range, Write, WriteLimits};

    fn item(pk: &str, sk: &str, n: usize) -> Write {
        let (pk, sk) = (pk.to_owned(), sk.to_owned());
        Write::Create(Item::new(&Key { pk, sk }, &json!({ "n": n })).unwrap())
    }

    #[tokio::test]
    async fn the_table_is_made_once_whoever_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = tokio::join!(Embedded::open(folder.path()), Embedded::open(folder.path()));
        let (one, two) = (one.unwrap(), two.unwrap());
        let (a, b) = tokio::join!(one.table("items"), two.table("items"));
        let (a, b) = (a.unwrap(), b.unwrap());
        one.table("items").await.unwrap();
        let limits = WriteLimits::default();
        a.transact(&[item("p", "s", 1)], limits).await.unwrap();
        let seen: Vec<serde_json::Value> = b
            .query("p", &Range::All, Order::Ascending, 10)
            .await
            .unwrap();
        assert_eq!(seen, [json!({"pk": "p", "sk": "s", "n": 1})]);
    }

    #[tokio::test]
    async fn a_table_is_there_once_it_was_made() {
        let embedded = Embedded::in_memory().await.unwrap();
        let options = TableOptions {
            name: "items".to_owned(),
            endpoint: Some(embedded.endpoint().to_owned()),
            region: None,
        };
        let table = Table::connect(&local_config(), &options);
        assert!(!is_there(&table).await);
        embedded.table("items").await.unwrap();
        assert!(is_there(&table).await);
    }

    #[tokio::test]
    async fn instances_share_nothing() {
        let (one, two) = (Embedded::in_memory().await, Embedded::in_memory().await);
        let (one, two) = (one.unwrap(), two.unwrap());
        let (a, b) = (
            one.table("items").await.unwrap(),
            two.table("items").await.unwrap(),
        );
        let limits = WriteLimits::default();
        a.transact(&[item("p", "s", 1)], limits).await.unwrap();
        b.transact(&[item("p", "s", 1)], limits).await.unwrap();
    }

    #[tokio::test]
    async fn a_run_of_items_longer_than_a_page_is_read_whole() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("items").await.unwrap();
        let long = "x".repeat(300_000);
        for n in 0..8 {
            let key = Key {
                pk: "p".into(),
                sk: format!("{n}"),
            };
            let item = Item::new(&key, &json!({ "n": n, "long": long })).unwrap();
            let limits = WriteLimits::default();
            table
                .transact(&[Write::Create(item)], limits)
                .await
                .unwrap();
        }
        #[derive(serde::Deserialize)]
        struct N {
            n: usize,
        }
        let read = async |range, order, most| {
            let items: Vec<N> = table.query("p", &range, order, most).await.unwrap();
            items.into_iter().map(|item| item.n).collect::<Vec<_>>()
        };
        let all = read(Range::All, Order::Ascending, usize::MAX).await;
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
        let last = read(Range::All, Order::Descending, 5).await;
        assert_eq!(last, [7, 6, 5, 4, 3]);
        let some = Range::Between("2".into(), "4".into());
        assert_eq!(read(some, Order::Ascending, 99).await, [2, 3, 4]);
    }

    #[tokio::test]
    async fn a_file_that_is_no_table_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("table.db"), "not SQLite at all").unwrap();
        let error = Embedded::open(folder.path()).await.unwrap_err();
        assert!(error.to_string().contains("table.db"), "{error}");
        let error = Embedded::open(&folder.path().join("table.db")).await;
        assert!(error.unwrap_err().to_string().contains("table.db"));
    }
}
