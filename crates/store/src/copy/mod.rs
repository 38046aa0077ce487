//! A store on SQLite becomes one on PostgreSQL: everything is copied, and then read back and compared.
//!
//! The source is stopped, and stays as it is. Its rows come in slices (`source`), translated as `ledger::portable`
//! says; a slice is written in one transaction together with the mark of where it ended, so that a copy that was
//! stopped goes on from there. No server starts with the copy before the last row was compared (`verify`).

mod source;
mod verify;

use std::pin::Pin;
use std::sync::Arc;

use runtime::Runtime;

use self::source::{Slice, Source};
use ledger::StoreError;
use ledger::portable::tables::{self, Table};
use postgres::{Mark, Target};

/// How many rows are written together.
const ROWS_PER_SLICE: usize = 10_000;

/// A copy that is to be made.
pub struct Copy {
    from: String,
    to: String,
    runtime: Arc<dyn Runtime>,
    rows_per_slice: usize,
}

/// What a copy is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Rows are written.
    Copying,
    /// What was written is compared with the source.
    Verifying,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is at.
    pub stage: Stage,
    /// The table.
    pub table: &'static str,
    /// How many rows of all tables are done in this stage.
    pub rows: u64,
    /// How many rows all tables have.
    pub total: u64,
}

/// A copy that is made: it has the rows of the source, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Every table of the copy.
    pub tables: Vec<CopiedTable>,
    /// Whether rows refer to media, whose objects are not in the store.
    pub has_media: bool,
}

/// A table of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 of all their values in the order of the source: the same for the source and the copy.
    pub digest: [u8; 32],
}

impl Copy {
    /// A copy of the store that `from` names to the database that `to` names.
    pub fn new(from: &str, to: &str, runtime: Arc<dyn Runtime>) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), runtime, rows_per_slice: ROWS_PER_SLICE }
    }

    /// The same, where so many rows are written together. For tests.
    #[must_use]
    pub const fn with_rows_per_slice(mut self, rows: usize) -> Self {
        self.rows_per_slice = rows;
        self
    }

    /// Makes the copy, or goes on with it, and compares it with the source. Tells how far it has come.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when the source is in use or of another version, when
    /// the database has something else than an unfinished copy of this source, or when the copy is not what the source
    /// is; [`StoreError::Unavailable`] when the database does not answer: the same again goes on then.
    pub async fn run(self, mut heard: impl FnMut(Progress) + Send) -> Result<Copied, StoreError> {
        self.made(&mut heard).await
    }

    fn made<'h>(
        self,
        heard: &'h mut (dyn FnMut(Progress) + Send),
    ) -> Pin<Box<dyn Future<Output = Result<Copied, StoreError>> + Send + 'h>> {
        Box::pin(self.make(heard))
    }

    async fn make(self, heard: &mut (dyn FnMut(Progress) + Send)) -> Result<Copied, StoreError> {
        let path = crate::path_of(&self.from)?.ok_or_else(|| {
            StoreError::Refused("a copy is made of a store on SQLite: `--from sqlite:PATH`".to_owned())
        })?;
        if crate::path_of(&self.to)?.is_some() {
            return Err(StoreError::Refused(
                "a copy is made to PostgreSQL: `--to postgres://USER@HOST/DATABASE`".to_owned(),
            ));
        }
        let source = Source::open(path.to_owned(), Arc::clone(&self.runtime)).await?;
        let target = Target::open(&self.to, Arc::clone(&self.runtime), &source.fingerprint().await?).await?;
        let counts = counts(&source).await?;
        let mut told = Told { heard, stage: Stage::Copying, rows: 0, total: counts.iter().sum() };
        for table in tables::all() {
            self.copy_table(&source, &target, table, &mut told).await?;
        }
        for table in tables::all() {
            if let Some(column) = table.numbered_by {
                target.go_on_after(table, column, source.highest(table, column).await?).await?;
            }
        }
        target.gather_statistics().await?;
        (told.stage, told.rows) = (Stage::Verifying, 0);
        let mut tables = Vec::new();
        for (table, rows) in tables::all().zip(counts) {
            tables.push(verify::compare(&source, &target, table, rows, self.rows_per_slice, &mut told).await?);
        }
        target.finish().await?;
        let has_media = tables.iter().any(|table| ["media", "inbound_media"].contains(&table.name) && table.rows > 0);
        Ok(Copied { tables, has_media })
    }

    /// Copies what is missing of a table. The next slice is read while one is written.
    async fn copy_table(
        &self,
        source: &Source,
        target: &Target,
        table: &'static Table,
        told: &mut Told<'_>,
    ) -> Result<(), StoreError> {
        let Mark { place, rows, is_done } = target.mark(table).await?;
        told.add(table, rows);
        if is_done {
            return Ok(());
        }
        let mut slice = source.slice(table, place, self.rows_per_slice).await?;
        loop {
            let Slice { rows, place, is_last } = &slice;
            let next = async {
                match is_last {
                    true => Ok(None),
                    false => source.slice(table, Some(place.clone()), self.rows_per_slice).await.map(Some),
                }
            };
            let (written, next) = tokio::join!(target.write(table, rows, place, *is_last), next);
            written?;
            told.add(table, rows.len() as u64);
            match next? {
                Some(next) => slice = next,
                None => return Ok(()),
            }
        }
    }
}

/// How many rows each table has.
async fn counts(source: &Source) -> Result<Vec<u64>, StoreError> {
    let mut counts = Vec::new();
    for table in tables::all() {
        counts.push(source.count(table).await?);
    }
    Ok(counts)
}

/// Who hears how far it has come.
struct Told<'h> {
    heard: &'h mut (dyn FnMut(Progress) + Send),
    stage: Stage,
    rows: u64,
    total: u64,
}

impl Told<'_> {
    fn add(&mut self, table: &Table, rows: u64) {
        self.rows += rows;
        (self.heard)(Progress { stage: self.stage, table: table.name, rows: self.rows, total: self.total });
    }
}
