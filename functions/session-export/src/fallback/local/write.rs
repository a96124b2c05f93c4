//! Writing an entry: beside its place, flushed to the disk, and then renamed.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use casefile::id::TimeId;

use super::lists::{WRITING, size_note};
use super::room::is_done;
use super::{BUCKET, ENTRY, LocalStore, Packed, REQUEST};

/// Patients' data: nobody else's eyes.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

impl LocalStore {
    /// Whether it is in its place now; `false` when another one is there.
    pub(super) fn write(&self, packed: &Packed, id: TimeId) -> io::Result<bool> {
        let draft = self.dir().join(format!("{WRITING}{}_{id}", packed.size));
        let renamed = fill(&draft, packed).and_then(|()| self.put(&draft, packed));
        match renamed {
            Ok(()) => sync_folder(self.dir()).map(|()| true),
            Err(error) => {
                // What can't be removed is known by its name.
                drop(fs::remove_dir_all(&draft));
                match error.kind() {
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => Ok(false),
                    _ => Err(error),
                }
            }
        }
    }

    /// Into its place, without a note that is of another one, which somebody has removed.
    fn put(&self, draft: &Path, packed: &Packed) -> io::Result<()> {
        is_done(fs::remove_file(self.sent_note(&packed.name)))?;
        is_done(fs::remove_file(self.refused_note(&packed.name)))?;
        fs::rename(draft, self.path(&packed.name))?;
        // One without it counts as nothing: no reason to take back what is kept.
        drop(File::create(
            self.dir().join(size_note(&packed.name, packed.size)),
        ));
        Ok(())
    }
}

/// Writes all files of an entry, and flushes them and their folders.
fn fill(draft: &Path, packed: &Packed) -> io::Result<()> {
    let entry = &packed.entry;
    let bucket = draft.join(BUCKET).join(&entry.folder);
    let files = entry.files.iter().zip(&packed.contents);
    let mut all: Vec<(PathBuf, &[u8])> = files
        .map(|(file, bytes)| (bucket.join(file.place()), &**bytes))
        .collect();
    all.push((draft.join(&entry.zip.file_name), &packed.zip));
    all.push((draft.join(REQUEST), &packed.request));
    all.push((draft.join(ENTRY), &packed.record));
    let mut folders = BTreeSet::new();
    for (path, bytes) in all {
        let folder = path.parent().unwrap_or(draft);
        make_folder(folder)?;
        let above = folder.ancestors().take_while(|above| above.starts_with(draft));
        folders.extend(above.map(Path::to_owned));
        write_file(&path, bytes)?;
    }
    // The deepest first: a folder's own name is in the one above.
    folders.iter().rev().try_for_each(|folder| sync_folder(folder))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
}

/// Writes a new file, and flushes it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(FILE_MODE);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Flushes a folder, so that the names in it are on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
