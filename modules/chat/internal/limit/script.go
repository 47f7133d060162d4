package limit

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// The bucket of a member is a hash: how many tokens it has (l) at a time (t, Redis' clock in microseconds), and for
// each instance what that may still have on lease, and until when. New tokens come only while those in the bucket and
// on lease together are fewer than the burst: nobody can save up leases and let a burst through besides. What an
// instance has spent of a lease counts as there until it says so, with its next question, or until the lease lapses;
// all that lapse meanwhile count until the last of them does. A lease is good for longer while no other instance has one:
// it then takes nothing from anybody who is there, and from one that comes later no more than this one lease. An instance that gives its lease back puts what it has not
// spent into the bucket again, if the lease has not lapsed: bucket and leases together grow by nothing. (redis_rate's script knows of no leases, rounds away parts
// of tokens, and cannot be one of many in a pipeline.)
const script = `
local burst, rate, want, held, keep = tonumber(ARGV[1]), tonumber(ARGV[2]) / 1000000, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local me, gives = ARGV[6], ARGV[7] == '1'
local alone = tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local level, at, leased, lapsed, last, mine = burst, now, 0, 0, 0, 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  if field == 'l' then level = tonumber(value)
  elseif field == 't' then at = tonumber(value)
  else
    local n, ends = string.match(value, '(%d+) (%d+)')
    leased = leased + n
    if tonumber(ends) <= now then
      lapsed, last = lapsed + n, math.max(last, tonumber(ends))
      redis.call('HDEL', KEYS[1], field)
    elseif field == me then mine = tonumber(n)
    end
  end
end
local function fill(to, most)
  level = math.min(level + math.max(0, to - at) * rate, most)
  at = math.max(at, to)
end
if lapsed > 0 then fill(last, burst - leased) end
fill(now, burst - leased + lapsed)
if leased - lapsed - mine == 0 then keep = alone end
local more = math.max(0, math.min(want, math.floor(level)))
level = level - more
if gives then
  level = level + math.min(held, mine)
  redis.call('HDEL', KEYS[1], me)
end
redis.call('HSET', KEYS[1], 'l', string.format('%.17g', level), 't', string.format('%.0f', now))
if not gives then redis.call('HSET', KEYS[1], me, string.format('%.0f %.0f', held + more, now + keep)) end
redis.call('PEXPIRE', KEYS[1], math.ceil((burst / rate + keep) / 1000 + 1000))
local wait = 0
if want > 0 and more == 0 then wait = math.ceil((1 - level) / rate) end
return {more, wait, keep}
`

var sha = redis.NewScript(script).Hash()

// askRedis asks for tokens for some members, in one round trip. The error is that of any of them.
func (l *Limiter) askRedis(ctx context.Context, s *share, members []id.ID) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	now := time.Since(l.began)
	requests := make([]request, len(members))
	for i, who := range members {
		sh := l.shard(who)
		sh.Lock()
		held, want := sh.members[who].report(now, l.rules)
		sh.Unlock()
		requests[i] = l.request(s, who, held, want, false)
	}
	answers := make([]answer, len(members))
	return answers, l.runScript(ctx, requests, answers)
}

// runScript runs the script for each request, in one round trip.
func (l *Limiter) runScript(ctx context.Context, requests []request, answers []answer) error {
	err := l.run(ctx, requests, answers, func(pipe redis.Pipeliner, r request) *redis.Cmd {
		return pipe.EvalSha(ctx, sha, r.keys, r.args...)
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // a server that has just started
		err = l.run(ctx, requests, answers, func(pipe redis.Pipeliner, r request) *redis.Cmd {
			return pipe.Eval(ctx, script, r.keys, r.args...)
		})
	}
	return err
}

// request is one call of the script.
type request struct {
	keys []string
	args []any
}

func (l *Limiter) request(s *share, who id.ID, held, want int, gives bool) request {
	end := 0
	if gives {
		end = 1
	}
	return request{[]string{l.prefix + ":tokens:" + s.tag + l.rules.name + who.String()},
		[]any{l.rules.burst, l.rules.perSecond, want, held, l.rules.keep.Microseconds(), l.name, end, l.rules.alone.Microseconds()}}
}

func (l *Limiter) run(ctx context.Context, requests []request, answers []answer, call func(redis.Pipeliner, request) *redis.Cmd) error {
	pipe := l.client.Pipeline()
	cmds := make([]*redis.Cmd, len(requests))
	for i, r := range requests {
		cmds[i] = call(pipe, r)
	}
	_, err := pipe.Exec(ctx)
	for i, cmd := range cmds {
		answers[i] = answerOf(cmd)
	}
	return err
}

func answerOf(cmd *redis.Cmd) answer {
	values, err := cmd.Int64Slice()
	if err != nil || len(values) != 3 {
		return answer{err: errors.Join(errAway, err)}
	}
	return answer{more: int(values[0]), wait: time.Duration(values[1]) * time.Microsecond, keep: time.Duration(values[2]) * time.Microsecond}
}
