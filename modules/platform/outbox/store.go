package outbox

import (
	"context"
	"encoding/json"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// row is one message in the database. due_at is when it may be taken: now for a new one, the end of the lease for one
// that an instance has taken, later for one that failed.
type row struct {
	ID        id.ID     `gorm:"column:id;primaryKey"`
	Topic     string    `gorm:"column:topic"`
	Payload   string    `gorm:"column:payload"`
	CreatedAt time.Time `gorm:"column:created_at"`
	DueAt     time.Time `gorm:"column:due_at"`
	Attempts  int       `gorm:"column:attempts"`
}

func (row) TableName() string { return "platform_outbox" }

// store keeps messages in the table platform_outbox.
type store struct{ db *db.DB }

// add writes a new message, due at once.
func (s store) add(ctx context.Context, m Message) error {
	now := time.Now().UTC()
	return s.db.Write(ctx).Create(&row{ID: m.ID, Topic: m.Topic, Payload: string(m.Payload), CreatedAt: now, DueAt: now}).Error
}

// claim takes up to limit due messages of a topic for the length of lease, oldest first. Rows that another instance is
// just taking are passed over. The count of attempts goes up here, so that a message that kills its instance counts.
func (s store) claim(ctx context.Context, topic string, limit int, lease time.Duration) ([]Message, error) {
	var messages []Message
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		now := time.Now().UTC()
		var rows []row
		if err := due(s.db.Write(ctx), topic, now, limit).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]id.ID, len(rows))
		messages = make([]Message, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
			messages[i] = Message{ID: r.ID, Topic: r.Topic, Payload: json.RawMessage(r.Payload), CreatedAt: r.CreatedAt, Attempts: r.Attempts + 1}
		}
		return s.db.Write(ctx).Model(&row{}).Where("id IN ?", ids).
			Updates(map[string]any{"due_at": now.Add(lease), "attempts": gorm.Expr("attempts + 1")}).Error
	})
	if err != nil {
		return nil, err
	}
	return messages, nil
}

// due is the query of the index platform_outbox_due.
func due(g *gorm.DB, topic string, now time.Time, limit int) *gorm.DB {
	return g.Model(&row{}).Select("id", "topic", "payload", "created_at", "attempts").
		Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}).
		Where("topic = ? AND due_at <= ?", topic, now).Order("due_at, id").Limit(limit)
}

func (s store) remove(ctx context.Context, x id.ID) error {
	return s.db.Write(ctx).Where("id = ?", x).Delete(&row{}).Error
}

// postpone plans the next try, unless the lease has ended meanwhile and somebody else has the message.
func (s store) postpone(ctx context.Context, m Message, due time.Time) error {
	return s.db.Write(ctx).Model(&row{}).Where("id = ? AND attempts = ?", m.ID, m.Attempts).Update("due_at", due.UTC()).Error
}

// release gives back taken messages that were not tried.
func (s store) release(ctx context.Context, ids []id.ID) error {
	return s.db.Write(ctx).Model(&row{}).Where("id IN ?", ids).
		Updates(map[string]any{"due_at": time.Now().UTC(), "attempts": gorm.Expr("attempts - 1")}).Error
}

// topics are the topics of which there are messages.
func (s store) topics(ctx context.Context) ([]string, error) {
	var topics []string
	err := s.db.Read(ctx).Model(&row{}).Distinct().Pluck("topic", &topics).Error
	return topics, err
}
