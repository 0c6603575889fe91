subject = For a regular: 20% off until { $date }
preheader = A thank-you, rather than a sale.
kicker = For a regular
title = The counter misses you
intro = A good part of your shelf came from ours, and we don’t forget that. Take 20% off your next order, with our thanks for all the others. It’s for regulars only, so you won’t find it on the site.
button = Come and look
quiet = And if we’ve let you down somewhere, reply and tell me. I’d like to put it right.
