package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mall/migrations"
	"mall/modules/platform/db"
	"mall/modules/platform/telemetry"
)

func migrate(ctx context.Context, s settings, what string, stdout, stderr io.Writer) (err error) {
	log := telemetry.NewLogger(s.Log, stderr)
	d, err := db.Open(ctx, s.DB.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	switch what {
	case "up":
		return migrations.Up(ctx, d, log)
	case "down":
		return migrations.Down(ctx, d, log)
	case "status":
		return printStatus(ctx, d, stdout)
	}
	_, _ = fmt.Fprint(stderr, usage)
	return errUsage
}

func printStatus(ctx context.Context, d *db.DB, stdout io.Writer) error {
	states, err := migrations.Status(ctx, d)
	for _, m := range states {
		when := "pending"
		if !m.AppliedAt.IsZero() {
			when = m.AppliedAt.Format(time.RFC3339)
		}
		if _, err := fmt.Fprintf(stdout, "%-22s %s\n", when, m.Name); err != nil {
			return err
		}
	}
	return err
}
