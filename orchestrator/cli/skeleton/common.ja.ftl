# すべてのメッセージで使う文言です。
hello = { $name }
complaints = お問い合わせ・苦情の受付: { $contact }
preferences = 配信設定の変更
unsubscribe = 配信停止
