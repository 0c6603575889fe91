# Shared by every message.
hello = Hello { $name },
complaints = Questions or complaints: { $contact }
view-in-browser = View in your browser
preferences = Choose what you receive
unsubscribe = Unsubscribe
