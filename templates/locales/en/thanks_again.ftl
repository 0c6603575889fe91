subject = { $count ->
    [one] Thanks again: your CD is being packed
   *[other] Thanks again: { $count } CDs are being packed
}
preheader = Good to see you at the counter again.
kicker = Your order
title = Good to see you again
intro = That makes { $orders } orders, and we notice. Thank you for coming back.
next = Your parcel leaves with the next collection. You don’t need to do anything; we’ll write when it has arrived.
push-title = Good to see you again
push-body = { $count ->
    [one] Your CD is being packed. Thank you!
   *[other] Your { $count } CDs are being packed. Thank you!
}
