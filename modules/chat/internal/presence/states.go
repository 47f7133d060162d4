package presence

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/chat/internal/hub"
)

// shares is how many parts the keys of a cluster are in, so that one command can ask for many that lie together. It is
// part of the keys' names.
const shares = 16

// tagsFor gives the parts of the keys' names that say where in a cluster they lie; on a single server none is needed.
func tagsFor(client redis.UniversalClient) []string {
	if _, ok := client.(*redis.ClusterClient); !ok {
		return []string{""}
	}
	all := make([]string, shares)
	for i := range all {
		all[i] = "{" + strconv.Itoa(i) + "}"
	}
	return all
}

func share(tags []string, party hub.Party) int { return int(party.ID[14]) % len(tags) }

// statesScript answers for pairs of keys, a party's instances and when it was seen last: on how many it is, and the time.
const statesScript = `
local out = {}
for i = 1, #KEYS, 2 do
  out[i] = redis.call('ZCOUNT', KEYS[i], ARGV[1], '+inf')
  out[i + 1] = redis.call('GET', KEYS[i + 1]) or ''
end
return out
`

var statesSHA = redis.NewScript(statesScript).Hash()

// States tells which of the parties are online. Of whom Redis says nothing, nothing is known, and the answer says
// nothing. A page of rooms costs one command, on a cluster one for each part of the keys.
func (p *Presence) States(ctx context.Context, parties []hub.Party) map[hub.Party]State {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var asked [][]hub.Party
	for _, of := range p.parts(parties) {
		for part := range slices.Chunk(of, chunk) {
			asked = append(asked, part)
		}
	}
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	cmds := p.queryStates(ctx, asked, func(pipe redis.Pipeliner, keys []string) *redis.Cmd {
		return pipe.EvalSha(ctx, statesSHA, keys, now)
	})
	if slices.ContainsFunc(cmds, func(c *redis.Cmd) bool { return redis.HasErrorPrefix(c.Err(), "NOSCRIPT") }) { // a server that has just started
		cmds = p.queryStates(ctx, asked, func(pipe redis.Pipeliner, keys []string) *redis.Cmd {
			return pipe.Eval(ctx, statesScript, keys, now)
		})
	}
	out := make(map[hub.Party]State, len(parties))
	for i, part := range asked {
		values, err := cmds[i].Slice()
		if err != nil || len(values) != 2*len(part) {
			continue
		}
		for j, party := range part {
			out[party] = stateOf(values[2*j], values[2*j+1])
		}
	}
	return out
}

// parts sorts parties by where their keys lie.
func (p *Presence) parts(parties []hub.Party) [][]hub.Party {
	parts := make([][]hub.Party, len(p.tags))
	for _, party := range parties {
		at := share(p.tags, party)
		parts[at] = append(parts[at], party)
	}
	return parts
}

// queryStates asks in one pipeline; each answer has its own error.
func (p *Presence) queryStates(ctx context.Context, asked [][]hub.Party,
	call func(redis.Pipeliner, []string) *redis.Cmd) []*redis.Cmd {
	pipe := p.client.Pipeline()
	cmds := make([]*redis.Cmd, len(asked))
	for i, part := range asked {
		keys := make([]string, 0, 2*len(part))
		for _, party := range part {
			keys = append(keys, p.online(party), p.seen(party))
		}
		cmds[i] = call(pipe, keys)
	}
	_, _ = pipe.Exec(ctx)
	return cmds
}

func stateOf(instances, seen any) State {
	n, _ := instances.(int64)
	s := State{Online: n > 0}
	if text, ok := seen.(string); ok && text != "" {
		if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
			s.LastSeen = time.UnixMilli(ms).UTC()
		}
	}
	return s
}
