//! The command line as a person and a script meet it: real projects in empty folders, exit codes, help that teaches.

mod imports;
mod launch;
mod mistakes;
mod projects;
mod running;
mod starting;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A folder with a project in it.
struct Shop {
    folder: TempDir,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Shop {
    /// As `tabi init` makes it.
    fn new(languages: &str) -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        let said = shop.tabi(&[
            "init",
            ".",
            "--yes",
            "--brand",
            "Kumo \"Coffee\"",
            "--countries",
            "JP,US",
            "--languages",
            languages,
        ]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        shop
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Replaces `from` by `to` in a file; `from` must be there.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`:\n{text}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Puts something real-looking where `tabi init` wrote examples.
    fn fill_in(&self) {
        let path = self.path("templates/brand.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text
            .replace("shop.example", "kumo.example.jp")
            .replace("〒000-0000 東京都○○区○○1-2-3", "〒150-0041 東京都渋谷区神南1-2-3");
        std::fs::write(path, text.replace("1 Example Street, Example City", "1-2-3 Jinnan, Shibuya, Tokyo"))
            .unwrap();
    }

    /// Runs `tabi` in the project's folder, in English.
    fn tabi(&self, args: &[&str]) -> Said {
        tabi_in(self.folder.path(), args)
    }
}

fn tabi_in(folder: &Path, args: &[&str]) -> Said {
    said(command(folder, args).output().unwrap())
}

/// The binary, with an environment of its own: nothing of the tester's machine may matter.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(tests::tabi());
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn help_names_every_command_and_each_command_shows_an_example() {
    let here = tempfile::tempdir().unwrap();
    let help = tabi_in(here.path(), &["--help"]);
    assert_eq!(help.code, 0);
    let commands: Vec<&str> = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for wanted in [
        "init", "check", "test", "preview", "serve", "deploy", "rollback", "go-live", "stop", "why", "log",
        "doctor",
    ] {
        assert!(commands.contains(&wanted), "{wanted} is not in the help:\n{}", help.out);
    }
    for command in commands {
        let long = tabi_in(here.path(), &[command, "--help"]);
        assert_eq!(long.code, 0, "{command}");
        let taught = long.out.contains("Example: tabi") || long.out.contains("Commands:");
        assert!(taught, "`tabi {command} --help` shows no example:\n{}", long.out);
    }
}

#[test]
fn help_and_mistakes_are_told_in_the_language_of_the_reader() {
    let here = tempfile::tempdir().unwrap();
    let by = |name: &str, value: &str, args: &[&str]| {
        said(command(here.path(), args).env(name, value).output().unwrap())
    };
    let asked = tabi_in(here.path(), &["--lang", "ja", "check", "--help"]);
    assert_eq!(asked.code, 0, "{}", asked.err);
    assert!(asked.out.contains("使い方: tabi check [オプション]"), "{}", asked.out);
    for (name, value) in [("TABI_LANG", "ja"), ("LANG", "ja_JP.UTF-8"), ("LC_ALL", "ja_JP.UTF-8")] {
        assert_eq!(by(name, value, &["check", "--help"]).out, asked.out, "{name}={value}");
    }
    assert!(by("LANG", "ja_JP.UTF-8", &["--lang", "en", "--help"]).out.contains("Usage: tabi"));
    let wrong = by("LANG", "ja_JP.UTF-8", &["chek"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.err.contains("「check」のことでしょうか？"), "{}", wrong.err);
    // What shells read is the same for everybody.
    let completions = ["completions", "bash"];
    assert_eq!(by("LANG", "ja_JP.UTF-8", &completions).out, tabi_in(here.path(), &completions).out);
}

#[test]
fn a_command_line_without_sense_is_refused_with_exit_2_and_a_hint() {
    let here = tempfile::tempdir().unwrap();
    for args in [
        &["chek"][..],
        &["check", "--fast"],
        &["stop", "--journey", "a", "--channel", "b"],
        &["log", "show", "msg_1"],
        &[],
    ] {
        let said = tabi_in(here.path(), args);
        assert_eq!(said.code, 2, "{args:?}: {}{}", said.out, said.err);
    }
    let said = tabi_in(here.path(), &["chek"]);
    assert!(said.err.contains("check"), "{}", said.err);
}

#[test]
fn completions_are_written_for_every_shell() {
    let here = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = tabi_in(here.path(), &["completions", shell]);
        assert_eq!(said.code, 0, "{shell}");
        assert!(said.out.contains("rollback"), "{shell}");
    }
}

#[test]
fn where_there_is_nothing_each_command_says_what_to_do_next() {
    let here = tempfile::tempdir().unwrap();
    for (args, hint) in [
        (&["check"][..], "tabi init"),
        (&["test"], "tabi init"),
        (&["why", "hana"], "tabi deploy"),
        (&["log", "search"], "tabi deploy"),
        (&["stop"], "tabi deploy"),
    ] {
        let said = tabi_in(here.path(), args);
        assert_eq!(said.code, 3, "{args:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(hint), "{args:?}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    assert!(std::fs::read_dir(here.path()).unwrap().next().is_none(), "something was written");
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let here = tempfile::tempdir().unwrap();
    let said = tabi_in(here.path(), &["check", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!((said.code, error["exit"].as_i64()), (3, Some(3)));
    assert!(error["error"][0].as_str().unwrap().contains("tabi init"));
}
