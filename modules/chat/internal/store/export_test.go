package store

import "mall/modules/platform/id"

// InboxQuery shows the statement of a list to the test of its plan.
func InboxQuery(f Inbox) (string, []any) { return f.query() }

// LatestQuery shows the statement of LatestOf to the test of its plan.
func (s *Store) LatestQuery(owners []id.ID, shops bool, limit int) string {
	return string(s.latestOf(owners, shops, limit).text)
}

// SummaryQueries shows the statements of a shop's summary to the test of their plans.
func (s *Store) SummaryQueries(shop id.ID, some []id.ID) (states, changed, among, all string) {
	return string(s.statesOf(ofShop, shop).text), string(s.changedOf(shop, s.Now()).text),
		string(s.unreadOf(Shop).raw("r.id IN ").list(some).text), string(s.allUnread(shop).text)
}

// KnownQuery shows the statement of Missing to the test of its plan.
func (s *Store) KnownQuery(known []Known) string { return string(s.knownQuery(known).text) }
