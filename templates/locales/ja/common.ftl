# すべてのメッセージで使う文言です。
hello = { $name }
sign-off = こだまレコード
    店主　児玉 澪
complaints = お問い合わせ・苦情の受付：{ $contact }
view-in-browser = ブラウザで表示する
preferences = 受信内容を選ぶ
unsubscribe = 配信を停止する
cds = CD { $count }枚
order-number = ご注文番号
order-contents = 内容
order-total = 合計
coupon-until = { $date }まで有効
why-news = このメールは、会員登録の際にお知らせの受信をご希望いただいた方にお送りしています。
why-order = このメールは、当店でご注文いただいた方にお送りしています。配信を停止されても、ご注文の確認メールは届きます。
why-offers = このメールは、お得な情報の受信をご希望いただいた方にお送りしています。
stop-before = 配信停止は
stop-after = とご返信ください
