package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"strconv"
	"sync"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// statement is one SQL statement for many rows, written by hand: a batch of a hundred messages has two thousand
// values, and a placeholder with its conversions for each of them costs more than storing them. What the mall made
// itself (ids, numbers, times, names of states) stands in the text; what people wrote is an argument, always.
type statement struct {
	text   []byte
	args   []any
	sqlite bool
	db     *db.DB
}

// statements are used again: one for a hundred messages is as long as a page.
var statements = sync.Pool{New: func() any { return &statement{text: make([]byte, 0, 8<<10)} }}

// keptText is the longest text whose memory is kept.
const keptText = 128 << 10

func (s *Store) statement(begin string) *statement {
	q := statements.Get().(*statement)
	q.text, q.args, q.sqlite, q.db = append(q.text[:0], begin...), q.args[:0], s.isSQLite(), s.db
	return q
}

// exec runs the statement, which is gone then.
func (s *Store) exec(ctx context.Context, q *statement) error {
	defer q.free()
	_, err := s.db.Exec(ctx, string(q.text), q.args...)
	return db.Fault(err)
}

// query is exec for a statement that answers rows.
func (s *Store) query(ctx context.Context, q *statement, each func(*sql.Rows) error) error {
	defer q.free()
	return db.Fault(s.db.Query(ctx, string(q.text), q.args, each))
}

func (q *statement) free() {
	clear(q.args) // what people wrote is not kept
	if cap(q.text) <= keptText {
		statements.Put(q)
	}
}

func (q *statement) raw(text string) *statement {
	q.text = append(q.text, text...)
	return q
}

// id appends an id as both databases write bytes; the id of nothing is NULL.
func (q *statement) id(x id.ID) *statement {
	if x == id.Nil {
		return q.raw("NULL")
	}
	q.text = append(q.text, "x'"...)
	q.text = hex.AppendEncode(q.text, x[:])
	q.text = append(q.text, '\'')
	return q
}

func (q *statement) num(n int64) *statement {
	q.text = strconv.AppendInt(q.text, n, 10)
	return q
}

// at appends a time as package db describes it.
func (q *statement) at(t time.Time) *statement {
	if q.sqlite {
		return q.num(t.UnixMicro())
	}
	q.text = t.UTC().AppendFormat(q.text, "'2006-01-02 15:04:05.000000'")
	return q
}

// now appends the moment at which the server runs the statement; on SQLite the given one, of this process.
func (q *statement) now(here time.Time) *statement {
	if q.sqlite {
		return q.at(here)
	}
	return q.raw("UTC_TIMESTAMP(6)")
}

func (q *statement) maybeAt(t *time.Time) *statement {
	if t == nil {
		return q.raw("NULL")
	}
	return q.at(*t)
}

// word appends one of our own names: a party, a kind, a state. Anything but small letters becomes an argument.
func (q *statement) word(w string) *statement {
	for i := range len(w) {
		if w[i] < 'a' || w[i] > 'z' {
			return q.arg(w)
		}
	}
	q.text = append(q.text, '\'')
	q.text = append(q.text, w...)
	q.text = append(q.text, '\'')
	return q
}

// arg appends a place for what people wrote.
func (q *statement) arg(v any) *statement {
	q.args = append(q.args, v)
	q.text = append(q.text, '?')
	return q
}

func (q *statement) maybeArg(v *string) *statement {
	if v == nil {
		return q.raw("NULL")
	}
	return q.arg(*v)
}

// list appends ids between parentheses.
func (q *statement) list(ids []id.ID) *statement {
	q.raw("(")
	for i, x := range ids {
		if i > 0 {
			q.raw(",")
		}
		q.id(x)
	}
	return q.raw(")")
}

// more begins a further row of values.
func (q *statement) more() *statement {
	if q.text[len(q.text)-1] == ')' {
		q.raw(",")
	}
	return q.raw("(")
}

// onTaken begins what an INSERT does instead where the key is taken; given is a column as the INSERT has it.
func (q *statement) onTaken(key string) *statement { return q.raw(q.db.Taken(key)) }

func (q *statement) given(column string) string { return q.db.Given(column) }
