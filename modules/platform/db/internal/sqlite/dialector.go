// Package sqlite teaches gorm the SQL of SQLite: what the mall's stores use, not more.
package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/migrator"
	"gorm.io/gorm/schema"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Dialector is gorm's view of an open SQLite pool. Migrations are SQL files, so it can create no tables.
type Dialector struct{ Conn gorm.ConnPool }

// Name is what gorm calls the dialect.
func (Dialector) Name() string { return "sqlite" }

// Initialize registers gorm's callbacks and the clauses that SQLite words differently.
func (d Dialector) Initialize(g *gorm.DB) error {
	g.ConnPool = d.Conn
	callbacks.RegisterDefaultCallbacks(g, &callbacks.Config{LastInsertIDReversed: true})
	// BEGIN IMMEDIATE has locked the whole database by the time a row could be locked.
	g.ClauseBuilders["FOR"] = func(clause.Clause, clause.Builder) {}
	g.ClauseBuilders["INSERT"] = buildInsert
	g.ClauseBuilders["LIMIT"] = buildLimit
	return errors.Join(
		g.Callback().Update().Before("gorm:update").Register("sqlite:whole", refuseLimit),
		g.Callback().Delete().Before("gorm:delete").Register("sqlite:whole", refuseLimit),
	)
}

// refuseLimit stops what gorm would do silently: leave out the LIMIT that this SQLite cannot parse, and change every row.
func refuseLimit(g *gorm.DB) {
	if _, limited := g.Statement.Clauses["LIMIT"]; limited {
		_ = g.AddError(errors.New("sqlite: UPDATE and DELETE take no LIMIT; name the rows by a subquery"))
	}
}

// buildInsert says INSERT OR IGNORE where a statement for MySQL says INSERT IGNORE.
func buildInsert(c clause.Clause, builder clause.Builder) {
	insert, ok := c.Expression.(clause.Insert)
	if ok && strings.EqualFold(insert.Modifier, "IGNORE") {
		insert.Modifier = "OR IGNORE"
		c.Expression = insert
	}
	c.Build(builder)
}

// buildLimit gives OFFSET the LIMIT that SQLite wants before it.
func buildLimit(c clause.Clause, builder clause.Builder) {
	limit, ok := c.Expression.(clause.Limit)
	if ok && limit.Limit == nil && limit.Offset > 0 {
		all := -1
		limit.Limit = &all
		c.Expression = limit
	}
	c.Build(builder)
}

// BindVarTo writes a placeholder.
func (Dialector) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

// QuoteTo quotes a name, part by part: main.t becomes `main`.`t`. Parts that are quoted already stay as they are.
func (Dialector) QuoteTo(w clause.Writer, name string) {
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			_ = w.WriteByte('.')
		}
		bare := strings.Trim(part, "`")
		_, _ = w.WriteString("`" + strings.ReplaceAll(bare, "`", "``") + "`")
	}
}

// DefaultValueOf is what a column gets that a row does not name.
func (Dialector) DefaultValueOf(*schema.Field) clause.Expression { return clause.Expr{SQL: "NULL"} }

// Explain is the statement for logs.
func (Dialector) Explain(sql string, vars ...any) string {
	return logger.ExplainSQL(sql, nil, `'`, vars...)
}

// DataTypeOf has no answer, since no table is made from a Go type.
func (Dialector) DataTypeOf(*schema.Field) string { return "" }

// Migrator answers questions about tables only.
func (d Dialector) Migrator(g *gorm.DB) gorm.Migrator {
	return migrator.Migrator{Config: migrator.Config{DB: g, Dialector: d}}
}

// SavePoint marks a point inside a transaction.
func (Dialector) SavePoint(g *gorm.DB, name string) error { return g.Exec("SAVEPOINT " + name).Error }

// RollbackTo undoes what came after the point.
func (Dialector) RollbackTo(g *gorm.DB, name string) error {
	return g.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

// Translate puts gorm's word for a broken constraint beside SQLite's own error.
func (Dialector) Translate(err error) error {
	e, ok := err.(*driver.Error) //nolint:errorlint // gorm may pass what is translated already
	if !ok {
		return err
	}
	switch e.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
		return fmt.Errorf("%w: %w", gorm.ErrDuplicatedKey, err)
	case codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", gorm.ErrForeignKeyViolated, err)
	case codes.SQLITE_CONSTRAINT_CHECK:
		return fmt.Errorf("%w: %w", gorm.ErrCheckConstraintViolated, err)
	default:
		return err
	}
}
