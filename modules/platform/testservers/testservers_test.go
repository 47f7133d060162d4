package testservers_test

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

func TestDatabasesAreMigratedAndApart(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		var n int
		if err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM platform_outbox").Scan(&n); err != nil || n != 0 {
			t.Fatalf("rows = %d, %v", n, err)
		}
	})
}
