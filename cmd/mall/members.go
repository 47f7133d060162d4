package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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
func changeMember(ctx context.Context, s settings, command string, words []string, stdout, stderr io.Writer) (err error) {
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
	bus := pubsub.New(redis, s.Redis.Prefix, func(string, []byte) {}, func() {}, log)
	members, err := member.New(s.Member, member.Deps{DB: d, Announcer: &announcer{bus: bus}, Security: securitylog.New(log), Log: log})
	if err != nil {
		return err
	}
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
	sayAll(ctx, bus)
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

// sayAll publishes what waits in the bus; its end does.
func sayAll(ctx context.Context, bus *pubsub.Bus) {
	ended, end := context.WithCancel(ctx)
	end()
	_ = bus.Run(ended) // it has no error but ctx'
}
