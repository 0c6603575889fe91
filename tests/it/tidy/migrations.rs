//! Migrations are paired: the same numbers and names for SQLite and PostgreSQL.

use super::{none, top, walk};

/// The names of the migrations of one database, in order.
fn names(database: &str) -> Vec<String> {
    let sql =
        walk(&top().join("migrations").join(database), &|path| path.extension().is_some_and(|e| e == "sql"));
    sql.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let mut problems = Vec::new();
    for database in ["sqlite", "postgres"] {
        for (index, name) in names(database).iter().enumerate() {
            let number = name.split('_').next().and_then(|digits| digits.parse::<usize>().ok());
            if number != Some(index + 1) {
                problems.push(format!(
                    "migrations/{database}/{name}: expected number {}; call it like 0001_customers.sql",
                    index + 1
                ));
            }
        }
    }
    none(&problems);
}

#[test]
fn migrations_are_paired() {
    assert_eq!(
        names("sqlite"),
        names("postgres"),
        "a migration for one database needs its twin for the other"
    );
}
