//! A PostgreSQL server, and how a connection to it is set up.

use crate::Error;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;

/// A statement of ours takes milliseconds; one that takes this long is stopped by the server.
const STATEMENT_MAX: Duration = Duration::from_secs(60);
/// What waits for others longer than this gives up.
const LOCK_MAX: Duration = Duration::from_secs(10);
/// A process that stands still with a transaction open holds others up: the server ends it, and its locks are free.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// The server stops what takes a minute; if not even that is heard, it is gone.
const ANSWER_MAX: Duration = Duration::from_secs(75);
/// The same for work that may take long: the other side is asked by TCP whether it is still there.
const PATIENT_ANSWER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Between two statements of such work.
const PATIENCE: Duration = Duration::from_secs(300);
/// To connect.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) options: PgConnectOptions,
    pub(crate) schema: String,
    /// The longest that an answer is waited for.
    pub(crate) answer_max: Duration,
}

impl Server {
    /// From `postgres://user:password@host:port/database?sslmode=…`; tables lie in `schema`, which is made when needed.
    pub fn parse(url: &str, schema: &str) -> Result<Self, Error> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(Error::Unavailable(
                "the address of the database is not right: it begins with postgres://".to_owned(),
            ));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            Error::Unavailable(format!("the address of the database is not right: {error}"))
        })?;
        let millis = |wait: Duration| wait.as_millis().to_string();
        let options = options
            .application_name("tabi")
            .statement_cache_capacity(512)
            .options([
                ("search_path", schema.to_owned()),
                ("statement_timeout", millis(STATEMENT_MAX)),
                ("lock_timeout", millis(LOCK_MAX)),
                ("idle_in_transaction_session_timeout", millis(IDLE_MAX)),
                ("tcp_keepalives_idle", "10".to_owned()),
                ("client_min_messages", "warning".to_owned()),
            ])
            .log_statements(tracing::log::LevelFilter::Off)
            .log_slow_statements(tracing::log::LevelFilter::Off, Duration::MAX);
        Ok(Self { options, schema: schema.to_owned(), answer_max: ANSWER_MAX })
    }

    /// The same for work that takes as long as the tables are large: copies, migrations.
    #[must_use]
    pub fn patient(&self) -> Self {
        let options = self.options.clone().options([
            ("statement_timeout", "0".to_owned()),
            ("idle_in_transaction_session_timeout", PATIENCE.as_millis().to_string()),
        ]);
        Self { options, schema: self.schema.clone(), answer_max: PATIENT_ANSWER_MAX }
    }

    /// Where it is, without the password.
    pub fn shown(&self) -> String {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        format!("postgres://{}:{}/{database}", self.options.get_host(), self.options.get_port())
    }

    /// The schema that the tables lie in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn pool(&self, connections: u32) -> sqlx::PgPool {
        PgPoolOptions::new()
            .max_connections(connections.max(1))
            .min_connections(0)
            .acquire_timeout(CONNECT_MAX)
            .test_before_acquire(true)
            .connect_lazy_with(self.options.clone())
    }
}
