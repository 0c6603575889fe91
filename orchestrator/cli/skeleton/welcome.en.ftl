subject = Welcome to { $brand }
preheader = Good to have you here.
title = Welcome
body = Thank you for signing up with { $brand }. From now on you hear from us when there is something worth your time.
button = Visit the shop
