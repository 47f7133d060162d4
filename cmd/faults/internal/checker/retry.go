package checker

import "fmt"

// Retried is a send whose first answer was lost, and what became of its retries after the world had changed.
type Retried struct {
	What    string
	Room    string
	Key     string
	Seq     int64 // under which it is stored
	Rows    int   // of its key, in the end
	Refused bool  // the sender has no seat any more: the retries must be refused
	Answers []Answer
}

// Answer is what a retry got: a seq, or the code of a refusal.
type Answer struct {
	How  string // by socket or REST, on which instance
	Seq  int64
	Dup  bool
	Code string
}

// JudgeRetry requires that a retry answers the stored seq with dup, as long as the sender has a seat, and stores nothing (P2).
func JudgeRetry(r Retried) (found []Violation) {
	add := func(kind Kind, format string, args ...any) {
		found = append(found, Violation{kind, "", r.Room, r.Seq, r.What + ": " + fmt.Sprintf(format, args...)})
	}
	if r.Rows != 1 {
		add(Doubled, "%d rows of key %s", r.Rows, r.Key)
	}
	for _, a := range r.Answers {
		switch {
		case r.Refused && a.Code == "":
			add(Foreign, "who has no seat any more was answered %d %s", a.Seq, a.How)
		case r.Refused:
		case a.Code != "":
			add(Other, "P2: a retry %s of what is stored was refused: %s", a.How, a.Code)
		case a.Seq != r.Seq:
			add(Doubled, "a retry %s was answered with seq %d", a.How, a.Seq)
		case !a.Dup:
			add(Doubled, "a retry %s was answered as if it were the first", a.How)
		}
	}
	return found
}
