package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"mall/modules/platform/fault"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlitecodes "modernc.org/sqlite/lib"
)

// ErrOutcomeUnknown says that a COMMIT was sent and not answered, or answered with an error: the transaction may be
// stored. It is not a failure. Look for the row by its key (TxOnce does), or tell the caller to send the same thing again.
var ErrOutcomeUnknown = errors.New("db: outcome of COMMIT unknown")

// retryAfter is what a caller is told to wait when the database is away.
const retryAfter = time.Second

// Fault classifies an error of the database: no row is NotFound, a taken unique key Conflict with code "duplicate",
// what a later attempt may get past (deadlock, lock wait, timeout, lost connection, unknown outcome) Unavailable,
// anything else Internal. Errors that have a kind already, and nil, stay as they are. The cause stays in the chain.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return fault.Wrap(fault.NotFound, "not_found", "There is no such thing.", err)
	case IsDuplicate(err):
		return fault.Wrap(fault.Conflict, "duplicate", "This exists already.", err)
	case errors.Is(err, ErrOutcomeUnknown), isTransient(err):
		f := fault.Wrap(fault.Unavailable, "unavailable", "The mall cannot reach its records at the moment.", err)
		f.RetryAfter = retryAfter
		return f
	default:
		return fault.Wrap(fault.Internal, "internal", "Something went wrong on our side.", err)
	}
}

// IsDuplicate says whether a statement failed because a unique key was taken.
func IsDuplicate(err error) bool {
	if errors.Is(err, gorm.ErrDuplicatedKey) || mysqlNumber(err) == 1062 {
		return true
	}
	code := sqliteCode(err)
	return code == sqlitecodes.SQLITE_CONSTRAINT_UNIQUE || code == sqlitecodes.SQLITE_CONSTRAINT_PRIMARYKEY
}

// isTransient says whether the same work may succeed later.
func isTransient(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if network := net.Error(nil); errors.As(err, &network) {
		return true
	}
	return transientNumbers[mysqlNumber(err)] || transientCodes[sqliteCode(err)&0xff]
}

// transientNumbers are the answers of MySQL and MariaDB that pass.
var transientNumbers = map[uint16]bool{
	1020: true,                                     // record has changed since last read (MariaDB's snapshot isolation)
	1021: true,                                     // disk full
	1040: true,                                     // too many connections
	1047: true,                                     // a node of Galera has lost the others (elsewhere: an unknown command, of which there is none)
	1053: true,                                     // server shutdown in progress
	1129: true,                                     // host blocked
	1158: true, 1159: true, 1160: true, 1161: true, // network
	1203: true, // too many connections of this user
	1205: true, // lock wait timeout
	1213: true, // deadlock
	1290: true, // read only, during a failover
	1317: true, // interrupted
	1836: true, // read only mode
	1927: true, // connection killed (MariaDB)
	1969: true, // max_statement_time exceeded (MariaDB)
	2003: true, // MySQL Router has no server to lead to; the numbers of clients are its words
	2006: true, // nor any more
	2013: true, // it has lost the server in the middle of a statement
	3024: true, // max_execution_time exceeded (MySQL)
	3032: true, // offline mode: the server has left its group
	3100: true, // the group has not confirmed a COMMIT: there is no majority
	3101: true, // it has rolled one back: somebody else's came first
	3572: true, // NOWAIT met a lock (MySQL)
	4031: true, // the server had ended a silent connection (MySQL)
}

// transientCodes are SQLite's primary result codes that pass.
var transientCodes = map[int]bool{
	sqlitecodes.SQLITE_BUSY:      true,
	sqlitecodes.SQLITE_LOCKED:    true,
	sqlitecodes.SQLITE_INTERRUPT: true,
	sqlitecodes.SQLITE_IOERR:     true,
	sqlitecodes.SQLITE_FULL:      true,
	sqlitecodes.SQLITE_CANTOPEN:  true,
}

// endsTransaction says whether the statement's failure undid, or may have undone, more than the statement. Going on
// would write outside the transaction: MySQL rolls all back on a deadlock, SQLite on a full disk or an interrupt.
func endsTransaction(err error) bool {
	return isTransient(err) && !errors.Is(err, gorm.ErrRecordNotFound)
}

func mysqlNumber(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
