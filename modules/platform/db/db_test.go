package db_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"

	"github.com/go-playground/validator/v10"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// thing is a row with one column of each kind that the mall uses.
type thing struct {
	ID    id.ID      `gorm:"column:id;primaryKey"`
	Name  string     `gorm:"column:name"`
	Count int64      `gorm:"column:count"`
	At    time.Time  `gorm:"column:at"`
	Until *time.Time `gorm:"column:until"`
}

func (thing) TableName() string { return "things" }

var schemas = map[string]string{
	db.MySQL: `CREATE TABLE things (id BINARY(16) NOT NULL, name VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
		count BIGINT NOT NULL, at DATETIME(6) NOT NULL, until DATETIME(6) NULL, PRIMARY KEY (id), UNIQUE KEY things_name (name))`,
	db.SQLite: `CREATE TABLE things (id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL CHECK (length(name) <= 20),
		count INTEGER NOT NULL, at DATETIME NOT NULL CHECK (typeof(at) = 'integer'), until DATETIME NULL) WITHOUT ROWID;
		CREATE UNIQUE INDEX things_name ON things (name)`,
}

// onAll runs the test on every database, each with the empty table of things. change adjusts the configuration.
func onAll(t *testing.T, change func(*db.Config), run func(t *testing.T, d *db.DB)) {
	t.Helper()
	onAllWithConfig(t, change, func(t *testing.T, d *db.DB, _ db.Config) { run(t, d) })
}

func onAllWithConfig(t *testing.T, change func(*db.Config), run func(t *testing.T, d *db.DB, cfg db.Config)) {
	t.Helper()
	testservers.EveryConfig(t, testservers.EmptySQLite, testservers.EmptyMySQL, func(t *testing.T, cfg db.Config) {
		if change != nil {
			change(&cfg)
		}
		d := testservers.Open(t, cfg)
		if _, err := d.SQL().ExecContext(t.Context(), schemas[d.Dialect()]); err != nil {
			t.Fatal(err)
		}
		run(t, d, cfg)
	})
}

func newThing(name string) *thing { return &thing{ID: id.New(), Name: name, At: time.Now()} }

func create(t *testing.T, d *db.DB, things ...*thing) {
	t.Helper()
	for _, x := range things {
		if err := d.Write(t.Context()).Create(x).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// names are the names in the table, sorted.
func names(t *testing.T, d *db.DB) string {
	t.Helper()
	var list []string
	if err := d.Read(t.Context()).Model(&thing{}).Order("name").Pluck("name", &list).Error; err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

func TestTimesRoundTripAsUTCMicrosecondsAndCompareInSQL(t *testing.T) {
	seoul := time.FixedZone("KST", 9*60*60)
	base := time.Date(2026, 3, 1, 0, 30, 5, 0, seoul)
	moments := []time.Time{base, base.Add(time.Microsecond), base.Add(90 * time.Millisecond), base.Add(100*time.Millisecond + 999), base.Add(time.Second)}
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		for i, at := range moments {
			until := at.Add(time.Hour)
			create(t, d, &thing{ID: id.New(), Name: string(rune('a' + i)), At: at, Until: &until})
		}
		create(t, d, &thing{ID: id.New(), Name: "z", At: base.Add(-time.Hour)})
		for i, at := range moments {
			var got thing
			if err := d.Read(t.Context()).Where("name = ?", string(rune('a'+i))).Take(&got).Error; err != nil {
				t.Fatal(err)
			}
			want := at.UTC().Truncate(time.Microsecond)
			if got.At != want || *got.Until != want.Add(time.Hour) {
				t.Errorf("at = %v until %v, want %v", got.At, got.Until, want)
			}
			var later []string
			if err := d.Read(t.Context()).Model(&thing{}).Where("at > ?", at).Order("at").Pluck("name", &later).Error; err != nil {
				t.Fatal(err)
			}
			if want := "abcde"[i+1:]; strings.Join(later, "") != want {
				t.Errorf("later than %v: %v, want %s", at, later, want)
			}
		}
		var none thing
		if err := d.Read(t.Context()).Where("until IS NULL").Take(&none).Error; err != nil || none.Name != "z" || none.Until != nil {
			t.Errorf("the row without a time = %+v, %v", none, err)
		}
	})
}

func TestUpdateCountsMatchedRows(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		x := newThing("same")
		create(t, d, x)
		update := d.Write(t.Context()).Model(&thing{}).Where("id = ?", x.ID).Update("name", "same")
		if update.Error != nil || update.RowsAffected != 1 {
			t.Errorf("an update that changes nothing = %d rows, %v; want 1", update.RowsAffected, update.Error)
		}
	})
}

func TestLockingUpsertAndLimits(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		x := newThing("x")
		create(t, d, x, newThing("y"))
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			var got thing
			return d.Write(ctx).Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Where("name = ?", "x").Take(&got).Error
		})
		if err != nil {
			t.Error(err)
		}
		again := *x
		again.Count = 7
		upsert := clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"count"})}
		if err := d.Write(t.Context()).Clauses(upsert).Create(&again).Error; err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context()).Clauses(clause.Insert{Modifier: "IGNORE"}).Create(newThing("x")).Error; err != nil {
			t.Errorf("INSERT IGNORE: %v", err)
		}
		var got thing
		if err := d.Read(t.Context()).Where("name = ?", "x").Take(&got).Error; err != nil || got.Count != 7 {
			t.Errorf("after the upsert = %+v, %v", got, err)
		}
		var rest []thing
		if err := d.Read(t.Context()).Order("name").Limit(5).Offset(1).Find(&rest).Error; err != nil || len(rest) != 1 {
			t.Errorf("a page = %v, %v", rest, err)
		}
		limited := d.Write(t.Context()).Where("count >= 0").Limit(1).Delete(&thing{}) // MySQL can, SQLite must not delete all
		if n := len(strings.Fields(names(t, d))); (limited.Error == nil) != (n == 1) || n == 0 {
			t.Errorf("DELETE … LIMIT 1 left %d of 2 rows, error %v", n, limited.Error)
		}
	})
}

func TestConcurrentIncrementsLoseNothing(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		x := newThing("counter")
		create(t, d, x)
		const workers, each = 8, 20
		var wait sync.WaitGroup
		for range workers {
			wait.Go(func() {
				for range each {
					err := d.Tx(t.Context(), func(ctx context.Context) error {
						var got thing
						if err := d.Write(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", x.ID).Take(&got).Error; err != nil {
							return err
						}
						return d.Write(ctx).Model(&thing{}).Where("id = ?", x.ID).Update("count", got.Count+1).Error
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		var got thing
		if err := d.Read(t.Context()).Where("id = ?", x.ID).Take(&got).Error; err != nil || got.Count != workers*each {
			t.Errorf("count = %d, %v; want %d", got.Count, err, workers*each)
		}
	})
}

func TestSQLiteConnectionsAreDurableAndReadersOnlyRead(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	for name, pool := range d.Pools() {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "3000"} {
			var got string
			if err := pool.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s = %s, %v; want %s", name, pragma, got, err, want)
			}
		}
	}
	if err := d.Read(t.Context()).Exec("DELETE FROM platform_outbox").Error; err == nil {
		t.Error("a reading connection wrote")
	}
	if err := d.Write(t.Context()).Exec(`DELETE FROM platform_outbox WHERE topic = "x"`).Error; err == nil {
		t.Error("double quotes were taken for a text")
	}
}

func TestSQLiteFileIsItsOwnersAndMayHaveAnyName(t *testing.T) {
	cfg := db.Config{Driver: db.SQLite, Path: filepath.Join(t.TempDir(), "가게 ?#%20&x=1", "mall.db")}
	d := testservers.Open(t, cfg)
	if _, err := d.SQL().ExecContext(t.Context(), schemas[db.SQLite]); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(cfg.Path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mall.db%s: %v, %v", suffix, info, err)
		}
	}
}

func TestMySQLSessionsAreStrictUTCReadCommitted(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.EmptyMySQL(t)
		cfg.DSN += "?loc=Local&parseTime=false&clientFoundRows=false&sql_mode=%27%27&interpolateParams=false"
		d := testservers.Open(t, cfg)
		var version string
		if err := d.SQL().QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version); err != nil {
			t.Fatal(err)
		}
		isolation := "@@transaction_isolation"
		if strings.Contains(version, "MariaDB") {
			isolation = "@@tx_isolation"
		}
		for expression, want := range map[string]string{
			isolation:                    "READ-COMMITTED",
			"@@time_zone":                "+00:00",
			"@@collation_connection":     "utf8mb4_unicode_520_ci",
			"@@innodb_lock_wait_timeout": "3",
			"@@wait_timeout":             "20",
			"'strict' IN (@@sql_mode) OR @@sql_mode LIKE '%STRICT_TRANS_TABLES%'": "1",
		} {
			var got string
			if err := d.SQL().QueryRowContext(t.Context(), "SELECT "+expression).Scan(&got); err != nil || got != want {
				t.Errorf("%s = %s, %v; want %s", expression, got, err, want)
			}
		}
	})
}

// A process that vanishes in the middle of a transaction, as when its network dies without a word, does not keep others
// from the rows that it has locked; and what it might say later is too late.
func TestTheLocksOfTheSilentAreLetGo(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.MySQL(t)
		cfg.LockWait = time.Second
		others := testservers.Open(t, cfg)
		cfg.Silence = 2 * time.Second
		silent := testservers.Open(t, cfg)
		ctx := t.Context()
		const name = "silence"
		if _, err := others.SQL().ExecContext(ctx, "INSERT INTO chat_settings (name, value) VALUES (?, 'a')", name); err != nil {
			t.Fatal(err)
		}
		tx, err := silent.SQL().BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		const change = "UPDATE chat_settings SET value = ? WHERE name = ?"
		if _, err := tx.ExecContext(ctx, change, "of the silent", name); err != nil {
			t.Fatal(err)
		}
		if _, err := others.SQL().ExecContext(ctx, change, "too soon", name); err == nil {
			t.Error("the row was not locked: the test proves nothing")
		}
		for limit := time.Now().Add(time.Minute); ; {
			if _, err = others.SQL().ExecContext(ctx, change, "of another", name); err == nil {
				break
			}
			if time.Now().After(limit) {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(); err == nil {
			t.Error("the silent one could still commit")
		}
		var value string
		if err := others.SQL().QueryRowContext(ctx, "SELECT value FROM chat_settings WHERE name = ?", name).Scan(&value); err != nil || value != "of another" {
			t.Errorf("%q, %v", value, err)
		}
	})
}

func TestPingAndStats(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		for name, stats := range d.Stats() {
			if !strings.HasPrefix(name, d.Dialect()) || stats.MaxOpenConnections == 0 {
				t.Errorf("pool %s = %+v", name, stats)
			}
		}
	})
}

func TestLogHoldsStatementsButNoValues(t *testing.T) {
	var log strings.Builder
	cfg := testservers.SQLite(t)
	cfg.SlowQuery = time.Nanosecond
	d, err := db.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.Read(t.Context()).Exec("SELECT topic FROM platform_outbox WHERE payload = ?", "a secret").Error
	if err != nil || !strings.Contains(log.String(), "slow statement") || strings.Contains(log.String(), "secret") {
		t.Errorf("err %v, log = %s", err, log.String())
	}
}

func TestSavepoints(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		undone := errors.New("undone")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := d.Write(ctx).Create(newThing("outer")).Error; err != nil {
				return err
			}
			inner := d.Write(ctx).Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(newThing("inner")).Error; err != nil {
					return err
				}
				return undone
			})
			if !errors.Is(inner, undone) {
				return inner
			}
			return nil
		})
		if got := names(t, d); err != nil || got != "outer" {
			t.Errorf("rows = %q, %v; want outer alone", got, err)
		}
	})
}

func TestConfigIsValidated(t *testing.T) {
	check := validator.New()
	for _, c := range []struct {
		cfg db.Config
		ok  bool
	}{
		{db.Config{Driver: "mysql", DSN: "x"}, true},
		{db.Config{Driver: "sqlite", Path: "x"}, true},
		{db.Config{Driver: "mysql", Path: "x"}, false},
		{db.Config{Driver: "sqlite", DSN: "x"}, false},
		{db.Config{Driver: "postgres", DSN: "x"}, false},
		{db.Config{Driver: "mysql", DSN: "x", MaxOpen: -1}, false},
	} {
		if err := check.Struct(c.cfg); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}
