//! Errors in Japanese.
//!
//! Errors travel in English: between processes, into logs, as JSON. Where a person reads them they are said in their
//! language, at the one place that prints them; what is not here stays in English.

use words::Phrases;

/// What the command line and what is below it say when something fails.
pub(crate) const ERRORS: Phrases = Phrases::new(SENTENCES, WORDS);

const WORDS: &[(&str, &str)] = &[("journey", "ジャーニー"), ("channel", "チャネル"), ("purpose", "目的")];

const SENTENCES: &[(&str, &str)] = &[
    // The machine.
    ("No such file or directory (os error 2)", "ファイルやフォルダーがありません"),
    ("Permission denied (os error 13)", "アクセス権がありません"),
    ("Is a directory (os error 21)", "ファイルではなくフォルダーです"),
    ("Not a directory (os error 20)", "フォルダーではありません"),
    ("Address already in use (os error 98)", "ほかのプログラムが使っています"),
    ("Cannot assign requested address (os error 99)", "このマシンのアドレスではありません"),
    ("No space left on device (os error 28)", "ディスクに空きがありません"),
    // Where things are.
    (
        "there is no data in {}: `tabi deploy` or `tabi serve` makes it, --data names another folder",
        "{} にデータがありません。「tabi deploy」か「tabi serve」で作られます。別のフォルダーは --data で指定します",
    ),
    (
        "{} holds no project: there is neither journeys/ nor templates/ with a file. Make one with `tabi init`, or name another folder with --project",
        "{} にプロジェクトがありません（journeys/ も templates/ も空です）。「tabi init」で作るか、--project で別のフォルダーを指定してください",
    ),
    (
        "{} holds a project already: init overwrites nothing. Name another folder, or edit what is there",
        "{} には既にプロジェクトがあります。init は上書きしません。別のフォルダーを指定するか、今あるものを編集してください",
    ),
    (
        "Tabi runs on {} already (process {}): use that one, stop it first, or name another folder with --data",
        "Tabi は既に {} で動いています（プロセス {}）。それを使うか、止めてから実行するか、--data で別のフォルダーを指定してください",
    ),
    (
        "{} cannot be listened on: {}; choose another with --listen",
        "{} で待ち受けられません（{}）。--listen で別のアドレスを指定してください",
    ),
    (
        "{} is not an address of this machine alone, and the preview has no login: use 127.0.0.1 or [::1]",
        "{} はこのマシンの外からも届くアドレスです。プレビューにはログインがないため、127.0.0.1 か [::1] を使ってください",
    ),
    ("{}: the environment variable {} is not set", "{}：環境変数 {} が設定されていません"),
    ("{} cannot be read: {}", "{} を読めません（{}）"),
    ("{} cannot be made", "{} を作れません"),
    (
        "{} holds a backup already: it is not overwritten; name another folder",
        "{} には既にバックアップがあります。上書きはしません。別のフォルダーを指定してください",
    ),
    (
        "there is no root key at {}: `tabi init` makes one; after a restore, copy yours there or set TABI_ROOT_KEY",
        "{} にルート鍵がありません。新しく始めるなら「tabi init」で作ります。復元した後なら、元の鍵をそこへ置くか TABI_ROOT_KEY を設定してください",
    ),
    (
        "others on this machine may read the root key at {} (mode {}): run `chmod 600 {}`",
        "{} のルート鍵を、このマシンのほかの利用者も読めます（モード {}）。「chmod 600 {}」を実行してください",
    ),
    (
        "keys.db belongs to another root key: put the root key that it was made with in place",
        "keys.db は別のルート鍵で作られています。作ったときのルート鍵を置いてください",
    ),
    (
        "another Tabi process has {} open for writing: stop it first, or ask it over its API",
        "別の Tabi が {} を書き込み用に開いています。それを止めるか、API から操作してください",
    ),
    (
        "the database did not take it, nothing was written: {}",
        "データベースに書き込めませんでした。何も変わっていません（{}）",
    ),
    ("the database was opened for reading only", "データベースは読み取り専用で開かれています"),
    (
        "a stored row cannot be understood ({}): run `tabi doctor`",
        "読み取れない記録があります（{}）。「tabi doctor」を実行してください",
    ),
    (
        "the running instance does not understand this command ({}): it is of another version, restart it",
        "動いている Tabi は版が違うため、このコマンドを理解できません（{}）。再起動してください",
    ),
    // Customers, messages, events.
    (
        "there is no customer `{}`: give an id (cus_…), the shop's own id, an e-mail address or a phone number like +819012345678",
        "お客様「{}」は見つかりません。ID（cus_…）、お店側の ID、メールアドレス、+819012345678 の形の電話番号のどれかで指定してください",
    ),
    ("there is no customer {}", "お客様 {} は見つかりません"),
    (
        "this customer was erased: what was sealed can no longer be read",
        "このお客様の情報は消去済みで、もう読めません",
    ),
    ("they are one customer already", "既に一人のお客様として扱われています"),
    ("nothing is known to have happened to {}", "{} についての記録はまだありません"),
    ("there is no message {} in the log", "メッセージ {} は記録にありません"),
    ("{} was never made: no content is kept ({})", "{} は作成されなかったため、本文がありません（{}）"),
    (
        "no content of {} is kept: it was never handed over, or its time of keeping has ended, or the customer was erased",
        "{} の本文は残っていません。送られなかったか、保存期間が過ぎたか、お客様の情報が消去されています",
    ),
    (
        "`{}` is no address: write `email:a@example.jp` or `sms:+819012345678`",
        "「{}」は宛先として読めません。email:a@example.jp か sms:+819012345678 の形で書いてください",
    ),
    (
        "`{}` is no time: write a day like 2026-11-21, or 2026-11-21T09:30:00+09:00",
        "「{}」は日時として読めません。2026-11-21 か 2026-11-21T09:30:00+09:00 の形で書いてください",
    ),
    ("`{}` is no outcome; there is: {}", "「{}」という結果はありません。使えるもの：{}"),
    ("eml writes a folder: name it with --into", "eml はフォルダーに書き出します。--into で指定してください"),
    (
        "this is recorded with its reason: say why with --reason",
        "理由とともに記録されます。--reason で理由を書いてください",
    ),
    (
        "this is recorded, and nobody is named: say who does it with --by NAME, or set TABI_BY",
        "操作した人の名前を記録します。--by で名前を書くか、TABI_BY を設定してください",
    ),
    (
        "`{}` is no kind of act; there is: {}; the part before the dot names a group",
        "「{}」という操作はありません。使えるもの：{}（点の前だけを書くと、その仲間すべて）",
    ),
    ("the properties are not JSON: {}", "プロパティを JSON として読めません（{}）"),
    (
        "no event `{}` was received that nobody declared: `tabi event unknown` lists those there are",
        "宣言のないイベント「{}」は届いていません。届いたものは「tabi event unknown」で見られます",
    ),
    (
        "`{}` is an event of Tabi's own: nobody else can report it",
        "「{}」は Tabi 自身のイベントなので、外から送れません",
    ),
    (
        "the live release declares no event `{}`; it has: {}. `tabi event schema {}` writes a declaration",
        "公開中のリリースに「{}」というイベントの宣言がありません。あるもの：{}。「tabi event schema {}」で宣言を作れます",
    ),
    (
        "the file's name does not say how it is written: add --form csv or --form jsonl",
        "ファイル名から形式が分かりません。--form csv か --form jsonl を付けてください",
    ),
    // Journeys and releases.
    ("no journey `{}` is live; there is: {}", "「{}」というジャーニーは公開されていません。公開中：{}"),
    ("that release is live already", "そのリリースは既に公開中です"),
    ("there is no earlier release to go back to", "戻せる以前のリリースがありません"),
    (
        "there is no release {}: `tabi rollback --list` shows those there are",
        "リリース {} はありません。「tabi rollback --list」で一覧を見られます",
    ),
    (
        "the release {} no longer compiles with this version of Tabi ({} problems): deploy the project it came from again",
        "リリース {} は、この版の Tabi では使えません（問題 {} 件）。元のプロジェクトをもう一度デプロイしてください",
    ),
    (
        "the project has {} problems; nothing was deployed (`tabi check` shows them)",
        "プロジェクトに問題が {} 件あるため、デプロイしていません。「tabi check」で確かめてください",
    ),
    (
        "{} journeys of the project can never start; nothing was deployed (`tabi check` shows them)",
        "開始できないジャーニーが {} 件あるため、デプロイしていません。「tabi check」で確かめてください",
    ),
    // Sending.
    (
        "{} was changed after `tabi serve` started, which reads it at its start: restart `tabi serve`, then go live",
        "「tabi serve」の起動後に {} が変わっています。「tabi serve」を再起動してから本番を開始してください",
    ),
    (
        "customers would read what stands there only as an example: {}. Fill in your own, `tabi deploy`, then go live",
        "記入例のままの項目がお客様に届いてしまいます：{}。実際の内容に書き換え、「tabi deploy」をしてから本番を開始してください",
    ),
    ("there is no {} `{}`; did you mean `{}`?", "{}「{}」はありません。「{}」のことでしょうか？"),
    ("there is no {} `{}`; there is: {}", "{}「{}」はありません。あるもの：{}"),
    ("there is no {} `{}`, and none at all yet", "{}「{}」はありません（まだ 1 つもありません）"),
    ("there is no such stop ({}): nothing is stopped", "その停止はありません（{}）。何も停止していません"),
    (
        "there is no such stop ({}): did you mean `{}`?",
        "その停止はありません（{}）。「{}」のことでしょうか？",
    ),
    ("there is no such stop ({}); in force: {}", "その停止はありません（{}）。今の停止：{}"),
    ("{} did not take it: {}", "{} は受け付けませんでした（{}）"),
    (
        "`{}` is not a phone number: write it with its country code, like +819012345678",
        "「{}」は電話番号として読めません。+819012345678 のように国番号を付けて書いてください",
    ),
    ("go-live needs a name: --by \"Hanako Yamada\"", "本番開始には名前が必要です：--by \"山田花子\""),
    (
        "this has to be confirmed: answer at a terminal, or say --yes",
        "確認が必要です。端末で答えるか、--yes を付けてください",
    ),
    ("not confirmed; nothing was changed", "確認されなかったため、何も変えていません"),
    (
        "there is no such stop ({}): `tabi doctor` shows the stops in force",
        "その停止はありません（{}）。今の停止は「tabi doctor」で見られます",
    ),
    (
        "this installation is held ({}): `tabi resume --held` releases it",
        "送信は保留中です（{}）。「tabi resume --held」で解除できます",
    ),
    ("nothing is sent while this installation is held: {}", "保留中のため送信できません：{}"),
    (
        "no provider is configured: name one in tabi.yaml (`email: {}`), so that messages have a way out",
        "送信手段が設定されていません。tabi.yaml に書いてください（例：email: {}）",
    ),
    (
        "no provider is configured for {}: name one in tabi.yaml",
        "{} の送信手段が設定されていません。tabi.yaml に書いてください",
    ),
    (
        "links in messages would lead to this machine: set `base_url: https://…` in tabi.yaml to the address that customers reach Tabi by",
        "このままではメッセージ内のリンクがこのマシンを指します。お客様から届くアドレスを tabi.yaml の「base_url: https://…」に書いてください",
    ),
    (
        "nothing is running that could send: start `tabi serve`, then try again in a second terminal",
        "送信する Tabi が動いていません。「tabi serve」を起動し、別の端末でもう一度実行してください",
    ),
    (
        "the live release has no message `{}`; it has: {}",
        "公開中のリリースに「{}」というメッセージはありません。あるもの：{}",
    ),
    (
        "`{}` has no such preview; there is: {}",
        "「{}」にその組み合わせのプレビューはありません。あるもの：{}",
    ),
    // Keys and operators.
    (
        "there is a key named `{}` already, made {} by {}; it is kept as a hash and cannot be shown again. `tabi key create {} --replace` makes a new one and withdraws that one; with another name both hold",
        "「{}」という鍵は既にあります（{} に {} が作成）。ハッシュで保存しているため、もう表示できません。「tabi key create {} --replace」で作り直せます（古い鍵は無効になります）。両方使うなら別の名前を付けてください",
    ),
    (
        "there is no key named `{}`: `tabi key list` shows them",
        "「{}」という鍵はありません。「tabi key list」で一覧を見られます",
    ),
    ("there is an operator `{}` already", "担当者「{}」は既に登録されています"),
    (
        "there is no operator `{}`: `tabi operator list` shows them",
        "担当者「{}」はいません。「tabi operator list」で一覧を見られます",
    ),
    ("`{}` is no role: {}", "「{}」という役割はありません：{}"),
    ("there is no scope `{}`; there are: {}, or *", "「{}」という権限はありません。使えるもの：{}、*"),
    (
        "a browser key has the scope `track` alone: anybody can read it",
        "ブラウザー用の鍵は誰でも読めるため、権限は track だけです",
    ),
    ("a password has at least 12 characters", "パスワードは 12 文字以上にしてください"),
    (
        "the password is too short: use at least 12 characters; a few words are easiest to remember",
        "パスワードが短すぎます。12 文字以上にしてください。言葉をいくつか並べると覚えやすくなります",
    ),
    (
        "an answer does not fit, see above; nothing was written",
        "答えに誤りがあります（上をご覧ください）。何も書き込んでいません",
    ),
    (
        "the questions were not answered; nothing was written",
        "質問に答えがなかったため、何も書き込んでいません",
    ),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Every string literal of the sources, with `{}` for whatever is put in.
    fn said() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders: Vec<_> =
            ["cli", "release", "store", "vault"].iter().map(|name| root.join(name).join("src")).collect();
        let mut all = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|name| name != "japanese.rs") {
                    all += &std::fs::read_to_string(path).unwrap();
                }
            }
        }
        let mut joined = String::new();
        for part in all.split("\\\n") {
            joined += if joined.is_empty() { part } else { part.trim_start() };
        }
        let (mut out, mut depth) = (String::new(), 0_u32);
        for c in joined.replace("{{", "{").replace("}}", "}").replace("\\\"", "\"").chars() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        out.push_str("{}");
                    }
                }
                '\n' => {
                    depth = 0;
                    out.push(c);
                }
                c if depth == 0 => out.push(c),
                _ => {}
            }
        }
        out
    }

    #[test]
    fn every_phrase_is_still_said_somewhere_and_hides_no_other() {
        let said = said();
        let gone: Vec<&str> =
            ERRORS.patterns().filter(|p| !p.contains("(os error") && !said.contains(p)).collect();
        assert!(gone.is_empty(), "nobody says: {gone:#?}");
        assert_eq!(ERRORS.unreachable(), None);
    }
}
