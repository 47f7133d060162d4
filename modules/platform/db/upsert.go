package db

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// The databases have three ways to name what an INSERT could not insert because its key is taken: SQLite has the row
// excluded, MariaDB the function VALUES, and MySQL an alias that the INSERT gives its row, since VALUES will go from it.
// All statements of the house take the words from here, those through gorm by way of buildAliased.
const rowAlias = "given"

// Taken begins what an INSERT does instead where the key is taken. It comes after the INSERT's rows.
func (d *DB) Taken(key string) string {
	switch {
	case d.cfg.Driver == SQLite:
		return " ON CONFLICT " + key + " DO UPDATE SET "
	case d.aliases:
		return " AS " + rowAlias + " ON DUPLICATE KEY UPDATE "
	default:
		return " ON DUPLICATE KEY UPDATE "
	}
}

// Given is a column as the INSERT has it, for what comes after Taken. There, columns of the table need the table's name
// before them.
func (d *DB) Given(column string) string {
	switch {
	case d.cfg.Driver == SQLite:
		return "excluded." + column
	case d.aliases:
		return rowAlias + "." + column
	default:
		return "VALUES(" + column + ")"
	}
}

// knowsAliases asks the server whether its INSERT takes an alias.
func knowsAliases(ctx context.Context, pool *sql.DB) (bool, error) {
	var version string
	if err := pool.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return false, err
	}
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 8 && !strings.Contains(version, "MariaDB"), nil
}

// buildAliased writes gorm's clause.OnConflict with the row's alias. What names no column of the row is left to before,
// whose words need none.
func buildAliased(before clause.ClauseBuilder) clause.ClauseBuilder {
	return func(c clause.Clause, builder clause.Builder) {
		conflict, ok := c.Expression.(clause.OnConflict)
		aliased := clause.OnConflict{DoUpdates: make(clause.Set, 0, len(conflict.DoUpdates))}
		used := false
		for _, a := range conflict.DoUpdates {
			if column, isColumn := a.Value.(clause.Column); isColumn && column.Table == "excluded" {
				column.Table, used = rowAlias, true
				a.Value = column
			}
			aliased.DoUpdates = append(aliased.DoUpdates, a)
		}
		if !ok || !used {
			before(c, builder)
			return
		}
		_, _ = builder.WriteString("AS " + rowAlias + " ")
		c.Expression = aliased
		before(c, builder)
	}
}

func useAliases(g *gorm.DB) {
	const name = "ON CONFLICT"
	g.ClauseBuilders[name] = buildAliased(g.ClauseBuilders[name])
}
