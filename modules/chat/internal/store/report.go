package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Report is one row of chat_reports: what a member has reported to the mall.
type Report struct {
	ID               id.ID
	ReporterID       id.ID
	ClientID         id.ID // the reporter's own id for it
	Party            string
	RoomID           id.ID
	ReportedMemberID id.ID // zero: nobody in particular
	ReportedShopID   id.ID // zero: a buyer
	Seq              int64 // the message that it is about; 0: none
	Reason           string
	Text             string
	Day              int64 // since 1970
	Number           int   // among those of its reporter on that day
	CreatedAt        time.Time
}

// TableName is the table of reports.
func (Report) TableName() string { return "chat_reports" }

const reportColumns = "id, reporter_id, client_id, party, room_id, reported_member_id, reported_shop_id, seq, reason, text, day, number, created_at"

// day is what the limit of reports is counted for.
const day = 24 * time.Hour

// AddReport keeps a report, at most most of one reporter on a day of UTC, however many come at once: the unique key gives
// each its number. dup: its ClientID is known, and the answer is what was kept then. RateLimited says when the next one
// may come.
func (s *Store) AddReport(ctx context.Context, r Report, most int) (kept Report, dup bool, err error) {
	r.ID, r.CreatedAt = id.New(), s.Now()
	r.Day = r.CreatedAt.Unix() / int64(day/time.Second)
	for range most + 1 { // whoever loses a number tries for the next one
		if kept, dup, err = s.addReport(ctx, r, most); !db.IsDuplicate(err) {
			return kept, dup, err
		}
	}
	return kept, dup, err
}

func (s *Store) addReport(ctx context.Context, r Report, most int) (Report, bool, error) {
	var found []Report
	w := s.db.Write(ctx)
	err := w.Raw("SELECT "+reportColumns+" FROM chat_reports WHERE reporter_id = ? AND client_id = ?", r.ReporterID, r.ClientID).Scan(&found).Error
	if err != nil || len(found) > 0 {
		return first(found), true, db.Fault(err)
	}
	if err := s.db.Write(ctx).Raw("SELECT COALESCE(MAX(number), 0) FROM chat_reports WHERE reporter_id = ? AND day = ?", r.ReporterID, r.Day).Scan(&r.Number).Error; err != nil {
		return Report{}, false, db.Fault(err)
	}
	if r.Number >= most {
		tomorrow := time.Unix(0, 0).Add(time.Duration(r.Day+1) * day)
		return Report{}, false, fault.Retry(fault.RateLimited, "rate_limited", "You have reported as much as one may in a day.", tomorrow.Sub(r.CreatedAt))
	}
	r.Number++
	err = s.db.Write(ctx).Create(&r).Error
	return r, false, db.Fault(err)
}

func first(rs []Report) Report {
	if len(rs) == 0 {
		return Report{}
	}
	return rs[0]
}

// reportsMost is more than a member can have made in a year.
const reportsMost = 10_000

// ReportsBy are the reports of a member, the newest first.
func (s *Store) ReportsBy(ctx context.Context, reporter id.ID) ([]Report, error) {
	var reports []Report
	err := s.db.Read(ctx).Select(reportColumns).Where("reporter_id = ?", reporter).Order("day DESC, number DESC").
		Limit(reportsMost).Find(&reports).Error
	return reports, db.Fault(err)
}
