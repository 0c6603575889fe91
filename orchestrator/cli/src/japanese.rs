//! Errors in Japanese.
//!
//! Errors travel in English: between processes, into logs, as JSON. Where a person reads them they are said in their
//! language, at the one place that prints them; what is not here stays in English.

use words::Phrases;

/// What the command line and what is below it say when something fails.
pub(crate) const ERRORS: Phrases = Phrases::new(SENTENCES, WORDS);

/// What the reader of YAML says about a configuration.
const YAML: Phrases = Phrases::new(
    &[
        ("unknown field `{}`, expected one of {}", "「{}」という項目はありません。使えるもの：{}"),
        ("unknown field `{}`, expected {}", "「{}」という項目はありません。使えるもの：{}"),
        ("unknown variant `{}`, expected one of {}", "「{}」とは書けません。書けるもの：{}"),
        ("missing field `{}`", "「{}」が必要です"),
        ("missing field `{}` for this value", "「{}」が必要です"),
        ("invalid floating point", "数値で書いてください"),
        ("duplicate mapping key: {}", "「{}」が二度書かれています"),
        ("invalid socket address syntax", "127.0.0.1:8080 の形（アドレス:ポート）で書いてください"),
    ],
    &[],
);

/// An error in Japanese; `None`: nobody wrote it down.
pub(crate) fn told(english: &str) -> Option<String> {
    // With an excerpt of the file below, which says the same again and the place as well.
    if let Some((head, _)) = english.split_once('\n')
        && let Some((place, what)) = head.strip_prefix("error: line ").and_then(|rest| rest.split_once(": "))
    {
        let japanese = YAML.japanese(what)?;
        let whole = english.strip_prefix(&format!("error: line {place}: ")).unwrap_or(english);
        return Some(whole.replace(what, &japanese));
    }
    // A configuration is named before what makes no sense in it.
    if let Some((file, what)) = english.split_once(": ")
        && file.ends_with(".yaml")
        && what.starts_with('`')
    {
        return Some(format!("{file}：{}", told(what)?));
    }
    if let Some((name, what)) = english.strip_prefix('`').and_then(|rest| rest.split_once("`: ")) {
        return Some(format!("「{name}」：{}", told(what)?));
    }
    ERRORS.japanese(english).or_else(|| server::console::refused(english))
}

const WORDS: &[(&str, &str)] = &[
    ("journey", "ジャーニー"),
    ("channel", "チャネル"),
    ("purpose", "目的"),
    ("message", "メッセージ"),
    ("everything", "すべて"),
];

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
        "there is no data in this database yet: `tabi deploy` or `tabi serve` makes it, --database names another",
        "このデータベースにはまだデータがありません。「tabi deploy」か「tabi serve」で作られます。別のデータベースは --database で指定します",
    ),
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
        "Tabi runs on {} already ({}): use that one, stop it first, or name another folder with --data",
        "Tabi は既に {} で動いています（{}）。それを使うか、止めてから実行するか、--data で別のフォルダーを指定してください",
    ),
    (
        "{} cannot be listened on: {}; choose another with {}",
        "{} で待ち受けられません（{}）。{} で別のアドレスを指定してください",
    ),
    (
        "{} is not an address of this machine alone, and the preview has no login: use 127.0.0.1 or [::1]",
        "{} はこのマシンの外からも届くアドレスです。プレビューにはログインがないため、127.0.0.1 か [::1] を使ってください",
    ),
    ("{}: the environment variable {} is not set", "{}：環境変数 {} が設定されていません"),
    ("the data folder {} cannot be made", "データフォルダー {} を作れません"),
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
        "another Tabi ({}) is at work in {}: use that one or stop it first",
        "別の Tabi（{}）が {} で動いています。そちらを使うか、先に止めてください",
    ),
    (
        "another node is at work in {} ({}): every node has a data folder of its own; name one with --data, or stop that node first",
        "{} では別のノードが動いています（{}）。データフォルダーはノードごとに必要です。--data で別のものを指定するか、そのノードを先に止めてください",
    ),
    (
        "`tabi worker` is one more node on a PostgreSQL database: name it with --database. On files in the data folder one process does all: use `tabi serve`",
        "「tabi worker」は PostgreSQL データベースに加わるノードです。--database で指定してください。データフォルダーのファイルを使う場合は一つのプロセスがすべてを行うので、「tabi serve」を使います",
    ),
    (
        "with --no-worker nobody would step and send: on files in the data folder one process does all. Leave it out, or name a PostgreSQL that other nodes share with --database",
        "--no-worker を付けると、ステップと送信を行うものがなくなります。データフォルダーのファイルを使う場合は一つのプロセスがすべてを行うので、外すか、ほかのノードと共有する PostgreSQL を --database で指定してください",
    ),
    (
        "say what customers reach `tabi serve` by, with --base-url or as `base_url` in tabi.yaml: links in messages lead there, also the one to unsubscribe",
        "お客様から見た「tabi serve」の URL を、--base-url か tabi.yaml の「base_url」で指定してください。配信停止などメッセージのリンクの行き先になります",
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
    ("the property `{}` is missing", "プロパティ「{}」がありません"),
    (
        "`{}` is not `column=meaning`, like `Mail=email` or `Points=traits.points`",
        "「{}」は「列名=意味」の形ではありません（例：Mail=email、Points=traits.points）",
    ),
    ("the file has no column `{}`; it has: {}", "ファイルに「{}」という列がありません。あるもの：{}"),
    (
        "no column says about whom: name one of user_id, anonymous_id, email, phone",
        "どの列がお客様を表すのか分かりません。user_id、anonymous_id、email、phone のどれかを列名にするか、--column で指定してください",
    ),
    (
        "no column says which event: name one `event`",
        "どの列がイベントの名前か分かりません。列名を event にするか、--column で指定してください",
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
    (
        "nothing is explained under `{}`; did you mean `{}`?",
        "「{}」の説明はありません。「{}」のことでしょうか？",
    ),
    (
        "nothing is explained under `{}`: it is a code like J050, `journeys` or `templates`; `tabi explain` lists them all",
        "「{}」の説明はありません。J050 のようなコードか、journeys、templates を指定してください。一覧は「tabi explain」で表示します",
    ),
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
        "`{}` is not written for {}, by which `{}` is reached; it is written for: {}",
        "「{}」には「{}」用の本文がないため、「{}」には送れません。本文があるチャネル：{}",
    ),
    (
        "`{}` has no such preview; there is: {}",
        "「{}」にその組み合わせのプレビューはありません。あるもの：{}",
    ),
    // Keys and operators.
    (
        "there is a key named `{}` already, made {} by {}; it is kept as a hash and cannot be shown again. `tabi key create {} --replace` makes a new one and withdraws that one; with another name both hold",
        "「{}」というキーは既にあります（{} に {} が作成）。ハッシュで保存しているため、もう表示できません。「tabi key create {} --replace」で作り直せます（古いキーは無効になります）。両方使うなら別の名前を付けてください",
    ),
    (
        "there is no key named `{}`: `tabi key list` shows them",
        "「{}」というキーはありません。「tabi key list」で一覧を見られます",
    ),
    (
        "there is an operator `{}` already: `tabi operator password {}` gives them a new password",
        "担当者「{}」は既に登録されています。新しいパスワードは「tabi operator password {}」で設定できます",
    ),
    ("a key that expires at {} would never hold: it is {} now", "{} に期限が切れる鍵は使えません（現在 {}）"),
    (
        "there is no operator `{}`: `tabi operator list` shows them",
        "担当者「{}」はいません。「tabi operator list」で一覧を見られます",
    ),
    ("`{}` is no role: {}", "「{}」という役割はありません：{}"),
    ("there is no scope `{}`; there are: {}, or *", "「{}」という権限はありません。使えるもの：{}、*"),
    (
        "a browser key has the scope `track` alone: anybody can read it",
        "ブラウザー用のキーは誰でも読めるため、権限は track だけです",
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
        "the password comes through standard input, so that no screen shows it: `pass show tabi/hanako | tabi operator add hanako`, or `read -rs p && printf %s \"$p\" | tabi operator add …`",
        "パスワードは画面に出ないよう、標準入力から渡してください：「pass show tabi/hanako | tabi operator add hanako」、または「read -rs p && printf %s \"$p\" | tabi operator add …」",
    ),
    (
        "the password is too long: use at most 1024 bytes",
        "パスワードが長すぎます。1,024 バイト以内にしてください",
    ),
    (
        "the password could not be hashed: the machine lacks memory or random bytes",
        "パスワードを保存できませんでした。メモリーか乱数が足りません",
    ),
    // A new project.
    (
        "the questions were not answered; nothing was written",
        "質問に答えがなかったため、何も書き込んでいません",
    ),
    ("a brand has a name", "ブランド名を書いてください"),
    ("at least one is needed", "一つ以上書いてください"),
    (
        "`{}` is not a country code: two letters, like JP",
        "「{}」は国コードとして読めません。JP のような 2 文字で書いてください",
    ),
    (
        "`{}` is not a web address: write https://…",
        "「{}」は URL として読めません。https://… の形で書いてください",
    ),
    (
        "`{}` is not a time zone: write its IANA name, like `Asia/Tokyo`",
        "「{}」というタイムゾーンはありません。Asia/Tokyo のような IANA 名で書いてください",
    ),
    (
        "`{}` is not a locale: write a language code, perhaps with a region, like `ja` or `en-US`",
        "「{}」は言語コードとして読めません。ja や en-US のように書いてください",
    ),
    ("this is not an e-mail address: {}", "メールアドレスとして読めません（{}）"),
    ("this is not a phone number: {}", "電話番号として読めません（{}）"),
    ("it has no @", "@ がありません"),
    ("the part before @ must have 1 to 64 characters", "@ の前は 1〜64 文字にしてください"),
    (
        "the part before @ has a character that mail servers do not take",
        "@ の前に、メールサーバーが受け付けない文字があります",
    ),
    ("the part after @ is not a domain", "@ の後がドメイン名ではありません"),
    ("it is longer than 254 characters", "254 文字を超えています"),
    ("it does not start with + and a country code", "+ と国番号で始まっていません"),
    ("after + come 7 to 15 digits", "+ の後には 7〜15 桁の数字を書いてください"),
    (
        "`{}` is not an instant: write it like `2026-11-21T09:30:00Z` or `2026-11-21T18:30:00+09:00`",
        "「{}」は日時として読めません。2026-11-21T18:30:00+09:00 の形で書いてください",
    ),
    (
        "`{}` is not {}: expected `{}_` and 26 letters and digits",
        "「{}」は ID として読めません。一覧や記録に表示されている ID をそのまま書いてください",
    ),
    // Files of a project, and the configuration.
    ("it is larger than 256 KiB", "256 KiB を超えています"),
    (
        "{}: the name is not UTF-8; rename the file",
        "{}：ファイル名が UTF-8 ではありません。名前を変えてください",
    ),
    (
        "{}: a file of a project has at most 16 MiB, all together at most 64 MiB",
        "{}：プロジェクトのファイルは一つ 16 MiB、合計 64 MiB までです",
    ),
    ("the current folder cannot be found", "今のフォルダーが見つかりません"),
    (
        "the messages of the project could not be tried: {}",
        "プロジェクトのメッセージを試せませんでした（{}）",
    ),
    ("the keys at {} cannot be used", "{} の鍵を使えません"),
    ("the release that is live now cannot be loaded", "公開中のリリースを読み込めません"),
    ("the stored release {} cannot be read", "保存されているリリース {} を読めません"),
    ("the archive is damaged", "リリースのデータが壊れています"),
    ("the operating system gives no random bytes", "OS から乱数を得られません"),
    ("the refused rows cannot be written to {}", "取り込めなかった行を {} に書き出せません"),
    // The database and the keys.
    (
        "the database has schema {}, this release knows {}: install the newer release, or restore a backup from before the upgrade",
        "データベースは新しい版（スキーマ {}）のもので、この Tabi が扱えるのは {} までです。新しい版を入れるか、更新前のバックアップを復元してください",
    ),
    (
        "this database was moved to {} by {} ({}): it is kept as it was and does not start, so that nothing is sent twice. Start with --database; or, if that one is given up for good, run `tabi move --take-back`",
        "このデータベースは {} へ移されました（{}、{}）。二重に送らないよう、移した時点のまま保管し、起動しません。--database で移行先を指定してください。移行先の使用をやめた場合は「tabi move --take-back」を実行してください",
    ),
    (
        "this database was not moved: there is nothing to take back",
        "このデータベースは移行していません。元に戻すものはありません",
    ),
    (
        "`tabi move` goes from the files in the data folder to PostgreSQL: leave --database and TABI_DATABASE out. From PostgreSQL, stop all nodes, then `tabi backup --move` and `tabi restore`",
        "「tabi move」はデータフォルダーのファイルから PostgreSQL へ移るコマンドです。--database と TABI_DATABASE は指定しないでください。PostgreSQL から移るときは、すべてのノードを止めて「tabi backup --move」と「tabi restore」を使います",
    ),
    (
        "there is an installation in {} already: a move goes into an empty database, and nothing is overwritten",
        "{} には既に Tabi のデータがあります。移行先は空のデータベースに限り、上書きはしません",
    ),
    (
        "there are tables in the schema {} of {} already: a backup is restored into an empty database, and nothing is overwritten; name another with --database",
        "スキーマ {}（{}）には既にテーブルがあります。復元先は空のデータベースに限り、上書きはしません。別のデータベースを --database で指定してください",
    ),
    (
        "{} is there already: a backup is restored into an empty folder, and nothing is overwritten; move it away, or name another folder with --data",
        "{} は既にあります。復元先は空のフォルダーに限り、上書きはしません。移すか、別のフォルダーを --data で指定してください",
    ),
    (
        "there is no backup in {}: it would hold a file tabi.db. --from names the folder that `tabi backup` wrote",
        "{} にバックアップ（tabi.db）がありません。--from には「tabi backup」が書き出したフォルダーを指定します",
    ),
    (
        "there are no keys at {}: without them nothing personal in the data can be read. Copy keys.db of the same backup there, or name it with --keys",
        "{} に鍵がありません。鍵がないと個人情報を読めません。同じバックアップの keys.db をそこへ置くか、--keys で指定してください",
    ),
    ("there are keys in {} already: nothing is overwritten", "{} には既に鍵があります。上書きはしません"),
    (
        "the database does not let this role make its tables ({}): as its owner, run `grant create on database NAME to ROLE`, or make the schemas tabi and tabi_keys and give them to the role",
        "この役割にはテーブルを作る権限がありません（{}）。データベースの所有者として「grant create on database 名前 to 役割」を実行するか、スキーマ tabi と tabi_keys を作って役割に与えてください",
    ),
    ("{} is no backup that can be restored: {}", "{} は復元できるバックアップではありません（{}）"),
    ("it is not a database of Tabi", "Tabi のデータベースではありません"),
    ("it holds no keys of Tabi", "Tabi の鍵ではありません"),
    ("it is damaged ({})", "壊れています（{}）"),
    (
        "migration {} ({}): the tables were too busy for minutes; nothing was changed. Try again when less is going on",
        "マイグレーション {}（{}）：テーブルが数分間ふさがっていたため、何も変えていません。処理の少ないときにもう一度実行してください",
    ),
    ("the store is closed", "データベースは閉じられています"),
    ("the database is out of reach", "データベースに接続できません"),
    (
        "customer {} was merged meanwhile: try again",
        "その間にお客様 {} が統合されました。もう一度実行してください",
    ),
    ("identities changed meanwhile: try again", "その間に ID が変わりました。もう一度実行してください"),
    ("an event came in meanwhile: try again", "その間にイベントが届きました。もう一度実行してください"),
    (
        "a message was planned meanwhile: try again",
        "その間にメッセージが予定されました。もう一度実行してください",
    ),
    (
        "a sealed value does not open: it was changed, moved, or sealed under another key",
        "封をしたデータを開けません。書き換えられたか、移されたか、別の鍵で封をされています",
    ),
    (
        "the keys of this subject were destroyed: what they sealed can no longer be read",
        "このお客様の鍵は破棄済みのため、もう読めません",
    ),
    ("keys.db cannot be read or written", "keys.db を読み書きできません"),
    (
        "{} holds no root key: expected `tabi-root-v1:` and 64 hexadecimal digits",
        "{} にルート鍵がありません（tabi-root-v1: と 16 進数 64 桁のはずです）",
    ),
    (
        "there is a root key at {} already: it is never overwritten, because all data hangs on it",
        "{} には既にルート鍵があります。すべてのデータに必要なため、上書きはしません",
    ),
    ("the root key at {} cannot be reached", "{} のルート鍵を読めません"),
    // Providers.
    (
        "`{}` is not a host name: give the relay's name or IP address alone, without a scheme or a port",
        "「{}」はホスト名として読めません。メールサーバーの名前か IP アドレスだけを書いてください（https:// やポートは付けません）",
    ),
    (
        "`{}` is not a name to greet with: give a host name of this machine, such as `mail.example.jp`",
        "「{}」は名乗る名前として使えません。mail.example.jp のような、このマシンのホスト名を書いてください",
    ),
    (
        "a limit of 0 lets no message through: set pool_max, messages_per_connection and bytes_max to 1 or more",
        "上限が 0 では何も送れません。1 以上にしてください",
    ),
    (
        "a login needs both a username and a password: set both, or neither",
        "ログインには username と password の両方が必要です。両方書くか、どちらも書かないでください",
    ),
    (
        "{} is another machine, and `tls: none` would send in clear text: use `starttls` or `implicit`, or declare that clear text is meant",
        "{} は別のマシンなので、tls: none では暗号化されずに送られます。starttls か implicit を使ってください",
    ),
    ("the certificate file {} cannot be used: {}", "証明書のファイル {} を使えません（{}）"),
    ("TLS cannot be set up: {}", "TLS を準備できません（{}）"),
    ("the relay's name cannot be resolved: {}", "メールサーバーの名前を解決できません（{}）"),
    (
        "TLS with the relay fails: {}; check host, port, TLS mode and certificate",
        "メールサーバーとの TLS 接続に失敗しました（{}）。ホスト、ポート、TLS の方式、証明書を確かめてください",
    ),
    (
        "push: no Firebase project is given; set `project`, or use a service account's file, which names it",
        "push：Firebase のプロジェクトが分かりません。project を書くか、プロジェクト名を含むサービスアカウントのファイルを使ってください",
    ),
    (
        "push: `{}` is not a Firebase project id: small letters, digits and hyphens",
        "push：「{}」は Firebase のプロジェクト ID として読めません（英小文字、数字、ハイフンのみ）",
    ),
    (
        "this is not the JSON file of a service account: {}",
        "サービスアカウントの JSON ファイルではありません（{}）",
    ),
    (
        "this is a file of the kind `{}`; a service account's says `service_account`",
        "「{}」という種類のファイルです。サービスアカウントのものなら service_account と書かれています",
    ),
    (
        "the private key in the service account's file cannot be read: {}",
        "サービスアカウントのファイルの秘密鍵を読めません（{}）",
    ),
    ("the description of the SMS provider cannot be read: {}", "SMS の送信事業者の記述を読めません（{}）"),
    (
        "the webhook secret is not Base64, with or without `whsec_` before it",
        "Webhook の秘密の値が Base64 ではありません（先頭の whsec_ は任意です）",
    ),
    (
        "the webhook secret has {} bytes; the standard asks for 24 to 64",
        "Webhook の秘密の値が {} バイトです。標準では 24〜64 バイトです",
    ),
    (
        "the inbox's database fails: {}; it holds test messages alone, so it can be deleted",
        "開発用受信箱のデータベースを使えません（{}）。テストのメッセージしか入っていないので、消して構いません",
    ),
    (
        "the inbox cannot listen on {}: {}; choose another port, or 0 for a free one",
        "開発用受信箱が {} で待ち受けられません（{}）。別のポートか、空きを使う 0 を指定してください",
    ),
    (
        "begun, and not finished: {}. The next start of `tabi serve` goes on with it",
        "処理は始まりましたが、終わっていません（{}）。次に `tabi serve` を起動すると、続きが行われます",
    ),
    ("copies are left in the development inbox: {}", "開発用受信箱に写しが残っています（{}）"),
    // What may stand in many sentences comes last.
    (
        "write how many a second, 0.001 to 1000000; leave it out where there is no limit",
        "1秒あたりの件数を 0.001 から 1000000 で書いてください。制限がなければ、この項目を消してください",
    ),
    ("write a day, like 2026-12-01", "2026-12-01 の形で日付を書いてください"),
    (
        "write how many on each day, each more than 0, like [50, 100, 200]",
        "[50, 100, 200] のように、日ごとの件数（1以上）を書いてください",
    ),
    (
        "write how many times more each day, 1 to 100, like 1.5; 1 is the same every day",
        "1日ごとの倍率を 1 から 100 で書いてください（例：1.5）。1 なら毎日同じ件数です",
    ),
    ("write how many on the first day, 1 or more", "初日の件数を1以上で書いてください"),
    (
        "write either `first_day` and `growth`, or `days`, a list of how many on each day",
        "「first_day」と「growth」、または日ごとの件数を並べた「days」のどちらかを書いてください",
    ),
    (
        "write after how many failures in a row, 1 to 1000",
        "何回続けて失敗したら休止するかを 1 から 1000 で書いてください",
    ),
    (
        "the longest pause is shorter than the first one, `pause_seconds`",
        "最長の休止が最初の休止（pause_seconds）より短くなっています",
    ),
    ("write seconds, 1 to {}", "秒数を 1 から {} で書いてください"),
    ("{} cannot be read: {}", "{} を読めません（{}）"),
    ("{} cannot be made", "{} を作れません"),
    ("{} cannot be written", "{} に書き込めません"),
    ("there is no {}", "{} はありません"),
    ("process {} on {}", "プロセス {}、{}"),
    ("process {}", "プロセス {}"),
    ("journey {}", "ジャーニー {}"),
    ("channel {}", "チャネル {}"),
    ("purpose {}", "目的 {}"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Every string literal of the sources, with `{}` for whatever is put in.
    fn said() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let crates = ["cli", "release", "store", "vault", "words", "server"].map(str::to_owned).into_iter();
        let channels = ["email", "sms", "push", "webhook", "inbox"].map(|name| format!("../channels/{name}"));
        let mut folders: Vec<_> = crates.chain(channels).map(|name| root.join(name).join("src")).collect();
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
    fn an_error_with_an_excerpt_and_one_about_a_named_thing_are_told_whole() {
        let english = "error: line 1 column 3: unknown field `lisen`, expected one of listen, email\n --> a:1:3\n1 | lisen: x\n  | ^ \
                       unknown field `lisen`, expected one of listen, email";
        let japanese = told(english).unwrap();
        assert!(
            japanese.starts_with("「lisen」という項目はありません。使えるもの：listen、email\n --> a:1:3\n")
        );
        assert!(!japanese.contains("unknown"), "{japanese}");
        for (english, japanese) in [
            (
                "`a`: this is not an e-mail address: it has no @",
                "「a」：メールアドレスとして読めません（@ がありません）",
            ),
            (
                "there is no such stop (channel email): nothing is stopped",
                "その停止はありません（チャネル email）。何も停止していません",
            ),
        ] {
            assert_eq!(told(english).as_deref(), Some(japanese));
        }
        assert_eq!(told("`a`: who knows"), None);
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
