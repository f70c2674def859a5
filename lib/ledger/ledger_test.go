package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
)

const job, topic = "stream.sales", "sales"

func member(name string, ttl time.Duration) ledger.Member {
	return ledger.Member{Job: job, Topic: topic, Name: name, TTL: ttl}
}

func ensure(t *testing.T, db *pgxpool.Pool, starts map[int]int64) {
	t.Helper()
	if err := ledger.Ensure(t.Context(), db, job, topic, starts); err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, db *pgxpool.Pool, m ledger.Member, partition int) ledger.Lease {
	t.Helper()
	l, ok, err := m.Claim(t.Context(), db, partition)
	if err != nil || !ok {
		t.Fatalf("%s claims partition %d: %v, %v", m.Name, partition, ok, err)
	}
	return l
}

func refused(t *testing.T, db *pgxpool.Pool, m ledger.Member, partition int) {
	t.Helper()
	if l, ok, err := m.Claim(t.Context(), db, partition); err != nil || ok {
		t.Fatalf("%s claims partition %d: %v, %v, %+v; want no", m.Name, partition, ok, err, l)
	}
}

// commit writes one batch as a stream does.
func commit(t *testing.T, db ledger.DB, l ledger.Lease, b *ledger.Batch) error {
	t.Helper()
	q := &pgx.Batch{}
	q.Queue("begin")
	l.QueueGuard(q, b.First)
	l.Queue(q, b)
	q.Queue("commit")
	err := db.SendBatch(t.Context(), q).Close()
	if err != nil {
		if _, err := db.Exec(t.Context(), "rollback"); err != nil {
			t.Fatal(err)
		}
	}
	return err
}

func conn(t *testing.T, db *pgxpool.Pool) *pgxpool.Conn {
	t.Helper()
	c, err := db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c
}

func TestClaimFollowsTheLease(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 7})
	ensure(t, db, map[int]int64{0: 9}) // a row that is there stays
	a, b := member("a", time.Hour), member("b", time.Hour)
	first := claim(t, db, a, 0)
	if first.Next != 7 || first.Epoch != 1 || first.HasMax {
		t.Errorf("first lease %+v, want offset 7, epoch 1, no event", first)
	}
	refused(t, db, b, 0)
	if again := claim(t, db, a, 0); again.Epoch != 2 {
		t.Errorf("its own lease again has epoch %d, want 2", again.Epoch)
	}
	if err := first.Release(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	refused(t, db, b, 0) // the release was of a lease that is lost
	second := claim(t, db, a, 0)
	if err := second.Release(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	claim(t, db, b, 0)
	if _, err := db.Exec(t.Context(), "update dag.stream_offsets set lease_until = clock_timestamp() - interval '1 ms'"); err != nil {
		t.Fatal(err)
	}
	claim(t, db, a, 0)
}

func TestOnlyOneOfManyClaims(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0})
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := 0
	for i := range 16 {
		wg.Go(func() {
			_, ok, err := member(fmt.Sprint("m", i), time.Hour).Claim(t.Context(), db, 0)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if ok {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d members own the partition, want 1", won)
	}
}

func TestBatchMovesThePartition(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0, 1: 0})
	l := claim(t, db, member("a", time.Hour), 0)
	c := conn(t, db).Conn()
	at := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	b := &ledger.Batch{
		First: 0, Next: 10, LogEnd: 30, Inserted: 4, Duplicates: 1,
		Dead: []ledger.Letter{
			{Offset: 1, Value: []byte("\xff\x00"), Reason: "not JSON: \"\x00\xff\"", Headers: []ledger.Header{{Key: "h\x00", Value: []byte{1}}, {Key: "none"}}},
			{Offset: 2, Key: []byte("k"), Reason: "empty"},
		},
		Held: []ledger.Letter{{Offset: 5, Value: []byte("{}"), Reason: "d.k=1", EventTime: at.UnixMicro(), Watermark: ledger.NoTime}},
		Late: []ledger.Late{{Offset: 7, EventTime: at.UnixMicro(), Watermark: at.Add(time.Hour).UnixMicro()}},

		MinTime: at.UnixMicro(), MaxTime: at.Add(2 * time.Hour).UnixMicro(),
		MaxEvent: at.Add(time.Hour).UnixMicro(), HasMax: true, ClusterID: "c", TopicID: "t",
	}
	if err := commit(t, c, l, b); err != nil {
		t.Fatal(err)
	}
	ps, err := ledger.Progress(t.Context(), db, job)
	if err != nil {
		t.Fatal(err)
	}
	got := ps[0]
	got.Updated = time.Time{}
	want := ledger.Partition{Topic: topic, Next: 10, LogEnd: 30, Rows: 4, Epoch: 1, Owner: "a", Live: true, ClusterID: "c", TopicID: "t", MaxEvent: at.Add(time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" || got.Lag() != 20 {
		t.Errorf("partition, lag %d (-want +got):\n%s", got.Lag(), diff)
	}
	if n, err := ledger.Rows(t.Context(), db, job); err != nil || n != 4 {
		t.Errorf("Rows = %d, %v; want 4", n, err)
	}
	var text string
	err = db.QueryRow(t.Context(), `select string_agg(d::text, E'\n' order by "offset") from (
		select "offset", key, value, headers, reason from dag.dead_letters) d`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	wantText := "(1,,\"\\\\xff00\",\"[{\"\"key\"\": \"\"h\uFFFD\"\", \"\"value\"\": \"\"AQ==\"\"}, {\"\"key\"\": \"\"none\"\", \"\"value\"\": null}]\",\"not JSON: \"\"\uFFFD\uFFFD\"\"\")\n" +
		"(2,\"\\\\x6b\",,[],empty)"
	if diff := cmp.Diff(wantText, text); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	o, err := l.Outcome(t.Context(), db, 0, 10)
	if err != nil || o != (ledger.Outcome{Committed: true, Inserted: 4, Late: 1, Duplicates: 1, Dead: 2, Held: 1}) {
		t.Errorf("outcome %+v, %v", o, err)
	}
	if o, err := l.Outcome(t.Context(), db, 10, 20); err != nil || o.Committed {
		t.Errorf("outcome of a batch that never was: %+v, %v", o, err)
	}
	if err := commit(t, c, l, b); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("the same batch again: %v, want %v", err, ledger.ErrFenced)
	}
	if _, err := l.Outcome(t.Context(), db, 3, 5); err == nil {
		t.Error("an offset nobody can explain is no error")
	}
	next := claim(t, db, member("a", time.Hour), 0)
	if next.Next != 10 || next.MaxEvent != b.MaxEvent || !next.HasMax || next.ClusterID != "c" || next.TopicID != "t" {
		t.Errorf("the next lease %+v does not go on where the batch ended", next)
	}
	if err := commit(t, c, l, &ledger.Batch{First: 10, Next: 11, MinTime: ledger.NoTime, MaxTime: ledger.NoTime}); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("a batch of the old epoch: %v, want %v", err, ledger.ErrFenced)
	}
	if _, err := l.Outcome(t.Context(), db, 10, 11); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("outcome under the old epoch: %v, want %v", err, ledger.ErrFenced)
	}
}

func TestBeatRenewsWhatIsHeldAndSeesTheOthers(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0, 1: 0, 2: 0})
	a, b := member("a", time.Minute), member("b", time.Minute)
	l0, l1 := claim(t, db, a, 0), claim(t, db, a, 1)
	if _, err := db.Exec(t.Context(), "update dag.stream_offsets set lease_until = clock_timestamp() + interval '1 ms'"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Beat(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "insert into dag.stream_members values ($1, 'lapsed', now() - interval '1 second'), ($1, 'forgotten', now() - interval '1 hour')", job); err != nil {
		t.Fatal(err)
	}
	lost := l1
	lost.Epoch-- // as if another had claimed it
	v, err := a.Beat(t.Context(), db, []ledger.Held{{Partition: 0, Epoch: l0.Epoch, LogEnd: 50}, {Partition: 1, Epoch: lost.Epoch, LogEnd: 60}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, v.Members); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	var live []int
	for _, p := range v.Partitions {
		if p.Live {
			live = append(live, p.Partition)
		}
	}
	if !slices.Equal(live, []int{0}) || v.Partitions[0].LogEnd != 50 || v.Partitions[1].LogEnd != 0 {
		t.Errorf("renewed %v, want 0 only: %+v", live, v.Partitions)
	}
	if err := b.Leave(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if v, err = a.Beat(t.Context(), db, nil); err != nil || len(v.Members) != 1 {
		t.Errorf("members after b has left: %v, %v", v.Members, err)
	}
}

// A batch that takes long holds its row's lock. Neither renewing nor claiming waits for it, and the lock keeps others away.
func TestSlowBatchKeepsItsPartition(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0})
	a, b := member("a", 50*time.Millisecond), member("b", time.Hour)
	l := claim(t, db, a, 0)
	c := conn(t, db).Conn()
	q := &pgx.Batch{}
	q.Queue("begin")
	l.QueueGuard(q, 0)
	if err := c.SendBatch(t.Context(), q).Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.Beat(t.Context(), db, []ledger.Held{{Partition: 0, Epoch: l.Epoch}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Millisecond) // longer than the lease
		refused(t, db, b, 0)
	}
	// As long as the member shows that it is alive, its session is left alone.
	alive := member("a", time.Hour)
	if _, err := alive.Beat(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Evict(t.Context(), db, []int{0}); err != nil || n != 0 {
		t.Fatalf("ended %d sessions of a live member, %v", n, err)
	}
	if err := alive.Leave(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Evict(t.Context(), db, []int{0}); err != nil || n != 1 {
		t.Fatalf("ended %d sessions of a dead member, %v; want 1", n, err)
	}
	for {
		if _, ok, err := b.Claim(t.Context(), db, 0); err != nil {
			t.Fatal(err)
		} else if ok {
			break
		}
	}
	if _, err := c.Exec(t.Context(), "commit"); err == nil {
		t.Error("the session that was ended could still commit")
	}
}

func TestAssignIsAgreedByAll(t *testing.T) {
	t.Parallel()
	parts := []int{0, 1, 2, 3, 4}
	for n := 1; n <= 7; n++ {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprint("m", i))
		}
		var all []int
		for _, m := range members {
			mine := ledger.Assign(members, parts, m)
			if len(mine) > (len(parts)+n-1)/n {
				t.Errorf("%d members: %s has %v", n, m, mine)
			}
			all = append(all, mine...)
		}
		slices.Sort(all)
		if !slices.Equal(all, parts) {
			t.Errorf("%d members share %v", n, all)
		}
	}
	if got := ledger.Assign(nil, parts, "x"); got != nil {
		t.Errorf("nobody's share is %v", got)
	}
}

func TestFoldKeepsTheSums(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0})
	l := claim(t, db, member("a", time.Hour), 0)
	c := conn(t, db).Conn()
	for i := range int64(300) {
		b := &ledger.Batch{First: i * 10, Next: i*10 + 10, Inserted: 7, Duplicates: 3, Conflicts: []ledger.Conflict{{Offset: i*10 + 9}}, MinTime: ledger.NoTime, MaxTime: i}
		if err := commit(t, c, l, b); err != nil {
			t.Fatal(err)
		}
	}
	// One batch a minute over the last five hours.
	if _, err := db.Exec(t.Context(), "update dag.stream_batches set committed_at = date_trunc('hour', now()) + interval '30 minutes' - (300 - batch_id) * interval '1 minute'"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Fold(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		var n, messages, conflicts, gaps int64
		err := db.QueryRow(t.Context(), `select count(*), sum(messages), sum(conflicts), count(*) filter (where following <> next_offset) from (
			select *, lead(first_offset) over (order by first_offset) as following from dag.stream_batches) b`).Scan(&n, &messages, &conflicts, &gaps)
		if err != nil {
			t.Fatal(err)
		}
		if n > 130 || messages != 3000 || conflicts != 300 || gaps != 0 {
			t.Errorf("%d entries with %d messages, %d conflicts and %d gaps; want few, 3000, 300 and none", n, messages, conflicts, gaps)
		}
	}
}

// What a person says of dead letters means these and no others, and dropping them keeps the account.
func TestDeadLettersByFilter(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	ensure(t, db, map[int]int64{0: 0})
	l := claim(t, db, member("a", time.Hour), 0)
	letter := func(offset int64, reason string) ledger.Letter {
		return ledger.Letter{Offset: offset, Value: []byte("{}"), Reason: reason, EventTime: ledger.NoTime, Watermark: ledger.NoTime}
	}
	b := &ledger.Batch{First: 0, Next: 4, Inserted: 1, MinTime: ledger.NoTime, MaxTime: ledger.NoTime,
		Dead: []ledger.Letter{letter(1, "amount: 100% too much"), letter(2, "amount: missing"), letter(3, "not JSON")}}
	if err := commit(t, conn(t, db).Conn(), l, b); err != nil {
		t.Fatal(err)
	}
	one, two := 1, int64(2)
	for name, c := range map[string]struct {
		f    ledger.DeadFilter
		want []int64
	}{
		"all":                 {ledger.DeadFilter{}, []int64{1, 2, 3}},
		"part_of_the_reason":  {ledger.DeadFilter{Reason: "AMOUNT"}, []int64{1, 2}},
		"sign_of_percent":     {ledger.DeadFilter{Reason: "0% t"}, []int64{1}},
		"pattern_is_whole":    {ledger.DeadFilter{Reason: "amount*missing"}, []int64{2}},
		"pattern_not_a_part":  {ledger.DeadFilter{Reason: "mount*"}, nil},
		"offset":              {ledger.DeadFilter{Offset: &two}, []int64{2}},
		"another_partition":   {ledger.DeadFilter{Partition: &one}, nil},
		"another_topic":       {ledger.DeadFilter{Topic: "other"}, nil},
		"since_before":        {ledger.DeadFilter{Since: time.Now().Add(-time.Hour)}, []int64{1, 2, 3}},
		"since_after":         {ledger.DeadFilter{Since: time.Now().Add(time.Hour)}, nil},
		"job_and_its_reasons": {ledger.DeadFilter{Job: job, Reason: "json"}, []int64{3}},
	} {
		got, err := ledger.DeadLetters(t.Context(), db, c.f, 10)
		if err != nil {
			t.Fatal(err)
		}
		var offsets []int64
		for _, d := range got {
			offsets = append(offsets, d.Offset)
		}
		if !slices.Equal(offsets, c.want) {
			t.Errorf("%s: %v, want %v", name, offsets, c.want)
		}
	}
	if n, err := ledger.DropDead(t.Context(), db, ledger.DeadFilter{Reason: "amount"}); err != nil || n != 2 {
		t.Fatalf("dropped %d, %v; want 2", n, err)
	}
	accounts, differences, err := ledger.Audit(t.Context(), db, job)
	if err != nil || len(differences) > 0 {
		t.Errorf("after dropping: %v %v", differences, err)
	}
	if len(accounts) != 1 || accounts[0].Dropped != 2 || accounts[0].Dead != 1 || accounts[0].Messages != 4 {
		t.Errorf("accounts after dropping: %+v", accounts)
	}
}
