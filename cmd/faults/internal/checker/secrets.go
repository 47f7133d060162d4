package checker

import (
	"fmt"
	"strings"
)

// Secret is a text that must not be where it can be read by others.
type Secret struct {
	What string
	Text string
	Body bool // a message's: Redis carries it from instance to instance
}

// JudgeText names the secrets that a text, such as a log, holds.
func JudgeText(where, text string, secrets []Secret) (found []Violation) {
	for _, s := range secrets {
		at := strings.Index(text, s.Text)
		if s.Text == "" || at < 0 {
			continue
		}
		begin := strings.LastIndexByte(text[:at], '\n') + 1
		found = append(found, Violation{Foreign, where, "", 0, fmt.Sprintf("%s, %d times, the first in %.300q", s.What, strings.Count(text, s.Text), text[begin:])})
	}
	return found
}

// JudgeMonitor looks at what Redis was told, as its MONITOR writes it down: no token and no cookie anywhere, and bodies in
// nothing but what is published.
func JudgeMonitor(lines []string, secrets []Secret) (found []Violation) {
	for _, line := range lines {
		published := commandOf(line) == "publish" || commandOf(line) == "spublish"
		for _, s := range secrets {
			if s.Text != "" && strings.Contains(line, s.Text) && !(s.Body && published) {
				found = append(found, Violation{Foreign, "redis", "", 0, fmt.Sprintf("%s in a command: %.300q", s.What, line)})
			}
		}
	}
	return found
}

// commandOf is the command of a line `+1339518083.107412 [0 127.0.0.1:60866] "PUBLISH" "channel" …`.
func commandOf(line string) string {
	_, rest, _ := strings.Cut(line, "] \"")
	name, _, _ := strings.Cut(rest, "\"")
	return strings.ToLower(name)
}
