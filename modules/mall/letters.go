package mall

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"mall/modules/platform/mail"
	"mall/modules/platform/securitylog"
)

// letters gives what sends the mall's letters: a relay, or the mailbox that the demo shows. nil: none are sent, which a
// real mall must say on purpose, since its members can then neither prove an address nor get back in without a password.
func (s *Settings) letters(ctx context.Context, log *slog.Logger, security *securitylog.Log) (mail.Sender, *mail.Mailbox, error) {
	if err := s.Mail.Check(); err != nil {
		return nil, nil, err
	}
	host, _, _ := net.SplitHostPort(s.HTTP.Addr)
	switch {
	case s.Mail.SMTPAddr != "":
		relay, err := mail.NewSMTP(s.Mail, log)
		return relay, nil, err
	case s.Mail.Off:
	case s.Embedded() && s.IsDemo() && loopback(host):
		box := mail.NewMailbox(log)
		return box, box, nil
	case !s.Embedded():
		return nil, nil, errors.New("mail.smtp_addr: must be set with db.driver mysql (members could not set a new password), or mail.off: true")
	}
	log.WarnContext(ctx, "no letters are sent: members cannot prove an address nor set a forgotten password (mail.smtp_addr)")
	security.Write(ctx, securitylog.Event{What: securitylog.DangerousSetting, Reason: "mail.smtp_addr"})
	return nil, nil, nil
}
