subject = コード { $code } は、まもなく終了します
preheader = 最後のお知らせです。
kicker = まもなく終了
title = コードの期限が近づいています
intro = 過ぎてからお気づきになっては残念ですので、お知らせいたします。
    コードはまだお使いいただけます。このご案内はこれきりといたします。
button = コードを使う
push-title = コードの期限が近づいています
push-body = { $code } は{ $date }までお使いいただけます。これが最後のお知らせです。
sms = 【{ $brand }】コード { $code } は{ $date }まで。 shop.example/ja
