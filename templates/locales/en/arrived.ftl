push-title = Your parcel is there
push-body = { $count ->
    [one] One CD, waiting to be played. Enjoy the first listen.
   *[other] { $count } CDs, waiting to be played. Enjoy the first listen.
}
sms = { $brand }: order { $order } has arrived. Something wrong? { $url }
