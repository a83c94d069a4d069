//! Copies of the pages that were shown, for when the catalog does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox::Error;
use kitfox::message::{Codec, Message};
use shop_store::Store;
use shop_store::rusqlite::{Connection, OptionalExtension};
use shop_storefront::BrowseResponse;
use tokio::time::Instant;

/// The tables.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS pages (
    after TEXT PRIMARY KEY,
    page BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// How old a copy gets before a newer one replaces it: a write for each visitor would be dear.
const AGE: Duration = Duration::from_secs(5);

/// How many pages are kept.
const MOST: usize = 1_000;

#[derive(Clone, Debug)]
pub(crate) struct Pages {
    store: Store,
    /// When this replica last kept a page.
    written: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Pages {
    pub(crate) fn new(store: Store) -> Self {
        Pages { store, written: Arc::default() }
    }

    /// Keeps a copy of the page that follows `after`, if the one that is there is old.
    pub(crate) async fn keep(&self, after: &str, page: &BrowseResponse) -> Result<(), Error> {
        if !self.is_due(after) {
            return Ok(());
        }
        // Protobuf always succeeds.
        let (after, page) = (after.to_owned(), page.encode(Codec::Protobuf).unwrap_or_default());
        let keep = move |connection: &Connection| {
            let note = "INSERT OR REPLACE INTO pages VALUES (?1, ?2)";
            connection.prepare_cached(note)?.execute((&after, &page[..]))?;
            Ok(())
        };
        self.store.write::<_, Error>(keep).await
    }

    /// The copy of the page that follows `after`, if there is one.
    pub(crate) async fn kept(&self, after: String) -> Result<Option<BrowseResponse>, Error> {
        let look = move |connection: &Connection| {
            let query = "SELECT page FROM pages WHERE after = ?1";
            let mut query = connection.prepare_cached(query)?;
            Ok(query.query_row([after], |row| row.get(0)).optional()?)
        };
        let page: Option<Vec<u8>> = self.store.read::<_, Error>(look).await?;
        Ok(page.and_then(|page| BrowseResponse::decode(Codec::Protobuf, &page).ok()))
    }

    fn is_due(&self, after: &str) -> bool {
        let now = Instant::now();
        let mut written = self.written();
        let due = match written.get(after) {
            Some(last) => now.duration_since(*last) >= AGE,
            None => written.len() < MOST,
        };
        if due {
            written.insert(after.to_owned(), now);
        }
        due
    }

    fn written(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
