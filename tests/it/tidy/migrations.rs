//! Migrations are paired: the same numbers and names for SQLite and PostgreSQL.

use super::{none, read, top, walk};

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

/// Until PostgreSQL has its first migration, its README says so; from then on both have the same.
#[test]
fn migrations_are_paired() {
    let postgres = names("postgres");
    if postgres.is_empty() {
        let promise = read(&top().join("migrations/postgres/README.md"));
        assert!(
            promise.contains("Not yet"),
            "migrations/postgres/README.md must say \"Not yet\" while it is empty"
        );
        return;
    }
    assert_eq!(names("sqlite"), postgres, "a migration for one database needs its twin for the other");
}
