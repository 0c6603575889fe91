subject = 10% off, if you’d like a reason (until { $date })
preheader = One code, for everything on the shelves.
kicker = For you
title = We kept your place at the counter
intro = You haven’t been in for a while, and we’d like to see you again. Here is 10% off your next order, on everything, with no minimum.
button = Come and look
quiet = If now isn’t the time, that’s all right. After this offer we’ll go quiet for a good while.
