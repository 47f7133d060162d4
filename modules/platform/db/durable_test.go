package db_test

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

var someKeys = []db.Key{
	{Table: "chat_messages", Columns: []string{"room_id", "seq"}, Loss: "x"},
	{Table: "chat_messages", Columns: []string{"room_id", "sender_id", "client_msg_id"}, Loss: "x"},
	{Table: "chat_rooms", Columns: []string{"id"}, Loss: "x"},
}

func inspect(t *testing.T, d *db.DB) (told []string) {
	t.Helper()
	found, err := d.Inspect(t.Context(), someKeys)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		told = append(told, f.What)
	}
	return told
}

func TestWhatKeepsItsPromisesHasNoFindings(t *testing.T) {
	mysql := func(t testing.TB) db.Config {
		server := testservers.PrivateMySQL(t, "--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON", "--log-bin=bin", "--server-id=1", "--sync-binlog=1")
		dsn, err := server.CreateDatabase(t.Context(), "mall")
		if err != nil {
			t.Fatal(err)
		}
		return testservers.Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn})
	}
	testservers.EveryConfig(t, testservers.SQLite, mysql, func(t *testing.T, cfg db.Config) {
		d := testservers.Open(t, cfg)
		if told := inspect(t, d); len(told) > 0 {
			t.Errorf("%q", told)
		}
		change := "DROP INDEX chat_messages_retry ON chat_messages"
		if d.Dialect() == db.SQLite {
			change = "DROP INDEX chat_messages_retry"
		}
		if _, err := d.SQL().ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if told := inspect(t, d); len(told) != 1 || told[0] != "table chat_messages has no unique key on (room_id, sender_id, client_msg_id)" {
			t.Errorf("without the key: %q", told)
		}
		if d.Dialect() == db.MySQL { // a setting may be changed at any time
			if _, err := d.SQL().ExecContext(t.Context(), "SET GLOBAL sync_binlog = 100"); err != nil {
				t.Fatal(err)
			}
			if told := inspect(t, d); len(told) != 2 || told[0] != "sync_binlog is 100" {
				t.Errorf("with another setting: %q", told)
			}
		}
	})
}

func TestASQLiteThatDoesNotFlushIsFound(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	if _, err := d.SQL().ExecContext(t.Context(), "PRAGMA synchronous = NORMAL"); err != nil {
		t.Fatal(err)
	}
	if told := inspect(t, d); len(told) != 1 || told[0] != "synchronous is 1" {
		t.Errorf("%q", told)
	}
}
