package main

import (
	"context"
	"slices"
	"time"
)

// fault is one way to break the mall.
type fault struct {
	name     string
	about    string
	short    bool          // part of the sample
	settings []string      // with which the instances are started for it
	boot     act           // before they are
	clocked  bool          // they are built with clocks that can be set
	lasts    time.Duration // traffic goes on for so long before it is healed
	inject   act
	heal     act
	after    act  // more to look at once everything is complete
	guests   bool // devices come and go by themselves: when they are back says nothing
	probe    bool // REST calls go on all the time, and none may fail
	during   promises
}

// act is a step of a fault.
type act func(ctx context.Context, s *stage) error

// promises are what must hold while the fault lasts; zero ones are not looked at.
type promises struct {
	noAcks      bool          // P10: nothing is acked
	answer      time.Duration // P10: each send on a living connection is answered
	socketsStay bool          // P10: no connection ends
	ack         time.Duration // P9: sends are acked so fast
	near        time.Duration // P9: clients of the same instance have a message so soon after its ack
	far         time.Duration // P9: all others
	back        time.Duration // P11: after the fault's beginning, everybody is connected and complete again
}

// The contract's numbers.
const (
	completeWithin = 5 * time.Second         // P6
	farWithin      = 2500 * time.Millisecond // P9
	nearWithin     = time.Second             // P9's "at once", on a busy machine
	ackWithin      = time.Second             // P9's "normal speed", on a busy machine
	answerWithin   = 3 * time.Second         // P10
	backWithin     = 10 * time.Second        // P11
	frozenWithin   = 15 * time.Second        // P11
	stopWithin     = 30 * time.Second        // P12
)

// faults is the table of all.
func faults() []fault {
	return slices.Concat(calmFaults(), redisFaults(), sentinelFaults(), databaseFaults(), instanceFaults(), clientFaults(), credentialFaults(),
		clockFaults(), outageFaults(), slowCommitFaults(), groupFaults(), pairFaults(), changeFaults(), deployFaults(),
		canaryFaults(), freshFaults(), retryFaults(), limitFaults(), secretFaults(), crowdFaults())
}

func calmFaults() []fault {
	return []fault{{name: "calm", about: "nothing is broken: what the others are compared with", short: true, lasts: 4 * time.Second,
		during: promises{answer: answerWithin, socketsStay: true, ack: ackWithin, near: nearWithin, far: farWithin}, after: trespass}}
}
