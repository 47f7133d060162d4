package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"mall/modules/member"
	"mall/modules/platform/db"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
	"mall/modules/platform/telemetry"
)

// setBan keeps a member out, or lets one in again. Whoever may call it has the database's password, so it asks for no
// other right. Running instances hear of it over Redis; those that do not find out by themselves.
func setBan(ctx context.Context, s settings, ban bool, email string, stdout, stderr io.Writer) (err error) {
	log := telemetry.NewLogger(s.Log, stderr)
	d, err := db.Open(ctx, s.DB.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	redis, closeRedis, err := pubsub.Open(s.Redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRedis()) }()
	bus := pubsub.New(redis, s.Redis.Prefix, s.busSecrets(), func(string, []byte) {}, func() {}, slog.New(slog.DiscardHandler))
	end := introduce(ctx, bus)
	defer end()
	members, err := member.New(s.Member, member.Deps{DB: d, Announcer: &announcer{bus: bus}, Security: securitylog.New(log), Log: log})
	if err != nil {
		return err
	}
	who, err := members.Find(ctx, email)
	if err != nil {
		return fmt.Errorf("%s: %w", email, err)
	}
	act, done := members.Ban, "banned"
	if !ban {
		act, done = members.Unban, "let in again"
	}
	if err := act(ctx, who.ID); err != nil {
		return err
	}
	end()
	if _, err := fmt.Fprintf(stdout, "%s: %s, %s\n", done, who.Email, who.Name); err != nil {
		return err
	}
	if ban && (s.Redis.Embedded() || bus.Stats().Published == 0) {
		_, err = fmt.Fprintln(stdout, "running instances did not hear of it: they end open connections within 30 s")
	}
	return err
}

// introduceWait is how long the running instances may take to find out that this process is one of theirs.
const introduceWait = 2 * time.Second

// introduce lets the bus work until end is called, which sends what waits, and waits until all instances that listen know
// this process: they heed no stranger, who may be long gone. Where Redis or one of them is away it goes on all the same.
func introduce(ctx context.Context, bus *pubsub.Bus) (end func()) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = bus.Run(working) // it has no error but ctx'
	}()
	wait, cancel := context.WithTimeout(ctx, introduceWait)
	defer cancel()
	for wait.Err() == nil && bus.Subscribe(wait, memberChannel) != nil {
		pause(wait, 20*time.Millisecond)
	}
	return sync.OnceFunc(func() { stop(); <-done })
}
