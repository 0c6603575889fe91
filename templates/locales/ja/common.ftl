# すべてのメッセージで使う文言です。
hello = { $name }
complaints = お問い合わせ・苦情の受付: { $contact }
view-in-browser = ブラウザで表示する
preferences = 配信設定の変更
unsubscribe = 配信停止
