# Words of every message.
hello = Hello { $name },
complaints = Questions or complaints: { $contact }
preferences = Choose what you receive
unsubscribe = Unsubscribe
