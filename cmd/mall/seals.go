package main

import (
	"context"
	"sync"
	"time"

	"mall/modules/platform/fault"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
)

// busSecrets are what seals news between instances: a key of its own is derived from each.
func (s *settings) busSecrets() [][]byte { return [][]byte{[]byte(s.Member.TokenSecret)} }

// badSealEvery is how often refused news is written down; the metrics count all of it.
const badSealEvery = time.Minute

// badSeals writes down that somebody without the secret speaks on Redis, or plays what was said before.
func badSeals(to *securitylog.Log) func(channel string, why pubsub.Refusal) {
	var mu sync.Mutex
	var next time.Time
	return func(_ string, why pubsub.Refusal) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.After(next) {
			next = now.Add(badSealEvery)
			to.Write(context.Background(), securitylog.Event{What: securitylog.BadSeal, Reason: string(why),
				Err: fault.New(fault.Forbidden, "bad_seal", "News on Redis was not an instance's.")})
		}
	}
}
