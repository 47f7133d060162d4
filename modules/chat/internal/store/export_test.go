package store

import "mall/modules/platform/id"

// InboxQuery shows the statement of a list to the test of its plan.
func InboxQuery(f Inbox) (string, []any) { return f.query() }

// LatestQuery shows the statement of LatestOf to the test of its plan.
func (s *Store) LatestQuery(owners []id.ID, shops bool, limit int) string {
	return string(s.latestOf(owners, shops, limit).text)
}
