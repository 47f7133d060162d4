package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// A database that may lose what was acked, or lacks a key that a promise stands on, is told of loudly; told to be
// strict, the mall does not start on it.
func TestADatabaseThatMayLoseAcksIsToldOf(t *testing.T) {
	server := testservers.PrivateMySQL(t, "--innodb-flush-log-at-trx-commit=2", "--log-bin=bin", "--server-id=1", "--sync-binlog=0", "--skip-innodb-doublewrite")
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	if err != nil {
		t.Fatal(err)
	}
	d := testservers.Open(t, testservers.Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn}))
	for _, change := range []string{
		"ALTER TABLE chat_messages DROP KEY chat_messages_retry",
		"ALTER TABLE chat_rooms DROP KEY chat_rooms_parties, ADD KEY chat_rooms_parties (buyer_id, shop_id)",
		"ALTER TABLE chat_cursors ENGINE=MyISAM",
	} {
		if _, err := d.SQL().ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	wanted := []string{"innodb_flush_log_at_trx_commit is 2", "innodb_doublewrite is OFF", "sync_binlog is 0", "table chat_cursors is kept by MyISAM",
		"table chat_messages has no unique key on (room_id, sender_id, client_msg_id)", "table chat_rooms has no unique key on (buyer_id, shop_id)"}

	addr, internal := testprogram.FreeAddr(t), testprogram.FreeAddr(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + dsn, "MALL_REDIS__ADDR=" + testservers.Redis(t).Addr(),
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_HTTP__ADDR=" + addr, "MALL_HTTP__INTERNAL_ADDR=" + internal}
	p, _ := launch(t, t.TempDir(), environ...)
	p.await("http://"+addr+"/readyz", http.StatusOK)
	var page struct {
		Database struct{ Findings []db.Finding }
	}
	if err := json.Unmarshal([]byte(p.await("http://"+internal+"/statusz", http.StatusOK)), &page); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range page.Database.Findings {
		told = append(told, f.What)
		if f.Loss == "" || f.Mend == "" {
			t.Errorf("nothing to do is said: %+v", f)
		}
	}
	if strings.Join(told, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("/statusz tells %q, want %q", told, wanted)
	}
	if metrics := p.await("http://"+internal+"/metrics", http.StatusOK); !strings.Contains(metrics, "mall_db_findings 6") {
		t.Error("/metrics does not count them")
	}
	_ = p.cmd.Process.Kill()
	if err := <-p.done; err == nil {
		t.Error("killed, yet it ended well")
	}
	for _, want := range wanted {
		if log := p.log.String(); strings.Count(log, "level=ERROR msg=\"the database may lose what was acked: "+want) != 1 {
			t.Errorf("the log has not one error line for %q: %s", want, log)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var errs bytes.Buffer
	strict := command(ctx, t.TempDir(), append(environ, "MALL_DB__STRICT=true"), "serve")
	strict.Stderr = &errs
	var exit *exec.ExitError
	if err := strict.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(errs.String(), "mall: db.strict: ") {
		t.Errorf("told to be strict it ended with %v: %s", err, errs.String())
	}
}
