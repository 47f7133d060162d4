package migrations_test

import (
	"database/sql"
	"strings"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"

	"github.com/google/go-cmp/cmp"
)

// table is what both databases must agree on; names are in the order of the database where order means something.
type table struct {
	Columns map[string]column
	Primary string            // column names
	Indexes map[string]string // "unique: " or "" and the column names
}

type column struct {
	Family   string // integer, text, blob, time
	Nullable bool
}

func TestAllDatabasesEndInTheSameSchema(t *testing.T) {
	sqlite := readSchema(t, testservers.Open(t, testservers.SQLite(t)))
	testservers.EveryServer(t, func(t *testing.T) {
		mysql := readSchema(t, testservers.Open(t, testservers.MySQL(t)))
		if diff := cmp.Diff(mysql, sqlite); diff != "" {
			t.Errorf("schema (-mysql +sqlite):\n%s", diff)
		}
	})
}

// readSchema gives the tables of the mall, goose's own left out.
func readSchema(t *testing.T, d *db.DB) map[string]table {
	t.Helper()
	columns, indexes := mysqlColumns, mysqlIndexes
	if d.Dialect() == db.SQLite {
		columns, indexes = sqliteColumns, sqliteIndexes
	}
	schema := map[string]table{}
	each(t, d, columns, func(values []string) {
		name := values[0]
		if _, seen := schema[name]; !seen {
			schema[name] = table{Columns: map[string]column{}, Indexes: map[string]string{}}
		}
		schema[name].Columns[values[1]] = column{Family: family(t, d, values), Nullable: values[3] == "YES"}
	})
	each(t, d, indexes, func(values []string) {
		x := schema[values[0]]
		switch {
		case values[1] == "PRIMARY":
			x.Primary = values[3]
		case values[2] == "1":
			x.Indexes[values[1]] = "unique: " + values[3]
		default:
			x.Indexes[values[1]] = values[3]
		}
		schema[values[0]] = x
	})
	return schema
}

// Each query gives table, column, type, YES when it may be NULL.
const (
	mysqlColumns = `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name <> 'goose_db_version'`
	sqliteColumns = `SELECT t.name, c.name, c.type, CASE c."notnull" WHEN 1 THEN 'NO' ELSE 'YES' END
		FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'goose%' AND t.name NOT LIKE 'sqlite%'`
)

// Each query gives table, index, 1 when it is unique, its columns.
const (
	mysqlIndexes = `SELECT table_name, index_name, 1 - non_unique, GROUP_CONCAT(column_name ORDER BY seq_in_index)
		FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name <> 'goose_db_version'
		GROUP BY table_name, index_name, non_unique`
	sqliteIndexes = `SELECT t.name, CASE i.origin WHEN 'pk' THEN 'PRIMARY' ELSE i.name END, i."unique",
			(SELECT group_concat(x.name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x)
		FROM sqlite_master t JOIN pragma_index_list(t.name) i
		WHERE t.type = 'table' AND t.name NOT LIKE 'goose%' AND t.name NOT LIKE 'sqlite%'
		UNION ALL
		SELECT t.name, 'PRIMARY', 1, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'goose%' AND t.name NOT LIKE 'sqlite%' AND c.pk = 1
			AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) WHERE origin = 'pk')`
)

func each(t *testing.T, d *db.DB, query string, fn func(values []string)) {
	t.Helper()
	rows, err := d.SQL().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		values := make([]sql.NullString, 4)
		if err := rows.Scan(&values[0], &values[1], &values[2], &values[3]); err != nil {
			t.Fatal(err)
		}
		fn([]string{values[0].String, values[1].String, values[2].String, values[3].String})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// family is the kind of value that a column holds. SQLite's times must be declared DATETIME, not DATETIME(6): its
// driver knows them by that very word.
func family(t *testing.T, d *db.DB, values []string) string {
	t.Helper()
	families := map[string]string{
		"bigint": "integer", "int": "integer", "smallint": "integer", "tinyint": "integer",
		"varchar": "text", "char": "text", "text": "text", "mediumtext": "text", "longtext": "text", "enum": "text", "json": "text",
		"binary": "blob", "varbinary": "blob", "blob": "blob", "mediumblob": "blob",
		"datetime": "time",
	}
	if d.Dialect() == db.SQLite {
		families = map[string]string{"integer": "integer", "bigint": "integer", "int": "integer", "boolean": "integer",
			"text": "text", "blob": "blob", "datetime": "time"}
	}
	got, known := families[strings.ToLower(values[2])]
	if !known {
		t.Errorf("%s: %s.%s has the type %s, which has no place in the mall's schema", d.Dialect(), values[0], values[1], values[2])
	}
	return got
}
