push-title = お荷物をお届けしました
push-body = CD { $count }枚が届いています。最初の一聴を、どうぞごゆっくり。
sms = 【{ $brand }】ご注文 { $order } をお届けしました。お困りの際は { $url }
