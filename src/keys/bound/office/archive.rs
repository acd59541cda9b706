//! Zip archives (APPNOTE 6.3), read strictly: some readers go by the directory at the end and some by the headers in
//! between, so that the two must say the same and nothing may stand between the files.

use std::collections::HashSet;

use crate::keys::bound::inflate::Inflater;

/// The file's data follows its sizes.
const SIZES_FOLLOW: u16 = 1 << 3;

/// How a name is encoded, and how hard was compressed: flags that change nothing here.
const HARMLESS_FLAGS: u16 = SIZES_FOLLOW | 1 << 1 | 1 << 2 | 1 << 11;

/// What the directory says of a file.
struct DirectoryEntry<'a> {
    flags: u16,
    method: u16,
    packed: usize,
    unpacked: usize,
    name: &'a [u8],
    offset: usize,
}

/// A record's fields, one after the other; all are little-endian.
struct RecordFields<'a>(&'a [u8]);

impl<'a> RecordFields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn sign(&mut self, sign: &[u8]) -> Option<()> {
        (self.take(sign.len())? == sign).then_some(())
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn size(&mut self) -> Option<usize> {
        let size = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        usize::try_from(size).ok()
    }
}

/// The contents of all files; `None` if they cannot be read for certain: encrypted, in the format for more than 4 GB,
/// packed by other methods than deflate, larger than the limit, or with headers that contradict each other.
pub(super) fn files(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (entries, directory) = entries(bytes)?;
    let mut inflater = Inflater::for_file(bytes.len());
    let (mut files, mut end) = (Vec::new(), 0);
    for entry in &entries {
        if entry.offset != end {
            return None;
        }
        let (data, after) = data(bytes, entry)?;
        let file = match entry.method {
            0 => inflater.stored(data)?,
            8 => inflater.deflate(data)?,
            _ => return None,
        };
        if file.len() != entry.unpacked {
            return None;
        }
        files.push(file);
        end = after + sizes_after(entry, bytes.get(after..)?);
    }
    (end == directory).then_some(files)
}

/// The directory's entries in the order of their files, and where it begins.
fn entries(bytes: &[u8]) -> Option<(Vec<DirectoryEntry<'_>>, usize)> {
    /// Of the last record, without a comment.
    const LAST: usize = 22;
    let last = bytes.len().checked_sub(LAST)?;
    let mut fields = RecordFields(bytes.get(last..)?);
    fields.sign(b"PK\x05\x06\0\0\0\0")?;
    let (here, all) = (fields.u16()?, fields.u16()?);
    let (size, start) = (fields.size()?, fields.size()?);
    if here != all || fields.u16()? != 0 || start.checked_add(size)? != last {
        return None;
    }
    let mut directory = RecordFields(bytes.get(start..last)?);
    let (mut entries, mut names) = (Vec::new(), HashSet::new());
    for _ in 0..all {
        let entry = entry(&mut directory)?;
        if !names.insert(entry.name.to_ascii_lowercase()) {
            return None;
        }
        entries.push(entry);
    }
    entries.sort_by_key(|entry| entry.offset);
    directory.0.is_empty().then_some((entries, start))
}

fn entry<'a>(directory: &mut RecordFields<'a>) -> Option<DirectoryEntry<'a>> {
    directory.sign(b"PK\x01\x02")?;
    // Versions.
    directory.take(4)?;
    let (flags, method) = (directory.u16()?, directory.u16()?);
    // Time and checksum.
    directory.take(8)?;
    let (packed, unpacked) = (directory.size()?, directory.size()?);
    let lengths = [directory.u16()?, directory.u16()?, directory.u16()?];
    let [name, extra, comment] = lengths.map(usize::from);
    // Disk and attributes.
    directory.take(8)?;
    let offset = directory.size()?;
    let name = directory.take(name)?;
    directory.take(extra + comment)?;
    (flags & !HARMLESS_FLAGS == 0).then_some(DirectoryEntry {
        flags,
        method,
        packed,
        unpacked,
        name,
        offset,
    })
}

/// A file's packed data and where it ends, if the header before it says what the directory says.
fn data<'a>(bytes: &'a [u8], entry: &DirectoryEntry<'_>) -> Option<(&'a [u8], usize)> {
    let mut header = RecordFields(bytes.get(entry.offset..)?);
    header.sign(b"PK\x03\x04")?;
    // Version.
    header.take(2)?;
    let same = header.u16()? == entry.flags && header.u16()? == entry.method;
    header.take(8)?;
    let sizes = (header.size()?, header.size()?);
    let told_later = entry.flags & SIZES_FOLLOW != 0 && sizes == (0, 0);
    let (name, extra) = (header.u16()?.into(), header.u16()?.into());
    let same = same && header.take(name)? == entry.name;
    header.take(extra)?;
    let same = same && (told_later || sizes == (entry.packed, entry.unpacked));
    let data = header.take(entry.packed)?;
    same.then(|| (data, bytes.len() - header.0.len()))
}

/// The length of the record with a file's sizes, where one follows its data.
fn sizes_after(entry: &DirectoryEntry<'_>, rest: &[u8]) -> usize {
    if entry.flags & SIZES_FOLLOW == 0 {
        return 0;
    }
    if rest.starts_with(b"PK\x07\x08") {
        16
    } else {
        12
    }
}
