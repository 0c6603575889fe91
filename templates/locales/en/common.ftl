# Shared by every message.
hello = Hi { $name },
sign-off = Mio Kodama
    Shopkeeper, Kodama Records
complaints = Questions or complaints: { $contact }
view-in-browser = View in your browser
preferences = Choose what we send
unsubscribe = Unsubscribe
cds = { $count ->
    [one] 1 CD
   *[other] { $count } CDs
}
order-number = Order
order-contents = In the box
order-total = Total
coupon-until = Good through { $date }
why-news = You’re getting this letter because you asked to hear from us when you signed up.
why-order = You’re getting this because you ordered from us. Notes like it stop when you say so; order confirmations still come.
why-offers = You’re getting this because you said yes to offers from us.
stop-before = Reply
stop-after = to opt out
