//! Files that are replaced as a whole.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use super::error::{FileError, invalid};
use super::hands::Hands;
use crate::thread::{Job, ThreadPool};

/// Replaces a file by this content when it is awaited: all of it or, if anything fails, nothing.
///
/// The content goes to a new file in the same directory, which is synced to the disk and then takes the
/// place of the old one; whoever reads sees one of the two. The permissions of the old one stay, and its
/// owner where the system allows it; where not, it is no longer set-user-ID or set-group-ID, and another group may
/// do no more than everybody may. Links to it lead to the new one if they are symbolic. Where there was none, the new one has 0o666 without the `umask`.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::io;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("file");
/// # aiomisc::adapters::Smol::new().block_on(async {
/// io::write_atomic(&path, "port = 8080\n").await?;
/// # #[cfg(unix)]
/// io::write_atomic(&path, *b"secret").permissions(0o600).sync(false).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// # }
/// ```
///
/// # Errors
///
/// [`FileError`]: what the system says; a directory, a device or the like cannot be replaced. The old file is
/// there unless only the last step has failed, the syncing of the directory.
///
/// # Cancel safety
///
/// Dropping it leaves the old file, or the new one if it was about to take its place, and no other. (A
/// process that is killed may leave the new file beside the old one: `.aiomisc-….tmp`.)
pub fn write_atomic(path: impl AsRef<Path>, data: impl Into<Vec<u8>>) -> WriteAtomic {
    WriteAtomic {
        path: path.as_ref().into(),
        data: data.into(),
        permissions: None,
        sync: true,
        pool: None,
        given_up: Arc::default(),
        state: State::New,
    }
}

/// A file that is being replaced; made by [`write_atomic`], which says what holds.
#[must_use = "nothing is written until it is awaited"]
pub struct WriteAtomic {
    path: Arc<Path>,
    data: Vec<u8>,
    permissions: Option<u32>,
    sync: bool,
    pool: Option<ThreadPool>,
    given_up: Arc<AtomicBool>,
    state: State,
}

enum State {
    New,
    Working(Job<io::Result<()>>),
    Done,
}

impl WriteAtomic {
    /// The permissions of the new file, whatever those of the old one are and the `umask` is. Elsewhere than
    /// on Unix they mean nothing.
    pub fn permissions(mut self, mode: u32) -> Self {
        self.permissions = Some(mode);
        self
    }

    /// Whether it waits for the disk. Without, a crash of the system may leave the old file, the new
    /// one or, on some file systems, an empty one. Default: yes.
    pub fn sync(mut self, on: bool) -> Self {
        self.sync = on;
        self
    }

    /// The pool whose threads do the work. Default: the [current one](ThreadPool::current).
    pub fn pool(mut self, pool: ThreadPool) -> Self {
        self.pool = Some(pool);
        self
    }

    fn start(&mut self) -> Job<io::Result<()>> {
        let hands = Hands::new(self.pool.clone(), &self.path);
        let replace = Replace {
            path: Arc::clone(&self.path),
            data: std::mem::take(&mut self.data),
            permissions: self.permissions,
            sync: self.sync,
            given_up: Arc::clone(&self.given_up),
        };
        hands.run(move || replace.run())
    }
}

impl Future for WriteAtomic {
    type Output = Result<(), FileError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if matches!(this.state, State::New) {
            this.state = State::Working(this.start());
        }
        let State::Working(job) = &mut this.state else {
            // Polled after it was ready: as every future, it may then wait for ever.
            return Poll::Pending;
        };
        let outcome = ready!(Pin::new(job).poll(cx));
        this.state = State::Done;
        let outcome = outcome.map_err(io::Error::other).flatten();
        Poll::Ready(outcome.map_err(|error| FileError::replacing(&this.path, error)))
    }
}

impl Drop for WriteAtomic {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for WriteAtomic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteAtomic")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The job.
struct Replace {
    path: Arc<Path>,
    data: Vec<u8>,
    permissions: Option<u32>,
    sync: bool,
    given_up: Arc<AtomicBool>,
}

/// So much is written between two looks at whether anybody still wants it.
const CHUNK: usize = 1 << 20;

impl Replace {
    fn run(&self) -> io::Result<()> {
        let target = behind_links(&self.path)?;
        let before = old(&target)?;
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let open_to_all = before.is_none() && self.permissions.is_none();
        let mut new = Temporary::make(directory, open_to_all)?;
        for chunk in self.data.chunks(CHUNK) {
            self.check_wanted()?;
            new.file.write_all(chunk)?;
        }
        self.set_permissions(&new.file, before.as_ref())?;
        if self.sync {
            new.file.sync_all()?;
        }
        self.check_wanted()?;
        fs::rename(&new.path, &target)?;
        new.is_in_place = true;
        if self.sync && cfg!(unix) {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    fn check_wanted(&self) -> io::Result<()> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(io::Error::other("given up"));
        }
        Ok(())
    }

    #[cfg(unix)]
    fn set_permissions(&self, new: &File, before: Option<&Metadata>) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

        let mut kept = None;
        if let Some(before) = before {
            let owners = |file: &Metadata| -> Owners { (file.uid(), file.gid()) };
            let mut made = owners(&new.metadata()?);
            if made != owners(before) {
                // Not everybody may; the group alone can be had by its members.
                let _ = fchown(new, Some(before.uid()), Some(before.gid()))
                    .or_else(|_| fchown(new, None, Some(before.gid())));
                made = owners(&new.metadata()?);
            }
            kept = Some(kept_mode(before.mode(), owners(before), made));
        }
        let wanted = self.permissions.or(kept).map(Permissions::from_mode);
        wanted.map_or(Ok(()), |wanted| new.set_permissions(wanted))
    }

    #[cfg(not(unix))]
    fn set_permissions(&self, new: &File, before: Option<&Metadata>) -> io::Result<()> {
        before.map_or(Ok(()), |before| new.set_permissions(before.permissions()))
    }
}

/// The numbers of a file's owner and group.
#[cfg(unix)]
type Owners = (u32, u32);

/// What stays of the permissions of a file in the one that takes its place, which has this owner and this group:
/// whoever runs a program is not made somebody by it who has not given it that, and another group may do what
/// everybody may.
#[cfg(unix)]
fn kept_mode(before: u32, owners: Owners, made: Owners) -> u32 {
    const SET_ID: u32 = 0o6000;
    const GROUP: u32 = 0o070;

    let mut mode = before;
    if made != owners {
        mode &= !SET_ID;
    }
    if made.1 != owners.1 {
        mode &= !GROUP | (mode << 3);
    }
    mode
}

/// Follows symbolic links, also to where nothing is yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    const LONGEST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LONGEST {
        match fs::read_link(&path) {
            Ok(next) => {
                path = path
                    .parent()
                    .map_or_else(|| next.clone(), |dir| dir.join(&next))
            }
            // It is no link, or not there.
            Err(_) => return Ok(path),
        }
    }
    Err(invalid("too many symbolic links"))
}

/// The file to be replaced, if there is one.
fn old(target: &Path) -> io::Result<Option<Metadata>> {
    match fs::metadata(target) {
        Ok(old) if old.is_dir() => {
            Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"))
        }
        Ok(old) if !old.is_file() => Err(invalid("it is no regular file")),
        Ok(old) => Ok(Some(old)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The new file, which goes unless it has taken its place.
struct Temporary {
    file: File,
    path: PathBuf,
    is_in_place: bool,
}

impl Temporary {
    fn make(directory: &Path, open_to_all: bool) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if !open_to_all {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let _ = open_to_all;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".aiomisc-{}-{number}.tmp", std::process::id());
            let path = directory.join(OsString::from(name));
            match options.open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        file,
                        path,
                        is_in_place: false,
                    });
                }
                // Left by a process that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_in_place {
            // Nothing can be done where it fails.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_what_an_owner_and_a_group_were_trusted_with() {
        const OLD: Owners = (1, 2);
        for (made, before, after) in [
            (OLD, 0o106_755, 0o106_755),
            ((3, 2), 0o106_755, 0o100_755),
            ((3, 2), 0o101_640, 0o101_640),
            ((1, 4), 0o100_640, 0o100_600),
            ((3, 4), 0o106_775, 0o100_755),
            ((3, 4), 0o100_664, 0o100_644),
            ((3, 4), 0o100_606, 0o100_606),
        ] {
            assert_eq!(kept_mode(before, OLD, made), after, "{before:o} {made:?}");
        }
    }
}
