package chat

import (
	"errors"

	"mall/modules/platform/fault"
	"mall/modules/platform/text"
)

// checkBody refuses text that the contract does not allow. It changes nothing: a message is evidence.
func (c *Chat) checkBody(body string, mayBeEmpty bool) error {
	if mayBeEmpty && body == "" {
		return nil
	}
	switch err := text.Body(body, c.cfg.BodyCodePoints, c.cfg.BodyLines); {
	case err == nil:
		return nil
	case errors.Is(err, text.ErrEmpty):
		return fault.Invalidf("body", "empty_body", "Write something first.")
	case errors.Is(err, text.ErrTooLong):
		return fault.Invalidf("body", "too_long", "A message has at most %d characters.", c.cfg.BodyCodePoints)
	case errors.Is(err, text.ErrLines):
		return fault.Invalidf("body", "too_long", "A message has at most %d lines.", c.cfg.BodyLines)
	}
	return fault.Invalidf("body", "invalid_body", "The message holds characters that cannot be shown.")
}
