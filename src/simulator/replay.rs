//! Recorded streams of the real service, replayed to the real client.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    fixtures::{NOVA, client, start},
    tests::{hear, user},
    *,
};

/// Every recorded stream decodes, when `BEDROCK_RECORDINGS` names a folder of them.
#[tokio::test]
async fn recorded_streams_pass_through_unharmed() {
    let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") else {
        return;
    };
    let mut streams = Vec::new();
    collect(Path::new(&folder), &mut streams);
    let simulated = start().await;
    let client = client(&simulated);
    for path in &streams {
        let bytes = fs::read(path).unwrap();
        simulated.script(NOVA, [Step::bytes(bytes)]);
        let output = client.converse_stream().model_id(NOVA);
        let heard = hear(output.messages(user("hi")).send().await.unwrap()).await;
        assert_eq!(heard.error, None, "{}", path.display());
        assert!(heard.stop.is_some(), "{}", path.display());
    }
    println!("recorded streams: {} replayed", streams.len());
    assert!(!streams.is_empty(), "no recording was replayed");
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "bin") {
            into.push(path);
        }
    }
}
