//! What the embedded table leaves on the disk is its owner's alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::CONFIG;
use crate::support::process::Gateway;

/// What the gateway says of a folder into which others may look.
const WARNING: &str = "other users of this machine may look into the folder";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The files of a folder and their modes, by name.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut modes: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                mode(&entry.path()),
            )
        })
        .collect();
    modes.sort();
    modes
}

async fn gateway(folder: &Path) -> Gateway {
    Gateway::start(CONFIG, &[("DATA_DIR", folder)]).await
}

#[tokio::test]
async fn the_table_s_folder_and_every_file_in_it_are_made_for_their_owner_alone() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("data/table");
    let gateway = gateway(&folder).await;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&above.path().join("data")), 0o700);
    let modes = modes(&folder);
    assert!(modes.iter().any(|(name, _)| name == "table.db-wal"));
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
    assert!(!gateway.log().contains(WARNING));
}

#[tokio::test]
async fn files_that_others_could_read_are_closed_to_them_and_an_open_folder_is_told() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("data");
    // A killed process leaves what SQLite keeps beside its file.
    gateway(&folder).await.kill();
    fs::write(folder.join("table.db-journal"), "").unwrap();
    for (name, _) in modes(&folder) {
        set_mode(&folder.join(name), 0o664);
    }
    for open in [0o755, 0o711, 0o720] {
        set_mode(&folder, open);
        let gateway = gateway(&folder).await;
        let modes = modes(&folder);
        assert!(modes.len() >= 3, "{modes:?}");
        assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
        assert_eq!(mode(&folder), open, "it may be somebody's wish");
        assert!(gateway.log().contains(WARNING), "{}", gateway.log());
    }
}
