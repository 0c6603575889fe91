//! The tree of commands, dressed in Japanese.

use super::words_of::Words;
use clap::{Arg, ArgAction, Command, builder::StyledStr};

/// Every command, argument and heading in Japanese. Nothing about how the command line is understood changes.
pub(super) fn japanese(command: Command) -> Command {
    let words = Words::japanese();
    let mut command = dress(&words, command, &mut Vec::new());
    // From here on clap knows every argument of every command, those that stand everywhere too.
    command.build();
    finish(&words, command)
}

/// The name of a command in the file of words: `log-search`; the root is `tabi`.
pub(super) fn key(path: &[String]) -> String {
    if path.is_empty() { "tabi".to_owned() } else { path.join("-") }
}

fn dress(words: &Words, mut command: Command, path: &mut Vec<String>) -> Command {
    let key = key(path);
    if let Some(about) = words.about(&key) {
        let long = long_about(words, &key, &about, &command);
        command = command.about(about).long_about(long);
    }
    if let Some(after) = words.of(&key, "after") {
        command = command.after_help(after.clone()).after_long_help(after);
    }
    command = framed(words, command)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .mut_args(|arg| argument(words, &key, arg))
        .arg(flag(words, "help", 'h', ArgAction::Help).long_help(words.frame("help-long")))
        .arg(flag(words, "version", 'V', ArgAction::Version));
    command.mut_subcommands(|below| {
        path.push(below.get_name().to_owned());
        let below = dress(words, below, path);
        path.pop();
        below
    })
}

/// Headings in Japanese; lines are folded later, by [`super::fold`].
fn framed(words: &Words, command: Command) -> Command {
    let usage = words.frame("usage");
    command
        .term_width(0)
        .subcommand_value_name(words.value_name("COMMAND"))
        .subcommand_help_heading(words.frame("commands"))
        .help_template(format!(
            "{{before-help}}{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}{{after-help}}"
        ))
}

/// The line, the paragraph behind it, and the examples: those of the English where Japanese has none of its own.
fn long_about(words: &Words, key: &str, about: &str, command: &Command) -> String {
    let mut paragraphs = vec![about.to_owned()];
    paragraphs.extend(words.of(key, "more"));
    let examples = words.of(key, "examples").unwrap_or_else(|| examples(command).join("\n"));
    if !examples.is_empty() {
        let lines: Vec<String> = examples.lines().map(|line| format!("  {line}")).collect();
        paragraphs.push(format!("{}:\n{}", words.frame("examples"), lines.join("\n")));
    }
    paragraphs.join("\n\n")
}

/// The examples of a command's English help.
pub(super) fn examples(command: &Command) -> Vec<String> {
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    long.lines().filter_map(|line| line.strip_prefix("Example: ").map(str::to_owned)).collect()
}

fn flag(words: &Words, name: &'static str, short: char, action: ArgAction) -> Arg {
    let arg = Arg::new(name).short(short).long(name).action(action).help(words.frame(name));
    arg.help_heading(words.frame("options"))
}

fn argument(words: &Words, command: &str, mut arg: Arg) -> Arg {
    let id = arg.get_id().as_str().to_owned();
    let heading = match (arg.get_help_heading().is_some(), arg.is_positional()) {
        (true, _) => "everywhere",
        (false, true) => "arguments",
        (false, false) => "options",
    };
    arg = arg.help_heading(words.frame(heading));
    if arg.get_action().takes_values() {
        let names: Vec<String> = match arg.get_value_names() {
            Some(names) => names.iter().map(|name| words.value_name(name)).collect(),
            None => vec![words.value_name(&id.to_uppercase())],
        };
        arg = arg.value_names(names);
    }
    let Some(help) = words.argument(command, &id) else { return arg };
    let (short, long) = (with_values(words, &arg, &help), with_values_at_length(words, command, &arg, &help));
    arg = arg.help(short).long_help(long);
    if arg.get_action().takes_values() {
        arg = arg.hide_env(true).hide_default_value(true).hide_possible_values(true);
    }
    arg
}

/// The values that may be given; none of what is a flag.
fn values(arg: &Arg) -> Vec<String> {
    if !arg.get_action().takes_values() {
        return Vec::new();
    }
    arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}

/// `[default: …]` and its like, in Japanese.
fn notes(words: &Words, arg: &Arg) -> Vec<String> {
    let note = |name: &str, value: String| format!("[{}: {value}]", words.frame(name));
    let mut out = Vec::new();
    if !arg.is_hide_env_set() {
        out.extend(arg.get_env().map(|name| note("env", name.to_string_lossy().into_owned())));
    }
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = values.join(" ");
    if arg.get_action().takes_values() && !arg.is_hide_default_value_set() && !default.is_empty() {
        out.push(note("default", default));
    }
    out
}

fn with_values(words: &Words, arg: &Arg, help: &str) -> String {
    let mut parts = vec![help.to_owned()];
    parts.extend(notes(words, arg));
    let values = values(arg);
    if !values.is_empty() {
        parts.push(format!("[{}: {}]", words.frame("values"), values.join(", ")));
    }
    parts.join(" ")
}

fn with_values_at_length(words: &Words, command: &str, arg: &Arg, help: &str) -> String {
    let mut paragraphs = vec![help.to_owned()];
    let names = values(arg);
    let widest = names.iter().map(String::len).max().unwrap_or_default();
    let told: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let says = words.argument(command, &format!("{}-{name}", arg.get_id()))?;
            Some(format!("- {name}:{:space$}  {says}", "", space = widest - name.len()))
        })
        .collect();
    let mut notes = notes(words, arg);
    if !told.is_empty() {
        paragraphs.push(format!("{}:\n{}", words.frame("values"), told.join("\n")));
    } else if !names.is_empty() {
        notes.push(format!("[{}: {}]", words.frame("values"), names.join(", ")));
    }
    if !notes.is_empty() {
        paragraphs.push(notes.join("\n"));
    }
    paragraphs.join("\n\n")
}

/// What clap only knows once it has built the tree: lines of usage, and its own command `help`.
fn finish(words: &Words, mut command: Command) -> Command {
    if command.get_name() == "help" {
        command = framed(words, command).about(words.frame("help-command"));
    }
    let usage = command.render_usage().ansi().to_string();
    let usage = match usage.split_once("Usage:") {
        // What follows the title begins with the end of the title's style.
        Some((_, rest)) => rest.trim_start_matches("\u{1b}[0m").trim_start().to_owned(),
        None => usage,
    };
    let usage = usage.replace("OPTIONS", &words.value_name("OPTIONS"));
    command.override_usage(StyledStr::from(usage)).mut_subcommands(|below| finish(words, below))
}
