package db_test

import (
	"log/slog"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// A server that died with our connections open does not make an orderly end a failed one.
func TestClosingAfterTheServerHasGone(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		server := testservers.PrivateMySQL(t)
		dsn, err := server.CreateDatabase(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		d, err := db.Open(t.Context(), db.Config{Driver: db.MySQL, DSN: dsn}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context()).Exec("SELECT 1").Error; err != nil {
			t.Fatal(err)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
