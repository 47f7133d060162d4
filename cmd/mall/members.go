package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
	"mall/modules/platform/telemetry"
)

// memberAct is what the command line does to a member whom it knows by e-mail.
type memberAct struct {
	do   func(m *member.Members, ctx context.Context, who id.ID) error
	done string
	ends bool // open connections, where running instances hear of it
}

var memberActs = map[string]memberAct{
	"ban":   {(*member.Members).Ban, "banned", true},
	"unban": {(*member.Members).Unban, "let in again", false},
	"operator": {func(m *member.Members, ctx context.Context, who id.ID) error { return m.SetOperator(ctx, who, true) },
		"operator from now on", false},
	"operator -remove": {func(m *member.Members, ctx context.Context, who id.ID) error { return m.SetOperator(ctx, who, false) },
		"operator no longer", true},
	"reset-factors": {(*member.Members).ResetFactors, "second factors taken away", true},
}

const listOperators = "list-operators"

func knownOfMembers(words []string) bool {
	if len(words) == 1 {
		return words[0] == listOperators
	}
	if len(words) == 3 && words[0] == "operator" && words[1] == "-remove" {
		return true
	}
	_, is := memberActs[words[0]]
	return is && len(words) == 2 && words[1] != "-remove"
}

// changeMember does to a member what only whoever has the database's password may, so it asks for no other right. Running
// instances hear of it over Redis; those that do not find out by themselves.
func changeMember(ctx context.Context, s mall.Settings, command string, words []string, stdout, stderr io.Writer) (err error) {
	log := telemetry.NewLogger(s.Log, stderr)
	d, err := db.Open(ctx, s.DB.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	redis, closeRedis, err := pubsub.Open(s.Redis, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRedis()) }()
	bus := pubsub.New(redis, s.Redis.Prefix, s.BusSecrets(), slog.New(slog.DiscardHandler))
	members, err := member.New(s.Member, member.Deps{DB: d, Bus: bus, Security: securitylog.New(log), Log: log})
	if err != nil {
		return err
	}
	end := introduce(ctx, bus)
	defer end()
	if command == listOperators {
		return writeOperators(ctx, members, stdout)
	}
	if i := slices.Index(words, "-remove"); i >= 0 {
		command, words = command+" -remove", slices.Delete(words, i, i+1)
	}
	act, email := memberActs[command], words[0]
	who, err := members.Find(ctx, email)
	if err != nil {
		return fmt.Errorf("%s: %w", email, err)
	}
	if err := act.do(members, ctx, who.ID); err != nil {
		return fmt.Errorf("%s: %w", email, err)
	}
	end()
	if _, err := fmt.Fprintf(stdout, "%s: %s, %s\n", act.done, who.Email, who.Name); err != nil {
		return err
	}
	if act.ends && (s.Redis.Embedded() || bus.Stats().Published == 0) {
		_, err = fmt.Fprintln(stdout, "running instances did not hear of it: they end open connections within 30 s")
	}
	return err
}

func writeOperators(ctx context.Context, members *member.Members, stdout io.Writer) error {
	operators, err := members.Operators(ctx)
	if err != nil {
		return err
	}
	for _, o := range operators {
		factor := "a second factor"
		if !o.SecondFactor {
			factor = "no second factor"
		}
		if _, err := fmt.Fprintf(stdout, "%s, %s, %s\n", o.Email, o.Name, factor); err != nil {
			return err
		}
	}
	return nil
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
	for wait.Err() == nil && bus.Subscribe(wait, member.Channel) != nil {
		pause(wait, 20*time.Millisecond)
	}
	return sync.OnceFunc(func() { stop(); <-done })
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
