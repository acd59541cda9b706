//! The embedded table's file and folder are closed to other users of the machine: the table says who used which model,
//! for how much, and in what words.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The mode bits of the group and others.
const OTHERS_MODE: u32 = 0o077;

/// The ends of the names of the files that SQLite puts beside its own. It gives them the mode of its own file when it
/// makes them; those that are there already keep theirs.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes the folder, and those above it, where they are missing. A folder that is there already keeps its mode, for it
/// may be shared on purpose; a warning says so where it is open to others.
///
/// # Errors
/// When it is missing and cannot be made, or is no folder.
pub(super) fn folder(folder: &Path) -> io::Result<()> {
    if is_open_to_others(folder) {
        tracing::warn!(
            folder = %folder.display(),
            "other users of this machine may look into the folder of the table's file: `chmod 700` closes it"
        );
    }
    DirBuilder::new()
        .mode(FOLDER_MODE)
        .recursive(true)
        .create(folder)
}

/// Makes the file where it is missing, and closes it, and what SQLite has left beside it, to all but its owner.
///
/// # Errors
/// When it is missing and cannot be made.
pub(super) fn file(path: &Path) -> io::Result<()> {
    make(path)?;
    let beside = SIDE_FILES.map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    });
    for path in beside.iter().map(PathBuf::as_path).chain([path]) {
        close(path);
    }
    Ok(())
}

/// SQLite takes an empty file for a new one. The mode counts from the first moment on.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    match options.open(path).map(drop::<File>) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// What cannot be closed, as another user's file, is served all the same.
fn close(path: &Path) {
    if !is_open_to_others(path) {
        return;
    }
    let closed = fs::set_permissions(path, Permissions::from_mode(FILE_MODE));
    if let Err(error) = closed {
        tracing::warn!(
            file = %path.display(),
            %error,
            "other users of this machine may read the table's file, and it cannot be closed to them: `chmod 600` \
             by its owner does it"
        );
    }
}

/// Whether the group or others may do anything with what is there.
fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS_MODE != 0)
}
