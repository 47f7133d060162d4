// Command mall is the whole mall: REST, WebSocket and web UI.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/platform/config"
)

// version is set when the program is built.
var version = "development"

const usage = `usage: mall [-config FILE] [COMMAND]

  serve               run the mall (default)
  migrate up          bring the database's schema up to date
  migrate down        undo the newest migration, with the data it holds
  migrate status      list the migrations and when they were applied
  epoch renew         after a restore that may have lost commits: make clients read their rooms anew
  member ban EMAIL    end a member's logins and connections everywhere, and keep the member out
  member unban EMAIL  let the member log in again
  member operator EMAIL          let the member run the mall: read talks with a recorded reason
  member operator -remove EMAIL  no longer
  member list-operators          list who does
  member reset-factors EMAIL     take all second factors of a member away who has lost them, and end their logins
  version             print the version

Settings come from configs/default.yaml (built in), FILE and MALL_ variables.
`

// hashCommand makes this program a process that hashes passwords for another one.
const hashCommand = "hash-passwords"

// errUsage has been explained to the user already.
var errUsage = errors.New("usage")

func main() { os.Exit(runUntilSignal()) }

func runUntilSignal() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return exitCode(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr), os.Stderr)
}

// exitCode is 0 after an orderly end, 2 for a mistake in the call or the settings, 1 for everything else.
func exitCode(err error, stderr io.Writer) int {
	var bad *mall.SettingsError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return 2
	case errors.As(err, &bad):
		_, _ = fmt.Fprintln(stderr, "mall: settings:", bad)
		return 2
	}
	_, _ = fmt.Fprintln(stderr, "mall:", err)
	return 1
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("mall", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { _, _ = fmt.Fprint(stderr, usage) }
	file := flags.String("config", os.Getenv(config.FileVariable), "settings file")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return errUsage
	}
	command, rest := "serve", flags.Args()
	if len(rest) > 0 {
		command, rest = rest[0], rest[1:]
	}
	if command == "version" {
		_, err := fmt.Fprintln(stdout, version)
		return err
	}
	if command == hashCommand && len(rest) == 0 { // started by serve, for itself
		return member.ServeHashes(os.Stdin, stdout, stderr)
	}
	if !known(command, rest) {
		flags.Usage()
		return errUsage
	}
	s, err := mall.Load(*file, environ)
	if err != nil {
		return err
	}
	switch command {
	case "migrate":
		return migrate(ctx, s, rest[0], stdout, stderr)
	case "epoch":
		return renewEpoch(ctx, s, stdout, stderr)
	case "member":
		return changeMember(ctx, s, rest[0], rest[1:], stdout, stderr)
	}
	return serve(ctx, s, stdout, stderr)
}

func known(command string, rest []string) bool {
	switch command {
	case "serve":
		return len(rest) == 0
	case "migrate":
		return len(rest) == 1 && slices.Contains([]string{"up", "down", "status"}, rest[0])
	case "epoch":
		return len(rest) == 1 && rest[0] == "renew"
	case "member":
		return knownOfMembers(rest)
	}
	return false
}
