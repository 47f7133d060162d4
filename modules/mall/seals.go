package mall

import (
	"context"
	"sync"
	"time"

	"mall/modules/platform/fault"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
)

// BusSecrets are what seals news between instances, the one that seals first: made of the token secrets, for this only.
func (s *Settings) BusSecrets() [][]byte {
	keys, err := s.Member.Keys()
	if err != nil {
		return nil // the settings have been checked
	}
	return keys.Derive("news between instances")
}

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
