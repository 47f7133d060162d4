package testservers

import (
	"database/sql"
	"strings"
	"testing"

	"mall/modules/platform/db"
)

// Step is one row of what EXPLAIN says of a query, with the columns that both servers have.
type Step struct{ SelectType, Table, Type, Key, Extra string }

// Sorts says whether rows are sorted, or kept in a table in between.
func (s Step) Sorts() bool {
	return strings.Contains(s.Extra, "filesort") || strings.Contains(s.Extra, "temporary")
}

// Explain gives the plan of a statement on a MySQL database. The format is named: MySQL's own choice is a tree.
func Explain(t testing.TB, d *db.DB, statement string, args ...any) []Step {
	t.Helper()
	rows, err := d.SQL().QueryContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+statement, args...)
	if err != nil {
		t.Fatalf("EXPLAIN %s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var plan []Step
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var s Step
		for i, column := range map[string]*string{
			"select_type": &s.SelectType, "table": &s.Table, "type": &s.Type, "key": &s.Key, "extra": &s.Extra,
		} {
			for n, name := range names {
				if strings.EqualFold(name, i) {
					*column = values[n].String
				}
			}
		}
		plan = append(plan, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
