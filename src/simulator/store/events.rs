//! The SQL of contacts, events and their summaries.

use rusqlite::{OptionalExtension, params};

use super::{Store, signed};
use crate::simulator::event::{Contact, Event, EventQuery, NewEvent, NewSummary, Summary, Who};

impl Store {
    /// The contact whom a request names; none if there is no such one.
    pub(in crate::simulator) fn contact(&self, who: &Who) -> rusqlite::Result<Option<Contact>> {
        let sql = match who {
            Who::Id(_) => "SELECT id, user_id, email FROM contact WHERE id = ?",
            Who::UserId(_) => "SELECT id, user_id, email FROM contact WHERE user_id = ?",
            Who::Email(_) => "SELECT id, user_id, email FROM contact WHERE email = ?",
        };
        let named = self
            .db
            .prepare_cached(sql)?
            .query_row([who.value()], |row| Ok(Contact { id: row.get(0)?, user_id: row.get(1)?, email: row.get(2)? }))
            .optional()?;
        if named.is_some() {
            return Ok(named);
        }
        let any: bool =
            self.db.prepare_cached("SELECT EXISTS (SELECT 1 FROM contact)")?.query_row([], |row| row.get(0))?;
        Ok(if any { None } else { who.made_up() })
    }

    /// Names a contact; from the first one on, only those who are named are known.
    pub(in crate::simulator) fn add_contact(&self, contact: &Contact) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("INSERT OR REPLACE INTO contact (id, user_id, email) VALUES (?, ?, ?)")?
            .execute(params![contact.id, contact.user_id, contact.email])?;
        Ok(())
    }

    /// Keeps an event and counts it, unless it is there already.
    pub(in crate::simulator) fn insert_event(
        &mut self,
        contact: &Contact,
        event: &NewEvent,
        id: &str,
    ) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        let new = transaction
            .prepare_cached(
                "INSERT INTO event (id, contact_id, name, created_at, metadata) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (contact_id, name, created_at) DO NOTHING",
            )?
            .execute(params![id, contact.id, event.name, event.created_at, event.metadata.to_json()])?;
        if new > 0 {
            transaction
                .prepare_cached(
                    "INSERT INTO event_summary (contact_id, name, count, first, last) VALUES (?1, ?2, 1, ?3, ?3)
                     ON CONFLICT (contact_id, name) DO UPDATE SET count = min(count, 9007199254740990) + 1,
                        first = min(first, excluded.first), last = max(last, excluded.last)",
                )?
                .execute(params![contact.id, event.name, event.created_at])?;
        }
        transaction.commit()
    }

    /// A contact's events since a time, newest first: one more than a page holds, if there is one.
    pub(in crate::simulator) fn events(
        &self,
        contact: &Contact,
        query: &EventQuery,
        since_s: i64,
    ) -> rusqlite::Result<Vec<Event>> {
        let (time, seq) = query.before.unwrap_or((i64::MAX, i64::MAX));
        let mut statement = self.db.prepare_cached(
            "SELECT seq, id, name, created_at, metadata FROM event
             WHERE contact_id = ?1 AND created_at >= ?2 AND (created_at, seq) < (?3, ?4)
             ORDER BY created_at DESC, seq DESC LIMIT ?5",
        )?;
        let limit = signed(query.per_page.saturating_add(1));
        let rows = statement.query_map(params![contact.id, since_s, time, seq, limit], |row| {
            Ok(Event {
                seq: row.get(0)?,
                id: row.get(1)?,
                name: row.get(2)?,
                created_at: row.get(3)?,
                metadata: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// What a contact did, by event; at most a thousand kinds of it.
    pub(in crate::simulator) fn summaries(&self, contact: &Contact) -> rusqlite::Result<Vec<Summary>> {
        let mut statement = self.db.prepare_cached(
            "SELECT name, first, last, count FROM event_summary WHERE contact_id = ? ORDER BY name LIMIT 1000",
        )?;
        let rows = statement.query_map([&contact.id], |row| {
            Ok(Summary { name: row.get(0)?, first: row.get(1)?, last: row.get(2)?, count: row.get(3)? })
        })?;
        rows.collect()
    }

    /// Puts summaries in the place of those that are there.
    pub(in crate::simulator) fn write_summaries(
        &mut self,
        contact: &Contact,
        summaries: &[NewSummary],
    ) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        for summary in summaries {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO event_summary (contact_id, name, count, first, last)
                     VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![contact.id, summary.name, summary.count, summary.first, summary.last])?;
        }
        transaction.commit()
    }
}
