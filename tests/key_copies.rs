//! What of the table a request with a key waits for: a slow or dead table delays only what cannot be known without it.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::keys::{chat_as, key};
use crate::support::{TestApp, hello};

/// A way to the table that can be held up: then calls hang, as on a network that drops packets.
struct Way {
    url: String,
    held_up: watch::Sender<bool>,
}

impl Way {
    async fn to(table: &str) -> Way {
        let table = table.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (held_up, watched) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (table, mut watched) = (table.clone(), watched.clone());
                tokio::spawn(async move {
                    let pass_on = async {
                        let mut table = TcpStream::connect(&table).await.unwrap();
                        copy_bidirectional(&mut client, &mut table).await.ok();
                    };
                    tokio::select! {
                        biased;
                        _ = watched.wait_for(|held_up| *held_up) => {}
                        () = pass_on => return,
                    }
                    // The connection stays, and nothing comes of it.
                    std::future::pending::<()>().await;
                });
            }
        });
        Way { url, held_up }
    }

    fn hold_up(&self) {
        self.held_up.send_replace(true);
    }
}

/// How long until the whole answer is here; its status too.
async fn timed(app: &TestApp, key: &str) -> (u16, Duration) {
    let began = Instant::now();
    let response = chat_as(app, key, &hello("primary")).await;
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    (status, began.elapsed())
}

#[tokio::test]
async fn a_known_key_without_limits_waits_for_no_call_of_the_table() {
    let home = TestApp::new().await;
    let way = Way::to(home.table_url()).await;
    let app = TestApp::builder().table_at(&way.url).start().await;
    let (free, limited) = (
        key(&home, json!({})).await,
        key(&home, json!({"rpm_limit": 5})).await,
    );
    let watched = key(&home, json!({"max_budget": 5})).await;
    for key in [&free, &limited, &watched] {
        assert_eq!(timed(&app, key).await.0, 200);
    }
    app.settle().await;
    way.hold_up();

    // The settings and cooldowns, which every request shares, are waited for at most 100 ms.
    let (status, took) = timed(&app, &free).await;
    assert_eq!(status, 200);
    assert!(took < Duration::from_millis(1500), "{took:?}");
    // What must be counted cannot be promised: it fails closed.
    for key in [&limited, &watched] {
        assert_eq!(timed(&app, key).await.0, 503);
    }
    // After ten seconds the old copy serves while the reading hangs, and when it has failed; after a minute no longer.
    app.clock.advance(Duration::from_secs(11));
    let began = Instant::now();
    // A reading is given up after two seconds.
    while began.elapsed() < Duration::from_secs(3) {
        let (status, took) = timed(&app, &free).await;
        assert_eq!(status, 200);
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }
    app.clock.advance(Duration::from_secs(50));
    let (status, took) = timed(&app, &free).await;
    assert_eq!(status, 200);
    assert!(took < Duration::from_millis(1500), "{took:?}");
    let failed = async { while timed(&app, &free).await.0 != 503 {} };
    tokio::time::timeout(Duration::from_secs(20), failed)
        .await
        .unwrap();
    // The master key does not care.
    let master = app.chat(&hello("primary")).await;
    assert_eq!(master.status(), 200);
}
