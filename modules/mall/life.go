package mall

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// step is a part of a start. What it has opened it registers with onStop, whatever comes of the rest of it.
type step func(ctx context.Context) error

// life is what has been started so far, to be undone in reverse.
type life struct{ undos []step }

// onStop registers what takes a step back. It gets a context that ends when the closing has to be over.
func (l *life) onStop(undo step) { l.undos = append(l.undos, undo) }

// take takes the steps; where one fails, all that were taken so far are taken back.
func (l *life) take(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := s(ctx); err != nil {
			return errors.Join(err, l.giveUp(ctx))
		}
	}
	return nil
}

// giveUp undoes a start that has failed, also one that was told to end.
func (l *life) giveUp(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), CloseLimit)
	defer cancel()
	return l.undo(closing)
}

// undo takes everything back, the latest first. A second time there is nothing left to do.
func (l *life) undo(closing context.Context) (err error) {
	for len(l.undos) > 0 {
		last := len(l.undos) - 1
		back := l.undos[last]
		l.undos = l.undos[:last]
		err = errors.Join(err, back(closing))
	}
	return err
}

// within waits for a part of the closing until its time is over: the rest is closed all the same.
func within(closing context.Context, what string, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-closing.Done():
		return fmt.Errorf("closing %s took too long", what)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
