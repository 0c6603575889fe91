//! Checks a project and writes its previews: `cargo run -p release --example check -- FOLDER [PREVIEWS]`.
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

use render::Content;
use std::path::Path;
use words::Language;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let root = args.next().unwrap_or_else(|| ".".to_owned());
    let files = release::files::read(Path::new(&root))?;
    let source = |file: &str| files.get(file).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let started = std::time::Instant::now();
    let (release, mut problems) = release::Release::build(files.clone());
    let mut stories = 0;
    if let Some(release) = &release {
        let (found, of_stories) = release.stories();
        stories = found.len();
        problems.extend(of_stories);
    }
    for problem in &problems {
        println!("{}", problem.render(&source(&problem.file).unwrap_or_default(), Language::En, false));
    }
    eprintln!("{} problems, {stories} stories, {} ms", problems.len(), started.elapsed().as_millis());
    if let (Some(release), Some(folder)) = (release, args.next()) {
        previews(&release, Path::new(&folder))?;
    }
    Ok(())
}

fn previews(release: &release::Release, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for message in release.templates.messages() {
        for cell in release.templates.preview(message) {
            let sample = cell.sample.replace(|c: char| !c.is_alphanumeric(), "-");
            let name = format!("{message}.{}.{sample}.{}", cell.channel, cell.locale);
            match cell.result.map(|rendered| rendered.content) {
                Ok(Content::Email(mail)) => {
                    std::fs::write(folder.join(format!("{name}.html")), &mail.html)?;
                    let text = format!("{}\n\n{}", mail.subject, mail.text);
                    std::fs::write(folder.join(format!("{name}.txt")), text)?;
                }
                Ok(other) => std::fs::write(folder.join(format!("{name}.txt")), format!("{other:#?}"))?,
                Err(error) => println!("{name}: {error}"),
            }
        }
    }
    Ok(())
}
