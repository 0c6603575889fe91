subject = Thank you for your order { $order }
preheader = We are packing it now.
title = Thank you
ordered = You ordered { $count ->
    [one] one item
   *[other] { $count } items
} on { $date }.
line = { $name } × { $quantity }
total = Total { $total }
gift = We wrap it as a gift.
delivery = Expected on { $date }.
express = It travels by express.
standard = It travels by standard mail.
