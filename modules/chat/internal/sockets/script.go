package sockets

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// The count of a member is a hash: how many connections each instance has let in. Those of an instance whose key has
// lapsed do not count. An instance says how many it has (held) and how many more are wanted, and learns how many of these
// may be. It so tells all anew each time: an answer that was lost does no harm.
const script = `
local limit, held, want, me, alive = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local others = 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= me then
    if redis.call('EXISTS', alive .. all[i]) == 1 then others = others + tonumber(all[i + 1])
    else redis.call('HDEL', KEYS[1], all[i]) end
  end
end
local grant = math.max(0, math.min(want, limit - others - held))
if held + grant > 0 then
  redis.call('HSET', KEYS[1], me, held + grant)
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else redis.call('HDEL', KEYS[1], me) end
return grant
`

var sha = redis.NewScript(script).Hash()

// request is what Redis is asked of a member.
type request struct {
	who        id.ID
	held, want int
	answer     *redis.Cmd
}

// granted is how many of those who are wanted may be; where Redis has not said so all of them, as far as this instance's
// own count goes.
func (r request) granted() (n int, known bool) {
	if r.answer == nil {
		return r.want, false
	}
	n, err := r.answer.Int()
	if err != nil {
		return r.want, false
	}
	return n, true
}

// ask asks for all of whom something has changed, many in a round trip.
func (c *Counter) ask(ctx context.Context) {
	for requests := c.next(); len(requests) > 0; requests = c.next() {
		if !c.isAway() && c.askRedis(ctx, requests) != nil {
			c.failed()
		}
		c.deliver(requests)
	}
}

func (c *Counter) isAway() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.away)
}

func (c *Counter) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = time.Now().Add(awayFor)
	c.lost = true // of some parts, perhaps, only the number
}

// next takes some of those of whom something has changed.
func (c *Counter) next() (requests []request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for who := range c.changed {
		if len(requests) == batch {
			break
		}
		delete(c.changed, who)
		if m := c.members[who]; m != nil {
			requests = append(requests, request{who: who, held: m.held, want: len(m.asking)})
		}
	}
	return requests
}

func (c *Counter) askRedis(ctx context.Context, requests []request) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.run(ctx, requests, func(pipe redis.Pipeliner, keys []string, args []any) *redis.Cmd {
		return pipe.EvalSha(ctx, sha, keys, args...)
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // a server that has just started
		err = c.run(ctx, requests, func(pipe redis.Pipeliner, keys []string, args []any) *redis.Cmd {
			return pipe.Eval(ctx, script, keys, args...)
		})
	}
	return err
}

func (c *Counter) run(ctx context.Context, requests []request, call func(redis.Pipeliner, []string, []any) *redis.Cmd) error {
	pipe := c.client.Pipeline()
	for i, r := range requests {
		key, alive := c.key(r.who)
		requests[i].answer = call(pipe, []string{key}, []any{c.limit, r.held, r.want, c.instance, alive, keepCount.Milliseconds()})
	}
	c.count(ctx, pipe, requests)
	_, err := pipe.Exec(ctx)
	return err
}

// deliver gives those who wait their answers. Who came after Redis was asked is asked for next.
func (c *Counter) deliver(requests []request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range requests {
		m := c.members[r.who]
		granted, known := r.granted()
		c.lost = c.lost || !known
		later := m.asking[r.want:]
		m.asking = m.asking[:r.want]
		m.settle(granted)
		if m.asking = later; len(later) > 0 {
			c.change(r.who)
		}
		if known && m.idle() {
			m.gone = time.Now()
			c.gone = append(c.gone, gone{r.who, m.gone})
		}
	}
}
