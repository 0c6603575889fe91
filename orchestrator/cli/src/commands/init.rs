//! `tabi init`: a project with one working journey.

mod answers;
mod skeleton;

use super::Context;
use crate::{
    exit::{Exit, Fault},
    output::Output,
    project,
};
use answers::Answers;
use anyhow::Context as _;
use clap::Args;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// Begin a project: brand, languages, one working journey with its story
///
/// Asks for the brand, the countries you write to, the zone, the languages and the sender; every question has a flag, so
/// scripts need no terminal. Writes journeys/ and templates/, and overwrites nothing.
///
/// Example: tabi init my-shop
///
/// Example: tabi init my-shop --yes --brand "Kumo Coffee" --countries JP,US --languages ja,en --sender hello@kumo.example
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder; left out: this one
    folder: Option<PathBuf>,
    /// The brand's name, as customers read it
    #[arg(long, value_name = "NAME")]
    brand: Option<String>,
    /// Countries that your customers live in: they decide which laws hold (JP,US)
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    countries: Vec<String>,
    /// The zone of customers whose zone is not known (Asia/Tokyo)
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Languages that you write in, the default first (en,ja)
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    languages: Vec<String>,
    /// The address that e-mails come from
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// The postal address that e-mails have to show by law
    #[arg(long, value_name = "TEXT")]
    postal_address: Option<String>,
    /// The shop's web address
    #[arg(long, value_name = "URL")]
    site: Option<String>,
    /// Ask nothing: what no flag says is filled with something to edit
    #[arg(long, short)]
    yes: bool,
}

pub(crate) fn run(context: &Context, args: InitArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let root = match (&args.folder, &context.common.project) {
        (Some(folder), _) => folder.clone(),
        (None, Some(project)) => project.clone(),
        (None, None) => std::env::current_dir()?,
    };
    if ["journeys", "templates"].iter().any(|folder| root.join(folder).exists()) {
        return Err(Fault::refused(format!(
            "{} holds a project already: init overwrites nothing. Name another folder, or edit what is there",
            root.display()
        ))
        .into());
    }
    let ask =
        !args.yes && !out.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let answers = Answers::collect(out, &args, &root, ask)?;
    let files = skeleton::files(&answers, out.language);
    verify(out, &files)?;
    write(&root, &files)?;
    tell(out, &root, &files, &answers);
    Ok(Exit::Fine)
}

/// What is written must pass the checks: otherwise an answer does not fit, and nothing is written.
fn verify(out: Output, files: &release::Files) -> anyhow::Result<()> {
    let (release, mut problems) = project::check(files.clone())?;
    if let Some(release) = &release {
        problems.extend(release.stories().1);
    }
    if release.is_some() && project::count(&problems).0 == 0 {
        return Ok(());
    }
    project::show(out, files, &problems);
    Err(Fault::problem("an answer does not fit, see above; nothing was written").into())
}

fn write(root: &Path, files: &release::Files) -> anyhow::Result<()> {
    for (path, content) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let ignore = root.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(ignore, "/data\n")?;
    }
    Ok(())
}

fn tell(out: Output, root: &Path, files: &release::Files, answers: &Answers) {
    out.json(&serde_json::json!({
        "project": root, "files": files.keys().collect::<Vec<_>>(), "placeholders": answers.placeholders(),
    }));
    let here = std::env::current_dir().is_ok_and(|here| here == *root);
    let cd = if here { String::new() } else { format!("  cd {}\n", root.display()) };
    let todo: Vec<&str> = answers.placeholders();
    let edit = if todo.is_empty() {
        String::new()
    } else {
        match out.language {
            words::Language::En => {
                format!("Fill in first, in templates/brand.yaml: {}.\n\n", todo.join(", "))
            }
            words::Language::Ja => {
                format!("まず templates/brand.yaml の次の項目を書き換えてください：{}。\n\n", todo.join("、"))
            }
        }
    };
    let words = format!("templates/locales/{}/welcome.ftl", answers.languages[0]);
    let text = match out.language {
        words::Language::En => format!(
            "Your project is in {root}: one journey, its story and its message.\n\n{edit}Next:\n{cd}  tabi test       play the story\n  \
             tabi preview    see the message in the browser while you edit\n  tabi serve      run it; nothing leaves this \
             machine until `tabi go-live`\n\nThen edit:\n  journeys/welcome.yaml              what happens, and when\n  \
             journeys/schema.yaml               what your shop tells Tabi\n  templates/brand.yaml               names, \
             colours, senders\n  {words:<33}  the words",
            root = root.display(),
        ),
        words::Language::Ja => format!(
            "{root} にプロジェクトを作りました。ジャーニーとそのストーリー、メッセージが一つずつ入っています。\n\n{edit}次に：\n{cd}  tabi test       \
             ストーリーを再生します\n  tabi preview    編集しながらブラウザーでメッセージを確認します\n  tabi serve      \
             起動します。`tabi go-live` までは何も外へ出ません\n\n編集するファイル：\n  journeys/welcome.yaml              \
             何をいつお届けするか\n  journeys/schema.yaml               お店から Tabi に伝わること\n  \
             templates/brand.yaml               ブランド名、色、差出人\n  {words:<33}  文言",
            root = root.display(),
        ),
    };
    out.line(text);
}
