package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/proxy"
)

// redis gives Redis a command past all proxies; an answer that is an error is one.
func (s *stage) redis(ctx context.Context, command string) error {
	var args [][]byte
	for word := range strings.FieldsSeq(command) {
		args = append(args, []byte(word))
	}
	_, err := s.redisCall(ctx, args...)
	return err
}

func (s *stage) redisCall(ctx context.Context, args ...[]byte) ([]byte, error) {
	return tellRedis(ctx, s.cluster.Redis.Addr(), args...)
}

// tellRedis gives a server one command, as an operator does, and gives its answer as it comes.
func tellRedis(ctx context.Context, addr string, args ...[]byte) ([]byte, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(command(args...)); err != nil {
		return nil, err
	}
	answer, err := proxy.ReadRESP(bufio.NewReader(conn))
	if err == nil && bytes.HasPrefix(answer, []byte("-")) {
		err = fmt.Errorf("redis: %s", bytes.TrimSpace(answer))
	}
	return answer, err
}

func command(args ...[]byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.Bytes()
}

// overheard is real news, as an intruder in Redis hears it.
type overheard struct {
	mu   sync.Mutex
	news map[string][]byte // the latest by channel
}

func (o *overheard) rule(_ *proxy.Link, to proxy.Direction, frame []byte) (proxy.Verdict, time.Duration) {
	if channel, payload, ok := proxy.Published(frame); to == proxy.ToClient && ok && !probing(channel) {
		o.mu.Lock()
		o.news[channel] = bytes.Clone(payload)
		o.mu.Unlock()
	}
	return proxy.Forward, 0
}

// forge lets people write while an intruder publishes on every channel: garbage, real news altered in each of its bytes
// or in its words, real news of other channels, and real news again.
func forge(ctx context.Context, s *stage) error {
	o := &overheard{news: map[string][]byte{}}
	s.onRedis(func(p *proxy.Proxy) { p.SetRule(o.rule) })
	s.undo = append(s.undo, func() { s.onRedis((*proxy.Proxy).Heal) })
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	sent := 0
	var stranger []byte
	for channel, payload := range o.news {
		for _, forged := range forgeries(payload, stranger, s) {
			if _, err := s.redisCall(ctx, []byte("PUBLISH"), []byte(channel), forged); err != nil {
				return err
			}
			sent++
		}
		stranger = payload
	}
	if sent == 0 {
		return fmt.Errorf("no news was overheard")
	}
	s.note("%d forgeries on %d channels", sent, len(o.news))
	return pause(ctx, time.Second)
}

func forgeries(payload, stranger []byte, s *stage) [][]byte {
	garbage := make([]byte, s.rnd.IntN(300))
	for i := range garbage {
		garbage[i] = byte(s.rnd.Uint32())
	}
	all := [][]byte{garbage, {}, []byte("{"), []byte(`{"type":"message","room_id":"` + s.cast.rooms[0] + `","seq":999999,"body":"forged","sender":{"party":"buyer"}}`),
		bytes.Repeat([]byte("A"), 1<<20), payload, payload[:len(payload)/2], append(bytes.Clone(payload), 0)}
	if stranger != nil {
		all = append(all, stranger)
	}
	for range 12 {
		flipped := bytes.Clone(payload)
		flipped[s.rnd.IntN(len(flipped))] ^= 1 << s.rnd.IntN(8)
		all = append(all, flipped)
	}
	if words := bytes.Replace(payload, []byte(`"body":"`), []byte(`"body":"forged `), 1); !bytes.Equal(words, payload) {
		all = append(all, words)
	}
	return all
}
