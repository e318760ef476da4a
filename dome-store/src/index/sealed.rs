//! Rows that answers are made of: sealed when they are written, looked at when they are read.

use std::cell::RefCell;

use dome_binder::RowReader;
use dome_core::Sha256Hash;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Params, Row, ToSql};
use serde::de::DeserializeOwned;

use super::error::{Fits, IndexError, Result};

const SEAL_BYTES: usize = 16;

/// A table whose rows are sealed: what they are found by, what they hold, what else they are found by, the seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SealedTable {
    Meta = 1,
    Entries,
    Runs,
    Sums,
    Lines,
    Facts,
    Keys,
    Applied,
    Concepts,
    Rejected,
    Sources,
}

impl SealedTable {
    pub(super) const ALL: [Self; 11] = [
        Self::Meta,
        Self::Entries,
        Self::Runs,
        Self::Sums,
        Self::Lines,
        Self::Facts,
        Self::Keys,
        Self::Applied,
        Self::Concepts,
        Self::Rejected,
        Self::Sources,
    ];

    /// Its name, and how a row is put there.
    const fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Meta => ("meta", "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)"),
            Self::Entries => ("entries", "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)"),
            Self::Runs => ("runs", "INSERT OR REPLACE INTO runs VALUES (?, ?, ?)"),
            Self::Sums => ("sums", "INSERT OR REPLACE INTO sums VALUES (?, ?, ?)"),
            Self::Lines => ("lines", "INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?)"),
            Self::Facts => ("facts", "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?)"),
            Self::Keys => ("keys", "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
            Self::Applied => ("applied", "INSERT OR REPLACE INTO applied VALUES (?, ?, ?)"),
            Self::Concepts => ("concepts", "INSERT OR REPLACE INTO concepts VALUES (?, ?, ?, ?, ?, ?, ?)"),
            Self::Rejected => ("rejected", "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?)"),
            Self::Sources => ("sources", "INSERT OR REPLACE INTO sources VALUES (?, ?, ?)"),
        }
    }
}

/// A database whose rows are sealed by a key: whoever does not have it cannot make a row that is believed.
pub(super) struct SealedRows {
    pub(super) db: Connection,
    key: Sha256Hash,
    reader: RefCell<RowReader>,
}

impl SealedRows {
    pub(super) fn of(db: Connection, key: Sha256Hash) -> Self {
        Self { db, key, reader: RefCell::default() }
    }

    /// What the seal of a row of a table is made of, up to its columns.
    fn sealed(&self, table: SealedTable) -> Vec<u8> {
        let mut all = Vec::with_capacity(1024);
        all.extend_from_slice(self.key.as_bytes());
        all.push(table as u8);
        all
    }

    /// Writes a row, in the place of the one with its key if there is one.
    pub(super) fn put(&self, table: SealedTable, columns: &[&dyn ToSql]) -> Result<()> {
        let mut all = self.sealed(table);
        let mut insert = self.db.prepare_cached(table.sql().1)?;
        for (number, column) in (1..).zip(columns) {
            match column.to_sql()? {
                ToSqlOutput::Borrowed(value) => append(value, &mut all),
                ToSqlOutput::Owned(value) => append((&value).into(), &mut all),
                _ => return Err(IndexError::broken("a column is an integer, a text or bytes")),
            }
            insert.raw_bind_parameter(number, column)?;
        }
        insert.raw_bind_parameter(columns.len() + 1, seal(&all))?;
        insert.raw_execute()?;
        Ok(())
    }

    pub(super) fn delete(&self, table: SealedTable, key: impl ToSql) -> Result<bool> {
        let mut delete = self.db.prepare_cached(&format!("DELETE FROM {} WHERE key = ?1", table.sql().0))?;
        Ok(delete.execute([key])? > 0)
    }

    /// Hands out rows, each as it was written, until `take` says that it has enough. `which` is what follows `WHERE`.
    pub(super) fn walk(
        &self,
        table: SealedTable,
        which: &str,
        with: impl Params,
        mut take: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut select = self.db.prepare_cached(&format!("SELECT * FROM {} WHERE {which}", table.sql().0))?;
        let last = select.column_count() - 1;
        let mut rows = select.query(with)?;
        while let Some(row) = rows.next()? {
            let mut all = self.sealed(table);
            for column in 0..last {
                append(row.get_ref(column)?, &mut all);
            }
            if seal(&all) != row.get_ref(last)?.as_blob()? {
                return Err(IndexError::Unfit("a row is not the one that was written"));
            }
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    /// As [`SealedRows::walk`], to the end.
    pub(super) fn each(
        &self,
        table: SealedTable,
        which: &str,
        with: impl Params,
        mut take: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.walk(table, which, with, |row| take(row).map(|()| true))
    }

    pub(super) fn find<T>(
        &self,
        table: SealedTable,
        key: impl ToSql,
        take: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.each(table, "key = ?1", [key], |row| {
            found = Some(take(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn value<T: dome_binder::Row>(&self, bytes: &mut &[u8]) -> Result<T> {
        T::take(&mut self.reader.borrow_mut(), bytes).fits("a row has another form")
    }
}

fn append(column: ValueRef<'_>, all: &mut Vec<u8>) {
    let integer;
    let (kind, bytes): (u8, &[u8]) = match column {
        ValueRef::Integer(number) => {
            integer = number.to_le_bytes();
            (b'i', &integer)
        }
        ValueRef::Text(text) => (b't', text),
        ValueRef::Blob(blob) => (b'b', blob),
        // No sealed row holds one.
        ValueRef::Null | ValueRef::Real(_) => (b'n', &[]),
    };
    all.push(kind);
    all.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    all.extend_from_slice(bytes);
}

fn seal(all: &[u8]) -> [u8; SEAL_BYTES] {
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(Sha256Hash::of(all).as_bytes().split_at(SEAL_BYTES).0);
    seal
}

pub(super) fn held<'r>(row: &'r Row<'_>) -> Result<&'r [u8]> {
    Ok(row.get_ref(1)?.as_blob()?)
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> Result<Sha256Hash> {
    Ok(Sha256Hash::from_bytes(row.get(column)?))
}

pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|_| IndexError::Unfit("a row has another form"))
}

/// The number at the front of a row.
pub(super) fn number(bytes: &mut &[u8]) -> Result<u64> {
    let (first, rest) = bytes.split_first_chunk().fits("a row has another form")?;
    *bytes = rest;
    Ok(u64::from_le_bytes(*first))
}
