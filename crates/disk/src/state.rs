//! A whole disk, as SQLite asks for it: files, names, locks and faults. Errors are SQLite's result codes.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use crate::chance::Chance;
use crate::directory::{Directory, FileId};
use crate::faults::{Faults, Operation};
use crate::file::File;
use crate::locks::{Level, Slots};
use crate::shared::SharedMemory;

/// The number of an open file.
pub(crate) type Handle = u64;

/// A disk, for all that use it.
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) const fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct State {
    /// The power is cut, or the process that used it is gone: everything fails.
    is_off: bool,
    nodes: BTreeMap<FileId, Node>,
    directory: Directory,
    open: BTreeMap<Handle, Open>,
    /// The next number of a file or of an open one.
    next: u64,
    pub(crate) faults: Faults,
    chance: Chance,
    changes: u64,
    digest: u64,
}

#[derive(Default)]
struct Node {
    file: File,
    memory: Option<Arc<SharedMemory>>,
}

/// A file that a connection has open.
struct Open {
    file: FileId,
    level: Level,
    slots: Slots,
    /// Kept until SQLite unmaps it, whatever happens to the disk.
    memory: Option<Arc<SharedMemory>>,
    /// Its name was made by this connection and is made durable with its first sync, as SQLite does it for journals and
    /// logs.
    syncs_directory: bool,
    /// The name that goes when it is closed.
    goes: Option<String>,
}

/// A change, as it is counted.
#[derive(Clone, Copy)]
enum Kind {
    Write = 1,
    Resize,
    Sync,
    Create,
    Delete,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        let (nodes, directory, open, faults) =
            (BTreeMap::new(), Directory::default(), BTreeMap::new(), Faults::default());
        Self {
            is_off: false,
            nodes,
            directory,
            open,
            next: 1,
            faults,
            chance: Chance::new(seed),
            changes: 0,
            digest: 0xCBF2_9CE4_8422_2325,
        }
    }

    /// Ends this disk. Returns its files as a disk that nothing has open.
    pub(crate) fn end(&mut self) -> Self {
        self.is_off = true;
        let mut next = Self::new(0);
        (next.next, next.changes, next.digest) = (self.next, self.changes, self.digest);
        std::mem::swap(&mut next.chance, &mut self.chance);
        std::mem::swap(&mut next.directory, &mut self.directory);
        for (file, node) in std::mem::take(&mut self.nodes) {
            next.nodes.insert(file, Node { file: node.file, memory: None });
        }
        next.drop_nameless();
        next
    }

    /// The loss of power. Nothing is open.
    pub(crate) fn crash(&mut self, seed: u64) {
        self.chance = Chance::new(seed);
        self.directory.crash(&self.chance);
        self.drop_nameless();
        for node in self.nodes.values_mut() {
            node.file.crash(&self.chance);
        }
    }

    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn list(&self) -> Vec<(String, u64)> {
        let length = |file: FileId| self.nodes.get(&file).map_or(0, |node| node.file.len() as u64);
        self.directory.iter().map(|(name, file)| (name.to_owned(), length(file))).collect()
    }

    /// Opens a file; without a name one that nobody else finds.
    pub(crate) fn open(&mut self, name: Option<&str>, flags: c_int) -> Result<Handle, c_int> {
        self.on(ffi::SQLITE_CANTOPEN)?;
        let found = name.and_then(|name| self.directory.find(name));
        let creates = flags & ffi::SQLITE_OPEN_CREATE != 0;
        let file = match found {
            Some(_) if creates && flags & ffi::SQLITE_OPEN_EXCLUSIVE != 0 => return Err(ffi::SQLITE_CANTOPEN),
            Some(file) => file,
            None if name.is_some() && !creates => return Err(ffi::SQLITE_CANTOPEN),
            None => self.create(name)?,
        };
        let is_log =
            flags & (ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL) != 0;
        let goes = name.filter(|_| flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).map(str::to_owned);
        let syncs_directory = found.is_none() && is_log;
        let open = Open { file, level: Level::None, slots: Slots::default(), memory: None, syncs_directory, goes };
        let handle = self.number();
        self.open.insert(handle, open);
        Ok(handle)
    }

    fn create(&mut self, name: Option<&str>) -> Result<FileId, c_int> {
        let file = self.number();
        let cut = self.change(Kind::Create, file, 0, 0, ffi::SQLITE_CANTOPEN);
        self.nodes.insert(file, Node::default());
        if let Some(name) = name {
            self.directory.create(name, file);
        }
        cut.map(|()| file)
    }

    /// Closes a file; its locks are gone with it.
    pub(crate) fn close(&mut self, handle: Handle) {
        self.unmap(handle);
        if let Some(open) = self.open.remove(&handle)
            && !self.is_off
        {
            if let Some(name) = open.goes {
                self.directory.delete(&name);
            }
            self.drop_nameless();
        }
    }

    pub(crate) fn delete(&mut self, name: &str, syncs_directory: bool) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_DELETE)?;
        let Some(file) = self.directory.delete(name) else { return Err(ffi::SQLITE_IOERR_DELETE_NOENT) };
        self.change(Kind::Delete, file, 0, 0, ffi::SQLITE_IOERR_DELETE)?;
        if syncs_directory {
            self.directory.sync();
        }
        self.drop_nameless();
        Ok(())
    }

    /// Whether SQLite takes a file for one that is there: on unix, an empty one is not.
    pub(crate) fn is_there(&self, name: &str) -> Result<bool, c_int> {
        self.on(ffi::SQLITE_IOERR_ACCESS)?;
        Ok(self.directory.find(name).and_then(|file| self.nodes.get(&file)).is_some_and(|node| node.file.len() > 0))
    }

    /// Reads from `at` on. Returns how many octets there were.
    pub(crate) fn read(&mut self, handle: Handle, at: usize, into: &mut [u8]) -> Result<usize, c_int> {
        self.on(ffi::SQLITE_IOERR_READ)?;
        if self.faults.hit(Operation::Read) {
            return Err(ffi::SQLITE_IOERR_READ);
        }
        Ok(self.file(handle, ffi::SQLITE_IOERR_READ)?.1.read(at, into))
    }

    pub(crate) fn write(&mut self, handle: Handle, at: usize, octets: &[u8]) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_WRITE)?;
        if self.faults.hit(Operation::Write) {
            // As much as came before the fault.
            let part = self.chance.below(octets.len() + 1);
            self.file(handle, ffi::SQLITE_IOERR_WRITE)?.1.write(at, &octets[..part]);
            return Err(ffi::SQLITE_IOERR_WRITE);
        }
        let room = self.faults.room.map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
        let others: usize = self.nodes.values().map(|node| node.file.len()).sum();
        let (id, file) = self.file(handle, ffi::SQLITE_IOERR_WRITE)?;
        let end = file.len().max(room.saturating_sub(others - file.len()));
        let fits = end.saturating_sub(at).min(octets.len());
        file.write(at, &octets[..fits]);
        // At a cut the write was under way: a crash may find it done.
        self.change(Kind::Write, id, at, octets.len(), ffi::SQLITE_IOERR_WRITE)?;
        if fits < octets.len() { Err(ffi::SQLITE_FULL) } else { Ok(()) }
    }

    pub(crate) fn resize(&mut self, handle: Handle, length: usize) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_TRUNCATE)?;
        if self.faults.hit(Operation::Write) {
            return Err(ffi::SQLITE_IOERR_TRUNCATE);
        }
        let (id, file) = self.file(handle, ffi::SQLITE_IOERR_TRUNCATE)?;
        file.resize(length);
        self.change(Kind::Resize, id, length, 0, ffi::SQLITE_IOERR_TRUNCATE)
    }

    pub(crate) fn sync(&mut self, handle: Handle) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_FSYNC)?;
        let fails = self.faults.hit(Operation::Sync);
        let Some(open) = self.open.get_mut(&handle) else { return Err(ffi::SQLITE_IOERR_FSYNC) };
        let (id, syncs_directory) = (open.file, open.syncs_directory);
        let Some(node) = self.nodes.get_mut(&id) else { return Err(ffi::SQLITE_IOERR_FSYNC) };
        if fails {
            node.file.lose(&self.chance);
            return Err(ffi::SQLITE_IOERR_FSYNC);
        }
        self.change(Kind::Sync, id, 0, 0, ffi::SQLITE_IOERR_FSYNC)?;
        self.file(handle, ffi::SQLITE_IOERR_FSYNC)?.1.sync();
        if syncs_directory {
            self.directory.sync();
            self.open.entry(handle).and_modify(|open| open.syncs_directory = false);
        }
        Ok(())
    }

    /// Writes a file once more as it is read, and syncs it. Does nothing where there is none.
    pub(crate) fn rewrite(&mut self, name: &str) -> Result<(), c_int> {
        if self.directory.find(name).is_none() {
            return Ok(());
        }
        let handle = self.open(Some(name), 0)?;
        let rewritten = self.rewrite_open(handle);
        self.close(handle);
        rewritten
    }

    fn rewrite_open(&mut self, handle: Handle) -> Result<(), c_int> {
        let mut content = vec![0; self.len(handle)?];
        self.read(handle, 0, &mut content)?;
        self.write(handle, 0, &content)?;
        self.sync(handle)
    }

    pub(crate) fn len(&mut self, handle: Handle) -> Result<usize, c_int> {
        self.on(ffi::SQLITE_IOERR_FSTAT)?;
        Ok(self.file(handle, ffi::SQLITE_IOERR_FSTAT)?.1.len())
    }

    pub(crate) fn lock_file(&mut self, handle: Handle, wanted: Level) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_LOCK)?;
        let others: Vec<Level> = self.others(handle).map(|open| open.level).collect();
        let Some(open) = self.open.get_mut(&handle) else { return Err(ffi::SQLITE_IOERR_LOCK) };
        let (level, is_granted) = open.level.raised(wanted, &others);
        open.level = level;
        if is_granted { Ok(()) } else { Err(ffi::SQLITE_BUSY) }
    }

    pub(crate) fn unlock_file(&mut self, handle: Handle, level: Level) {
        if let Some(open) = self.open.get_mut(&handle) {
            open.level = open.level.min(level);
        }
    }

    pub(crate) fn is_reserved(&self, handle: Handle) -> Result<bool, c_int> {
        self.on(ffi::SQLITE_IOERR_CHECKRESERVEDLOCK)?;
        let own = self.open.get(&handle).map_or(Level::None, |open| open.level);
        Ok(self.others(handle).map(|open| open.level).chain([own]).any(|level| level >= Level::Reserved))
    }

    /// The region of shared memory with this number, made if `make` says so.
    pub(crate) fn map(
        &mut self,
        handle: Handle,
        number: usize,
        octets: usize,
        make: bool,
    ) -> Result<Option<NonNull<u64>>, c_int> {
        self.on(ffi::SQLITE_IOERR_SHMMAP)?;
        let Some(open) = self.open.get_mut(&handle) else { return Err(ffi::SQLITE_IOERR_SHMMAP) };
        let Some(node) = self.nodes.get_mut(&open.file) else { return Err(ffi::SQLITE_IOERR_SHMMAP) };
        let memory = open.memory.get_or_insert_with(|| Arc::clone(node.memory.get_or_insert_default()));
        Ok(memory.region(number, octets, make))
    }

    /// Lets go of the shared memory. The last connection that does takes it away.
    pub(crate) fn unmap(&mut self, handle: Handle) {
        let Some(open) = self.open.get_mut(&handle) else { return };
        let (file, memory) = (open.file, open.memory.take());
        open.slots = Slots::default();
        if memory.is_some()
            && !self.open.values().any(|open| open.file == file && open.memory.is_some())
            && let Some(node) = self.nodes.get_mut(&file)
        {
            node.memory = None;
        }
    }

    pub(crate) fn lock_slots(&mut self, handle: Handle, slots: u8, is_exclusive: bool) -> Result<(), c_int> {
        self.on(ffi::SQLITE_IOERR_SHMLOCK)?;
        if !self.others(handle).all(|open| open.slots.allow(slots, is_exclusive)) {
            return Err(ffi::SQLITE_BUSY);
        }
        let Some(open) = self.open.get_mut(&handle) else { return Err(ffi::SQLITE_IOERR_SHMLOCK) };
        *(if is_exclusive { &mut open.slots.exclusive } else { &mut open.slots.shared }) |= slots;
        Ok(())
    }

    pub(crate) fn unlock_slots(&mut self, handle: Handle, slots: u8) {
        if let Some(open) = self.open.get_mut(&handle) {
            open.slots.shared &= !slots;
            open.slots.exclusive &= !slots;
        }
    }

    const fn on(&self, code: c_int) -> Result<(), c_int> {
        if self.is_off { Err(code) } else { Ok(()) }
    }

    /// Counts a change. An error when the power is cut at it.
    fn change(&mut self, kind: Kind, file: FileId, at: usize, length: usize, code: c_int) -> Result<(), c_int> {
        if self.faults.is_cut() {
            self.is_off = true;
            return Err(code);
        }
        self.changes += 1;
        for number in [kind as u64, file, at as u64, length as u64] {
            self.digest = (self.digest ^ number).wrapping_mul(0x0100_0000_01B3).rotate_left(23);
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn file(&mut self, handle: Handle, code: c_int) -> Result<(FileId, &mut File), c_int> {
        let id = self.open.get(&handle).ok_or(code)?.file;
        let node = self.nodes.get_mut(&id).ok_or(code)?;
        Ok((id, &mut node.file))
    }

    /// The same file, as others have it open.
    fn others(&self, handle: Handle) -> impl Iterator<Item = &Open> {
        let file = self.open.get(&handle).map(|open| open.file);
        self.open.iter().filter(move |(other, open)| **other != handle && Some(open.file) == file).map(|(_, open)| open)
    }

    /// Drops the files that no name leads to and that nobody has open.
    fn drop_nameless(&mut self) {
        let Self { nodes, directory, open, .. } = self;
        nodes.retain(|file, _| directory.keeps(*file) || open.values().any(|open| open.file == *file));
    }
}
