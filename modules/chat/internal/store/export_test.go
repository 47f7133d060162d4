package store

// InboxQuery shows the statement of a list to the test of its plan.
func InboxQuery(f Inbox) (string, []any) { return f.query() }
