subject-new = Welcome, and thank you for your order
subject = Thank you for your first order
preheader = It’s on the packing table. Here is what happens next.
kicker = Your first order
title = Thank you. We’re wrapping it now.
intro-new = Welcome to Kodama Records, and thank you for starting with an order. Out of everything on our shelves you chose these, and that tells us more about you than any form would.
intro = Thank you for your first order. Out of everything on our shelves you chose these, and that tells us more about you than any form would.
next = We pack every parcel by hand, with card on both sides so that no case arrives cracked. You’ll hear from us again when it’s there.
reply = If anything is wrong, or you’d simply like to know what to play next, reply to this letter. It reaches the counter.
push-title = Thank you for your first order
push-body = { $count ->
    [one] Your CD is on the packing table.
   *[other] Your { $count } CDs are on the packing table.
}
sms = { $brand }: thank you for your first order { $order }! We're packing it by hand and will tell you when it's there.
