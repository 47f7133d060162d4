package db_test

import (
	"database/sql"
	"testing"

	"mall/modules/platform/db"

	"gorm.io/gorm/clause"
)

// In the words of each database, by hand and through gorm, and none that the server warns of.
func TestUpsertsTakeWhatIsGiven(t *testing.T) {
	onAll(t, func(c *db.Config) { c.MaxOpen = 1 }, func(t *testing.T, d *db.DB) {
		x := newThing("x")
		x.Count = 1
		create(t, d, x)
		_, err := d.Exec(t.Context(), "INSERT INTO things (id, name, count, at) VALUES (?, 'y', 5, ?)"+d.Taken("(id)")+
			"name = "+d.Given("name")+", count = things.count + "+d.Given("count"), x.ID, x.At)
		if err != nil {
			t.Fatal(err)
		}
		noWarnings(t, d)
		want := func(name string, count int64) {
			t.Helper()
			var got thing
			if err := d.Read(t.Context()).Take(&got).Error; err != nil || got.Name != name || got.Count != count {
				t.Errorf("%+v, %v: want %s and %d", got, err, name, count)
			}
		}
		want("y", 6)
		again := *x
		again.Name, again.Count = "z", 9
		taken := clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}
		if err := d.Write(t.Context()).Clauses(taken).Create(&again).Error; err != nil {
			t.Fatal(err)
		}
		noWarnings(t, d)
		want("z", 6)
		if err := d.Write(t.Context()).Clauses(clause.OnConflict{DoNothing: true}).Create(x).Error; err != nil {
			t.Fatal(err)
		}
		noWarnings(t, d)
		want("z", 6)
	})
}

// noWarnings: the connection's last statement uses nothing that the server will drop. The pool has one connection.
func noWarnings(t *testing.T, d *db.DB) {
	t.Helper()
	if d.Dialect() != db.MySQL {
		return
	}
	var level, code, text string
	err := d.SQL().QueryRowContext(t.Context(), "SHOW WARNINGS").Scan(&level, &code, &text)
	if err != sql.ErrNoRows {
		t.Errorf("%s %s: %s (%v)", level, code, text, err)
	}
}
