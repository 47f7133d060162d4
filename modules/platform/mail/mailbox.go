package mail

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// mailboxSize is how many letters a Mailbox keeps: the newest.
const mailboxSize = 100

// Kept is a letter in a Mailbox.
type Kept struct {
	Letter

	At time.Time
}

// Mailbox keeps letters instead of sending them, and logs the links in them: for a demo on one machine, whose people
// have no mailboxes. Whoever sees it can be any of them.
type Mailbox struct {
	log *slog.Logger

	mu   sync.Mutex
	kept []Kept // the oldest first
}

// NewMailbox makes an empty one.
func NewMailbox(log *slog.Logger) *Mailbox { return &Mailbox{log: log} }

// Send keeps the letter.
func (b *Mailbox) Send(ctx context.Context, l Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) >= mailboxSize {
		b.kept = append(b.kept[:0], b.kept[len(b.kept)-mailboxSize+1:]...)
	}
	b.kept = append(b.kept, Kept{l, time.Now()})
	b.log.InfoContext(ctx, "a letter of the demo", slog.String("subject", l.Subject), slog.Any("links", Links(l.Text)))
	return nil
}

// Letters are those kept, the newest first.
func (b *Mailbox) Letters() []Kept {
	b.mu.Lock()
	defer b.mu.Unlock()
	letters := make([]Kept, 0, len(b.kept))
	for i := len(b.kept) - 1; i >= 0; i-- {
		letters = append(letters, b.kept[i])
	}
	return letters
}

// Links are the lines of a text that are an address of the web.
func Links(text string) (links []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if (strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://")) && !strings.ContainsAny(line, " \t") {
			links = append(links, line)
		}
	}
	return links
}
