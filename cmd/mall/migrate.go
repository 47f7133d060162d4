package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mall/migrations"
	"mall/modules/chat"
	"mall/modules/mall"
	"mall/modules/platform/db"
	"mall/modules/platform/telemetry"
)

func migrate(ctx context.Context, s mall.Settings, what string, stdout, stderr io.Writer) (err error) {
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
	default:
		return printStatus(ctx, d, stdout)
	}
}

func renewEpoch(ctx context.Context, s mall.Settings, stdout, stderr io.Writer) (err error) {
	d, err := db.Open(ctx, s.DB.Config, telemetry.NewLogger(s.Log, stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	epoch, err := chat.RenewEpoch(ctx, d)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "new epoch:", epoch)
	return err
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
