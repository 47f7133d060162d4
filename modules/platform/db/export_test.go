package db

// StoredNothing is for the tests of this package.
var StoredNothing = storedNothing
