package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/cluster"
	"mall/cmd/faults/internal/group"
	"mall/cmd/faults/internal/record"
)

// groupFaults are those of a database that is three machines: a group of MySQL servers that agree on each COMMIT, of which
// one is the primary, and MySQL Router, which leads to it.
func groupFaults() (all []fault) {
	for _, f := range []struct {
		name, about string
		inject      act
	}{
		{"primary killed", "the primary of a group of three is killed with -9, and joins it again", losePrimary(
			func(_ context.Context, _ *stage, m *group.Member) error { return m.Kill() },
			func(context.Context, *stage, *group.Member) error { return nil })},
		{"primary frozen", "the primary of a group stands still until another is chosen, and goes on", losePrimary(
			func(_ context.Context, _ *stage, m *group.Member) error { return m.Pause() },
			func(_ context.Context, _ *stage, m *group.Member) error { return m.Resume() })},
		{"primary islanded", "the primary of a group is cut from the others, and everybody still reaches it", losePrimary(
			islandPrimary, func(_ context.Context, s *stage, _ *group.Member) error { s.group.Mend(); return nil })},
		{"replicas lagging", "a big change keeps the others of a group behind, and the primary is killed", losePrimary(
			killLagged, func(context.Context, *stage, *group.Member) error { return nil })},
		{"planned switch", "another member of a group is made the primary, and the first again", switchPrimary},
		{"router killed", "the Router before a group is killed with -9 and started again", killRouter},
	} {
		all = append(all, fault{name: f.name, about: f.about, boot: ontoGroup, lasts: 3 * time.Second, inject: f.inject, after: noneEnded,
			during: promises{answer: answerWithin, socketsStay: true}})
	}
	return all
}

// ontoGroup puts a group in the place of the database, with all that the database holds. When the fault is over the database
// is back, as it was.
func ontoGroup(ctx context.Context, s *stage) error {
	g, err := group.Start(ctx, filepath.Join(s.cluster.Private(), "group-"+strings.ReplaceAll(s.fault.name, " ", "-")))
	if err != nil {
		return fmt.Errorf("the group: %w", err)
	}
	s.group = g
	back := func() {}
	s.closers = append(s.closers, func() { s.cluster.KillInstances(); back(); g.Close() })
	server, err := group.Open(g.Router.Addr(), "")
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	if err := cluster.Found(ctx, server); err != nil {
		return err
	}
	root, err := group.Open(g.Router.Addr(), cluster.Database)
	if err != nil {
		return err
	}
	from := s.cluster.Root
	back = s.cluster.Onto(g.Router.Addr(), root)
	return s.fill(ctx, from)
}

// fill makes the mall's tables in the database that has taken another's place, with the rows of that one's.
func (s *stage) fill(ctx context.Context, from *sql.DB) error {
	if says, err := s.cluster.Tell(ctx, "migrate", "up"); err != nil {
		return fmt.Errorf("%w: %s", err, says)
	}
	return copyAll(ctx, from, s.cluster.Root)
}

// copyAll fills tables that are there with the rows of another server's.
func copyAll(ctx context.Context, from, to *sql.DB) error {
	rows, err := from.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> 'goose_db_version'")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		if err := copyTable(ctx, from, to, table); err != nil {
			return fmt.Errorf("copying %s: %w", table, err)
		}
	}
	return rows.Err()
}

func copyTable(ctx context.Context, from, to *sql.DB, table string) error {
	const together = 200
	rows, err := from.QueryContext(ctx, "SELECT * FROM "+table) //nolint:gosec // a name from the catalogue
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = "`" + t.Name() + "`"
	}
	if _, err := to.ExecContext(ctx, "DELETE FROM "+table); err != nil { //nolint:gosec // as above
		return err
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(types)), ",") + ")"
	var held []any
	put := func() error {
		if len(held) == 0 {
			return nil
		}
		_, err := to.ExecContext(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ",")+") VALUES "+one+strings.Repeat(","+one, len(held)/len(types)-1), held...) //nolint:gosec // as above
		held = nil
		return err
	}
	for rows.Next() {
		values, into := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if text, ok := v.([]byte); ok && !strings.Contains(types[i].DatabaseTypeName(), "BINARY") && !strings.Contains(types[i].DatabaseTypeName(), "BLOB") {
				values[i] = string(text)
			}
		}
		if held = append(held, values...); len(held) >= together*len(types) {
			if err := put(); err != nil {
				return err
			}
		}
	}
	return errors.Join(rows.Err(), put())
}

// losePrimary takes the primary, the first member, and waits until the group has chosen another and the mall is back on it.
// Then the lost one returns and is of the group again, while everybody goes on writing.
func losePrimary(lose, give func(ctx context.Context, s *stage, m *group.Member) error) act {
	return func(ctx context.Context, s *stage) error {
		old := s.group.First()
		s.forgetRoot()
		began := time.Now()
		if err := lose(ctx, s, old); err != nil {
			return err
		}
		if err := s.backAfter(ctx, "the loss", began, func(m *group.Member) bool { return m != old }); err != nil {
			return err
		}
		if err := give(ctx, s, old); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil { // what it thinks itself to be before it is told
			return err
		}
		if err := old.Rejoin(ctx); err != nil {
			return err
		}
		return s.group.UntilWhole(ctx)
	}
}

// backAfter waits until the group has a primary of the wanted kind, and then until each instance has stored something on it:
// no later than P11's time after the group's own choice.
func (s *stage) backAfter(ctx context.Context, what string, began time.Time, wanted func(*group.Member) bool) error {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "the group has chosen a primary", func() bool { m := s.group.Primary(limited); return m != nil && wanted(m) }); err != nil {
		return err
	}
	chosen := time.Now()
	return s.storesAgain(ctx, fmt.Sprintf("%s, for which the group took %v", what, chosen.Sub(began).Round(10*time.Millisecond)), chosen)
}

// storesAgain waits until each instance has acked something that was sent after a moment.
func (s *stage) storesAgain(ctx context.Context, after string, from time.Time) error {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "every instance stores again", func() bool { return len(s.storing(from)) == instances }); err != nil {
		s.violatef(checker.Late, "%v after %s only %s store again", time.Since(from).Round(time.Second), after, strings.Join(s.storing(from), " "))
		return ctx.Err()
	}
	took := time.Since(from)
	s.limit("the return after "+after, took, backWithin)
	s.note("all store again %v after %s", took.Round(10*time.Millisecond), after)
	return nil
}

// storing names the instances that have acked something since a moment.
func (s *stage) storing(from time.Time) (names []string) {
	for _, e := range checker.Within(s.logs(), checker.Window{From: from}, record.Ack) {
		if slices.ContainsFunc(s.cluster.Instances, func(i *cluster.Program) bool { return i.Name == e.On }) && !slices.Contains(names, e.On) {
			names = append(names, e.On)
		}
	}
	return names
}

// islandPrimary cuts the primary off and writes there past the Router and the mall, as whoever is connected to it would. What it
// acks would be lost: it may ack nothing.
func islandPrimary(ctx context.Context, s *stage, m *group.Member) error {
	if _, err := m.SQL.ExecContext(ctx, "CREATE TABLE "+cluster.Database+".alone (id INT PRIMARY KEY, at DATETIME(6))"); err != nil {
		return err
	}
	s.group.Cut()
	began := time.Now()
	var writing sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	s.closers = append(s.closers, func() { cancel(); writing.Wait() })
	const write = "INSERT INTO " + cluster.Database + ".alone VALUES (?, NOW(6))"
	for n := range 5 {
		writing.Go(func() {
			if err := pause(ctx, time.Duration(n)*time.Second); err != nil {
				return
			}
			asked := time.Since(began).Round(10 * time.Millisecond)
			_, err := m.SQL.ExecContext(ctx, write, n)
			if err == nil {
				s.violatef(checker.Lost, "the islanded primary has acked a write %v after it was cut off", asked)
				return
			}
			s.note("a write on the islanded primary %v after the cut, %v later: %v", asked, time.Since(began).Round(10*time.Millisecond), err)
		})
	}
	return nil
}

// The rows of a big change. They are as many as the others of the group need some seconds for, and as few as the group takes
// in one transaction.
const (
	ballastRows  = 1 << 17
	ballastWidth = 200
)

// killLagged changes many rows in one transaction, as a nightly job may. The others of the group apply it after it is
// committed, and all that is acked meanwhile only after it: then the primary is killed. Whoever follows it must first have
// what was acked.
func killLagged(ctx context.Context, s *stage, m *group.Member) error {
	const ballast = cluster.Database + ".ballast"
	if err := m.Exec(ctx,
		fmt.Sprintf("CREATE TABLE %s (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL, pad CHAR(%d) NOT NULL)", ballast, ballastWidth),
		"INSERT INTO "+ballast+" (n, pad) VALUES (0, '')"); err != nil {
		return err
	}
	for n := 1; n < ballastRows; n *= 2 {
		if err := m.Exec(ctx, "INSERT INTO "+ballast+" (n, pad) SELECT n, pad FROM "+ballast); err != nil {
			return err
		}
	}
	if err := s.group.UntilLevel(ctx); err != nil {
		return err
	}
	if err := m.Exec(ctx, "UPDATE "+ballast+" SET n = n + 1, pad = REPEAT('x', 100)"); err != nil {
		return err
	}
	changed := time.Now()
	acked := func() int { return len(checker.Within(s.logs(), checker.Window{From: changed}, record.Ack)) }
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "something is acked after the big change", func() bool { return acked() > 0 }); err != nil {
		return err
	}
	behind, err := s.group.Behind(ctx, m)
	if err != nil {
		return err
	}
	if err := m.Kill(); err != nil {
		return err
	}
	if slices.Min(behind) == 0 {
		return fmt.Errorf("a member has applied all before the primary was killed: they were behind by %d", behind)
	}
	s.note("the primary was killed when the others were behind by %d transactions, and %d messages were acked after the big change", behind, acked())
	return nil
}

// switchPrimary moves the primary to another member and back while everybody writes.
func switchPrimary(ctx context.Context, s *stage) error {
	for _, to := range []*group.Member{s.group.Members[1], s.group.First()} {
		s.forgetRoot()
		began := time.Now()
		if err := s.group.Lead(ctx, to); err != nil {
			return err
		}
		if err := s.backAfter(ctx, "a switch", began, func(m *group.Member) bool { return m == to }); err != nil {
			return err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// killRouter leaves the mall without a way to its database, which is well.
func killRouter(ctx context.Context, s *stage) error {
	const gone = 5 * time.Second
	s.forgetRoot()
	began := time.Now()
	if err := s.group.Router.Kill(); err != nil {
		return err
	}
	dead := time.Now()
	if err := pause(ctx, gone); err != nil {
		return err
	}
	s.nothingAcked("P10", "there was no Router", checker.Window{From: dead.Add(100 * time.Millisecond), To: time.Now()})
	if err := s.group.Router.Start(); err != nil {
		return err
	}
	return s.backAfter(ctx, "the Router's end", began, func(*group.Member) bool { return true })
}

// noneEnded: the mall finds its database again by itself, and nobody has started an instance anew.
func noneEnded(_ context.Context, s *stage) error {
	for _, i := range s.cluster.Instances {
		if err := i.Signal(syscall.Signal(0)); err != nil {
			s.violatef(checker.Other, "an instance did not live through it: %v", err)
		}
	}
	return nil
}
