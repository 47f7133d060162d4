package store_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mall/configs"
	"mall/modules/chat/internal/store"
	"mall/modules/member"
	"mall/modules/platform/config"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

const benchRooms = 200

// benchDB is a database that flushes each COMMIT, with room to keep what a benchmark writes in memory.
func benchDB(b *testing.B) (*store.Store, *db.DB, []store.Room) {
	b.Helper()
	d := testservers.Open(b, testservers.MySQL(b))
	s := store.New(d)
	rooms := make([]store.Room, benchRooms)
	for i := range rooms {
		o, err := s.OpenRoom(b.Context(), store.Opening{BuyerID: id.New(), ShopID: id.New(), Subject: "general"})
		if err != nil {
			b.Fatal(err)
		}
		rooms[i] = o.Room
	}
	return s, d, rooms
}

// serverCPU is what the database server has used of the processor so far.
func serverCPU(b *testing.B, d *db.DB) time.Duration {
	b.Helper()
	var data string
	if err := d.SQL().QueryRowContext(b.Context(), "SELECT @@datadir").Scan(&data); err != nil {
		b.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(data, "server.pid"))
	if err != nil {
		b.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	var ticks int64
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// seatedDB is benchDB with a member of the staff for each ten of the shops.
func seatedDB(b *testing.B) (*store.Store, []store.Room, map[id.ID]id.ID) {
	b.Helper()
	_, d, rooms := benchDB(b)
	var settings struct {
		Member member.Config  `koanf:"member"`
		Rest   map[string]any `koanf:",remain"`
	}
	if err := config.Load(configs.Default, "", nil, &settings); err != nil {
		b.Fatal(err)
	}
	settings.Member.TokenSecret, settings.Member.Cookie.Name = "hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "bench"
	members, err := member.New(settings.Member, member.Deps{DB: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	var seed member.Seed
	staff := map[id.ID]id.ID{}
	for i, r := range rooms {
		if i%10 == 0 {
			seed.Members = append(seed.Members, member.SeedMember{ID: id.New(), Email: fmt.Sprintf("a%d@x.kr", i), Password: "a password of a bench", Name: "누구"})
		}
		staff[r.ShopID] = seed.Members[len(seed.Members)-1].ID
		seed.Shops = append(seed.Shops, member.SeedShop{ID: r.ShopID, Name: fmt.Sprintf("상점 %d", i)})
		seed.Staff = append(seed.Staff, member.SeedStaff{Shop: r.ShopID, Member: staff[r.ShopID], Role: identity.RoleAgent})
	}
	if err := members.Seed(b.Context(), seed); err != nil {
		b.Fatal(err)
	}
	return store.NewSeated(d, members.Seats), rooms, staff
}

// BenchmarkAppendOfStaff stores what staff write, with and without the question whether they are still of the staff.
// One op is one message.
func BenchmarkAppendOfStaff(b *testing.B) {
	s, rooms, staff := seatedDB(b)
	for _, size := range []int{1, 10, 100} {
		for _, asked := range []bool{false, true, false, true} {
			b.Run(fmt.Sprintf("batch=%d/asked=%v", size, asked), func(b *testing.B) {
				b.ReportAllocs()
				for at := 0; at < b.N; at += size {
					ds := make([]store.Draft, size)
					for i := range ds {
						r := rooms[(at+i)%len(rooms)]
						ds[i] = draft(r.ID, staff[r.ShopID], store.Shop, "재고 있습니다. 내일 받으실 수 있어요.")
						if asked {
							ds[i].Staff = store.Seat{Shop: r.ShopID, Member: staff[r.ShopID]}
						}
					}
					out, err := s.Append(b.Context(), ds, true)
					if err != nil || out[0].Err != nil {
						b.Fatal(err, out)
					}
				}
			})
		}
	}
}

// BenchmarkAppend stores batches as the writer does when so many rooms talk at once: one message of each room in a
// batch, the parties in turn, so that states change as they do in a real talk. One op is one message.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 10, 50, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s, d, rooms := benchDB(b)
			const lanes = 2
			var stored atomic.Int64
			b.ReportAllocs()
			before := serverCPU(b, d)
			b.ResetTimer()
			var wg sync.WaitGroup
			for lane := range lanes {
				wg.Go(func() {
					mine := rooms[lane*benchRooms/lanes : (lane+1)*benchRooms/lanes]
					for at := 0; stored.Add(int64(size)) <= int64(b.N+size); at += size {
						ds := make([]store.Draft, size)
						for i := range ds {
							r := mine[(at+i)%len(mine)]
							party, sender := store.Buyer, r.BuyerID
							if (at+i)/len(mine)%2 == 1 {
								party, sender = store.Shop, r.ShopID
							}
							ds[i] = draft(r.ID, sender, party, "재고 있나요? 내일 받을 수 있을까요? 사이즈는 M입니다.")
						}
						if _, err := s.Append(b.Context(), ds, true); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(serverCPU(b, d)-before)/float64(time.Microsecond)/float64(b.N), "db-cpu-us/op")
		})
	}
}

// BenchmarkNewest reads the page that is asked for most, of rooms whose messages came in turn. One op is one page.
func BenchmarkNewest(b *testing.B) {
	s, d, rooms := benchDB(b)
	const messages, page = 250, 50
	for range messages / 2 {
		for _, party := range []string{store.Buyer, store.Shop} {
			ds := make([]store.Draft, len(rooms))
			for i, r := range rooms {
				ds[i] = draft(r.ID, r.BuyerID, party, "재고 있나요? 내일 받을 수 있을까요? 사이즈는 M입니다.")
			}
			if _, err := s.Append(b.Context(), ds, true); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	before := serverCPU(b, d)
	b.ResetTimer()
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		var into []store.Message
		for pb.Next() {
			ms, err := s.Newest(b.Context(), rooms[int(n.Add(1))%len(rooms)].ID, page, into)
			if err != nil || len(ms) != page {
				b.Errorf("%d messages, %v", len(ms), err)
				return
			}
			into = ms
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(serverCPU(b, d)-before)/float64(time.Microsecond)/float64(b.N), "db-cpu-us/op")
}
