//! SQLite's interface to a file system ("The SQLite OS Interface or VFS"), on a [`State`].
//!
//! SQLite calls the functions here with pointers that it got here: a VFS's is the one that was registered, a file's is
//! memory of [`OpenFile`]'s size that SQLite allocated, and which `open` has filled in before any other function sees
//! it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{ptr, slice, thread};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::locks::Level;
use crate::state::{Handle, Shared, State};

/// The longest name of a file, in octets.
const NAME_MAX: c_int = 512;

/// The size of a sector that SQLite's VFS for unix states.
const STATED_SECTOR: c_int = 4_096;

/// 2026-01-01T00:00:00Z in milliseconds of the Julian day: nothing that is tested asks SQLite for the time.
const NOW: i64 = 212_633_985_600_000;

/// A VFS that SQLite knows until this is dropped.
pub(crate) struct Registered {
    vfs: ptr::NonNull<sqlite3_vfs>,
    name: &'static str,
}

// SAFETY: the pointer is used by SQLite's functions alone, which may be called from every thread.
unsafe impl Send for Registered {}
// SAFETY: as above; and nothing is changed through it while it is shared.
unsafe impl Sync for Registered {}

impl Registered {
    /// Registers a VFS for a disk under a new name.
    ///
    /// The VFS itself, some two hundred octets, is never freed: a connection may have its address for as long as the
    /// process lives. The disk is not kept by it.
    pub(crate) fn new(disk: &Arc<Shared>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name: &'static CStr =
            Box::leak(CString::new(format!("disk-{number}")).unwrap_or_default().into_boxed_c_str());
        let disk: &'static Weak<Shared> = Box::leak(Box::new(Arc::downgrade(disk)));
        let vfs = Box::leak(Box::new(sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<OpenFile>()).unwrap_or(c_int::MAX),
            mxPathname: NAME_MAX,
            pNext: ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: ptr::from_ref(disk).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        let vfs = ptr::NonNull::from(vfs);
        // SAFETY: the VFS is complete and lives as long as the process. It fails only where SQLite cannot be
        // initialised, and then opening reports it.
        let _ = unsafe { ffi::sqlite3_vfs_register(vfs.as_ptr(), 0) };
        Self { vfs, name: name.to_str().unwrap_or_default() }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: it was registered by `new`, and its memory stays. SQLite takes it out of its list under its own
        // mutex.
        let _ = unsafe { ffi::sqlite3_vfs_unregister(self.vfs.as_ptr()) };
    }
}

/// An open file as SQLite has it: what SQLite looks at first, then what we do.
#[repr(C)]
struct OpenFile {
    base: sqlite3_file,
    disk: *const Shared,
    handle: Handle,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// SQLite's result code of something that has no other result.
fn code(done: Result<(), c_int>) -> c_int {
    done.err().unwrap_or(ffi::SQLITE_OK)
}

/// The disk of a VFS, unless that is gone.
///
/// # Safety
/// `vfs` was registered by [`Registered::new`].
unsafe fn disk_of(vfs: *mut sqlite3_vfs) -> Option<Arc<Shared>> {
    // SAFETY: `new` leaked both, and nothing changes either.
    let disk: &Weak<Shared> = unsafe { &*(*vfs).pAppData.cast() };
    disk.upgrade()
}

/// A name, if there is one.
///
/// # Safety
/// `name` is null or ends with a zero, and lives as long as what is returned.
unsafe fn name_of<'n>(name: *const c_char) -> Option<std::borrow::Cow<'n, str>> {
    // SAFETY: as the caller says.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy())
}

/// Does something with an open file of a disk.
///
/// # Safety
/// `file` was filled in by [`open`] and is not closed.
unsafe fn with<T>(file: *mut sqlite3_file, act: impl FnOnce(&mut State, Handle) -> T) -> T {
    // SAFETY: as the caller says; `open` put an `OpenFile` there, and SQLite uses a file on one thread at a time.
    let open = unsafe { &*file.cast::<OpenFile>() };
    // SAFETY: the file holds a count of the disk until `close`.
    let disk = unsafe { &*open.disk };
    act(&mut disk.lock(), open.handle)
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_given: *mut c_int,
) -> c_int {
    let file = file.cast::<OpenFile>();
    // SAFETY: SQLite gives memory of `szOsFile` octets. Without methods it does not call `close`.
    unsafe { (*file).base.pMethods = ptr::null() };
    // SAFETY: SQLite passes the VFS that it opens on, and a name that outlives the file, or none.
    let (disk, name) = unsafe { (disk_of(vfs), name_of(name)) };
    let Some(disk) = disk else { return ffi::SQLITE_CANTOPEN };
    let opened = disk.lock().open(name.as_deref(), flags);
    match opened {
        Err(code) => code,
        Ok(handle) => {
            let open =
                OpenFile { base: sqlite3_file { pMethods: &raw const METHODS }, disk: Arc::into_raw(disk), handle };
            // SAFETY: as above; the memory holds nothing that has to be dropped.
            unsafe { file.write(open) };
            if !flags_given.is_null() {
                // SAFETY: it is not null, so that SQLite waits for the flags there.
                unsafe { *flags_given = flags };
            }
            ffi::SQLITE_OK
        }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file.
    unsafe { with(file, State::close) };
    // SAFETY: `open` made the pointer by `into_raw`, and SQLite closes a file once.
    drop(unsafe { Arc::from_raw((*file.cast::<OpenFile>()).disk) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, syncs_directory: c_int) -> c_int {
    // SAFETY: SQLite passes its VFS and a name.
    let (disk, name) = unsafe { (disk_of(vfs), name_of(name)) };
    match (disk, name) {
        (Some(disk), Some(name)) => code(disk.lock().delete(&name, syncs_directory != 0)),
        _ => ffi::SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(vfs: *mut sqlite3_vfs, name: *const c_char, _flags: c_int, answer: *mut c_int) -> c_int {
    // SAFETY: SQLite passes its VFS and a name.
    let (disk, name) = unsafe { (disk_of(vfs), name_of(name)) };
    let (Some(disk), Some(name)) = (disk, name) else { return ffi::SQLITE_IOERR_ACCESS };
    let is_there = disk.lock().is_there(&name);
    // SAFETY: SQLite waits for the answer there.
    code(is_there.map(|is_there| unsafe { *answer = is_there.into() }))
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes a name.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if usize::try_from(room).unwrap_or(0) < name.len() {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: SQLite gives `room` octets, which are enough, and are not those of the name.
    unsafe { ptr::copy_nonoverlapping(name.as_ptr(), full.cast(), name.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut sqlite3_vfs, length: c_int, into: *mut c_char) -> c_int {
    // SQLite asks its default VFS alone. Zeros are what its own documentation allows where there is nothing random.
    // SAFETY: SQLite gives `length` octets.
    unsafe { ptr::write_bytes(into, 0, usize::try_from(length).unwrap_or(0)) };
    length
}

/// Waits, as SQLite does between two tries to get a lock. Connections on one thread never wait for each other.
#[expect(clippy::disallowed_methods, reason = "SQLite asks its VFS to keep this thread waiting")]
unsafe extern "C" fn sleep(_vfs: *mut sqlite3_vfs, micros: c_int) -> c_int {
    thread::sleep(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    micros
}

unsafe extern "C" fn current_time(_vfs: *mut sqlite3_vfs, days: *mut f64) -> c_int {
    // SAFETY: SQLite waits for the time there.
    unsafe { *days = NOW as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_vfs: *mut sqlite3_vfs, ms: *mut i64) -> c_int {
    // SAFETY: SQLite waits for the time there.
    unsafe { *ms = NOW };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_vfs: *mut sqlite3_vfs, _room: c_int, _text: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, length: c_int, at: i64) -> c_int {
    let (Ok(length), Ok(at)) = (usize::try_from(length), usize::try_from(at)) else { return ffi::SQLITE_IOERR_READ };
    // SAFETY: SQLite gives `length` octets. They are zeros before they are lent: it need not have written them.
    let into = unsafe {
        ptr::write_bytes(into.cast::<u8>(), 0, length);
        slice::from_raw_parts_mut(into.cast::<u8>(), length)
    };
    // SAFETY: the file is open.
    match unsafe { with(file, |state, handle| state.read(handle, at, into)) } {
        Ok(found) if found < length => ffi::SQLITE_IOERR_SHORT_READ,
        Ok(_) => ffi::SQLITE_OK,
        Err(code) => code,
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, octets: *const c_void, length: c_int, at: i64) -> c_int {
    let (Ok(length), Ok(at)) = (usize::try_from(length), usize::try_from(at)) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: SQLite gives `length` octets and leaves them alone until this returns.
    let octets = unsafe { slice::from_raw_parts(octets.cast::<u8>(), length) };
    // SAFETY: the file is open.
    code(unsafe { with(file, |state, handle| state.write(handle, at, octets)) })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    let Ok(length) = usize::try_from(length) else { return ffi::SQLITE_IOERR_TRUNCATE };
    // SAFETY: the file is open.
    code(unsafe { with(file, |state, handle| state.resize(handle, length)) })
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    code(unsafe { with(file, State::sync) })
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, length: *mut i64) -> c_int {
    // SAFETY: the file is open.
    let found = unsafe { with(file, State::len) };
    // SAFETY: SQLite waits for the length there.
    code(found.map(|found| unsafe { *length = i64::try_from(found).unwrap_or(i64::MAX) }))
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    code(unsafe { with(file, |state, handle| state.lock_file(handle, level_of(level))) })
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { with(file, |state, handle| state.unlock_file(handle, level_of(level))) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    // SAFETY: the file is open.
    let is_reserved = unsafe { with(file, |state, handle| state.is_reserved(handle)) };
    // SAFETY: SQLite waits for the answer there.
    code(is_reserved.map(|is_reserved| unsafe { *answer = is_reserved.into() }))
}

unsafe extern "C" fn file_control(_file: *mut sqlite3_file, _operation: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    STATED_SECTOR
}

/// As on unix: a write harms no octets beside it, even when the power is cut during it.
unsafe extern "C" fn device_characteristics(_file: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    number: c_int,
    octets: c_int,
    make: c_int,
    into: *mut *mut c_void,
) -> c_int {
    let (Ok(number), Ok(octets)) = (usize::try_from(number), usize::try_from(octets)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    // SAFETY: the file is open.
    let region = unsafe { with(file, |state, handle| state.map(handle, number, octets, make != 0)) };
    // SAFETY: SQLite waits for the address there. The region lives until this file is unmapped or closed.
    code(region.map(|region| unsafe { *into = region.map_or(ptr::null_mut(), |begin| begin.as_ptr().cast()) }))
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SQLite has eight slots.
    let slots = u8::try_from(((1_u32 << count) - 1) << first).unwrap_or(0);
    let is_exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    let act = |state: &mut State, handle| match flags & ffi::SQLITE_SHM_LOCK {
        0 => {
            state.unlock_slots(handle, slots);
            Ok(())
        }
        _ => state.lock_slots(handle, slots, is_exclusive),
    };
    // SAFETY: the file is open.
    code(unsafe { with(file, act) })
}

unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _deletes: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe { with(file, State::unmap) };
    ffi::SQLITE_OK
}

const fn level_of(level: c_int) -> Level {
    match level {
        ffi::SQLITE_LOCK_NONE => Level::None,
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        _ => Level::Exclusive,
    }
}
