package testservers

import (
	"context"
	"database/sql"
	"strings"
)

// Connection is one of a server's connections, and what it is doing.
type Connection struct {
	ID                   int64
	User, Database, Info string
}

// Connections are all that the server has. It asks by SHOW: MySQL's information_schema.processlist is an error while anybody
// runs a statement with bytes in it that are no text.
func Connections(ctx context.Context, pool *sql.DB) (all []Connection, err error) {
	rows, err := pool.QueryContext(ctx, "SHOW FULL PROCESSLIST")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var c Connection
		var user, database, info, other sql.NullString
		into := make([]any, len(names))
		for i, name := range names {
			switch strings.ToLower(name) {
			case "id":
				into[i] = &c.ID
			case "user":
				into[i] = &user
			case "db":
				into[i] = &database
			case "info":
				into[i] = &info
			default:
				into[i] = &other
			}
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		c.User, c.Database, c.Info = user.String, database.String, info.String
		all = append(all, c)
	}
	return all, rows.Err()
}
