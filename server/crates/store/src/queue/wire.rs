//! LISTEN and NOTIFY: what rings in one process rings in all that share a PostgreSQL database.
//!
//! A notification carries ids only, many in one. Nothing depends on it: who misses one looks again within seconds.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::sea_query::{Func, Query};
use sea_orm::sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::JobQueue;
use super::bell::Note;
use crate::db::{ConnectionTrait as _, DataError, Engine};
use crate::jobs::find_job;
use entity::view::Live;

/// The channel of notifications.
const CHANNEL: &str = "kubestats";
/// PostgreSQL takes less than 8,000 bytes.
const MAX_BYTES: usize = 7_500;
/// How long to wait after the connection was lost.
const AGAIN: Duration = Duration::from_secs(2);

impl JobQueue {
    /// Passes rings and live updates between the processes that share this database, for ever. On SQLite, or where it
    /// runs already, there is nothing to do.
    pub async fn wire(&self) -> Infallible {
        let outbox = if self.db.engine == Engine::Postgres { self.bell.outbox.open() } else { None };
        let Some(outbox) = outbox else { return std::future::pending().await };
        let me = Uuid::now_v7().simple().to_string();
        tokio::join!(self.tell_others(outbox, &me), self.hear_others(&me)).0
    }

    async fn tell_others(&self, mut outbox: mpsc::Receiver<Note>, me: &str) -> Infallible {
        let mut notes = Vec::new();
        loop {
            notes.clear();
            if outbox.recv_many(&mut notes, 100).await == 0 {
                // The queue itself holds the other end.
                std::future::pending::<()>().await;
            }
            let mut text = me.to_owned();
            let mut last = None;
            for note in &notes {
                if last != Some(note) && text.len() < MAX_BYTES {
                    text.push('\n');
                    text.push_str(&written(*note));
                }
                last = Some(note);
            }
            let notify = Query::select().expr(Func::cust("pg_notify").arg(CHANNEL).arg(text)).to_owned();
            // A database that is away is told of by everything else.
            let _ = self.db.write.query_one(&notify).await;
        }
    }

    async fn hear_others(&self, me: &str) {
        loop {
            // Ends only with an error.
            let _: Result<Infallible, DataError> = self.listen(me).await;
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn listen(&self, me: &str) -> Result<Infallible, DataError> {
        let lost = |error: sqlx::Error| DataError::Database(sea_orm::DbErr::Custom(error.to_string()));
        let mut listener =
            PgListener::connect_with(self.db.write.get_postgres_connection_pool()).await.map_err(lost)?;
        listener.listen(CHANNEL).await.map_err(lost)?;
        // What was said while nobody listened.
        self.bell.ring_here();
        loop {
            let Some(notification) = listener.try_recv().await.map_err(lost)? else {
                self.bell.ring_here();
                continue;
            };
            let mut lines = notification.payload().lines();
            if lines.next() == Some(me) {
                continue;
            }
            for note in lines.filter_map(read) {
                self.heard(note).await;
            }
        }
    }

    async fn heard(&self, note: Note) {
        match note {
            Note::Ring => self.bell.ring_here(),
            Note::Deliver => self.bell.ring_for_deliveries_here(),
            Note::Cancel(job) => self.running.stop(job),
            Note::Repository(repository_id) => self.bus.send_here(Live::Repository { repository_id }),
            Note::Events(repository_id, count) => self.bus.send_here(Live::Events { repository_id, count }),
            Note::Trigger(trigger_id, delivery_id) => self.bus.send_here(Live::Trigger { trigger_id, delivery_id }),
            Note::Branches(repository_id) => self.bus.send_here(Live::Branches { repository_id }),
            Note::Reload => self.bus.send_here(Live::Reload),
            Note::Job(id) => {
                if self.bus.has_listeners()
                    && let Ok(Some(job)) = find_job(&self.db.read, id).await
                {
                    self.bus.send_here(Live::Job { job: Box::new(job) });
                }
            }
        }
    }
}

fn written(note: Note) -> String {
    match note {
        Note::Ring => "ring".to_owned(),
        Note::Deliver => "deliver".to_owned(),
        Note::Job(id) => format!("job {id}"),
        Note::Cancel(id) => format!("cancel {id}"),
        Note::Repository(id) => format!("repository {id}"),
        Note::Events(id, count) => format!("events {id} {count}"),
        Note::Trigger(id, None) => format!("trigger {id}"),
        Note::Trigger(id, Some(delivery)) => format!("trigger {id} {delivery}"),
        Note::Branches(id) => format!("branches {id}"),
        Note::Reload => "reload".to_owned(),
    }
}

/// A note from another process; what another version says and we don't know is passed over.
fn read(line: &str) -> Option<Note> {
    let mut words = line.split(' ');
    let word = words.next()?;
    match word {
        "ring" => return Some(Note::Ring),
        "deliver" => return Some(Note::Deliver),
        "reload" => return Some(Note::Reload),
        _ => {}
    }
    let id = words.next()?.parse().ok()?;
    match word {
        "job" => Some(Note::Job(id)),
        "cancel" => Some(Note::Cancel(id)),
        "repository" => Some(Note::Repository(id)),
        "events" => Some(Note::Events(id, words.next()?.parse().ok()?)),
        "trigger" => Some(Note::Trigger(id, words.next().map(str::parse).transpose().ok()?)),
        "branches" => Some(Note::Branches(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_written_and_unknown_ones_passed_over() {
        let id = Uuid::now_v7();
        let all = [
            Note::Ring,
            Note::Deliver,
            Note::Reload,
            Note::Job(id),
            Note::Cancel(id),
            Note::Repository(id),
            Note::Events(id, 7),
            Note::Branches(id),
            Note::Trigger(id, None),
            Note::Trigger(id, Some(Uuid::now_v7())),
        ];
        for note in all {
            assert_eq!(read(&written(note)), Some(note));
        }
        let half = format!("trigger {id} x");
        for line in ["", "dance", "job", "job x", "events 1", &half] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }
}
