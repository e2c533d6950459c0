//! Archives: what is dropped, written down first, as compressed lines of JSON.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;

/// What an archive is written into, before it has its name.
pub trait ArchiveFile: Write + Send + 'static {
    /// Makes what was written last, and gives it its name, in place of what had it before: at once, so that nobody ever finds
    /// half of it. What is dropped without this leaves nothing under the name.
    ///
    /// # Errors
    ///
    /// When it is not certain to last.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A place for archives. It is called on a thread that may block.
pub trait ArchivePlace: Send + Sync + 'static {
    /// Opens what was finished under a name; none where nothing was.
    ///
    /// # Errors
    ///
    /// When the place cannot be read.
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>>;

    /// Begins to write an archive, such as `events-2026-11-24.ndjson.gz`.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    fn create(&self, name: &str) -> io::Result<Box<dyn ArchiveFile>>;
}

/// Where what is dropped is archived: one file for each day and kind, a line of JSON for each event or sample, compressed
/// by gzip.
#[derive(Clone)]
pub struct Archive {
    place: Arc<dyn ArchivePlace>,
}

impl Archive {
    /// Archives to files in a folder, which is made where it is missing. A file is written beside its name as `.part` and
    /// renamed when it is whole and on the disk.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self::to(Folder(path.into()))
    }

    /// Archives to a place of the app's own, such as an object store.
    pub fn to(place: impl ArchivePlace) -> Self {
        Self { place: Arc::new(place) }
    }

    /// Begins the archive of a name.
    pub(super) fn begin(&self, name: String) -> io::Result<Writing> {
        let to =
            GzEncoder::new(Buffered(BufWriter::with_capacity(1 << 16, self.place.create(&name)?)), Compression::fast());
        Ok(Writing { place: Arc::clone(&self.place), name, to, rows: 0 })
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

/// An archive that is being written.
pub(super) struct Writing {
    place: Arc<dyn ArchivePlace>,
    name: String,
    to: GzEncoder<Buffered>,
    rows: u64,
}

struct Buffered(BufWriter<Box<dyn ArchiveFile>>);

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Writing {
    /// Writes rows, a line each.
    pub(super) fn write<T: Serialize>(&mut self, rows: &[Arc<T>]) -> io::Result<()> {
        for row in rows {
            serde_json::to_writer(&mut self.to, &**row)?;
            self.to.write_all(b"\n")?;
        }
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Gives the archive its name, unless what has it already holds as much: then that was written by somebody who was
    /// stopped while rows were dropped, and has what is gone by now.
    pub(super) fn finish(self) -> io::Result<u64> {
        let there = match self.place.open(&self.name)? {
            Some(there) => lines(there),
            None => 0,
        };
        let written = self.to.finish()?.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        if self.rows > there {
            written.finish()?;
        }
        Ok(self.rows)
    }
}

/// Counts the rows of an archive; of one that is broken, none.
fn lines(archive: Box<dyn Read + Send>) -> u64 {
    let mut lines = 0;
    let mut reader = BufReader::with_capacity(1 << 16, GzDecoder::new(archive));
    loop {
        match reader.fill_buf() {
            Ok([]) => return lines,
            Ok(some) => {
                lines += some.iter().filter(|byte| **byte == b'\n').count() as u64;
                let read = some.len();
                reader.consume(read);
            }
            Err(_) => return 0,
        }
    }
}

/// A folder of the file system.
struct Folder(PathBuf);

/// A file that is written beside its name.
struct Part {
    file: File,
    part: PathBuf,
    name: PathBuf,
}

impl ArchivePlace for Folder {
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read + Send>>> {
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn ArchiveFile>> {
        fs::create_dir_all(&self.0)?;
        let (name, part) = (self.0.join(name), self.0.join(format!("{name}.part")));
        Ok(Box::new(Part { file: File::create(&part)?, part, name }))
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ArchiveFile for Part {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.name)?;
        // The name itself is on the disk when its folder is.
        File::open(self.name.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _gone = fs::remove_file(&self.part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let name = format!("watchkeeper-archive-{}-{:x}", std::process::id(), super::super::draw());
        std::env::temp_dir().join(name)
    }

    fn write(archive: &Archive, rows: &[u32]) -> u64 {
        let rows: Vec<_> = rows.iter().map(|row| Arc::new(*row)).collect();
        let mut writing = archive.begin("a.gz".to_owned()).unwrap();
        writing.write(&rows).unwrap();
        writing.finish().unwrap()
    }

    fn text(folder: &Path) -> String {
        let mut text = String::new();
        GzDecoder::new(File::open(folder.join("a.gz")).unwrap()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn an_archive_has_its_name_when_it_is_whole_and_never_loses_a_row_to_a_later_one() {
        let folder = folder();
        let archive = Archive::folder(&folder);
        let mut left = archive.begin("a.gz".to_owned()).unwrap();
        left.write(&[Arc::new(7)]).unwrap();
        drop(left);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left of half an archive");

        assert_eq!(write(&archive, &[1, 2, 3]), 3);
        assert_eq!(text(&folder), "1\n2\n3\n");
        // Some rows were gone when it was tried again.
        write(&archive, &[3]);
        assert_eq!(text(&folder), "1\n2\n3\n");
        // Some had come late.
        write(&archive, &[1, 2, 3, 4]);
        assert_eq!(text(&folder), "1\n2\n3\n4\n");
        // A file that somebody damaged does not count.
        fs::write(folder.join("a.gz"), b"no archive").unwrap();
        write(&archive, &[5]);
        assert_eq!(text(&folder), "5\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
