subject = はじめてのご注文は送料無料です（{ $date }まで）
preheader = 1枚でも、10枚でも。
kicker = はじめてのご注文に
title = 最初のお届けは、送料無料で
intro = 何度も試聴してしまう一枚がありましたら、この機会にいかがでしょうか。
    下のコードで、はじめてのご注文が送料無料になります。枚数は問いません。
button = CDを選ぶ
returns = お好みに合わなかったときは、開封後でも30日以内なら返品をお受けします。
push-title = はじめてのご注文は送料無料
push-body = コード { $code } を{ $date }までお使いいただけます。
sms = 【{ $brand }】初回送料無料コード { $code }（{ $date }まで） shop.example/ja
