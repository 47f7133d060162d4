package member

import (
	"fmt"
	"strings"
	"time"
)

// inWords is how long something is good for, as letters say it in the mall's two languages: in its two largest units, what
// is less left out, so that no letter promises more than is kept. Days are told from two on.
func inWords(life time.Duration) (korean, english string) {
	units := []struct {
		length          time.Duration
		korean, english string
	}{{day, "일", "day"}, {time.Hour, "시간", "hour"}, {time.Minute, "분", "minute"}, {time.Second, "초", "second"}}
	if life < 2*day {
		units = units[1:]
	}
	for len(units) > 1 && life < units[0].length {
		units = units[1:]
	}
	var ko, en []string
	for _, u := range units[:min(2, len(units))] {
		n := int64(life / u.length)
		life %= u.length
		if n == 0 {
			continue
		}
		ko = append(ko, fmt.Sprintf("%d%s", n, u.korean))
		if n > 1 {
			u.english += "s"
		}
		en = append(en, fmt.Sprintf("%d %s", n, u.english))
	}
	return strings.Join(ko, " "), strings.Join(en, " ")
}

// lasting is a wording with how long what it speaks of is good for, in place of {life}.
func (w wording) lasting(life time.Duration) wording {
	ko, en := inWords(life)
	return wording{w.subject, strings.ReplaceAll(w.korean, "{life}", ko), strings.ReplaceAll(w.english, "{life}", en)}
}
