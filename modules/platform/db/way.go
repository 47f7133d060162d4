package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/go-sql-driver/mysql"

	"mall/modules/platform/tlsfiles"
)

// Check finds what tags cannot say of how the database is reached. The error names the key.
func (c Config) Check() error {
	if c.Driver != MySQL {
		if c.TLS || !c.TLSFiles.Empty() {
			return errors.New("db.tls: there is nothing to encrypt without db.driver mysql")
		}
		return nil
	}
	dsn, err := mysql.ParseDSN(c.DSN)
	if err != nil {
		return fmt.Errorf("db.dsn: %w", err)
	}
	if c.TLS && dsn.TLSConfig != "" {
		return errors.New("db.dsn: says tls= itself, which db.tls and the settings beside it say better: take it out")
	}
	if err := c.TLSFiles.Check("db", c.TLS); err != nil {
		return err
	}
	if host, open := c.open(dsn); open && tlsfiles.WayTo(host) == tlsfiles.Public {
		return fmt.Errorf("db.tls: must be set: the way to %s leads over the internet, where without it everything is read and changed", host)
	}
	return nil
}

// Readable says whether somebody on the way may read what is said to the database, or pose as it; likely where that way
// leads out of networks of our own, as far as its name tells. The settings have been checked.
func (c Config) Readable() (host string, readable, likely bool) {
	dsn, err := mysql.ParseDSN(c.DSN)
	if c.Driver != MySQL || err != nil {
		return "", false, false
	}
	host, open := c.open(dsn)
	way := tlsfiles.WayTo(host)
	return host, open && way > tlsfiles.Machine, open && way > tlsfiles.Private
}

// open says whether connections to the host are such that the way there matters. An encrypted one to whoever answers, or one
// that whoever is on the way may keep from being encrypted, is as good as none.
func (c Config) open(dsn *mysql.Config) (host string, open bool) {
	if dsn.Net == "unix" {
		return "localhost", false
	}
	host, _, err := net.SplitHostPort(dsn.Addr)
	if err != nil {
		host = dsn.Addr
	}
	checked := c.TLS || dsn.TLS != nil && !dsn.TLS.InsecureSkipVerify && !dsn.AllowFallbackToPlaintext
	return host, !checked
}

// encrypt has each connection made with the certificates of its moment.
func encrypt(driver *mysql.Config, cfg Config, log *slog.Logger) error {
	if !cfg.TLS {
		return nil
	}
	files, err := tlsfiles.Open("db", cfg.TLSFiles, log)
	if err != nil {
		return err
	}
	return driver.Apply(mysql.BeforeConnect(func(_ context.Context, one *mysql.Config) error {
		host, _, err := net.SplitHostPort(one.Addr)
		if err != nil {
			host = one.Addr
		}
		one.TLS, one.AllowFallbackToPlaintext = files.Client(host), false // whatever the DSN says
		return nil
	}))
}
