package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/cluster"
	"mall/cmd/faults/internal/pair"
	"mall/cmd/faults/internal/record"
)

// pairFaults are those of a database that is two machines: a MariaDB whose COMMITs wait until its replica has them, and
// that replica, which an operator promotes by configs/mariadb/promote.sh. The instances' proxies stand for the
// database's address.
func pairFaults() (all []fault) {
	for _, f := range []struct {
		name, about string
		before      act
	}{
		{"semi-sync primary killed", "a MariaDB whose COMMITs wait for its replica is killed with -9; " +
			"the replica is promoted, and the other follows it", nil},
		{"semi-sync primary cut off", "as before, but for two seconds before it reaches no replica", leaveAlone},
		{"replica lags, primary killed", "as the first, but the replica has applied nothing for 4 s", lagBehind},
	} {
		all = append(all, fault{name: f.name, about: f.about, boot: ontoPair, lasts: 3 * time.Second,
			inject: losePairsPrimary(f.before), after: oldFollows,
			during: promises{answer: answerWithin, socketsStay: true}})
	}
	return append(all, fault{name: "lossy failover", boot: ontoPair, lasts: 3 * time.Second, inject: loseAcked,
		about: "as the first, but the primary has gone on without its replica, and what it acked is lost: " +
			"instances must notice, and an operator renews the epoch",
		after: onlyThoseAreGone, during: promises{answer: answerWithin}})
}

// pairStage is what a fault of a pair knows.
type pairStage struct {
	*pair.Pair

	back  []func()       // what leads the database's address back
	alone checker.Window // when acks were given that the replica had no part in
}

// scripts are the operator's, of the source tree that is tested.
func (s *stage) scripts() string { return filepath.Join(s.tree, "configs", "mariadb") }

// ontoPair puts a pair in the place of the database, with all that the database holds. When the fault is over the
// database is back, as it was.
func ontoPair(ctx context.Context, s *stage) error {
	dir := filepath.Join(s.cluster.Private(), "pair-"+strings.ReplaceAll(s.fault.name, " ", "-"))
	p, err := pair.Start(ctx, dir, s.scripts())
	if err != nil {
		return fmt.Errorf("the pair: %w", err)
	}
	s.pair = &pairStage{Pair: p}
	s.closers = append(s.closers, func() {
		s.cluster.KillInstances()
		for i := len(s.pair.back) - 1; i >= 0; i-- {
			s.pair.back[i]()
		}
		p.Close()
	})
	if err := cluster.Found(ctx, p.First.SQL); err != nil {
		return err
	}
	from := s.cluster.Root
	if err := s.leadTo(p.First); err != nil {
		return err
	}
	return errors.Join(s.fill(ctx, from), pair.UntilSame(ctx, p.Second, p.First))
}

// leadTo gives the database's address to one of a pair.
func (s *stage) leadTo(server *pair.Server) error {
	root, err := server.Open(cluster.Database)
	if err == nil {
		s.pair.back = append(s.pair.back, s.cluster.Onto(server.Addr(), root))
	}
	return err
}

// leaveAlone cuts the replica off a while before the primary's end: COMMITs wait, and the primary has written down what
// nobody else has and nobody is told of.
func leaveAlone(ctx context.Context, s *stage) error {
	const alone = 2 * time.Second
	s.pair.Cut()
	from := time.Now().Add(500 * time.Millisecond) // answers that were on their way
	if err := pause(ctx, alone); err != nil {
		return err
	}
	s.nothingAcked("P15", "no replica confirmed anything", checker.Window{From: from, To: time.Now()})
	has, err := s.pair.First.Text(ctx, "SELECT @@gtid_binlog_pos")
	if err != nil {
		return err
	}
	replica, err := s.pair.Second.Replica(ctx)
	s.note("the old primary had come to %s in the end, its replica to %s", has, replica["Gtid_IO_Pos"])
	if err == nil && has == replica["Gtid_IO_Pos"] {
		err = errors.New("the primary has written down nothing alone")
	}
	return err
}

// lagBehind stops the replica's applying for a while: acks go on, since it still receives.
func lagBehind(ctx context.Context, s *stage) error {
	if err := s.pair.Second.Exec(ctx, "STOP SLAVE SQL_THREAD"); err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, 4*time.Second); err != nil {
		return err
	}
	acks := checker.Within(s.logs(), checker.Window{From: began}, record.Ack)
	s.note("%d messages were acked that the replica had received and not applied", len(acks))
	return nil
}

// losePairsPrimary kills the primary and does what its operators do.
func losePairsPrimary(before act) act {
	return func(ctx context.Context, s *stage) error {
		if before != nil {
			if err := before(ctx, s); err != nil {
				return err
			}
		}
		if err := s.failOver(ctx); err != nil {
			return err
		}
		anew, err := s.rejoin(ctx)
		if anew {
			s.violatef(checker.Other, "the old primary had committed what its replica did not have")
		}
		return err
	}
}

// failOver kills the primary, promotes the replica and gives it the database's address; then each instance must store
// again.
func (s *stage) failOver(ctx context.Context) error {
	s.forgetRoot()
	if err := s.pair.First.Kill(); err != nil {
		return err
	}
	died := time.Now()
	if err := pause(ctx, byHand); err != nil {
		return err
	}
	began := time.Now()
	says, err := s.pair.Promote(ctx, s.pair.Second)
	if err != nil {
		return err
	}
	promoted := time.Now()
	s.pair.alone.To = promoted
	s.note("%v after the primary's end an operator came; %s, after %v",
		began.Sub(died).Round(time.Second), says, promoted.Sub(began).Round(10*time.Millisecond))
	s.nothingAcked("P15", "there was no primary", checker.Window{From: died.Add(200 * time.Millisecond), To: promoted})
	if err := s.leadTo(s.pair.Second); err != nil {
		return err
	}
	return s.storesAgain(ctx, "the promotion", promoted)
}

// rejoin brings the old primary back as the replica of the new one.
func (s *stage) rejoin(ctx context.Context) (anew bool, err error) {
	began := time.Now()
	anew, err = s.pair.Rejoin(ctx, s.pair.First, s.pair.Second)
	if err != nil {
		return anew, err
	}
	how := "with its own data"
	if anew {
		how = "made anew from a copy, since it had committed what the other never had"
	}
	s.note("the old primary follows the new one after %v, %s", time.Since(began).Round(10*time.Millisecond), how)
	return anew, nil
}

// oldFollows: nobody has started an instance anew, and the old primary has what the new one has.
func oldFollows(ctx context.Context, s *stage) error {
	if err := noneEnded(ctx, s); err != nil {
		return err
	}
	if err := pair.UntilSame(ctx, s.pair.First, s.pair.Second); err != nil {
		return err
	}
	const sum = "CHECKSUM TABLE " + cluster.Database + ".chat_messages"
	var name, theirs, ours string
	err := errors.Join(s.pair.First.SQL.QueryRowContext(ctx, sum).Scan(&name, &theirs),
		s.pair.Second.SQL.QueryRowContext(ctx, sum).Scan(&name, &ours))
	if err == nil && theirs != ours {
		s.violatef(checker.Other, "the old primary follows, and has other messages than the new one")
	}
	return err
}

// loseAcked lets the primary go on alone and be lost with what it acked. Nobody tells the mall: it must notice itself.
func loseAcked(ctx context.Context, s *stage) error {
	const alone = 3 * time.Second
	if err := s.pair.First.Exec(ctx, "SET GLOBAL rpl_semi_sync_master_timeout = 500"); err != nil {
		return err
	}
	s.pair.alone.From = time.Now()
	s.pair.Cut()
	if err := until(ctx, "the primary goes on alone", func() bool {
		waits, err := s.pair.First.Status(ctx, "Rpl_semi_sync_master_status")
		return err == nil && waits == "OFF"
	}); err != nil {
		return err
	}
	if err := pause(ctx, alone); err != nil {
		return err
	}
	if err := s.failOver(ctx); err != nil {
		return err
	}
	if err := s.noticed(ctx); err != nil {
		return err
	}
	says, err := s.cluster.Tell(ctx, "epoch", "renew")
	if err != nil {
		return err
	}
	s.note("mall epoch renew: %s", strings.TrimSpace(says))
	if err := s.forgotten(ctx); err != nil {
		return err
	}
	_, err = s.rejoin(ctx)
	return err
}

// noticeWithin is how long instances may need to notice what is lost, once they store again. They look every two
// seconds, and twice.
const noticeWithin = 10 * time.Second

// noticed waits until instances say that acked messages are lost, each in one line of its log.
func (s *stage) noticed(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, noticeWithin)
	defer cancel()
	var who []string
	_ = until(limited, "all have noticed", func() bool { // who has not is looked at below
		who = s.noticing(limited, 1)
		return len(who) == instances
	})
	took := time.Since(s.pair.alone.To)
	if len(who) == 0 {
		s.violatef(checker.Lost, "acked messages are gone, and %v after the promotion no instance has noticed",
			took.Round(time.Second))
		return ctx.Err()
	}
	s.note("%s noticed within %v of the promotion", strings.Join(who, " "), took.Round(100*time.Millisecond))
	for _, i := range s.cluster.Instances {
		text, err := os.ReadFile(i.Log())
		if err != nil {
			return err
		}
		said := 0
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "ERROR") && strings.Contains(line, "mall epoch renew") {
				said++
			}
		}
		if said > 1 || said == 0 && len(who) == instances {
			s.violatef(checker.Other, "%s has said %d times that messages are gone", i.Name, said)
		}
	}
	return nil
}

// noticing names the instances whose figure of it is so.
func (s *stage) noticing(ctx context.Context, figure float64) (names []string) {
	for _, i := range s.cluster.Instances {
		if is, err := i.Figure(ctx, "mall_chat_lost"); err == nil && is == figure {
			names = append(names, i.Name)
		}
	}
	return names
}

// forgotten waits until nobody misses anything any more, in the new life.
func (s *stage) forgotten(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, noticeWithin)
	defer cancel()
	all := func() bool { return len(s.noticing(limited, 0)) == instances }
	if err := until(limited, "the new life has nothing lost", all); err != nil {
		s.violatef(checker.Late, "%v after the epoch was renewed only %s know nothing to be lost",
			noticeWithin, strings.Join(s.noticing(ctx, 0), " "))
	}
	return ctx.Err()
}

// onlyThoseAreGone: what was acked while the primary had its replica is stored where it was acked, and so is what was
// acked after the promotion, in either epoch.
func onlyThoseAreGone(ctx context.Context, s *stage) error {
	stored, err := checker.Load(ctx, s.cluster.Root, s.base)
	if err != nil {
		return err
	}
	gone, given := 0, 0
	taken := map[string]bool{} // numbers under which something is gone
	for _, l := range s.logs() {
		for _, e := range l.Events() {
			if e.Kind != record.Ack || stored.Rooms[e.Room].Rows[e.Seq].Key == e.Key {
				continue
			}
			if s.pair.alone.Has(e.At) {
				gone++
				taken[fmt.Sprint(e.Room, e.Seq)] = true
				continue
			}
			s.violate(checker.Violation{Kind: checker.Lost, Client: l.Client, Room: e.Room, Seq: e.Seq,
				Text: fmt.Sprintf("acked at %s, when the primary was not alone, and not stored under that seq: key %s",
					e.At.Format("15:04:05.000"), e.Key)})
		}
	}
	for room, r := range stored.Rooms {
		for seq := range r.Rows {
			if taken[fmt.Sprint(room, seq)] {
				given++
			}
		}
	}
	if gone == 0 {
		return errors.New("nothing that was acked is lost: there was nothing to notice")
	}
	s.note("%d acked messages are lost, all acked while the primary was alone; others have got %d of their numbers", gone, given)
	return oldFollows(ctx, s)
}
