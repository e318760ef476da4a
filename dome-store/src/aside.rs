//! `aside/`: what is no part of a store any more and is not dome's to remove.

use std::io::{self, Seek, SeekFrom};

use dome_replay::error::{Context, Error, Result};

use crate::folder::StoreFolder;

pub(crate) const FOLDER: &str = "aside";

/// Moves a file there, whole; its name from the folder of the store on. Nothing that a link leads to is touched.
pub(crate) fn whole(store: &StoreFolder, folder: &StoreFolder, name: &str) -> Result<String> {
    let aside = store.make_sub(FOLDER)?;
    let to = free(&aside, name)?;
    folder.rename(name, &aside, &to)?;
    aside.sync()?;
    folder.sync()?;
    Ok(format!("{FOLDER}/{to}"))
}

/// Moves the end of a file there, from a byte on; its name from the folder of the store on.
pub(crate) fn tail(store: &StoreFolder, folder: &StoreFolder, name: &str, from: u64) -> Result<String> {
    let aside = store.make_sub(FOLDER)?;
    let to = free(&aside, &format!("{name}.from-{from}"))?;
    let opened = folder.write(name)?;
    let mut file = opened.ok_or_else(|| Error::failed(format!("`{}` was removed", folder.named(name))))?;
    let mut copy = aside.create(&to)?;
    let copied = file.seek(SeekFrom::Start(from)).and_then(|_| {
        io::copy(&mut file, &mut copy)?;
        copy.sync_all()
    });
    copied.context(|| format!("cannot write `{}`", aside.named(&to)))?;
    aside.sync()?;
    let cut = file.set_len(from).and_then(|()| file.sync_all());
    cut.context(|| format!("cannot cut `{}`", folder.named(name)))?;
    Ok(format!("{FOLDER}/{to}"))
}

/// The first of `name`, `name.2` and so on that nothing has.
fn free(aside: &StoreFolder, name: &str) -> Result<String> {
    let mut free = name.to_owned();
    let mut number = 1_u64;
    while aside.find(&free)?.is_some() {
        number += 1;
        free = format!("{name}.{number}");
    }
    Ok(free)
}

pub(crate) fn names(store: &StoreFolder) -> Result<Vec<String>> {
    match store.sub(FOLDER)? {
        Some(aside) => aside.names(),
        None => Ok(Vec::new()),
    }
}
