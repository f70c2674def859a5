package stream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/dag/run"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
	"tillflow/sql"
)

// A state is noted when it begins, every ten seconds while it goes on, and when it ends; nothing is sent otherwise.
func TestTroublesAreToldOnChange(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	r := &rig{t: t, db: db}
	now := day
	tr := newTroubles("stream.test", func() time.Time { return now })
	m := ledger.Member{Job: "stream.test", Topic: "t"}
	rows := func() []string {
		t.Helper()
		if err := tr.tell(t.Context(), m, db); err != nil {
			t.Fatal(err)
		}
		return r.texts(`select partition, kind, count, example, round(extract(epoch from last_seen - first_seen)), cleared_at is not null
			from dag.stream_problems order by 1, 2`)
	}
	same := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, rows()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		if q, _ := tr.news(m); q.Len() != 0 {
			t.Errorf("%s: %d statements although nothing has changed", what, q.Len())
		}
	}
	var offset int64 = 7
	tr.see("write/0", -1, diskFull, "no space", nil)
	tr.see("write/1", -1, diskFull, "no space either", nil)
	tr.see("partition 3", 3, gone, "removed", &offset)
	same("begun", `(-1,disk-full,2,"no space",0,f)`, `(3,retention-passed,1,removed,0,f)`)
	now = now.Add(9 * time.Second)
	tr.see("write/0", -1, diskFull, "no space", nil)
	same("soon after", `(-1,disk-full,2,"no space",0,f)`, `(3,retention-passed,1,removed,0,f)`)
	now = now.Add(2 * time.Second)
	tr.see("write/0", -1, diskFull, "no space", nil)
	same("a while after", `(-1,disk-full,4,"no space",11,f)`, `(3,retention-passed,1,removed,0,f)`)
	if got := tr.note(); got != "disk full since 12:00:00" {
		t.Errorf("the note is %q", got)
	}
	tr.over("write/0")
	same("one of two is well", `(-1,disk-full,4,"no space",11,f)`, `(3,retention-passed,1,removed,0,f)`)
	tr.see("write/1", -1, lockWait, "canceling", nil) // another state: it is in the first one no more
	same("another state", `(-1,disk-full,4,"no space",11,t)`, `(-1,lock-timeout,1,canceling,0,f)`, `(3,retention-passed,1,removed,0,f)`)
	tr.over("write/1")
	tr.clear(3, readingKinds)
	same("all is well", `(-1,disk-full,4,"no space",11,t)`, `(-1,lock-timeout,1,canceling,0,t)`, `(3,retention-passed,1,removed,0,t)`)
	if got := tr.note(); got != "" {
		t.Errorf("the note is %q", got)
	}
	now = now.Add(time.Hour)
	tr.see("write/0", -1, diskFull, "again", nil)
	same("it begins anew", `(-1,disk-full,1,again,0,f)`, `(-1,lock-timeout,1,canceling,0,t)`, `(3,retention-passed,1,removed,0,t)`)

	// The process that noted it is gone; another one that works ends the state.
	r.exec("update dag.stream_problems set last_seen = last_seen - interval '2 minutes'")
	if err := m.Sweep(t.Context(), db, passingKinds, nil); err != nil {
		t.Fatal(err)
	}
	if n := r.number("select count(*) from dag.stream_problems where cleared_at is null"); n != 0 {
		t.Errorf("%d states are left open", n)
	}
}

func TestKindOfTrouble(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]kind{
		"53100": diskFull, "53200": noMemory, "53300": noSlots, "55P03": lockWait, "57014": tooSlow, "25006": readOnly,
		"40P01": rolledBack, "40001": rolledBack, "57P01": postgresAway, "57P03": postgresAway, "08006": postgresAway,
	} {
		if got := kindOf(fmt.Errorf("write: %w", &pgconn.PgError{Code: code}), kafkaSide); got != want {
			t.Errorf("%s is %s, want %s", code, got, want)
		}
	}
	if got := kindOf(errors.New("connection refused"), postgresSide); got != postgresAway {
		t.Errorf("Postgres that does not answer is %s", got)
	}
	if got := kindOf(errors.New("connection refused"), kafkaSide); got != brokerAway {
		t.Errorf("a broker that does not answer is %s", got)
	}
}

// Every state says what to do.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, k := range append(append(append([]string{string(rowByRow), string(grown)}, passingKinds...), readingKinds...), writingKinds...) {
		got := advice(kind(k), "stream.test", 3)
		if len(got) < 20 || k != string(failed) && got == advice(failed, "stream.test", 3) {
			t.Errorf("%s: %q", k, got)
		}
	}
}

// state waits until the ledger has a state of trouble, open or over.
func (r *rig) state(k kind, open bool) {
	r.t.Helper()
	r.until(fmt.Sprintf("%s with open=%v", k, open), func() bool {
		return r.number("select count(*) from dag.stream_problems where kind = $1 and (cleared_at is null) = $2", string(k), open) == 1
	})
}

// A broker that is away, and a batch whose statements are cancelled, are states that one can see while they last.
func TestTroubleIsVisibleWhileItLasts(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	u, err := url.Parse(r.db.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("statement_timeout", "2000") // of the stream's sessions only
	u.RawQuery = q.Encode()
	hasty, err := pg.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	state := t.TempDir()
	begin := func(port int) {
		t.Helper()
		k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{State: state, Port: port, Partitions: 1})
		if err != nil {
			t.Fatal(err)
		}
		r.kafka = k
		r.addr = k.Brokers()
	}
	end := func() {
		t.Helper()
		if err := r.kafka.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	begin(0)
	port := r.kafka.Port()
	r.client = openClient(t, r.addr)
	if err := r.client.EnsureTopic(t.Context(), r.with.Topic, 1); err != nil {
		t.Fatal(err)
	}
	end()
	work := r.start("a", func(_ *With, d *Deps) { d.DB = hasty })
	r.state(brokerAway, true) // also before anything was read
	begin(port)
	r.state(brokerAway, false)
	r.send(0, makeSale(1, 0))
	r.caughtUp()
	end()
	r.state(brokerAway, true)
	begin(port)
	r.state(brokerAway, false)

	tx, err := r.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "lock table transactions in share mode"); err != nil {
		t.Fatal(err)
	}
	r.send(0, makeSale(2, 0))
	r.state(tooSlow, true)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.caughtUp()
	r.state(tooSlow, false)
	work.stop()
	r.verify()
	end()
}

// While Postgres is away the note of the stream's progress says so; when it is back the ledger knows since when it was.
func TestPostgresAwayIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	dir, err := os.MkdirTemp("", "tillflow-stream-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // the server's account has to pass
		t.Fatal(err)
	}
	server := func(port int) *embedded.Postgres {
		t.Helper()
		s, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: dir, Port: port, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := server(0)
	port := s.Port()
	if r.db, err = pg.Open(t.Context(), s.SocketURL()); err != nil {
		t.Fatal(err)
	}
	defer func() { r.db.Close() }()
	if _, err := pg.Migrate(t.Context(), r.db, sql.Migrations); err != nil {
		t.Fatal(err)
	}
	r.dims(4, 3)
	var mu sync.Mutex
	var note string
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	j := r.job("a")
	go func() {
		_, err := j.Run(ctx, run.Input{Drain: 5 * time.Second, Progress: func(p run.Progress) {
			mu.Lock()
			defer mu.Unlock()
			note = p.Note
		}})
		ended <- err
	}()
	r.send(0, makeSale(1, 0))
	r.caughtUp()
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for said := false; !said; {
		mu.Lock()
		said = strings.Contains(note, "postgres away since ")
		mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("the note is %q", note)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s = server(port)
	r.until("answering", func() bool { return r.db.Ping(t.Context()) == nil })
	r.state(postgresAway, false)
	r.send(0, makeSale(2, 0))
	r.caughtUp()
	cancel(run.ErrStop)
	if err := <-ended; !errors.Is(err, run.ErrStop) {
		t.Errorf("the stream ended with %v", err)
	}
	r.verify()
	r.db.Close()
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func openClient(t testing.TB, addr []string) *kafkasrc.Client {
	t.Helper()
	client, err := kafkasrc.Open(addr, kafkasrc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
